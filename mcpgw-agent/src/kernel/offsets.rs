//! From BTF to [`Offsets`]: which structure members the probes read, and which hook cannot do without which.

use mcpgw_common::map::{ABSENT, Offsets};

use super::btf::{Btf, BtfError};

#[cfg(test)]
mod tests;

/// Hooks, as a set of bits.
pub type Hooks = u16;
/// The exec probe.
pub const EXEC: Hooks = 1 << 0;
/// The fork probe.
pub const FORK: Hooks = 1 << 1;
/// The exit probe.
pub const EXIT: Hooks = 1 << 2;
/// The socket state probe.
pub const SOCK: Hooks = 1 << 3;
/// The stream tap.
pub const TAP: Hooks = 1 << 4;
/// What processes do to files.
pub const FILES: Hooks = 1 << 5;
/// The same through io_uring.
pub const URING: Hooks = 1 << 6;
/// Addresses they use.
pub const ADDRESSES: Hooks = 1 << 7;
/// Programs refused by their file.
pub const GUARD_EXEC: Hooks = 1 << 8;
/// Connections to Unix sockets refused.
pub const GUARD_UNIX: Hooks = 1 << 9;
/// Servers held to rules about files.
pub const FILE_RULES: Hooks = 1 << 10;
/// About programs.
pub const EXEC_RULES: Hooks = 1 << 11;
/// About addresses.
pub const SOCKET_RULES: Hooks = 1 << 12;
/// What rules say of a place.
const PLACES: Hooks = FILE_RULES | EXEC_RULES;
/// Either.
const BY_FILE: Hooks = GUARD_EXEC | GUARD_UNIX;
/// Every hook whose records carry a process.
const IDENTITY: Hooks = EXEC | FORK | EXIT | SOCK | TAP | FILES | URING | ADDRESSES;
/// Missed, the record lacks a detail and no more.
const DETAIL: Hooks = 0;

