//! `host.guard`.

use super::*;
use crate::config::Guard;
use crate::guard::{Action, Evidence, Mode, RuleSpec};
use crate::risk::Level;

/// What the file of every key says of the guard.
pub(super) fn guard() -> Guard {
    let program = AllowSpec {
        name: "no file servers".into(),
        exe: Some("/usr/bin/node".into()),
        sha256: Some("ab".repeat(32)),
        command: Some("*server-filesystem*".into()),
        user: Some("build".into()),
        container: Some("sandbox-*".into()),
        unit: Some("x.service".into()),
        cgroup: Some("/a/*".into()),
    };
    let rule = RuleSpec {
        program,
        socket: None,
        client: Some("**/claude".into()),
        evidence: Some(Evidence::Shape),
        risk: Some(Level::High),
        action: Action::Hold,
    };
    Guard {
        mode: Mode::Enforce,
        dry_run: true,
        cgroup: "/user.slice".into(),
        decide_within: Duration::from_millis(20),
        kills_per_minute: 3,
        rules: vec![rule],
    }
}

/// And how it is written.
pub(super) const WRITTEN: &str = "  guard:
    mode: enforce
    dry-run: true
    cgroup: /user.slice
    decide-within: 20ms
    kills-per-minute: 3
    rules:
      - name: no file servers
        action: hold
        exe: /usr/bin/node
        sha256: ABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABAB
        command: '*server-filesystem*'
        user: build
        container: sandbox-*
        unit: x.service
        cgroup: /a/*
        client: '**/claude'
        evidence: shape
        risk: high
  client-files: off
  client-homes: [/srv/home/anna]
";

#[test]
fn everything_that_can_be_said_is_taken() {
    let config = parse(&format!("host:\n{WRITTEN}")).unwrap();
    assert_eq!(config.host.guard, guard());
    assert!(!config.host.client_files);
    assert_eq!(config.host.client_homes, [std::path::PathBuf::from("/srv/home/anna")]);
    assert!(config.needs_hashes());
}

#[test]
fn one_word_is_enough() {
    for (word, mode) in [("off", Mode::Off), ("alert", Mode::Alert), ("enforce", Mode::Enforce)] {
        let config = parse(&format!("host:\n  guard: {word}\n")).unwrap();
        assert_eq!(config.host.guard, Guard { mode, ..Guard::default() });
    }
}

#[test]
fn a_socket_is_named_by_its_path() {
    let text = "host:\n  guard:\n    rules:\n      - {name: x, action: deny, socket: /run/s}\n";
    let rules = parse(text).unwrap().host.guard.rules;
    assert_eq!(rules.iter().map(|rule| rule.socket.as_deref()).collect::<Vec<_>>(), [Some("/run/s")]);
}

#[test]
fn what_makes_no_rule_is_refused_with_its_line() {
    let rule = |text: &str| problem(&format!("host:\n  guard:\n    rules:\n      - {{{text}}}\n"));
    for (text, part) in [
        ("name: x, action: maim", "maim"),
        ("name: x", "action"),
        ("action: kill", "name"),
        ("name: x, action: kill, exe: node", "node"),
        ("name: x, action: kill, client: node", "node"),
        ("name: x, action: kill, sha256: 12", "12"),
        ("name: x, action: kill, command: 'a['", "a["),
        ("name: x, action: kill, evidence: some", "some"),
        ("name: x, action: kill, risk: none", "none"),
        ("name: x, action: kill, exes: /a", "exes"),
        ("name: x, action: deny, socket: run/s", "run/s"),
        ("name: x, action: kill, socket: /run/s", "nothing else"),
        ("name: x, action: deny, socket: /run/s, user: a", "nothing else"),
        ("name: x, action: deny, socket: /run/s, risk: low", "nothing else"),
    ] {
        let said = rule(text);
        assert!(said.contains(part) && said.starts_with("4:"), "{text}: {said}");
    }
    for (text, part) in [
        ("guard: on", "on"),
        ("guard: {decide-within: 1ms}", "1ms"),
        ("guard: {kills-per-minute: 1001}", "1001"),
        ("guard: {cgroup: a}", "a"),
        ("guard: {cgroup: /a/../b}", ".."),
        ("client-homes: [home]", "home"),
    ] {
        let said = problem(&format!("host:\n  {text}\n"));
        assert!(said.contains(part), "{text}: {said}");
    }
    let twice = problem(
        "host:\n  guard:\n    rules:\n      - {name: x, action: kill}\n      - {name: x, action: flag}\n",
    );
    assert!(twice.starts_with("5:"), "{twice}");
}
