//! Open files: from a descriptor number to what it is, and for a channel to who is at the other end.

use mcpgw_common::event::{CHANNEL_FIFO, CHANNEL_UNIX, FdInfo};
use mcpgw_common::map::ChannelKey;

use crate::family::AF_UNIX;
use crate::globals::offset;
use crate::kread::{Kptr, get, put};
use crate::task::{Task, pid_number};

const S_IFMT: u32 = 0o170_000;
const S_IFIFO: u32 = 0o010_000;
const S_IFSOCK: u32 = 0o140_000;
const SOCK_STREAM: u16 = 1;

/// A descriptor that is not open.
const CLOSED: FdInfo =
    FdInfo { ino: 0, peer_ino: 0, creator_tgid: 0, dev: 0, mode: 0, f_mode: 0, family: 0, sock_type: 0 };

/// A `struct file` and the `struct inode` it refers to.
#[derive(Clone, Copy)]
pub(crate) struct File {
    file: Kptr,
    inode: Kptr,
}

impl File {
    /// Descriptor `fd` of `task`.
    #[inline(always)]
    pub(crate) fn of(task: Task, fd: u32) -> Option<Self> {
        let table = task.0.follow(offset!(task_files))?.follow(offset!(files_fdt))?;
        let max: u32 = table.read(offset!(fdtable_max_fds))?;
        if fd >= max {
            return None;
        }
        let array = table.follow(offset!(fdtable_fd))?;
        // The low bits of a descriptor slot are never set, but the array itself may be freed under us: the reads that
        // follow then fail or give an inode that is in no map.
        let file = Kptr::new(array.address() + (fd as u64) * 8)?.follow(0)?;
        Self::new(file)
    }

    /// This `struct file`.
    #[inline(always)]
    pub(crate) fn new(file: Kptr) -> Option<Self> {
        Some(Self { file, inode: file.follow(offset!(file_inode))? })
    }

    /// Its directory entry and the mount that is on.
    #[inline(always)]
    pub(crate) fn path(self) -> Option<(Kptr, Kptr)> {
        Some((self.file.follow(offset!(file_dentry))?, self.file.follow(offset!(file_mnt))?))
    }

    /// `f_mode`: bit 0 readable, bit 1 writable.
    #[inline(always)]
    pub(crate) fn open_mode(self) -> u32 {
        self.file.read(offset!(file_mode)).unwrap_or(0)
    }

    /// Type and permission bits.
    #[inline(always)]
    pub(crate) fn mode(self) -> u32 {
        self.inode.read::<u16>(offset!(inode_mode)).unwrap_or(0) as u32
    }

    /// Inode number.
    #[inline(always)]
    pub(crate) fn ino(self) -> u64 {
        self.inode.read(offset!(inode_ino)).unwrap_or(0)
    }

    /// `s_dev` of the file system.
    #[inline(always)]
    pub(crate) fn dev(self) -> u32 {
        self.inode.follow(offset!(inode_sb)).and_then(|sb| sb.read(offset!(super_dev))).unwrap_or(0)
    }

    /// The device it stands for, as the kernel has it.
    #[inline(always)]
    pub(crate) fn device(self) -> Option<u32> {
        self.inode.read(offset!(inode_rdev))
    }

    /// Links the inode has.
    #[inline(always)]
    pub(crate) fn nlink(self) -> u32 {
        self.inode.read(offset!(inode_nlink)).unwrap_or(0)
    }

    /// The file came from `memfd_create`: it is named so, and is in no directory. (A file of that name that was deleted
    /// keeps its directory.)
    #[inline(always)]
    pub(crate) fn is_memfd(self) -> bool {
        let Some(dentry) = self.file.follow(offset!(file_dentry)) else { return false };
        let name = dentry.follow(offset!(dentry_name)).and_then(|name| name.read::<[u8; 6]>(0));
        name == Some(*b"memfd:") && dentry.read(offset!(dentry_parent)) == Some(dentry.address())
    }

    /// The socket behind this file, if it is one. Not the case for a socket's name opened with `O_PATH`.
    #[inline(always)]
    fn socket(self) -> Option<Kptr> {
        let socket = self.file.follow(offset!(file_private_data))?;
        let back: u64 = socket.read(offset!(socket_file))?;
        if back == self.file.address() { Some(socket) } else { None }
    }

    /// This file as a channel end: a FIFO or a stream socket of `AF_UNIX`.
    #[inline(always)]
    pub(crate) fn channel(self) -> Option<ChannelKey> {
        let kind = match self.mode() & S_IFMT {
            S_IFIFO => CHANNEL_FIFO,
            S_IFSOCK => {
                let socket = self.socket()?;
                let sk = socket.follow(offset!(socket_sk))?;
                if sk.read::<u16>(offset!(sock_family))? != AF_UNIX
                    || socket.read::<u16>(offset!(socket_type))? != SOCK_STREAM
                {
                    return None;
                }
                CHANNEL_UNIX
            }
            _ => return None,
        };
        Some(ChannelKey { ino: self.ino(), kind: kind as u32, reserved: 0 })
    }

    /// Writes everything about it that a record carries.
    #[inline(always)]
    fn describe(self, info: &mut FdInfo) {
        put(&mut info.ino, self.ino());
        put(&mut info.dev, self.dev());
        put(&mut info.mode, self.mode());
        put(&mut info.f_mode, self.open_mode());
        if get(&info.mode) & S_IFMT != S_IFSOCK {
            return;
        }
        let Some(socket) = self.socket() else { return };
        put(&mut info.sock_type, socket.read::<u16>(offset!(socket_type)).unwrap_or(0) as u32);
        let Some(sk) = socket.follow(offset!(socket_sk)) else { return };
        put(&mut info.family, sk.read::<u16>(offset!(sock_family)).unwrap_or(0) as u32);
        if get(&info.family) == AF_UNIX as u32 {
            other_end(sk, info);
        }
    }
}

/// Writes what a record carries of descriptor `fd` of `task`.
#[inline(always)]
pub(crate) fn describe(task: Task, fd: u32, info: &mut FdInfo) {
    *info = CLOSED;
    if let Some(file) = File::of(task, fd) {
        file.describe(info);
    }
}

/// Writes the inode of the socket that `sk` is connected to, and who made the pair.
#[inline(always)]
fn other_end(sk: Kptr, info: &mut FdInfo) {
    let Some(peer) = sk.follow(offset!(unix_peer)) else { return };
    let ino = peer
        .follow(offset!(sock_socket))
        .and_then(|socket| socket.follow(offset!(socket_file)))
        .and_then(File::new)
        .map_or(0, File::ino);
    put(&mut info.peer_ino, ino);
    // A connection made by `connect` has an address on at least one side; a pair has none.
    if sk.follow(offset!(unix_addr)).is_some() || peer.follow(offset!(unix_addr)).is_some() {
        return;
    }
    put(&mut info.creator_tgid, sk.follow(offset!(sock_peer_pid)).and_then(pid_number).unwrap_or(0));
}

/// A record's descriptor as a channel end.
#[inline(always)]
pub(crate) fn channel_of(info: &FdInfo) -> Option<ChannelKey> {
    let kind = match get(&info.mode) & S_IFMT {
        S_IFIFO => CHANNEL_FIFO,
        S_IFSOCK if get(&info.family) == AF_UNIX as u32 && get(&info.sock_type) == SOCK_STREAM as u32 => {
            CHANNEL_UNIX
        }
        _ => return None,
    };
    Some(ChannelKey { ino: get(&info.ino), kind: kind as u32, reserved: 0 })
}
