//! Threads that run tasks each for itself: what starts on one stays there, and wakes nobody elsewhere.
//!
//! A runtime of many threads hands work on to whoever is idle. That pays where a task computes for long; one that passes
//! a small message on has done so before another thread is awake.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Shorter than the patience with clients and servers, long enough to cost nothing.
const BEAT: Duration = Duration::from_secs(8);

/// The threads. They end when it is dropped, which waits for them; what still runs there then is dropped.
#[derive(Debug)]
pub struct Lanes {
    lanes: Vec<Lane>,
    threads: Vec<JoinHandle<()>>,
    /// Has threads of its own for what takes long, and runs nothing else.
    /// Until it is dropped.
    aside: Option<Runtime>,
    stop: CancellationToken,
}

/// One of them. A clone is the same.
#[derive(Debug, Clone)]
pub struct Lane {
    handle: Handle,
    aside: Handle,
    seats: Arc<AtomicUsize>,
}

/// Makes its lane count as busier, as long as it is there.
#[derive(Debug)]
#[must_use]
pub struct Seat(Arc<AtomicUsize>);

impl Lanes {
    /// So many threads, one at least.
    ///
    /// # Errors
    /// A thread cannot be had.
    pub fn start(count: usize) -> io::Result<Self> {
        let count = count.max(1);
        let aside = Builder::new_current_thread().max_blocking_threads(count).thread_name("aside").build()?;
        let aside_handle = aside.handle().clone();
        let stop = CancellationToken::new();
        let mut lanes = Self { lanes: Vec::new(), threads: Vec::new(), aside: Some(aside), stop };
        for number in 0..count {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let handle = runtime.handle().clone();
            let stop = lanes.stop.clone();
            let thread = thread::Builder::new().name(format!("lane-{number}"));
            lanes.threads.push(thread.spawn(move || runtime.block_on(beat(stop)))?);
            let aside = aside_handle.clone();
            lanes.lanes.push(Lane { handle, aside, seats: Arc::default() });
        }
        Ok(lanes)
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Lane] {
        &self.lanes
    }
}

/// Waits for the end. Meanwhile there is always a timer that ends before most others do: where one is set that ends before
/// all that a thread knew of when it last slept, the runtime wakes it with a system call, be it awake or not.
async fn beat(stop: CancellationToken) {
    while timeout(BEAT, stop.cancelled()).await.is_err() {}
}

impl Drop for Lanes {
    fn drop(&mut self) {
        self.stop.cancel();
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so.
            thread.join().ok();
        }
        if let Some(aside) = self.aside.take() {
            // Nobody waits for what is still worked on.
            aside.shutdown_background();
        }
    }
}

impl Lane {
    /// How many seats are taken.
    #[must_use]
    pub fn load(&self) -> usize {
        self.seats.load(Ordering::Relaxed)
    }

    /// Takes a seat.
    pub fn seat(&self) -> Seat {
        self.seats.fetch_add(1, Ordering::Relaxed);
        Seat(Arc::clone(&self.seats))
    }

    /// Does `work`, which takes long, on a thread beside all lanes. Of such threads there are as many as lanes; what they
    /// have no time for yet waits.
    pub fn aside(&self, work: impl FnOnce() + Send + 'static) {
        // Who wants the outcome waits for it.
        drop(self.aside.spawn_blocking(work));
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::tasks::Tasks;

    #[test]
    fn what_starts_on_a_lane_runs_there_and_is_waited_for() {
        let lanes = Lanes::start(2).unwrap();
        let tasks = Tasks::new();
        let (told, names) = mpsc::channel();
        for lane in lanes.all() {
            let told = told.clone();
            let token = tasks.token().clone();
            tasks.spawn_on(Some(lane), "test", async move {
                tokio::task::yield_now().await;
                let name = thread::current().name().map(ToOwned::to_owned);
                told.send(name).unwrap();
                token.cancelled().await;
            });
        }
        let mut seen: Vec<_> = names.iter().take(2).flatten().collect();
        seen.sort();
        assert_eq!(seen, ["lane-0", "lane-1"]);
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let report = runtime.block_on(tasks.shutdown(Duration::from_secs(30)));
        assert!(report.aborted.is_empty());
    }

    #[test]
    fn what_takes_long_is_done_beside_the_lanes() {
        let lanes = Lanes::start(1).unwrap();
        let tasks = Tasks::new();
        let (told, names) = mpsc::channel();
        let lane = lanes.all()[0].clone();
        tasks.spawn_on(Some(&lanes.all()[0]), "test", async move {
            let (done, other) = tokio::sync::oneshot::channel();
            lane.aside(move || {
                done.send(thread::current().name().map(ToOwned::to_owned)).unwrap();
            });
            told.send(other.await.unwrap()).unwrap();
        });
        assert_eq!(names.recv().unwrap().as_deref(), Some("aside"));
    }

    #[test]
    fn a_lane_is_as_busy_as_it_has_seats() {
        let lanes = Lanes::start(1).unwrap();
        let lane = &lanes.all()[0];
        let (first, second) = (lane.seat(), lane.seat());
        drop(first);
        assert_eq!(lane.load(), 1);
        drop(second);
        assert_eq!(lane.load(), 0);
    }
}
