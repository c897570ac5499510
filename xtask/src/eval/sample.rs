//! Labelled samples.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// Labels of samples in which there is something to find. Of a change of a definition that is any: whether it is a good one
/// is for whoever approved the definition to say.
const POSITIVE: [&str; 7] =
    ["malicious", "poisoned", "secret", "destructive", "pii", "malicious_change", "benign_change"];

/// What a file's samples are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Set {
    /// Instructions to the model in texts.
    Injection,
    /// Definitions of tools.
    Poisoning,
    /// Definitions of tools, before and after a change.
    Pins,
    /// Keys, tokens, passwords.
    Secrets,
    /// Personal data.
    Pii,
    /// Commands that destroy.
    Destructive,
}

impl Set {
    /// By what its samples have and how they are labelled; by the file's name where no label tells.
    pub(crate) fn of(file: &Path, samples: &[Sample]) -> Option<Self> {
        let has = |key| samples.iter().any(|sample| sample.fields.get(key).is_some());
        if has("before") {
            return Some(Self::Pins);
        }
        if has("tool") && !has("text") {
            return Some(Self::Poisoning);
        }
        let labelled = |label: &str| samples.iter().any(|sample| sample.text("label") == label);
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let by_label = [
            ("secret", "secret", Self::Secrets),
            ("pii", "pii", Self::Pii),
            ("destructive", "destruct", Self::Destructive),
            ("malicious", "injection", Self::Injection),
        ];
        let found = by_label.iter().find(|(label, _, _)| labelled(label));
        found.or_else(|| by_label.iter().find(|(_, part, _)| name.contains(part))).map(|(_, _, set)| *set)
    }

    /// What `inspect --kind` calls its samples.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Injection | Self::Secrets | Self::Pii => "result",
            Self::Destructive => "arguments",
            Self::Poisoning => "tool",
            Self::Pins => "pin",
        }
    }

    /// The detectors whose findings count.
    pub(crate) fn detectors(self) -> &'static [&'static str] {
        match self {
            Self::Injection => &["injection"],
            Self::Poisoning => &["poisoning", "injection"],
            Self::Pins => &["pins"],
            Self::Secrets => &["secrets"],
            Self::Pii => &["pii"],
            Self::Destructive => &["destructive"],
        }
    }
}

/// A line of a file.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    fields: Value,
    /// Stands for the member `after`, as it is spelled here.
    after: Option<String>,
}

impl Sample {
    pub(crate) fn text(&self, key: &str) -> &str {
        self.fields.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// There is something to find.
    pub(crate) fn is_positive(&self) -> bool {
        POSITIVE.contains(&self.text("label"))
    }

    /// The definition before a change, and the same spelled otherwise: nothing to find.
    pub(crate) fn respelled(&self) -> Option<Self> {
        let before = self.fields.get("before")?.clone();
        let id = format!("{}/respelled", self.text("id"));
        let fields = json!({ "id": id, "source": "respelled", "before": before });
        Some(Self { fields, after: Some(respell(&before)) })
    }

    /// Bytes that are looked at.
    pub(crate) fn size(&self) -> usize {
        let of = |key| match self.fields.get(key) {
            Some(Value::String(text)) => text.len(),
            Some(other) => other.to_string().len(),
            None => 0,
        };
        of("text") + of("tool") + of("after")
    }

    /// Characters of what is to be found, from and to; nothing where that is not said.
    pub(crate) fn spans(&self) -> Vec<(u64, u64)> {
        let spans = self.fields.get("spans").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let span = |span: &Value| {
            let ends = span.get("span")?;
            Some((ends.get(0)?.as_u64()?, ends.get(1)?.as_u64()?))
        };
        spans.iter().filter_map(span).collect()
    }

    /// The line `inspect` gets: nothing of it says what is to be found.
    pub(crate) fn line(&self) -> String {
        let member = |key: &str| {
            let own = self.fields.get(key).map(Value::to_string);
            let spelled = if key == "after" { self.after.clone().or(own) } else { own };
            spelled.map(|value| format!("{}:{}", json!(key), value.replace('\n', " ")))
        };
        let members: Vec<String> =
            ["id", "text", "tool", "before", "after"].into_iter().filter_map(member).collect();
        format!("{{{}}}", members.join(","))
    }
}

/// The same value in other words: members in the opposite order, other white space.
fn respell(value: &Value) -> String {
    let list = |parts: Vec<String>| parts.join(" ,\n\t");
    match value {
        Value::Object(members) => {
            let member = |(key, value): (&String, &Value)| format!("{} : {}", json!(key), respell(value));
            format!("{{ {} }}", list(members.iter().rev().map(member).collect()))
        }
        Value::Array(elements) => format!("[ {} ]", list(elements.iter().map(respell).collect())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

/// Reads a file.
///
/// # Errors
/// When it cannot be read, or a line is no JSON.
pub(crate) fn read(file: &Path) -> Result<Vec<Sample>> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let lines = text.split('\n').enumerate().filter(|(_, line)| !line.trim().is_empty());
    let sample = |(number, line): (usize, &str)| {
        let value = serde_json::from_str(line);
        value
            .map(|fields| Sample { fields, after: None })
            .with_context(|| format!("{}:{}", file.display(), number + 1))
    };
    lines.map(sample).collect()
}
