//! Who holds which channel end, and which way bytes flow over it.
//!
//! A [`Flow`] is one direction of a channel whatever end it is seen from: a pipe is one flow; a socket pair is
//! two, each named by the socket the bytes arrive at. File descriptor numbers play no part.

use std::collections::{HashMap, VecDeque};

use super::{Channel, ChannelEnd, ChannelKind, ProcessKey};

/// One direction of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Flow {
    /// Through the pipe with this inode.
    Fifo(u64),
    /// Into the socket with this inode, from its peer.
    Into(u64),
    /// Out of the socket with this inode, whose peer is not known.
    OutOf(u64),
}

/// Processes kept as holders of one channel end.
const HOLDERS: usize = 16;

#[derive(Debug, Clone, Copy)]
struct Held {
    process: ProcessKey,
    readable: bool,
    writable: bool,
}

/// Socket peers, and the processes that hold each end.
#[derive(Debug)]
pub(super) struct Channels {
    peers: HashMap<u64, u64>,
    /// Keys of `peers` by age.
    ages: VecDeque<u64>,
    holders: HashMap<Channel, Vec<Held>>,
    limit: usize,
}

impl Channels {
    pub(super) fn new(limit: usize) -> Self {
        Self { peers: HashMap::new(), ages: VecDeque::new(), holders: HashMap::new(), limit: limit.max(1) }
    }

    /// Notes the peers `ends` tell of. Returns the sockets whose peer was not known.
    pub(super) fn learn(&mut self, ends: &[ChannelEnd]) -> Vec<u64> {
        let mut news = Vec::new();
        for end in ends.iter().filter(|end| end.channel.kind == ChannelKind::Unix) {
            let Some(peer) = end.peer.filter(|&peer| peer != 0) else { continue };
            for (socket, other) in [(end.channel.ino, peer), (peer, end.channel.ino)] {
                if self.peers.get(&socket) == Some(&other) {
                    continue;
                }
                if self.peers.insert(socket, other).is_none() {
                    self.ages.push_back(socket);
                }
                news.push(socket);
            }
        }
        while self.ages.len() > self.limit {
            if let Some(oldest) = self.ages.pop_front() {
                self.peers.remove(&oldest);
            }
        }
        news
    }

    /// The flow of bytes that are read from (or, where `wrote`, written to) `channel`.
    pub(super) fn flow(&self, channel: Channel, wrote: bool) -> Flow {
        match (channel.kind, wrote) {
            (ChannelKind::Fifo, _) => Flow::Fifo(channel.ino),
            (ChannelKind::Unix, false) => Flow::Into(channel.ino),
            (ChannelKind::Unix, true) => {
                self.peers.get(&channel.ino).map_or(Flow::OutOf(channel.ino), |&peer| Flow::Into(peer))
            }
        }
    }

    /// Channel ends at which `flow` can be tapped.
    pub(super) fn taps(&self, flow: Flow) -> impl Iterator<Item = Channel> {
        let unix = |ino| Channel { kind: ChannelKind::Unix, ino };
        let (own, other) = match flow {
            Flow::Fifo(ino) => (Channel { kind: ChannelKind::Fifo, ino }, None),
            Flow::Into(ino) => (unix(ino), self.peers.get(&ino).copied().map(unix)),
            Flow::OutOf(ino) => (unix(ino), None),
        };
        std::iter::once(own).chain(other)
    }

    /// Processes known to be able to write into `flow`.
    pub(super) fn writers(&self, flow: Flow) -> impl Iterator<Item = ProcessKey> + '_ {
        let end = match flow {
            Flow::Fifo(ino) => Some(Channel { kind: ChannelKind::Fifo, ino }),
            Flow::Into(ino) => self.peers.get(&ino).map(|&ino| Channel { kind: ChannelKind::Unix, ino }),
            Flow::OutOf(ino) => Some(Channel { kind: ChannelKind::Unix, ino }),
        };
        // A pipe's end that can do both is somebody's own plumbing, not a conversation.
        let fifo = matches!(flow, Flow::Fifo(_));
        let held = end.and_then(|end| self.holders.get(&end)).map_or(&[][..], Vec::as_slice);
        held.iter().filter(move |held| held.writable && !(fifo && held.readable)).map(|held| held.process)
    }

    /// `process` holds exactly `ends` (and held `before`).
    pub(super) fn hold(&mut self, process: ProcessKey, before: &[ChannelEnd], ends: &[ChannelEnd]) {
        self.release(process, before);
        for end in ends {
            if !self.holders.contains_key(&end.channel) && self.holders.len() >= self.limit {
                continue;
            }
            let held = self.holders.entry(end.channel).or_default();
            if let Some(known) = held.iter_mut().find(|held| held.process == process) {
                known.readable |= end.readable;
                known.writable |= end.writable;
            } else if held.len() < HOLDERS {
                held.push(Held { process, readable: end.readable, writable: end.writable });
            }
        }
    }

    /// `process` no longer holds `ends`.
    pub(super) fn release(&mut self, process: ProcessKey, ends: &[ChannelEnd]) {
        for end in ends {
            if let Some(held) = self.holders.get_mut(&end.channel) {
                held.retain(|held| held.process != process);
                if held.is_empty() {
                    self.holders.remove(&end.channel);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(ino: u64, peer: u64) -> ChannelEnd {
        ChannelEnd {
            channel: Channel { kind: ChannelKind::Unix, ino },
            fd: 0,
            readable: true,
            writable: true,
            peer: (peer != 0).then_some(peer),
            creator: None,
        }
    }

    #[test]
    fn a_socket_s_flow_is_the_same_from_both_ends() {
        let mut channels = Channels::new(16);
        let unix = |ino| Channel { kind: ChannelKind::Unix, ino };
        assert_eq!(channels.flow(unix(1), true), Flow::OutOf(1));
        assert_eq!(channels.learn(&[socket(1, 2)]), [1, 2]);
        assert_eq!(channels.learn(&[socket(2, 1)]), [] as [u64; 0]);
        assert_eq!(channels.flow(unix(1), true), Flow::Into(2));
        assert_eq!(channels.flow(unix(2), false), Flow::Into(2));
        assert_eq!(channels.taps(Flow::Into(2)).collect::<Vec<_>>(), [unix(2), unix(1)]);
    }

    #[test]
    fn peers_and_holders_are_bounded() {
        let mut channels = Channels::new(4);
        let key = ProcessKey { pid: 1, start_ticks: 1 };
        for ino in 0..100 {
            let ends = [socket(2 * ino + 2, 2 * ino + 3)];
            channels.learn(&ends);
            channels.hold(key, &[], &ends);
        }
        assert!(channels.peers.len() <= 4 && channels.ages.len() <= 4 && channels.holders.len() <= 4);
    }

    #[test]
    fn what_a_process_let_go_it_no_longer_holds() {
        let mut channels = Channels::new(16);
        let key = ProcessKey { pid: 1, start_ticks: 1 };
        channels.learn(&[socket(1, 2)]);
        channels.hold(key, &[], &[socket(2, 1)]);
        assert_eq!(channels.writers(Flow::Into(1)).collect::<Vec<_>>(), [key]);
        channels.hold(key, &[socket(2, 1)], &[]);
        assert_eq!(channels.writers(Flow::Into(1)).count(), 0);
        assert!(channels.holders.is_empty());
    }
}
