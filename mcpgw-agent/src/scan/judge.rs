//! What is to be said of what a server said. Pure.

use std::borrow::Cow;
use std::collections::HashSet;

use bytes::Bytes;

use super::observation::{Listed, Observation};
use super::package::{Package, twin};
use super::reputation::Standing;
use crate::detect::pins::name;
use crate::detect::{DefinitionKind, Neighbours, Severity};
use crate::json::{Document, Limits};
use crate::risk::{self, Issue, Subject, asks, of_server};

/// Issues of one rule that are told; more say nothing new.
const SAME_MAX: usize = 100;
/// What is to be said of all that was heard. `server` is what `others` calls it.
pub(super) fn judge(seen: &Observation, server: &str, others: &Neighbours) -> Vec<Issue> {
    let mut issues = Vec::new();
    let mut names = HashSet::new();
    if let Some(identity) = &seen.identity {
        definition(DefinitionKind::Server, identity, (server, others), &mut issues);
    }
    for Listed { kind, text } in &seen.definitions {
        let Some(known) = definition(*kind, text, (server, others), &mut issues) else { continue };
        if !names.insert((*kind, known.clone())) {
            issues.push(Issue {
                rule: "duplicate-name".into(),
                severity: Severity::Medium,
                subject: Subject::Definition(*kind, known, String::new()),
                why: "it is defined twice, and clients differ in which they take".into(),
                remedy: "Have the server list each name once.",
            });
        }
    }
    issues.extend(seen.counts().first().and_then(|tools| risk::many(*tools)));
    behaviour(seen, &mut issues);
    issues
}

/// Judges one definition; gives its name.
fn definition(
    kind: DefinitionKind,
    text: &Bytes,
    (server, others): (&str, &Neighbours),
    issues: &mut Vec<Issue>,
) -> Option<String> {
    let document = Document::parse(text.clone(), &Limits::default()).ok()?;
    let value = document.root();
    for issue in risk::judge(kind, value, (server, others)) {
        if issues.iter().filter(|other| other.rule == issue.rule).count() < SAME_MAX {
            issues.push(issue);
        }
    }
    Some(name(kind, value).unwrap_or_default())
}

/// What it did while it was asked for its lists.
fn behaviour(seen: &Observation, issues: &mut Vec<Issue>) {
    for method in seen.asked.keys() {
        issues.extend(asks(method));
    }
    if !seen.unstable.is_empty() {
        issues.push(of_server(
            "unstable",
            Severity::High,
            format!("asked twice, it says different things of: {}", some(&seen.unstable)),
            "Do not approve what changes while it is read; pin the server and hold what changes.",
        ));
    }
    if !seen.two_faced.is_empty() {
        let why = format!(
            "clients of older and newer revisions are told different things of: {}",
            some(&seen.two_faced)
        );
        issues.push(of_server(
            "two-faced",
            Severity::Medium,
            why,
            "Read both listings: what a person approved in one client, another client does not show.",
        ));
    }
    for (kind, why) in &seen.incomplete {
        issues.push(Issue {
            rule: "incomplete".into(),
            severity: Severity::Medium,
            subject: Subject::Definition(*kind, String::new(), String::new()),
            why: (*why).into(),
            remedy: "Not everything was looked at: do not take the rest for harmless.",
        });
    }
    if let Some((count, why)) = seen.refused {
        issues.push(of_server(
            "malformed",
            Severity::Medium,
            format!("{count} of its messages would be refused by the gateway ({why})"),
            "Have the server send what the protocol has; two readers may read this differently.",
        ));
    }
    if seen.rubbish > 0 {
        issues.push(of_server(
            "rubbish",
            Severity::Low,
            format!("{} lines of its output are no messages", seen.rubbish),
            "Have the server write its log to standard error.",
        ));
    }
}

/// The first names of many.
fn some(names: &[String]) -> String {
    let shown: Vec<_> = names.iter().take(5).map(|name| name.chars().take(64).collect::<String>()).collect();
    let more = if names.len() > shown.len() { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

const ASK_WHO: &str =
    "Find out which package is meant, from the server's own documentation, and name that one.";

/// What is to be said of the package a server is started from.
pub(super) fn of_package(package: &Package, standing: &Standing) -> Vec<Issue> {
    let mut issues = Vec::new();
    let mut say = |rule: &'static str, severity, why: Cow<'static, str>, remedy| {
        issues.push(Issue { rule: rule.into(), severity, subject: Subject::Package, why, remedy });
    };
    let is_established = matches!(standing, Standing::Known(facts) if facts.is_established());
    if let Some(twin) = twin(package).filter(|_| !is_established) {
        let why = format!("its name looks like {}: {}", twin.known, twin.why);
        say("look-alike", Severity::High, why.into(), ASK_WHO);
    }
    if package.version.is_none() {
        say(
            "unpinned-version",
            Severity::Low,
            "no release is named: each start may run another".into(),
            "Name one: `name@1.2.3` for npm, `name==1.2.3` for PyPI.",
        );
    }
    match standing {
        Standing::Missing => say(
            "no-such-package",
            Severity::High,
            "its registry has no such package: anybody may still publish one".into(),
            ASK_WHO,
        ),
        Standing::Known(facts) => {
            for (rule, severity, why, remedy) in facts.concerns() {
                say(rule, severity, why, remedy);
            }
        }
        Standing::Unknown | Standing::Unnamed(_) | Standing::Unreachable(_) => {}
    }
    issues
}
