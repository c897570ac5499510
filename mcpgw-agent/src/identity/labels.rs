//! Labels: what whoever authenticated says of itself, for finding records again. No rule sees them.

use hyper::header::HeaderMap;
use serde_json::{Map, Value};

use crate::audit;
use crate::policy::Labels;

/// What headers with labels start with.
const PREFIX: &str = "x-mcpgw-label-";
/// Most labels of a session.
const COUNT_MAX: usize = 16;
/// Longest name, in bytes.
const NAME_MAX: usize = 64;
/// Longest value, in bytes.
const VALUE_MAX: usize = 256;

/// The labels of the claims `named`, and of headers for what no claim says. What is no name, no text, too long or has
/// characters that do not show is left out.
pub(super) fn of(claims: &Map<String, Value>, named: &[Box<str>], headers: &HeaderMap) -> Labels {
    let mut labels: Vec<(Box<str>, Box<str>)> = Vec::new();
    let mut add = |name: &str, value: &str| {
        let fits = is_name(name) && !value.is_empty() && value.len() <= VALUE_MAX;
        let shows = !value.chars().any(audit::is_hidden);
        if fits && shows && labels.len() < COUNT_MAX && labels.iter().all(|(known, _)| **known != *name) {
            // A name says what the value is; alone each may be something to hide.
            let value = if audit::hides(name, value) { audit::HIDDEN } else { value };
            labels.push((name.into(), value.into()));
        }
    };
    for name in named {
        match claims.get(&**name) {
            Some(Value::String(text)) => add(name, text),
            Some(Value::Number(number)) => add(name, &number.to_string()),
            Some(Value::Bool(truth)) => add(name, &truth.to_string()),
            Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => {}
        }
    }
    for (name, value) in headers {
        let (Some(name), Ok(value)) = (name.as_str().strip_prefix(PREFIX), value.to_str()) else { continue };
        add(name, value.trim());
    }
    Labels::new(labels)
}

fn is_name(name: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':' | b'/');
    !name.is_empty() && name.len() <= NAME_MAX && name.bytes().all(known) && !audit::hides("", name)
}
