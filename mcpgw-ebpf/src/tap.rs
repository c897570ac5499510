//! `sys_exit`: bytes a process of interest moved over an observed channel.
//!
//! Attached only while somebody is observed, because it costs every system call of the host. So the first test must be
//! the cheapest: one lookup of the process id.

use aya_ebpf::helpers::bpf_probe_read_user;
use aya_ebpf::helpers::generated;
use aya_ebpf::macros::raw_tracepoint;
use aya_ebpf::programs::RawTracePointContext;
use aya_log_ebpf::debug;
use mcpgw_common::event::{SIDE_READ, SIDE_WRITE, StreamChunk, kind};
use mcpgw_common::limit;
use mcpgw_common::map::{CHANNEL_SETTLED, ChannelKey, ChannelState, FlowKey, FlowState, TASK_IGNORE, lane};

use crate::emit::{Cursor, Lane};
use crate::file::File;
use crate::globals::setting;
use crate::kread::{Kptr, at_most};
use crate::maps::{CHANNELS, FLOWS, STREAMS};
use crate::syscall::{Buffers, Call};
use crate::task::{Identity, Task, bits, current_tgid};

/// Fixed part of the record.
const FIXED: u64 = size_of::<StreamChunk>() as u64;

#[raw_tracepoint(tracepoint = "sys_exit")]
pub(crate) fn mcpgw_tap(ctx: RawTracePointContext) -> u32 {
    let tgid = current_tgid();
    let bits = bits(tgid);
    if bits == 0 || bits & TASK_IGNORE != 0 || tgid == setting!(self_tgid) {
        return 0;
    }
    let moved: i64 = ctx.arg(1);
    if moved <= 0 {
        return 0;
    }
    tap(&ctx, tgid, moved.unsigned_abs());
    0
}

#[inline(always)]
fn tap(ctx: &RawTracePointContext, tgid: u32, moved: u64) -> Option<()> {
    let call = Call::read(Kptr::new(ctx.arg::<u64>(0))?)?;
    let channel = File::of(Task::current()?, call.fd)?.channel()?;
    // SAFETY: copied at once; a concurrent change gives the old or the new state.
    let state = unsafe { CHANNELS.get(channel) }.copied()?;
    if state.flags & CHANNEL_SETTLED != 0 {
        return None;
    }
    let side = if call.writes { SIDE_WRITE } else { SIDE_READ };
    let offset = advance(&channel, &state, tgid, side, moved)?;
    let allowed = state.budget.saturating_sub(offset).min(moved);
    if allowed == 0 {
        return None;
    }
    let lane = Lane::claim(lane::STREAM)?;
    debug!(ctx, "tap {} call {} moved {}", tgid, call.number, moved);
    // SAFETY: the lane's memory, ours until it is released.
    let cursor = unsafe { &mut *lane.cursor() };
    cursor.start(moved, allowed, offset);
    if aim(cursor, &call, moved).is_some() {
        let record: *mut StreamChunk = lane.record();
        // SAFETY: as above, and apart from the cursor.
        let record = unsafe { &mut *record };
        record.ino = channel.ino;
        record.fd = call.fd;
        record.syscall = call.number;
        record.channel = channel.kind as u8;
        record.side = side;
        copy(&lane, cursor, record);
    }
    lane.release();
    None
}

