//! Keys and values of the maps both sides share, and the globals user space fills in before loading.
//!
//! Nothing here may hold a pointer, a `bool` or an enum: the bytes cross the kernel boundary as they are.

use crate::limit;

mod confine;
mod guard;
mod lsm;
mod restrain;
mod tls;

pub use confine::{
    Confined, DESTINATIONS_CONNECT, DESTINATIONS_LISTEN, DestinationKey, DestinationRule, PortRule,
    destination,
};
pub use guard::{Destination, GUARD_DENY, GUARD_LOOPBACK, GUARD_STEER, Guarded};
pub use lsm::{FileId, ProgramName, Refused, SPARE_CHILDREN, SPARE_SELF};
pub use restrain::{
    PlaceKey, PlaceRule, REFUSED_CONNECT, REFUSED_DELETE, REFUSED_EXEC, REFUSED_FORK, REFUSED_LISTEN,
    REFUSED_READ, REFUSED_WRITE, RESTRAINED_BORN, Restrained, Restraint, RestraintCounts, deed,
};
pub use tls::{Hello, TlsCall, TlsStream, TlsStreamKey, TlsTask};

/// [`TaskState::bits`]: watch the channels of this process; children inherit it.
pub const TASK_SERVER: u32 = 1 << 0;
/// [`TaskState::bits`]: watch the channels of this process; children do not inherit it.
pub const TASK_CLIENT: u32 = 1 << 1;
/// [`TaskState::bits`]: report no stream or socket of this process (one of ours); wins over the others.
pub const TASK_IGNORE: u32 = 1 << 2;
/// [`TaskState::bits`]: report what this process does to files and sockets; children inherit it, and the group.
pub const TASK_EFFECTS: u32 = 1 << 3;
/// [`TaskState::bits`]: children of this process get [`TASK_EFFECTS`] and its group; it does not have it itself.
pub const TASK_BREEDS_EFFECTS: u32 = 1 << 4;

/// [`TaskState::bits`]: a gateway; its connections are not guarded.
pub const TASK_GATEWAY: u32 = 1 << 8;

/// [`ChannelState::flags`]: classified; report nothing more, and do not start over when a child inherits it.
pub const CHANNEL_SETTLED: u32 = 1 << 0;

/// Value of `PORTS`: report what passes here up to the budget of each connection.
pub const PORT_WATCHED: u8 = 1;
/// Value of `PORTS`: report all that passes here.
pub const PORT_FOLLOWED: u8 = 2;

/// Marks a field this kernel does not have ([`Offsets`]).
pub const ABSENT: u32 = u32::MAX;

/// Value of `TASKS`, keyed by process id (`u32`).
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "user", derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable))]
pub struct TaskState {
    /// [`TASK_SERVER`], [`TASK_CLIENT`], [`TASK_IGNORE`], [`TASK_EFFECTS`],
    /// [`TASK_BREEDS_EFFECTS`], [`TASK_GATEWAY`].
    pub bits: u32,
    /// Whose effects these are: a number user space chose.
    pub group: u32,
}

/// Key of `CHANNELS`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "user", derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable))]
pub struct ChannelKey {
    /// Inode number of this end.
    pub ino: u64,
    /// [`crate::event::CHANNEL_FIFO`] or [`crate::event::CHANNEL_UNIX`].
    pub kind: u32,
    /// Unused, zero.
    pub reserved: u32,
}

/// Value of `CHANNELS`: what user space (or the exec probe) decided about a channel end.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "user", derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable))]
pub struct ChannelState {
    /// When observation began, `CLOCK_BOOTTIME` in nanoseconds: a new value starts every flow over.
    pub since_ns: u64,
    /// Payload bytes reported of each flow at most.
    pub budget: u64,
    /// [`CHANNEL_SETTLED`].
    pub flags: u32,
    /// Unused, zero.
    pub reserved: u32,
}

/// Key of `FLOWS`: one process' reads or writes at one channel end.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "user", derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable))]
pub struct FlowKey {
    /// Inode number of the end.
    pub ino: u64,
    /// Process id.
    pub tgid: u32,
    /// As in [`ChannelKey::kind`].
    pub kind: u16,
    /// [`crate::event::SIDE_READ`] or [`crate::event::SIDE_WRITE`].
    pub side: u16,
}

