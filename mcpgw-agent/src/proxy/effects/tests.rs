//! Whose doings are whose, and when they are told.

use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;
use crate::effects::{Access, Act, Collected, Kept, Killed, Outcome};
use crate::inventory::{BootTime, ProcessKey};

fn ring() -> (Sender<Told>, Effects) {
    let (sender, receiver): (_, Receiver<Told>) = channel();
    let source = move |told: &mut Vec<Told>| {
        told.extend(receiver.try_iter());
        false
    };
    (sender, Effects::new(Box::new(source), Box::new(|_, _| Some(Ended::default())), None))
}

fn opens(group: u32, path: &str) -> Told {
    opens_at(group, path, boot_now())
}

fn opens_at(group: u32, path: &str, at: BootTime) -> Told {
    Told::Did(SideEffect {
        group,
        process: ProcessKey { pid: 7, start_ticks: 1 },
        at,
        act: Act::Open { path: path.to_owned(), access: Access::Read },
        outcome: Outcome::Done,
        cut: false,
    })
}

fn path(kept: &Kept) -> &str {
    let Act::Open { path, .. } = &kept.act else { panic!("{kept:?}") };
    path
}

fn paths(done: &Collected) -> Vec<&str> {
    done.kept.iter().map(path).collect()
}

/// What was done while no call was open, and nothing else.
fn stray(mut apart: Vec<Apart>) -> Stray {
    match (apart.pop(), apart.is_empty()) {
        (Some(Apart::Stray(stray)), true) => stray,
        other => panic!("it is not told: {other:?}"),
    }
}

#[test]
fn each_session_has_its_own_and_what_is_lost_concerns_all() {
    let (ring, effects) = ring();
    assert!(effects.is_idle());
    let (one, other) = (effects.follow().caller(), effects.follow().caller());
    let (first, second) = (one.server().group(), other.server().group());
    assert_ne!(first, second);
    assert_eq!((one.opened("a", "t"), other.opened("b", "t")), (vec![], vec![]));
    ring.send(opens(first, "/one")).unwrap();
    ring.send(opens(second, "/other")).unwrap();
    ring.send(opens(second + 1, "/nobody's")).unwrap();
    ring.send(Told::Lost(2)).unwrap();
    effects.missed(1);
    let (first, second) = (one.closed("a").unwrap().done, other.closed("b").unwrap().done);
    assert_eq!((paths(&first), first.lost), (vec!["/one"], 3));
    assert_eq!((paths(&second), second.lost), (vec!["/other"], 3));
    drop((one, other));
    assert!(effects.is_idle());
}

#[test]
fn what_no_answer_tells_is_told_apart() {
    let (ring, effects) = ring();
    let session = effects.follow().caller();
    let group = session.server().group();
    ring.send(opens(group, "/start")).unwrap();
    let start = stray(session.opened("a", "t"));
    assert_eq!((start.after, paths(&start.done)), (None, vec!["/start"]));
    ring.send(opens(group, "/call")).unwrap();
    assert_eq!(session.give_up(|_| true), []);
    let gone = session.give_up(|_| false);
    let [Apart::Unanswered(Done { call, done, .. })] = &gone[..] else { panic!("{gone:?}") };
    assert_eq!((&**call, paths(done)), ("a", vec!["/call"]));
    ring.send(opens(group, "/late")).unwrap();
    let late = stray(session.take_apart());
    assert_eq!((late.after.as_deref(), paths(&late.done)), (Some("a"), vec!["/late"]));
    assert_eq!(session.take_apart(), []);
}

#[test]
fn a_tapped_sessions_time_is_that_of_its_messages() {
    let (ring, effects) = ring();
    let session = effects.follow_tapped().unwrap().looked_at_since(BootTime(10)).caller();
    for (path, moment) in [("/before", 15), ("/during", 25), ("/after", 35)] {
        ring.send(opens_at(session.server().group(), path, BootTime(moment))).unwrap();
    }
    session.heard(BootTime(9));
    assert_eq!(session.opened("too soon", "t"), []);
    session.heard(BootTime(12));
    assert_eq!(session.closed("too soon"), None, "nobody looked as it began");
    session.heard(BootTime(20));
    let before = stray(session.opened("a", "t"));
    assert_eq!(paths(&before.done), ["/before"]);
    session.heard(BootTime(30));
    assert_eq!(paths(&session.closed("a").unwrap().done), ["/during"]);
    assert_eq!(session.take_apart(), []);
    session.heard(BootTime(u64::MAX));
    let after = stray(session.take_apart());
    assert_eq!((after.after.as_deref(), paths(&after.done)), (Some("a"), vec!["/after"]));
}

