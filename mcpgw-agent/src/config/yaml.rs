//! YAML in, typed values with their places out. The only file that knows the YAML crate.

use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_saphyr::{Error, Location, Spanned};

use super::error::{Place, Problem, ProblemKind};
use super::suggest;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) place: Option<Place>,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, referenced, defined: _ } = Spanned::deserialize(deserializer)?;
        Ok(Self { value, place: place(referenced) })
    }
}

/// Parses one document; `None` where it holds nothing but comments.
pub(super) fn parse<T: DeserializeOwned>(text: &str) -> Result<Option<T>, Box<Problem>> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        merge_keys: serde_saphyr::options::MergeKeyPolicy::Error,
        strict_booleans: true,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| Box::new(problem(&error)))
}

fn problem(error: &Error) -> Problem {
    let error = error.without_snippet();
    let place = error.location().and_then(place);
    let kind = if let Error::SerdeUnknownField { field, expected, .. } = error {
        ProblemKind::UnknownKey {
            key: field.clone(),
            meant: suggest::nearest(field, expected),
            expected: expected.join(", "),
        }
    } else {
        ProblemKind::Yaml(message(&error.to_string(), place))
    };
    Problem { key: String::new(), place, kind }
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
