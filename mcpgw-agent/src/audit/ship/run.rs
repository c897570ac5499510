//! One receiver's way through the log: read, send, remember; and wait where it cannot be reached.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::cursor::Cursor;
use super::receiver::{Receiver, Refused};
use super::state::{Counts, ShipMetrics, ShipState};
use super::stored::Stored;
use crate::audit::follow::{Batch, Follower};
use crate::audit::{AuditLog, Event};

/// Bytes of records that are sent together, about: all the memory a receiver takes.
const BATCH_BYTES: usize = 256 << 10;
/// How often the log is looked at while nothing is added.
const BEAT: Duration = Duration::from_millis(200);
/// How often a number is saved while records are sent.
const SAVE_EVERY: Duration = Duration::from_secs(1);
/// The first pause after a failure, and the longest; in between each is twice the one before, give or take a quarter.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));
/// Time after which what was sent over a connection that still stands has arrived.
const CERTAIN_AFTER: Duration = Duration::from_secs(5);
/// So few records may all be refused for what they are.
const FEW: usize = 8;
/// The event of records about losses.
const LOST: &str = "ship.lost";
/// How long the last records may take at the end.
const FAREWELL: Duration = Duration::from_secs(2);

/// One receiver.
#[derive(Debug)]
pub(super) struct Run {
    log: PathBuf,
    cursor: Cursor,
    counts: Counts,
    receiver: Mutex<Opaque>,
}

/// Holds secrets, and shows nothing.
struct Opaque(Receiver);

impl std::fmt::Debug for Opaque {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Receiver")
    }
}

/// Where a receiver is in the log.
struct Place {
    follower: Follower,
    /// It certainly has the records up to this one.
    certain: u64,
    /// It was sent the records up to this one over the connection that stands.
    sent: u64,
    /// Up to here it was sent then: on its way, or taken and not yet dealt with.
    awaited: Option<(u64, Instant)>,
    /// It was sent, or will never have, the records up to this one.
    reached: u64,
    saved: (u64, Instant),
    /// Nothing was ever sent: what the log no longer has is nobody's loss.
    is_new: bool,
}

/// Records a receiver will never have.
#[derive(Debug, Clone, Copy)]
struct Lost {
    first: u64,
    last: u64,
    count: u64,
    /// All of them are about losses themselves.
    own: bool,
}

impl Place {
    /// What the receiver does not certainly have is to be sent again.
    fn go_back(&mut self) {
        self.follower.restart(self.certain);
        (self.sent, self.awaited) = (self.certain, None);
    }

    /// The records up to `last` were sent over a connection that confirms nothing and still stands.
    fn await_arrival(&mut self, last: u64) {
        let (up_to, since) = *self.awaited.get_or_insert_with(|| (last, Instant::now()));
        if since.elapsed() >= CERTAIN_AFTER {
            (self.certain, self.awaited) = (up_to, Some((last, Instant::now())));
        }
    }
}

impl Run {
    pub(super) fn new(
        name: &str,
        log: &Path,
        receiver: Receiver,
        cursor: Cursor,
        metrics: &ShipMetrics,
    ) -> Self {
        let receiver = Mutex::new(Opaque(receiver));
        Self { log: log.to_owned(), cursor, counts: Counts::new(name, metrics), receiver }
    }

    pub(super) fn state(&self) -> ShipState {
        self.counts.state()
    }

    /// Sends records until `ending`, and what is left then within a moment.
    pub(super) async fn run(&self, audit: &AuditLog, ending: &CancellationToken) {
        let mut place = self.place();
        let mut failures = 0;
        while !ending.is_cancelled() {
            match self.step(&mut place, audit).await {
                Ok(true) => failures = 0,
                Ok(false) => {
                    failures = 0;
                    self.idle(&mut place, ending).await;
                }
                Err(pause) => {
                    failures += 1;
                    let pause = pause.unwrap_or_else(|| back_off(failures));
                    // Whichever comes first.
                    timeout(pause, ending.cancelled()).await.ok();
                }
            }
        }
        if failures == 0 {
            let rest = async { while self.step(&mut place, audit).await == Ok(true) {} };
            // Too late is no loss: it is in the log.
            timeout(FAREWELL, rest).await.ok();
        }
        self.save(&mut place, true);
    }

    /// Waits until something is added. What was sent long enough ago, over a connection that still stands, has arrived.
    async fn idle(&self, place: &mut Place, ending: &CancellationToken) {
        let since = Instant::now();
        while !ending.is_cancelled() && !place.follower.has_grown() {
            sleep(BEAT).await;
            if since.elapsed() >= CERTAIN_AFTER && place.certain != place.sent {
                if !self.receiver.lock().await.0.stands().await {
                    place.go_back();
                    return;
                }
                (place.certain, place.awaited) = (place.sent, None);
            }
            self.save(place, false);
        }
    }

    fn place(&self) -> Place {
        let known = self.cursor.load().unwrap_or_else(|error| {
            tracing::warn!(receiver = self.counts.name(), %error, "what a receiver has is not known: it is sent everything");
            None
        });
        let after = known.unwrap_or_default();
        self.counts.delivered(after, 0);
        let follower = Follower::new(&self.log, after);
        Place {
            follower,
            certain: after,
            sent: after,
            awaited: None,
            reached: after,
            saved: (after, Instant::now()),
            is_new: known.is_none(),
        }
    }