/// Where this flow's `moved` bytes begin; the flow is then that much further.
#[inline(always)]
fn advance(channel: &ChannelKey, state: &ChannelState, tgid: u32, side: u8, moved: u64) -> Option<u64> {
    let key = FlowKey { ino: channel.ino, tgid, kind: channel.kind as u16, side: side as u16 };
    let mut flow = FLOWS.get_ptr_mut(key);
    // SAFETY: a live map value.
    if flow.is_none_or(|flow| unsafe { (*flow).since_ns } != state.since_ns) {
        let _ = FLOWS.insert(key, FlowState { since_ns: state.since_ns, offset: 0 }, 0);
        flow = FLOWS.get_ptr_mut(key);
    }
    let flow = flow?;
    // SAFETY: a live map value.
    let place = unsafe { &raw mut (*flow).offset };
    // SAFETY: as above; aligned to 8 bytes, so that the threads of the process, which may add at the same moment, show
    // the old or the new value.
    let offset = unsafe { place.read_volatile() };
    // SAFETY: as above. An addition that also returns the old value would be exact between the threads, but needs
    // Linux 5.12.
    unsafe {
        core::arch::asm!("lock *(u64 *)({0} + 0) += {1}", in(reg) place, in(reg) moved, options(nostack));
    }
    Some(offset)
}

/// Points the cursor at the first buffer.
#[inline(always)]
fn aim(cursor: &mut Cursor, call: &Call, moved: u64) -> Option<()> {
    let count = match call.buffers {
        Buffers::One => {
            cursor.set_base(call.address);
            cursor.set_left(moved);
            0
        }
        Buffers::Vector => {
            cursor.set_iovec(call.address);
            call.count
        }
        Buffers::Message => {
            // `struct msghdr` of user space: msg_iov at 16, msg_iovlen at 24.
            cursor.set_iovec(user::<u64>(call.address + 16)?);
            user::<u64>(call.address + 24)?
        }
    };
    cursor.set_iovecs(count.min(limit::IOVECS as u64));
    Some(())
}

/// Sends the call's bytes chunk by chunk, then one record for what was left out.
#[inline(always)]
fn copy(lane: &Lane, cursor: &mut Cursor, record: &mut StreamChunk) {
    let who = Identity::current();
    for _ in 0..limit::CHUNKS + limit::IOVECS {
        let allowed = cursor.allowed();
        if allowed == 0 || cursor.chunks() >= limit::CHUNKS as u64 {
            break;
        }
        let left = cursor.left();
        if left == 0 {
            if next_iovec(cursor).is_none() {
                break;
            }
            continue;
        }
        let len = at_most::<{ limit::CHUNK as u64 }>(left.min(allowed));
        let payload = lane.record::<[u8; FIXED as usize + limit::CHUNK]>();
        // SAFETY: `FIXED + CHUNK` bytes are the lane's memory.
        let payload = unsafe { payload.cast::<u8>().add(FIXED as usize) };
        let base = cursor.base() as *const _;
        // SAFETY: as above, and `len` is at most `CHUNK`; the helper checks the address it reads from.
        let failed = unsafe { generated::bpf_probe_read_user(payload.cast(), len as u32, base) };
        if failed != 0 {
            break;
        }
        record.offset = cursor.offset();
        record.chunk_len = len as u32;
        record.skipped = 0;
        cursor.advance(len);
        lane.send(&STREAMS, kind::STREAM, FIXED + len, &who);
    }
    let total = cursor.total();
    if total > 0 {
        record.offset = cursor.offset();
        record.chunk_len = 0;
        record.skipped = total.min(u32::MAX as u64) as u32;
        lane.send(&STREAMS, kind::STREAM, FIXED, &who);
    }
}

/// Points the cursor at the next buffer of a vector.
#[inline(always)]
fn next_iovec(cursor: &mut Cursor) -> Option<()> {
    let left = cursor.iovecs();
    if left == 0 {
        return None;
    }
    let [base, len] = user::<[u64; 2]>(cursor.iovec())?;
    cursor.set_base(base);
    cursor.set_left(len);
    cursor.set_iovec(cursor.iovec() + 16);
    cursor.set_iovecs(left - 1);
    Some(())
}

/// A value in the memory of the running process.
#[inline(always)]
fn user<T: Copy>(address: u64) -> Option<T> {
    // SAFETY: the helper checks the address; every caller asks for integers, of which all bytes are values.
    unsafe { bpf_probe_read_user(address as *const T) }.ok()
}
