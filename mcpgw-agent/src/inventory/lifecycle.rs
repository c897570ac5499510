//! Exec, fork, exit, scan and enrichment: who there is, and who holds which server's channels.

use super::candidate;
use super::channel::Flow;
use super::process_table::Told;
use super::server::Holder;
use super::state::Inventory;
use super::tap::TapState;
use super::{
    BootTime, ChannelEnd, ChannelKind, Effect, Enriched, Exec, ObservedProcess, ProcessKey,
    ProxyRegistration, ScannedProcess,
};

/// Scanned processes waiting for their relatives.
const UNPAIRED: usize = 65_536;

impl Inventory {
    pub(super) fn on_exec(&mut self, exec: &Exec) {
        let process = exec.process;
        let before = self.ends(process);
        if self.processes.exec(exec) == Told::Nothing {
            return;
        }
        self.settle_ends(process, &before, &exec.stdio);
        if let Some((input, output)) = candidate::shape(&exec.stdio) {
            self.join(process, &input, &output, exec.at, exec.observed);
        }
        if exec.observed {
            self.decline(exec);
        }
        self.touch(process);
    }

    /// The probe observes this process, but no record took it in: let the kernel know.
    fn decline(&mut self, exec: &Exec) {
        if !self.taps.of(exec.process).is_empty() {
            return;
        }
        let channels = exec.stdio.iter().map(|end| end.channel).filter(|channel| !self.taps.has(*channel));
        let channels = channels.collect();
        let parties = [exec.process, exec.parent].into_iter();
        let processes = parties.filter(|party| self.taps.of(*party).is_empty()).collect();
        self.effects.push(Effect::Release { channels, processes, settled: true });
    }

    pub(super) fn on_scanned(&mut self, scanned: &ScannedProcess) {
        let exec = &scanned.exec;
        let process = exec.process;
        let before = self.ends(process);
        if self.processes.scanned(scanned) == Told::Nothing {
            return;
        }
        self.settle_ends(process, &before, &exec.stdio);
        if let Some((input, output)) = candidate::shape(&exec.stdio) {
            self.join(process, &input, &output, exec.at, false);
        } else if exec.stdio.len() > 1 && self.unpaired.len() < UNPAIRED {
            self.unpaired.push_back((process, 0));
        }
        self.consider_listeners(process);
        self.touch(process);
    }

    pub(super) fn on_fork(&mut self, parent: ProcessKey, child: ProcessKey, at: BootTime) {
        let copy = self.processes.fork(parent, child, at);
        for seq in self.taps.inherited(parent) {
            if let Some(mut server) = self.servers.take(seq) {
                let observed = ObservedProcess { process: child, inherit: true };
                self.taps.adopt(seq, &mut server.tap, [], [observed]);
                self.servers.put(server);
            }
        }
        if copy && self.processes.is_alive(child) {
            for seq in self.held_by(parent) {
                let Some(server) = self.servers.get_mut(seq) else { continue };
                server.hold(child, Holder { execed: false, at });
                if server.is_holder(child) {
                    self.servers.involve(seq, child);
                    self.processes.pin(child);
                }
            }
        }
        self.touch(child);
    }

    pub(super) fn on_exit(&mut self, process: ProcessKey, at: BootTime) {
        for listener in self.listeners.owned_by(process) {
            self.owner_exited(listener, process, at);
        }
        let ends = self.ends(process);
        self.channels.release(process, &ends);
        self.processes.exit(process, at);
        for seq in self.taps.of(process) {
            if let Some(mut server) = self.servers.take(seq) {
                self.taps.gone(seq, &mut server.tap, process);
                self.servers.put(server);
            }
        }
        for seq in self.servers.seqs_involving(process) {
            let Some(server) = self.servers.get_mut(seq) else { continue };
            // A fork that never became anything else leaves no trace.
            if server.holders.get(&process).is_some_and(|holder| !holder.execed) {
                server.holders.remove(&process);
            }
            self.dirty.insert(seq);
        }
        if self.proxies.contains(process) {
            self.on_proxy_gone(process, at);
        }
    }

    pub(super) fn on_enriched(&mut self, process: ProcessKey, facts: &Enriched) {
        if self.processes.enriched(process, facts) {
            self.consider_listeners(process);
            self.touch(process);
        }
    }

