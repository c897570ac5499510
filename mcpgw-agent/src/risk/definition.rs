//! What is to be said of one definition. Pure.

use super::capability;
use super::issue::{Issue, Subject, of_server};
use crate::detect::pins::name;
use crate::detect::{
    Definition, DefinitionKind, Detector, DetectorSet, Finding, Inspector, Neighbours, Place, Severity,
    Surface, THRESHOLD, poisoned,
};
use crate::json::{Value, path_to};
use crate::mcp::Role;

/// From here on what is high is critical: it is hardly anything else.
const SURE: f32 = 0.8;
/// Tools from which on a model chooses worse, and nobody reads them all.
const MANY: usize = 80;

const REREAD: &str = "Do not use the server before somebody has read this definition; a description has to say \
                      what a tool does, and nothing to the model.";
const KEEP_OUT: &str =
    "Take the credential out of the definition and revoke it: every client and every model reads it.";

/// Judges one definition of the server that `others` calls `server`.
pub(crate) fn judge(
    kind: DefinitionKind,
    value: Value<'_>,
    (server, others): (&str, &Neighbours),
) -> Vec<Issue> {
    let known = name(kind, value).unwrap_or_default();
    let mut found = poisoned(&Definition { kind, value, server }, others);
    let place = Place { surface: Surface::Definition, role: Role::Definition, key: "", tool: Some(&known) };
    let wanted: DetectorSet = [Detector::Injection, Detector::Secrets].into_iter().collect();
    found.extend(Inspector::shipped().value(value, &place, wanted).list);
    let mut told: Vec<Issue> = Vec::new();
    for finding in found.into_iter().filter(|finding| finding.score >= THRESHOLD) {
        let issue = of_finding(&finding, value, (kind, &known));
        if !told.contains(&issue) {
            told.push(issue);
        }
    }
    if kind == DefinitionKind::Tool {
        told.extend(capability::review(value, &known));
    }
    told
}

/// What is to be said of so many `tools`.
pub(crate) fn many(tools: usize) -> Option<Issue> {
    (tools > MANY).then(|| {
        of_server(
            "many-tools",
            Severity::Low,
            "it has more tools than anybody reads, and than a model chooses well among",
            "Allow the tools that are needed and no others: `allow: {tools: …}` in the policy.",
        )
    })
}

fn of_finding(finding: &Finding, root: Value<'_>, (kind, known): (DefinitionKind, &str)) -> Issue {
    let is_sure = finding.score >= SURE
        && finding.severity == Severity::High
        && matches!(finding.detector, Detector::Poisoning | Detector::Injection);
    Issue {
        rule: format!("{}/{}", finding.detector.as_str(), finding.kind.replace('_', "-")).into(),
        severity: if is_sure { Severity::Critical } else { finding.severity },
        subject: Subject::Definition(kind, known.to_owned(), path_to(root, finding.node)),
        why: finding.why.into(),
        remedy: if finding.detector == Detector::Secrets { KEEP_OUT } else { REREAD },
    }
}