/// Value of `FLOWS`, kept by the tap alone.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "user", derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable))]
pub struct FlowState {
    /// [`ChannelState::since_ns`] this count belongs to.
    pub since_ns: u64,
    /// Bytes moved so far.
    pub offset: u64,
}

/// Value of `CONNECTING`, keyed by the kernel's socket address (`u64`): who called `connect`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "user", derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable))]
pub struct Connecting {
    /// Start time of the process in nanoseconds since boot.
    pub start_ns: u64,
    /// Its cgroup v2 id.
    pub cgroup_id: u64,
    /// Process id.
    pub tgid: u32,
    /// Thread id.
    pub tid: u32,
    /// Real user id.
    pub uid: u32,
    /// Unused, zero.
    pub reserved: u32,
}

/// Value of `CONNECTIONS`, keyed by socket cookie (`u64`): what may still be reported of a TCP connection.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "user", derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable))]
pub struct ConnectionState {
    /// Payload bytes left, indexed by [`crate::event::SIDE_READ`] and [`crate::event::SIDE_WRITE`].
    pub remaining: [u64; 2],
}

/// Key of `EXITED`: a process whose end was reported.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "user", derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable))]
pub struct ProcessId {
    /// Start time in nanoseconds since boot.
    pub start_ns: u64,
    /// Process id.
    pub tgid: u32,
    /// Unused, zero.
    pub reserved: u32,
}

/// Per-CPU value of `LANES`, indexed by [`lane`].
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "user", derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable))]
pub struct LaneStats {
    /// Records tried so far.
    pub seq: u64,
    /// Records the ring had no room for.
    pub lost: u64,
    /// Their bytes.
    pub lost_bytes: u64,
    /// 1 while a probe on this CPU is writing in this lane.
    pub busy: u64,
}

