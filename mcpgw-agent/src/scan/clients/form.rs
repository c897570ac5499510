//! The forms configuration files have: JSON with comments or without, TOML, YAML. Pure.

use std::path::Path;

use bytes::Bytes;

use super::comments::without_comments;
use crate::json::{Document, Limits};
use crate::yaml;

/// Bytes of a file that is TOML or YAML: people write these, and their readers take more time and room than JSON's.
const WRITTEN_MAX: usize = 1 << 20;

/// What the file at `path` holds.
///
/// # Errors
/// What is wrong with it, for a person, without a word of what it holds.
pub(super) fn document(path: &Path, bytes: Vec<u8>) -> Result<Document, String> {
    let limits = Limits::default();
    let read = match path.extension().and_then(|extension| extension.to_str()) {
        Some("toml") => from_toml(&written(&bytes)?)?,
        Some("yaml" | "yml") => from_yaml(&written(&bytes)?)?,
        Some(_) | None => {
            let strict = Document::parse(Bytes::copy_from_slice(&bytes), &limits);
            let document = strict.or_else(|_| Document::parse(without_comments(&bytes).into(), &limits));
            return document.map_err(|error| error.to_string());
        }
    };
    let text = serde_json::to_vec(&read).map_err(|error| error.to_string())?;
    Document::parse(text.into(), &limits).map_err(|error| error.to_string())
}

fn written(bytes: &[u8]) -> Result<String, String> {
    if bytes.len() > WRITTEN_MAX {
        return Err(format!("it is longer than {WRITTEN_MAX} bytes"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_not| "it is no UTF-8".to_owned())?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned())
}

fn from_toml(text: &str) -> Result<serde_json::Value, String> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().and_then(|span| text.get(..span.start)).map(|before| before.lines().count());
        // What it says of the text may have a piece of it.
        line.map_or_else(
            || "it is no TOML".to_owned(),
            |line| format!("it is no TOML at line {}", line.max(1)),
        )
    })
}

fn from_yaml(text: &str) -> Result<serde_json::Value, String> {
    let read = yaml::parse(text).map_err(|fault| match fault.place {
        Some(place) => format!("it is no YAML at line {}", place.line),
        None => "it is no YAML".to_owned(),
    })?;
    Ok(read.unwrap_or(serde_json::Value::Null))
}
