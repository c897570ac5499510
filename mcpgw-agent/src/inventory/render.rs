//! Records as people see them: wall time, names, everything untrusted escaped and bounded.

use jiff::{SignedDuration, Timestamp};

use super::process_table::ProcessTable;
use super::remote::{Remote, RemoteKey};
use super::server::{Http, McpServer, Portrait};
use super::state::Inventory;
use super::text::{self, COMMAND, NAME};
use super::{
    BootTime, ClientView, EvidenceView, MessageCounts, ObserveMode, ProcessKey, ProcessRef, RemoteView,
    ServerInfo, ServerView, TlsView, Transport,
};

/// User id shown where none is known: `nobody` of the kernel, never a real user.
const NO_UID: u32 = u32::MAX;

/// Which servers to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ViewFilter {
    /// Only those of this real user id; `None` for everyone's.
    pub uid: Option<u32>,
}

impl ViewFilter {
    fn admits(self, server: &McpServer) -> bool {
        let image = server.process.as_ref().and_then(|process| process.image.as_ref());
        self.uid.is_none_or(|uid| image.is_some_and(|image| image.uid == uid))
    }
}

impl Inventory {
    /// Every server and candidate, worst state first, then oldest first; just ended ones included. Those
    /// known by their shape alone have `shape` as their only evidence.
    ///
    /// `boot` is the wall time of boot (wall clock now minus boot time now).
    #[must_use]
    pub fn view(&self, boot: Timestamp, filter: ViewFilter) -> Vec<ServerView> {
        let listed = self.servers.iter().filter(|server| server.is_listed() && filter.admits(server));
        let mut views: Vec<ServerView> = listed.filter_map(|server| self.render(boot, server)).collect();
        views.sort_by(|a, b| (a.state, a.first_seen, &a.id).cmp(&(b.state, b.first_seen, &b.id)));
        views
    }

    /// The server of an [`Effect::Changed`](super::Effect::Changed), running or remembered; `None` where it
    /// turned out to be none.
    #[must_use]
    pub fn server(&self, boot: Timestamp, seq: u64) -> Option<ServerView> {
        let running = self.servers.get(seq).filter(|server| server.is_listed());
        let server = running.or_else(|| self.servers.history().find(|server| server.seq == seq))?;
        self.render(boot, server)
    }

    /// Servers that ended and have left the view, oldest end first.
    #[must_use]
    pub fn history(&self, boot: Timestamp, filter: ViewFilter) -> Vec<ServerView> {
        let ended = self.servers.history().filter(|server| filter.admits(server));
        ended.filter_map(|server| self.render(boot, server)).collect()
    }

    /// Servers elsewhere that processes of this host talk to over TLS, and where those go whose TLS cannot be read; by
    /// client, then host.
    #[must_use]
    pub fn remotes(&self, boot: Timestamp) -> Vec<RemoteView> {
        let told = self.remotes.servers.iter().filter(|(_, remote)| remote.dialogue.is_mcp());
        let mut views: Vec<RemoteView> =
            told.filter_map(|(key, remote)| self.remote(boot, key, remote)).collect();
        for ((process, host), destination) in &self.remotes.destinations {
            let Some(client) = self.remotes.clients.get(process) else { continue };
            let Some(obstacle) = client.obstacle.or(destination.obstacle) else { continue };
            let address = destination.address.map(|address| address.to_string());
            let times = (destination.first, destination.last);
            let view = self.at_host(boot, *process, host, times);
            views.extend(view.map(|view| RemoteView { reason: obstacle.to_owned(), address, ..view }));
        }
        views.sort_by(|a, b| (a.client.pid, &a.host, &a.path).cmp(&(b.client.pid, &b.host, &b.path)));
        views
    }

    fn remote(&self, boot: Timestamp, key: &RemoteKey, remote: &Remote) -> Option<RemoteView> {
        let dialogue = &remote.dialogue;
        let destination = self.remotes.destinations.get(&(key.client, key.host.clone()));
        let view = self.at_host(boot, key.client, &key.host, (remote.first, remote.last))?;
        let follow = self.config.follow.wants_remote(&key.host);
        Some(RemoteView {
            path: Some(key.path.clone()),
            address: destination.and_then(|known| known.address).map(|address| address.to_string()),
            tls: TlsView::Read,
            transport: Some(if remote.sse { Transport::Sse } else { Transport::Http }),
            confirmed: dialogue.confirmed_at().is_some(),
            server_info: dialogue
                .server_info()
                .map(|(name, version)| ServerInfo { name: name.clone(), version: version.clone() }),
            protocol_version: dialogue.protocol_version().cloned(),
            tools: dialogue.tools(),
            client: ClientView { name: dialogue.client_name().cloned(), ..view.client },
            observe: if follow { ObserveMode::Messages } else { ObserveMode::Inventory },
            messages: dialogue.counts(),
            ..view
        })
    }

