//! What a session's earlier messages mean for the later ones.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::*;
use crate::audit::Options;
use crate::policy::Policy;
use crate::policy::{Context, Principal, Transport};

/// A gate under the policy with this `detectors:`, and a session.
struct Session {
    gate: Gate,
    party: Party,
    _dir: tempfile::TempDir,
}

impl Session {
    fn new(detectors: &str) -> Self {
        let policy = format!(
            "version: v1\nmode: enforce\nrules:\n  - {{name: gone, action: deny, match: {{methods: [tools/call], tools: [gone]}}}}\n  - {{name: all, action: allow, match: {{methods: ['*']}}}}\ndetectors: {detectors}\n"
        );
        let dir = tempfile::tempdir().unwrap();
        let audit = AuditLog::open(&Options::at(dir.path().join("audit.jsonl"))).unwrap();
        let policies = Arc::new(PolicyStore::new(Policy::parse(&policy).unwrap()));
        let context = Context {
            server: "test".into(),
            upstream: None,
            transport: Transport::Stdio,
            principal: Principal::default(),
            client: None,
        };
        let gate = Gate::new(policies, Arc::new(audit), Limits::default());
        Self { gate, party: Party::new("s", context), _dir: dir }
    }

    /// Whether the call goes on.
    fn calls(&self, id: u32, tool: &str, arguments: &str) -> bool {
        let params = format!(r#"{{"name":"{tool}","arguments":{arguments}}}"#);
        let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{params}}}"#);
        let bytes = Bytes::from(text);
        let decoded = self.gate.decode(bytes.clone(), Framing::Body);
        let judged =
            self.gate.judge(&self.party, Direction::ToServer, &bytes, decoded, None, None, Instant::now());
        !judged.wait().forward.is_empty()
    }
}

#[test]
fn a_session_stays_where_it_began() {
    let session = Session::new("{scope: deny}");
    // A call that is refused says nothing about the session.
    assert!(!session.calls(1, "gone", r#"{"repo":"evil/x"}"#));
    assert!(session.calls(2, "get_file", r#"{"owner":"acme","repo":"site"}"#));
    assert!(!session.calls(3, "get_file", r#"{"owner":"acme","repo":"vault"}"#));
    assert!(!session.calls(4, "get_file", r#"{"url":"https://github.com/acme/vault"}"#));
    assert!(session.calls(5, "create_issue", r#"{"repo":"acme/site"}"#));
    let other = Session::new("{scope: deny}");
    assert!(other.calls(1, "get_file", r#"{"owner":"acme","repo":"vault"}"#));
}

#[test]
fn what_is_only_observed_goes_on_and_pins_nothing_anew() {
    let session = Session::new("{scope: {action: observe, kinds: {bucket: deny}}}");
    assert!(session.calls(1, "get", r#"{"repo":"acme/site","bucket":"a"}"#));
    assert!(session.calls(2, "get", r#"{"repo":"acme/vault"}"#));
    assert!(!session.calls(3, "get", r#"{"bucket":"b"}"#));
}

#[test]
fn policy_names_where_sessions_belong() {
    let session = Session::new(r#"{scope: {action: deny, allow: {repository: ["acme/*"]}}}"#);
    assert!(!session.calls(1, "get", r#"{"repo":"evil/x"}"#));
    assert!(session.calls(2, "get", r#"{"repo":"acme/site"}"#));
    assert!(session.calls(3, "get", r#"{"repo":"acme/vault"}"#));
    assert!(session.calls(4, "get", r#"{"bucket":"a"}"#));
    assert!(!session.calls(5, "get", r#"{"bucket":"b"}"#));
}

#[test]
fn a_call_is_judged_as_a_whole() {
    let session = Session::new("{destructive: deny}");
    assert!(!session.calls(1, "run", r#"{"command":"rm","args":["-rf","/"]}"#));
    assert!(!session.calls(2, "delete_repository", r#"{"name":"x"}"#));
    assert!(session.calls(3, "run", r#"{"command":"ls","args":["-l","/"]}"#));
}