/// What a field is in the kernel.
#[derive(Debug, Clone, Copy)]
enum Source {
    /// A member's offset.
    Member(&'static str),
    /// The offset of what the member is called, on kernels of some age; the newest name first.
    OneOf([&'static str; 3]),
    /// A structure's size.
    Size(&'static str),
}

/// One field of [`Offsets`].
struct Field {
    source: Source,
    place: fn(&mut Offsets) -> &mut u32,
    needed_by: Hooks,
}

/// Declares the table. Every field of [`Offsets`] must occur: the struct literal below does not compile otherwise.
macro_rules! fields {
    ($($field:ident = $kind:ident($name:expr), $needed:expr;)*) => {
        const FIELDS: &[Field] = &[$(Field {
            source: Source::$kind($name),
            place: |offsets| &mut offsets.$field,
            needed_by: $needed,
        }),*];
        const UNKNOWN: Offsets = Offsets { $($field: ABSENT),* };
    };
}

fields! {
    task_tgid = Member("task_struct.tgid"), EXEC | FORK;
    task_pid = Member("task_struct.pid"), FORK;
    task_real_parent = Member("task_struct.real_parent"), EXEC;
    task_group_leader = Member("task_struct.group_leader"), IDENTITY;
    task_start_boottime = Member("task_struct.start_boottime"), IDENTITY;
    task_files = Member("task_struct.files"), EXEC | TAP | FILES | URING | GUARD_EXEC;
    task_mm = Member("task_struct.mm"), EXEC | BY_FILE;
    task_nsproxy = Member("task_struct.nsproxy"), DETAIL;
    task_signal = Member("task_struct.signal"), EXIT;
    task_exit_code = Member("task_struct.exit_code"), DETAIL;
    task_thread_pid = Member("task_struct.thread_pid"), DETAIL;
    files_fdt = Member("files_struct.fdt"), EXEC | TAP | FILES | URING | GUARD_EXEC;
    fdtable_max_fds = Member("fdtable.max_fds"), EXEC | TAP | FILES | URING | GUARD_EXEC;
    fdtable_fd = Member("fdtable.fd"), EXEC | TAP | FILES | URING | GUARD_EXEC;
    file_inode = Member("file.f_inode"), EXEC | TAP | FILES | URING | GUARD_EXEC | FILE_RULES;
    file_mode = Member("file.f_mode"), EXEC | FILE_RULES;
    file_private_data = Member("file.private_data"), EXEC | TAP;
    file_dentry = Member("file.f_path.dentry"), FILES | URING | BY_FILE | PLACES;
    inode_mode = Member("inode.i_mode"), EXEC | TAP | GUARD_EXEC | FILE_RULES;
    inode_ino = Member("inode.i_ino"), EXEC | TAP | BY_FILE | PLACES;
    inode_sb = Member("inode.i_sb"), EXEC | BY_FILE;
    inode_nlink = Member("inode.i_nlink"), EXEC;
    super_dev = Member("super_block.s_dev"), EXEC | BY_FILE | PLACES;
    dentry_name = Member("dentry.d_name.name"), FILES | URING | BY_FILE | PLACES;
    dentry_parent = Member("dentry.d_parent"), FILES | URING | PLACES;
    socket_sk = Member("socket.sk"), EXEC | TAP | SOCKET_RULES;
    socket_file = Member("socket.file"), EXEC | TAP;
    socket_type = Member("socket.type"), EXEC | TAP;
    sock_socket = Member("sock.sk_socket"), EXEC;
    sock_peer_pid = Member("sock.sk_peer_pid"), DETAIL;
    sock_protocol = Member("sock.sk_protocol"), SOCK | SOCKET_RULES;
    sock_family = Member("sock.__sk_common.skc_family"), EXEC | SOCK | TAP | SOCKET_RULES;
    sock_num = Member("sock.__sk_common.skc_num"), SOCK;
    sock_dport = Member("sock.__sk_common.skc_dport"), SOCK;
    sock_daddr = Member("sock.__sk_common.skc_daddr"), SOCK;
    sock_rcv_saddr = Member("sock.__sk_common.skc_rcv_saddr"), SOCK;
    sock_v6_daddr = Member("sock.__sk_common.skc_v6_daddr"), DETAIL;
    sock_v6_rcv_saddr = Member("sock.__sk_common.skc_v6_rcv_saddr"), DETAIL;
    sock_net = Member("sock.__sk_common.skc_net.net"), DETAIL;
    unix_peer = Member("unix_sock.peer"), EXEC;
    unix_addr = Member("unix_sock.addr"), DETAIL;
    pid_level = Member("pid.level"), DETAIL;
    pid_numbers = Member("pid.numbers"), DETAIL;
    upid_nr = Member("upid.nr"), DETAIL;
    upid_ns = Member("upid.ns"), DETAIL;
    upid_size = Size("upid"), DETAIL;
    mm_arg_start = Member("mm_struct.arg_start"), EXEC;
    mm_arg_end = Member("mm_struct.arg_end"), EXEC;
    mm_exe_file = Member("mm_struct.exe_file"), EXEC | BY_FILE;
    nsproxy_mnt = Member("nsproxy.mnt_ns"), DETAIL;
    nsproxy_net = Member("nsproxy.net_ns"), DETAIL;
    mnt_ns_inum = Member("mnt_namespace.ns.inum"), DETAIL;
    net_ns_inum = Member("net.ns.inum"), DETAIL;
    pid_ns_inum = Member("pid_namespace.ns.inum"), DETAIL;
    signal_live = Member("signal_struct.live"), EXIT;
    signal_flags = Member("signal_struct.flags"), DETAIL;
    signal_group_exit_code = Member("signal_struct.group_exit_code"), DETAIL;
    binprm_filename = Member("linux_binprm.filename"), GUARD_EXEC | EXEC_RULES;
    file_mnt = Member("file.f_path.mnt"), FILES | URING;
    task_fs = Member("task_struct.fs"), FILES | URING;
    fs_pwd_dentry = Member("fs_struct.pwd.dentry"), FILES | URING;
    fs_pwd_mnt = Member("fs_struct.pwd.mnt"), FILES | URING;
    vfsmount_root = Member("vfsmount.mnt_root"), FILES | URING;
    mount_mnt = Member("mount.mnt"), FILES | URING;
    mount_parent = Member("mount.mnt_parent"), FILES | URING;
    mount_mountpoint = Member("mount.mnt_mountpoint"), FILES | URING;
    filename_name = Member("filename.name"), URING;
    uring_opcode = Member("io_kiocb.opcode"), URING;
    uring_cmd = Member("io_kiocb.cmd"), URING;
    uring_open_dfd = Member("io_open.dfd"), URING;
    uring_open_filename = Member("io_open.filename"), URING;
    uring_unlink_dfd = Member("io_unlink.dfd"), URING;
    uring_unlink_filename = Member("io_unlink.filename"), URING;
    uring_rename_old_dfd = Member("io_rename.old_dfd"), URING;
    uring_rename_old = Member("io_rename.oldpath"), URING;
    uring_rename_new_dfd = Member("io_rename.new_dfd"), URING;
    uring_rename_new = Member("io_rename.newpath"), URING;
    binprm_file = Member("linux_binprm.file"), GUARD_EXEC | EXEC_RULES;
    binprm_interp = Member("linux_binprm.interp"), GUARD_EXEC | EXEC_RULES;
    inode_rdev = Member("inode.i_rdev"), GUARD_EXEC;
    inode_ctime_s = OneOf(["inode.i_ctime_sec", "inode.__i_ctime.tv_sec", "inode.i_ctime.tv_sec"]), BY_FILE;
    inode_ctime_ns = OneOf(["inode.i_ctime_nsec", "inode.__i_ctime.tv_nsec", "inode.i_ctime.tv_nsec"]), BY_FILE;
    dentry_inode = Member("dentry.d_inode"), GUARD_UNIX | PLACES;
    unix_dentry = Member("unix_sock.path.dentry"), GUARD_UNIX;
    dentry_sb = Member("dentry.d_sb"), PLACES;
    super_flags = Member("super_block.s_flags"), PLACES;
    file_flags = Member("file.f_flags"), FILE_RULES;
    path_dentry = Member("path.dentry"), FILE_RULES;
    msghdr_name = Member("msghdr.msg_name"), SOCKET_RULES;
    inode_aliases = Member("inode.i_dentry"), FILE_RULES;
    dentry_alias = OneOf(["dentry.d_alias", "dentry.d_u.d_alias", "dentry.d_u"]), FILE_RULES;
}

/// What the running kernel's BTF had.
#[derive(Debug)]
pub struct Resolved {
    /// For the probes; [`ABSENT`] for what was not found.
    pub offsets: Offsets,
    missing: Vec<(Hooks, String)>,
    /// There was type information to look into.
    is_known: bool,
}

impl Resolved {
    /// Looks every field up.
    #[must_use]
    pub fn new(btf: &Btf) -> Self {
        let mut resolved = Self { offsets: UNKNOWN, missing: Vec::new(), is_known: true };
        for field in FIELDS {
            match field.source.find(btf) {
                Ok(offset) => *(field.place)(&mut resolved.offsets) = offset,
                Err(error) => resolved.missing.push((field.needed_by, error.to_string())),
            }
        }
        resolved
    }

    /// Nothing could be looked up, because of `why`.
    #[must_use]
    pub fn nothing(why: &BtfError) -> Self {
        let reason = std::error::Error::source(why)
            .map_or_else(|| why.to_string(), |source| format!("{why}: {source}"));
        Self { offsets: UNKNOWN, missing: vec![(IDENTITY, reason)], is_known: false }
    }

    /// Why `hook` cannot work here, if it cannot.
    #[must_use]
    pub fn obstacle(&self, hook: Hooks) -> Option<&str> {
        self.missing.iter().find(|(needed_by, _)| needed_by & hook != 0).map(|(_, why)| why.as_str())
    }

    /// What a person can do where there is an obstacle.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        if self.is_known {
            "use a newer kernel; if this one is new, report it with `uname -r`"
        } else {
            "use a kernel built with CONFIG_DEBUG_INFO_BTF, and mount /sys"
        }
    }

    /// What records will lack although their hook works.
    pub fn details_missing(&self) -> impl Iterator<Item = &str> {
        self.missing.iter().filter(|(needed_by, _)| *needed_by == DETAIL).map(|(_, why)| why.as_str())
    }
}

/// What is looked up, in order: `structure.member`, or `structure` for a size.
pub fn wanted() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().flat_map(|field| field.source.paths()).copied()
}

/// Where `path`, one of [`wanted`], is in this kernel.
///
/// # Errors
/// As [`Btf::offset`] and [`Btf::size_of`].
pub fn look_up(btf: &Btf, path: &str) -> Result<u32, BtfError> {
    if path.contains('.') { btf.offset(path) } else { btf.size_of(path) }
}

impl Source {
    fn paths(&self) -> &[&'static str] {
        match self {
            Self::Member(path) | Self::Size(path) => std::slice::from_ref(path),
            Self::OneOf(paths) => paths,
        }
    }

    /// The first that is there, or what is wrong with the last.
    fn find(self, btf: &Btf) -> Result<u32, BtfError> {
        let mut found = Err(BtfError::NotBtf);
        for path in self.paths() {
            found = look_up(btf, path);
            if found.is_ok() {
                break;
            }
        }
        found
    }
}
