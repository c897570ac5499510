//! From facts to what is shown and done: attribution, role, verdict, observation. The one place that derives.
//!
//! Refreshing twice changes nothing, and the result depends on the facts alone, not on their order.

use super::allow::Subject;
use super::assess::{self, Facts};
use super::attribute;
use super::candidate;
use super::channel::Flow;
use super::evidence::EvidenceKind;
use super::follow::Followed;
use super::server::{Aside, Http, McpServer, Portrait, Shown, Standing};
use super::state::Inventory;
use super::tap::TapState;
use super::text;
use super::{BootTime, Channel, Effect, ObservedProcess, ProcessKey, ProxyRegistration};

/// Ancestors shown.
const SHOWN_ANCESTORS: usize = 8;

impl Inventory {
    pub(super) fn refresh(&mut self, seq: u64, now: BootTime) {
        let Some(mut server) = self.servers.take(seq) else { return };
        self.attribute(&mut server, now);
        server.aside = self.aside(&server);
        self.gather(&mut server);
        self.follow(&mut server);
        self.retap(&mut server, now);
        self.assess(&mut server);
        self.announce(&mut server);
        let standing = Standing::of(&server);
        if standing != server.standing {
            self.touch_relatives(&server, &standing);
            server.standing = standing;
        }
        let drop_now = server.ended.is_some() && server.aside.is_some();
        self.servers.put(server);
        if drop_now {
            self.forget(seq, false);
        }
    }

    /// Who serves, who uses it, and their portraits.
    fn attribute(&mut self, server: &mut McpServer, now: BootTime) {
        let attribution = attribute::server(server, &self.processes);
        let Some(process) = attribution.process else {
            // The last holder has moved on to something else without exiting.
            server.ended = server.ended.or(server.process.as_ref().map(|_| now));
            return;
        };
        server.ended = attribution.ended;
        self.portray(process, &mut server.process);
        server.involved.insert(process);
        let client = match attribute::client(server, process, &self.processes, &self.channels) {
            Some(client) => self.beyond_wrap(client),
            // Who it was once known to be, already from beyond a wrap.
            None => server.client.as_ref().map(|client| client.key),
        };
        match client {
            Some(client) => {
                self.portray(client, &mut server.client);
                server.involved.insert(client);
                self.processes.pin(client);
            }
            None => server.client = None,
        }
        let ancestors = self.processes.ancestors(process, SHOWN_ANCESTORS);
        // What was known of a dead process' line is not forgotten with it.
        if ancestors.len() >= server.ancestors.len() || server.ended.is_none() {
            server.ancestors = ancestors.into_iter().map(|ancestor| (ancestor.key, ancestor.exe)).collect();
        }
        if server.ended.is_none() {
            for key in [Some(process), client].into_iter().flatten() {
                if self.processes.ask(key) {
                    self.effects.push(Effect::Enrich(key));
                }
            }
        }
    }

    pub(super) fn portray(&self, key: ProcessKey, portrait: &mut Option<Portrait>) {
        let known = self.processes.get(key);
        let image = known.and_then(|process| process.image.clone());
        let facts = known.and_then(|process| process.facts.clone());
        match portrait {
            // An exit may have thinned out the table's entry; the portrait keeps what it had.
            Some(own) if own.key == key => {
                let same = known.is_none_or(|process| process.exited.is_some());
                own.facts = if same { facts.or(own.facts.take()) } else { facts };
                own.image = image.or(own.image.take());
            }
            Some(_) | None => *portrait = Some(Portrait { key, image, facts }),
        }
    }