#[test]
fn nothing_is_ended_for_what_a_tapped_server_does() {
    use crate::policy::Policy;
    use crate::policy::effects::Surroundings;

    let text = "version: v1\nmode: enforce\nrules: [{name: a, action: allow, match: {methods: ['*']}}]\n\
                effects: {action: kill, open: {deny: ['/secret']}}\n";
    let rules = Policy::parse(text).unwrap().effects("s", &Surroundings::default());
    let (ring, receiver): (_, Receiver<Told>) = channel();
    let source = Box::new(move |told: &mut Vec<Told>| {
        told.extend(receiver.try_iter());
        false
    });
    let killer = Box::new(|_: u32, _| Some(Ended { processes: 3, is_incomplete: false }));
    let effects = Effects::new(source, killer, None);
    let (tapped, wrapped) = (effects.follow_tapped().unwrap().caller(), effects.follow().caller());
    for session in [&tapped, &wrapped] {
        session.server().is_held_to(1, |_| rules.clone());
        for at in [5, 6] {
            ring.send(opens_at(session.server().group(), "/secret", BootTime(at))).unwrap();
        }
        session.heard(BootTime(9));
        assert!(!stray(session.take_apart()).done.violations.is_empty());
    }
    let processes = |killed: Killed| killed.ended.processes;
    // It is ended for each of the two, and has three processes all the same.
    assert_eq!((tapped.take_killed(), wrapped.take_killed().map(processes)), (None, Some(3)));
}

#[test]
fn an_answer_is_refused_where_what_the_server_may_not_do_may_be_among_what_is_lost() {
    use crate::policy::effects::{EffectAction, Surroundings};
    use crate::policy::{Mode, Policy};

    let text = "version: v1\nmode: enforce\nrules: [{name: a, action: allow, match: {methods: ['*']}}]\n\
                effects: {action: kill, rules: [{name: r, tools: [reads], open: {deny: ['/secret']}}]}\n";
    let rules = Policy::parse(text).unwrap().effects("s", &Surroundings::default());
    let (ring, effects) = ring();
    let (loud, quiet) = (effects.follow().caller(), effects.follow().caller());
    for session in [&loud, &quiet] {
        session.server().is_held_to(1, |_| rules.clone());
        for (id, tool) in [("a", "reads"), ("b", "other"), ("c", "reads")] {
            session.opened(id, tool);
        }
    }
    ring.send(Told::Untold { group: loud.server().group(), count: 1 }).unwrap();
    ring.send(Told::Lost(1)).unwrap();
    let done = |session: &Caller, id| session.closed(id).unwrap().done;
    for id in ["a", "c"] {
        let done = done(&loud, id);
        let [violation] = done.violations.as_slice() else { panic!("{done:?}") };
        assert_eq!((&*violation.rule, done.lost), ("r.lost", 2));
        // It may be none: nothing is ended for it.
        assert_eq!((violation.act, violation.mode), (EffectAction::Deny, Mode::Enforce));
    }
    // Of this tool nothing is refused; what nobody knows whose it is says nothing against anyone.
    assert_eq!(done(&loud, "b").violations, []);
    assert_eq!((done(&quiet, "a").violations, done(&quiet, "b").lost), (vec![], 1));
    assert_eq!(loud.take_killed(), None);
}

#[test]
fn tapped_sessions_are_bounded() {
    let (_ring, effects) = ring();
    let all: Vec<Followed> = (0..TAPPED_MAX).map(|_| effects.follow_tapped().unwrap()).collect();
    assert!(effects.follow_tapped().is_none());
    assert!(effects.follows(effects.follow().group() - 1), "wraps' are not");
    drop(all);
    assert!(effects.is_idle() && effects.follow_tapped().is_some());
}

#[test]
fn a_ring_that_is_never_empty_keeps_nobody() {
    let effects = Effects::new(
        Box::new(|told| {
            told.push(Told::Lost(1));
            true
        }),
        Box::new(|_, _| Some(Ended::default())),
        None,
    );
    let session = effects.follow().caller();
    stray(session.opened("a", "t"));
    assert_eq!(session.closed("a").unwrap().done.lost, u64::try_from(BATCHES).unwrap());
}

