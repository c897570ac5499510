//! `cgroup_skb` at the root cgroup: payload of connections to watched server ports, seen from the server's socket.
//!
//! Every packet passes, whatever happens here: both programs always return 1. No debug lines: their buffers, used or not,
//! would take the stack beyond what the kernel allows.

use aya_ebpf::helpers::generated::{bpf_get_socket_cookie, bpf_skb_cgroup_id, bpf_skb_load_bytes};
use aya_ebpf::macros::cgroup_skb;
use aya_ebpf::programs::SkBuffContext;
use mcpgw_common::event::{SIDE_READ, SIDE_WRITE, TcpChunk, kind};
use mcpgw_common::limit;
use mcpgw_common::map::{ConnectionState, PORT_FOLLOWED, lane};

use crate::emit::{Cursor, Lane};
use crate::family::{AF_INET, AF_INET6};
use crate::globals::setting;
use crate::kread::opaque;
use crate::maps::{CONNECTIONS, PORTS, TCP};
use crate::task::Identity;

/// Fixed part of the record.
const FIXED: u64 = size_of::<TcpChunk>() as u64;
const PASS: i32 = 1;
const IPPROTO_TCP: u8 = 6;
const FIN: u8 = 1;
const RST: u8 = 4;

#[cgroup_skb(ingress)]
pub(crate) fn mcpgw_tcp_in(ctx: SkBuffContext) -> i32 {
    let _ = segment(&ctx, SIDE_READ, lane::TCP_IN);
    PASS
}

#[cgroup_skb(egress)]
pub(crate) fn mcpgw_tcp_out(ctx: SkBuffContext) -> i32 {
    let _ = segment(&ctx, SIDE_WRITE, lane::TCP_OUT);
    PASS
}

/// The addresses and TCP header of a packet.
pub(crate) struct Packet {
    pub(crate) family: u16,
    source: [u8; 16],
    pub(crate) destination: [u8; 16],
    source_port: u16,
    pub(crate) destination_port: u16,
    seq: u32,
    flags: u8,
    /// Where the payload begins.
    pub(crate) payload: u32,
}

#[inline(always)]
fn segment(ctx: &SkBuffContext, side: u8, class: u32) -> Option<()> {
    // The port of the socket the packet belongs to: cheaper than any look into the packet.
    let port = ctx.skb.local_port() as u16;
    // SAFETY: copied at once; a concurrent change gives the old or the new value.
    let watched = unsafe { PORTS.get(port) }.copied()?;
    let packet = parse(ctx)?;
    let total = ctx.len().checked_sub(packet.payload)? as u64;
    let ends = packet.flags & (FIN | RST) != 0;
    if total == 0 && !ends {
        return None;
    }
    let skb = ctx.skb.skb;
    // SAFETY: `skb` is the program's context.
    let cookie = unsafe { bpf_get_socket_cookie(skb.cast()) };
    let allowed = if watched == PORT_FOLLOWED { total } else { allow(cookie, side, total)? };
    if allowed == 0 && !ends {
        return None;
    }
    let lane = Lane::claim(class)?;
    let who = Identity {
        // SAFETY: as above.
        cgroup_id: unsafe { bpf_skb_cgroup_id(skb) },
        ..Identity::nobody()
    };
    let record: *mut TcpChunk = lane.record();
    // SAFETY: the lane's memory, ours until it is released.
    let record = unsafe { &mut *record };
    describe(record, &packet, cookie, side);
    // SAFETY: as above, and apart from the record.
    let cursor = unsafe { &mut *lane.cursor() };
    cursor.start(total, allowed, packet.seq as u64);
    cursor.set_base(packet.payload as u64);
    copy(ctx, &lane, cursor, record, &who);
    lane.release();
    None
}

/// Takes `total` bytes of the connection's budget and says how many of them it had; `None` for the end of a connection
/// of which nothing was seen.
#[inline(always)]
fn allow(cookie: u64, side: u8, total: u64) -> Option<u64> {
    if CONNECTIONS.get_ptr_mut(cookie).is_none() {
        if total == 0 {
            return None;
        }
        let budget = setting!(tcp_budget);
        let _ = CONNECTIONS.insert(cookie, ConnectionState { remaining: [budget; 2] }, 0);
    }
    let state = CONNECTIONS.get_ptr_mut(cookie)?;
    let remaining = if side == SIDE_READ {
        // SAFETY: a live map value. Each side is counted by packets of one direction of one socket.
        unsafe { &mut (*state).remaining[0] }
    } else {
        // SAFETY: as above.
        unsafe { &mut (*state).remaining[1] }
    };
    let allowed = total.min(*remaining);
    *remaining -= allowed;
    Some(allowed)
}

