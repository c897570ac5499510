//! What was recognised on pipes and sockets, laid to the record whose conversation it belongs to.

use super::channel::Flow;
use super::dialogue::Counted;
use super::direction::{self, Direction};
use super::state::Inventory;
use super::tap::TapState;
use super::{BootTime, Channel, ObservedProcess, ProcessKey, StreamSource};
use crate::mcp::{Likeness, Peek, PeekKind};
use crate::wire::{Seen, Sighting};

impl Inventory {
    pub(super) fn on_sighted(&mut self, now: BootTime, sighting: Sighting) {
        if let Seen::Gap { bytes } = &sighting.seen {
            self.counters.lost_bytes = self.counters.lost_bytes.saturating_add(*bytes);
        }
        match sighting.source {
            StreamSource::Channel { .. } => {
                if !self.sight_channel(&sighting) {
                    self.orphans.push(now, sighting);
                }
            }
            StreamSource::Tcp { addrs, cgroup_id, from_server } => {
                self.sight_tcp(addrs, cgroup_id, from_server, &sighting);
            }
            StreamSource::Tls { process, object, from_server } => {
                self.sight_tls(process, object, from_server, &sighting);
            }
        }
    }

    /// Tries waiting sightings again, now that more is known.
    pub(super) fn replay_orphans(&mut self) {
        let mut waiting = self.orphans.take();
        waiting.retain(|(_, sighting)| !self.sight_channel(sighting));
        self.orphans.put_back(waiting);
    }

    /// Returns whether some record took it.
    fn sight_channel(&mut self, sighting: &Sighting) -> bool {
        let StreamSource::Channel { channel, process, wrote } = sighting.source else { return true };
        let flow = self.channels.flow(channel, wrote);
        let outputs = self.servers.by_output(flow);
        let mut input = self.servers.by_input(flow);
        if input.is_none()
            && let Seen::Message(peek) = &sighting.seen
            && self.founds(flow, &outputs, peek)
        {
            input = self.found(flow, &outputs, channel, process, wrote, sighting.at);
        }
        if input.is_none() && outputs.is_empty() {
            return false;
        }
        let inbound = input.into_iter().map(|seq| (seq, true));
        for (seq, inbound) in inbound.chain(outputs.into_iter().map(|seq| (seq, false))) {
            self.hear(seq, inbound, flow, sighting);
        }
        true
    }

    /// A message only a client sends, on a flow nobody was known to serve: there is a server behind it. Not
    /// where the flow is a server's output: a server that writes requests to itself founds nothing.
    fn founds(&self, flow: Flow, outputs: &[u64], peek: &Peek) -> bool {
        peek.mcp == Likeness::Strong
            && direction::of(peek) == Some(Direction::ToServer)
            && !matches!(flow, Flow::OutOf(_))
            && !outputs.iter().any(|seq| self.servers.get(*seq).is_some_and(|own| own.dialogue.is_asked()))
    }

    fn found(
        &mut self,
        flow: Flow,
        mirrors: &[u64],
        channel: Channel,
        process: ProcessKey,
        wrote: bool,
        at: BootTime,
    ) -> Option<u64> {
        if !self.make_room() {
            return None;
        }
        let reader = (!wrote).then_some(process);
        let seq = self.servers.new_stdio(flow, reader, at);
        // What the client's side reads from is where this server answers.
        if let [mirror] = mirrors
            && let Some(input) = self.servers.get(*mirror).and_then(super::server::McpServer::input)
        {
            self.servers.add_output(seq, input);
        }
        let mut server = self.servers.take(seq)?;
        let observed = ObservedProcess { process, inherit: !wrote };
        self.taps.adopt(seq, &mut server.tap, [channel], [observed]);
        server.tap.state = TapState::Observing { since: at };
        self.servers.put(server);
        self.replay = true;
        Some(seq)
    }

    fn hear(&mut self, seq: u64, inbound: bool, flow: Flow, sighting: &Sighting) {
        let Some(mut server) = self.servers.take(seq) else { return };
        let at = sighting.at;
        match &sighting.seen {
            Seen::Message(peek) => {
                let StreamSource::Channel { wrote, process, .. } = sighting.source else { return };
                let counted = Counted::Channel { flow, wrote };
                if inbound {
                    server.dialogue.inbound(counted, at, peek, &mut server.evidence);
                } else {
                    server.dialogue.outbound(counted, at, peek, &mut server.evidence);
                }
                if tells_role(peek, inbound) {
                    server.note_actor(&sighting.source, inbound, at);
                    self.processes.pin(process);
                }
            }
            Seen::Gap { bytes } => server.dialogue.gap(at, *bytes),
            Seen::NotMcp(why) => server.dialogue.not_mcp(at, *why, inbound),
            // HTTP over a channel is no transport of MCP.
            Seen::Http(_) => {}
        }
        self.servers.put(server);
        self.dirty.insert(seq);
    }
}

/// The message shows who reads or writes as what.
fn tells_role(peek: &Peek, inbound: bool) -> bool {
    match direction::of(peek) {
        Some(Direction::ToServer) => inbound,
        Some(Direction::ToClient) => !inbound,
        None => {
            let answer = matches!(peek.kind, PeekKind::Response { .. });
            answer && !inbound && peek.mcp != Likeness::Foreign
        }
    }
}
