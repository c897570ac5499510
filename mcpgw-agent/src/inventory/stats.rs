//! Numbers for `status` and metrics.

use std::collections::BTreeMap;

use super::{ServerState, Transport};

/// Counts of one moment, and totals since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InventoryStats {
    /// Processes in the table, recently exited ones included.
    pub processes: usize,
    /// Running servers and candidates by state and transport; without those known by their shape alone.
    pub servers: BTreeMap<(ServerState, Transport), u64>,
    /// Running candidates known by the shape of their stdio alone.
    pub shape_only: u64,
    /// Records of all kinds, those set aside and just ended included.
    pub records: usize,
    /// Channel ends under observation.
    pub observed_channels: usize,
    /// Processes under observation.
    pub observed_processes: usize,
    /// Silent candidates whose I/O counters are watched.
    pub dozing: usize,
    /// Listening TCP sockets known.
    pub listeners: usize,
    /// Server ports tapped.
    pub watched_ports: usize,
    /// Times a server was first seen in a state. Total.
    pub first_seen: BTreeMap<(ServerState, Transport), u64>,
    /// Servers that ended. Total.
    pub ended: u64,
    /// Processes evicted because the table was full. Total.
    pub evicted_processes: u64,
    /// Candidates given up, or never taken in, because the table was full. Total.
    pub evicted_servers: u64,
    /// Listeners not taken in because the table was full. Total.
    pub refused_listeners: u64,
    /// Sightings no process ever explained. Total.
    pub orphaned_sightings: u64,
    /// Bytes missing from tapped streams. Total.
    pub lost_bytes: u64,
}
