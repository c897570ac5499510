//! What people did to the pins of a server, kept with them until a log has it.

use jiff::Timestamp;

use super::file::Book;
use crate::json::Value;

/// Acts that are kept, the newest: whoever does more between two looks is told of with these.
const KEPT: usize = 16;

/// Something a person did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// One more than the act before; never 0.
    pub number: u64,
    /// What.
    pub kind: ActKind,
    /// User id of whoever did it.
    pub by: u32,
    /// When.
    pub at: Timestamp,
}

/// What can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActKind {
    /// Definitions that waited are approved.
    ApprovePins,
    /// What is pinned is forgotten.
    ResetPins,
    /// The server may be used as it is.
    Approve,
    /// It may not be used.
    Block,
    /// What it usually does is forgotten: kept with its [baseline](crate::baselines).
    ResetEffects,
}

impl ActKind {
    /// Those of which a file of pins may tell.
    const ALL: [Self; 4] = [Self::ApprovePins, Self::ResetPins, Self::Approve, Self::Block];

    /// As records and files have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ApprovePins => "approve-pins",
            Self::ResetPins => "reset-pins",
            Self::Approve => "approve",
            Self::Block => "block",
            Self::ResetEffects => "reset-effects",
        }
    }
}

impl Book {
    /// Remembers that `by` did `kind` now.
    pub(super) fn did(&mut self, kind: ActKind, by: u32) {
        let number = self.acts.last().map_or(self.recorded, |act| act.number).saturating_add(1);
        if self.acts.len() >= KEPT {
            self.acts.remove(0);
        }
        self.acts.push(Act { number, kind, by, at: Timestamp::now() });
    }

    /// The acts that no log has yet.
    pub(super) fn unrecorded(&self) -> impl Iterator<Item = &Act> {
        self.acts.iter().filter(|act| act.number > self.recorded)
    }
}

/// As a file has them: a member with a comma behind it, or nothing.
pub(super) fn write(book: &Book) -> String {
    if book.acts.is_empty() {
        return String::new();
    }
    let acts: Vec<_> = book.acts.iter().map(one).collect();
    format!("\"recorded\":{},\"acts\":[{}],", book.recorded, acts.join(","))
}

fn one(Act { number, kind, by, at }: &Act) -> String {
    format!("{{\"number\":{number},\"act\":\"{}\",\"by\":{by},\"at\":\"{at}\"}}", kind.as_str())
}

/// Reads what [`write`] wrote into `book`.
pub(super) fn read(root: Value<'_>, book: &mut Book) -> Result<(), &'static str> {
    let number = |value: Value<'_>, key| value.get(key).and_then(Value::as_number)?.parse::<u64>().ok();
    let Some(acts) = root.get("acts") else { return Ok(()) };
    book.recorded = number(root, "recorded").ok_or("it says not what is on record")?;
    for value in acts.elements() {
        let word = value.get("act").and_then(Value::as_str);
        let kind = ActKind::ALL.into_iter().find(|kind| word.as_deref() == Some(kind.as_str()));
        let by = value.get("by").and_then(Value::as_number).and_then(|by| by.parse().ok());
        let at = value.get("at").and_then(Value::as_str).and_then(|at| at.parse().ok());
        let act = match (number(value, "number"), kind, by, at) {
            (Some(number), Some(kind), Some(by), Some(at)) => Act { number, kind, by, at },
            (..) => return Err("an act is not whole"),
        };
        if book.acts.len() >= KEPT || book.acts.last().is_some_and(|last| last.number >= act.number) {
            return Err("its acts are too many, or not in order");
        }
        book.acts.push(act);
    }
    Ok(())
}
