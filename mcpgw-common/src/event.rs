//! Records the probes write, one struct a kind, each opening with a [`Header`].
//!
//! Four rings carry them: life cycle ([`Exec`], [`Fork`], [`Exit`], [`Listen`], [`Connect`]), streams
//! ([`StreamChunk`], [`TlsChunk`], [`TlsName`]), TCP ([`TcpChunk`], [`TlsHello`]) and effects ([`FileEffect`], [`SocketEffect`]). `seq` counts, per CPU and lane, every record that was *tried*;
//! a jump is a loss. A lane writes to one ring.

use crate::limit;

/// Layout version of every record; a reader refuses others.
pub const VERSION: u16 = 1;

/// `Header::kind` values.
pub mod kind {
    /// [`super::Exec`].
    pub const EXEC: u16 = 1;
    /// [`super::Fork`].
    pub const FORK: u16 = 2;
    /// [`super::Exit`].
    pub const EXIT: u16 = 3;
    /// [`super::Listen`].
    pub const LISTEN: u16 = 4;
    /// [`super::Connect`].
    pub const CONNECT: u16 = 5;
    /// [`super::StreamChunk`].
    pub const STREAM: u16 = 16;
    /// [`super::TcpChunk`].
    pub const TCP: u16 = 17;
    /// [`super::TlsChunk`].
    pub const TLS: u16 = 18;
    /// [`super::TlsName`].
    pub const TLS_NAME: u16 = 19;
    /// [`super::TlsHello`].
    pub const TLS_HELLO: u16 = 20;
    /// [`super::FileEffect`].
    pub const FILE_EFFECT: u16 = 32;
    /// [`super::SocketEffect`].
    pub const SOCKET_EFFECT: u16 = 33;
}

/// What every record opens with. 56 bytes.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    feature = "user",
    derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout)
)]
pub struct Header {
    /// One of [`kind`].
    pub kind: u16,
    /// [`VERSION`].
    pub version: u16,
    /// Length of the whole record in bytes, this header and any payload included.
    pub len: u32,
    /// Records tried in this CPU's `lane` so far, this one included.
    pub seq: u64,
    /// `CLOCK_BOOTTIME` in nanoseconds.
    pub time_ns: u64,
    /// `start_boottime` of the thread group leader, in nanoseconds.
    pub start_ns: u64,
    /// cgroup v2 id of the process.
    pub cgroup_id: u64,
    /// CPU the record was written on.
    pub cpu: u16,
    /// Which of the CPU's sequences `seq` counts ([`crate::map::lane`]).
    pub lane: u16,
    /// Process (thread group) id in the initial pid namespace.
    pub tgid: u32,
    /// Thread id in the initial pid namespace.
    pub tid: u32,
    /// Real user id in the initial user namespace.
    pub uid: u32,
}

/// What an open file descriptor is. 40 bytes.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    feature = "user",
    derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout)
)]
pub struct FdInfo {
    /// Inode number; 0 where the descriptor is closed.
    pub ino: u64,
    /// For a connected `AF_UNIX` socket: inode of the other end; otherwise 0.
    pub peer_ino: u64,
    /// For a socketpair: process id that made it (`sk_peer_pid`); otherwise 0.
    pub creator_tgid: u32,
    /// `s_dev` of the file system.
    pub dev: u32,
    /// `i_mode`: type and permission bits.
    pub mode: u32,
    /// `f_mode`: bit 0 readable, bit 1 writable.
    pub f_mode: u32,
    /// Socket address family; 0 where it is no socket.
    pub family: u32,
    /// Socket type (`SOCK_STREAM` 1, ...); 0 where it is no socket.
    pub sock_type: u32,
}

/// The executable has no name on disk: it came from `memfd_create`.
pub const EXE_MEMFD: u32 = 1 << 0;
/// The executable's last link was gone when it started (`nlink` 0).
pub const EXE_DELETED: u32 = 1 << 1;
/// The command line was longer than [`limit::ARGV`].
pub const ARGV_TRUNCATED: u32 = 1 << 2;
/// The probe put this process' channels under observation itself, because of the shape of its stdio.
pub const OBSERVED: u32 = 1 << 3;

