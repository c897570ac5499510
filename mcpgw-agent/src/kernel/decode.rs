//! From the bytes of a record to what the rest of the agent understands. The only place that reads kernel records.
//!
//! Nothing is believed: length, version, kind and every count are checked against the bytes that are there, text is
//! made valid, and nothing here can panic.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use mcpgw_common::event::{self, Header, kind};
use zerocopy::FromBytes;

use super::KernelEvent;
use crate::inventory::{
    BootTime, Channel, ChannelEnd, ChannelKind, Exec, FileId, HostEvent, Listener, ProcessKey, SocketAddrs,
    StreamSource,
};
use crate::wire::{Chunk, server_name};

mod effect;
#[cfg(test)]
mod tests;

const AF_UNIX: u32 = 1;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
const SOCK_STREAM: u32 = 1;
const S_IFMT: u32 = 0o170_000;
const S_IFIFO: u32 = 0o010_000;
const S_IFSOCK: u32 = 0o140_000;
const FMODE_READ: u32 = 1;
const FMODE_WRITE: u32 = 2;
const FIN: u8 = 1;
const RST: u8 = 4;

/// Why a record was not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// It ends within its fixed part.
    #[error("record of {len} bytes is too short")]
    Short {
        /// Bytes there are.
        len: usize,
    },
    /// Written by other probes than this agent's.
    #[error("record has version {version}, not {expected}", expected = event::VERSION)]
    Version {
        /// Its version.
        version: u16,
    },
    /// No such kind of record.
    #[error("record of unknown kind {kind}")]
    Kind {
        /// Its kind.
        kind: u16,
    },
    /// What it says of its length is not so.
    #[error("record says it has {said} bytes and has {len}")]
    Length {
        /// What it says.
        said: u64,
        /// Bytes there are.
        len: usize,
    },
    /// A field has a value that it cannot have.
    #[error("record has an impossible {field}")]
    Field {
        /// Which.
        field: &'static str,
    },
}

/// A record: its place in the sequence, and what it says.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// CPU it was written on.
    pub cpu: u16,
    /// Which of that CPU's sequences `seq` belongs to.
    pub lane: u16,
    /// Its number there, from 1.
    pub seq: u64,
    /// What happened.
    pub event: KernelEvent,
}

/// Decodes one record.
///
/// # Errors
/// [`DecodeError`] for anything but a whole record of a known kind.
pub fn decode(bytes: &[u8]) -> Result<Record, DecodeError> {
    let header: Header = fixed(bytes)?;
    if header.version != event::VERSION {
        return Err(DecodeError::Version { version: header.version });
    }
    exactly(bytes, u64::from(header.len))?;
    let event = match header.kind {
        kind::EXEC => exec(bytes)?,
        kind::FORK => fork(&whole(bytes)?),
        kind::EXIT => exit(&whole(bytes)?),
        kind::LISTEN => listen(&whole(bytes)?)?,
        kind::CONNECT => connect(&whole(bytes)?)?,
        kind::STREAM => stream(bytes)?,
        kind::TCP => tcp(bytes)?,
        kind::TLS => tls(bytes)?,
        kind::TLS_NAME => tls_name(bytes)?,
        kind::TLS_HELLO => tls_hello(bytes)?,
        kind::FILE_EFFECT => KernelEvent::SideEffect(effect::file(bytes)?),
        kind::SOCKET_EFFECT => KernelEvent::SideEffect(effect::socket(bytes)?),
        kind => return Err(DecodeError::Kind { kind }),
    };
    Ok(Record { cpu: header.cpu, lane: header.lane, seq: header.seq, event })
}

/// The record's fixed part.
fn fixed<T: FromBytes>(bytes: &[u8]) -> Result<T, DecodeError> {
    T::read_from_prefix(bytes)
        .map(|(value, _)| value)
        .map_err(|_size| DecodeError::Short { len: bytes.len() })
}

/// A record without payload.
fn whole<T: FromBytes>(bytes: &[u8]) -> Result<T, DecodeError> {
    let value = fixed(bytes)?;
    exactly(bytes, size(size_of::<T>()))?;
    Ok(value)
}

/// A record and its `payload(record)` bytes of payload.
fn with_payload<T: FromBytes>(bytes: &[u8], payload: fn(&T) -> u32) -> Result<(T, &[u8]), DecodeError> {
    let (value, rest) =
        T::read_from_prefix(bytes).map_err(|_size| DecodeError::Short { len: bytes.len() })?;
    exactly(bytes, size(size_of::<T>()) + u64::from(payload(&value)))?;
    Ok((value, rest))
}

