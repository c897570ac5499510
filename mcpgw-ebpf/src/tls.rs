//! Uprobes on OpenSSL's calls: what a process gives to its TLS library to send, and gets from it.
//!
//! Attached to single processes, because every call costs them a trap on the way in and another on the way out. How many
//! bytes were moved shows when a call returns: one that would have waited is made again with the same bytes.

pub(crate) mod hello;

use aya_ebpf::helpers::generated::{bpf_ktime_get_boot_ns, bpf_probe_read_user_str};
use aya_ebpf::helpers::{bpf_get_current_pid_tgid, bpf_probe_read_user, generated};
use aya_ebpf::macros::{uprobe, uretprobe};
use aya_ebpf::programs::{ProbeContext, RetProbeContext};
use mcpgw_common::event::{SIDE_READ, SIDE_WRITE, TlsChunk, TlsName, kind};
use mcpgw_common::limit;
use mcpgw_common::map::{TlsCall, TlsStream, TlsStreamKey, TlsTask, lane};

use crate::emit::{Cursor, Lane};
use crate::kread::at_most;
use crate::maps::{STREAMS, TLS_CALLS, TLS_STREAMS, TLS_TASKS};
use crate::task::{Identity, current_tgid};

/// Fixed parts of the records.
const FIXED: u64 = size_of::<TlsChunk>() as u64;
const NAME_FIXED: u64 = size_of::<TlsName>() as u64;
/// `SSL_CTRL_SET_TLSEXT_HOSTNAME`.
const SET_HOSTNAME: i32 = 55;

/// `int SSL_write(SSL *, const void *buffer, int count)`.
#[uprobe]
pub(crate) fn mcpgw_tls_write(ctx: ProbeContext) -> u32 {
    called(&ctx, SIDE_WRITE, false);
    0
}

/// `int SSL_read(SSL *, void *buffer, int count)`.
#[uprobe]
pub(crate) fn mcpgw_tls_read(ctx: ProbeContext) -> u32 {
    called(&ctx, SIDE_READ, false);
    0
}

/// `int SSL_write_ex(SSL *, const void *buffer, size_t count, size_t *written)`.
#[uprobe]
pub(crate) fn mcpgw_tls_write_ex(ctx: ProbeContext) -> u32 {
    called(&ctx, SIDE_WRITE, true);
    0
}

/// `int SSL_read_ex(SSL *, void *buffer, size_t count, size_t *read)`.
#[uprobe]
pub(crate) fn mcpgw_tls_read_ex(ctx: ProbeContext) -> u32 {
    called(&ctx, SIDE_READ, true);
    0
}

/// The return of any of them.
#[uretprobe]
pub(crate) fn mcpgw_tls_return(ctx: RetProbeContext) -> u32 {
    let _ = returned(&ctx);
    0
}

/// `void SSL_free(SSL *)`.
#[uprobe]
pub(crate) fn mcpgw_tls_free(ctx: ProbeContext) -> u32 {
    let _ = freed(&ctx);
    0
}

/// `long SSL_ctrl(SSL *, int command, long, void *name)`.
#[uprobe]
pub(crate) fn mcpgw_tls_ctrl(ctx: ProbeContext) -> u32 {
    if ctx.arg::<i32>(1) == Some(SET_HOSTNAME)
        && let Some(name) = ctx.arg::<u64>(3)
    {
        let _ = named(&ctx, name);
    }
    0
}

/// `int SSL_set_tlsext_host_name(SSL *, const char *name)`: a function where OpenSSL has a macro.
#[uprobe]
pub(crate) fn mcpgw_tls_name(ctx: ProbeContext) -> u32 {
    if let Some(name) = ctx.arg::<u64>(1) {
        let _ = named(&ctx, name);
    }
    0
}

#[inline(always)]
fn called(ctx: &ProbeContext, side: u8, counts: bool) {
    if task().is_none() {
        return;
    }
    let object = ctx.arg::<u64>(0).unwrap_or(0);
    let buffer = ctx.arg::<u64>(1).unwrap_or(0);
    let count_at = if counts { ctx.arg::<u64>(3).unwrap_or(0) } else { 0 };
    let call = TlsCall { object, buffer, count_at, side: side as u64 };
    let _ = TLS_CALLS.insert(bpf_get_current_pid_tgid(), call, 0);
}

#[inline(always)]
fn returned(ctx: &RetProbeContext) -> Option<()> {
    let thread = bpf_get_current_pid_tgid();
    // SAFETY: copied at once; the entry is this thread's alone.
    let call = unsafe { TLS_CALLS.get(thread) }.copied()?;
    let _ = TLS_CALLS.remove(thread);
    let result: i32 = ctx.ret();
    if result <= 0 {
        return None;
    }
    let moved = if call.count_at == 0 { u64::from(result.cast_unsigned()) } else { user(call.count_at)? };
    let task = task()?;
    let side = if call.side == SIDE_WRITE as u64 { SIDE_WRITE } else { SIDE_READ };
    let (since_ns, offset) = advance(&key(call.object), &task, side, moved)?;
    let allowed = task.budget.saturating_sub(offset).min(moved);
    if moved == 0 || allowed == 0 {
        return None;
    }
    let lane = Lane::claim_preempted(lane::TLS)?;
    // SAFETY: the lane's memory, ours until it is released.
    let cursor = unsafe { &mut *lane.cursor() };
    cursor.start(moved, allowed, offset);
    cursor.set_base(call.buffer);
    let record: *mut TlsChunk = lane.record();
    // SAFETY: as above, and apart from the cursor.
    let record = unsafe { &mut *record };
    record.object = call.object;
    record.since_ns = since_ns;
    record.side = side;
    record.end = 0;
    record.reserved = [0; 6];
    copy(&lane, cursor, record);
    lane.release();
    None
}

