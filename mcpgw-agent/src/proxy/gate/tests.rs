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
    dir: tempfile::TempDir,
}

impl Session {
    fn new(detectors: &str) -> Self {
        Self::under(&format!(
            "version: v1\nmode: enforce\nrules:\n  - {{name: gone, action: deny, match: {{methods: [tools/call], tools: [gone]}}}}\n  - {{name: all, action: allow, match: {{methods: ['*']}}}}\ndetectors: {detectors}\n"
        ))
    }

    fn under(policy: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let audit = AuditLog::open(&Options::at(dir.path().join("audit.jsonl"))).unwrap();
        let policies = Arc::new(PolicyStore::new(Policy::parse(policy).unwrap()));
        let context = Context {
            server: "test".into(),
            upstream: None,
            transport: Transport::Stdio,
            principal: Principal::default(),
            client: None,
            tapped: None,
        };
        let gate = Gate::new(policies, Arc::new(audit), Limits::default());
        Self { gate, party: Party::new("s", context), dir }
    }

    /// Whether the call goes on.
    fn calls(&self, id: u32, tool: &str, arguments: &str) -> bool {
        let params = format!(r#"{{"name":"{tool}","arguments":{arguments}}}"#);
        let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{params}}}"#);
        !self.sends(Direction::ToServer, text).forward.is_empty()
    }

    fn sends(&self, direction: Direction, text: String) -> Passed {
        let bytes = Bytes::from(text);
        let decoded = self.gate.decode(bytes.clone(), Framing::Body);
        self.gate.judge(&self.party, direction, &bytes, decoded, None, None, Instant::now()).wait()
    }

    /// All that is on record.
    fn records(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("audit.jsonl")).unwrap()
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

/// What the detector of secrets knows.
fn token() -> String {
    ["ghp_", "Zk3vQ9xLm2Tn8RbY5wHc", "7JdFs4GpAe6UiKo1"].concat()
}

#[test]
fn what_a_request_is_called_is_in_no_record_of_its_answer_either() {
    let token = token();
    for (request, answer) in [
        (format!(r#""method":"tools/call","params":{{"name":"{token}"}}"#), r#""result":{"content":[]}"#),
        (format!(r#""method":"prompts/get","params":{{"name":"{token}"}}"#), r#""result":{"messages":[]}"#),
        (
            format!(r#""method":"resources/read","params":{{"uri":"x:{token}"}}"#),
            r#""result":{"contents":[]}"#,
        ),
        (format!(r#""method":"{token}""#), r#""error":{"code":1,"message":"no"}"#),
        (format!(r#""method":"a/{token}","params":{{}}"#), r#""result":{}"#),
    ] {
        let session = Session::under(
            "{version: v1, mode: observe, detectors: {secrets: deny}, rules: [{name: a, action: allow, match: {methods: ['*']}}]}",
        );
        let request = format!(r#"{{"jsonrpc":"2.0","id":1,{request}}}"#);
        assert!(!session.sends(Direction::ToServer, request).forward.is_empty());
        let answer = format!(r#"{{"jsonrpc":"2.0","id":1,{answer}}}"#);
        assert!(!session.sends(Direction::ToClient, answer).forward.is_empty());
        let records = session.records();
        assert!(!records.contains(&token), "{records}");
        let last = records.lines().last().unwrap();
        assert!(last.contains(r#""kind":"response""#) || last.contains(r#""kind":"error""#), "{last}");
        assert!(last.contains(r#""method":""#), "{last}");
    }
}

#[test]
fn an_id_that_holds_a_secret_is_answered_and_not_written_down() {
    let token = token();
    let session = Session::under(
        "{version: v1, mode: enforce, detectors: {secrets: redact}, rules: [{name: a, action: allow, match: {methods: ['*']}}]}",
    );
    let ping = format!(r#"{{"jsonrpc":"2.0","id":"{token}","method":"ping"}}"#);
    let passed = session.sends(Direction::ToServer, ping);
    assert!(passed.forward.is_empty());
    // Whoever waits for it knows it by nothing else.
    assert!(String::from_utf8_lossy(&passed.to_sender[0]).contains(&token));
    let records = session.records();
    assert!(records.contains(r#""id":"<GITHUB_TOKEN>""#) && !records.contains(&token), "{records}");
}

#[test]
fn whoever_decides_is_shown_what_the_record_has() {
    let token = token();
    let holds = Arc::new(crate::proxy::hold::Holds::new(std::time::Duration::from_secs(60)));
    let Session { gate, party, dir } = Session::under(
        "{version: v1, mode: enforce, rules: [{name: ask, action: hold, match: {methods: ['*']}}]}",
    );
    let session = Session { gate, party: party.holding(Arc::clone(&holds)), dir };
    let call = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{token}","arguments":{{"{token}":"a {token}","b":1}}}}}}"#
    );
    // It waits as long as somebody has it.
    let held = session.sends(Direction::ToServer, call);
    assert!(held.forward.is_empty());
    let view = holds.list(Instant::now()).remove(0);
    assert_eq!(view.target.as_deref(), Some("<GITHUB_TOKEN>"));
    let arguments = view.arguments.unwrap();
    assert_eq!(arguments, r#"{"<GITHUB_TOKEN>":"a <GITHUB_TOKEN>","b":1}"#);
    let records = session.records();
    assert!(records.contains(&arguments) && !records.contains(&token), "{records}");
}
