//! Where a text stands in its message.

use std::borrow::Cow;
use std::fmt;

use super::frame::{Frame, Place};
use crate::json::{Segment, Value, write_path};

/// A path from the root of the message: `params.arguments.files[2]`. It is made of what the walk has open, and costs
/// nothing until it is asked.
#[derive(Debug, Clone, Copy)]
pub struct Path<'v, 'm>(&'v [Frame<'m>]);

impl<'v, 'm> Path<'v, 'm> {
    pub(super) fn new(frames: &'v [Frame<'m>]) -> Self {
        Self(frames)
    }

    /// Its steps, from the root.
    pub fn segments(self) -> impl Iterator<Item = Segment<'m>> {
        self.0.iter().map(|frame| match frame.at {
            Place::Key(key) => Segment::Key(key.as_str().unwrap_or_default()),
            Place::Index(index) => Segment::Index(index),
        })
    }

    /// How many steps it has; never 0.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "no text is the message itself")]
    pub fn len(self) -> usize {
        self.0.len()
    }

    /// The last member's name on it.
    #[must_use]
    pub fn key(self) -> Option<Cow<'m, str>> {
        self.key_value().and_then(Value::as_str)
    }

    /// The last member's name on it, not decoded yet: it may be long, and the name of many elements.
    #[must_use]
    pub fn key_value(self) -> Option<Value<'m>> {
        let keys = self.0.iter().rev().map(|frame| match frame.at {
            Place::Key(key) => Some(key),
            Place::Index(_) => None,
        });
        keys.flatten().next()
    }

    /// It begins with these members: `["params", "arguments"]`.
    #[must_use]
    pub fn starts_with(self, keys: &[&str]) -> bool {
        let here = self.segments().take(keys.len());
        let wanted = keys.iter().map(|key| Segment::Key(Cow::Borrowed(*key)));
        self.len() >= keys.len() && here.eq(wanted)
    }
}

impl fmt::Display for Path<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_path(f, self.segments())
    }
}