#[test]
fn sessions_that_share_a_server_share_its_calls() {
    let (ring, effects) = ring();
    let server = effects.follow_running();
    let own = server.caller();
    let (one, other) = (server.caller(), server.caller());
    let group = server.group();
    drop(server);
    ring.send(opens(group, "/start")).unwrap();
    // It is nobody's, so it is for the gateway's own session to tell.
    assert_eq!(one.opened("a", "t"), []);
    ring.send(opens(group, "/a")).unwrap();
    assert_eq!(other.opened("b", "t"), []);
    ring.send(opens(group, "/both")).unwrap();
    assert_eq!((one.take_apart(), other.take_apart()), (vec![], vec![]));
    assert_eq!(paths(&stray(own.take_apart()).done), ["/start"]);
    let of = |done: &Collected| {
        done.kept.iter().map(|kept| (path(kept).to_owned(), kept.among)).collect::<Vec<_>>()
    };
    assert_eq!(other.closed("a"), None, "it is another's");
    assert_eq!(of(&other.closed("b").unwrap().done), [("/both".to_owned(), 2)]);
    // One asks for what it gave up, and has its own.
    assert_eq!(other.give_up(|_| false), []);
    let done = one.closed("a").unwrap().done;
    assert_eq!(of(&done), [("/a".to_owned(), 1), ("/both".to_owned(), 2)]);
    drop((one, other));
    assert!(effects.follows(group));
    drop(own);
    assert!(effects.is_idle());
}

#[test]
fn a_session_that_is_dropped_leaves_its_calls_to_be_told_and_nobody_shares_with_them() {
    let (ring, effects) = ring();
    let server = effects.follow_running();
    let (own, gone, other) = (server.caller(), server.caller(), server.caller());
    gone.opened("a", "t");
    gone.opened("b", "t");
    ring.send(opens(server.group(), "/both")).unwrap();
    gone.abandon(|call| call == "a");
    ring.send(opens(server.group(), "/a")).unwrap();
    drop(gone);
    assert_eq!(other.opened("c", "t"), []);
    ring.send(opens(server.group(), "/c")).unwrap();
    let apart = own.take_apart();
    let told: Vec<(&str, Vec<&str>)> = apart
        .iter()
        .map(|apart| match apart {
            Apart::Unanswered(Done { call, done, .. }) => (&**call, paths(done)),
            Apart::Stray(stray) => panic!("{stray:?}"),
        })
        .collect();
    assert_eq!(told, [("b", vec!["/both"]), ("a", vec!["/both", "/a"])]);
    assert_eq!(own.take_apart(), []);
    let done = other.closed("c").unwrap().done;
    assert_eq!(done.kept.iter().map(|kept| (path(kept), kept.among)).collect::<Vec<_>>(), [("/c", 1)]);
}

#[test]
fn what_sessions_leave_behind_is_bounded() {
    let (ring, effects) = ring();
    let server = effects.follow_running();
    let own = server.caller();
    for number in 0..100 {
        let session = server.caller();
        session.opened("a", "t");
        ring.send(opens(server.group(), &format!("/{number}"))).unwrap();
    }
    assert_eq!(own.take_apart().len(), 64);
    assert_eq!(own.take_apart(), []);
}

#[test]
fn what_another_process_wants_to_know_waits_for_it_and_losses_are_told() {
    let (ring, effects) = ring();
    let relayed = effects.relay(None).unwrap();
    for number in 0..20_000 {
        ring.send(opens(relayed.group(), &format!("/{number}"))).unwrap();
    }
    ring.send(Told::Lost(5)).unwrap();
    ring.send(Told::Untold { group: relayed.group(), count: 2 }).unwrap();
    ring.send(Told::Untold { group: relayed.group() + 1, count: 9 }).unwrap();
    effects.drain();
    let (items, lost, missed) = match effects.state().takers.get_mut(&relayed.group()) {
        Some(Taker::Outbox(outbox)) => outbox.take(),
        Some(Taker::Server(_)) | None => panic!("it is followed"),
    };
    assert_eq!((items.len(), lost, missed), (16_384, 20_000 - 16_384 + 2, 5));
    let all: Vec<Relayed> = (1..RELAYED_MAX).map(|_| effects.relay(None).unwrap()).collect();
    assert!(effects.relay(None).is_none());
    drop((all, relayed));
    assert!(effects.is_idle() && effects.relay(None).is_some());
}

mod between {
    //! An agent's end and a gateway's.

    use std::time::Duration;

    use tokio::net::UnixStream;
    use tokio::task::JoinSet;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::policy::Policy;
    use crate::policy::effects::Surroundings;

