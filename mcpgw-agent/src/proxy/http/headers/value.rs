//! A header's value as text: plain, or wrapped as `=?base64?…?=`.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;

use crate::json::{Kind, Value};

/// Largest integer that every reader of JSON keeps exactly.
const INTEGER_MAX: f64 = 9_007_199_254_740_991.0;

/// The text `value` stands for; `None` where it is malformed. It is unwrapped once: what comes out may look wrapped again.
pub(super) fn text(value: &HeaderValue) -> Option<Cow<'_, str>> {
    let value = value.to_str().ok()?.trim_matches([' ', '\t']);
    let Some(wrapped) = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) else {
        return Some(Cow::Borrowed(value));
    };
    let bytes = STANDARD.decode(wrapped).ok()?;
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// The header says what the body has: text letter by letter, integers as numbers, truth values by their names.
pub(super) fn says(header: &HeaderValue, body: Value<'_>) -> bool {
    let Some(text) = text(header) else { return false };
    match body.kind() {
        Kind::String => body.as_str().as_deref() == Some(&*text),
        Kind::Number => body.as_number().is_some_and(|number| is_same_integer(&text, number)),
        Kind::True => text == "true",
        Kind::False => text == "false",
        Kind::Null | Kind::Array | Kind::Object => false,
    }
}

fn is_same_integer(header: &str, body: &str) -> bool {
    let digits = header.strip_prefix('-').unwrap_or(header);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_decimal = !whole.is_empty()
        && whole.bytes().all(|byte| byte.is_ascii_digit())
        && !fraction.is_empty()
        && fraction.bytes().all(|byte| byte == b'0');
    let (Ok(header), Ok(body)) = (header.parse::<f64>(), body.parse::<f64>()) else { return false };
    // Both are integers that a double keeps exactly: they are equal or at least one apart.
    is_decimal && body.fract() == 0.0 && header.abs() <= INTEGER_MAX && (header - body).abs() < 0.5
}
