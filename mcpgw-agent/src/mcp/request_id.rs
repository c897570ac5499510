//! JSON-RPC request ids, their type kept: `1` and `"1"` differ.

use std::fmt;

use crate::json::{Value, quote};

/// Longest id, in bytes of its decoded text.
pub const ID_MAX_BYTES: usize = 256;

/// The largest integer that is an id, either sign. Many peers read numbers as doubles, to which two beyond it may be one: the
/// answer to the one request would be that to the other.
const INTEGER_MAX: i128 = (1 << 53) - 1;

/// A request's id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestId {
    /// An integer that every reader of JSON tells from all others.
    Integer(i128),
    /// A string.
    String(Box<str>),
}

impl RequestId {
    /// The id `value` spells; `None` for what is none: fractions, exponents, `-0`, integers beyond 2^53 - 1, anything but
    /// numbers and strings, and strings too long.
    #[must_use]
    pub fn of(value: Value<'_>) -> Option<Self> {
        if let Some(spelling) = value.as_number() {
            let number: i128 = spelling.parse().ok()?;
            let fits = (-INTEGER_MAX..=INTEGER_MAX).contains(&number);
            return (fits && spelling != "-0").then_some(Self::Integer(number));
        }
        value.as_str().filter(|text| text.len() <= ID_MAX_BYTES).map(|text| Self::String(text.into()))
    }

    /// The id as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        match self {
            Self::Integer(number) => number.to_string(),
            Self::String(text) => quote(text),
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json())
    }
}