    #[tokio::test(flavor = "multi_thread")]
    async fn an_answer_has_what_was_done_before_it_and_a_server_is_ended_by_the_agent() {
        let (ring, agent) = ring();
        let relayed = agent.relay(None).unwrap();
        let group = relayed.group();
        let (theirs, ours) = UnixStream::pair().unwrap();
        let shutdown = CancellationToken::new();
        let ending = shutdown.clone();
        let mut relay = JoinSet::new();
        relay.spawn(async move { relayed.run(theirs, &ending).await });

        // On a busy machine it may take long; it is the next test that is about that.
        let link = Link::patient(Duration::from_secs(60));
        let effects = Effects::over(&link, None);
        let server = effects.follow_running();
        let (own, session) = (server.caller(), server.caller());
        session.opened("too soon", "t");
        assert_eq!(session.closed("too soon"), None, "nobody tells yet");
        let (mut reading, followed) = (JoinSet::new(), server.clone());
        reading.spawn(async move { link.listen(ours, &followed).await });
        while !server.is_seen() {
            tokio::task::yield_now().await;
        }
        for number in 0..100 {
            let call = number.to_string();
            session.opened(&call, "t");
            ring.send(opens(group, &format!("/{number}"))).unwrap();
            session.settled().await;
            let done = session.closed(&call).unwrap().done;
            assert_eq!((paths(&done), done.lost), (vec![&*format!("/{number}")], 0));
        }
        let text = "version: v1\nmode: enforce\nrules: [{name: a, action: allow, match: {methods: ['*']}}]\n\
                    effects: {action: kill, open: {deny: ['/secret']}}\n";
        let policy = Policy::parse(text).unwrap();
        server.is_held_to(1, |_| policy.effects("s", &Surroundings::default()));
        ring.send(opens(group, "/secret")).unwrap();
        let killed = loop {
            if let Some(killed) = own.take_killed() {
                break killed;
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(killed, Killed { rule: "effects.open".into(), ended: Ended::default() });

        // The agent goes: what is open then nobody knows anything of.
        session.opened("late", "t");
        shutdown.cancel();
        relay.join_next().await.unwrap().unwrap();
        assert!(reading.join_next().await.unwrap().unwrap().is_ok());
        assert!(agent.is_idle() && !server.is_seen());
        session.settled().await;
        assert_eq!(session.closed("late"), None);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_a_server_did_before_it_ended_is_told_with_the_calls_nobody_answers() {
        let (ring, agent) = ring();
        let relayed = agent.relay(None).unwrap();
        let (group, over) = (relayed.group(), relayed.over().clone());
        let (theirs, ours) = UnixStream::pair().unwrap();
        let mut both = JoinSet::new();
        both.spawn(async move { relayed.run(theirs, &CancellationToken::new()).await });
        let link = Link::patient(Duration::from_secs(60));
        let effects = Effects::over(&link, None);
        let server = effects.follow_running();
        let (own, session, followed) = (server.caller(), server.caller(), server.clone());
        both.spawn(async move { link.listen(ours, &followed).await.unwrap() });
        while !server.is_seen() {
            tokio::task::yield_now().await;
        }
        session.opened("last", "t");
        ring.send(opens(group, "/last")).unwrap();
        over.cancel();
        both.join_all().await;
        let apart = own.take_apart();
        let [Apart::Unanswered(Done { call, done, .. })] = &apart[..] else { panic!("{apart:?}") };
        assert_eq!((&**call, paths(done)), ("last", vec!["/last"]));
        assert_eq!((session.closed("last"), server.is_seen()), (None, false));
    }

    #[tokio::test]
    async fn an_agent_that_does_not_answer_keeps_nobody_and_one_that_lies_is_not_listened_to() {
        for says in ["", "{\"drained\":7}\n", "{\"did\":1}\n", "nonsense\n"] {
            let (agent, ours) = UnixStream::pair().unwrap();
            // Whoever waits goes on long before the agent counts as gone.
            let link = Link::patient(Duration::from_secs(5));
            let effects = Effects::over(&link, None);
            let server = effects.follow_running();
            let session = server.caller();
            let (mut reading, followed) = (JoinSet::new(), server.clone());
            reading.spawn(async move { link.listen(ours, &followed).await });
            while !server.is_seen() {
                tokio::task::yield_now().await;
            }
            session.opened("a", "t");
            if says.is_empty() {
                let settled = tokio::time::timeout(Duration::from_secs(20), session.settled()).await;
                assert!(settled.is_ok());
                assert_eq!(session.closed("a").unwrap().done.lost, 1);
                drop(agent);
            } else {
                agent.try_write(says.as_bytes()).unwrap();
            }
            let heard = reading.join_next().await.unwrap().unwrap();
            assert!(heard.is_err() || says.is_empty());
            assert_eq!(session.closed("a"), None);
        }
    }
}