    /// The client behind a wrap is whoever uses the wrap.
    fn beyond_wrap(&self, client: ProcessKey) -> Option<ProcessKey> {
        // Not by what it is involved in: a busy client is in every record there is.
        let held = self.held_by(client);
        let outer = held.iter().filter_map(|seq| self.servers.get(*seq)).find(|outer| outer.gateway);
        match outer {
            Some(outer) => outer.client.as_ref().map(|client| client.key),
            None if self.proxies.contains(client) => {
                let mut line = self.processes.ancestors(client, SHOWN_ANCESTORS).into_iter();
                line.find(|above| above.key.pid > 1 && self.processes.is_alive(above.key))
                    .map(|above| above.key)
            }
            None => Some(client),
        }
    }

    /// Whether the record is somebody's other side rather than a server.
    fn aside(&mut self, server: &McpServer) -> Option<Aside> {
        if self.vouched(server) {
            return None;
        }
        let dialogue = &server.dialogue;
        if let Some(http) = server.http() {
            return self.http_aside(server, http);
        }
        if server.gateway || server.holders.keys().any(|holder| self.proxies.contains(*holder)) {
            return Some(Aside::Gateway);
        }
        if dialogue.is_foreign() || (server.gave_up && !dialogue.is_mcp() && dialogue.lost() == 0) {
            return Some(Aside::NotMcp);
        }
        if dialogue.is_reversed() {
            return Some(Aside::Reversed);
        }
        if server.outputs().iter().any(|flow| self.relays_to(server, *flow)) {
            return Some(Aside::Relay);
        }
        let owner = server.process.as_ref().map(|process| process.key);
        let serves_http = |owner| {
            let mut others = self.servers.involving(owner);
            others.any(|other| {
                other.http().is_some() && other.readers.contains(owner) && other.dialogue.is_mcp()
            })
        };
        (!dialogue.is_asked() && owner.is_some_and(serves_http)).then_some(Aside::ServesHttp)
    }

    /// A confirmed server reads what this one writes. Not where that server in turn writes to this one: two
    /// that talk to each other must not hide each other.
    fn relays_to(&self, server: &McpServer, flow: Flow) -> bool {
        let next = self.servers.by_input(flow).and_then(|seq| self.servers.get(seq));
        next.is_some_and(|next| {
            let mutual = server.input().is_some_and(|input| next.outputs().contains(&input));
            next.is_confirmed() && !mutual
        })
    }

    /// An open port says little: where its owner's stdio is a candidate too, that is the row.
    fn http_aside(&self, server: &McpServer, http: &Http) -> Option<Aside> {
        let elsewhere = |owner| {
            let mut others = self.servers.involving(owner);
            others.any(|other| {
                other.is_holder(owner)
                    && other.ended.is_none()
                    && matches!(other.aside, None | Some(Aside::Gateway))
            })
        };
        let owner = server.process.as_ref().map(|process| process.key)?;
        if self.proxies.contains(owner) {
            // What it serves is the server behind it, which has a record of its own.
            return Some(Aside::Gateway);
        }
        let unheard = !server.dialogue.is_mcp() && http.endpoint.is_none();
        (unheard && elsewhere(owner)).then_some(Aside::ServesStdio)
    }

    /// A live wrap registered this record's input.
    fn vouched(&self, server: &McpServer) -> bool {
        server.input().is_some_and(|input| self.proxies.of(self.channels.taps(input)).is_some())
    }

    /// Evidence that follows from who the process is and who vouches for it.
    fn gather(&mut self, server: &mut McpServer) {
        server.gateway |= server.aside == Some(Aside::Gateway);
        let since = server.holders.values().map(|holder| holder.at).min().unwrap_or(server.since);
        let own = server.process.as_ref().map(|process| process.key);
        let keys = own.into_iter().chain(server.holders.keys().copied());
        if server.holders.values().any(|holder| holder.execed) {
            let image = own.and_then(|own| self.processes.get(own)).and_then(|own| own.image.as_ref());
            let fileless = image.is_some_and(|image| image.memfd || image.deleted);
            let note = if fileless { "; its executable has no file on disk" } else { "" };
            server.evidence.set(EvidenceKind::Shape, since, &format!("{}{note}", describe(server)));
        }
        let word = keys
            .filter_map(|key| self.processes.get(key))
            .find_map(|process| candidate::command(process.argv()))
            .map(|word| text::escape(word, text::NAME));
        if let Some(word) = word {
            server.evidence.set(EvidenceKind::Command, since, &word);
        }
        let wrap = server.input().and_then(|input| self.proxies.of(self.channels.taps(input)));
        match wrap {
            Some(wrap) => {
                let detail = format!("mcpgw wrap, pid {}", wrap.proxy.pid);
                server.evidence.set(EvidenceKind::Registration, since, &detail);
            }
            None => server.evidence.remove(EvidenceKind::Registration),
        }
    }

