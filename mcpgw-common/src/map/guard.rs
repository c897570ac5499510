//! Servers that are not to be reached as they are.

/// [`Guarded::action`]: the connection is refused.
pub const GUARD_DENY: u16 = 1;
/// [`Guarded::action`]: the connection goes to [`Guarded::port`] on loopback.
pub const GUARD_STEER: u16 = 2;
/// [`Guarded::flags`] of 127.0.0.1: all of 127.0.0.0/8 is meant.
pub const GUARD_LOOPBACK: u16 = 1 << 0;

/// Key of `GUARDED`: where a TCP connection goes.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "user", derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable))]
pub struct Destination {
    /// The address as it lies in memory, network order; IPv4, also in IPv6's clothes, in the first word.
    pub addr: [u32; 4],
    /// Network namespace inode.
    pub net_ns: u32,
    /// Port, host order.
    pub port: u16,
    /// `AF_INET` 2 or `AF_INET6` 10.
    pub family: u16,
}

/// Value of `GUARDED`: what to do about connections to there.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "user", derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable))]
pub struct Guarded {
    /// [`GUARD_DENY`] or [`GUARD_STEER`].
    pub action: u16,
    /// [`GUARD_LOOPBACK`].
    pub flags: u16,
    /// Where steered connections go, host order.
    pub port: u16,
    /// Unused, zero.
    pub reserved: u16,
    /// How often it was done.
    pub hits: u32,
    /// Process id of who tried last.
    pub last_tgid: u32,
}
