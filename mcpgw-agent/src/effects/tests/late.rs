//! Calls that are told after they passed, and things that are told before the calls are.

use super::*;

/// A tapped server's.
struct Tapped(Ledger);

impl Tapped {
    fn new() -> Self {
        Self(Ledger::tapped())
    }

    /// The kernel tells of `effect`.
    fn tell(&mut self, effect: SideEffect) {
        if let Some(effect) = self.0.keep(effect) {
            self.0.happened(&effect, &Measure::default());
        }
        self.settle(0);
    }

    fn settle(&mut self, until: u64) {
        while let Some(effect) = self.0.due(BootTime(until)) {
            self.0.happened(&effect, &Measure::default());
        }
    }

    fn open(&mut self, call: &str, moment: u64) {
        self.settle(moment - 1);
        assert!(self.0.opened(ONE, call, "t", BootTime(moment)));
    }

    fn close(&mut self, call: &str, moment: u64) -> Collected {
        self.settle(moment);
        self.0.closed(ONE, call).unwrap().done
    }

    fn stray(&mut self) -> Collected {
        self.0.take_stray().unwrap().done
    }
}

#[test]
fn each_call_has_what_was_done_between_its_request_and_its_answer() {
    let mut tapped = Tapped::new();
    // All of it is told before the first message is read, and not quite in order.
    for (path, moment) in
        [("/before", 9), ("/a", 10), ("/a", 20), ("/between", 21), ("/after", 41), ("/b", 31)]
    {
        tapped.tell(at(path, moment));
    }
    assert_eq!(tapped.0.take_stray(), None, "whose it is is not known yet");
    tapped.open("a", 10);
    assert_eq!(paths(&tapped.stray()), [("/before", 1, 0)]);
    assert_eq!(paths(&tapped.close("a", 20)), [("/a", 2, 1)]);
    tapped.open("b", 30);
    let stray = tapped.0.take_stray().unwrap();
    assert_eq!((stray.after.as_deref(), paths(&stray.done)), (Some("a"), vec![("/between", 1, 0)]));
    assert_eq!(paths(&tapped.close("b", 40)), [("/b", 1, 1)]);
    assert_eq!(tapped.0.take_stray(), None);
    tapped.settle(50);
    assert_eq!(paths(&tapped.stray()), [("/after", 1, 0)]);
}

#[test]
fn what_is_told_late_is_still_its_calls_while_that_is_open() {
    let mut tapped = Tapped::new();
    tapped.open("a", 10);
    tapped.settle(30);
    tapped.tell(at("/late", 15));
    tapped.open("b", 40);
    tapped.tell(at("/late", 16));
    tapped.tell(at("/both", 45));
    assert_eq!(paths(&tapped.close("a", 46)), [("/late", 2, 1), ("/both", 1, 2)]);
    tapped.tell(at("/too-late", 17));
    assert_eq!(paths(&tapped.stray()), [("/too-late", 1, 0)]);
    assert_eq!(paths(&tapped.close("b", 50)), [("/both", 1, 2)]);
}

#[test]
fn a_call_that_is_told_late_has_what_was_not_given_to_others_by_then() {
    let mut tapped = Tapped::new();
    tapped.open("a", 10);
    for (path, moment) in [("/before", 14), ("/gone", 20), ("/waits", 30), ("/after", 40)] {
        tapped.tell(at(path, moment));
    }
    tapped.settle(25);
    // Of another connection, and read after it was known what happened later.
    tapped.open("b", 15);
    assert_eq!(paths(&tapped.close("a", 32)), [("/before", 1, 1), ("/gone", 1, 1), ("/waits", 1, 2)]);
    // What is told of before it began is not its own.
    tapped.tell(at("/early", 12));
    assert_eq!(paths(&tapped.close("b", 41)), [("/waits", 1, 2), ("/after", 1, 1)]);
    assert_eq!(paths(&tapped.stray()), [("/early", 1, 0)]);
    // An answer that is read late closes nothing but its own.
    tapped.open("c", 50);
    tapped.open("d", 51);
    tapped.settle(60);
    tapped.tell(at("/x", 59));
    assert_eq!(paths(&tapped.close("c", 55)), [("/x", 1, 2)], "it may be, for all that is known");
    assert_eq!(paths(&tapped.close("d", 61)), [("/x", 1, 2)]);
}

#[test]
fn a_loss_is_told_to_every_call_it_may_concern_once() {
    let mut tapped = Tapped::new();
    tapped.0.lost(3, BootTime(50));
    tapped.open("a", 10);
    tapped.open("b", 11);
    assert_eq!(tapped.close("a", 20).lost, 3);
    tapped.open("late", 60);
    assert_eq!(tapped.stray().lost, 3);
    assert_eq!((tapped.close("b", 70).lost, tapped.close("late", 80).lost), (3, 0));
    for number in 0..1000 {
        tapped.0.lost(1, BootTime(100 + number));
    }
    tapped.settle(100);
    assert_eq!(tapped.stray().lost, 1);
    tapped.settle(2000);
    assert_eq!(tapped.stray().lost, 999, "none is forgotten, however many there are");
}

#[test]
fn what_waits_is_bounded_and_nothing_of_it_is_forgotten() {
    let mut tapped = Tapped::new();
    for moment in 1..=5000 {
        tapped.tell(at("/x", moment));
    }
    assert_eq!(paths(&tapped.stray()), [("/x", 5000 - 4096, 0)]);
    let long = format!("/{}", "y".repeat(4000));
    for moment in 1..=5000 {
        tapped.tell(at(&long, 10_000 + moment));
    }
    let waiting = |done: &Collected| done.kept.iter().map(|kept| kept.count).sum::<u64>();
    let given = waiting(&tapped.stray());
    // A mebibyte of them is left.
    assert!((4096 + 4700..4096 + 4800).contains(&given), "{given}");
    tapped.settle(20_000);
    assert_eq!(given + waiting(&tapped.stray()), 4096 + 5000);
}

#[test]
fn a_server_that_runs_already_hides_nothing_behind_the_program_that_sets_others_up() {
    let mut tapped = Tapped::new();
    let act = Act::Exec { path: LAUNCHER.to_owned(), arguments: vec![] };
    tapped.tell(SideEffect { act, ..at("", 1) });
    tapped.tell(at("/home/ann/.aws", 2));
    tapped.settle(3);
    assert_eq!(tapped.stray().kept.len(), 2);
}
