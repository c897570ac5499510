//! The registry with a clock of the test's own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use super::*;
use crate::json::Limits;
use crate::mcp::{Decoded, Direction, Message, decode};
use crate::policy::{Context, Principal, Transport};
use crate::session::Standing;

const TIMEOUT: Duration = Duration::from_secs(300);
const SECOND: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn message(arguments: &str) -> Message {
    let text = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"pay","arguments":{arguments}}}}}"#
    );
    let limits = Limits { bytes: 64 << 20, ..Limits::default() };
    match decode(bytes::Bytes::from(text), &limits).unwrap() {
        Decoded::One(message) => message,
        Decoded::Batch(_) => panic!("one message"),
    }
}

fn admit(
    holds: &Arc<Holds>,
    decision: &str,
    session: &str,
    message: &Message,
    now: Instant,
) -> Option<Ticket> {
    let context = Context {
        server: "bank".into(),
        upstream: None,
        transport: Transport::Stdio,
        principal: Principal::default(),
        client: Some("/usr/bin/client".into()),
        tapped: None,
    };
    let (direction, standing) = (Direction::ToServer, Standing::default());
    let rule = Some("large");
    holds.admit(
        &Question {
            decision,
            session,
            context: &context,
            direction,
            bytes: message.bytes().len(),
            shown: Some(message),
            standing: &standing,
            rule,
        },
        now,
    )
}

fn holds() -> (Arc<Holds>, Instant, Message) {
    (Arc::new(Holds::new(TIMEOUT)), Instant::now(), message(r#"{"amount":7}"#))
}

#[test]
fn a_decision_wakes_and_counts_once() {
    let (holds, now, message) = holds();
    let ticket = admit(&holds, "d-1", "s", &message, now).unwrap();
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    assert_eq!(ticket.poll(&waker, now), None);
    let view = holds.list(now).remove(0);
    assert_eq!(
        (view.id.as_str(), view.rule.as_deref(), view.target.as_deref()),
        ("d-1", Some("large"), Some("pay"))
    );
    assert_eq!((view.arguments.as_deref(), view.arguments_cut), (Some(r#"{"amount":7}"#), false));
    assert_eq!(holds.decide("d-2", true, 0, now), Err(Undecidable::Unknown));
    assert_eq!(holds.decide("d-1", true, 1000, now), Ok(()));
    assert_eq!(bell.0.load(Ordering::Relaxed), 1);
    assert_eq!(holds.decide("d-1", false, 0, now), Err(Undecidable::Decided));
    assert_eq!(holds.list(now), []);
    // Also after its time: the word was given in time.
    assert_eq!(ticket.poll(&waker, now + 2 * TIMEOUT), Some(Hold::Approved { by: 1000 }));
    ticket.over(Hold::Approved { by: 1000 });
    drop(ticket);
    assert_eq!(holds.counts(), HoldCounts { approved: 1, ..HoldCounts::default() });
    assert_eq!(holds.decide("d-1", true, 0, now), Err(Undecidable::Unknown));
}

#[test]
fn time_runs_out_to_the_instant_and_nobody_decides_after_it() {
    let (holds, now, message) = holds();
    let ticket = admit(&holds, "d", "s", &message, now).unwrap();
    assert_eq!(ticket.until(), now + TIMEOUT);
    assert_eq!(ticket.poll(Waker::noop(), now + TIMEOUT - SECOND), None);
    assert_eq!(holds.list(now + TIMEOUT - SECOND).len(), 1);
    assert_eq!(holds.list(now + TIMEOUT), []);
    assert_eq!(holds.decide("d", true, 0, now + TIMEOUT), Err(Undecidable::Unknown));
    assert_eq!(ticket.poll(Waker::noop(), now + TIMEOUT), Some(Hold::TimedOut));
    ticket.over(Hold::TimedOut);
    assert_eq!(holds.counts(), HoldCounts { timed_out: 1, ..HoldCounts::default() });
}

#[test]
fn a_dropped_ticket_ends_waiting_and_makes_room() {
    let (holds, now, message) = holds();
    let of = |session: &str| admit(&holds, "d", session, &message, now);
    let mut tickets: Vec<_> = (0..MAX_HELD_OF_SESSION).map(|_| of("s").unwrap()).collect();
    assert!(of("s").is_none(), "no more of this session");
    assert!(of("other").is_some());
    tickets.pop();
    assert!(of("s").is_some());
    for session in 1.. {
        let Some(ticket) = of(&session.to_string()) else { break };
        tickets.push(ticket);
    }
    assert_eq!(tickets.len(), MAX_HELD);
    assert_eq!(holds.counts().waiting, MAX_HELD as u64);
    drop(tickets);
    assert_eq!((holds.counts().waiting, holds.counts().ended), (0, MAX_HELD as u64 + 3));
}

#[test]
fn bytes_are_bounded_and_previews_are_cut_at_a_character() {
    let (holds, now, _) = holds();
    let long = message(&format!(r#"{{"x":"{}"}}"#, "ä".repeat(12 << 20)));
    let first = admit(&holds, "d-1", "a", &long, now).unwrap();
    let _second = admit(&holds, "d-2", "b", &long, now).unwrap();
    assert!(admit(&holds, "d-3", "c", &long, now).is_none(), "three times 24 MiB are too much");
    let view = holds.list(now).remove(0);
    assert!(view.arguments_cut);
    let shown = view.arguments.unwrap();
    assert!(shown.len() <= PREVIEW_MAX && shown.len() > PREVIEW_MAX - 4 && shown.ends_with('ä'), "{shown}");
    drop(first);
    assert!(admit(&holds, "d-3", "c", &long, now).is_some());
}
