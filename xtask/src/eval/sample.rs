//! Labelled samples.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// Labels of samples in which there is something to find.
const POSITIVE: [&str; 5] = ["malicious", "poisoned", "secret", "destructive", "pii"];

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
        let has = |key| samples.iter().any(|sample| sample.0.get(key).is_some());
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
pub(crate) struct Sample(Value);

impl Sample {
    pub(crate) fn text(&self, key: &str) -> &str {
        self.0.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// There is something to find.
    pub(crate) fn is_positive(&self) -> bool {
        POSITIVE.contains(&self.text("label"))
    }

    /// Bytes that are looked at.
    pub(crate) fn size(&self) -> usize {
        let of = |key| match self.0.get(key) {
            Some(Value::String(text)) => text.len(),
            Some(other) => other.to_string().len(),
            None => 0,
        };
        of("text") + of("tool") + of("after")
    }

    /// Characters of what is to be found, from and to; nothing where that is not said.
    pub(crate) fn spans(&self) -> Vec<(u64, u64)> {
        let spans = self.0.get("spans").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let span = |span: &Value| {
            let ends = span.get("span")?;
            Some((ends.get(0)?.as_u64()?, ends.get(1)?.as_u64()?))
        };
        spans.iter().filter_map(span).collect()
    }

    /// The line `inspect` gets: nothing of it says what is to be found.
    pub(crate) fn line(&self) -> String {
        let mut line = json!({ "id": self.0.get("id").cloned().unwrap_or_default() });
        for key in ["text", "tool", "before", "after"] {
            if let (Some(value), Some(line)) = (self.0.get(key), line.as_object_mut()) {
                line.insert(key.to_owned(), value.clone());
            }
        }
        line.to_string()
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
        value.map(Sample).with_context(|| format!("{}:{}", file.display(), number + 1))
    };
    lines.map(sample).collect()
}
