//! What is judged whole: a call with all its arguments, a definition.

use super::{LISTS, Subject};
use crate::detect::{Definition, DefinitionKind, Detector, Finding, Hit, Neighbours, judge_call, poisoned};
use crate::json::Value;
use crate::mcp::{Direction, Message, Role};

/// Judges what a call does by its tool's name and all its arguments together.
pub(super) fn call(message: &Message, subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let is_call = subject.direction == Direction::ToServer && message.method() == Some("tools/call");
    let Some(params) = message.params().filter(|_| is_call) else { return };
    let Some(arguments) = params.get("arguments") else { return };
    let Some(tool) = params.get("name").and_then(Value::as_str) else { return };
    for Hit { kind, severity, score, range, why } in judge_call(&tool, arguments) {
        // It is about one argument, or about all of them.
        let members = arguments.members().map(|(_, value)| value);
        let value = members.into_iter().find(|value| value.span() == range).unwrap_or(arguments);
        let (detector, role, node) = (Detector::Destructive, Role::Argument, value.index());
        let ranges = value.as_str().map(|text| 0..text.len()).into_iter().collect();
        let is_known =
            |finding: &Finding| (finding.detector, finding.kind, finding.node) == (detector, kind, node);
        if !findings.iter().any(|finding| is_known(finding) && finding.score >= score) {
            findings.push(Finding {
                detector,
                kind,
                severity,
                score,
                why,
                role,
                node,
                is_key: false,
                ranges,
            });
        }
    }
}

/// Judges the definitions in an answer of a server, each whole.
pub(super) fn definitions(message: &Message, subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let (Direction::ToClient, Some(result)) = (subject.direction, message.result()) else { return };
    let others = Neighbours::default();
    let mut judge = |kind, value| {
        let definition = Definition { kind, value, server: subject.server };
        findings.extend(poisoned(&definition, &others));
    };
    for (member, kind) in LISTS {
        let list = result.get(member).filter(|list| list.is_array());
        list.into_iter().flat_map(Value::elements).for_each(|element| judge(kind, element));
    }
    if matches!(subject.answers, Some("initialize" | "server/discover")) {
        judge(DefinitionKind::Server, result);
    }
}
