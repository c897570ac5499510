//! The first packet of connections that processes of interest made: the handshake of TLS names the host in the clear.
//!
//! Every packet passes, whatever happens here.

use aya_ebpf::helpers::generated::{bpf_skb_cgroup_id, bpf_skb_load_bytes};
use aya_ebpf::macros::cgroup_skb;
use aya_ebpf::programs::SkBuffContext;
use mcpgw_common::event::{TlsHello, kind};
use mcpgw_common::limit;
use mcpgw_common::map::{Hello, lane};

use crate::emit::Lane;
use crate::kread::opaque;
use crate::maps::{HELLOS, TCP, TLS_TASKS};
use crate::task::Identity;
use crate::tcp::parse;

const FIXED: u64 = size_of::<TlsHello>() as u64;
const PASS: i32 = 1;
/// What a record of the handshake opens with.
const HANDSHAKE: u8 = 22;

/// Process `who` made a connection from `port`.
#[inline(always)]
pub(crate) fn expect(who: &Identity, port: u16) {
    // SAFETY: only looked at for being there.
    if unsafe { TLS_TASKS.get(who.tgid) }.is_some() {
        let _ = HELLOS.insert(port, Hello { start_ns: who.start_ns, tgid: who.tgid, reserved: 0 }, 0);
    }
}

#[cgroup_skb(egress)]
pub(crate) fn mcpgw_tls_hello(ctx: SkBuffContext) -> i32 {
    let _ = hello(&ctx);
    PASS
}

#[inline(always)]
fn hello(ctx: &SkBuffContext) -> Option<()> {
    let port = ctx.skb.local_port() as u16;
    // SAFETY: copied at once; a concurrent change gives the old or the new value.
    let owner = unsafe { HELLOS.get(port) }.copied()?;
    let packet = parse(ctx)?;
    let total = ctx.len().checked_sub(packet.payload)? as u64;
    if total == 0 {
        return None;
    }
    // Whatever it is, it is the first.
    let _ = HELLOS.remove(port);
    if ctx.load::<u8>(packet.payload as usize).ok()? != HANDSHAKE {
        return None;
    }
    let lane = Lane::claim(lane::TCP_OUT)?;
    // Between 1 and `CHUNK` in a way that old verifiers see too: they learn nothing from a comparison with zero.
    let len = (opaque(total.min(limit::CHUNK as u64) - 1) & (limit::CHUNK as u64 - 1)) + 1;
    let payload = lane.record::<[u8; FIXED as usize + limit::CHUNK]>();
    // SAFETY: `FIXED + CHUNK` bytes are the lane's memory.
    let payload = unsafe { payload.cast::<u8>().add(FIXED as usize) };
    // SAFETY: as above, and `len` is at most `CHUNK`; the helper checks the packet's bounds.
    let failed =
        unsafe { bpf_skb_load_bytes(ctx.skb.skb.cast(), packet.payload, payload.cast(), len as u32) };
    if failed == 0 {
        let record: *mut TlsHello = lane.record();
        // SAFETY: the lane's memory, ours until it is released.
        let record = unsafe { &mut *record };
        record.start_ns = owner.start_ns;
        record.tgid = owner.tgid;
        record.hello_len = len as u32;
        record.remote_addr = packet.destination;
        record.remote_port = packet.destination_port;
        record.family = packet.family;
        record.reserved = 0;
        // SAFETY: `skb` is the program's context.
        let cgroup_id = unsafe { bpf_skb_cgroup_id(ctx.skb.skb) };
        lane.send(&TCP, kind::TLS_HELLO, FIXED + len, &Identity { cgroup_id, ..Identity::nobody() });
    }
    lane.release();
    None
}
