//! `policy`: files in, verdicts out.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{program, run, transcript};

const POLICY: &str = "\
version: v1
mode: enforce
lists:
  safe: [read_file, list_files]
rules:
  - name: no-keys
    action: deny
    match:
      methods: [tools/call]
      arguments:
        \"*\": [\"*/.ssh/*\"]
  - name: guests-only-look
    action: deny
    match: {methods: [tools/call], tools: [write_file], roles: [guest]}
  - name: safe
    action: allow
    match: {methods: [tools/call], tools: [\"@safe\", write_file]}
  - name: session
    action: allow
    match: {methods: [initialize, tools/list]}
";

const SCENARIOS: &str = "\
scenarios:
  - name: reading
    method: tools/call
    params: '{\"name\":\"read_file\",\"arguments\":{\"path\":\"/srv/x\"}}'
    expect: allow
  - {name: a key, method: tools/call, params: {name: read_file, arguments: {path: /a/.ssh/b}}, expect: deny, rule: no-keys}
  - {name: a guest, method: tools/call, roles: [guest], params: {name: write_file}, expect: deny}
  - {name: the list, answers: {method: tools/list}, result: {tools: [{name: bash}, {name: read_file}]}, expect: redact, removes: [bash]}
";

fn site() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("p.yaml"), POLICY).unwrap();
    fs::write(dir.path().join("p.test.yaml"), SCENARIOS).unwrap();
    dir
}

fn put(dir: &TempDir, name: &str, text: &str) {
    fs::write(dir.path().join(name), text).unwrap();
}

fn code(dir: &Path, arguments: &[&str]) -> Option<i32> {
    run(dir, arguments).status.code()
}

fn json(dir: &Path, arguments: &[&str]) -> Value {
    serde_json::from_slice(&run(dir, arguments).stdout).unwrap()
}

