//! The body a guardrail is sent: a JSON text with places for what it is asked about.

use bytes::Bytes;

use super::Question;
use crate::json::{Document, Limits, quote};
use crate::mcp::Direction;

/// What stands for the texts.
const TEXT: &str = "{text}";
/// All places.
const PLACES: [(&str, Place); 4] = [
    (TEXT, Place::Text),
    ("{direction}", Place::Direction),
    ("{server}", Place::Server),
    ("{tool}", Place::Tool),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Text,
    Direction,
    Server,
    Tool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Plain(Box<str>),
    Place(Place),
}

/// A JSON text with `{text}`, `{direction}`, `{server}` and `{tool}` in its strings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

/// Why a text is no template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Not JSON. A place outside a string is not, either.
    #[error("it is no JSON text; `{{text}}` and the like stand within strings")]
    NotJson,
    /// Nothing would be shown.
    #[error("`{{text}}` is nowhere in it")]
    NoText,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// [`TemplateError`]
    pub fn parse(template: &str) -> Result<Self, TemplateError> {
        let bytes = Bytes::copy_from_slice(template.as_bytes());
        Document::parse(bytes, &Limits::default()).map_err(|_error| TemplateError::NotJson)?;
        let mut parts = Vec::new();
        let mut rest = template;
        while let Some((at, mark, place)) = next(rest) {
            let (plain, behind) = rest.split_at_checked(at).unwrap_or((rest, ""));
            parts.push(Part::Plain(plain.into()));
            parts.push(Part::Place(place));
            rest = behind.get(mark.len()..).unwrap_or_default();
        }
        parts.push(Part::Plain(rest.into()));
        if parts.contains(&Part::Place(Place::Text)) { Ok(Self(parts)) } else { Err(TemplateError::NoText) }
    }

    /// The template, filled. What is filled in is not looked at for places again, and cannot end its string.
    pub(super) fn fill(&self, question: &Question<'_>) -> String {
        let mut body = String::with_capacity(question.text.len().saturating_add(1024));
        for part in &self.0 {
            let text = match part {
                Part::Plain(plain) => {
                    body.push_str(plain);
                    continue;
                }
                Part::Place(Place::Text) => question.text,
                Part::Place(Place::Server) => question.server,
                Part::Place(Place::Tool) => question.tool.unwrap_or_default(),
                Part::Place(Place::Direction) => match question.direction {
                    Direction::ToServer => "request",
                    Direction::ToClient => "response",
                },
            };
            let quoted = quote(text);
            body.push_str(quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default());
        }
        body
    }
}

/// The first place in `text`.
fn next(text: &str) -> Option<(usize, &'static str, Place)> {
    let found = PLACES.iter().filter_map(|(mark, place)| Some((text.find(mark)?, *mark, *place)));
    found.min_by_key(|(at, ..)| *at)
}