/// Since when the connection is known, and where its `moved` bytes begin; it is then that much further.
#[inline(always)]
fn advance(key: &TlsStreamKey, task: &TlsTask, side: u8, moved: u64) -> Option<(u64, u64)> {
    let stream = stream(key, task)?;
    // SAFETY: a live map value.
    let since_ns = unsafe { &raw const (*stream).since_ns };
    // SAFETY: as above.
    let since_ns = unsafe { since_ns.read_volatile() };
    let place = if side == SIDE_READ {
        // SAFETY: as above.
        unsafe { &raw mut (*stream).moved[0] }
    } else {
        // SAFETY: as above.
        unsafe { &raw mut (*stream).moved[1] }
    };
    // The library lets one thread at a time use a connection.
    // SAFETY: as above.
    let offset = unsafe { place.read_volatile() };
    // SAFETY: as above.
    unsafe { place.write_volatile(offset + moved) };
    Some((since_ns, offset))
}

/// What is known of a connection; it begins where nothing is.
#[inline(always)]
fn stream(key: &TlsStreamKey, task: &TlsTask) -> Option<*mut TlsStream> {
    let stream = TLS_STREAMS.get_ptr_mut(key);
    // SAFETY: a live map value.
    if stream.is_none_or(|stream| unsafe { (*stream).since_ns } < task.since_ns) {
        // SAFETY: a helper without arguments.
        let since_ns = unsafe { bpf_ktime_get_boot_ns() };
        let _ = TLS_STREAMS.insert(key, TlsStream { since_ns, moved: [0; 2] }, 0);
        return TLS_STREAMS.get_ptr_mut(key);
    }
    stream
}

/// Sends the call's bytes chunk by chunk, then one record for what was left out.
#[inline(always)]
fn copy(lane: &Lane, cursor: &mut Cursor, record: &mut TlsChunk) {
    let who = Identity::current();
    for _ in 0..limit::TLS_CHUNKS {
        let allowed = cursor.allowed();
        if allowed == 0 {
            break;
        }
        let len = at_most::<{ limit::CHUNK as u64 }>(allowed);
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
        lane.send(&STREAMS, kind::TLS, FIXED + len, &who);
    }
    let total = cursor.total();
    if total > 0 {
        record.offset = cursor.offset();
        record.chunk_len = 0;
        record.skipped = total.min(u32::MAX as u64) as u32;
        lane.send(&STREAMS, kind::TLS, FIXED, &who);
    }
}

#[inline(always)]
fn freed(ctx: &ProbeContext) -> Option<()> {
    task()?;
    let key = key(ctx.arg(0)?);
    // SAFETY: copied at once.
    let TlsStream { since_ns, moved } = unsafe { TLS_STREAMS.get(key) }.copied()?;
    let _ = TLS_STREAMS.remove(key);
    let lane = Lane::claim_preempted(lane::TLS)?;
    let who = Identity::current();
    for side in [SIDE_READ, SIDE_WRITE] {
        let record: *mut TlsChunk = lane.record();
        // SAFETY: the lane's memory, ours until it is released.
        let record = unsafe { &mut *record };
        record.object = key.object;
        record.since_ns = since_ns;
        record.offset = if side == SIDE_READ { moved[0] } else { moved[1] };
        record.chunk_len = 0;
        record.skipped = 0;
        record.side = side;
        record.end = 1;
        record.reserved = [0; 6];
        lane.send(&STREAMS, kind::TLS, FIXED, &who);
    }
    lane.release();
    None
}

#[inline(always)]
fn named(ctx: &ProbeContext, name: u64) -> Option<()> {
    let task = task()?;
    let key = key(ctx.arg(0)?);
    let stream = stream(&key, &task)?;
    // SAFETY: a live map value.
    let since_ns = unsafe { &raw const (*stream).since_ns };
    // SAFETY: as above.
    let since_ns = unsafe { since_ns.read_volatile() };
    let lane = Lane::claim_preempted(lane::TLS)?;
    let payload = lane.record::<[u8; NAME_FIXED as usize + limit::TLS_NAME]>();
    // SAFETY: `NAME_FIXED + TLS_NAME` bytes are the lane's memory.
    let payload = unsafe { payload.cast::<u8>().add(NAME_FIXED as usize) };
    // SAFETY: as above; the helper checks the address it reads from.
    let read = unsafe { bpf_probe_read_user_str(payload.cast(), limit::TLS_NAME as u32, name as *const _) };
    if read > 1 {
        // Without the NUL that ends it.
        let len = at_most::<{ limit::TLS_NAME as u64 }>(read.cast_unsigned() - 1);
        let record: *mut TlsName = lane.record();
        // SAFETY: the lane's memory, ours until it is released.
        let record = unsafe { &mut *record };
        record.object = key.object;
        record.since_ns = since_ns;
        record.name_len = len as u32;
        record.reserved = 0;
        lane.send(&STREAMS, kind::TLS_NAME, NAME_FIXED + len, &Identity::current());
    }
    lane.release();
    None
}

/// What is wanted of the running process, if anything.
#[inline(always)]
fn task() -> Option<TlsTask> {
    // SAFETY: copied at once; a concurrent change gives the old or the new value.
    unsafe { TLS_TASKS.get(current_tgid()) }.copied()
}

#[inline(always)]
fn key(object: u64) -> TlsStreamKey {
    TlsStreamKey { object, tgid: current_tgid(), reserved: 0 }
}

/// A number in the memory of the running process.
#[inline(always)]
fn user(address: u64) -> Option<u64> {
    // SAFETY: the helper checks the address.
    unsafe { bpf_probe_read_user(address as *const u64) }.ok()
}
