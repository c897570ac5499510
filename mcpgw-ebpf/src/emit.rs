//! Lanes and rings: numbering records, putting them together and counting those that found no room.
//!
//! A probe may interrupt another on the same CPU (a softirq under a system call). Each claims a lane of its class, so
//! buffer and sequence are its own; a lane is busy only while its probe runs.

use aya_ebpf::helpers::generated::{bpf_get_smp_processor_id, bpf_ktime_get_boot_ns, bpf_ringbuf_output};
use aya_ebpf::maps::RingBuf;
use mcpgw_common::event::{Header, VERSION};
use mcpgw_common::limit;
use mcpgw_common::map::{LaneStats, lane};

use crate::maps::{BUFFERS, LANES};
use crate::task::Identity;

/// Longest fixed part of a record that chunks follow ([`mcpgw_common::event::TcpChunk`]).
const FIXED: usize = 120;
/// Longest record.
pub(crate) const RECORD: usize = FIXED + limit::CHUNK;

/// A lane's working memory.
#[repr(C)]
pub(crate) struct Buffer {
    /// The record being put together.
    pub(crate) record: [u8; RECORD],
    /// Where the tap is in a call's buffers. In memory and not in registers, so that the verifier forgets the exact
    /// values between the rounds of a loop and sees that they are alike.
    pub(crate) cursor: Cursor,
}

/// Position in the buffers of one system call, or in one packet.
///
/// Every access is volatile: kept in registers, the values would differ between the rounds of a loop as far as the
/// verifier can tell, and it would follow each round by itself.
#[repr(C)]
pub(crate) struct Cursor {
    base: u64,
    left: u64,
    total: u64,
    iovec: u64,
    iovecs: u64,
    offset: u64,
    allowed: u64,
    chunks: u64,
}

