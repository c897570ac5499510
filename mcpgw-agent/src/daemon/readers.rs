//! Threads that read what may never come: the memory and the programs of others, which may be files that nobody answers for.
//!
//! Whoever asks gets an answer in the time it has, and another thread the next time. One that is stuck is left behind, and ends
//! when it gets what it waits for. There are so many of them at most, and so many for one user, that nobody takes them from
//! all others.

use std::collections::HashMap;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::guard::{lock, prefer, spawn};

/// Threads at most.
const MOST: usize = 64;
/// Of these, for one user.
const OF_USER: usize = 8;

type Job = Box<dyn FnOnce() + Send>;

/// How long somebody waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For a thread that sleeps: what it reads is not there.
    pub(super) asleep: Duration,
    /// For one that has no CPU.
    pub(super) at_most: Duration,
}

impl Patience {
    /// The same for both.
    pub(super) const fn of(time: Duration) -> Self {
        Self { asleep: time, at_most: time }
    }
}

/// Nothing was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// It waits for something that does not come, or too many of this user do.
    Stuck,
    /// It had no time to.
    Late,
}

/// The threads. A clone is the same ones.
#[derive(Debug, Clone, Default)]
pub(super) struct Readers(Arc<Mutex<Desk>>);

#[derive(Debug, Default)]
struct Desk {
    idle: Vec<Reader>,
    /// Threads that read, by the user whose memory it is.
    busy: HashMap<u32, usize>,
    stuck: usize,
    is_preferred: bool,
}

#[derive(Debug)]
struct Reader {
    jobs: SyncSender<Job>,
    thread: i32,
}

/// One question.
#[derive(Debug, Default)]
struct Question {
    is_read: bool,
    is_left: bool,
}

impl Readers {
    /// Somebody waits for what they read: they come before those of other programs.
    pub(super) fn preferred() -> Self {
        Self(Arc::new(Mutex::new(Desk { is_preferred: true, ..Desk::default() })))
    }

    /// How many threads are stuck.
    pub(super) fn stuck(&self) -> usize {
        lock(&self.0).stuck
    }

    /// What `read` gives, which looks at something of user `uid`.
    ///
    /// # Errors
    /// [`Unread`].
    pub(super) fn read<T: Send + 'static>(
        &self,
        uid: u32,
        patience: Patience,
        read: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unread> {
        let reader = self.take(uid)?;
        let (tell, told) = sync_channel(1);
        let question = Arc::new(Mutex::new(Question::default()));
        let (ours, desk) = (Arc::clone(&question), self.clone());
        let job = move || {
            let found = read();
            desk.has_read(uid, &ours);
            tell.send(found).ok();
        };
        let begun = Instant::now();
        if reader.jobs.send(Box::new(job)).is_err() {
            self.give_back(uid);
            return Err(Unread::Late);
        }
        let mut wait = patience.asleep;
        loop {
            match told.recv_timeout(wait) {
                Ok(found) => {
                    lock(&self.0).idle.push(reader);
                    return Ok(found);
                }
                Err(RecvTimeoutError::Disconnected) => return Err(Unread::Late),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let is_stuck = sleeps(reader.thread);
            if is_stuck || begun.elapsed() >= patience.at_most {
                // It may sleep because it has answered.
                let Ok(found) = told.try_recv() else { return Err(self.leave(&question, is_stuck)) };
                lock(&self.0).idle.push(reader);
                return Ok(found);
            }
            wait = patience.at_most.saturating_sub(begun.elapsed()).min(patience.asleep);
        }
    }

    /// A thread that does nothing.
    fn take(&self, uid: u32) -> Result<Reader, Unread> {
        let mut desk = lock(&self.0);
        let all: usize = desk.busy.values().sum();
        let of_user = desk.busy.entry(uid).or_default();
        if all >= MOST || *of_user >= OF_USER {
            return Err(Unread::Stuck);
        }
        *of_user += 1;
        let (idle, is_preferred) = (desk.idle.pop(), desk.is_preferred);
        drop(desk);
        idle.or_else(|| Reader::start(is_preferred).ok()).ok_or_else(|| {
            self.give_back(uid);
            Unread::Late
        })
    }

    fn give_back(&self, uid: u32) {
        let mut desk = lock(&self.0);
        let left = desk.busy.remove(&uid).unwrap_or_default().saturating_sub(1);
        if left > 0 {
            desk.busy.insert(uid, left);
        }
    }

    fn has_read(&self, uid: u32, question: &Mutex<Question>) {
        self.give_back(uid);
        let mut question = lock(question);
        question.is_read = true;
        if question.is_left {
            let mut desk = lock(&self.0);
            desk.stuck = desk.stuck.saturating_sub(1);
        }
    }

    /// Nobody waits for the answer any more; the thread ends with its question.
    fn leave(&self, question: &Mutex<Question>, is_stuck: bool) -> Unread {
        let mut question = lock(question);
        if is_stuck && !question.is_read {
            question.is_left = true;
            lock(&self.0).stuck += 1;
        }
        if is_stuck { Unread::Stuck } else { Unread::Late }
    }
}

impl Reader {
    fn start(is_preferred: bool) -> std::io::Result<Self> {
        let (jobs, asked) = sync_channel::<Job>(1);
        let (tell, told) = sync_channel(1);
        spawn("reader", move || {
            if is_preferred {
                prefer();
            }
            tell.send(rustix::thread::gettid().as_raw_nonzero().get()).ok();
            asked.into_iter().for_each(|job| job());
        })?;
        let thread = told.recv().map_err(std::io::Error::other)?;
        Ok(Self { jobs, thread })
    }
}

/// A thread of ours waits in the kernel.
fn sleeps(thread: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/self/task/{thread}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    matches!(state, Some('S' | 'D'))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    const PATIENCE: Patience =
        Patience { asleep: Duration::from_millis(20), at_most: Duration::from_secs(20) };

    #[test]
    fn whoever_is_stuck_keeps_nobody_else() {
        let readers = Readers::default();
        assert_eq!(readers.read(7, PATIENCE, || 1), Ok(1));
        let mut ends = Vec::new();
        for _ in 0..OF_USER {
            let (end, ended) = channel::<()>();
            assert_eq!(readers.read(7, PATIENCE, move || ended.recv().is_ok()), Err(Unread::Stuck));
            ends.push(end);
        }
        assert_eq!(readers.stuck(), OF_USER);
        // No more are left behind for this user; others are read as before.
        let begun = Instant::now();
        assert_eq!(readers.read(7, Patience { asleep: Duration::MAX, ..PATIENCE }, || 2), Err(Unread::Stuck));
        assert!(begun.elapsed() < Duration::from_secs(10));
        assert_eq!(readers.read(8, PATIENCE, || 3), Ok(3));

        drop(ends);
        let deadline = Instant::now() + Duration::from_secs(20);
        while readers.stuck() > 0 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!((readers.stuck(), readers.read(7, PATIENCE, || 4)), (0, Ok(4)));
    }

    #[test]
    fn who_has_no_cpu_is_not_stuck() {
        let readers = Readers::default();
        let (end, ended) = channel::<()>();
        let spins = move || while ended.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {};
        let short = Patience { at_most: Duration::from_millis(60), ..PATIENCE };
        assert_eq!(readers.read(7, short, spins), Err(Unread::Late));
        assert_eq!(readers.stuck(), 0);
        drop(end);
    }
}
