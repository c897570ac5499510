//! Whose effects are whose.

mod late;

use super::*;
use crate::inventory::{BootTime, ProcessKey};

/// A session, and another of the same server.
pub(super) const ONE: u32 = 1;
const OTHER: u32 = 2;

/// A file opened by process 7 at moment 0.
pub(super) fn opened(path: &str, access: Access) -> SideEffect {
    SideEffect {
        group: 1,
        process: ProcessKey { pid: 7, start_ticks: 1 },
        at: BootTime(0),
        act: Act::Open { path: path.to_owned(), access },
        outcome: Outcome::Done,
        cut: false,
    }
}

fn at(path: &str, moment: u64) -> SideEffect {
    SideEffect { at: BootTime(moment), ..opened(path, Access::Read) }
}

fn paths(done: &Collected) -> Vec<(&str, u64, u32)> {
    done.kept
        .iter()
        .map(|kept| {
            let Act::Open { path, .. } = &kept.act else { panic!("{kept:?}") };
            (path.as_str(), kept.count, kept.among)
        })
        .collect()
}

#[test]
fn what_is_done_while_one_call_is_open_is_its_own_and_among_several_each_has_it() {
    let mut ledger = Ledger::default();
    assert!(ledger.opened(ONE, "a", "t", BootTime(10)));
    ledger.happened(&at("/x", 11), &Measure::default());
    ledger.happened(&at("/x", 12), &Measure::default());
    assert!(ledger.opened(ONE, "b", "t", BootTime(20)));
    ledger.happened(&at("/y", 21), &Measure::default());
    // Told late, but done before the second call.
    ledger.happened(&at("/z", 15), &Measure::default());
    ledger.happened(&at("/x", 22), &Measure::default());
    assert_eq!(paths(&ledger.closed(ONE, "a").unwrap().done), [("/x", 3, 1), ("/y", 1, 2), ("/z", 1, 1)]);
    ledger.happened(&at("/w", 30), &Measure::default());
    assert_eq!(paths(&ledger.closed(ONE, "b").unwrap().done), [("/y", 1, 2), ("/x", 1, 2), ("/w", 1, 1)]);
    assert_eq!(ledger.closed(ONE, "b"), None);
    assert_eq!(ledger.open_calls(), 0);
}

#[test]
fn what_is_done_while_no_call_is_open_is_kept_with_the_call_before() {
    let mut ledger = Ledger::default();
    ledger.happened(&at("/start", 1), &Measure::default());
    assert!(ledger.opened(ONE, "a", "t", BootTime(10)));
    ledger.happened(&at("/early", 9), &Measure::default());
    ledger.closed(ONE, "a").unwrap();
    ledger.happened(&at("/late", 40), &Measure::default());
    let stray = ledger.take_stray().unwrap();
    assert_eq!(stray.after.as_deref(), Some("a"));
    assert_eq!(paths(&stray.done), [("/start", 1, 0), ("/early", 1, 0), ("/late", 1, 0)]);
    assert_eq!(ledger.take_stray(), None);
    ledger.happened(&at("/usr/lib/libc.so", 41), &Measure::default());
    assert_eq!(ledger.take_stray(), None, "noise is nothing to tell of by itself");
}

#[test]
fn a_flood_is_counted_and_a_loss_is_told_to_everybody_it_may_concern() {
    let mut ledger = Ledger::default();
    assert!(ledger.opened(ONE, "a", "t", BootTime(0)));
    for number in 0..100 {
        ledger.happened(&at(&format!("/{number}"), 1), &Measure::default());
        ledger.happened(&at("/usr/lib/libc.so", 1), &Measure::default());
    }
    ledger.lost(3, BootTime(1));
    let done = ledger.closed(ONE, "a").unwrap().done;
    assert_eq!((done.kept.len(), done.more, done.lost), (KEPT_MAX, 36, 3));
    assert_eq!(done.noise, [100, 0, 0, 0]);
    assert_eq!(ledger.take_stray().unwrap().done.lost, 3);
    for number in 0..CALLS_MAX {
        assert!(ledger.opened(ONE, &number.to_string(), "t", BootTime(0)));
    }
    assert!(!ledger.opened(ONE, "one too many", "t", BootTime(0)));
}

