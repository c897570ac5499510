//! What the answer of any guardrail means, said by where in it things stand.

use super::offsets::{Offsets, Unit};
use super::{FLAG, Flag, Garbage, Kinds, Pointer, place, push, score};
use crate::detect::Severity;
use crate::json::{Kind, Value};

/// Where things stand in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mapping {
    /// A list of findings; everything below is then within each of them. Without it the answer is one.
    pub findings: Option<Pointer>,
    /// Whether it counts: `true`, or one of `flagged_values`. Without it a finding counts.
    pub flagged: Option<Pointer>,
    /// Texts that mean `true`.
    pub flagged_values: Vec<Box<str>>,
    /// How sure the guardrail is, from 0 to 1. Without it it is sure.
    pub score: Option<Pointer>,
    /// What it is.
    pub kind: Option<Pointer>,
    /// Where in the text it begins and ends. Without them it is the whole message that is meant.
    pub range: Option<(Pointer, Pointer)>,
    /// What those count.
    pub unit: Unit,
}

impl Mapping {
    pub(super) fn flags(&self, answer: Value<'_>, text: &str, kinds: &Kinds) -> Result<Vec<Flag>, Garbage> {
        let offsets = self.range.is_some().then(|| Offsets::new(text, self.unit));
        let mut flags = Vec::new();
        let Some(pointer) = &self.findings else {
            self.flag(answer, offsets.as_ref(), kinds)?.map_or(Ok(()), |flag| push(&mut flags, flag))?;
            return Ok(flags);
        };
        let list = pointer.find(answer).filter(|list| list.is_array());
        for finding in list.ok_or(Garbage("it has no list of findings"))?.elements() {
            self.flag(finding, offsets.as_ref(), kinds)?.map_or(Ok(()), |flag| push(&mut flags, flag))?;
        }
        Ok(flags)
    }

    fn flag(
        &self,
        of: Value<'_>,
        offsets: Option<&Offsets<'_>>,
        kinds: &Kinds,
    ) -> Result<Option<Flag>, Garbage> {
        if let Some(flagged) = &self.flagged
            && !self.is_flagged(flagged.find(of).ok_or(Garbage("it does not say whether it is flagged"))?)?
        {
            return Ok(None);
        }
        let score = match &self.score {
            Some(pointer) => score(pointer.find(of).ok_or(Garbage("it has no score"))?)?,
            None => 1.0,
        };
        let name = self.kind.as_ref().and_then(|kind| kind.find(of)).and_then(Value::as_str);
        let (kind, severity) = name.map_or((FLAG, Severity::High), |name| kinds.flag(&name));
        let range = match (&self.range, offsets) {
            (Some((start, end)), Some(offsets)) => {
                Some(offsets.range(place(start.find(of))?, place(end.find(of))?)?)
            }
            (_, _) => None,
        };
        Ok(Some(Flag { kind, severity, score, range }))
    }

    fn is_flagged(&self, value: Value<'_>) -> Result<bool, Garbage> {
        match value.kind() {
            Kind::True => Ok(true),
            Kind::False => Ok(false),
            Kind::String if !self.flagged_values.is_empty() => {
                let text = value.as_str().unwrap_or_default();
                Ok(self.flagged_values.iter().any(|known| **known == *text))
            }
            Kind::Null | Kind::Number | Kind::String | Kind::Array | Kind::Object => {
                Err(Garbage("what says whether it is flagged is neither true nor false"))
            }
        }
    }
}