/// A process started a new image. Followed by `argv_len` bytes of NUL-separated arguments.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    feature = "user",
    derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout)
)]
pub struct Exec {
    /// Common part.
    pub header: Header,
    /// Parent process id.
    pub parent_tgid: u32,
    /// [`EXE_MEMFD`], [`EXE_DELETED`], [`ARGV_TRUNCATED`], [`OBSERVED`].
    pub flags: u32,
    /// Parent's start time as in [`Header::start_ns`].
    pub parent_start_ns: u64,
    /// Executable's inode.
    pub exe_ino: u64,
    /// Executable's device.
    pub exe_dev: u32,
    /// Executable's link count.
    pub exe_nlink: u32,
    /// Mount namespace inode.
    pub mnt_ns: u32,
    /// Pid namespace inode.
    pub pid_ns: u32,
    /// Network namespace inode.
    pub net_ns: u32,
    /// Bytes of command line that follow this struct.
    pub argv_len: u32,
    /// Descriptors 0, 1 and 2.
    pub stdio: [FdInfo; 3],
    /// `task->comm`, NUL padded.
    pub comm: [u8; limit::COMM],
    /// `bprm->filename`, cut at its limit; bytes after the first NUL mean nothing.
    pub filename: [u8; limit::FILENAME],
}

/// A process (not a thread) was forked. The header's process is the parent.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    feature = "user",
    derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout)
)]
pub struct Fork {
    /// Common part.
    pub header: Header,
    /// Child's process id.
    pub child_tgid: u32,
    /// Unused, zero.
    pub reserved: u32,
    /// Child's start time.
    pub child_start_ns: u64,
}

/// The last thread of a process is exiting.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    feature = "user",
    derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout)
)]
pub struct Exit {
    /// Common part.
    pub header: Header,
    /// Wait status: signal in the low 7 bits, exit code in bits 8 to 15.
    pub status: u32,
    /// Unused, zero.
    pub reserved: u32,
}

/// A TCP socket began (`open` 1) or stopped (`open` 0) listening.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    feature = "user",
    derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout)
)]
pub struct Listen {
    /// Common part. On closing, whoever closed it.
    pub header: Header,
    /// Local address; IPv4 in the first four bytes, network order.
    pub addr: [u8; 16],
    /// `AF_INET` 2 or `AF_INET6` 10.
    pub family: u16,
    /// Local port, host order.
    pub port: u16,
    /// 1 began, 0 stopped.
    pub open: u32,
    /// Network namespace inode.
    pub net_ns: u32,
    /// Unused, zero.
    pub reserved: u32,
}

/// A TCP connection was established by the header's process.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    feature = "user",
    derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout)
)]
pub struct Connect {
    /// Common part.
    pub header: Header,
    /// Local address as in [`Listen::addr`].
    pub local_addr: [u8; 16],
    /// Remote address.
    pub remote_addr: [u8; 16],
    /// Address family.
    pub family: u16,
    /// Local port, host order.
    pub local_port: u16,
    /// Remote port, host order.
    pub remote_port: u16,
    /// Unused, zero.
    pub reserved: u16,
    /// Network namespace inode.
    pub net_ns: u32,
    /// Unused, zero.
    pub reserved2: u32,
}

/// `StreamChunk::side`: the header's process read these bytes.
pub const SIDE_READ: u8 = 0;
/// `StreamChunk::side`: the header's process wrote these bytes.
pub const SIDE_WRITE: u8 = 1;
/// `StreamChunk::channel`: a pipe or named FIFO.
pub const CHANNEL_FIFO: u8 = 1;
/// `StreamChunk::channel`: a stream socket of `AF_UNIX`.
pub const CHANNEL_UNIX: u8 = 2;

