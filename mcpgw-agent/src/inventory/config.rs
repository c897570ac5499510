//! What the inventory is told once: what is sanctioned, what can be seen, how much is kept and for how long.

use std::time::Duration;

use super::{AllowList, FollowList};

/// Settings of an [`Inventory`](super::Inventory).
#[derive(Debug, Clone)]
pub struct InventoryConfig {
    /// Sanctioned servers.
    pub allow: AllowList,
    /// Servers whose messages are followed, where no gateway is in front of them.
    pub follow: FollowList,
    /// Streams are tapped. False in the `/proc` fallback: nothing is observed and nothing can be confirmed.
    pub wire: bool,
    /// How much is kept.
    pub limits: Limits,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// The shell answers [`Effect::Enrich`](super::Effect::Enrich) with executable hashes. Without, a rule that
    /// names a hash matches nothing.
    pub hash_executables: bool,
}

impl Default for InventoryConfig {
    fn default() -> Self {
        Self {
            allow: AllowList::default(),
            follow: FollowList::default(),
            wire: true,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            hash_executables: false,
        }
    }
}

/// Numbers of things kept at most; beyond them the least interesting goes and is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Processes, exited ones included.
    pub processes: usize,
    /// Servers and candidates.
    pub servers: usize,
    /// Ended servers remembered.
    pub history: usize,
    /// Listening TCP sockets.
    pub listeners: usize,
    /// TCP connections whose client is remembered.
    pub connections: usize,
    /// Channels with sightings that no known process explains yet.
    pub orphans: usize,
    /// Channel ends known from scans.
    pub channels: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            processes: 32_768,
            servers: 4_096,
            history: 256,
            listeners: 4_096,
            connections: 4_096,
            orphans: 256,
            channels: 65_536,
        }
    }
}

/// Periods after which something is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// An exited process is kept for late events.
    pub exited: Duration,
    /// No bytes at all: the candidate dozes.
    pub silent: Duration,
    /// Traffic without anything of MCP: no MCP server.
    pub foreign: Duration,
    /// MCP in one direction only: unknown.
    pub one_sided: Duration,
    /// From confirmation to release, where name and tools do not show before.
    pub confirmed: Duration,
    /// An ended server stays in the view.
    pub ended: Duration,
    /// An ended process with nothing but the shape waits, unseen, for sightings still under way.
    pub late: Duration,
    /// A port found to be other HTTP is looked at again.
    pub ignored_port: Duration,
    /// A sighting waits for the process that explains it.
    pub orphan: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            exited: Duration::from_secs(30),
            silent: Duration::from_secs(30),
            foreign: Duration::from_secs(30),
            one_sided: Duration::from_secs(120),
            confirmed: Duration::from_secs(10),
            ended: Duration::from_secs(10),
            late: Duration::from_secs(2),
            ignored_port: Duration::from_secs(600),
            orphan: Duration::from_secs(10),
        }
    }
}
