//! Listening TCP sockets: who owns them, whether their port is tapped, and which client sits at which address.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

use super::process_table::ProcessTable;
use super::{BootTime, Listener, ProcessKey, SocketAddrs};

/// Processes kept as owners of one listener.
const OWNERS: usize = 64;
/// Peers of one listener whose last path is kept.
const PATHS: usize = 32;

/// Whether a listener's port is to be tapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Watch {
    /// Tapped.
    On,
    /// Other traffic; looked at again then.
    Until(BootTime),
    /// Classified.
    Settled,
}

/// One listener.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) owners: BTreeMap<ProcessKey, BootTime>,
    pub(super) watch: Watch,
    /// It is watched until then at least, though all is known.
    pub(super) least: Option<BootTime>,
    /// Connections that were no MCP.
    pub(super) others: u32,
    /// Path of each peer's last request.
    paths: HashMap<SocketAddr, String>,
    closes: usize,
}

impl Entry {
    pub(super) fn note_path(&mut self, remote: SocketAddr, path: String) {
        if self.paths.len() >= PATHS && !self.paths.contains_key(&remote) {
            self.paths.clear();
        }
        self.paths.insert(remote, path);
    }

    pub(super) fn path(&self, remote: SocketAddr) -> Option<&String> {
        self.paths.get(&remote)
    }

    /// The owner noted last shares another's socket; closing that once closes it for both.
    pub(super) fn share(&mut self) {
        self.closes += 1;
    }
}

/// All of them.
#[derive(Debug)]
pub(super) struct Listeners {
    entries: HashMap<Listener, Entry>,
    by_port: HashMap<u16, BTreeSet<(SocketAddr, u32)>>,
    by_owner: HashMap<ProcessKey, Vec<Listener>>,
    limit: usize,
}

impl Listeners {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            entries: HashMap::new(),
            by_port: HashMap::new(),
            by_owner: HashMap::new(),
            limit: limit.max(1),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn keys(&self) -> Vec<Listener> {
        self.entries.keys().copied().collect()
    }

    pub(super) fn get(&self, listener: Listener) -> Option<&Entry> {
        self.entries.get(&listener)
    }

    pub(super) fn get_mut(&mut self, listener: Listener) -> Option<&mut Entry> {
        self.entries.get_mut(&listener)
    }

    pub(super) fn owned_by(&self, process: ProcessKey) -> Vec<Listener> {
        self.by_owner.get(&process).cloned().unwrap_or_default()
    }

    /// Notes an owner. Returns false where the table is full.
    pub(super) fn open(&mut self, listener: Listener, owner: ProcessKey, at: BootTime) -> bool {
        if !self.entries.contains_key(&listener) {
            if self.entries.len() >= self.limit {
                return false;
            }
            let entry = Entry {
                owners: BTreeMap::new(),
                watch: Watch::On,
                least: None,
                others: 0,
                paths: HashMap::new(),
                closes: 0,
            };
            self.entries.insert(listener, entry);
            let place = (listener.addr, listener.net_ns);
            self.by_port.entry(listener.addr.port()).or_default().insert(place);
        }
        let Some(entry) = self.entries.get_mut(&listener) else { return false };
        if entry.owners.len() < OWNERS && entry.owners.insert(owner, at).is_none() {
            self.by_owner.entry(owner).or_default().push(listener);
        }
        true
    }

    /// One socket closed. Several processes may each have had one on the same address (`SO_REUSEPORT`): the
    /// listener is gone, and this is true, when the last has closed.
    pub(super) fn close(&mut self, listener: Listener) -> bool {
        let Some(entry) = self.entries.get_mut(&listener) else { return false };
        entry.closes += 1;
        if entry.closes < entry.owners.len() {
            return false;
        }
        self.remove(listener);
        true
    }

    pub(super) fn remove(&mut self, listener: Listener) {
        let Some(entry) = self.entries.remove(&listener) else { return };
        let port = listener.addr.port();
        if let Some(places) = self.by_port.get_mut(&port) {
            places.remove(&(listener.addr, listener.net_ns));
            if places.is_empty() {
                self.by_port.remove(&port);
            }
        }
        for owner in entry.owners.keys() {
            if let Some(owned) = self.by_owner.get_mut(owner) {
                owned.retain(|known| *known != listener);
                if owned.is_empty() {
                    self.by_owner.remove(owner);
                }
            }
        }
    }

