//! One text for all spellings of a definition.

use std::borrow::Cow;

use crate::json::{Kind, Value, quote};

/// Where in a definition a value is: the same word means other things in a schema and in data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Within {
    /// Not in a schema.
    Definition,
    /// A schema: its members are keywords.
    Schema,
    /// Its members are names somebody chose, their values schemas.
    Names,
    /// A value to choose from: nothing in it is a keyword.
    Data,
}

/// A definition as one text, the same for every spelling: members in the order of their keys, no white space, numbers as
/// their exact decimal value, strings with the escapes they need, `required` and `type` of schemas in order.
#[must_use]
pub fn canonical(definition: Value<'_>) -> String {
    let mut text = String::with_capacity(definition.raw().len());
    write(definition, Within::Definition, &mut text);
    text
}

/// What a server's answer to `initialize` or `server/discover` says of the server itself: what it is called and its
/// instructions, but not its version, which may change with every release. The same server says the same either way: since
/// revision 2026-07-28 its name stands in the answer's `_meta`. Where both are there and differ, both count.
#[must_use]
pub fn canonical_identity(answer: Value<'_>) -> String {
    let own = answer.get("serverInfo").filter(|info| !info.is_null()).map(info);
    let in_meta =
        answer.get("_meta").and_then(|meta| meta.get(INFO_KEY)).filter(|info| !info.is_null()).map(info);
    let instructions = answer.get("instructions").map(|instructions| {
        let mut text = String::new();
        write(instructions, Within::Definition, &mut text);
        text
    });
    let (name, second) = match (own, in_meta) {
        (Some(own), in_meta) => (Some(own.clone()), in_meta.filter(|info| *info != own)),
        (None, in_meta) => (in_meta, None),
    };
    let mut text = String::from("{");
    for (key, value) in [("instructions", instructions), (INFO_KEY, second), ("serverInfo", name)] {
        let Some(value) = value else { continue };
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(&quote(key));
        text.push(':');
        text.push_str(&value);
    }
    text.push('}');
    text
}

/// Where in `_meta` a server says what it is called.
pub(super) const INFO_KEY: &str = "io.modelcontextprotocol/serverInfo";

/// What a server is called, without its version.
fn info(info: Value<'_>) -> String {
    let mut members = sorted(info);
    members.retain(|(key, _)| key != "version");
    let mut text = String::new();
    write_members(&members, Within::Definition, &mut text);
    text
}

/// As deep as the document, which is bounded.
fn write(value: Value<'_>, within: Within, text: &mut String) {
    match value.kind() {
        Kind::Null | Kind::True | Kind::False => text.push_str(value.raw()),
        Kind::Number => text.push_str(&number(value.raw())),
        Kind::String => text.push_str(&quote(&value.as_str().unwrap_or_default())),
        Kind::Array => {
            text.push('[');
            for (index, element) in value.elements().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(element, within, text);
            }
            text.push(']');
        }
        Kind::Object => write_members(&sorted(value), within, text),
    }
}

fn sorted(object: Value<'_>) -> Vec<(Cow<'_, str>, Value<'_>)> {
    let mut members: Vec<_> =
        object.members().map(|(key, value)| (key.as_str().unwrap_or_default(), value)).collect();
    members.sort_by(|(one, _), (other, _)| one.cmp(other));
    members
}

fn write_members(members: &[(Cow<'_, str>, Value<'_>)], within: Within, text: &mut String) {
    text.push('{');
    for (index, (key, value)) in members.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&quote(key));
        text.push(':');
        if is_set(within, key, *value) {
            write_set(*value, text);
        } else {
            write(*value, inner(within, key), text);
        }
    }
    text.push('}');
}

/// What the value of `key` is.
pub(super) fn inner(within: Within, key: &str) -> Within {
    match (within, key) {
        (Within::Definition, "inputSchema" | "outputSchema") | (Within::Names, _) => Within::Schema,
        (
            Within::Schema,
            "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas",
        ) => Within::Names,
        (Within::Schema, "enum" | "const" | "default" | "examples" | "example") => Within::Data,
        (Within::Definition, _) => Within::Definition,
        (Within::Schema, _) => Within::Schema,
        (Within::Data, _) => Within::Data,
    }
}

/// `required` and `type` of a schema list strings whose order means nothing.
pub(super) fn is_set(within: Within, key: &str, value: Value<'_>) -> bool {
    within == Within::Schema
        && matches!(key, "required" | "type")
        && value.is_array()
        && value.elements().all(|element| element.kind() == Kind::String)
}

fn write_set(array: Value<'_>, text: &mut String) {
    let mut elements: Vec<_> = array.elements().filter_map(Value::as_str).collect();
    elements.sort();
    let elements: Vec<_> = elements.iter().map(|element| quote(element)).collect();
    text.push('[');
    text.push_str(&elements.join(","));
    text.push(']');
}

/// A number's exact value: `1`, `1.0` and `10e-1` are `1`; what no float holds is kept. An exponent too large to
/// calculate with stays as it is spelled.
pub(super) fn number(spelled: &str) -> String {
    let (mantissa, exponent) = spelled.split_once(['e', 'E']).unwrap_or((spelled, "0"));
    let Ok(exponent) = exponent.parse::<i32>() else { return spelled.to_owned() };
    let (sign, digits) = mantissa.strip_prefix('-').map_or(("", mantissa), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return "0".to_owned();
    }
    let zeros = digits.len() - digits.trim_end_matches('0').len();
    let shift = i64::from(exponent) - length(fraction) + i64::try_from(zeros).unwrap_or(0);
    match shift {
        0 => format!("{sign}{significant}"),
        // Small round numbers are shown as people write them.
        1..=20 => format!("{sign}{significant}{}", "0".repeat(usize::try_from(shift).unwrap_or(0))),
        _ => format!("{sign}{significant}e{shift}"),
    }
}

fn length(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}
