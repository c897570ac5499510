//! Reading a ring: wait, drain, decode, and notice what is missing.

use std::collections::HashMap;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aya::maps::{HashMap as BpfHashMap, MapData, RingBuf};
use tokio::io::unix::AsyncFd;

use super::KernelEvent;
use super::decode::decode;

/// Records taken in one go at most, so that a flood does not keep the caller from its other work.
const BATCH: usize = 512;

/// The three rings, each read by its own [`Reader`].
#[derive(Debug)]
pub struct Readers {
    /// exec, fork, exit, listen, connect.
    pub lifecycle: Reader,
    /// Bytes of observed channels.
    pub streams: Reader,
    /// Bytes at watched TCP ports.
    pub tcp: Reader,
}

/// One ring.
pub struct Reader {
    ring: &'static str,
    source: Source,
    sequences: Sequences,
    undecodable: Arc<AtomicU64>,
}

/// The ring of effects. It is read without waiting, by whoever needs to know what has happened up to now: what a process
/// did before it answered is in the ring before the answer can be read.
pub struct EffectReader {
    buffer: RingBuf<MapData>,
    untold: BpfHashMap<MapData, u32, u64>,
    /// What of that was said already.
    said: HashMap<u32, u64>,
    undecodable: Arc<AtomicU64>,
}

impl std::fmt::Debug for EffectReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EffectReader").finish_non_exhaustive()
    }
}

impl EffectReader {
    pub(super) fn new(
        buffer: RingBuf<MapData>,
        untold: BpfHashMap<MapData, u32, u64>,
        undecodable: Arc<AtomicU64>,
    ) -> Self {
        Self { buffer, untold, said: HashMap::new(), undecodable }
    }

    /// Appends what is in the ring to `out`, a bounded number of events, and at its end what had no room there; says whether
    /// there is more.
    pub fn drain(&mut self, out: &mut Vec<KernelEvent>) -> bool {
        let Self { buffer, undecodable, .. } = self;
        let mut sink = Sink { ring: super::loader::EFFECTS, sequences: None, undecodable, out };
        let more = drain(buffer, &mut sink) == Drained::More;
        if !more {
            self.untold(out);
        }
        more
    }

    /// What had no room since this was asked last, by the server it was done for. Asked where the next record would only
    /// say so when there is one.
    fn untold(&mut self, out: &mut Vec<KernelEvent>) {
        let before = std::mem::take(&mut self.said);
        for (group, all) in self.untold.iter().filter_map(Result::ok) {
            // The kernel may have forgotten it, and begun anew.
            let said = before.get(&group).filter(|said| **said <= all).copied().unwrap_or(0);
            self.said.insert(group, all);
            if all > said {
                out.push(KernelEvent::Untold { group, count: all - said });
            }
        }
    }
}

/// The ring buffer, before and after it is known to tokio (which needs a running runtime).
enum Source {
    Fresh(Option<RingBuf<MapData>>),
    Polled(AsyncFd<RingBuf<MapData>>),
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("ring", &self.ring).finish_non_exhaustive()
    }
}

impl Reader {
    pub(super) fn new(ring: &'static str, buffer: RingBuf<MapData>, undecodable: Arc<AtomicU64>) -> Self {
        Self { ring, source: Source::Fresh(Some(buffer)), sequences: Sequences::default(), undecodable }
    }

    /// Waits until there is something and appends it to `out`, a bounded number of events at a time and at least one.
    ///
    /// Cancel safe: nothing is taken from the ring before the last await point.
    ///
    /// # Errors
    /// The ring could not be registered with or polled by the runtime.
    pub async fn next(&mut self, out: &mut Vec<KernelEvent>) -> io::Result<()> {
        let Self { ring, source, sequences, undecodable } = self;
        let polled = source.polled()?;
        let before = out.len();
        let mut sink = Sink { ring, sequences: Some(sequences), undecodable, out };
        loop {
            if drain(polled.get_mut(), &mut sink) == Drained::More || sink.out.len() > before {
                return Ok(());
            }
            let mut guard = polled.readable_mut().await?;
            // Only a ring found empty after the notification is waited for again.
            if drain(guard.get_inner_mut(), &mut sink) == Drained::All {
                guard.clear_ready();
            }
            if sink.out.len() > before {
                return Ok(());
            }
        }
    }
}

