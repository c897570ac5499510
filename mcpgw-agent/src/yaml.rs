//! YAML in, typed values or a tree with places out; what is wrong with it drawn with line and caret. Pure.
//!
//! ```text
//! text ─▶ parse ─▶ typed values, each with its place (At)      ─▶ what the owner finds wrong (Placed) ─▶ render
//!      └▶ tree  ─▶ nodes with places, for keys of any shape ───┘
//! ```
//!
//! The only module that knows the YAML crate. Keys twice, merge keys and more depth or aliases than any file needs are
//! errors; words like `yes` and `off` are text.

mod excerpt;
mod suggest;
mod tree;

pub use excerpt::render;
pub use suggest::nearest;
pub use tree::{Content, Node, tree};

use std::fmt::Display;

use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_saphyr::{Error, Location, Options, Spanned};

/// Mappings and lists within one another, at most.
const MAX_DEPTH: usize = 16;

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Characters.
    pub length: usize,
}

/// Something to say about a file, and where.
pub trait Placed: Display {
    /// Where, if that is known.
    fn place(&self) -> Option<Place>;
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it is written.
    pub place: Option<Place>,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, referenced, defined: _ } = Spanned::deserialize(deserializer)?;
        Ok(Self { value, place: place(referenced) })
    }
}

/// Why a text cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where, if that is known.
    pub place: Option<Place>,
    /// What.
    pub kind: FaultKind,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// Not YAML, or of another type than the key takes.
    Yaml(String),
    /// A key that does not exist.
    UnknownKey {
        /// As written.
        key: String,
        /// The key it resembles.
        meant: Option<String>,
        /// Keys that exist there.
        expected: String,
    },
}

/// Parses one document; `None` where it holds nothing but comments.
///
/// # Errors
/// The first [`Fault`].
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<Option<T>, Box<Fault>> {
    serde_saphyr::from_str_with_options(text, options()).map_err(|error| Box::new(fault(&error)))
}

fn options() -> Options {
    serde_saphyr::options! {
        with_snippet: false,
        merge_keys: serde_saphyr::options::MergeKeyPolicy::Error,
        strict_booleans: true,
        budget: serde_saphyr::budget! { max_depth: MAX_DEPTH },
    }
}

fn fault(error: &Error) -> Fault {
    let error = error.without_snippet();
    let place = error.location().and_then(place);
    let kind = if let Error::SerdeUnknownField { field, expected, .. } = error {
        FaultKind::UnknownKey {
            key: field.clone(),
            meant: nearest(field, expected),
            expected: expected.join(", "),
        }
    } else {
        FaultKind::Yaml(message(&error.to_string(), place))
    };
    Fault { place, kind }
}

/// The crate ends its messages with the place, which is shown otherwise here.
fn message(text: &str, place: Option<Place>) -> String {
    let ending = place.map(|place| format!(" at line {}, column {}", place.line, place.column));
    ending.and_then(|ending| text.strip_suffix(&ending)).unwrap_or(text).to_owned()
}

fn place(location: Location) -> Option<Place> {
    let number = |value: u64| usize::try_from(value).ok();
    let (line, column) = (number(location.line())?, number(location.column())?);
    (line > 0).then_some(Place { line, column, length: number(location.span().len())?.max(1) })
}
