//! What only time decides: silence, giving up, grace periods, expiry.

use std::collections::HashSet;

use super::server::McpServer;
use super::state::Inventory;
use super::tap::TapState;
use super::{BootTime, Effect, ProcessKey};

/// Ticks a scanned process waits for its relatives to be scanned.
const PAIRINGS: u8 = 3;

impl Inventory {
    pub(super) fn on_tick(&mut self, now: BootTime) {
        for _ in 0..self.unpaired.len() {
            let Some((process, tries)) = self.unpaired.pop_front() else { break };
            if !self.pair(process) && tries + 1 < PAIRINGS {
                self.unpaired.push_back((process, tries + 1));
            }
        }
        for seq in self.servers.keys() {
            self.tick_server(seq, now);
        }
        self.tick_listeners(now);
        self.orphans.expire(now, self.config.timeouts.orphan);
        self.tick_remotes(now);
        let pinned = self.pinned();
        self.processes.repin(&pinned);
        self.processes.expire(now, self.config.timeouts.exited);
    }

    fn tick_server(&mut self, seq: u64, now: BootTime) {
        let Some(server) = self.servers.get(seq) else { return };
        if let Some(ended) = server.ended {
            let remember = server.is_listed();
            let keep = if remember { self.config.timeouts.ended } else { self.config.timeouts.late };
            if ended.after(keep) <= now {
                self.counters.ended += u64::from(remember);
                self.forget(seq, remember);
            }
            return;
        }
        if server.process.is_none() {
            // Only its client was ever seen; nobody came to serve.
            if server.since.after(self.config.timeouts.silent) <= now {
                self.forget(seq, false);
            }
            return;
        }
        let Some(mut server) = self.servers.take(seq) else { return };
        self.tick_tap(&mut server, now);
        self.servers.put(server);
    }

    fn tick_tap(&mut self, server: &mut McpServer, now: BootTime) {
        let timeouts = self.config.timeouts;
        let confirmed = server.is_confirmed();
        let mcp = server.dialogue.is_mcp();
        if !confirmed && !server.gave_up {
            let since = if mcp { server.dialogue.mcp_since() } else { server.dialogue.first() };
            let started =
                server.holders.values().filter(|holder| holder.execed).map(|holder| holder.at).max();
            let since = since.map(|since| Some(since).max(started).unwrap_or(since));
            let patience = if mcp { timeouts.one_sided } else { timeouts.foreign };
            if since.is_some_and(|since| since.after(patience) <= now) && self.config.wire {
                server.gave_up = true;
                self.dirty.insert(server.seq);
                return;
            }
        }
        let TapState::Observing { since } = server.tap.state else { return };
        if self.is_classified(server, now) && server.followed.is_none() {
            self.settle_tap(server);
            return;
        }
        let last = server.dialogue.last().map_or(since, |last| last.max(since));
        if !confirmed && last.after(timeouts.silent) <= now {
            self.effects.extend(self.taps.release(server.seq, &mut server.tap, false));
            if let Some(process) = server.process.as_ref().map(|process| process.key) {
                self.effects.push(Effect::Doze(process));
                server.tap.state = TapState::Dozing(process);
            }
        }
    }

    /// Every process some record or registration refers to.
    fn pinned(&self) -> HashSet<ProcessKey> {
        let mut pinned = HashSet::new();
        for server in self.servers.iter() {
            pinned.extend(server.involved.iter().copied());
            pinned.extend(server.ancestors.iter().map(|(key, _)| *key));
        }
        pinned.extend(self.remotes.processes());
        for listener in self.listeners.keys() {
            pinned.extend(
                self.listeners.get(listener).into_iter().flat_map(|entry| entry.owners.keys().copied()),
            );
        }
        pinned
    }
}
