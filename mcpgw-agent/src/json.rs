//! One JSON text, read strictly: an index of its values over the bytes as they came. Pure.
//!
//! Two parsers that read a text differently are how a forbidden call gets past a gateway, so what this module accepts
//! is what every parser reads alike: RFC 8259 to the letter, UTF-8, no duplicate keys (compared as decoded), no lone
//! surrogates, bounded in length, depth and number of values. Nothing is copied: a [`Value`] borrows from the bytes,
//! numbers keep their spelling, and what is to be changed is changed by [`Edit`]s of the bytes.
//!
//! ```text
//! bytes ─▶ parse ─▶ Document ─▶ Value (reading) ─▶ Edit (changing) ─▶ bytes
//! ```

mod edit;
mod parse;
mod path;
mod value;

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use tests::{any_json, any_json_of};

pub use edit::{Edit, apply, quote, remove_elements, replace};
pub use path::{Segment, path_to, write_path};
pub use value::{Elements, Kind, Members, Value};

use std::fmt;

use bytes::Bytes;
use bytestring::ByteString;

/// What a text may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes; never more than 1 GiB.
    pub bytes: usize,
    /// Objects and arrays within one another.
    pub depth: usize,
    /// Values and keys together.
    pub values: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 16 << 20, depth: 128, values: 2_000_000 }
    }
}

/// Why a text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Fault {
    /// Longer than [`Limits::bytes`].
    #[error("it is longer than the limit")]
    TooLong,
    /// Deeper than [`Limits::depth`].
    #[error("it is nested deeper than the limit")]
    TooDeep,
    /// More than [`Limits::values`].
    #[error("it has more values than the limit")]
    TooManyValues,
    /// It starts with a byte order mark.
    #[error("it starts with a byte order mark")]
    ByteOrderMark,
    /// Not UTF-8 (UTF-16 and UTF-32 included).
    #[error("it is not UTF-8")]
    NotUtf8,
    /// Not JSON.
    #[error("it is not JSON")]
    Syntax,
    /// Something follows the value.
    #[error("something follows its end")]
    TrailingBytes,
    /// A string holds half of a surrogate pair.
    #[error("a string has a lone surrogate")]
    LoneSurrogate,
    /// An object has two equal keys.
    #[error("an object has a key twice")]
    DuplicateKey,
}

/// A [`Fault`] and where it was noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{fault} (at byte {at})")]
pub struct Error {
    /// What is wrong.
    pub fault: Fault,
    /// Offset in bytes.
    pub at: usize,
}

/// A JSON text and the index of its values.
#[derive(Clone)]
pub struct Document {
    /// The bytes; that they are UTF-8 is checked once.
    text: ByteString,
    nodes: Vec<Node>,
}

impl Document {
    /// Reads `bytes`: one value, white space around it.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(bytes: Bytes, limits: &Limits) -> Result<Self, Error> {
        let (text, nodes) = parse::parse(bytes, limits, parse::Rigour::Strict)?;
        Ok(Self { text, nodes })
    }

    /// Reads what [`parse`](Self::parse) refuses though some parser takes it for JSON: keys may be there twice, surrogates
    /// alone, and what is no number among the numbers. Never to be passed on: to find out whom to tell of a refusal, and what
    /// a peer may read in a text.
    pub(crate) fn parse_lenient(bytes: Bytes, limits: &Limits) -> Result<Self, Error> {
        let (text, nodes) = parse::parse(bytes, limits, parse::Rigour::Lenient)?;
        Ok(Self { text, nodes })
    }

    /// The value.
    #[must_use]
    pub fn root(&self) -> Value<'_> {
        Value::new(self, 0)
    }

    /// The text as it came.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        self.text.as_bytes()
    }

    #[inline]
    fn node(&self, index: usize) -> Node {
        self.nodes.get(index).copied().unwrap_or(Node::NULL)
    }

    /// The string `node` stands for `text`.
    fn is_string(&self, node: &Node, text: &str) -> bool {
        let inside = self.text(node.start + 1, node.end - 1);
        if node.escaped { value::decode(inside, true) == text } else { inside == text }
    }

    #[inline]
    fn text(&self, start: u32, end: u32) -> &str {
        // Nodes end where characters do.
        let range = usize::try_from(start).unwrap_or(0)..usize::try_from(end).unwrap_or(0);
        self.text.get(range).unwrap_or_default()
    }
}

/// What it holds is nobody's business but the peers'.
impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("bytes", &self.text.len())
            .field("values", &self.nodes.len())
            .finish()
    }
}

/// A value or key, in the order of the text: an object's keys and values, an array's elements follow it.
#[derive(Debug, Clone, Copy)]
struct Node {
    start: u32,
    end: u32,
    /// Index of the first node that is not part of this value.
    next: u32,
    kind: Kind,
    /// A string with escapes.
    escaped: bool,
}

impl Node {
    const NULL: Self = Self { start: 0, end: 0, next: u32::MAX, kind: Kind::Null, escaped: false };
}
