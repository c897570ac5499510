//! The signals a daemon minds: SIGTERM and SIGINT stop it, SIGHUP reads the configuration anew.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::DaemonError;

/// Signals that are listened for from the very start, so that none can kill the agent half way through it.
#[derive(Debug)]
pub(super) struct Signals {
    pub(super) stop: Stop,
    pub(super) reload: Signal,
}

/// SIGTERM or SIGINT.
#[derive(Debug)]
pub(super) struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Takes the signals over.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn new() -> Result<Self, DaemonError> {
        let on =
            |kind| signal(kind).map_err(|source| DaemonError::System { what: "listen for signals", source });
        let stop = Stop { terminate: on(SignalKind::terminate())?, interrupt: on(SignalKind::interrupt())? };
        Ok(Self { stop, reload: on(SignalKind::hangup())? })
    }
}

impl Stop {
    /// Waits for either.
    pub(super) async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