/// Byte offsets of the kernel structure members the probes read, from the running kernel's BTF; [`ABSENT`] for
/// a member this kernel lacks. Named `struct_member`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "user", derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable))]
pub struct Offsets {
    /// `task_struct.tgid`.
    pub task_tgid: u32,
    /// `task_struct.pid`.
    pub task_pid: u32,
    /// `task_struct.real_parent`.
    pub task_real_parent: u32,
    /// `task_struct.group_leader`.
    pub task_group_leader: u32,
    /// `task_struct.start_boottime`.
    pub task_start_boottime: u32,
    /// `task_struct.files`.
    pub task_files: u32,
    /// `task_struct.mm`.
    pub task_mm: u32,
    /// `task_struct.nsproxy`.
    pub task_nsproxy: u32,
    /// `task_struct.signal`.
    pub task_signal: u32,
    /// `task_struct.exit_code`.
    pub task_exit_code: u32,
    /// `task_struct.thread_pid`.
    pub task_thread_pid: u32,
    /// `files_struct.fdt`.
    pub files_fdt: u32,
    /// `fdtable.max_fds`.
    pub fdtable_max_fds: u32,
    /// `fdtable.fd`.
    pub fdtable_fd: u32,
    /// `file.f_inode`.
    pub file_inode: u32,
    /// `file.f_mode`.
    pub file_mode: u32,
    /// `file.private_data`.
    pub file_private_data: u32,
    /// `file.f_path.dentry`.
    pub file_dentry: u32,
    /// `inode.i_mode`.
    pub inode_mode: u32,
    /// `inode.i_ino`.
    pub inode_ino: u32,
    /// `inode.i_sb`.
    pub inode_sb: u32,
    /// `inode.i_nlink`.
    pub inode_nlink: u32,
    /// `super_block.s_dev`.
    pub super_dev: u32,
    /// `dentry.d_name.name`.
    pub dentry_name: u32,
    /// `dentry.d_parent`.
    pub dentry_parent: u32,
    /// `socket.sk`.
    pub socket_sk: u32,
    /// `socket.file`.
    pub socket_file: u32,
    /// `socket.type`.
    pub socket_type: u32,
    /// `sock.sk_socket`.
    pub sock_socket: u32,
    /// `sock.sk_peer_pid`.
    pub sock_peer_pid: u32,
    /// `sock.sk_protocol`.
    pub sock_protocol: u32,
    /// `sock_common.skc_family`.
    pub sock_family: u32,
    /// `sock_common.skc_num`.
    pub sock_num: u32,
    /// `sock_common.skc_dport`.
    pub sock_dport: u32,
    /// `sock_common.skc_daddr`.
    pub sock_daddr: u32,
    /// `sock_common.skc_rcv_saddr`.
    pub sock_rcv_saddr: u32,
    /// `sock_common.skc_v6_daddr`.
    pub sock_v6_daddr: u32,
    /// `sock_common.skc_v6_rcv_saddr`.
    pub sock_v6_rcv_saddr: u32,
    /// `sock_common.skc_net.net`.
    pub sock_net: u32,
    /// `unix_sock.peer`.
    pub unix_peer: u32,
    /// `unix_sock.addr`.
    pub unix_addr: u32,
    /// `pid.level`.
    pub pid_level: u32,
    /// `pid.numbers`.
    pub pid_numbers: u32,
    /// `upid.nr`.
    pub upid_nr: u32,
    /// `upid.ns`.
    pub upid_ns: u32,
    /// Size of `upid`.
    pub upid_size: u32,
    /// `mm_struct.arg_start`.
    pub mm_arg_start: u32,
    /// `mm_struct.arg_end`.
    pub mm_arg_end: u32,
    /// `mm_struct.exe_file`.
    pub mm_exe_file: u32,
    /// `nsproxy.mnt_ns`.
    pub nsproxy_mnt: u32,
    /// `nsproxy.net_ns`.
    pub nsproxy_net: u32,
    /// `mnt_namespace.ns.inum`.
    pub mnt_ns_inum: u32,
    /// `net.ns.inum`.
    pub net_ns_inum: u32,
    /// `pid_namespace.ns.inum`.
    pub pid_ns_inum: u32,
    /// `signal_struct.live`.
    pub signal_live: u32,
    /// `signal_struct.flags`.
    pub signal_flags: u32,
    /// `signal_struct.group_exit_code`.
    pub signal_group_exit_code: u32,
    /// `linux_binprm.filename`.
    pub binprm_filename: u32,
    /// `file.f_path.mnt`.
    pub file_mnt: u32,
    /// `task_struct.fs`.
    pub task_fs: u32,
    /// `fs_struct.pwd.dentry`.
    pub fs_pwd_dentry: u32,
    /// `fs_struct.pwd.mnt`.
    pub fs_pwd_mnt: u32,
    /// `vfsmount.mnt_root`.
    pub vfsmount_root: u32,
    /// `mount.mnt`.
    pub mount_mnt: u32,
    /// `mount.mnt_parent`.
    pub mount_parent: u32,
    /// `mount.mnt_mountpoint`.
    pub mount_mountpoint: u32,
    /// `filename.name`.
    pub filename_name: u32,
    /// `io_kiocb.opcode`.
    pub uring_opcode: u32,
    /// `io_kiocb.cmd`.
    pub uring_cmd: u32,
    /// `io_open.dfd`.
    pub uring_open_dfd: u32,
    /// `io_open.filename`.
    pub uring_open_filename: u32,
    /// `io_unlink.dfd`.
    pub uring_unlink_dfd: u32,
    /// `io_unlink.filename`.
    pub uring_unlink_filename: u32,
    /// `io_rename.old_dfd`.
    pub uring_rename_old_dfd: u32,
    /// `io_rename.oldpath`.
    pub uring_rename_old: u32,
    /// `io_rename.new_dfd`.
    pub uring_rename_new_dfd: u32,
    /// `io_rename.newpath`.
    pub uring_rename_new: u32,
    /// `linux_binprm.file`.
    pub binprm_file: u32,
    /// `linux_binprm.interp`.
    pub binprm_interp: u32,
    /// `inode.i_rdev`.
    pub inode_rdev: u32,
    /// Seconds of `inode.i_ctime`, whose name changed with time.
    pub inode_ctime_s: u32,
    /// Nanoseconds of it.
    pub inode_ctime_ns: u32,
    /// `dentry.d_inode`.
    pub dentry_inode: u32,
    /// `unix_sock.path.dentry`.
    pub unix_dentry: u32,
    /// `dentry.d_sb`.
    pub dentry_sb: u32,
    /// `super_block.s_flags`.
    pub super_flags: u32,
    /// `file.f_flags`.
    pub file_flags: u32,
    /// `path.dentry`.
    pub path_dentry: u32,
    /// `msghdr.msg_name`.
    pub msghdr_name: u32,
    /// `inode.i_dentry`.
    pub inode_aliases: u32,
    /// `dentry.d_u.d_alias`.
    pub dentry_alias: u32,
}