    /// Observes, or lets go, as the record's standing asks.
    fn retap(&mut self, server: &mut McpServer, now: BootTime) {
        if server.input().is_none() {
            return;
        }
        if !self.config.wire || server.ended.is_some() {
            self.untap(server);
            return;
        }
        let followed = server.followed.is_some();
        let over = server.aside.is_some() || server.gave_up || server.dialogue.is_complete() && !followed;
        let classified = server.tap.state == TapState::Settled && self.is_classified(server, now);
        if over || classified && !followed {
            self.settle_tap(server);
            return;
        }
        match server.tap.state {
            TapState::Dozing(process) => {
                let current = server.process.as_ref().map(|own| own.key);
                if let Some(current) = current.filter(|current| *current != process) {
                    self.effects.push(Effect::Wake(process));
                    self.effects.push(Effect::Doze(current));
                    server.tap.state = TapState::Dozing(current);
                }
            }
            TapState::Off | TapState::Settled if server.process.is_none() => {}
            TapState::Off | TapState::Settled => {
                server.tap.state = TapState::Observing { since: now };
                self.observe(server);
            }
            TapState::Observing { .. } => self.observe(server),
        }
    }

    /// Taps whatever of the record is not tapped yet.
    pub(super) fn observe(&mut self, server: &mut McpServer) {
        let flows = server.input().into_iter().chain(server.outputs().iter().copied());
        let channels: Vec<Channel> = flows.flat_map(|flow| self.channels.taps(flow)).collect();
        let alive = |key: &ProcessKey| self.processes.is_alive(*key);
        let own = server.holders.keys().copied().chain(server.process.as_ref().map(|own| own.key));
        let mut processes: Vec<ObservedProcess> =
            own.filter(alive).map(|process| ObservedProcess { process, inherit: true }).collect();
        let client = server.client.as_ref().map(|client| client.key);
        let seen = attribute::parent_or_maker(server, &self.processes);
        for process in client.into_iter().chain(seen).filter(alive) {
            if !processes.iter().any(|known| known.process == process) {
                processes.push(ObservedProcess { process, inherit: false });
            }
        }
        self.effects.extend(self.taps.observe(server.seq, &mut server.tap, channels, processes));
    }

    /// Observation is over for good.
    pub(super) fn settle_tap(&mut self, server: &mut McpServer) {
        if let TapState::Dozing(process) = server.tap.state {
            self.effects.push(Effect::Wake(process));
        }
        server.tap.state = TapState::Settled;
        if !server.tap.is_empty() {
            self.effects.extend(self.taps.release(server.seq, &mut server.tap, true));
        }
    }

    /// Observation is over and leaves no mark in the kernel.
    pub(super) fn untap(&mut self, server: &mut McpServer) {
        if let TapState::Dozing(process) = server.tap.state {
            self.effects.push(Effect::Wake(process));
        }
        server.tap.state = TapState::Off;
        self.effects.extend(self.taps.release(server.seq, &mut server.tap, false));
    }

    /// From dozing to observing.
    pub(super) fn wake(&mut self, server: &mut McpServer, at: BootTime) {
        if let TapState::Dozing(process) = server.tap.state {
            self.effects.push(Effect::Wake(process));
            server.tap.state = TapState::Observing { since: at };
        }
    }