/// Declares a getter and a setter for each field.
macro_rules! volatile {
    ($($(#[$doc:meta])* $get:ident, $set:ident;)*) => {
        impl Cursor {$(
            $(#[$doc])*
            #[inline(always)]
            pub(crate) fn $get(&self) -> u64 {
                // SAFETY: a reference is valid to read.
                unsafe { (&raw const self.$get).read_volatile() }
            }

            /// Sets it.
            #[inline(always)]
            pub(crate) fn $set(&mut self, value: u64) {
                // SAFETY: an exclusive reference is valid to write.
                unsafe { (&raw mut self.$get).write_volatile(value) }
            }
        )*}
    };
}

volatile! {
    /// Next byte in user memory (tap) or in the packet.
    base, set_base;
    /// Bytes left at `base`.
    left, set_left;
    /// Bytes left of the whole call or packet.
    total, set_total;
    /// Next `iovec` in user memory.
    iovec, set_iovec;
    /// `iovec` entries left.
    iovecs, set_iovecs;
    /// Position in the stream.
    offset, set_offset;
    /// Bytes of the call or packet the budget still allows.
    allowed, set_allowed;
    /// Chunks sent.
    chunks, set_chunks;
}

impl Cursor {
    /// At the start of `total` bytes, of which `allowed` may be sent; points nowhere yet.
    #[inline(always)]
    pub(crate) fn start(&mut self, total: u64, allowed: u64, offset: u64) {
        self.set_base(0);
        self.set_left(0);
        self.set_total(total);
        self.set_iovec(0);
        self.set_iovecs(0);
        self.set_offset(offset);
        self.set_allowed(allowed);
        self.set_chunks(0);
    }

    /// One chunk of `len` bytes further.
    #[inline(always)]
    pub(crate) fn advance(&mut self, len: u64) {
        self.set_base(self.base() + len);
        self.set_left(self.left().wrapping_sub(len));
        self.set_total(self.total() - len);
        self.set_allowed(self.allowed() - len);
        self.set_offset(self.offset() + len);
        self.set_chunks(self.chunks() + 1);
    }
}

/// A claimed lane.
#[derive(Clone, Copy)]
pub(crate) struct Lane {
    index: u32,
    stats: *mut LaneStats,
    buffer: *mut Buffer,
}

impl Lane {
    /// Claims a lane of `class`, or counts a loss and says `None`.
    #[inline(always)]
    pub(crate) fn claim(class: u32) -> Option<Self> {
        Self::claim_by(class, Self::claim_one)
    }

    /// As [`Lane::claim`], for probes that another of their kind may interrupt at any moment.
    #[inline(always)]
    pub(crate) fn claim_preempted(class: u32) -> Option<Self> {
        Self::claim_by(class, Self::claim_at_once)
    }

    #[inline(always)]
    fn claim_by(class: u32, claim: impl Fn(u32) -> Option<Self>) -> Option<Self> {
        let first = class * lane::DEPTH;
        if let Some(lane) = claim(first) {
            return Some(lane);
        }
        if let Some(lane) = claim(first + 1) {
            return Some(lane);
        }
        let stats = LANES.get_ptr_mut(first)?;
        // SAFETY: a live map value of this CPU.
        let stats = unsafe { &mut *stats };
        stats.seq += 1;
        stats.lost += 1;
        None
    }

    /// Looks and takes in one step, which needs Linux 5.12.
    #[inline(always)]
    fn claim_at_once(index: u32) -> Option<Self> {
        let stats = LANES.get_ptr_mut(index)?;
        let buffer = BUFFERS.get_ptr_mut(index)?;
        // SAFETY: a live map value of this CPU.
        let busy = unsafe { &raw mut (*stats).busy };
        let mut taken = 1_u64;
        // SAFETY: as above; aligned to 8 bytes.
        unsafe {
            core::arch::asm!("{0} = xchg_64({1} + 0, {0})", inout(reg) taken, in(reg) busy, options(nostack));
        }
        if taken != 0 {
            return None;
        }
        Some(Self { index, stats, buffer })
    }

    #[inline(always)]
    fn claim_one(index: u32) -> Option<Self> {
        let stats = LANES.get_ptr_mut(index)?;
        let buffer = BUFFERS.get_ptr_mut(index)?;
        // SAFETY: a live map value of this CPU.
        let busy = unsafe { &raw mut (*stats).busy };
        // SAFETY: as above. Volatile: whoever interrupts us must see it.
        if unsafe { busy.read_volatile() } != 0 {
            return None;
        }
        // SAFETY: as above.
        unsafe { busy.write_volatile(1) };
        Some(Self { index, stats, buffer })
    }

    /// Gives the lane back.
    #[inline(always)]
    pub(crate) fn release(self) {
        // SAFETY: a live map value of this CPU.
        let busy = unsafe { &raw mut (*self.stats).busy };
        // SAFETY: as above. Volatile: whoever interrupts us must see it.
        unsafe { busy.write_volatile(0) };
    }

    /// The record's memory as a `T`, which must not be longer than [`RECORD`].
    #[inline(always)]
    pub(crate) fn record<T>(&self) -> *mut T {
        const { assert!(size_of::<T>() <= RECORD && align_of::<T>() <= 8) };
        // SAFETY: a live map value of this CPU, ours while the lane is busy.
        unsafe { (&raw mut (*self.buffer).record).cast() }
    }

    /// The loop's memory.
    #[inline(always)]
    pub(crate) fn cursor(&self) -> *mut Cursor {
        // SAFETY: as in `record`.
        unsafe { &raw mut (*self.buffer).cursor }
    }

    /// Writes the common part of a record of `len` bytes and sends it; says whether there was room.
    #[inline(always)]
    pub(crate) fn send(&self, ring: &RingBuf, kind: u16, len: u64, who: &Identity) -> bool {
        let header: *mut Header = self.record();
        // SAFETY: a live map value of this CPU, ours while the lane is busy.
        let last = unsafe { &mut (*self.stats).seq };
        let seq = *last + 1;
        *last = seq;
        let header_now = Header {
            kind,
            version: VERSION,
            len: len as u32,
            seq,
            // SAFETY: a helper without arguments.
            time_ns: unsafe { bpf_ktime_get_boot_ns() },
            start_ns: who.start_ns,
            cgroup_id: who.cgroup_id,
            // SAFETY: a helper without arguments.
            cpu: unsafe { bpf_get_smp_processor_id() } as u16,
            lane: self.index as u16,
            tgid: who.tgid,
            tid: who.tid,
            uid: who.uid,
        };
        // SAFETY: the lane's memory, ours while it is busy.
        unsafe { header.write(header_now) };
        let len = crate::kread::at_most::<{ RECORD as u64 }>(len);
        let ring = core::ptr::from_ref(ring).cast_mut().cast();
        // SAFETY: `len` bytes from `header` on are the record's memory.
        let is_sent = unsafe { bpf_ringbuf_output(ring, header.cast(), len, 0) } == 0;
        if !is_sent {
            // SAFETY: as for the sequence.
            let stats = unsafe { &mut *self.stats };
            stats.lost += 1;
            stats.lost_bytes += len;
        }
        is_sent
    }
}
