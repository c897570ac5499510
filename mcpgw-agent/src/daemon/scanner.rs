//! The task that reads `/proc`: once at the start, again when events were lost, and steadily where there are no
//! probes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::inventory::HostEvent;
use crate::proc::{Poller, ProcReader, ScanOptions};

/// Between two scans asked for by lost events, at least.
const RESYNC_PAUSE: Duration = Duration::from_secs(2);

/// Scans in the background.
#[derive(Debug)]
pub(super) struct Scanner {
    poller: Poller,
    events: mpsc::Sender<Vec<HostEvent>>,
    resync: Arc<Notify>,
    interval: Option<Duration>,
}

impl Scanner {
    /// A scanner that sends to `events`. With an `interval` it scans steadily; without, once and whenever
    /// `resync` is notified.
    pub(super) fn new(
        reader: Arc<ProcReader>,
        events: mpsc::Sender<Vec<HostEvent>>,
        resync: Arc<Notify>,
        interval: Option<Duration>,
    ) -> Self {
        Self { poller: Poller::new(reader, ScanOptions::default()), events, resync, interval }
    }

    /// Scans until `shutdown`.
    ///
    /// # Errors
    /// A scan panicked.
    pub(super) async fn run(self, shutdown: CancellationToken) -> Result<(), tokio::task::JoinError> {
        let Self { mut poller, events, resync, interval } = self;
        loop {
            let (back, found) = tokio::task::spawn_blocking(move || {
                let found = poller.poll();
                (poller, found)
            })
            .await?;
            poller = back;
            let problems = poller.problems();
            if !problems.is_complete() {
                tracing::debug!(?problems, "the scan of /proc is not complete");
            }
            if events.send(found).await.is_err() {
                return Ok(());
            }
            let pause = interval.map(|interval| poller.pause(interval));
            tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                () = next(pause, &resync) => {}
            }
        }
    }
}

async fn next(pause: Option<Duration>, resync: &Notify) {
    if let Some(pause) = pause {
        tokio::time::sleep(pause).await;
    } else {
        resync.notified().await;
        // A burst of losses asks once; and let it pass before looking.
        tokio::time::sleep(RESYNC_PAUSE).await;
    }
}