#[inline(always)]
fn describe(record: &mut TcpChunk, packet: &Packet, cookie: u64, side: u8) {
    record.cookie = cookie;
    if side == SIDE_READ {
        record.local_addr = packet.destination;
        record.remote_addr = packet.source;
        record.local_port = packet.destination_port;
        record.remote_port = packet.source_port;
    } else {
        record.local_addr = packet.source;
        record.remote_addr = packet.destination;
        record.local_port = packet.source_port;
        record.remote_port = packet.destination_port;
    }
    record.family = packet.family;
    record.side = side;
    record.tcp_flags = packet.flags;
    record.reserved = 0;
}

/// Sends the payload chunk by chunk, then one record for what was left out or for the bare end.
#[inline(always)]
fn copy(ctx: &SkBuffContext, lane: &Lane, cursor: &mut Cursor, record: &mut TcpChunk, who: &Identity) {
    let flags = record.tcp_flags;
    for _ in 0..limit::SEGMENT_CHUNKS {
        let allowed = cursor.allowed();
        if allowed == 0 {
            break;
        }
        // Between 1 and `CHUNK` in a way that old verifiers see too: they learn nothing from a comparison with zero.
        let len = (opaque(allowed.min(limit::CHUNK as u64) - 1) & (limit::CHUNK as u64 - 1)) + 1;
        let payload = lane.record::<[u8; FIXED as usize + limit::CHUNK]>();
        // SAFETY: `FIXED + CHUNK` bytes are the lane's memory.
        let payload = unsafe { payload.cast::<u8>().add(FIXED as usize) };
        let from = cursor.base() as u32;
        // SAFETY: as above, and `len` is at most `CHUNK`; the helper checks the packet's bounds.
        let failed = unsafe { bpf_skb_load_bytes(ctx.skb.skb.cast(), from, payload.cast(), len as u32) };
        if failed != 0 {
            break;
        }
        record.tcp_seq = cursor.offset() as u32;
        record.chunk_len = len as u32;
        record.skipped = 0;
        cursor.advance(len);
        // Only the packet's last record may carry its end.
        record.tcp_flags = if cursor.total() == 0 { flags } else { flags & !(FIN | RST) };
        lane.send(&TCP, kind::TCP, FIXED + len, who);
    }
    if cursor.total() > 0 || cursor.chunks() == 0 {
        record.tcp_seq = cursor.offset() as u32;
        record.chunk_len = 0;
        record.skipped = cursor.total() as u32;
        record.tcp_flags = flags;
        lane.send(&TCP, kind::TCP, FIXED, who);
    }
}

#[inline(always)]
pub(crate) fn parse(ctx: &SkBuffContext) -> Option<Packet> {
    let version = ctx.load::<u8>(0).ok()? >> 4;
    let (family, source, destination, tcp) = match version {
        4 => {
            let head: [u8; 20] = ctx.load(0).ok()?;
            if head[9] != IPPROTO_TCP {
                return None;
            }
            let source = v4([head[12], head[13], head[14], head[15]]);
            let destination = v4([head[16], head[17], head[18], head[19]]);
            (AF_INET, source, destination, ((head[0] & 15) as u32) * 4)
        }
        6 => {
            // Extension headers do not occur in front of TCP in practice; such a packet is left out.
            if ctx.load::<u8>(6).ok()? != IPPROTO_TCP {
                return None;
            }
            (AF_INET6, ctx.load(8).ok()?, ctx.load(24).ok()?, 40)
        }
        _ => return None,
    };
    let head: [u8; 14] = ctx.load(tcp as usize).ok()?;
    Some(Packet {
        family,
        source,
        destination,
        source_port: u16::from_be_bytes([head[0], head[1]]),
        destination_port: u16::from_be_bytes([head[2], head[3]]),
        seq: u32::from_be_bytes([head[4], head[5], head[6], head[7]]),
        flags: head[13],
        payload: tcp + ((head[12] >> 4) as u32) * 4,
    })
}

#[inline(always)]
fn v4([a, b, c, d]: [u8; 4]) -> [u8; 16] {
    [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
}
