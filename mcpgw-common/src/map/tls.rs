//! Maps of the probes on TLS libraries.

/// Value of `TLS_TASKS`, keyed by process id (`u32`): a process of which the plaintext is reported. Only user space writes.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "user", derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable))]
pub struct TlsTask {
    /// When that began, `CLOCK_BOOTTIME` in nanoseconds: what is older is of another process.
    pub since_ns: u64,
    /// Payload bytes reported of each direction of a connection at most.
    pub budget: u64,
}

/// Value of `TLS_CALLS`, keyed by process and thread id (`u64`): a call of the library that has not returned.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "user", derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable))]
pub struct TlsCall {
    /// The library's object for the connection.
    pub object: u64,
    /// Where the bytes are, or will be.
    pub buffer: u64,
    /// Where the library writes how many it moved; 0 where it returns that.
    pub count_at: u64,
    /// [`crate::event::SIDE_READ`] or [`crate::event::SIDE_WRITE`].
    pub side: u64,
}

/// Key of `TLS_STREAMS`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "user", derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable))]
pub struct TlsStreamKey {
    /// The library's object.
    pub object: u64,
    /// Process id.
    pub tgid: u32,
    /// Unused, zero.
    pub reserved: u32,
}

/// Value of `TLS_STREAMS`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "user", derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable))]
pub struct TlsStream {
    /// When it was first seen, `CLOCK_BOOTTIME` in nanoseconds.
    pub since_ns: u64,
    /// Bytes moved so far, indexed by [`crate::event::SIDE_READ`] and [`crate::event::SIDE_WRITE`].
    pub moved: [u64; 2],
}

/// Value of `HELLOS`, keyed by local port (`u16`): whose connection that is, until it has said something.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "user", derive(zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable))]
pub struct Hello {
    /// Start time of the process in nanoseconds since boot.
    pub start_ns: u64,
    /// Process id.
    pub tgid: u32,
    /// Unused, zero.
    pub reserved: u32,
}

const _: () = {
    assert!(size_of::<TlsTask>() == 16);
    assert!(size_of::<TlsCall>() == 32);
    assert!(size_of::<TlsStreamKey>() == 16);
    assert!(size_of::<TlsStream>() == 24);
    assert!(size_of::<Hello>() == 16);
};
