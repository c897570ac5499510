//! What guardrails' words are in ours: a finding's kind is of a bounded list, whatever a guardrail answers.

use super::super::{Pii, Severity};
use super::{FLAG, UNAVAILABLE};

/// What Presidio finds and has no check digit: for a model of the language.
const NAMED: [&str; 8] =
    ["date_time", "gender", "location", "nationality", "nrp", "organization", "person", "url"];
/// Whatever else Presidio finds.
pub(super) const ENTITY: &str = "other_entity";
/// Families of `pii` have a few kinds; a name for all of them is none.
const FAMILY: usize = 10;

/// Kinds with names of an operator's own.
#[derive(Debug, Clone, Default)]
pub struct Kinds(Vec<&'static str>);

impl Kinds {
    /// The kinds `names`, in snake case. They stay in memory for good: for a configuration that is read once.
    #[must_use]
    pub fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        Self(names.into_iter().map(|name| &*Box::leak(snake(name).into_boxed_str())).collect())
    }

    /// The kind `name` is, and how bad that is.
    pub(super) fn of(&self, name: &str) -> Option<(&'static str, Severity)> {
        let name = snake(name);
        if let Some(own) = self.0.iter().find(|own| **own == name) {
            return Some((*own, Severity::High));
        }
        if let Some(known) = NAMED.iter().find(|known| **known == name) {
            return Some((*known, Severity::Medium));
        }
        let kinds = Pii::kinds(&name).filter(|kinds| kinds.len() < FAMILY)?;
        kinds.first().map(|kind| (*kind, Pii::severity(kind)))
    }

    /// The kind of personal data `name` is.
    pub(super) fn entity(&self, name: &str) -> (&'static str, Severity) {
        self.of(name).unwrap_or((ENTITY, Severity::Medium))
    }

    /// The kind of anything `name` is.
    pub(super) fn flag(&self, name: &str) -> (&'static str, Severity) {
        self.of(name).unwrap_or((FLAG, Severity::High))
    }
}

/// All kinds but those of an operator's own, in order.
#[must_use]
pub fn kinds() -> Vec<&'static str> {
    let mut kinds: Vec<_> = Pii::all_kinds().chain(NAMED).chain([ENTITY, FLAG, UNAVAILABLE]).collect();
    kinds.sort_unstable();
    kinds
}

/// What was found there is personal data: it is not written down.
#[must_use]
pub fn is_personal(kind: &str) -> bool {
    kind == ENTITY || NAMED.contains(&kind) || Pii::kinds(kind).is_some()
}

fn snake(name: &str) -> String {
    let letter =
        |letter: char| if matches!(letter, ' ' | '-' | '.') { '_' } else { letter.to_ascii_lowercase() };
    name.trim().chars().map(letter).collect()
}
