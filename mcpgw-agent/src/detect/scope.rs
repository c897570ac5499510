//! Calls that leave the project their session is about.
//!
//! A session is pinned to the first repository, project, bucket, database, tenant … that a call of it names, each kind for
//! itself; a later call that names another is a finding. Whoever injects instructions into one project's issue wants the
//! model to go into another, with the same token. What a call names is read from the names of its arguments, nested ones
//! and those within URLs too, never from values that merely look like one: `docs/readme.md` is no repository.
//!
//! Pure and bounded. Only what passed pins: a call that is refused names nothing.

mod named;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use super::member::words;
use super::{Detector, Finding, Severity};
use crate::json::Value;
use crate::mcp::{Direction, Message, Role};
use named::Named;
pub use named::Realm;

/// What one session is pinned to.
#[derive(Debug, Default)]
pub struct Scope {
    /// One of each kind at most.
    pins: Vec<(Realm, Box<str>)>,
}

/// Whether policy says where sessions belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// It names this.
    Yes,
    /// It names others of the kind.
    No,
    /// It names none of the kind: the first one counts.
    Unsaid,
}

/// Words a tool's name begins with that only reads.
const READS: &[&str] = &[
    "browse",
    "check",
    "compare",
    "count",
    "describe",
    "diff",
    "download",
    "explain",
    "fetch",
    "find",
    "get",
    "head",
    "inspect",
    "list",
    "log",
    "lookup",
    "query",
    "read",
    "retrieve",
    "scan",
    "search",
    "select",
    "show",
    "stat",
    "status",
    "summarize",
    "view",
];

impl Scope {
    /// Of which nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What `message` names that is not what the session is about. `allowed` says what policy names.
    #[must_use]
    pub fn look(
        &self,
        direction: Direction,
        message: &Message,
        allowed: impl Fn(Realm, &str) -> Allowed,
    ) -> Vec<Finding> {
        let Some(call) = Call::of(direction, message) else { return Vec::new() };
        let mut findings: Vec<Finding> = Vec::new();
        // Two of one kind in one call: the second has left what the first named.
        let mut pins: Vec<(Realm, Box<str>)> = Vec::new();
        let reads = || call.tool.as_deref().is_none_or(is_read);
        for named in call.named {
            let is_left = match allowed(named.realm, &named.text) {
                Allowed::Yes => continue,
                Allowed::No => true,
                Allowed::Unsaid => {
                    let pinned = self.pins.iter().chain(&pins).find(|(realm, _)| *realm == named.realm);
                    let is_left = pinned.is_some_and(|(_, pin)| !named.is_within(pin));
                    if pinned.is_none() {
                        pins.push((named.realm, named.text.clone()));
                    }
                    is_left
                }
            };
            let is_known = findings.iter().any(|finding| finding.node == named.value.index());
            if is_left && !is_known {
                findings.push(finding(&named, reads()));
            }
        }
        findings
    }

    /// The call passed: what it named first is what the session is about.
    pub fn passed(
        &mut self,
        direction: Direction,
        message: &Message,
        allowed: impl Fn(Realm, &str) -> Allowed,
    ) {
        let Some(call) = Call::of(direction, message) else { return };
        for named in call.named {
            let is_pinned = self.pins.iter().any(|(realm, _)| *realm == named.realm);
            if !is_pinned && allowed(named.realm, &named.text) == Allowed::Unsaid {
                self.pins.push((named.realm, named.text));
            }
        }
    }
}

/// A call, as far as it names things.
struct Call<'m> {
    named: Vec<Named<'m>>,
    /// The tool's name; nothing where a resource is read.
    tool: Option<Cow<'m, str>>,
}

impl<'m> Call<'m> {
    fn of(direction: Direction, message: &'m Message) -> Option<Self> {
        if direction != Direction::ToServer {
            return None;
        }
        let params = message.params()?;
        match message.method()? {
            "tools/call" => {
                let tool = params.get("name")?.as_str()?;
                Some(Self { named: named::arguments(params.get("arguments")?), tool: Some(tool) })
            }
            "resources/read" | "resources/subscribe" => {
                Some(Self { named: named::resource(params.get("uri")?), tool: None })
            }
            _ => None,
        }
    }
}

/// A tool whose name says that it only reads: what is not known may write.
fn is_read(tool: &str) -> bool {
    // Behind the name of a server, a kind or an interface.
    words(tool).take(3).any(|word| READS.iter().any(|read| read.eq_ignore_ascii_case(word)))
        && !words(tool).any(|word| {
            ["create", "update", "delete", "write", "push", "set"]
                .iter()
                .any(|write| write.eq_ignore_ascii_case(word))
        })
}

fn finding(named: &Named<'_>, reads: bool) -> Finding {
    let (severity, score, why) = if reads {
        (Severity::Medium, 0.5, "a call that reads what is not what the session is about")
    } else {
        (Severity::High, 0.7, "a call that may change what is not what the session is about")
    };
    let length = named.value.as_str().map(|text| 0..text.len());
    Finding {
        detector: Detector::Scope,
        kind: named.realm.as_str(),
        severity,
        score,
        why,
        role: Role::Argument,
        node: named.value.index(),
        is_key: false,
        ranges: length.into_iter().collect(),
    }
}

/// What `value` holds as one text: a string, or a number as it is written.
fn text_of(value: Value<'_>) -> Option<Cow<'_, str>> {
    value.as_str().or_else(|| value.as_number().map(Cow::Borrowed))
}
