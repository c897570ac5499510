//! What the shell tells the inventory ([`HostEvent`]) and what the inventory asks of the shell ([`Effect`]).

use std::net::SocketAddr;

use super::{BootTime, Followed};
use crate::wire::Sighting;

/// A process, never confused with a later one of the same pid.
///
/// The start time is in clock ticks (1/100 s) since boot, what `/proc/PID/stat` field 22 shows; kernel records
/// carry nanoseconds and are truncated to ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessKey {
    /// Process (thread group) id in the initial pid namespace.
    pub pid: u32,
    /// Start time in clock ticks since boot.
    pub start_ticks: u64,
}

impl ProcessKey {
    /// Nanoseconds in one clock tick of `/proc` (`USER_HZ` is 100 on every architecture we run on).
    pub const TICK_NS: u64 = 10_000_000;

    /// The key of process `pid` that started `start_ns` nanoseconds after boot.
    #[must_use]
    pub fn new(pid: u32, start_ns: u64) -> Self {
        Self { pid, start_ticks: start_ns / Self::TICK_NS }
    }
}

/// A file's identity: device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct FileId {
    /// Device as `stat` encodes it for user space (`makedev`).
    pub dev: u64,
    /// Inode number.
    pub ino: u64,
}

/// What kind of channel an inode number belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChannelKind {
    /// A pipe or FIFO: one inode for both ends.
    Fifo,
    /// A connected `AF_UNIX` stream socket: an inode for each end.
    Unix,
}

/// A channel end: a pipe's inode, or one socket's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Channel {
    /// Pipe or socket.
    pub kind: ChannelKind,
    /// Inode number of this end.
    pub ino: u64,
}

/// A descriptor of a process that is a channel end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelEnd {
    /// Which channel.
    pub channel: Channel,
    /// Descriptor number.
    pub fd: u32,
    /// The process may read from it.
    pub readable: bool,
    /// The process may write to it.
    pub writable: bool,
    /// For a socket: inode of the other end, where known.
    pub peer: Option<u64>,
    /// For a socketpair: the pid that made it, where known.
    pub creator: Option<u32>,
}

/// A process started a new image (kernel view; always incomplete, never late).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exec {
    /// The process.
    pub process: ProcessKey,
    /// When.
    pub at: BootTime,
    /// Its parent at that moment.
    pub parent: ProcessKey,
    /// Real user id.
    pub uid: u32,
    /// cgroup v2 id.
    pub cgroup_id: u64,
    /// Executable's device and inode.
    pub exe: FileId,
    /// The path given to `execve`; untrusted bytes, lossily decoded.
    pub filename: String,
    /// From `memfd_create`.
    pub memfd: bool,
    /// No link left on disk.
    pub deleted: bool,
    /// Arguments; untrusted, lossily decoded.
    pub argv: Vec<String>,
    /// There were more or longer arguments.
    pub argv_truncated: bool,
    /// Mount, pid and network namespace inodes.
    pub namespaces: [u32; 3],
    /// Descriptors 0 to 2 that are channel ends.
    pub stdio: Vec<ChannelEnd>,
    /// The probe already observes this process' channels.
    pub observed: bool,
}

/// A process found in `/proc`, with everything a scan can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScannedProcess {
    /// The same facts an exec would have brought; `stdio` holds *all* channel ends, whatever their number.
    pub exec: Exec,
    /// What else `/proc` tells.
    pub facts: Enriched,
}

/// What `/proc` tells of a process beyond a kernel record. Read on request ([`Effect::Enrich`]).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Enriched {
    /// Resolved path of the executable (`/proc/PID/exe`).
    pub exe: String,
    /// Lower-case hex SHA-256 of the executable; only where the configuration names hashes.
    pub exe_sha256: Option<String>,
    /// Full command line.
    pub argv: Vec<String>,
    /// Working directory.
    pub cwd: String,
    /// User name, where there is one.
    pub user: Option<String>,
    /// Container id or machine name, from the cgroup path.
    pub container: Option<String>,
    /// systemd unit, from the cgroup path.
    pub unit: Option<String>,
    /// cgroup path.
    pub cgroup: String,
}

/// A listening TCP socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Listener {
    /// Local address and port.
    pub addr: SocketAddr,
    /// Network namespace inode.
    pub net_ns: u32,
}

/// Both ends of a TCP connection, seen from the process that owns `local`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SocketAddrs {
    /// This side.
    pub local: SocketAddr,
    /// The other side.
    pub remote: SocketAddr,
}

/// Who moved the bytes of a sighting, and over what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StreamSource {
    /// `process` read from (`wrote` false) or wrote to the channel.
    Channel {
        /// The end the call was made on.
        channel: Channel,
        /// The process that made the call.
        process: ProcessKey,
        /// It wrote; otherwise it read.
        wrote: bool,
    },
    /// A connection to a watched server port; `from_server` tells the direction.
    Tcp {
        /// Server's and client's address.
        addrs: SocketAddrs,
        /// cgroup v2 id of the server's socket (tells servers of the same port in different containers apart).
        cgroup_id: u64,
        /// Bytes flowed from the server to the client.
        from_server: bool,
    },
    /// What `process` gave to its TLS library to send, or got from it.
    Tls {
        /// The process.
        process: ProcessKey,
        /// The library's object for the connection: an address in the process, used again for later ones.
        object: u64,
        /// It read; otherwise it wrote. Where it is the client, these are the server's bytes.
        from_server: bool,
    },
}

