//! Where a text stands in its message.

use std::borrow::Cow;
use std::fmt;

use super::frame::{Frame, Place};
use crate::json::quote;

/// Characters of a key that are shown.
const SHOWN: usize = 64;

/// A path from the root of the message: `params.arguments.files[2]`. It is made of what the walk has open, and costs
/// nothing until it is asked.
#[derive(Debug, Clone, Copy)]
pub struct Path<'v, 'm>(&'v [Frame<'m>]);

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment<'m> {
    /// To the member of this name.
    Key(Cow<'m, str>),
    /// To the element at this position, counted from 0.
    Index(usize),
}

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

    /// It begins with these members: `["params", "arguments"]`.
    #[must_use]
    pub fn starts_with(self, keys: &[&str]) -> bool {
        let here = self.segments().take(keys.len());
        let wanted = keys.iter().map(|key| Segment::Key(Cow::Borrowed(*key)));
        self.len() >= keys.len() && here.eq(wanted)
    }
}

impl Segment<'_> {
    /// The step as it is written at the end of a path: of an empty one, or of one that has a step. Keys that are no plain
    /// words are quoted, long ones cut.
    pub fn after(&self, is_first: bool) -> impl fmt::Display {
        fmt::from_fn(move |f| match self {
            Segment::Index(index) => write!(f, "[{index}]"),
            Segment::Key(key) if is_plain(key) => write!(f, "{}{key}", if is_first { "" } else { "." }),
            Segment::Key(key) => {
                let shown: String = key.chars().take(SHOWN).collect();
                let cut = if shown.len() < key.len() { "..." } else { "" };
                write!(f, "[{}{cut}]", quote(&shown))
            }
        })
    }
}

/// As [`Segment::after`] writes each step.
impl fmt::Display for Path<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, segment) in self.segments().enumerate() {
            write!(f, "{}", segment.after(depth == 0))?;
        }
        Ok(())
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && key.len() <= SHOWN
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'$' | b'/'))
}
