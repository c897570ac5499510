//! System calls as `sys_exit` shows them: number and arguments from the saved registers.
//!
//! `pt_regs` and the numbers are the user-visible interface of the architecture and do not move.

use mcpgw_common::event::act;

use crate::kread::Kptr;
use crate::path::AT_FDCWD;

#[cfg(not(bpf_target_arch = "x86_64"))]
compile_error!("add this architecture's registers and system call numbers");

/// Offsets in `struct pt_regs`, in bytes.
pub(crate) mod regs {
    pub(crate) const ARG1: u32 = 112;
    pub(crate) const ARG2: u32 = 104;
    pub(crate) const ARG3: u32 = 96;
    pub(crate) const ARG4: u32 = 56;
    pub(crate) const NUMBER: u32 = 120;
}

mod number {
    pub(crate) const READ: u64 = 0;
    pub(crate) const WRITE: u64 = 1;
    pub(crate) const READV: u64 = 19;
    pub(crate) const WRITEV: u64 = 20;
    pub(crate) const SENDTO: u64 = 44;
    pub(crate) const RECVFROM: u64 = 45;
    pub(crate) const SENDMSG: u64 = 46;
    pub(crate) const RECVMSG: u64 = 47;
    pub(crate) const OPEN: u64 = 2;
    pub(crate) const TRUNCATE: u64 = 76;
    pub(crate) const RENAME: u64 = 82;
    pub(crate) const RMDIR: u64 = 84;
    pub(crate) const CREAT: u64 = 85;
    pub(crate) const LINK: u64 = 86;
    pub(crate) const UNLINK: u64 = 87;
    pub(crate) const OPENAT: u64 = 257;
    pub(crate) const UNLINKAT: u64 = 263;
    pub(crate) const RENAMEAT: u64 = 264;
    pub(crate) const LINKAT: u64 = 265;
    pub(crate) const OPEN_BY_HANDLE_AT: u64 = 304;
    pub(crate) const RENAMEAT2: u64 = 316;
    pub(crate) const OPEN_TREE: u64 = 428;
    pub(crate) const OPENAT2: u64 = 437;
    pub(crate) const PREADV2: u64 = 327;
    pub(crate) const PWRITEV2: u64 = 328;
}

/// The bytes stay in the socket: they will be read again.
const MSG_PEEK: u64 = 2;

/// How a call names its buffers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Buffers {
    /// One address; the result is its length.
    One,
    /// An array of `iovec` and its length.
    Vector,
    /// A `msghdr`.
    Message,
}

/// A call that moves bytes.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    /// System call number.
    pub(crate) number: u16,
    /// Bytes flowed from the process.
    pub(crate) writes: bool,
    /// What the second argument is.
    pub(crate) buffers: Buffers,
    /// Descriptor.
    pub(crate) fd: u32,
    /// Second argument.
    pub(crate) address: u64,
    /// Third argument.
    pub(crate) count: u64,
}

impl Call {
    /// The call these registers belong to, if it is one of those that move bytes over a channel.
    #[inline(always)]
    pub(crate) fn read(regs: Kptr) -> Option<Self> {
        let number: u64 = regs.read(regs::NUMBER)?;
        let (writes, buffers) = match number {
            number::READ | number::RECVFROM => (false, Buffers::One),
            number::WRITE | number::SENDTO => (true, Buffers::One),
            // Bun reads so, and so does the gateway: with a flag not to wait, at no position.
            number::READV | number::PREADV2 => (false, Buffers::Vector),
            number::WRITEV | number::PWRITEV2 => (true, Buffers::Vector),
            number::RECVMSG => (false, Buffers::Message),
            number::SENDMSG => (true, Buffers::Message),
            _ => return None,
        };
        let count: u64 = regs.read(regs::ARG3)?;
        let peeks = match number {
            number::RECVFROM => regs.read::<u64>(regs::ARG4)? & MSG_PEEK != 0,
            number::RECVMSG => count & MSG_PEEK != 0,
            _ => false,
        };
        if peeks {
            return None;
        }
        Some(Self {
            number: number as u16,
            writes,
            buffers,
            fd: regs.read::<u64>(regs::ARG1)? as u32,
            address: regs.read(regs::ARG2)?,
            count,
        })
    }
}

/// Which registers name a place.
#[derive(Clone, Copy)]
pub(crate) struct Names {
    /// Of the descriptor a relative name begins at; the current directory where there is none.
    fd: Option<u32>,
    /// Of the name's address.
    name: u32,
}

/// A call that does something to a file.
#[derive(Clone, Copy)]
pub(crate) struct Touch {
    /// One of [`act`].
    pub(crate) act: u16,
    /// The place.
    pub(crate) first: Names,
    /// The other one, of a rename or a link.
    pub(crate) second: Names,
}

const PLAIN: Names = Names { fd: None, name: regs::ARG1 };
const AT: Names = Names { fd: Some(regs::ARG1), name: regs::ARG2 };
const PLAIN_TO: Names = Names { fd: None, name: regs::ARG2 };
const AT_TO: Names = Names { fd: Some(regs::ARG3), name: regs::ARG4 };

impl Touch {
    /// What call `number` does, if it does any of it.
    #[inline(always)]
    pub(crate) fn of(number: u64) -> Option<Self> {
        let (act, first, second) = match number {
            number::OPENAT | number::OPENAT2 | number::OPEN_TREE => (act::OPEN, AT, AT),
            number::OPEN | number::CREAT => (act::OPEN, PLAIN, PLAIN),
            // Its second argument is no name; of one that succeeded the file is named.
            number::OPEN_BY_HANDLE_AT => (act::OPEN, AT, AT),
            number::UNLINKAT => (act::DELETE, AT, AT),
            number::UNLINK | number::RMDIR => (act::DELETE, PLAIN, PLAIN),
            number::RENAMEAT | number::RENAMEAT2 => (act::RENAME, AT, AT_TO),
            number::RENAME => (act::RENAME, PLAIN, PLAIN_TO),
            number::LINKAT => (act::LINK, AT, AT_TO),
            number::LINK => (act::LINK, PLAIN, PLAIN_TO),
            number::TRUNCATE => (act::TRUNCATE, PLAIN, PLAIN),
            _ => return None,
        };
        Some(Self { act, first, second })
    }
}

impl Names {
    /// Descriptor and address.
    #[inline(always)]
    pub(crate) fn of(self, regs: Kptr) -> (i32, u64) {
        let fd = self.fd.map_or(AT_FDCWD, |fd| regs.read::<u64>(fd).unwrap_or(0) as i32);
        (fd, regs.read(self.name).unwrap_or(0))
    }
}