fn exactly(bytes: &[u8], said: u64) -> Result<(), DecodeError> {
    if size(bytes.len()) == said { Ok(()) } else { Err(DecodeError::Length { said, len: bytes.len() }) }
}

fn size(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

fn process(header: &Header) -> ProcessKey {
    ProcessKey::new(header.tgid, header.start_ns)
}

fn exec(bytes: &[u8]) -> Result<KernelEvent, DecodeError> {
    let (record, argv): (event::Exec, _) = with_payload(bytes, |record: &event::Exec| record.argv_len)?;
    let header = &record.header;
    let has = |flag: u32| record.flags & flag != 0;
    Ok(KernelEvent::Host(HostEvent::Exec(Box::new(Exec {
        process: process(header),
        at: BootTime(header.time_ns),
        parent: ProcessKey::new(record.parent_tgid, record.parent_start_ns),
        uid: header.uid,
        cgroup_id: header.cgroup_id,
        exe: FileId { dev: user_dev(record.exe_dev), ino: record.exe_ino },
        filename: text(until_nul(&record.filename)),
        memfd: has(event::EXE_MEMFD),
        deleted: has(event::EXE_DELETED),
        argv: arguments(argv),
        argv_truncated: has(event::ARGV_TRUNCATED),
        namespaces: [record.mnt_ns, record.pid_ns, record.net_ns],
        stdio: record.stdio.iter().zip(0..).filter_map(|(info, fd)| channel_end(info, fd)).collect(),
        observed: has(event::OBSERVED),
    }))))
}

fn fork(record: &event::Fork) -> KernelEvent {
    KernelEvent::Host(HostEvent::Fork {
        parent: process(&record.header),
        child: ProcessKey::new(record.child_tgid, record.child_start_ns),
        at: BootTime(record.header.time_ns),
    })
}

fn exit(record: &event::Exit) -> KernelEvent {
    KernelEvent::Host(HostEvent::Exit {
        process: process(&record.header),
        at: BootTime(record.header.time_ns),
        status: record.status,
    })
}

fn listen(record: &event::Listen) -> Result<KernelEvent, DecodeError> {
    let addr = socket_addr(record.family, record.addr, record.port)?;
    let listener = Listener { addr, net_ns: record.net_ns };
    let at = BootTime(record.header.time_ns);
    Ok(KernelEvent::Host(if record.open == 0 {
        HostEvent::ListenClosed { listener, at }
    } else {
        HostEvent::Listen { process: process(&record.header), listener, at }
    }))
}

fn connect(record: &event::Connect) -> Result<KernelEvent, DecodeError> {
    let addrs = SocketAddrs {
        local: socket_addr(record.family, record.local_addr, record.local_port)?,
        remote: socket_addr(record.family, record.remote_addr, record.remote_port)?,
    };
    let at = BootTime(record.header.time_ns);
    Ok(KernelEvent::Host(HostEvent::Connect {
        process: process(&record.header),
        addrs,
        net_ns: record.net_ns,
        at,
    }))
}

fn stream(bytes: &[u8]) -> Result<KernelEvent, DecodeError> {
    let (record, payload): (event::StreamChunk, _) =
        with_payload(bytes, |record: &event::StreamChunk| record.chunk_len)?;
    let kind = match record.channel {
        event::CHANNEL_FIFO => ChannelKind::Fifo,
        event::CHANNEL_UNIX => ChannelKind::Unix,
        _ => return Err(DecodeError::Field { field: "channel" }),
    };
    Ok(KernelEvent::Chunk(Chunk {
        source: StreamSource::Channel {
            channel: Channel { kind, ino: record.ino },
            process: process(&record.header),
            wrote: wrote(record.side)?,
        },
        at: BootTime(record.header.time_ns),
        connection: 0,
        offset: record.offset,
        bytes: payload.to_vec(),
        skipped: record.skipped,
        end: false,
    }))
}

fn tcp(bytes: &[u8]) -> Result<KernelEvent, DecodeError> {
    let (record, payload): (event::TcpChunk, _) =
        with_payload(bytes, |record: &event::TcpChunk| record.chunk_len)?;
    let addrs = SocketAddrs {
        local: socket_addr(record.family, record.local_addr, record.local_port)?,
        remote: socket_addr(record.family, record.remote_addr, record.remote_port)?,
    };
    Ok(KernelEvent::Chunk(Chunk {
        source: StreamSource::Tcp {
            addrs,
            cgroup_id: record.header.cgroup_id,
            from_server: wrote(record.side)?,
        },
        at: BootTime(record.header.time_ns),
        connection: record.cookie,
        offset: u64::from(record.tcp_seq),
        bytes: payload.to_vec(),
        skipped: record.skipped,
        end: record.tcp_flags & (FIN | RST) != 0,
    }))
}

fn tls(bytes: &[u8]) -> Result<KernelEvent, DecodeError> {
    let (record, payload): (event::TlsChunk, _) =
        with_payload(bytes, |record: &event::TlsChunk| record.chunk_len)?;
    Ok(KernelEvent::Chunk(Chunk {
        source: StreamSource::Tls {
            process: process(&record.header),
            object: record.object,
            from_server: !wrote(record.side)?,
        },
        at: BootTime(record.header.time_ns),
        connection: record.since_ns,
        offset: record.offset,
        bytes: payload.to_vec(),
        skipped: record.skipped,
        end: record.end != 0,
    }))
}

fn tls_name(bytes: &[u8]) -> Result<KernelEvent, DecodeError> {
    let (record, name): (event::TlsName, _) = with_payload(bytes, |record: &event::TlsName| record.name_len)?;
    Ok(KernelEvent::Host(HostEvent::TlsNamed {
        process: process(&record.header),
        object: record.object,
        host: text(until_nul(name)),
        at: BootTime(record.header.time_ns),
    }))
}

fn tls_hello(bytes: &[u8]) -> Result<KernelEvent, DecodeError> {
    let (record, hello): (event::TlsHello, _) =
        with_payload(bytes, |record: &event::TlsHello| record.hello_len)?;
    Ok(KernelEvent::Host(HostEvent::TlsHello {
        process: ProcessKey::new(record.tgid, record.start_ns),
        remote: socket_addr(record.family, record.remote_addr, record.remote_port)?,
        host: server_name(hello),
        at: BootTime(record.header.time_ns),
    }))
}

fn wrote(side: u8) -> Result<bool, DecodeError> {
    match side {
        event::SIDE_READ => Ok(false),
        event::SIDE_WRITE => Ok(true),
        _ => Err(DecodeError::Field { field: "side" }),
    }
}

/// A descriptor, where it is a channel end.
fn channel_end(info: &event::FdInfo, fd: u32) -> Option<ChannelEnd> {
    let kind = match info.mode & S_IFMT {
        S_IFIFO => ChannelKind::Fifo,
        S_IFSOCK if info.family == AF_UNIX && info.sock_type == SOCK_STREAM => ChannelKind::Unix,
        _ => return None,
    };
    Some(ChannelEnd {
        channel: Channel { kind, ino: info.ino },
        fd,
        readable: info.f_mode & FMODE_READ != 0,
        writable: info.f_mode & FMODE_WRITE != 0,
        peer: (info.peer_ino != 0).then_some(info.peer_ino),
        creator: (info.creator_tgid != 0).then_some(info.creator_tgid),
    })
}

/// An address as both ends of a connection see it: IPv4 in its IPv6 form becomes IPv4.
fn socket_addr(family: u16, addr: [u8; 16], port: u16) -> Result<SocketAddr, DecodeError> {
    let ip = match family {
        AF_INET => {
            let [a, b, c, d, ..] = addr;
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        AF_INET6 => IpAddr::V6(Ipv6Addr::from(addr)).to_canonical(),
        _ => return Err(DecodeError::Field { field: "address family" }),
    };
    Ok(SocketAddr::new(ip, port))
}

/// The kernel's `dev_t` (12 bits major, 20 bits minor) as `stat` shows it.
fn user_dev(dev: u32) -> u64 {
    nix::sys::stat::makedev(u64::from(dev >> 20), u64::from(dev & 0xf_ffff))
}

/// The arguments of a command line as the kernel keeps it: each ended by a NUL, the last perhaps cut.
fn arguments(bytes: &[u8]) -> Vec<String> {
    let bytes = bytes.strip_suffix(b"\0").unwrap_or(bytes);
    if bytes.is_empty() {
        return Vec::new();
    }
    bytes.split(|byte| *byte == 0).map(text).collect()
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
