//! What the model learns from: files of the corpora's form, and the grammar's sentences.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

/// A text and what it is.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) text: String,
    pub(crate) attack: bool,
    /// `tier` of the corpora, `grammar`, `side`.
    pub(crate) tier: String,
    pub(crate) source: String,
    /// What must not be on both sides of a split.
    pub(crate) group: String,
}

/// The main file.
const MAIN: &str = "injection_eval_dev.jsonl";
/// Whose texts without attacks are texts without instructions too.
const BESIDE: [&str; 3] = ["secrets_eval_dev.jsonl", "pii_eval_dev.jsonl", "destructive_eval_dev.jsonl"];
const TOOLS: &str = "tool_poisoning_eval_dev.jsonl";

/// Reads all samples beneath `folder`.
///
/// # Errors
/// Where a file is not there or not of the form.
pub(crate) fn read(folder: &Path) -> Result<Vec<Sample>> {
    let mut samples = Vec::new();
    for line in lines(folder, MAIN)? {
        let word = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        samples.push(Sample {
            text: word("text"),
            attack: word("label") == "malicious",
            tier: word("tier"),
            source: word("source"),
            group: word("split_key"),
        });
    }
    for file in BESIDE {
        for line in lines(folder, file)? {
            let word = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            samples.push(Sample {
                text: word("text"),
                attack: false,
                tier: "side".to_owned(),
                source: format!("{}:{}", file.trim_end_matches("_eval_dev.jsonl"), word("source")),
                group: word("split_key"),
            });
        }
    }
    for line in lines(folder, TOOLS)? {
        let word = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut text = String::new();
        strings(line.get("tool").unwrap_or(&Value::Null), &mut text);
        samples.push(Sample {
            text,
            attack: word("label") == "poisoned",
            tier: "side".to_owned(),
            source: format!("tool:{}", word("source")),
            group: word("split_key"),
        });
    }
    Ok(samples)
}

fn lines(folder: &Path, name: &str) -> Result<Vec<Value>> {
    let path = folder.join(name);
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    text.lines().map(|line| serde_json::from_str(line).with_context(|| name.to_owned())).collect()
}

/// Every text of a definition that is meant to be read.
fn strings(value: &Value, into: &mut String) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text)
                        if matches!(name.as_str(), "description" | "title" | "default" | "const") =>
                    {
                        into.push_str(text);
                        into.push('\n');
                    }
                    Value::Null
                    | Value::Bool(_)
                    | Value::Number(_)
                    | Value::String(_)
                    | Value::Array(_)
                    | Value::Object(_) => strings(value, into),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| match value {
            Value::String(text) if text.len() > 24 => {
                into.push_str(text);
                into.push('\n');
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => strings(value, into),
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
