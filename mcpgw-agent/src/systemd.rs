//! Talking to systemd: readiness, watchdog, status line, stopping. Without it (`NOTIFY_SOCKET` unset) nothing
//! is said and nothing is different.
//!
//! The watchdog is fed only while the main loop turns: an agent that hangs is restarted, not kept alive by a
//! timer of its own.

use std::path::PathBuf;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::ready::{Heartbeat, Ready};

/// Tells systemd the agent's state for as long as it runs.
#[derive(Debug)]
pub struct Systemd {
    notify: Notify,
    /// How often systemd wants to hear of us, if at all.
    watchdog: Option<Duration>,
}

/// Where messages go. A trait object would be one more than the four traits this project has.
#[derive(Debug, Clone)]
enum Notify {
    Environment,
    #[cfg(test)]
    Test(std::sync::mpsc::Sender<String>),
}

impl Default for Systemd {
    fn default() -> Self {
        Self::new()
    }
}

impl Systemd {
    /// What the environment asks for.
    #[must_use]
    pub fn new() -> Self {
        Self { notify: Notify::Environment, watchdog: sd_notify::watchdog_enabled() }
    }

    /// Says `READY=1` once `ready` is, then feeds the watchdog while `heartbeat` beats, until `shutdown`;
    /// then says `STOPPING=1`.
    pub async fn run(self, ready: Ready, heartbeat: Heartbeat, shutdown: CancellationToken) {
        let is_ready = tokio::select! {
            () = ready.wait() => true,
            () = shutdown.cancelled() => false,
        };
        if is_ready {
            self.notify.send(&[sd_notify::NotifyState::Ready]);
            tokio::select! {
                () = self.feed(&heartbeat) => {}
                () = shutdown.cancelled() => {}
            }
        }
        self.notify.send(&[sd_notify::NotifyState::Stopping]);
    }

    /// Feeds the watchdog at half its interval, but not while the main loop stands still.
    async fn feed(&self, heartbeat: &Heartbeat) {
        let Some(interval) = self.watchdog.filter(|interval| !interval.is_zero()) else {
            return std::future::pending().await;
        };
        let mut ticks = tokio::time::interval(interval / 2);
        loop {
            ticks.tick().await;
            let silence = heartbeat.silence();
            if silence < interval {
                self.notify.send(&[sd_notify::NotifyState::Watchdog]);
            } else {
                tracing::error!(seconds = silence.as_secs(), "the main loop stands still");
            }
        }
    }
}

/// Whether standard error goes to the journal, which stamps lines by itself.
#[must_use]
pub fn logs_to_journal() -> bool {
    std::env::var_os("JOURNAL_STREAM").map(PathBuf::from).is_some()
}

impl Notify {
    fn send(&self, states: &[sd_notify::NotifyState<'_>]) {
        match self {
            Self::Environment => {
                if let Err(error) = sd_notify::notify(states) {
                    tracing::debug!(%error, "systemd does not listen");
                }
            }
            #[cfg(test)]
            Self::Test(sender) => {
                for state in states {
                    sender.send(state.to_string()).unwrap();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    fn systemd(watchdog: Option<Duration>) -> (Systemd, Receiver<String>) {
        let (sender, said) = channel();
        (Systemd { notify: Notify::Test(sender), watchdog }, said)
    }

    async fn next(said: &Receiver<String>) -> String {
        next_while(said, || ()).await
    }

    /// The same where the loop turns meanwhile.
    async fn next_beating(said: &Receiver<String>, heart: &Heartbeat) -> String {
        next_while(said, || heart.beat()).await
    }

    async fn next_while(said: &Receiver<String>, turn: impl Fn()) -> String {
        for _ in 0..3000 {
            turn();
            if let Ok(message) = said.try_recv() {
                return message;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("systemd was told nothing");
    }

    #[tokio::test]
    async fn ready_is_said_when_ready_and_stopping_at_the_end() {
        let (systemd, said) = systemd(None);
        let (ready, stop) = (Ready::new(), CancellationToken::new());
        let latch = ready.latch("probes");
        let heart = Heartbeat::new();
        let script = async {
            assert!(said.try_recv().is_err(), "not ready yet");
            drop(latch);
            assert_eq!(next(&said).await, "READY=1");
            stop.cancel();
        };
        tokio::join!(systemd.run(ready, heart, stop.clone()), script);
        assert_eq!(said.iter().collect::<Vec<_>>(), ["STOPPING=1"]);
    }

    #[tokio::test]
    async fn the_watchdog_starves_when_the_loop_stands_still() {
        let (systemd, said) = systemd(Some(Duration::from_millis(200)));
        let (ready, stop, heart) = (Ready::new(), CancellationToken::new(), Heartbeat::new());
        let script = async {
            assert_eq!(next(&said).await, "READY=1");
            // However late the first tick is.
            assert_eq!(next_beating(&said, &heart).await, "WATCHDOG=1");
            // The heart is not beaten again: what was fed dries up, whenever this test gets to run.
            let still = async |for_ms| {
                while heart.silence() < Duration::from_millis(for_ms) {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                said.try_iter().count()
            };
            still(200).await;
            assert_eq!(still(800).await, 0, "fed with the loop standing still");
            assert_eq!(next_beating(&said, &heart).await, "WATCHDOG=1");
            stop.cancel();
        };
        tokio::join!(systemd.run(ready, heart.clone(), stop.clone()), script);
    }
}