/// Bytes one system call moved over an observed channel. Followed by `chunk_len` bytes.
///
/// A record with `chunk_len` 0 and `skipped` > 0 says that many bytes of the call were not copied.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    feature = "user",
    derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout)
)]
pub struct StreamChunk {
    /// Common part: the process that made the call.
    pub header: Header,
    /// Inode of the descriptor's file.
    pub ino: u64,
    /// Position of the first byte in the stream of what this process moved to this `side` of this end, counted
    /// from when observation began.
    pub offset: u64,
    /// Bytes of payload that follow.
    pub chunk_len: u32,
    /// Bytes left out after this chunk.
    pub skipped: u32,
    /// Descriptor number.
    pub fd: u32,
    /// System call number.
    pub syscall: u16,
    /// [`CHANNEL_FIFO`] or [`CHANNEL_UNIX`].
    pub channel: u8,
    /// [`SIDE_READ`] or [`SIDE_WRITE`].
    pub side: u8,
}

/// Bytes of one TCP segment at a watched server port. Followed by `chunk_len` bytes.
///
/// The header's process is whoever ran when the packet passed and means nothing; `cgroup_id` is the socket's.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    feature = "user",
    derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout)
)]
pub struct TcpChunk {
    /// Common part.
    pub header: Header,
    /// Cookie of the server's connection socket.
    pub cookie: u64,
    /// Server's address, as in [`Listen::addr`].
    pub local_addr: [u8; 16],
    /// Client's address.
    pub remote_addr: [u8; 16],
    /// TCP sequence number of the first byte that follows.
    pub tcp_seq: u32,
    /// Bytes of payload that follow.
    pub chunk_len: u32,
    /// Bytes of this segment left out after this chunk.
    pub skipped: u32,
    /// Server's port, host order.
    pub local_port: u16,
    /// Client's port, host order.
    pub remote_port: u16,
    /// Address family.
    pub family: u16,
    /// [`SIDE_READ`] towards the server, [`SIDE_WRITE`] from it.
    pub side: u8,
    /// TCP flags (FIN 1, SYN 2, RST 4).
    pub tcp_flags: u8,
    /// Unused, zero.
    pub reserved: u32,
}

/// Bytes a process gave to its TLS library, or got from it. Followed by `chunk_len` bytes.
///
/// A record with `chunk_len` 0 and `skipped` > 0 says that many bytes of the call were not copied; one with `end` 1 that the
/// process let go of the connection.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    feature = "user",
    derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout)
)]
pub struct TlsChunk {
    /// Common part: the process that made the call.
    pub header: Header,
    /// The library's object for the connection: an address in the process.
    pub object: u64,
    /// When this connection of that object was first seen, `CLOCK_BOOTTIME` in nanoseconds: addresses are used again.
    pub since_ns: u64,
    /// Position of the first byte in what was moved to this `side`, counted from when it was first seen.
    pub offset: u64,
    /// Bytes of payload that follow.
    pub chunk_len: u32,
    /// Bytes left out after this chunk.
    pub skipped: u32,
    /// [`SIDE_READ`] or [`SIDE_WRITE`].
    pub side: u8,
    /// 1: nothing more comes.
    pub end: u8,
    /// Unused, zero.
    pub reserved: [u8; 6],
}

/// A process told its TLS library which host it wants. Followed by `name_len` bytes.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    feature = "user",
    derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout)
)]
pub struct TlsName {
    /// Common part: the process that made the call.
    pub header: Header,
    /// As in [`TlsChunk::object`].
    pub object: u64,
    /// As in [`TlsChunk::since_ns`].
    pub since_ns: u64,
    /// Bytes of the name that follow.
    pub name_len: u32,
    /// Unused, zero.
    pub reserved: u32,
}

/// What a process of which TLS is of interest sends first over a TCP connection, where it is a TLS handshake. Followed by
/// `hello_len` bytes.
///
/// The header's process is whoever ran when the packet passed and means nothing.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    feature = "user",
    derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout)
)]
pub struct TlsHello {
    /// Common part.
    pub header: Header,
    /// When the process that connected started, in nanoseconds since boot.
    pub start_ns: u64,
    /// That process.
    pub tgid: u32,
    /// Bytes of the handshake that follow.
    pub hello_len: u32,
    /// The other side's address, as in [`Listen::addr`].
    pub remote_addr: [u8; 16],
    /// Its port, host order.
    pub remote_port: u16,
    /// Address family.
    pub family: u16,
    /// Unused, zero.
    pub reserved: u32,
}

