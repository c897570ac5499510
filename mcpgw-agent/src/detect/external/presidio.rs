//! Microsoft Presidio's analyzer: `POST /analyze` with a text, answered by a list of entities in it.

use super::offsets::{Offsets, Unit};
use super::{Flag, Garbage, Kinds, Question, place, push, score};
use crate::json::{Value, quote};

/// What the analyzer is told beside the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presidio {
    /// The texts' language, as `en`.
    pub language: Box<str>,
    /// Entities to look for; all it knows where there are none.
    pub entities: Vec<Box<str>>,
    /// The least score to answer, a JSON number; its own default where there is none.
    pub threshold: Option<Box<str>>,
}

impl Presidio {
    pub(super) fn body(&self, question: &Question<'_>) -> String {
        let mut body = format!(r#"{{"text":{},"language":{}"#, quote(question.text), quote(&self.language));
        if let Some(threshold) = &self.threshold {
            body.push_str(r#","score_threshold":"#);
            body.push_str(threshold);
        }
        if !self.entities.is_empty() {
            let entities: Vec<_> = self.entities.iter().map(|entity| quote(entity)).collect();
            body.push_str(r#","entities":["#);
            body.push_str(&entities.join(","));
            body.push(']');
        }
        body.push('}');
        body
    }
}

pub(super) fn flags(answer: Value<'_>, text: &str, kinds: &Kinds) -> Result<Vec<Flag>, Garbage> {
    if !answer.is_array() {
        return Err(Garbage("it is no list of entities"));
    }
    let offsets = Offsets::new(text, Unit::Characters);
    let mut flags = Vec::new();
    for entity in answer.elements() {
        let name =
            entity.get("entity_type").and_then(Value::as_str).ok_or(Garbage("an entity has no type"))?;
        let (kind, severity) = kinds.entity(&name);
        let score = score(entity.get("score").ok_or(Garbage("an entity has no score"))?)?;
        let range = offsets.range(place(entity.get("start"))?, place(entity.get("end"))?)?;
        push(&mut flags, Flag { kind, severity, score, range: Some(range) })?;
    }
    Ok(flags)
}