    pub(super) fn on_port(&self, port: u16) -> impl Iterator<Item = Listener> + '_ {
        let places = self.by_port.get(&port);
        places.into_iter().flatten().map(|(addr, net_ns)| Listener { addr: *addr, net_ns: *net_ns })
    }

    /// Some listener wants this port tapped.
    pub(super) fn wants(&self, port: u16) -> bool {
        self.on_port(port).any(|listener| self.get(listener).is_some_and(|entry| entry.watch == Watch::On))
    }

    /// The listener a connection to `local` reached. The same address in several network namespaces is told
    /// apart by the client's namespace, which over loopback is the server's, and by the socket's cgroup, which is
    /// its owner's.
    pub(super) fn find(&self, local: SocketAddr, place: Place, processes: &ProcessTable) -> Option<Listener> {
        let rank = |listener: &Listener| {
            let owners = self.get(*listener).map(|entry| &entry.owners);
            let same_cgroup = owners.into_iter().flatten().any(|(owner, _)| {
                let image = processes.get(*owner).and_then(|process| process.image.as_ref());
                image.is_some_and(|image| image.cgroup_id == place.cgroup_id)
            });
            let exact = plain(listener.addr.ip()) == plain(local.ip());
            let same_net = listener.net_ns == place.net_ns;
            (same_net, same_cgroup, exact, std::cmp::Reverse((listener.net_ns, listener.addr)))
        };
        let matches = |listener: &Listener| accepts(listener.addr.ip(), local.ip());
        self.on_port(local.port()).filter(matches).max_by_key(rank)
    }
}

/// A socket bound to `bound` takes connections to `local`.
pub(super) fn accepts(bound: IpAddr, local: IpAddr) -> bool {
    let (bound, local) = (plain(bound), plain(local));
    match bound {
        IpAddr::V4(ip) if ip.is_unspecified() => local.is_ipv4(),
        // A socket on `::` takes IPv4 as well, unless told not to; then IPv4 never reaches it.
        IpAddr::V6(ip) if ip.is_unspecified() => true,
        IpAddr::V4(_) | IpAddr::V6(_) => bound == local,
    }
}

fn plain(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

/// `addr` with an IPv4-mapped address as IPv4.
pub(super) fn canonical(addr: SocketAddr) -> SocketAddr {
    SocketAddr::new(plain(addr.ip()), addr.port())
}

/// Both addresses canonical.
pub(super) fn canonical_pair(addrs: SocketAddrs) -> SocketAddrs {
    SocketAddrs { local: canonical(addrs.local), remote: canonical(addrs.remote) }
}

/// Where a connection was seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// cgroup v2 id of the server's socket.
    pub(super) cgroup_id: u64,
    /// The client's network namespace; 0 where it is not known.
    pub(super) net_ns: u32,
}

/// Who made a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Caller {
    pub(super) process: ProcessKey,
    /// Its network namespace; 0 where it is not known.
    pub(super) net_ns: u32,
}

/// Recent outgoing connections, by the addresses the client sees.
#[derive(Debug)]
pub(super) struct Connections {
    by_addrs: HashMap<SocketAddrs, Caller>,
    ages: VecDeque<SocketAddrs>,
    limit: usize,
}

impl Connections {
    pub(super) fn new(limit: usize) -> Self {
        Self { by_addrs: HashMap::new(), ages: VecDeque::new(), limit: limit.max(1) }
    }

    pub(super) fn note(&mut self, addrs: SocketAddrs, caller: Caller) {
        if self.by_addrs.insert(addrs, caller).is_none() {
            self.ages.push_back(addrs);
        }
        while self.ages.len() > self.limit {
            if let Some(oldest) = self.ages.pop_front() {
                self.by_addrs.remove(&oldest);
            }
        }
    }

    pub(super) fn get(&self, addrs: SocketAddrs) -> Option<Caller> {
        self.by_addrs.get(&addrs).copied()
    }
}
