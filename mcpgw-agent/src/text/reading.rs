//! A reading, and the way back to the text as it came.

use std::ops::Range;

use super::made::Map;

/// How a reading was made out of the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layer {
    /// NFKC, invisible characters gone, look-alikes of ASCII replaced by it, blanks in a row made one.
    Folded,
    /// Letters that were set apart, one by one, put together.
    Spelled,
    /// What Unicode tag characters stand for.
    Tags,
    /// The bytes that variation selectors stand for.
    Selectors,
    /// Percent-decoded.
    Percent,
    /// HTML's character references resolved.
    Html,
    /// Backslash escapes resolved.
    Escapes,
    /// Out of base64, either alphabet.
    Base64,
    /// Out of base32.
    Base32,
    /// Out of hexadecimal digits.
    Hex,
    /// Inflated: gzip or zlib.
    Gzip,
    /// Each letter by the one 13 places on, where the text speaks of it.
    Rot13,
}

impl Layer {
    /// Its word in records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Folded => "folded",
            Self::Spelled => "spelled",
            Self::Tags => "tags",
            Self::Selectors => "selectors",
            Self::Percent => "percent",
            Self::Html => "html",
            Self::Escapes => "escapes",
            Self::Base64 => "base64",
            Self::Base32 => "base32",
            Self::Hex => "hex",
            Self::Gzip => "gzip",
            Self::Rot13 => "rot13",
        }
    }
}

/// Layers a reading remembers; there are never more.
const LAYERS: usize = 24;

/// The layers of a reading, outermost first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layers {
    list: [Layer; LAYERS],
    len: usize,
}

impl Layers {
    pub(super) const NONE: Self = Self { list: [Layer::Folded; LAYERS], len: 0 };

    pub(super) fn with(mut self, layer: Layer) -> Self {
        if let Some(slot) = self.list.get_mut(self.len) {
            *slot = layer;
            self.len += 1;
        }
        self
    }

    fn as_slice(&self) -> &[Layer] {
        self.list.get(..self.len).unwrap_or_default()
    }
}

/// One reading of a text.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    pub(super) text: &'a str,
    pub(super) layers: Layers,
    /// What it was made of, and how; nothing for the text as it came.
    pub(super) made_of: Option<(&'a Reading<'a>, &'a Map)>,
    /// See [`is_respaced`](Self::is_respaced).
    pub(super) respaced: bool,
}

impl<'a> Reading<'a> {
    pub(crate) fn as_it_came(text: &'a str) -> Self {
        Self { text, layers: Layers::NONE, made_of: None, respaced: false }
    }

    /// What is read.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// How it was made, outermost layer first; empty for the text as it came.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        self.layers.as_slice()
    }

    /// Is this the text as it came?
    #[must_use]
    pub fn is_as_it_came(&self) -> bool {
        self.made_of.is_none()
    }

    /// It has fewer blanks than the reading it was made of, and the same words.
    #[must_use]
    pub fn is_respaced(&self) -> bool {
        self.respaced
    }

    /// The bytes of the text as it came that `range` of this reading comes from: all of them, from one boundary of
    /// characters to another. What lies outside the reading is cut off.
    #[must_use]
    pub fn origin(&self, range: Range<usize>) -> Range<usize> {
        let mut range = snap(self.text, range);
        let mut at = self;
        // As many steps as there are layers.
        while let Some((of, map)) = at.made_of {
            range = snap(of.text, map.origin(range));
            at = of;
        }
        range
    }
}

/// `range` within `text`, widened to where characters begin and end.
fn snap(text: &str, range: Range<usize>) -> Range<usize> {
    let start = text.floor_char_boundary(range.start);
    start..text.ceil_char_boundary(range.end.max(start))
}