#[test]
fn what_neighbours_do_crowds_nobodys_own_out() {
    let mut ledger = Ledger::default();
    assert!(ledger.opened(ONE, "slow", "t", BootTime(0)));
    // Two hundred short calls pass while one is open; then that one does something of its own, beside another.
    for number in 0..200_u64 {
        let call = number.to_string();
        assert!(ledger.opened(ONE, &call, "t", BootTime(number)));
        ledger.happened(&at(&format!("/{number}"), number), &Measure::default());
        let done = ledger.closed(ONE, &call).unwrap().done;
        assert_eq!(paths(&done), [(format!("/{number}").as_str(), 1, 2)]);
        assert_eq!((done.with, done.more), (vec![], 0));
    }
    assert!(ledger.opened(ONE, "beside", "t", BootTime(300)));
    for path in ["/own", "/own", "/another"] {
        ledger.happened(&at(path, 300), &Measure::default());
    }
    ledger.happened(&at("/1", 300), &Measure::default());
    let slow = ledger.closed(ONE, "slow").unwrap().done;
    assert_eq!(slow.kept.len(), KEPT_MAX);
    // The first sixty-four that had it are named; what the rest and the last have is counted, and nothing is lost.
    assert_eq!((slow.with.len(), slow.with.first().map(|call| &**call)), (WITH_MAX, Some("64")));
    assert_eq!((slow.elsewhere, slow.more), (200 - u64::try_from(KEPT_MAX + WITH_MAX).unwrap() + 3, 0));
    let beside = ledger.closed(ONE, "beside").unwrap().done;
    assert_eq!(paths(&beside), [("/own", 2, 2), ("/another", 1, 2), ("/1", 1, 2)]);
}

#[test]
fn whoever_has_no_room_names_one_call_that_has() {
    let mut ledger = Ledger::default();
    assert!(ledger.opened(ONE, "slow", "t", BootTime(0)));
    for number in 0..KEPT_MAX {
        ledger.happened(&at(&format!("/{number}"), 1), &Measure::default());
    }
    for call in ["a", "b"] {
        assert!(ledger.opened(ONE, call, "t", BootTime(2)));
    }
    // What was done before a call began is not there, however late it is told.
    ledger.happened(&at("/early", 1), &Measure::default());
    for path in ["/x", "/y"] {
        ledger.happened(&at(path, 3), &Measure::default());
    }
    ledger.closed(ONE, "a").unwrap();
    ledger.happened(&at("/z", 4), &Measure::default());
    let slow = ledger.closed(ONE, "slow").unwrap().done;
    assert_eq!((slow.with, slow.more), (vec!["a".into(), "b".into()], 1));
    assert_eq!(paths(&ledger.closed(ONE, "b").unwrap().done), [("/x", 1, 3), ("/y", 1, 3), ("/z", 1, 2)]);
}

#[test]
fn things_that_differ_in_what_came_of_them_are_different() {
    let mut ledger = Ledger::default();
    assert!(ledger.opened(ONE, "a", "t", BootTime(0)));
    ledger.happened(&at("/x", 1), &Measure::default());
    ledger.happened(&SideEffect { outcome: Outcome::Refused, ..at("/x", 1) }, &Measure::default());
    ledger.happened(&SideEffect { cut: true, ..at("/x", 1) }, &Measure::default());
    assert_eq!(ledger.closed(ONE, "a").unwrap().done.kept.len(), 3);
}

#[test]
fn long_names_are_counted_where_there_is_no_room_for_them() {
    let mut ledger = Ledger::default();
    assert!(ledger.opened(ONE, "a", "t", BootTime(0)));
    let long = "x".repeat(KEPT_BYTES / 4);
    for number in 0..6 {
        ledger.happened(&at(&format!("/{number}{long}"), 1), &Measure::default());
    }
    ledger.happened(&at("/short", 1), &Measure::default());
    let done = ledger.closed(ONE, "a").unwrap().done;
    assert_eq!((done.kept.len(), done.more), (4, 3));
    assert_eq!(paths(&done).last().unwrap().0, "/short");
}

