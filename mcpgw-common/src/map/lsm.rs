//! Files that are not to be run or connected to.

/// Key of `REFUSED_FILES` and `REFUSED_SOCKETS`: an inode.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
#[cfg_attr(feature = "user", derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable))]
pub struct FileId {
    /// Inode number.
    pub ino: u64,
    /// `s_dev` of its file system, as the kernel has it: major number from bit 20.
    pub dev: u32,
    /// Unused, zero.
    pub reserved: u32,
}

/// Value of `REFUSED_FILES` and `REFUSED_SOCKETS`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "user", derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable))]
pub struct Refused {
    /// Until when, `CLOCK_BOOTTIME` in nanoseconds: nothing is refused longer than user space keeps saying so.
    pub until_ns: u64,
    /// Seconds of the inode's change time. With another it is another file, or not what it was.
    pub changed_s: u64,
    /// Nanoseconds of it.
    pub changed_ns: u32,
    /// How often it was done.
    pub hits: u32,
    /// Process id of who tried last.
    pub last_tgid: u32,
    /// Unused, zero.
    pub reserved: u32,
}

/// Key of `SPARED_NAMES`, behind the length of its prefix: a program's file name, its first 15 bytes, zeros behind it. With
/// the first zero the prefix is a name, without one every name that begins so.
pub type ProgramName = [u8; 16];

/// Value of `SPARED_NAMES`: its connections are not refused, nor is the program itself.
pub const SPARE_SELF: u32 = 1 << 0;
/// Value of `SPARED_NAMES`: what it starts is not refused.
pub const SPARE_CHILDREN: u32 = 1 << 1;