    /// The registered gateway between a server and all its clients, of one that has ended the one there was at its end; or else a
    /// client that talks past the one there is.
    fn between(&self, server: &McpServer) -> (Option<&ProxyRegistration>, Option<ProcessKey>) {
        let Some(http) = server.http() else {
            let taps = || server.input().into_iter().flat_map(|input| self.channels.taps(input));
            let then = |ended| self.proxies.of_at(&taps().collect::<Vec<_>>(), ended);
            return (self.proxies.of(taps()).or_else(|| server.ended.and_then(then)), None);
        };
        let (mut gateway, mut past) = (None, None);
        for client in server.clients.latest_first() {
            let then = |ended| self.proxies.get_at(client, ended);
            match self.proxies.get(client).or_else(|| server.ended.and_then(then)) {
                Some(registration) => gateway = gateway.or(Some(registration)),
                None if self.processes.is_alive(client) => past = past.or(Some(client)),
                None => {}
            }
        }
        let alone = past.is_none() && http.unknown.is_empty();
        (gateway.filter(|_| alone), past.filter(|_| gateway.is_some()))
    }

    fn assess(&self, server: &mut McpServer) {
        let (gateway, past) = self.between(server);
        let program = if server.http().is_some() { "proxy" } else { "wrap" };
        let argv = server.process.as_ref().and_then(Portrait::argv).map(|argv| argv.join(" "));
        let subject = self.subject(server, argv.as_deref());
        server.verdict = assess::assess(&Facts {
            gateway: gateway.map(|gateway| (program, gateway.proxy.pid, gateway.name.as_deref())),
            past: past.map(|client| client.pid),
            rule: self.config.allow.first_match(&subject).map(super::AllowRule::name),
            confirmed: server.is_confirmed(),
            asked: server.dialogue.is_asked(),
            mcp: server.dialogue.is_mcp(),
            command: server.evidence.has(EvidenceKind::Command),
            lost: server.dialogue.lost(),
            wire: self.config.wire,
            gave_up: server.gave_up,
        });
    }

    /// What rules go by; `command` is its command line, where all of that is known.
    fn subject<'s>(&self, server: &'s McpServer, command: Option<&'s str>) -> Subject<'s> {
        let process = server.process.as_ref();
        let facts = process.and_then(|process| process.facts.as_deref());
        Subject {
            exe: facts.map(|facts| facts.exe.as_str()).filter(|exe| !exe.is_empty()),
            sha256: facts
                .and_then(|facts| facts.exe_sha256.as_deref())
                .filter(|_| self.config.hash_executables),
            command,
            user: facts.and_then(|facts| facts.user.as_deref()),
            uid: process.and_then(|process| process.image.as_ref()).map(|image| image.uid),
            container: facts.and_then(|facts| facts.container.as_deref()),
            unit: facts.and_then(|facts| facts.unit.as_deref()),
            cgroup: facts.map(|facts| facts.cgroup.as_str()).filter(|cgroup| !cgroup.is_empty()),
        }
    }

    /// Says whose messages are wanted from now on, whose no more, and where something of one that is changed.
    fn follow(&mut self, server: &mut McpServer) {
        let followed = self.is_followed(server).then(|| Followed::of(server, &self.channels)).flatten();
        match (&server.followed, followed) {
            (Some(_), None) => self.effects.push(Effect::Unfollow(server.seq)),
            (before, Some(now)) if before.as_deref() != Some(&now) => {
                self.effects.push(Effect::Follow(Box::new(now.clone())));
                server.followed = Some(Box::new(now));
                return;
            }
            (Some(_) | None, Some(_)) => return,
            (None, None) => {}
        }
        server.followed = None;
    }

