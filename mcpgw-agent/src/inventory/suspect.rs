//! Running servers and candidates as the guard looks at them: what they are, unescaped, and how sure that is.

use std::net::SocketAddr;

use super::evidence::EvidenceKind;
use super::server::McpServer;
use super::state::Inventory;
use super::{Listener, ProcessKey, ServerState};

/// A running server, or what may be one. Texts are as processes chose them: not for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    /// The record's number.
    pub seq: u64,
    /// Its id in the view.
    pub id: String,
    /// The process that serves.
    pub process: ProcessKey,
    /// Path of its executable.
    pub exe: String,
    /// SHA-256 of that, where it is known.
    pub sha256: Option<String>,
    /// Arguments.
    pub argv: Vec<String>,
    /// Real user id.
    pub uid: Option<u32>,
    /// User name.
    pub user: Option<String>,
    /// Container id or machine name.
    pub container: Option<String>,
    /// systemd unit.
    pub unit: Option<String>,
    /// cgroup path.
    pub cgroup: Option<String>,
    /// Executables of its client and of those above it.
    pub clients: Vec<String>,
    /// The verdict.
    pub state: ServerState,
    /// Its command line names a server.
    pub is_named: bool,
    /// Something of MCP was seen.
    pub speaks: bool,
    /// MCP was seen in both directions.
    pub confirmed: bool,
    /// Where it listens; empty for one over pipes.
    pub listeners: Vec<Listener>,
    /// Where a client reached it, and by which path.
    pub endpoint: Option<(SocketAddr, String)>,
    /// What it calls itself.
    pub name: Option<String>,
}

impl Inventory {
    /// Every running server and candidate.
    #[must_use]
    pub fn suspects(&self) -> Vec<Suspect> {
        let listed = self.servers.iter().filter(|server| server.is_listed() && server.ended.is_none());
        listed.filter_map(|server| self.suspect(server)).collect()
    }

    /// The one of this id, also where it has ended and is remembered.
    #[must_use]
    pub fn suspect_of(&self, id: &str) -> Option<Suspect> {
        let mut all = self.servers.iter().chain(self.servers.history());
        self.suspect(all.find(|server| server.id == id)?)
    }

    fn suspect(&self, server: &McpServer) -> Option<Suspect> {
        let process = server.process.as_ref()?;
        let facts = process.facts.as_deref();
        let of_wire = [EvidenceKind::Header, EvidenceKind::Request, EvidenceKind::Response];
        let client = server.client.as_ref().and_then(|client| self.processes.get(client.key));
        let client = client.map(|client| client.exe().to_string());
        let above = server.ancestors.iter().map(|(key, exe)| {
            let known = self.processes.get(*key).map(super::process::Process::exe);
            known.filter(|exe| !exe.is_empty()).map_or_else(|| exe.to_string(), |exe| exe.to_string())
        });
        Some(Suspect {
            seq: server.seq,
            id: server.id.clone(),
            process: process.key,
            exe: process.exe().to_owned(),
            sha256: facts.and_then(|facts| facts.exe_sha256.clone()),
            argv: process.command().to_vec(),
            uid: process.image.as_ref().map(|image| image.uid),
            user: facts.and_then(|facts| facts.user.clone()),
            container: facts.and_then(|facts| facts.container.clone()),
            unit: facts.and_then(|facts| facts.unit.clone()),
            cgroup: facts.map(|facts| facts.cgroup.clone()),
            clients: client.into_iter().chain(above).collect(),
            state: server.verdict.state,
            is_named: server.evidence.has(EvidenceKind::Command),
            speaks: of_wire.into_iter().any(|kind| server.evidence.has(kind)),
            confirmed: server.is_confirmed(),
            listeners: server.http().map(|http| http.listeners.clone()).unwrap_or_default(),
            endpoint: server.http().and_then(|http| http.endpoint.clone()),
            name: server.dialogue.server_info().map(|(name, _)| name.clone()),
        })
    }
}
