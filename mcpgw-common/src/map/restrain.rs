//! Processes that are held to rules about files, programs and addresses while they run.

use super::Confined;
use crate::limit;

/// Value of `RESTRAINED`, keyed by process id (`u32`). Children have the same.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "user", derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable))]
pub struct Restrained {
    /// Whose rules: key of `RESTRAINTS`.
    pub group: u32,
    /// [`RESTRAINED_BORN`].
    pub flags: u32,
}

/// [`Restrained::flags`]: the kernel put it there, and counts it.
pub const RESTRAINED_BORN: u32 = 1 << 0;

/// Value of `RESTRAINTS`: what the processes of a group may do. Only user space writes.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "user", derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable))]
pub struct Restraint {
    /// Until when, `CLOCK_BOOTTIME` in nanoseconds: nobody is held longer than user space keeps saying so.
    pub until_ns: u64,
    /// [`deed`] bits of which anything is said.
    pub limited: u32,
    /// [`deed`] bits of which only what a place allows may be done.
    pub listed: u32,
    /// Connections and listeners.
    pub addresses: Confined,
}

/// Value of `RESTRAINT_COUNTS`, keyed by group; of group 0 all processes together. Only the kernel writes.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "user", derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable))]
pub struct RestraintCounts {
    /// Processes that were born into it and have not ended.
    pub processes: u64,
    /// How often each was refused: by what it tried.
    pub refused: [u32; limit::REFUSALS],
    /// Process id of who tried last.
    pub last_tgid: u32,
}

/// Place in [`RestraintCounts::refused`]: [`deed::READ`].
pub const REFUSED_READ: u32 = 0;
/// Place in [`RestraintCounts::refused`]: [`deed::WRITE`].
pub const REFUSED_WRITE: u32 = 1;
/// Place in [`RestraintCounts::refused`]: [`deed::DELETE`].
pub const REFUSED_DELETE: u32 = 2;
/// Place in [`RestraintCounts::refused`]: [`deed::EXEC`].
pub const REFUSED_EXEC: u32 = 3;
/// Place in [`RestraintCounts::refused`]: connections.
pub const REFUSED_CONNECT: u32 = 4;
/// Place in [`RestraintCounts::refused`]: listeners.
pub const REFUSED_LISTEN: u32 = 5;
/// Place in [`RestraintCounts::refused`]: new processes, of which there were too many.
pub const REFUSED_FORK: u32 = 6;

/// What is done to a file.
pub mod deed {
    /// It is opened to be read.
    pub const READ: u32 = 1 << 0;
    /// It is opened to be written, cut, made, or put in another's place.
    pub const WRITE: u32 = 1 << 1;
    /// It is removed or moved away.
    pub const DELETE: u32 = 1 << 2;
    /// It is run.
    pub const EXEC: u32 = 1 << 3;
    /// In a [`super::PlaceRule`], what lies this many bits further left is denied.
    pub const DENIED: u32 = 8;
}

/// Key of `PLACES`: a directory entry, in the eyes of one group. Without a name the inode itself; with a name and no inode
/// every entry of that name.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "user", derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable))]
pub struct PlaceKey {
    /// Whose.
    pub group: u32,
    /// `s_dev` of the file system, as the kernel has it; 0 with a name that is meant anywhere.
    pub dev: u32,
    /// Inode of the directory the name is in, or the inode itself; 0 likewise.
    pub ino: u64,
    /// The name, zeros behind it.
    pub name: [u8; limit::PLACE_NAME],
}

/// Value of `PLACES`: [`deed`] bits, allowed or denied. Denied wins.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "user", derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable))]
pub struct PlaceRule {
    /// Of what is at this place.
    pub here: u32,
    /// Of what is below it.
    pub below: u32,
}