    /// It is an MCP server, nothing of ours is in front of it, and its messages are wanted.
    fn is_followed(&self, server: &McpServer) -> bool {
        let config = &self.config;
        if config.follow.is_empty() || !config.wire || !server.is_confirmed() || server.ended.is_some() {
            return false;
        }
        if server.aside.is_some() || self.between(server).0.is_some() {
            return false;
        }
        let argv = server.process.as_ref().and_then(Portrait::argv).map(|argv| argv.join(" "));
        let name = server.dialogue.server_info().map(|(name, _)| name.as_str());
        config.follow.wants(name, &self.subject(server, argv.as_deref()))
    }

    /// Says so where what people see of it changed.
    fn announce(&mut self, server: &mut McpServer) {
        let shown = server.shown();
        if shown == server.shown {
            return;
        }
        if let Some(shown) = shown.as_ref().filter(|shown| !shown.ended)
            && !server.counted.contains(&shown.state)
        {
            server.counted.push(shown.state);
            *self.counters.first_seen.entry((shown.state, shown.transport)).or_default() += 1;
        }
        server.shown = shown;
        self.effects.push(Effect::Changed(server.seq));
    }

    /// Others whose standing depends on this record's. Called on a change only, or two records could keep
    /// each other busy.
    fn touch_relatives(&mut self, server: &McpServer, standing: &Standing) {
        // Whoever passes words on to this one.
        if let Some(input) = server.input().filter(|_| standing.confirmed) {
            self.dirty.extend(self.servers.by_output(input));
        }
        // The same process' other way in.
        if let Some(process) = server.process.as_ref().map(|process| process.key) {
            let others = self.servers.involving(process);
            let seqs = others.filter(|other| other.http().is_some() != server.http().is_some());
            let seqs: Vec<u64> = seqs.map(|other| other.seq).collect();
            self.dirty.extend(seqs);
        }
        // Whoever's client is found through this wrap.
        if server.gateway {
            let wraps = server.holders.keys().filter(|holder| self.proxies.contains(**holder));
            let seqs: Vec<u64> = wraps.flat_map(|wrap| self.servers.seqs_involving(*wrap)).collect();
            self.dirty.extend(seqs);
        }
    }

    /// Name and tools are known, or have had their time since it was confirmed.
    pub(super) fn is_classified(&self, server: &McpServer, now: BootTime) -> bool {
        let confirmed = server.dialogue.confirmed_at();
        server.dialogue.is_complete()
            || confirmed.is_some_and(|at| at.after(self.config.timeouts.confirmed) <= now)
    }
}

fn describe(server: &McpServer) -> &'static str {
    let pipe = |flow: &Flow| matches!(flow, Flow::Fifo(_));
    match (server.input().as_ref().map(pipe), server.outputs().iter().all(pipe)) {
        (Some(true), true) => "reads and writes pipes",
        (Some(true), false) => "reads a pipe, writes a socket pair",
        (Some(false), true) => "reads a socket pair, writes a pipe",
        (Some(false), false) | (None, _) => "reads and writes socket pairs",
    }
}

impl Portrait {
    /// Best known arguments; `None` where what is known was cut.
    fn argv(&self) -> Option<&[String]> {
        match (&self.facts, &self.image) {
            (Some(facts), _) if !facts.argv.is_empty() => Some(&facts.argv),
            (_, Some(image)) if !image.argv_truncated => Some(&image.argv),
            (_, Some(_) | None) => None,
        }
    }
}

impl McpServer {
    fn shown(&self) -> Option<Shown> {
        if !self.is_listed() || !self.evidence.tells() {
            return None;
        }
        Some(Shown {
            state: self.verdict.state,
            reason: self.verdict.reason.clone(),
            transport: self.transport(),
            confirmed: self.is_confirmed(),
            process: self.process.as_ref()?.key,
            client: self.client.as_ref().map(|client| client.key),
            server_info: self.dialogue.server_info().cloned(),
            ended: self.ended.is_some(),
        })
    }
}
