//! Whose doings are whose, and when they are told.

use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;
use crate::effects::Act;
use crate::effects::{Access, Kept, Outcome};
use crate::inventory::ProcessKey;

fn ring() -> (Sender<Told>, Effects) {
    let (sender, receiver): (_, Receiver<Told>) = channel();
    let source = move |told: &mut Vec<Told>| {
        told.extend(receiver.try_iter());
        false
    };
    (sender, Effects::new(Box::new(source), Box::new(|_| Ended::default()), None))
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

#[test]
fn each_session_has_its_own_and_what_is_lost_concerns_all() {
    let (ring, effects) = ring();
    assert!(effects.is_idle());
    let (one, other) = (effects.follow(), effects.follow());
    assert_ne!(one.group(), other.group());
    assert_eq!((one.opened("a", "t"), other.opened("b", "t")), (None, None));
    ring.send(opens(one.group(), "/one")).unwrap();
    ring.send(opens(other.group(), "/other")).unwrap();
    ring.send(opens(other.group() + 1, "/nobody's")).unwrap();
    ring.send(Told::Lost(2)).unwrap();
    let (first, second) = (one.closed("a").unwrap().done, other.closed("b").unwrap().done);
    assert_eq!((paths(&first), first.lost), (vec!["/one"], 2));
    assert_eq!((paths(&second), second.lost), (vec!["/other"], 2));
    drop((one, other));
    assert!(effects.is_idle());
}

#[test]
fn what_no_answer_tells_is_told_apart() {
    let (ring, effects) = ring();
    let session = effects.follow();
    ring.send(opens(session.group(), "/start")).unwrap();
    let Some(Apart::Stray(start)) = session.opened("a", "t") else { panic!("it is told before the call") };
    assert_eq!((start.after, paths(&start.done)), (None, vec!["/start"]));
    ring.send(opens(session.group(), "/call")).unwrap();
    assert_eq!(session.give_up(|_| true), []);
    let gone = session.give_up(|_| false);
    let [Apart::Unanswered(Done { call, done, .. })] = &gone[..] else { panic!("{gone:?}") };
    assert_eq!((&**call, paths(done)), ("a", vec!["/call"]));
    ring.send(opens(session.group(), "/late")).unwrap();
    let Some(Apart::Stray(late)) = session.take_stray() else { panic!("it is told") };
    assert_eq!((late.after.as_deref(), paths(&late.done)), (Some("a"), vec!["/late"]));
    assert_eq!(session.take_stray(), None);
}

#[test]
fn a_tapped_sessions_time_is_that_of_its_messages() {
    let (ring, effects) = ring();
    let session = effects.follow_tapped().unwrap().looked_at_since(BootTime(10));
    for (path, moment) in [("/before", 15), ("/during", 25), ("/after", 35)] {
        ring.send(opens_at(session.group(), path, BootTime(moment))).unwrap();
    }
    session.heard(BootTime(9));
    assert_eq!(session.opened("too soon", "t"), None);
    session.heard(BootTime(12));
    assert_eq!(session.closed("too soon"), None, "nobody looked as it began");
    session.heard(BootTime(20));
    let Some(Apart::Stray(before)) = session.opened("a", "t") else { panic!("it is told") };
    assert_eq!(paths(&before.done), ["/before"]);
    session.heard(BootTime(30));
    assert_eq!(paths(&session.closed("a").unwrap().done), ["/during"]);
    assert_eq!(session.take_stray(), None);
    session.heard(BootTime(u64::MAX));
    let Some(Apart::Stray(after)) = session.take_stray() else { panic!("it is told") };
    assert_eq!((after.after.as_deref(), paths(&after.done)), (Some("a"), vec!["/after"]));
}

#[test]
fn nothing_is_ended_for_what_a_tapped_server_does() {
    use crate::policy::Policy;
    use crate::policy::effects::Surroundings;

    let text = "version: v1\nmode: enforce\nrules: [{name: a, action: allow, match: {methods: ['*']}}]\n\
                effects: {action: kill, open: {deny: ['/secret']}}\n";
    let rules = Policy::parse(text).unwrap().effects("s", &Surroundings::default()).map(Arc::new);
    let (ring, receiver): (_, Receiver<Told>) = channel();
    let source = Box::new(move |told: &mut Vec<Told>| {
        told.extend(receiver.try_iter());
        false
    });
    let killer = Box::new(|_: u32| Ended { processes: 1, is_incomplete: false });
    let effects = Effects::new(source, killer, None);
    let (tapped, wrapped) = (effects.follow_tapped().unwrap(), effects.follow());
    for session in [&tapped, &wrapped] {
        session.is_held_to(rules.clone());
        ring.send(opens_at(session.group(), "/secret", BootTime(5))).unwrap();
        session.heard(BootTime(9));
        let Some(Apart::Stray(stray)) = session.take_stray() else { panic!("it is told") };
        assert_eq!(stray.done.violations.len(), 1);
    }
    assert_eq!((tapped.take_killed(), wrapped.take_killed().is_some()), (None, true));
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
        Box::new(|_| Ended::default()),
        None,
    );
    let session = effects.follow();
    assert_eq!(session.opened("a", "t").map(|apart| matches!(apart, Apart::Stray(_))), Some(true));
    assert_eq!(session.closed("a").unwrap().done.lost, u64::try_from(BATCHES).unwrap());
}