/// A `wrap` process registered with the daemon, its credentials checked by the shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyRegistration {
    /// The wrap process.
    pub proxy: ProcessKey,
    /// The server it started, once it has.
    pub child: Option<ProcessKey>,
    /// The inner channel ends it made: server's stdin and stdout.
    pub channels: Vec<Channel>,
    /// Name given with `--name`.
    pub name: Option<String>,
}

/// Everything the inventory can be told.
#[derive(Debug, Clone, PartialEq)]
pub enum HostEvent {
    /// A process started an image.
    Exec(Box<Exec>),
    /// `parent` forked `child`.
    Fork {
        /// Parent.
        parent: ProcessKey,
        /// Child; its channels are the parent's until it execs.
        child: ProcessKey,
        /// When.
        at: BootTime,
    },
    /// A process ended.
    Exit {
        /// Which.
        process: ProcessKey,
        /// When.
        at: BootTime,
        /// Wait status.
        status: u32,
    },
    /// A process was found by a scan.
    Scanned(Box<ScannedProcess>),
    /// An [`Effect::Enrich`] answered.
    Enriched {
        /// Which process.
        process: ProcessKey,
        /// What was read.
        facts: Box<Enriched>,
    },
    /// A process began listening on TCP.
    Listen {
        /// Owner.
        process: ProcessKey,
        /// Where.
        listener: Listener,
        /// When.
        at: BootTime,
    },
    /// A TCP listener closed.
    ListenClosed {
        /// Where.
        listener: Listener,
        /// When.
        at: BootTime,
    },
    /// A process connected over TCP; tells which client is at a server's remote address.
    Connect {
        /// The connecting process.
        process: ProcessKey,
        /// Addresses as the client sees them.
        addrs: SocketAddrs,
        /// Network namespace inode; 0 where it is not known.
        net_ns: u32,
        /// When.
        at: BootTime,
    },
    /// A process told its TLS library which host it wants over a connection.
    TlsNamed {
        /// The process.
        process: ProcessKey,
        /// As in [`StreamSource::Tls`].
        object: u64,
        /// The host's name.
        host: String,
        /// When.
        at: BootTime,
    },
    /// A process whose TLS is of interest opened a TLS connection.
    TlsHello {
        /// The process.
        process: ProcessKey,
        /// To where.
        remote: SocketAddr,
        /// The host it named, if it named one.
        host: Option<String>,
        /// When.
        at: BootTime,
    },
    /// Whether what a process says over TLS can be read: `None`, or why not.
    TlsReadable {
        /// The process.
        process: ProcessKey,
        /// Why not.
        obstacle: Option<&'static str>,
    },
    /// Something was recognised on a tapped stream.
    Sighted(Sighting),
    /// A dozing process ([`Effect::Doze`]) moved bytes again.
    Stirred {
        /// Which.
        process: ProcessKey,
        /// When that was noticed.
        at: BootTime,
    },
    /// A wrap registered, or told more about itself.
    ProxyRegistered(ProxyRegistration),
    /// A wrap's control connection ended.
    ProxyGone {
        /// The wrap process.
        proxy: ProcessKey,
    },
}

/// Everything the inventory can ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Tap these channel ends whenever one of `processes` (or their later children) moves bytes over them.
    Observe {
        /// Channel ends.
        channels: Vec<Channel>,
        /// Processes at either end.
        processes: Vec<ObservedProcess>,
    },
    /// Stop tapping.
    Release {
        /// Channel ends to forget.
        channels: Vec<Channel>,
        /// Processes no longer of interest.
        processes: Vec<ProcessKey>,
        /// Remember in the kernel that these channels are settled, so that a child that inherits them does
        /// not start observation again.
        settled: bool,
    },
    /// Tap this server port.
    WatchPort(u16),
    /// Stop tapping this server port.
    IgnorePort(u16),
    /// Read `/proc` for this process and answer with [`HostEvent::Enriched`].
    Enrich(ProcessKey),
    /// Its channels are no longer tapped but not settled either: watch the I/O counters of `/proc/PID/io` about
    /// once a second and answer with [`HostEvent::Stirred`] when they move.
    Doze(ProcessKey),
    /// Stop watching the counters.
    Wake(ProcessKey),
    /// The messages of this server are wanted: bring all bytes that pass here. Said again when something of it changed.
    Follow(Box<Followed>),
    /// Those of this record are wanted no more.
    Unfollow(u64),
    /// A server became known, changed materially or left; for logs and counters. The number is the record's,
    /// for [`Inventory::server`](super::Inventory::server).
    Changed(u64),
}

/// A process to observe, and whether its children inherit that (a server's do, a client's do not).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ObservedProcess {
    /// The process.
    pub process: ProcessKey,
    /// Children are observed too.
    pub inherit: bool,
}
