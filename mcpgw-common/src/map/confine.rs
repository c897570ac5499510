//! Where processes of a cgroup may connect and listen.

use crate::limit;

/// Value of `CONFINED`, keyed by cgroup v2 id (`u64`): whose connections are limited there.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "user", derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable))]
pub struct Confined {
    /// In [`DestinationKey::group`].
    pub group: u32,
    /// [`destination`] bits that hold where no rule of the group says otherwise: [`DESTINATIONS_CONNECT`] and
    /// [`DESTINATIONS_LISTEN`] of those that are not limited.
    pub free: u32,
}

/// [`Confined::free`]: connections go anywhere no rule forbids.
pub const DESTINATIONS_CONNECT: u32 = 1 << 0;
/// [`Confined::free`]: listeners may be anywhere no rule forbids.
pub const DESTINATIONS_LISTEN: u32 = 1 << 1;

/// Key of `DESTINATIONS`, behind the length of its prefix: addresses of one group. A prefix has all of `group` and `way`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
#[cfg_attr(feature = "user", derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable))]
pub struct DestinationKey {
    /// Whose.
    pub group: u32,
    /// [`DESTINATIONS_CONNECT`] or [`DESTINATIONS_LISTEN`].
    pub way: u32,
    /// An IPv6 address in network order; of IPv4 the one it is mapped to (`::ffff:0:0/96`).
    pub addr: [u8; 16],
}

/// Value of `DESTINATIONS`: what is said of the addresses that have no longer prefix. All that holds is there, also what
/// shorter prefixes say.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "user", derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable))]
pub struct DestinationRule {
    /// The first without bits ends them.
    pub ports: [PortRule; limit::PORT_RULES],
}

/// What is said of some ports.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "user", derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable))]
pub struct PortRule {
    /// The first.
    pub first: u16,
    /// The last.
    pub last: u16,
    /// [`destination`] bits.
    pub bits: u32,
}

/// Bits of a [`PortRule`]: by protocol, allowed or denied. Denied wins.
pub mod destination {
    /// TCP may.
    pub const TCP: u32 = 1 << 0;
    /// UDP may.
    pub const UDP: u32 = 1 << 1;
    /// Every other protocol may.
    pub const OTHER: u32 = 1 << 2;
    /// What lies this many bits further left may not.
    pub const DENIED: u32 = 8;
}
