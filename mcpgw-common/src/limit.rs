//! Sizes both sides agree on. All in bytes unless the name says otherwise.

/// Command line bytes an exec record carries at most; longer ones are cut and flagged.
pub const ARGV: usize = 1024;
/// Path bytes (`bprm->filename`) an exec record carries at most.
pub const FILENAME: usize = 256;
/// The kernel's `TASK_COMM_LEN`.
pub const COMM: usize = 16;
/// Payload bytes one stream or TCP record carries at most. A power of two.
pub const CHUNK: usize = 4096;
/// Chunks taken from one system call at most: 64 KiB, more than most reads of real runtimes.
pub const CHUNKS: usize = 16;
/// Chunks taken from one call of a TLS library at most: 4 MiB. Only this side of the connection is seen, so that nothing else
/// fills in what is left out.
pub const TLS_CHUNKS: usize = 1024;
/// Bytes of a host's name ([`crate::event::TlsName`]).
pub const TLS_NAME: usize = 256;
/// Chunks taken from one packet at most: 192 KiB, the largest the kernel makes (BIG TCP on loopback).
pub const SEGMENT_CHUNKS: usize = 48;
/// `iovec` entries looked at in one `readv`, `writev`, `recvmsg` or `sendmsg`.
pub const IOVECS: usize = 8;
/// Payload bytes reported of each flow of a channel, and of each direction of a TCP connection, unless configured.
pub const BUDGET: u32 = 1 << 20;
/// Names of directories a file effect carries of one place at most.
pub const DIRECTORIES: usize = 1280;
/// Longest of those names, with its NUL.
pub const NAME: usize = 256;
/// Directories and mount points climbed at most.
pub const CLIMB: usize = 48;
/// Text a file effect carries of one place at most, with its NUL.
pub const PLACE: usize = 512;
/// Ranges of ports that are told apart of one network.
pub const PORT_RULES: usize = 16;
/// Cgroups above a process' own that are looked for limits of connections.
pub const ANCESTORS: usize = 24;
/// Servers held to rules while they run.
pub const RESTRAINTS: u32 = 256;
/// Their processes, all together.
pub const RESTRAINED: u32 = 16_384;
/// Processes one of them may start, and have at a time.
pub const RESTRAINED_EACH: u64 = 512;
/// What is left free of that table, so that all that start something at the same moment find room.
pub const RESTRAINED_SPARE: u64 = 1_024;
/// Those of them that have only just been made, all together.
pub const NEWBORN: u32 = 4_096;
/// Places their rules name, all together.
pub const PLACES: u32 = 32_768;
/// Longest name of such a place, in bytes.
pub const PLACE_NAME: usize = 64;
/// Directories looked at above a file.
pub const PLACE_LEVELS: usize = 48;
/// Kinds of refusals that are counted.
pub const REFUSALS: usize = 7;