    pub(super) fn on_stirred(&mut self, process: ProcessKey, at: BootTime) {
        for seq in self.servers.seqs_involving(process) {
            if let Some(mut server) = self.servers.take(seq) {
                if server.tap.state == TapState::Dozing(process) {
                    self.wake(&mut server, at);
                    self.dirty.insert(seq);
                }
                self.servers.put(server);
            }
        }
    }

    pub(super) fn on_registered(&mut self, registration: ProxyRegistration) {
        let proxy = registration.proxy;
        if !self.processes.is_alive(proxy) {
            return;
        }
        self.touch_channels(&registration);
        if let Some(before) = self.proxies.remove(proxy) {
            self.touch_channels(&before);
        }
        self.proxies.register(registration);
        self.processes.pin(proxy);
        self.touch(proxy);
    }

    pub(super) fn on_proxy_gone(&mut self, proxy: ProcessKey, at: BootTime) {
        if let Some(registration) = self.proxies.end(proxy, at).cloned() {
            self.touch_channels(&registration);
            self.touch(proxy);
        }
    }

    fn touch_channels(&mut self, registration: &ProxyRegistration) {
        for channel in &registration.channels {
            for wrote in [false, true] {
                let flow = self.channels.flow(*channel, wrote);
                self.dirty.extend(self.servers.by_input(flow));
                self.dirty.extend(self.servers.by_output(flow));
            }
        }
    }

    /// `process` has `input` and `output` for its server side: it is the server of that conversation, or
    /// wraps it. Makes the record where there is none.
    pub(super) fn join(
        &mut self,
        process: ProcessKey,
        input: &ChannelEnd,
        output: &ChannelEnd,
        at: BootTime,
        observed: bool,
    ) {
        let flow = self.channels.flow(input.channel, false);
        let seq = match self.servers.by_input(flow) {
            Some(seq) => seq,
            None if self.make_room() => self.servers.new_stdio(flow, Some(process), at),
            None => return,
        };
        let out = self.channels.flow(output.channel, true);
        let new_output = self.servers.add_output(seq, out);
        self.servers.involve(seq, process);
        self.processes.pin(process);
        let Some(mut server) = self.servers.take(seq) else { return };
        let known = server.holders.get(&process).is_some_and(|holder| holder.execed && holder.at >= at);
        server.hold(process, Holder { execed: true, at });
        // A program that has just started gets its own time to speak.
        server.gave_up &= known || server.dialogue.is_foreign();
        server.since = server.since.min(at);
        server.creators.extend(input.creator.filter(|pid| *pid != process.pid));
        server.creators.extend(output.creator.filter(|pid| *pid != process.pid));
        if observed {
            self.adopt_exec(&mut server, process, [input, output], at);
        } else if !known && matches!(server.tap.state, TapState::Dozing(_)) {
            self.wake(&mut server, at);
        }
        self.servers.put(server);
        self.dirty.insert(seq);
        self.replay |= new_output;
    }

    /// What the probe did by itself at this exec: both channels, the process, its parent, the pair's maker.
    fn adopt_exec(
        &mut self,
        server: &mut super::server::McpServer,
        process: ProcessKey,
        ends: [&ChannelEnd; 2],
        at: BootTime,
    ) {
        if matches!(server.tap.state, TapState::Dozing(_)) {
            self.wake(server, at);
        }
        let channels = ends.iter().flat_map(|end| {
            let peer = end.peer.filter(|_| end.channel.kind == ChannelKind::Unix);
            let peer = peer.map(|ino| super::Channel { kind: ChannelKind::Unix, ino });
            std::iter::once(end.channel).chain(peer)
        });
        let parent = self.processes.ancestors(process, 1).into_iter().map(|ancestor| ancestor.key);
        let creators = ends.iter().filter_map(|end| end.creator);
        let creators = creators.filter_map(|pid| self.processes.alive_by_pid(pid));
        let others = parent.chain(creators).filter(|key| *key != process);
        let others = others.map(|process| ObservedProcess { process, inherit: false });
        let own = ObservedProcess { process, inherit: true };
        let all: Vec<ObservedProcess> = std::iter::once(own).chain(others).collect();
        self.taps.adopt(server.seq, &mut server.tap, channels, all);
        if server.tap.state == TapState::Off {
            server.tap.state = TapState::Observing { since: at };
        }
    }