/// Global `SETTINGS`, filled in before loading.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "user", derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable))]
pub struct Settings {
    /// Payload bytes reported of each flow of a channel the exec probe put under observation.
    pub stream_budget: u64,
    /// Payload bytes reported of each direction of a TCP connection.
    pub tcp_budget: u64,
    /// The agent's own process id; 0 ignores nobody.
    pub self_tgid: u32,
    /// Unused, zero.
    pub reserved: u32,
}

/// Lets aya copy these to and from the kernel.
#[cfg(feature = "user")]
macro_rules! pod {
    ($($name:ty),*) => {$(
        const _: () = {
            const fn plain<T: zerocopy::FromBytes + zerocopy::IntoBytes>() {}
            plain::<$name>();
        };
        // SAFETY: `plain` above compiles only for types without padding of which every bit pattern is a value,
        // which with `Copy + 'static` is what `Pod` asks for.
        unsafe impl aya::Pod for $name {}
    )*};
}

#[cfg(feature = "user")]
pod!(
    TaskState,
    ChannelKey,
    ChannelState,
    FlowKey,
    FlowState,
    Connecting,
    ConnectionState,
    ProcessId,
    Confined,
    DestinationKey,
    DestinationRule,
    Destination,
    Guarded,
    FileId,
    Refused,
    Restrained,
    Restraint,
    RestraintCounts,
    PlaceKey,
    PlaceRule,
    LaneStats,
    TlsTask,
    Offsets,
    Settings
);

impl Default for Settings {
    fn default() -> Self {
        Self {
            stream_budget: limit::BUDGET as u64,
            tcp_budget: limit::BUDGET as u64,
            self_tgid: 0,
            reserved: 0,
        }
    }
}

/// Lanes of a CPU. A probe claims one for as long as it runs and numbers its records there, so that one that
/// interrupts another (a softirq under a system call) neither shares its buffer nor its sequence.
pub mod lane {
    /// exec, fork and exit.
    pub const TASK: u32 = 0;
    /// Socket state changes.
    pub const SOCK: u32 = 1;
    /// The stream tap.
    pub const STREAM: u32 = 2;
    /// TCP payload towards a server.
    pub const TCP_IN: u32 = 3;
    /// TCP payload from a server.
    pub const TCP_OUT: u32 = 4;
    /// What processes do to files and sockets.
    pub const EFFECT: u32 = 5;
    /// Plaintext of TLS. Its probes may be interrupted by others of their kind.
    pub const TLS: u32 = 6;
    /// Classes above.
    pub const CLASSES: u32 = 7;
    /// Lanes of a class: a probe and the one that interrupts it. Lane number is `class * DEPTH + depth`.
    pub const DEPTH: u32 = 2;
    /// Lanes of a CPU.
    pub const COUNT: u32 = CLASSES * DEPTH;
}

const _: () = {
    assert!(size_of::<TaskState>() == 8);
    assert!(size_of::<ChannelKey>() == 16);
    assert!(size_of::<ChannelState>() == 24);
    assert!(size_of::<FlowKey>() == 16);
    assert!(size_of::<FlowState>() == 16);
    assert!(size_of::<Connecting>() == 32);
    assert!(size_of::<ConnectionState>() == 16);
    assert!(size_of::<ProcessId>() == 16);
    assert!(size_of::<Confined>() == 8);
    assert!(size_of::<DestinationKey>() == 24);
    assert!(size_of::<DestinationRule>() == 128);
    assert!(size_of::<Destination>() == 24);
    assert!(size_of::<Guarded>() == 16);
    assert!(size_of::<FileId>() == 16);
    assert!(size_of::<Refused>() == 32);
    assert!(size_of::<Restrained>() == 8);
    assert!(size_of::<Restraint>() == 24);
    assert!(size_of::<RestraintCounts>() == 40);
    assert!(size_of::<PlaceKey>() == 80);
    assert!(size_of::<PlaceRule>() == 8);
    assert!(size_of::<LaneStats>() == 32);
    assert!(size_of::<Settings>() == 24);
};
