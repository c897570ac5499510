//! What was found, as SARIF 2.1.0, which code scanning services take. Pure.
//!
//! A server has no file: a result stands at `mcp/SERVER` and names its definition as a logical location.

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Scan;
use crate::detect::Severity;
use crate::hex;
use crate::risk::Issue;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
/// The rule of servers that could not be looked at.
const NOT_SCANNED: &str = "not-scanned";

/// All scans as one document.
#[must_use]
pub fn sarif(scans: &[Scan]) -> Value {
    let mut rules: BTreeMap<&str, (Severity, &str)> = BTreeMap::new();
    for issue in scans.iter().flat_map(|scan| &scan.issues) {
        let rule = rules.entry(&issue.rule).or_insert((issue.severity, issue.remedy));
        rule.0 = rule.0.max(issue.severity);
    }
    if scans.iter().any(|scan| scan.fault.is_some()) {
        rules.insert(NOT_SCANNED, (Severity::High, "Find out why it does not answer, and look at it again."));
    }
    let place = |rule: &str| rules.keys().position(|known| *known == rule);
    let mut results = Vec::new();
    for scan in scans {
        results.extend(scan.issues.iter().map(|issue| result(scan, issue, place(&issue.rule))));
        if let Some(fault) = &scan.fault {
            let level = level(Severity::High);
            let message = format!("{} could not be looked at: {fault}", scan.label);
            results.push(entry(scan, (NOT_SCANNED, place(NOT_SCANNED)), level, &message, "server"));
        }
    }
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "mcpgw-agent",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|(id, (severity, remedy))| rule(id, *severity, remedy)).collect::<Vec<_>>(),
            }},
            "invocations": [{"executionSuccessful": scans.iter().all(|scan| scan.fault.is_none())}],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(id: &str, severity: Severity, remedy: &str) -> Value {
    json!({
        "id": id,
        "shortDescription": {"text": id.replace(['-', '/'], " ")},
        "help": {"text": remedy},
        "defaultConfiguration": {"level": level(severity)},
        "properties": {"security-severity": security_severity(severity), "tags": ["security", "mcp"]},
    })
}

fn result(scan: &Scan, issue: &Issue, place: Option<usize>) -> Value {
    let subject = issue.subject.describe();
    let message = format!("{} {subject}: {}. {}", scan.label, issue.why, issue.remedy);
    entry(scan, (&issue.rule, place), level(issue.severity), &message, &subject)
}

fn entry(
    scan: &Scan,
    (rule, place): (&str, Option<usize>),
    level: &str,
    message: &str,
    subject: &str,
) -> Value {
    let uri = format!("mcp/{}", utf8_percent_encode(&scan.label, NON_ALPHANUMERIC));
    let mut hash = Sha256::new();
    for part in [rule, &*scan.label, subject] {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    let fingerprint = hex::encode(hash.finalize().get(..16).unwrap_or_default());
    json!({
        "ruleId": rule,
        "ruleIndex": place,
        "level": level,
        "message": {"text": message},
        "locations": [{
            "physicalLocation": {"artifactLocation": {"uri": uri}},
            "logicalLocations": [{"fullyQualifiedName": format!("{}/{subject}", scan.label), "kind": "declaration"}],
        }],
        "partialFingerprints": {"mcpgw/v1": fingerprint},
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "note",
        Severity::Medium => "warning",
        Severity::High | Severity::Critical => "error",
    }
}

/// As services sort by it.
fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "3.0",
        Severity::Medium => "5.5",
        Severity::High => "8.0",
        Severity::Critical => "9.5",
    }
}