/// What a process did to files ([`FileEffect::act`]).
pub mod act {
    /// It opened one: place 1.
    pub const OPEN: u16 = 1;
    /// It removed the name at place 1.
    pub const DELETE: u16 = 2;
    /// It moved place 1 to place 2.
    pub const RENAME: u16 = 3;
    /// It gave what is at place 1 another name, place 2.
    pub const LINK: u16 = 4;
    /// It cut the file at place 1 to a length.
    pub const TRUNCATE: u16 = 5;
    /// It runs another program: the text of place 1 is its name, that of place 2 its arguments, NUL-separated.
    pub const EXEC: u16 = 6;

    /// It connected a socket.
    pub const CONNECT: u16 = 16;
    /// It sent a datagram to an address of its own choosing.
    pub const SEND: u16 = 17;
    /// It gave a socket an address of this host.
    pub const BIND: u16 = 18;
}

/// [`FileEffect::flags`]: it came by io_uring and was only asked for; whether it succeeded is not known.
pub const EFFECT_IO_URING: u32 = 1 << 0;
/// [`FileEffect::flags`]: a name was longer than a record holds; what stands nearest the file is there.
pub const EFFECT_CUT: u32 = 1 << 1;
/// [`FileEffect::flags`]: a text could not be read.
pub const EFFECT_UNREADABLE: u32 = 1 << 2;

/// A process of interest did something to a file. Followed by four parts, `lens` bytes each: for each of two places the
/// names of directories, from the innermost outwards, each ended by a NUL, and a text that goes on from there.
///
/// An open file is named by its directory entries, so that no symbolic link and no `..` stands in it, and its text is
/// empty. Other places are what the process asked for: the text, and the directories it is relative to, if it is.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    feature = "user",
    derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout)
)]
pub struct FileEffect {
    /// Common part.
    pub header: Header,
    /// Lengths of the four parts.
    pub lens: [u32; 4],
    /// [`EFFECT_IO_URING`], [`EFFECT_CUT`], [`EFFECT_UNREADABLE`].
    pub flags: u32,
    /// Of an open file its `f_mode`: bit 0 readable, bit 1 writable.
    pub mode: u32,
    /// One of [`act`].
    pub act: u16,
    /// System call number; 0 where it was none.
    pub syscall: u16,
    /// What the call returned: 0, a descriptor, or a negative error number.
    pub result: i32,
    /// [`crate::map::TaskState::group`] of the process.
    pub group: u32,
    /// Unused, zero.
    pub reserved: u32,
}

/// A process of interest is about to use a socket's address.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    feature = "user",
    derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout)
)]
pub struct SocketEffect {
    /// Common part.
    pub header: Header,
    /// The address; IPv4 in the first four bytes, network order.
    pub addr: [u8; 16],
    /// One of [`act`].
    pub act: u16,
    /// `AF_INET` 2 or `AF_INET6` 10.
    pub family: u16,
    /// Port, host order.
    pub port: u16,
    /// `IPPROTO_TCP` 6, `IPPROTO_UDP` 17, ...
    pub protocol: u16,
    /// [`crate::map::TaskState::group`] of the process.
    pub group: u32,
    /// Unused, zero.
    pub reserved: u32,
}

const _: () = {
    assert!(size_of::<FileEffect>() == 96);
    assert!(size_of::<SocketEffect>() == 88);
    assert!(size_of::<Header>() == 56);
    assert!(size_of::<FdInfo>() == 40);
    assert!(size_of::<Exec>() == 496);
    assert!(size_of::<Fork>() == 72);
    assert!(size_of::<Exit>() == 64);
    assert!(size_of::<Listen>() == 88);
    assert!(size_of::<Connect>() == 104);
    assert!(size_of::<StreamChunk>() == 88);
    assert!(size_of::<TcpChunk>() == 120);
    assert!(size_of::<TlsChunk>() == 96);
    assert!(size_of::<TlsName>() == 80);
    assert!(size_of::<TlsHello>() == 96);
};
