//! Observation: which channels and processes are tapped for which server, and the effects that change that.
//!
//! Several records may share a channel or a process (a client of two servers, a pipeline's middle pipe); an
//! effect goes out only when the first wants it or the last lets go, so effects are minimal and idempotent.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{BootTime, Channel, Effect, ObservedProcess, ProcessKey};

/// Processes of one record named in effects.
const PROCESSES: usize = 256;

/// Where observation of one server stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum TapState {
    /// Not begun, or over and forgotten.
    #[default]
    Off,
    /// Bytes are tapped.
    Observing {
        /// Since when.
        since: BootTime,
    },
    /// Silent: the process' I/O counters are watched instead.
    Dozing(ProcessKey),
    /// Classified; its channels are marked so in the kernel.
    Settled,
}

/// One record's share.
#[derive(Debug, Default)]
pub(super) struct Tap {
    pub(super) state: TapState,
    channels: BTreeSet<Channel>,
    processes: BTreeSet<ProcessKey>,
    /// Channels the kernel has been told are settled.
    settled: BTreeSet<Channel>,
}

impl Tap {
    pub(super) fn is_empty(&self) -> bool {
        self.channels.is_empty() && self.processes.is_empty()
    }
}

/// All records' shares together.
#[derive(Debug, Default)]
pub(super) struct Taps {
    channels: HashMap<Channel, u32>,
    /// Which records want a process, and whether its children inherit that.
    processes: HashMap<ProcessKey, BTreeMap<u64, bool>>,
}

impl Taps {
    pub(super) fn channels(&self) -> usize {
        self.channels.len()
    }

    pub(super) fn has(&self, channel: Channel) -> bool {
        self.channels.contains_key(&channel)
    }

    pub(super) fn processes(&self) -> usize {
        self.processes.len()
    }

    /// Notes what the kernel already taps for record `seq`; returns what was new.
    pub(super) fn adopt(
        &mut self,
        seq: u64,
        tap: &mut Tap,
        channels: impl IntoIterator<Item = Channel>,
        processes: impl IntoIterator<Item = ObservedProcess>,
    ) -> (Vec<Channel>, Vec<ObservedProcess>) {
        let mut new_channels = Vec::new();
        for channel in channels {
            if tap.channels.insert(channel) {
                let wanted = self.channels.entry(channel).or_default();
                *wanted += 1;
                tap.settled.remove(&channel);
                if *wanted == 1 {
                    new_channels.push(channel);
                }
            }
        }
        let mut new_processes = Vec::new();
        for observed in processes {
            let full = tap.processes.len() >= PROCESSES && !tap.processes.contains(&observed.process);
            if full {
                continue;
            }
            tap.processes.insert(observed.process);
            let wanted = self.processes.entry(observed.process).or_default();
            let known = wanted.values().any(|inherit| *inherit || !observed.inherit);
            let own = wanted.entry(seq).or_default();
            *own |= observed.inherit;
            if !known {
                new_processes.push(observed);
            }
        }
        (new_channels, new_processes)
    }

    /// Asks for what is not tapped yet.
    pub(super) fn observe(
        &mut self,
        seq: u64,
        tap: &mut Tap,
        channels: impl IntoIterator<Item = Channel>,
        processes: impl IntoIterator<Item = ObservedProcess>,
    ) -> Option<Effect> {
        let (channels, processes) = self.adopt(seq, tap, channels, processes);
        (!channels.is_empty() || !processes.is_empty()).then_some(Effect::Observe { channels, processes })
    }

    /// Lets go of everything record `seq` alone wants.
    pub(super) fn release(&mut self, seq: u64, tap: &mut Tap, settled: bool) -> Option<Effect> {
        let mut channels = Vec::new();
        for channel in std::mem::take(&mut tap.channels) {
            if let Some(wanted) = self.channels.get_mut(&channel) {
                *wanted = wanted.saturating_sub(1);
                if *wanted == 0 {
                    self.channels.remove(&channel);
                    channels.push(channel);
                }
            }
        }
        let mut processes = Vec::new();
        for process in std::mem::take(&mut tap.processes) {
            if let Some(wanted) = self.processes.get_mut(&process) {
                wanted.remove(&seq);
                if wanted.is_empty() {
                    self.processes.remove(&process);
                    processes.push(process);
                }
            }
        }
        if settled {
            tap.settled.extend(channels.iter().copied());
        } else {
            // Inodes come back: what was marked settled must not outlive the conversation.
            let marked = std::mem::take(&mut tap.settled);
            channels.extend(marked.into_iter().filter(|channel| !self.channels.contains_key(channel)));
        }
        (!channels.is_empty() || !processes.is_empty()).then_some(Effect::Release {
            channels,
            processes,
            settled,
        })
    }

    /// Records that tap `parent` and so, by inheritance in the kernel, its child.
    pub(super) fn inherited(&self, parent: ProcessKey) -> Vec<u64> {
        self.processes.get(&parent).map_or_else(Vec::new, |wanted| {
            wanted.iter().filter(|(_, inherit)| **inherit).map(|(seq, _)| *seq).collect()
        })
    }

    /// Records that tap `process`.
    pub(super) fn of(&self, process: ProcessKey) -> Vec<u64> {
        self.processes.get(&process).map_or_else(Vec::new, |wanted| wanted.keys().copied().collect())
    }

    /// `process` ended; the kernel has forgotten it by itself.
    pub(super) fn gone(&mut self, seq: u64, tap: &mut Tap, process: ProcessKey) {
        tap.processes.remove(&process);
        if let Some(wanted) = self.processes.get_mut(&process) {
            wanted.remove(&seq);
            if wanted.is_empty() {
                self.processes.remove(&process);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ChannelKind;
    use super::*;

    const fn key(pid: u32) -> ProcessKey {
        ProcessKey { pid, start_ticks: 1 }
    }

    #[test]
    fn only_the_last_to_let_go_releases() {
        let (mut taps, mut a, mut b) = (Taps::default(), Tap::default(), Tap::default());
        let pipe = |ino| Channel { kind: ChannelKind::Fifo, ino };
        let client = ObservedProcess { process: key(1), inherit: false };
        assert!(taps.observe(1, &mut a, [pipe(1), pipe(2)], [client]).is_some());
        assert_eq!(
            taps.observe(2, &mut b, [pipe(2), pipe(3)], [client]),
            Some(Effect::Observe { channels: vec![pipe(3)], processes: vec![] })
        );
        assert_eq!(taps.observe(2, &mut b, [pipe(2), pipe(3)], [client]), None);
        assert_eq!(
            taps.release(1, &mut a, true),
            Some(Effect::Release { channels: vec![pipe(1)], processes: vec![], settled: true })
        );
        assert_eq!(taps.release(1, &mut a, true), None);
        assert_eq!(
            taps.release(2, &mut b, true),
            Some(Effect::Release {
                channels: vec![pipe(2), pipe(3)],
                processes: vec![key(1)],
                settled: true
            })
        );
        assert_eq!(
            taps.release(1, &mut a, false),
            Some(Effect::Release { channels: vec![pipe(1)], processes: vec![], settled: false })
        );
        assert_eq!((taps.channels(), taps.processes()), (0, 0));
    }
}
