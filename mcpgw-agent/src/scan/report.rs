//! What was found, as JSON (docs/scan.md). Pure.

use serde_json::{Value, json};

use super::{Scan, Standing};
use crate::risk::{Issue, Subject};

/// Version of the report's form.
const VERSION: u32 = 1;

/// All scans as one document.
#[must_use]
pub fn report(scans: &[Scan]) -> Value {
    json!({ "version": VERSION, "servers": scans.iter().map(server).collect::<Vec<_>>() })
}

fn server(scan: &Scan) -> Value {
    let [tools, prompts, resources, templates] = scan.counts;
    json!({
        "server": scan.label,
        "name": scan.name.as_ref().map(|(name, _)| name),
        "version": scan.name.as_ref().map(|(_, version)| version),
        "revisions": scan.revisions,
        "tools": tools,
        "prompts": prompts,
        "resources": resources,
        "resource_templates": templates,
        "package": scan.package.as_ref().map(|package| json!({
            "ecosystem": package.ecosystem.as_str(),
            "name": package.name,
            "version": package.version,
            "standing": scan.standing.as_str(),
            "facts": match &scan.standing {
                Standing::Known(facts) => json!(facts),
                Standing::Unknown | Standing::Unnamed(_) | Standing::Missing | Standing::Unreachable(_) => Value::Null,
            },
            "why": match &scan.standing {
                Standing::Unnamed(why) => Some(*why),
                Standing::Unreachable(why) => Some(&**why),
                Standing::Unknown | Standing::Missing | Standing::Known(_) => None,
            },
        })),
        "pins": {
            "state": scan.pins.state.as_str(),
            "same": scan.pins.same,
            "changed": scan.pins.changed,
            "added": scan.pins.added,
            "removed": scan.pins.removed,
        },
        "score": scan.score.map(|score| score.points),
        "risk": scan.score.map(|score| score.level.as_str()),
        "issues": scan.issues.iter().map(issue).collect::<Vec<_>>(),
        "error": scan.fault,
        "stderr": scan.fault.as_ref().map(|_| &scan.stderr),
    })
}

fn issue(issue: &Issue) -> Value {
    let (kind, name, path) = match &issue.subject {
        Subject::Server => ("server", None, None),
        Subject::Package => ("package", None, None),
        Subject::Definition(kind, name, path) => (kind.as_str(), Some(name), Some(path)),
    };
    json!({
        "rule": issue.rule,
        "severity": issue.severity.as_str(),
        "kind": kind,
        "name": name,
        "path": path,
        "why": issue.why,
        "remedy": issue.remedy,
    })
}