#[test]
fn validate_shows_what_was_understood() {
    let dir = site();
    insta::assert_snapshot!(transcript(dir.path(), &["policy", "validate", "p.yaml"]), @r###"
    exit 0
    --- stdout
    p.yaml: OK: 4 rules, mode=enforce
      no-keys: deny  methods: tools/call; arguments.*: */.ssh/*
      guests-only-look: deny  methods: tools/call; tools: write_file; roles: guest
      safe: allow  methods: tools/call; tools: read_file, list_files, write_file
      session: allow  methods: initialize, tools/list
    "###);
    let files = json(dir.path(), &["policy", "validate", "--json", "p.yaml"]);
    assert_eq!((&files[0]["valid"], &files[0]["mode"]), (&Value::Bool(true), &Value::from("enforce")));
    assert_eq!(files[0]["rules"][2]["conditions"][1]["values"][1], "list_files");
    assert_eq!(files[0]["hash"].as_str().unwrap().len(), 64);
}

#[test]
fn validate_shows_every_problem_where_it_is() {
    let dir = site();
    put(
        &dir,
        "bad.yaml",
        "version: v1\nmode: enforced\nrules:\n  - name: a\n    action: deny\n    mach: {methods: ['*']}\n",
    );
    insta::assert_snapshot!(transcript(dir.path(), &["policy", "validate", "bad.yaml", "none.yaml"]), @r###"
    exit 1
    --- stdout
    bad.yaml: not valid.
    `bad.yaml` has 3 problems
    `enforced` is no mode, did you mean `enforce`?
     --> bad.yaml:2:7
      |
    2 | mode: enforced
      |       ^^^^^^^^
    a rule has no `match`
     --> bad.yaml:4:5
      |
    4 |   - name: a
      |     ^
    unknown key `mach`, did you mean `match`?
     --> bad.yaml:6:5
      |
    6 |     mach: {methods: ['*']}
      |     ^^^^
    none.yaml: not valid.
    cannot read `none.yaml`: No such file or directory (os error 2)
    "###);
    let files = json(dir.path(), &["policy", "validate", "--json", "bad.yaml"]);
    assert_eq!(
        (&files[0]["valid"], &files[0]["problems"][0]["line"]),
        (&Value::Bool(false), &Value::from(2))
    );
}

#[test]
fn validate_warns_and_strict_takes_it_for_an_error() {
    let dir = site();
    put(
        &dir,
        "odd.yaml",
        "version: v1\nmode: audit\nrules:\n  - {name: all, action: allow, match: {methods: ['*']}}\n  \
         - {name: late, action: deny, match: {methods: [tools/call]}}\n",
    );
    insta::assert_snapshot!(transcript(dir.path(), &["policy", "validate", "odd.yaml"]), @r###"
    exit 0
    --- stdout
    odd.yaml: OK: 2 rules, mode=observe
      all: allow  methods: *
      late: deny  methods: tools/call
    odd.yaml: 1 warning:
    rule `late` never counts: rule `all` (line 4) allows all of its messages before: put it after this one [allowed-before]
     --> odd.yaml:5:12
      |
    5 |   - {name: late, action: deny, match: {methods: [tools/call]}}
      |            ^^^^
    "###);
    assert_eq!(code(dir.path(), &["policy", "validate", "--strict", "odd.yaml"]), Some(1));
    assert_eq!(code(dir.path(), &["policy", "validate", "--strict", "p.yaml"]), Some(0));
}

#[test]
fn test_goes_by_the_scenarios_beside_the_policy() {
    let dir = site();
    insta::assert_snapshot!(transcript(dir.path(), &["policy", "test", "p.yaml"]), @r###"
    exit 0
    --- stdout
    PASS  reading: allow by `safe`
    PASS  a key: deny by `no-keys`
    PASS  a guest: deny by `guests-only-look`
    PASS  the list: redact by `(tool-not-offered)`
    4 scenarios: 4 passed, 0 failed.
    "###);
    put(
        &dir,
        "other.test.yaml",
        "scenarios:\n  - {name: writing, method: tools/call, params: {name: write_file}, expect: deny, rule: guests-only-look}\n",
    );
    insta::assert_snapshot!(transcript(dir.path(), &["policy", "test", "p.yaml", "other.test.yaml"]), @r###"
    exit 1
    --- stdout
    FAIL  writing: allow by `safe`
          effect: expected deny, got allow
          rule: expected guests-only-look, got safe
    1 scenario: 0 passed, 1 failed.
    "###);
    let report = json(dir.path(), &["policy", "test", "--json", "p.yaml", "other.test.yaml", "p.test.yaml"]);
    assert_eq!((&report["passed"], &report["failed"]), (&Value::from(4), &Value::from(1)));
}

#[test]
fn test_of_nothing_or_of_something_wrong_fails() {
    let dir = site();
    put(&dir, "none.test.yaml", "scenarios: []\n");
    put(&dir, "wrong.test.yaml", "scenarios:\n  - {name: a, method: x, expext: deny}\n");
    put(&dir, "bad.yaml", "version: v2\n");
    fs::create_dir(dir.path().join("empty")).unwrap();
    insta::assert_snapshot!(transcript(dir.path(), &["policy", "test", "p.yaml", "wrong.test.yaml"]), @r###"
    exit 1
    --- stderr
    Error: `wrong.test.yaml` has a problem
    unknown key `expext`, did you mean `expect`?
     --> wrong.test.yaml:2:26
      |
    2 |   - {name: a, method: x, expext: deny}
      |                          ^^^^^^
    "###);
    for arguments in [
        &["policy", "test", "p.yaml", "none.test.yaml"][..],
        &["policy", "test", "p.yaml", "missing.test.yaml"],
        &["policy", "test", "bad.yaml", "p.test.yaml"],
        &["policy", "test", "missing.yaml"],
        &["policy", "test", "empty"],
        &["policy", "test", "."],
    ] {
        let output = run(dir.path(), arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(
            output.stdout.is_empty() && output.stderr.starts_with(b"Error: "),
            "{arguments:?}: {output:?}"
        );
    }
}

#[test]
fn test_of_a_directory_runs_all_there_is() {
    let output = run(Path::new(env!("CARGO_MANIFEST_DIR")), &["policy", "test", "../policies"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.ends_with(" passed, 0 failed.\n"), "{said}");
    assert!(said.contains("policies/strict.yaml\nPASS"), "{said}");
}

#[test]
fn diff_says_what_is_different_and_what_that_changes() {
    let dir = site();
    put(
        &dir,
        "same.yaml",
        &format!("# Commented.\n{}", POLICY.replace("safe: [read_file", "safe: ['read_file'")),
    );
    insta::assert_snapshot!(transcript(dir.path(), &["policy", "diff", "p.yaml", "same.yaml"]), @r###"
    exit 0
    --- stdout
    The policies are the same.
    "###);
    let changed = POLICY
        .replace("roles: [guest]", "roles: [guest, intern]")
        .replace("  safe: [read_file, list_files]", "  safe: [list_files]");
    let (head, tail) = changed.split_once("  - name: session").unwrap();
    let (head, rules) = head.split_once("rules:\n").unwrap();
    put(&dir, "new.yaml", &format!("{head}rules:\n  - name: session{tail}{rules}"));
    insta::assert_snapshot!(transcript(dir.path(), &["policy", "diff", "p.yaml", "new.yaml"]), @r###"
    exit 1
    --- stdout
    ~ lists.safe
        was ["read_file", "list_files"]
        now ["list_files"]
    ~ rule `guests-only-look`: match.roles
        was ["guest"]
        now ["guest", "intern"]
    ^ rule `session` has changed places with others, and the first rule that matches counts
        was rule 4
        now rule 1

    ! reading: was allow by `safe`, now deny by `(implicit-deny)`
    ! the list: was redact by `(tool-not-offered)`, now redact by `(tool-not-offered)`, with another text
    2 of 4 scenarios are decided otherwise.
    "###);
    let report = json(dir.path(), &["policy", "diff", "--json", "p.yaml", "new.yaml"]);
    assert_eq!(
        (&report["same"], report["decided_otherwise"].as_array().unwrap().len()),
        (&Value::Bool(false), 2)
    );
    put(&dir, "bad.yaml", "rules: 7\n");
    assert_eq!(code(dir.path(), &["policy", "diff", "p.yaml", "bad.yaml"]), Some(1));
}

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"write_file","arguments":{"path":"/x"}}}"#;

#[test]
fn explain_shows_the_way_to_the_rule_that_decides() {
    let dir = site();
    let explain = |more: &[&str]| {
        transcript(dir.path(), &[&["policy", "explain", "p.yaml", "--message"], more].concat())
    };
    insta::assert_snapshot!(explain(&[CALL, "--role", "guest"]), @r###"
    exit 0
    --- stdout
    1. no-keys (deny) does not match: arguments.*: the argument `*` does not match
    2. guests-only-look (deny) matches
    deny by `guests-only-look`
    "###);
    insta::assert_snapshot!(explain(&[CALL]), @r###"
    exit 0
    --- stdout
    1. no-keys (deny) does not match: arguments.*: the argument `*` does not match
    2. guests-only-look (deny) does not match: roles: it is not known
    3. safe (allow) matches
    allow by `safe`
    "###);
    insta::assert_snapshot!(explain(&[r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#]), @r###"
    exit 0
    --- stdout
    an object has a key twice (at byte 47)
    deny by `(malformed: duplicate-key)`
    "###);
    let list = r#"{"jsonrpc":"2.0","id":7,"result":{"tools":[{"name":"bash"}]}}"#;
    let asked = r#"{"jsonrpc":"2.0","id":7,"method":"tools/list"}"#;
    insta::assert_snapshot!(explain(&[list, "--answers", asked]), @r###"
    exit 0
    --- stdout
    1. no-keys (deny) does not match: directions: it is an answer, and the rule names no `directions`
    2. guests-only-look (deny) does not match: directions: it is an answer, and the rule names no `directions`
    3. safe (allow) does not match: directions: it is an answer, and the rule names no `directions`
    4. session (allow) does not match: directions: it is an answer, and the rule names no `directions`
    redact by `(tool-not-offered)`
    It goes on as {"jsonrpc":"2.0","id":7,"result":{"tools":[]}}
    "###);
}

#[test]
fn explain_takes_messages_from_files_and_standard_input() {
    let dir = site();
    put(&dir, "call.json", &format!("{CALL}\n"));
    let from_file = json(dir.path(), &["policy", "explain", "p.yaml", "--json", "--message", "@call.json"]);
    assert_eq!((&from_file["effect"], &from_file["rule"]), (&Value::from("allow"), &Value::from("safe")));
    assert_eq!(from_file["steps"][1]["condition"], "roles");
    let mut command = program(dir.path(), &["policy", "explain", "p.yaml", "--json", "--message", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(CALL.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap(), from_file);
    assert_eq!(
        code(dir.path(), &["policy", "explain", "p.yaml", "--message", "-", "--answers", "-"]),
        Some(2)
    );
    assert_eq!(code(dir.path(), &["policy", "explain", "p.yaml", "--message", "@none.json"]), Some(1));
    assert_eq!(
        code(dir.path(), &["policy", "explain", "p.yaml", "--message", CALL, "--revision", "x"]),
        Some(2)
    );
}

#[test]
fn what_a_policy_or_a_message_holds_does_not_reach_the_terminal_as_control() {
    let dir = site();
    put(
        &dir,
        "evil.yaml",
        &POLICY
            .replace("safe: [read_file", "safe: [\"read\\u001b[2J\\u202efile\"")
            .replace("no-keys", "no\\u009bkeys"),
    );
    put(&dir, "broken.yaml", "version: \u{9b}2J\nmode: \u{202e}\n");
    let call = CALL.replace("write_file", r"write\u001b[2J\u202e");
    for arguments in [
        &["policy", "validate", "evil.yaml", "broken.yaml"][..],
        &["policy", "validate", "--json", "evil.yaml", "broken.yaml"],
        &["policy", "test", "evil.yaml", "p.test.yaml"],
        &["policy", "diff", "p.yaml", "evil.yaml"],
        &["policy", "diff", "p.yaml", "broken.yaml"],
        &["policy", "explain", "p.yaml", "--message", &call],
        &["policy", "explain", "evil.yaml", "--message", &call],
    ] {
        let output = run(dir.path(), arguments);
        for bytes in [output.stdout, output.stderr] {
            let said = String::from_utf8(bytes).unwrap();
            let is_hidden = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
            assert!(!said.contains(is_hidden), "{arguments:?}: {said:?}");
        }
    }
}

#[test]
fn effects_are_explained_tried_and_said_where_they_cannot_be_prevented() {
    let dir = site();
    let effects = "effects:\n  action: deny\n  exec: deny\n  read: {deny: [\"**/.env\"]}\n";
    put(&dir, "e.yaml", &format!("{POLICY}{effects}"));
    let explained = |effect: &str| {
        let told = run(dir.path(), &["policy", "explain", "e.yaml", "--effect", effect, "--tool", "t"]);
        String::from_utf8(told.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(explained("{exec: /bin/sh}"), "deny by `effects.exec`: runs /bin/sh (mode=enforce)");
    assert_eq!(explained("{read: /a/b}"), "allow: no rule about effects says otherwise");
    assert_eq!(code(dir.path(), &["policy", "explain", "e.yaml", "--effect", "{exce: x}"]), Some(2));
    assert_eq!(code(dir.path(), &["policy", "explain", "e.yaml"]), Some(2));
    put(
        &dir,
        "e.test.yaml",
        "effects:\n  - {name: a, does: {exec: /bin/sh}, expect: deny}\n  - {name: b, does: {read: /x/.env}, expect: kill}\n",
    );
    let tried = json(dir.path(), &["policy", "test", "--json", "e.yaml"]);
    assert_eq!((&tried["passed"], &tried["failed"]), (&1.into(), &1.into()), "{tried}");
    let valid = json(dir.path(), &["policy", "validate", "--here", "--json", "e.yaml"]);
    let left = valid[0]["unprevented"].to_string();
    assert!(left.contains("`read` of `**/.env` is detected only"), "{left}");
    assert!(json(dir.path(), &["policy", "validate", "--json", "e.yaml"])[0]["unprevented"].is_null());
}
