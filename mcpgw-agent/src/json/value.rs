//! Reading a document's values.

use std::borrow::Cow;
use std::ops::Range;

use super::{Document, Node};

/// JSON's kinds of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `null`
    Null,
    /// `true`
    True,
    /// `false`
    False,
    /// A number, as it is spelled.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// One value of a [`Document`].
#[derive(Debug, Clone, Copy)]
pub struct Value<'d> {
    document: &'d Document,
    index: usize,
}

impl<'d> Value<'d> {
    pub(super) fn new(document: &'d Document, index: usize) -> Self {
        Self { document, index }
    }

    #[inline]
    fn node(self) -> Node {
        self.document.node(self.index)
    }

    /// Its place in the document's index; [`Value::at`] finds it again.
    #[must_use]
    pub fn index(self) -> usize {
        self.index
    }

    /// The place in the index behind it and all it holds.
    #[must_use]
    pub fn end(self) -> usize {
        usize::try_from(self.node().next).unwrap_or(usize::MAX)
    }

    /// The value at `index` of `document`.
    #[must_use]
    pub fn at(document: &'d Document, index: usize) -> Self {
        Self { document, index }
    }

    /// What it is.
    #[must_use]
    #[inline]
    pub fn kind(self) -> Kind {
        self.node().kind
    }

    /// The bytes of the document it takes.
    #[must_use]
    pub fn span(self) -> Range<usize> {
        let Node { start, end, .. } = self.node();
        usize::try_from(start).unwrap_or(0)..usize::try_from(end).unwrap_or(0)
    }

    /// Its text as it came.
    #[must_use]
    #[inline]
    pub fn raw(self) -> &'d str {
        let Node { start, end, .. } = self.node();
        self.document.text(start, end)
    }

    /// The decoded text of a string.
    #[must_use]
    #[inline]
    pub fn as_str(self) -> Option<Cow<'d, str>> {
        let Node { start, end, kind, escaped, .. } = self.node();
        (kind == Kind::String).then(|| decode(self.document.text(start + 1, end - 1), escaped))
    }

    /// A number as it is spelled.
    #[must_use]
    #[inline]
    pub fn as_number(self) -> Option<&'d str> {
        (self.kind() == Kind::Number).then(|| self.raw())
    }

    /// A truth value.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        match self.kind() {
            Kind::True => Some(true),
            Kind::False => Some(false),
            Kind::Null | Kind::Number | Kind::String | Kind::Array | Kind::Object => None,
        }
    }

    /// It is `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// It is an object.
    #[must_use]
    pub fn is_object(self) -> bool {
        self.kind() == Kind::Object
    }

    /// It is an array.
    #[must_use]
    pub fn is_array(self) -> bool {
        self.kind() == Kind::Array
    }

    /// An object's members in order; nothing for other values.
    #[must_use]
    pub fn members(self) -> Members<'d> {
        Members(self.inside(Kind::Object))
    }

    /// An array's elements in order; nothing for other values.
    #[must_use]
    pub fn elements(self) -> Elements<'d> {
        Elements(self.inside(Kind::Array))
    }

    /// The member of an object called `key`.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Self> {
        let nodes = self.document.nodes.as_slice();
        let object = nodes.get(self.index).filter(|node| node.kind == Kind::Object)?;
        let end = usize::try_from(object.next).unwrap_or(usize::MAX);
        // With its quotation marks.
        let length = key.len() + 2;
        let mut at = self.index + 1;
        while at < end
            && let Some([name, value, ..]) = nodes.get(at..)
        {
            // Most names are another by their length alone.
            let may_be = name.escaped || usize::try_from(name.end - name.start) == Ok(length);
            if may_be && self.document.is_string(name, key) {
                return Some(Self::new(self.document, at + 1));
            }
            at = usize::try_from(value.next).unwrap_or(usize::MAX);
        }
        None
    }

    #[inline]
    fn inside(self, kind: Kind) -> Inside<'d> {
        let node = self.node();
        let first = self.index + 1;
        let end = if node.kind == kind { usize::try_from(node.next).unwrap_or(first) } else { first };
        Inside { document: self.document, at: first, end }
    }
}

/// The values directly within another.
#[derive(Debug, Clone)]
struct Inside<'d> {
    document: &'d Document,
    at: usize,
    end: usize,
}

impl<'d> Iterator for Inside<'d> {
    type Item = Value<'d>;

    #[inline]
    fn next(&mut self) -> Option<Value<'d>> {
        if self.at >= self.end {
            return None;
        }
        let value = Value::new(self.document, self.at);
        self.at = usize::try_from(value.node().next).unwrap_or(usize::MAX);
        Some(value)
    }
}

/// Iterates over an object: its keys, which are strings, with their values.
#[derive(Debug, Clone)]
pub struct Members<'d>(Inside<'d>);

impl<'d> Iterator for Members<'d> {
    type Item = (Value<'d>, Value<'d>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        Some((self.0.next()?, self.0.next()?))
    }
}

/// Iterates over an array.
#[derive(Debug, Clone)]
pub struct Elements<'d>(Inside<'d>);

impl<'d> Iterator for Elements<'d> {
    type Item = Value<'d>;

    #[inline]
    fn next(&mut self) -> Option<Value<'d>> {
        self.0.next()
    }
}

/// The text a string's inside stands for. It has been checked: escapes are whole, surrogates paired.
#[inline]
pub(super) fn decode(inside: &str, escaped: bool) -> Cow<'_, str> {
    if escaped { Cow::Owned(unescape(inside)) } else { Cow::Borrowed(inside) }
}

#[inline(never)]
fn unescape(inside: &str) -> String {
    let mut text = String::with_capacity(inside.len());
    let mut rest = inside;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        let (plain, after) = (rest.get(..at).unwrap_or_default(), rest.get(at + 1..).unwrap_or_default());
        text.push_str(plain);
        let mut letters = after.chars();
        let letter = letters.next().unwrap_or_default();
        rest = letters.as_str();
        text.push(match letter {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => unicode(&mut rest),
            other => other,
        });
    }
    text.push_str(rest);
    text
}

/// The character of `XXXX` or `XXXX\uXXXX` at the start of `rest`, which moves behind it.
fn unicode(rest: &mut &str) -> char {
    let first = unit(rest).unwrap_or_default();
    let second = match (first, rest.strip_prefix("\\u")) {
        (0xd800..=0xdbff, Some(after)) => {
            *rest = after;
            unit(rest)
        }
        _ => None,
    };
    let units = std::iter::once(first).chain(second);
    char::decode_utf16(units).next().and_then(Result::ok).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn unit(rest: &mut &str) -> Option<u16> {
    let (digits, after) = rest.split_at_checked(4)?;
    *rest = after;
    u16::from_str_radix(digits, 16).ok()
}
