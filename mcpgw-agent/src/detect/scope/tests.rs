//! Sessions that stay, and sessions that leave.

use bytes::Bytes;

use super::*;
use crate::json::{Limits, path_to};
use crate::mcp::{Decoded, decode};

fn message(text: &str) -> Message {
    match decode(Bytes::copy_from_slice(text.as_bytes()), &Limits::default()) {
        Ok(Decoded::One(message)) => message,
        other => panic!("{text}: {other:?}"),
    }
}

fn call(tool: &str, arguments: &str) -> Message {
    let params = format!(r#"{{"name":"{tool}","arguments":{arguments}}}"#);
    message(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#))
}

fn unsaid(_: Realm, _: &str) -> Allowed {
    Allowed::Unsaid
}

/// Kind, path and score of what is found in the call `second` of a session in which `first` passed.
fn after(first: &str, second: &str) -> Vec<(&'static str, String, f32)> {
    let mut scope = Scope::new();
    let first = call("get_file", first);
    assert_eq!(scope.look(Direction::ToServer, &first, unsaid), []);
    scope.passed(Direction::ToServer, &first, unsaid);
    let second = call("get_file", second);
    let findings = scope.look(Direction::ToServer, &second, unsaid);
    let root = second.document().root();
    findings.iter().map(|finding| (finding.kind, path_to(root, finding.node), finding.score)).collect()
}

#[test]
fn a_second_repository_is_found_in_every_form() {
    let first = r#"{"owner":"acme","repo":"site"}"#;
    for second in [
        r#"{"owner":"acme","repo":"vault"}"#,
        r#"{"owner":"ACME","repo":"Vault"}"#,
        r#"{"repo":"acme/vault"}"#,
        r#"{"repository":"acme/vault"}"#,
        r#"{"full_name":"acme/vault"}"#,
        r#"{"repoFullName":"acme/vault"}"#,
        r#"{"repoOwner":"acme","repoName":"vault"}"#,
        r#"{"repository":{"owner":{"login":"acme"},"name":"vault"}}"#,
        r#"{"repository":{"owner":"acme","name":"vault"}}"#,
        r#"{"input":{"params":{"owner":"acme","repo":"vault"}}}"#,
        r#"{"items":[{"owner":"acme","repo":"site"},{"owner":"acme","repo":"vault"}]}"#,
        r#"{"repoUrl":"https://github.com/acme/vault"}"#,
        r#"{"url":"https://github.com/acme/vault/issues/1"}"#,
        r#"{"url":"https://api.github.com/repos/acme/vault/contents"}"#,
        r#"{"url":"git@github.com:acme/vault.git"}"#,
        r#"{"remote":"ssh://git@git.example/acme/vault.git"}"#,
        r#"{"query":"repo:acme/vault password"}"#,
        r#"{"q":"is:open (repo:acme/vault OR repo:acme/site)"}"#,
        r#"{"project_path":"acme/vault"}"#,
        r#"{"repos":["acme/site"],"target_repo":"acme/vault"}"#,
    ] {
        let found = after(first, second);
        assert!(matches!(found.as_slice(), [("repository", _, 0.5)]), "{second} {found:?}");
    }
}

#[test]
fn the_same_repository_in_another_form_is_no_other() {
    let first = r#"{"owner":"acme","repo":"site"}"#;
    for second in [
        r#"{"owner":"Acme","repo":"Site"}"#,
        r#"{"repo":"acme/site"}"#,
        r#"{"repo":"site"}"#,
        r#"{"url":"https://github.com/acme/site/blob/main/x.rs?raw=1"}"#,
        r#"{"url":"git@github.com:acme/site.git"}"#,
        r#"{"query":"repo:acme/site is:open"}"#,
        r#"{"path":"docs/readme.md"}"#,
        r#"{"path":"other/vault","content":"repo: acme/vault","message":"see acme/vault"}"#,
        r#"{"head":"eve:branch","base":"main"}"#,
        r#"{"url":"https://example.com/acme/vault"}"#,
        r#"{}"#,
    ] {
        assert_eq!(after(first, second), [], "{second}");
    }
}

#[test]
fn a_path_pins_no_repository() {
    assert_eq!(after(r#"{"path":"docs/readme.md"}"#, r#"{"repo":"acme/site","path":"src/main.rs"}"#), []);
}

#[test]
fn other_realms_are_pinned_too_each_for_itself() {
    for (first, second, kind) in [
        (r#"{"project_id":"p1"}"#, r#"{"projectId":"p2"}"#, "project"),
        (r#"{"project_id":17}"#, r#"{"project_id":18}"#, "project"),
        (r#"{"bucket":"a"}"#, r#"{"Bucket":"b"}"#, "bucket"),
        (r#"{"uri":"s3://a/x"}"#, r#"{"uri":"s3://b/x"}"#, "bucket"),
        (r#"{"bucketName":"a"}"#, r#"{"uri":"gs://b/x"}"#, "bucket"),
        (r#"{"database":"app"}"#, r#"{"db_name":"hr"}"#, "database"),
        (r#"{"tenantId":"t1"}"#, r#"{"tenant":"t2"}"#, "tenant"),
        (r#"{"workspace":"w1"}"#, r#"{"workspace_id":"w2"}"#, "workspace"),
        (r#"{"org":"acme"}"#, r#"{"query":"org:evil x"}"#, "organization"),
        (r#"{"root":"/srv/a"}"#, r#"{"root":"/srv/b"}"#, "root"),
        (r#"{"repo_path":"/srv/a"}"#, r#"{"repo_path":"/srv/a/../b"}"#, "root"),
    ] {
        let found = after(first, second);
        assert!(matches!(found.as_slice(), [(found, ..)] if *found == kind), "{second} {found:?}");
    }
    for (first, second) in [
        (r#"{"root":"/srv/a"}"#, r#"{"workspacePath":"/srv/a/b"}"#),
        (r#"{"bucket":"a"}"#, r#"{"database":"b"}"#),
        (r#"{"project":"all about x"}"#, r#"{"project":"all about y"}"#),
        (r#"{"workspace":"w"}"#, r#"{"workspace":"W"}"#),
    ] {
        assert_eq!(after(first, second), [], "{second}");
    }
}

#[test]
fn only_what_passed_pins_and_writes_are_worse() {
    let mut scope = Scope::new();
    let (site, vault) =
        (call("get_file", r#"{"repo":"acme/site"}"#), call("create_issue", r#"{"repo":"acme/vault"}"#));
    // Refused: it was looked at, and did not pass.
    assert_eq!(scope.look(Direction::ToServer, &vault, unsaid), []);
    scope.passed(Direction::ToServer, &site, unsaid);
    let found = scope.look(Direction::ToServer, &vault, unsaid);
    assert!(matches!(found.as_slice(), [Finding { severity: Severity::High, score: 0.7, .. }]), "{found:?}");
    // Let through all the same, it is no pin: the first one stays.
    scope.passed(Direction::ToServer, &vault, unsaid);
    assert_eq!(scope.look(Direction::ToServer, &site, unsaid), []);
    assert_eq!(scope.look(Direction::ToClient, &vault, unsaid), []);
    let listed = message(
        r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"repo://acme/vault/x"}}"#,
    );
    let found = scope.look(Direction::ToServer, &listed, unsaid);
    assert!(matches!(found.as_slice(), [Finding { kind: "repository", score: 0.5, .. }]), "{found:?}");
}

#[test]
fn policy_says_more_than_what_was_first() {
    let allowed = |realm, name: &str| match (realm, name) {
        (Realm::Repository, "acme/site" | "acme/docs") => Allowed::Yes,
        (Realm::Repository, _) => Allowed::No,
        _ => Allowed::Unsaid,
    };
    let mut scope = Scope::new();
    for (name, is_left) in
        [("acme/site", false), ("acme/docs", false), ("evil/x", true), ("acme/site", false)]
    {
        let call = call("get_file", &format!(r#"{{"repo":"{name}"}}"#));
        assert_eq!(scope.look(Direction::ToServer, &call, allowed).len(), usize::from(is_left), "{name}");
        scope.passed(Direction::ToServer, &call, allowed);
    }
    assert!(scope.pins.is_empty());
}

#[test]
fn what_is_remembered_and_looked_at_is_bounded() {
    let many: Vec<_> = (0..5000).map(|number| format!(r#"{{"owner":"o","repo":"r{number}"}}"#)).collect();
    let call = call("get_file", &format!(r#"{{"items":[{}]}}"#, many.join(",")));
    let mut scope = Scope::new();
    assert!(scope.look(Direction::ToServer, &call, unsaid).len() < 64);
    scope.passed(Direction::ToServer, &call, unsaid);
    assert_eq!(scope.pins.len(), 1);
}

proptest::proptest! {
    #[test]
    fn any_name_is_read(key in "(repo|repository|url|q|root|bucket|project)", text in "[a-z:/.@~?#-]{0,40}") {
        let arguments = format!("{{{}:{}}}", crate::json::quote(&key), crate::json::quote(&text));
        let call = call("x", &arguments);
        let mut scope = Scope::new();
        scope.passed(Direction::ToServer, &call, unsaid);
        proptest::prop_assert_eq!(scope.look(Direction::ToServer, &call, unsaid), []);
    }
}