    /// Sends one batch; `false` where there is none now.
    ///
    /// # Errors
    /// It could not be sent; for how long the receiver wants to be left alone, if it said so.
    async fn step(&self, place: &mut Place, audit: &AuditLog) -> Result<bool, Option<Duration>> {
        let read = tokio::task::block_in_place(|| place.follower.batch(BATCH_BYTES));
        let batch = match read {
            Ok(batch) => batch,
            Err(error) => {
                self.counts.failed(&error);
                tracing::warn!(receiver = self.counts.name(), %error, "the log cannot be read");
                return Err(None);
            }
        };
        if batch.rewound.is_some() {
            // Another log, or one whose end is gone: what of it the receiver has cannot be told.
            tracing::warn!(receiver = self.counts.name(), "the log is not the one it was: all of it is sent");
            (place.certain, place.reached, place.is_new) = (0, 0, true);
            place.go_back();
            return Ok(true);
        }
        let records: Vec<Stored<'_>> =
            batch.lines().filter_map(|(seq, line)| Stored::read(seq, line)).collect();
        let delivered = if records.is_empty() { Ok(None) } else { self.deliver(&records).await };
        if let Err(refused) = &delivered {
            self.counts.failed(refused);
            tracing::debug!(receiver = self.counts.name(), error = %refused, "records cannot be sent");
            place.go_back();
            return Err(match refused {
                Refused::Status(_, pause) => *pause,
                Refused::Connection(_) | Refused::Http(_) | Refused::Batch(_) | Refused::All => None,
            });
        }
        self.lost_by_age(place, &batch, audit);
        if let Ok(Some(lost)) = &delivered {
            self.lost(audit, lost, "refused");
        }
        if let Some(last) = batch.last() {
            if self.receiver.lock().await.0.loses_the_last() {
                place.await_arrival(last);
            } else {
                place.certain = last;
            }
            place.sent = last;
            place.reached = place.reached.max(last);
            place.is_new = false;
            self.counts.delivered(last, u64::try_from(records.len()).unwrap_or(u64::MAX));
        }
        self.save(place, false);
        Ok(batch.more || !batch.is_empty())
    }

    /// Sends `records`; where the receiver will not take some of them, halves, until it is known which. Gives those it will
    /// never have: the first, the last, and how many.
    async fn deliver(&self, records: &[Stored<'_>]) -> Result<Option<Lost>, Refused> {
        let mut receiver = self.receiver.lock().await;
        let mut lost: Option<Lost> = None;
        let mut add = |part: &[Stored<'_>], count| {
            let (Some(first), Some(last)) = (part.first(), part.last()) else { return };
            let own = part.iter().all(|record| record.event() == LOST);
            let known = lost.get_or_insert(Lost { first: first.seq, last: last.seq, count: 0, own: true });
            known.last = last.seq;
            known.count += count;
            known.own &= own;
        };
        let mut parts = vec![records];
        while let Some(part) = parts.pop() {
            match receiver.0.send(part).await {
                Ok(0) => {}
                Ok(count) => add(part, count),
                Err(Refused::Batch(_)) if part.len() > 1 => {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                }
                Err(Refused::Batch(_)) => add(part, 1),
                Err(refused) => return Err(refused),
            }
        }
        let all = u64::try_from(records.len()).unwrap_or(u64::MAX);
        match lost {
            // That is not these records' fault: something is wrong with the receiver, or with its address.
            Some(Lost { count, .. }) if count >= all && records.len() > FEW => Err(Refused::All),
            lost => Ok(lost),
        }
    }

    /// Records that are not in the log any more.
    fn lost_by_age(&self, place: &mut Place, batch: &Batch, audit: &AuditLog) {
        let Some(missing) = batch.missing.as_ref().filter(|_| !place.is_new) else { return };
        // What is read again for certainty's sake was sent, or counted, before.
        let (first, last) = ((*missing.start()).max(place.reached + 1), *missing.end());
        if first <= last {
            place.reached = last;
            self.lost(audit, &Lost { first, last, count: last - first + 1, own: false }, "deleted");
        }
    }

    fn lost(&self, audit: &AuditLog, lost: &Lost, why: &str) {
        let Lost { first, last, count, own } = *lost;
        self.counts.lost(count);
        let receiver = self.counts.name();
        tracing::warn!(receiver, first, last, count, why, "records are lost to a receiver");
        // Whoever does not take records of losses would be told of that for ever.
        if !own {
            // A record that is lost is counted by the log.
            audit.note(&Event::ShipLost { receiver, first, last, count, why }).ok();
        }
    }

    /// Saves up to where the receiver certainly has everything, now and then or `at_once`.
    fn save(&self, place: &mut Place, at_once: bool) {
        let (saved, since) = place.saved;
        if place.certain == saved || !(at_once || since.elapsed() >= SAVE_EVERY) {
            return;
        }
        place.saved = (place.certain, Instant::now());
        if let Err(error) = tokio::task::block_in_place(|| self.cursor.save(place.certain)) {
            // After a restart it is sent again what it has.
            tracing::warn!(receiver = self.counts.name(), %error, "what a receiver has cannot be noted");
        }
    }
}

/// How long to wait after so many failures, so that receivers do not all come back at once.
fn back_off(failures: u32) -> Duration {
    let (first, longest) = PAUSES;
    let pause = first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(longest);
    let chance = u32::try_from(RandomState::new().hash_one(failures) % 512).unwrap_or_default();
    pause * (768 + chance) / 1024
}
