//! What a server says about itself, held against what was approved: definitions in one canonical form, and what changed
//! between two of them.
//!
//! A definition that was harmless when it was approved may be replaced at any time, and no client shows it again. What
//! counts as a change is what a client could show the model otherwise: everything but the order of an object's members,
//! white space, the spelling of numbers and of characters, and the order of `required` and `type` in a schema, which are
//! sets. Absent, `null` and a default are three different things: a client may treat them alike, or not.

mod canonical;
mod compare;
mod phrase;

#[cfg(test)]
mod tests;

pub use canonical::{canonical, canonical_identity};
pub use compare::{Change, Changed, compare};
pub use phrase::{Piece, phrase};

use super::poisoning::{Definition, DefinitionKind, Neighbours, poisoned};
use super::{Detector, Finding, Severity};
use crate::json::{Value, path_to};
use crate::mcp::Role;

/// From here on a sign of poisoning is one that is reported by default.
const REPORTED: f32 = 0.5;

/// What a client knows a definition by: a tool's or prompt's name, a resource's URI, a template; nothing of a server,
/// which has one.
#[must_use]
pub fn name(kind: DefinitionKind, definition: Value<'_>) -> Option<String> {
    let key = match kind {
        DefinitionKind::Tool | DefinitionKind::Prompt => "name",
        DefinitionKind::Resource => "uri",
        DefinitionKind::ResourceTemplate => "uriTemplate",
        DefinitionKind::Server => return Some(String::new()),
    };
    Some(definition.get(key)?.as_str()?.into_owned())
}

/// What is to be said of a definition that was `before` and is `after`: `changed` for each change, and `rug_pull` where
/// it is poisoned now and was not.
#[must_use]
pub fn changes(kind: DefinitionKind, before: Value<'_>, after: Value<'_>) -> Vec<Finding> {
    let mut findings: Vec<_> = compare(before, after)
        .into_iter()
        .map(|change| Finding {
            detector: Detector::Pins,
            kind: "changed",
            severity: change.severity,
            // What differs differs.
            score: 1.0,
            why: change.what.why(),
            role: Role::Definition,
            node: change.node,
            is_key: false,
            ranges: Vec::new(),
        })
        .collect();
    if !findings.is_empty() {
        findings.extend(rug_pull(kind, before, after));
    }
    findings
}

/// Each sign of poisoning that `after` has and `before` had not, or not as surely.
fn rug_pull<'v>(
    kind: DefinitionKind,
    before: Value<'v>,
    after: Value<'v>,
) -> impl Iterator<Item = Finding> + use<'v> {
    let signs = |value| poisoned(&Definition { kind, value, server: "" }, &Neighbours::default());
    let known = signs(before);
    let was = move |new: &Finding| {
        let path = path_to(after, new.node);
        let is_same = |old: &Finding| old.kind == new.kind && path_to(before, old.node) == path;
        known.iter().any(|old| old.score >= new.score && is_same(old))
    };
    signs(after).into_iter().filter(move |new| new.score >= REPORTED && !was(new)).map(|new| Finding {
        detector: Detector::Pins,
        kind: "rug_pull",
        severity: Severity::Critical,
        ..new
    })
}