#[test]
fn calls_nobody_waits_for_any_more_are_given_up_with_what_was_done() {
    let mut ledger = Ledger::default();
    for call in ["a", "b", "c"] {
        assert!(ledger.opened(ONE, call, "t", BootTime(0)));
    }
    ledger.happened(&at("/x", 1), &Measure::default());
    let gone = ledger.give_up(ONE, |call| call == "b");
    assert_eq!(gone.iter().map(|gone| &*gone.call).collect::<Vec<_>>(), ["a", "c"]);
    assert!(gone.iter().all(|gone| paths(&gone.done) == [("/x", 1, 3)]), "{gone:?}");
    ledger.happened(&at("/y", 2), &Measure::default());
    assert_eq!(paths(&ledger.closed(ONE, "b").unwrap().done), [("/x", 1, 3), ("/y", 1, 1)]);
    assert_eq!(ledger.give_up(ONE, |_| false), []);
}

#[test]
fn sessions_of_one_server_are_in_one_ledger_and_each_closes_its_own_calls_alone() {
    let mut ledger = Ledger::running();
    assert!(ledger.opened(ONE, "a", "t", BootTime(10)));
    ledger.happened(&at("/one", 11), &Measure::default());
    // The same id is another call's where the session is another.
    assert!(ledger.opened(OTHER, "a", "t", BootTime(20)));
    ledger.happened(&at("/both", 21), &Measure::default());
    assert!(ledger.is_open_for(ONE) && ledger.is_open_for(OTHER) && !ledger.is_open_for(3));
    assert_eq!(ledger.closed(3, "a"), None);
    assert_eq!(ledger.give_up(3, |_| false), []);
    assert_eq!(paths(&ledger.closed(OTHER, "a").unwrap().done), [("/both", 1, 2)]);
    assert_eq!(ledger.closed(OTHER, "a"), None);
    assert_eq!(ledger.give_up(OTHER, |_| false), []);
    ledger.happened(&at("/alone", 30), &Measure::default());
    let gone = ledger.give_up(ONE, |_| false);
    assert_eq!(
        gone.iter().map(|gone| paths(&gone.done)).collect::<Vec<_>>(),
        [[("/one", 1, 1), ("/both", 1, 2), ("/alone", 1, 1)]]
    );
    assert_eq!(ledger.open_calls(), 0);
}

#[test]
fn of_what_nobody_saw_nothing_is_told() {
    let mut ledger = Ledger::running();
    assert!(ledger.opened(ONE, "a", "t", BootTime(10)));
    ledger.happened(&at("/seen", 11), &Measure::default());
    ledger.forget();
    assert_eq!((ledger.closed(ONE, "a"), ledger.open_calls()), (None, 0));
    ledger.happened(&at("/later", 30), &Measure::default());
    let stray = ledger.take_stray().unwrap();
    assert_eq!((stray.after.as_deref(), paths(&stray.done)), (Some("a"), vec![("/later", 1, 0)]));
    // Where the server has ended nobody answers, and what was done is known.
    assert!(ledger.opened(ONE, "b", "t", BootTime(40)) && ledger.opened(OTHER, "c", "t", BootTime(40)));
    ledger.happened(&at("/last", 41), &Measure::default());
    let gone = ledger.end();
    assert_eq!(gone.iter().map(|gone| &*gone.call).collect::<Vec<_>>(), ["b", "c"]);
    assert!(gone.iter().all(|gone| paths(&gone.done) == [("/last", 1, 2)]), "{gone:?}");
    assert_eq!((ledger.open_calls(), ledger.end()), (0, vec![]));
}

mod measured {
    use super::*;
    use crate::policy::effects::{EffectAction, EffectRules, Surroundings};
    use crate::policy::{Mode, Policy};

    fn rules(effects: &str) -> EffectRules {
        let text = format!(
            "version: v1\nmode: enforce\nrules: [{{name: a, action: allow, match: {{methods: ['*']}}}}]\neffects:\n{effects}"
        );
        let policy = Policy::parse(&text).unwrap();
        policy.effects("s", &Surroundings::default()).unwrap()
    }

    fn runs(path: &str, moment: u64) -> SideEffect {
        let act = Act::Exec { path: path.to_owned(), arguments: Vec::new() };
        SideEffect { act, ..at("/", moment) }
    }

