use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::inventory::{AllowSpec, BootTime};

fn rule(name: &str, action: Action) -> RuleSpec {
    let program = AllowSpec { name: name.to_owned(), ..AllowSpec::default() };
    RuleSpec { program, socket: None, client: None, evidence: None, risk: None, action }
}

fn guard(rules: &[RuleSpec]) -> Guard {
    Guard { mode: Mode::Enforce, rules: Rules::compile(rules).unwrap(), ..Guard::default() }
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

#[test]
fn a_program_is_refused_where_all_of_a_rule_matches() {
    let mut spec = rule("no files", Action::Hold);
    spec.program.exe = Some("/opt/**".to_owned());
    spec.client = Some("**/claude".to_owned());
    let guard = guard(&[spec]);
    let clients = ["/usr/bin/bash".to_owned(), "/opt/claude".to_owned()];
    let subject = Subject {
        exe: Some("/opt/mcp/server"),
        clients: &clients,
        evidence: Evidence::Command,
        ..Subject::UNKNOWN
    };
    let refused = Decision { action: Action::Hold, because: Because::Rule("no files"), is_real: true };
    assert_eq!(guard.at_exec(&subject, NOW), AtExec::Refuse(refused));
    for other in [
        Subject { exe: Some("/usr/bin/server"), ..subject },
        Subject { exe: None, ..subject },
        Subject { clients: &[], ..subject },
        Subject { evidence: Evidence::Shape, ..subject },
    ] {
        assert_eq!(guard.at_exec(&other, NOW), AtExec::Run, "{other:?}");
    }
    assert!(guard.may_hold("/opt/x") && !guard.may_hold("/usr/bin/x"));
}

#[test]
fn a_hash_is_asked_for_only_where_it_decides() {
    let mut spec = rule("that file", Action::Hold);
    spec.program.sha256 = Some("AB".repeat(32));
    spec.program.user = Some("build".to_owned());
    let guard = guard(&[spec]);
    let hash = "ab".repeat(32);
    let subject = Subject { user: Some("build"), evidence: Evidence::Command, ..Subject::UNKNOWN };
    assert_eq!(guard.at_exec(&subject, NOW), AtExec::NeedsHash);
    let known = Subject { sha256: Some(&hash), ..subject };
    assert!(matches!(guard.at_exec(&known, NOW), AtExec::Refuse(_)));
    assert_eq!(guard.at_exec(&Subject { sha256: Some("cd"), ..subject }, NOW), AtExec::Run);
    assert_eq!(guard.at_exec(&Subject { user: Some("x"), ..subject }, NOW), AtExec::Run);
    assert_eq!(guard.on_server(&subject, false, false, NOW), None);
}

#[test]
fn what_could_be_said_against_arguments_nobody_can_read_is() {
    let mut spec = rule("no files", Action::Hold);
    spec.program.exe = Some("/opt/**".to_owned());
    spec.program.command = Some("*server-filesystem*".to_owned());
    spec.program.user = Some("build".to_owned());
    spec.risk = Some(crate::risk::Level::Critical);
    let mut guard = guard(&[spec, rule("kill", Action::Kill)]);
    let subject =
        Subject { exe: Some("/opt/mcp/server"), user: Some("build"), uid: Some(7), ..Subject::UNKNOWN };
    assert_eq!(guard.at_exec(&subject, NOW), AtExec::Run);
    assert!(matches!(guard.at_unread_exec(&subject, NOW), AtExec::Refuse(_)));
    for other in [Subject { exe: Some("/usr/x"), ..subject }, Subject { user: Some("ann"), ..subject }] {
        assert_eq!(guard.at_unread_exec(&other, NOW), AtExec::Run);
        // What somebody blocked is blocked with some arguments, which these may be.
        let arguments = words("--read all");
        let exe = other.exe.unwrap().to_owned();
        let program = Program { exe, arguments, uid: 7, container: None };
        let id = program.id();
        let order = Order { id: id.clone(), kind: Kind::Block, program, by: 0, at: NOW, until: None };
        guard.orders.give(order).unwrap();
        assert!(matches!(guard.at_unread_exec(&other, NOW), AtExec::Refuse(_)));
        assert_eq!(guard.at_unread_exec(&Subject { uid: Some(8), ..other }, NOW), AtExec::Run);
        guard.orders.take_back(&id);
    }
    guard.is_off = true;
    assert_eq!(guard.at_unread_exec(&subject, NOW), AtExec::Run);
}

#[test]
fn nothing_is_killed_that_is_not_confirmed() {
    let mut spec = rule("none", Action::Kill);
    spec.evidence = Some(Evidence::Nothing);
    let guard = guard(&[spec]);
    let decide = |evidence, is_gated| {
        let subject = Subject { evidence, ..Subject::UNKNOWN };
        guard.on_server(&subject, is_gated, true, NOW).map(|decision| (decision.action, decision.is_real))
    };
    for evidence in [Evidence::Nothing, Evidence::Shape, Evidence::Command, Evidence::Wire] {
        assert_eq!(decide(evidence, false), None);
    }
    assert_eq!(decide(Evidence::Confirmed, false), Some((Action::Kill, true)));
    assert_eq!(decide(Evidence::Confirmed, true), None, "a gateway stands before it");
}

#[test]
fn connections_are_refused_only_to_what_listens() {
    let guard = guard(&[rule("deny", Action::Deny), rule("tell", Action::Flag)]);
    let subject = Subject { evidence: Evidence::Confirmed, ..Subject::UNKNOWN };
    let action = |listens| guard.on_server(&subject, false, listens, NOW).map(|decision| decision.action);
    assert_eq!((action(true), action(false)), (Some(Action::Deny), Some(Action::Flag)));
}

#[test]
fn alert_and_dry_run_do_nothing_and_off_says_nothing() {
    let enforced = guard(&[rule("all", Action::Kill), rule("held", Action::Hold)]);
    let subject = Subject { evidence: Evidence::Confirmed, ..Subject::UNKNOWN };
    let real = |guard: &Guard| guard.on_server(&subject, false, false, NOW).map(|decision| decision.is_real);
    assert_eq!(real(&enforced), Some(true));
    let alert = Guard { mode: Mode::Alert, ..enforced.clone() };
    let dry = Guard { dry_run: true, ..enforced.clone() };
    assert_eq!((real(&alert), real(&dry)), (Some(false), Some(false)));
    assert!(!alert.holds() && dry.holds(), "a dry run takes the time it takes");
    let off = Guard { is_off: true, ..enforced };
    assert_eq!(real(&off), None);
    assert!(!off.holds());
    assert_eq!(off.at_exec(&subject, NOW), AtExec::Run);
}

#[test]
fn risk_is_asked_for() {
    let mut spec = rule("risky", Action::Kill);
    spec.risk = Some(crate::risk::Level::High);
    let guard = guard(&[spec]);
    let of = |risk| Subject { evidence: Evidence::Confirmed, risk, ..Subject::UNKNOWN };
    assert!(guard.on_server(&of(None), false, false, NOW).is_none());
    assert!(guard.on_server(&of(Some(crate::risk::Level::Medium)), false, false, NOW).is_none());
    assert!(guard.on_server(&of(Some(crate::risk::Level::Critical)), false, false, NOW).is_some());
}

#[test]
fn orders_come_before_rules_until_they_are_over() {
    let mut guard = guard(&[rule("none", Action::Kill)]);
    let argv = words("node /srv/x.js");
    let subject = Subject {
        exe: Some("/usr/bin/node"),
        argv: &argv,
        uid: Some(1000),
        evidence: Evidence::Confirmed,
        ..Subject::UNKNOWN
    };
    let program = Program::of(&subject).unwrap();
    let id = program.id();
    let later = NOW + SignedDuration::from_hours(2);
    let order =
        |kind| Order { id: id.clone(), kind, program: program.clone(), by: 0, at: NOW, until: Some(later) };
    guard.orders.give(order(Kind::Allow)).unwrap();
    assert_eq!(guard.on_server(&subject, false, false, NOW), None);
    assert!(guard.on_server(&subject, false, false, later).is_some(), "two hours are over");
    let other = words("node /srv/y.js");
    assert!(guard.on_server(&Subject { argv: &other, ..subject }, false, false, NOW).is_some());
    let renamed = words("x /srv/x.js");
    assert!(guard.on_server(&Subject { argv: &renamed, ..subject }, false, false, NOW).is_none());

    guard.orders.give(order(Kind::Block)).unwrap();
    assert_eq!(guard.orders.list().len(), 1, "the last word counts");
    let blocked = guard.on_server(&Subject { evidence: Evidence::Nothing, ..subject }, true, false, NOW);
    let decision = Decision { action: Action::Kill, because: Because::Order(&id), is_real: true };
    assert_eq!(blocked, Some(decision));
    assert!(matches!(guard.at_exec(&subject, NOW), AtExec::Refuse(_)));
    assert!(guard.may_hold("/usr/bin/node") && guard.holds());
    assert_eq!(guard.orders.expire(later).len(), 1);
    assert!(guard.orders.list().is_empty());
}

#[test]
fn a_programs_id_is_its_own() {
    let program = Program { exe: "/a".into(), arguments: words("b c"), uid: 1, container: None };
    let others = [
        Program { exe: "/ab".into(), arguments: words("c"), ..program.clone() },
        Program { arguments: words("bc"), ..program.clone() },
        Program { uid: 2, ..program.clone() },
        Program { container: Some("x".into()), ..program.clone() },
    ];
    assert_eq!(program.id(), program.clone().id());
    assert!(others.iter().all(|other| other.id() != program.id()));
}

#[test]
fn orders_are_bounded() {
    let mut orders = Orders::default();
    for uid in 0..=1000 {
        let program = Program { exe: "/a".into(), arguments: Vec::new(), uid, container: None };
        let order = Order { id: program.id(), kind: Kind::Allow, program, by: 0, at: NOW, until: None };
        assert_eq!(orders.give(order).is_ok(), uid < 1000);
    }
}

#[test]
fn kills_are_limited_by_the_minute() {
    let mut limit = KillLimit::new(2);
    let at = |seconds| BootTime::default().after(Duration::from_secs(seconds));
    assert!(limit.take(at(1)) && limit.take(at(2)));
    assert!(!limit.take(at(60)));
    assert!(limit.take(at(61)) && !limit.take(at(61)));
    limit.set(0);
    assert!(!limit.take(at(1000)));
}