impl Source {
    fn polled(&mut self) -> io::Result<&mut AsyncFd<RingBuf<MapData>>> {
        if let Self::Fresh(buffer) = self {
            let gone = || io::Error::other("the ring could not be registered before");
            *self = Self::Polled(polled(buffer.take().ok_or_else(gone)?)?);
        }
        match self {
            Self::Polled(polled) => Ok(polled),
            Self::Fresh(_) => Err(io::Error::other("the ring is not registered")),
        }
    }
}

/// Makes a ring known to the runtime.
#[expect(
    deprecated,
    reason = "its successor is unsafe, which this crate forbids; a ring owns its descriptor for life"
)]
pub(super) fn polled<T: AsRawFd>(ring: T) -> io::Result<AsyncFd<T>> {
    AsyncFd::new(ring)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Drained {
    All,
    More,
}

/// Takes a batch out of the ring.
fn drain(buffer: &mut RingBuf<MapData>, sink: &mut Sink<'_>) -> Drained {
    for _ in 0..BATCH {
        match buffer.next() {
            Some(record) => sink.take(&record),
            None => return Drained::All,
        }
    }
    Drained::More
}

/// Where records go.
struct Sink<'a> {
    ring: &'static str,
    /// Nothing where losses are known otherwise.
    sequences: Option<&'a mut Sequences>,
    undecodable: &'a AtomicU64,
    out: &'a mut Vec<KernelEvent>,
}

impl Sink<'_> {
    fn take(&mut self, bytes: &[u8]) {
        match decode(bytes) {
            Ok(record) => {
                let missing =
                    |sequences: &mut &mut Sequences| sequences.missing(record.cpu, record.lane, record.seq);
                let count = self.sequences.as_mut().map_or(0, missing);
                if count > 0 {
                    self.out.push(KernelEvent::Lost { ring: self.ring, cpu: record.cpu, count });
                }
                self.out.push(record.event);
            }
            Err(error) => {
                self.undecodable.fetch_add(1, Ordering::Relaxed);
                tracing::debug!(ring = self.ring, %error, "a kernel record was not understood");
                if self.sequences.is_none() {
                    // Nobody misses its number, and whose it is it does not say.
                    self.out.push(KernelEvent::Lost { ring: self.ring, cpu: 0, count: 1 });
                }
            }
        }
    }
}

/// The last number seen in each lane of each CPU.
#[derive(Debug, Default)]
struct Sequences(HashMap<(u16, u16), u64>);

impl Sequences {
    /// How many records are missing before number `seq`.
    fn missing(&mut self, cpu: u16, lane: u16, seq: u64) -> u64 {
        let last = self.0.insert((cpu, lane), seq).unwrap_or(0);
        seq.saturating_sub(last).saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_counts_what_is_between() {
        let mut sequences = Sequences::default();
        assert_eq!(sequences.missing(0, 0, 1), 0);
        assert_eq!(sequences.missing(0, 0, 2), 0);
        assert_eq!(sequences.missing(0, 0, 5), 2);
        assert_eq!(sequences.missing(0, 0, 6), 0);
    }

    #[test]
    fn lanes_and_cpus_count_for_themselves() {
        let mut sequences = Sequences::default();
        assert_eq!(sequences.missing(0, 0, 1), 0);
        assert_eq!(sequences.missing(1, 0, 1), 0);
        assert_eq!(sequences.missing(0, 1, 3), 2);
        assert_eq!(sequences.missing(0, 0, 2), 0);
    }

    #[test]
    fn a_number_that_goes_back_is_no_loss() {
        let mut sequences = Sequences::default();
        assert_eq!(sequences.missing(0, 0, u64::MAX), u64::MAX - 1);
        assert_eq!(sequences.missing(0, 0, 3), 0);
        assert_eq!(sequences.missing(0, 0, 0), 0);
    }
}
