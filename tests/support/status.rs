//! The agent's `status --json`, and finding one's own servers in it.

use std::path::Path;

use mcpgw_agent::inventory::{RemoteView, ServerState, ServerView};
use serde::Deserialize;
use serde_json::Value;

/// `status --json`, schema 1.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Status {
    /// Always 1.
    pub(crate) schema: u32,
    /// About the agent itself.
    pub(crate) agent: Value,
    /// Numbers.
    pub(crate) summary: Value,
    /// The gateway.
    #[serde(default)]
    pub(crate) gateway: Value,
    /// The list.
    pub(crate) servers: Vec<ServerView>,
    /// Servers elsewhere.
    #[serde(default)]
    pub(crate) remote: Vec<RemoteView>,
}

/// Picks servers out of a [`Status`]; ended ones are left out.
pub(crate) trait ServerQuery {
    /// The servers that have not ended.
    fn live(&self) -> Vec<&ServerView>;

    /// Live servers whose working directory is `cwd`.
    fn at(&self, cwd: &Path) -> Vec<&ServerView> {
        let cwd = cwd.to_str().expect("test paths are UTF-8");
        self.live().into_iter().filter(|s| s.cwd.as_deref() == Some(cwd)).collect()
    }

    /// The live server of process `pid`.
    fn of(&self, pid: u32) -> Option<&ServerView> {
        self.live().into_iter().find(|s| s.pid == pid)
    }

    /// Live servers at `cwd` that are held to be MCP servers: anything but an unconfirmed candidate.
    fn flagged_at(&self, cwd: &Path) -> Vec<&ServerView> {
        self.at(cwd).into_iter().filter(|s| s.confirmed || s.state != ServerState::Candidate).collect()
    }
}

impl ServerQuery for Status {
    fn live(&self) -> Vec<&ServerView> {
        self.servers.iter().filter(|s| s.ended_at.is_none()).collect()
    }
}

impl Status {
    /// Records of the life-cycle ring so far: read, and lost (those not understood among them).
    pub(crate) fn lifecycle(&self) -> (u64, u64) {
        let number = |name: &str| {
            let value = &self.agent["gaps"]["lifecycle"][name];
            value.as_u64().unwrap_or_else(|| panic!("no gaps.lifecycle.{name} in {}", self.agent))
        };
        (number("records"), number("lost") + number("undecodable"))
    }

    /// For failure messages: one line a server, those at `dirs` in full.
    pub(crate) fn describe(&self, dirs: &[&Path]) -> String {
        let mut text = format!("agent: {}\n", self.agent);
        for server in &self.servers {
            let own = server
                .cwd
                .as_deref()
                .is_some_and(|cwd| dirs.iter().any(|dir| Path::new(cwd).starts_with(dir)));
            if own {
                text += &format!("{}\n", serde_json::to_string_pretty(server).expect("views serialise"));
            } else {
                text += &format!(
                    "{} {:?} confirmed={} {:?}\n",
                    server.pid, server.state, server.confirmed, server.command
                );
            }
        }
        text
    }
}