    #[test]
    fn policy_has_its_word_on_each_thing_and_on_several_calls_where_it_objects_to_all() {
        let rules =
            rules("  exec: deny\n  action: deny\n  rules:\n  - {name: git, tools: [git], exec: allow}\n");
        let measure = Measure { rules: Some(&rules), ..Measure::default() };
        let mut ledger = Ledger::default();
        assert_eq!(ledger.happened(&runs("/usr/bin/node", 1), &measure), None);
        assert!(ledger.take_stray().unwrap().done.violations.is_empty(), "it is its start");
        assert!(ledger.opened(ONE, "a", "git", BootTime(10)));
        ledger.happened(&runs("/bin/sh", 11), &measure);
        assert!(ledger.opened(ONE, "b", "cat", BootTime(20)));
        ledger.happened(&runs("/bin/ls", 21), &measure);
        assert!(ledger.closed(ONE, "a").unwrap().done.violations.is_empty());
        ledger.happened(&runs("/bin/sh", 22), &measure);
        let done = ledger.closed(ONE, "b").unwrap().done;
        let found: Vec<_> =
            done.violations.iter().map(|found| (&*found.rule, found.act, found.mode)).collect();
        assert_eq!(found, [("effects.exec", EffectAction::Deny, Mode::Enforce)]);
        let ruled: Vec<_> = done.kept.iter().map(|kept| kept.rule.as_deref()).collect();
        assert_eq!(ruled, [None, Some("effects.exec")]);
        ledger.happened(&runs("/bin/sh", 30), &measure);
        assert_eq!(ledger.take_stray().unwrap().done.violations.len(), 1, "after the answer it is none");
    }

    #[test]
    fn what_is_deadly_is_said_at_once_and_only_where_policy_enforces() {
        let text = "  open: {deny: ['*/.ssh/*']}\n  action: kill\n";
        let deadly = rules(text);
        let mut ledger = Ledger::default();
        let key = at("/home/ann/.ssh/id", 1);
        let found = ledger.happened(&key, &Measure { rules: Some(&deadly), ..Measure::default() });
        assert_eq!(found.map(|found| found.rule), Some("effects.open".into()));
        let observed = rules(&format!("  mode: observe\n{text}"));
        let found = ledger.happened(&key, &Measure { rules: Some(&observed), ..Measure::default() });
        assert_eq!(found, None);
        let modes: Vec<_> =
            ledger.take_stray().unwrap().done.violations.iter().map(|found| found.mode).collect();
        assert_eq!(modes, [Mode::Enforce, Mode::Observe]);
    }

    #[test]
    fn the_worst_of_many_violations_is_kept() {
        let mut text = "  action: deny\n  rules:\n".to_owned();
        for number in 0..40 {
            text.push_str(&format!("  - {{name: n{number}, tools: ['*'], open: {{deny: ['/{number}']}}}}\n"));
        }
        text.push_str("  - {name: last, tools: ['*'], action: kill, open: {deny: [/last]}}\n");
        let rules = rules(&text);
        let measure = Measure { rules: Some(&rules), ..Measure::default() };
        let mut ledger = Ledger::default();
        for number in 0..40 {
            assert_eq!(ledger.happened(&at(&format!("/{number}"), 1), &measure), None);
        }
        assert!(ledger.happened(&at("/last", 1), &measure).is_some());
        let found = ledger.take_stray().unwrap().done.violations;
        assert_eq!(found.len(), 16);
        assert!(found.iter().any(|found| found.act == EffectAction::Kill));
    }
}

#[test]
fn what_sets_a_server_up_is_nobodys_and_only_the_first_program_can_be_it() {
    let by =
        |pid: u32, effect: SideEffect| SideEffect { process: ProcessKey { pid, start_ticks: 1 }, ..effect };
    let run = |pid, path: &str| {
        by(pid, SideEffect { act: Act::Exec { path: path.to_owned(), arguments: vec![] }, ..at("", 1) })
    };
    let told = |effects: &[SideEffect]| {
        let mut ledger = Ledger::default();
        for effect in effects {
            ledger.happened(effect, &Measure::default());
        }
        ledger.take_stray().map_or(0, |stray| stray.done.kept.len())
    };
    let secret = || at("/home/ann/.aws", 2);
    assert_eq!(told(&[run(7, LAUNCHER), secret(), secret()]), 0);
    assert_eq!(told(&[run(7, LAUNCHER), secret(), run(7, "/usr/bin/node"), secret()]), 2);
    // Another process is the server's, and so is whoever runs it later.
    assert_eq!(told(&[run(7, LAUNCHER), by(8, secret()), secret()]), 1);
    assert_eq!(told(&[run(7, "/usr/bin/node"), run(8, LAUNCHER), by(8, secret())]), 3);
}