    /// Brings channel knowledge up to date after `process` came by new descriptors.
    fn settle_ends(&mut self, process: ProcessKey, before: &[ChannelEnd], ends: &[ChannelEnd]) {
        self.learn(ends);
        if self.processes.is_alive(process) {
            self.channels.hold(process, before, ends);
        } else {
            self.channels.release(process, before);
        }
        self.leave(process, ends);
    }

    fn learn(&mut self, ends: &[ChannelEnd]) {
        for socket in self.channels.learn(ends) {
            let unix = super::Channel { kind: ChannelKind::Unix, ino: socket };
            let flow = self.channels.flow(unix, true);
            self.replay = true;
            if self.servers.rename(Flow::OutOf(socket), flow) {
                self.dirty.extend(self.servers.by_output(flow));
            }
        }
    }

    /// Records `process` is a holder of.
    pub(super) fn held_by(&self, process: ProcessKey) -> Vec<u64> {
        let ends = self.processes.get(process).map_or(&[][..], |process| &process.ends);
        let inputs = ends.iter().filter(|end| end.readable).map(|end| self.channels.flow(end.channel, false));
        let mut seqs: Vec<u64> = inputs.filter_map(|flow| self.servers.by_input(flow)).collect();
        seqs.retain(|seq| self.servers.get(*seq).is_some_and(|server| server.is_holder(process)));
        seqs.sort_unstable();
        seqs.dedup();
        seqs
    }

    /// `process` is no longer a holder of records whose input it does not have among `ends`.
    fn leave(&mut self, process: ProcessKey, ends: &[ChannelEnd]) {
        for seq in self.servers.seqs_involving(process) {
            let Some(server) = self.servers.get_mut(seq) else { continue };
            let Some(input) = server.input() else { continue };
            let has = ends.iter().any(|end| end.readable && self.channels.flow(end.channel, false) == input);
            if !has && server.holders.remove(&process).is_some() {
                self.dirty.insert(seq);
            }
        }
    }

    /// Pairs a scanned process' channels with an ancestor's, for servers that moved their wire off
    /// descriptors 0 and 1. Returns whether that is settled.
    pub(super) fn pair(&mut self, process: ProcessKey) -> bool {
        let Some(scanned) = self.processes.get(process) else { return true };
        if scanned.exited.is_some() || candidate::shape(&scanned.ends).is_some() {
            return true;
        }
        let own = scanned.ends.clone();
        let ancestors = self.processes.ancestors(process, super::process::ANCESTORS);
        for ancestor in ancestors {
            let Some(above) = self.processes.get(ancestor.key).filter(|above| above.exited.is_none()) else {
                continue;
            };
            if let Some((input, output)) = self.pair_of(&own, &above.ends) {
                let at = self
                    .processes
                    .get(process)
                    .and_then(|own| own.image.as_ref())
                    .map_or(BootTime(0), |i| i.at);
                self.join(process, &input, &output, at, false);
                return true;
            }
        }
        false
    }

    fn pair_of(&self, own: &[ChannelEnd], above: &[ChannelEnd]) -> Option<(ChannelEnd, ChannelEnd)> {
        let flow = |end: &ChannelEnd, wrote| self.channels.flow(end.channel, wrote);
        // Both ends in one hand is plumbing, or a descriptor leaked by a fork.
        let writes =
            |ends: &[ChannelEnd], wanted| ends.iter().any(|end| end.writable && flow(end, true) == wanted);
        let reads =
            |ends: &[ChannelEnd], wanted| ends.iter().any(|end| end.readable && flow(end, false) == wanted);
        let input = own.iter().filter(|end| end.readable).find(|end| {
            let inward = flow(end, false);
            writes(above, inward) && !writes(own, inward)
        })?;
        let output = own.iter().filter(|end| end.writable && end.channel != input.channel).find(|end| {
            let outward = flow(end, true);
            reads(above, outward) && !reads(own, outward)
        })?;
        Some((*input, *output))
    }

    fn ends(&self, process: ProcessKey) -> Vec<ChannelEnd> {
        self.processes.get(process).map_or_else(Vec::new, |process| process.ends.clone())
    }
}