    /// A destination of which nothing more is known.
    fn at_host(
        &self,
        boot: Timestamp,
        process: ProcessKey,
        host: &str,
        (first, last): (BootTime, BootTime),
    ) -> Option<RemoteView> {
        let known = self.remotes.clients.get(&process)?;
        let client = known.portrait.as_ref()?;
        let command = text::escape_command(client.command());
        Some(RemoteView {
            host: host.to_owned(),
            path: None,
            address: None,
            tls: TlsView::Opaque,
            reason: String::new(),
            transport: None,
            confirmed: false,
            server_info: None,
            protocol_version: None,
            tools: None,
            client: ClientView {
                pid: process.pid,
                exe: text::escape(client.exe(), COMMAND),
                command,
                name: None,
            },
            uid: client.image.as_ref().map_or(NO_UID, |image| image.uid),
            first_seen: wall(boot, first.0),
            last_seen: wall(boot, last.0),
            ended_at: known.ended.map(|at| wall(boot, at.0)),
            observe: ObserveMode::Inventory,
            messages: MessageCounts::default(),
        })
    }

    fn render(&self, boot: Timestamp, server: &McpServer) -> Option<ServerView> {
        let process = server.process.as_ref()?;
        let wall = |at: BootTime| wall(boot, at.0);
        let uid = process.image.as_ref().map_or(NO_UID, |image| image.uid);
        let facts = process.facts.as_deref();
        let escaped = |value: Option<&String>| value.map(|value| text::escape(value, NAME));
        let first = server.evidence.first().unwrap_or(server.since);
        let last = server.evidence.last().max(server.dialogue.last()).unwrap_or(first);
        let evidence = server.evidence.sorted().into_iter().map(|entry| EvidenceView {
            kind: entry.kind.word().to_owned(),
            detail: entry.detail.clone(),
            at: wall(entry.at),
        });
        let info = server.dialogue.server_info();
        Some(ServerView {
            id: server.id.clone(),
            pid: process.key.pid,
            start_time: started(boot, process.key),
            user: escaped(facts.and_then(|facts| facts.user.as_ref())).unwrap_or_else(|| uid.to_string()),
            uid,
            exe: text::escape(process.exe(), COMMAND),
            command: text::escape_command(process.command()),
            cwd: facts
                .map(|facts| &facts.cwd)
                .filter(|cwd| !cwd.is_empty())
                .map(|cwd| text::escape(cwd, COMMAND)),
            container: escaped(facts.and_then(|facts| facts.container.as_ref())),
            unit: escaped(facts.and_then(|facts| facts.unit.as_ref())),
            transport: server.transport(),
            endpoint: server.http().map(endpoint),
            state: server.verdict.state,
            reason: server.verdict.reason.clone(),
            // Whoever runs the sessions knows.
            gateway: None,
            confirmed: server.is_confirmed(),
            evidence: evidence.collect(),
            server_info: info
                .map(|(name, version)| ServerInfo { name: name.clone(), version: version.clone() }),
            protocol_version: server.dialogue.protocol_version().cloned(),
            tools: server.dialogue.tools(),
            client: server.client.as_ref().map(|client| self.client(server, client)),
            ancestors: server
                .ancestors
                .iter()
                .map(|(key, exe)| reference(*key, exe, &self.processes))
                .collect(),
            first_seen: wall(first),
            last_seen: wall(last),
            ended_at: server.ended.map(wall),
            observe: if server.followed.is_some() { ObserveMode::Messages } else { ObserveMode::Inventory },
            messages: server.dialogue.counts(),
        })
    }

    fn client(&self, server: &McpServer, client: &Portrait) -> ClientView {
        let command = text::escape_command(client.command());
        let exe = text::escape(client.exe(), COMMAND);
        ClientView {
            pid: client.key.pid,
            exe: if exe.is_empty() { command.first().cloned().unwrap_or_default() } else { exe },
            command,
            name: server.dialogue.client_name().cloned(),
        }
    }
}

impl Portrait {
    pub(super) fn exe(&self) -> &str {
        match (&self.facts, &self.image) {
            (Some(facts), _) if !facts.exe.is_empty() => &facts.exe,
            (_, Some(image)) => &image.filename,
            (_, None) => "",
        }
    }

    pub(super) fn command(&self) -> &[String] {
        match (&self.facts, &self.image) {
            (Some(facts), _) if !facts.argv.is_empty() => &facts.argv,
            (_, Some(image)) => &image.argv,
            (_, None) => &[],
        }
    }
}

fn reference(key: ProcessKey, exe: &str, processes: &ProcessTable) -> ProcessRef {
    let known = processes.get(key).map(super::process::Process::exe).filter(|exe| !exe.is_empty());
    let exe = known.as_deref().unwrap_or(exe);
    ProcessRef { pid: key.pid, exe: text::escape(exe, COMMAND) }
}

fn endpoint(http: &Http) -> String {
    match &http.endpoint {
        Some((addr, path)) => format!("http://{addr}{path}"),
        None => http.listeners.first().map(|first| format!("http://{}", first.addr)).unwrap_or_default(),
    }
}

fn started(boot: Timestamp, key: ProcessKey) -> Timestamp {
    wall(boot, key.start_ticks.saturating_mul(ProcessKey::TICK_NS))
}

fn wall(boot: Timestamp, nanoseconds: u64) -> Timestamp {
    let since = SignedDuration::from_nanos(i64::try_from(nanoseconds).unwrap_or(i64::MAX));
    boot.checked_add(since).unwrap_or(Timestamp::MAX)
}
