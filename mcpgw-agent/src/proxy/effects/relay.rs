//! The agent's end: what a server does, told to a gateway that is another process.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::wire::{ASK_MAX, Ask, Did, Lines, Tell, TooLong, write};
use super::{Effects, State, Taker};
use crate::effects::Ended;
use crate::policy::effects::Surroundings;

/// How often what was done is told without being asked for.
const BEAT: Duration = Duration::from_millis(250);
/// For the gateway to take what is told.
const TAKE: Duration = Duration::from_secs(2);

/// A server that is followed for another process, until this is dropped.
#[derive(Debug)]
pub struct Relayed {
    all: Effects,
    group: u32,
    /// Whose processes it may end, and no others.
    uid: Option<u32>,
    over: CancellationToken,
    around: Surroundings,
}

impl From<TooLong> for io::Error {
    fn from(error: TooLong) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

impl Relayed {
    pub(super) fn new(all: Effects, group: u32, uid: Option<u32>) -> Self {
        Self { all, group, uid, over: CancellationToken::new(), around: Surroundings::default() }
    }

    /// The number by which the kernel is to tell of the server's processes.
    #[must_use]
    pub fn group(&self) -> u32 {
        self.group
    }

    /// Cancelled where the server has ended.
    #[must_use]
    pub fn over(&self) -> &CancellationToken {
        &self.over
    }

    /// It runs there.
    #[must_use]
    pub fn in_surroundings(mut self, around: Surroundings) -> Self {
        self.around = around;
        self
    }

    /// Where it runs.
    #[must_use]
    pub fn around(&self) -> &Surroundings {
        &self.around
    }

    /// Tells the gateway on `stream` until it leaves, or does not read, the server has ended, or `shutdown`.
    pub async fn run(self, stream: UnixStream, shutdown: &CancellationToken) {
        let served = tokio::select! {
            () = shutdown.cancelled() => return,
            served = self.serve(stream) => served,
        };
        if let Err(error) = served {
            tracing::debug!(%error, "a gateway is not told any more what its server does");
        }
    }

    async fn serve(&self, mut stream: UnixStream) -> io::Result<()> {
        let mut beats = interval(BEAT);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut lines = Lines::new(ASK_MAX);
        let mut tell = Vec::new();
        loop {
            let (mut drain, mut kill, mut over) = (None, false, false);
            tokio::select! {
                read = stream.read_buf(&mut lines.buffer) => {
                    if read? == 0 {
                        return Ok(());
                    }
                    lines.each(|line| {
                        match serde_json::from_slice(line)? {
                            Ask::Drain(number) => drain = Some(number),
                            Ask::Kill => kill = true,
                        }
                        Ok::<(), io::Error>(())
                    })?;
                }
                _ = beats.tick() => {}
                () = self.over.cancelled() => over = true,
            }
            self.take(&mut tell);
            if let Some(number) = drain {
                write(&mut tell, &Tell::Drained(number));
            }
            if kill {
                let ended = tokio::task::block_in_place(|| self.kill());
                write(&mut tell, &Tell::Killed(ended));
            }
            if over {
                write(&mut tell, &Tell::Over);
            }
            if !tell.is_empty() {
                timeout(TAKE, stream.write_all(&tell)).await??;
                tell.clear();
            }
            if over {
                return Ok(());
            }
        }
    }

    /// All that the server did and is not told.
    fn take(&self, tell: &mut Vec<u8>) {
        let (items, lost, missed) = {
            let mut state = self.all.state();
            state.drain();
            let Some(Taker::Outbox(outbox)) = state.takers.get_mut(&self.group) else { return };
            outbox.take()
        };
        if lost > 0 {
            write(tell, &Tell::Lost(lost));
        }
        if missed > 0 {
            write(tell, &Tell::Missed(missed));
        }
        for effect in items {
            write(tell, &Tell::Did(Box::new(Did::from(effect))));
        }
    }

    fn kill(&self) -> Ended {
        tracing::info!(group = self.group, "a gateway has its server ended");
        let mut state = self.all.state();
        let State { killer, .. } = &mut *state;
        killer(self.group, self.uid).unwrap_or_default()
    }
}

impl Drop for Relayed {
    fn drop(&mut self) {
        self.all.remove(self.group);
    }
}
