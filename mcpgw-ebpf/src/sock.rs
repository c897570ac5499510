//! `inet_sock_set_state`: TCP listeners come and go, and connections are made.
//!
//! A connection is established in a softirq, where the running process is anybody. Who called `connect` is remembered
//! while the socket is in SYN_SENT.

use aya_ebpf::macros::raw_tracepoint;
use aya_ebpf::programs::RawTracePointContext;
use aya_log_ebpf::debug;
use mcpgw_common::event::{self, kind};
use mcpgw_common::map::{Connecting, lane};

use crate::emit::Lane;
use crate::family::{AF_INET, AF_INET6};
use crate::globals::offset;
use crate::kread::Kptr;
use crate::maps::{CONNECTING, LIFECYCLE, LISTENING};
use crate::task::{Identity, ignored};
use crate::tls::hello;

const TCP_ESTABLISHED: u32 = 1;
const TCP_SYN_SENT: u32 = 2;
const TCP_CLOSE: u32 = 7;
const TCP_LISTEN: u32 = 10;
const IPPROTO_TCP: u16 = 6;

#[raw_tracepoint(tracepoint = "inet_sock_set_state")]
pub(crate) fn mcpgw_sock(ctx: RawTracePointContext) -> u32 {
    let old: u32 = ctx.arg(1);
    let new: u32 = ctx.arg(2);
    // Most changes are none of ours; look before reading anything.
    // A connection's socket is a copy of its listener's, and leaves LISTEN for SYN_RECV: only CLOSE ends a listener.
    let listens = new == TCP_LISTEN || (old == TCP_LISTEN && new == TCP_CLOSE);
    if !listens && new != TCP_SYN_SENT && old != TCP_SYN_SENT {
        return 0;
    }
    let Some(sk) = Kptr::new(ctx.arg::<u64>(0)) else { return 0 };
    if sk.read::<u16>(offset!(sock_protocol)) != Some(IPPROTO_TCP) {
        return 0;
    }
    if listens {
        listen(&ctx, sk, (new == TCP_LISTEN) as u32);
    } else if new == TCP_SYN_SENT {
        remember(sk);
    } else {
        connected(&ctx, sk, new == TCP_ESTABLISHED);
    }
    0
}

#[inline(always)]
fn listen(ctx: &RawTracePointContext, sk: Kptr, open: u32) {
    let who = Identity::current();
    if ignored(who.tgid) {
        return;
    }
    let family: u16 = sk.read(offset!(sock_family)).unwrap_or(0);
    let now: u16 = sk.read(offset!(sock_num)).unwrap_or(0);
    let port = if open == 1 {
        let _ = LISTENING.insert(sk.address(), now, 0);
        now
    } else {
        // SAFETY: copied at once; the entry is this socket's alone.
        let port = unsafe { LISTENING.get(sk.address()) }.copied().unwrap_or(now);
        let _ = LISTENING.remove(sk.address());
        port
    };
    let Some(lane) = Lane::claim(lane::SOCK) else { return };
    let record: *mut event::Listen = lane.record();
    // SAFETY: the lane's memory, ours until it is released.
    let record = unsafe { &mut *record };
    record.addr = local(sk, family);
    record.family = family;
    record.port = port;
    record.open = open;
    record.net_ns = net_ns(sk);
    record.reserved = 0;
    debug!(ctx, "listen {} by {} on port {}", open, who.tgid, port);
    lane.send(&LIFECYCLE, kind::LISTEN, size_of::<event::Listen>() as u64, &who);
    lane.release();
}

#[inline(always)]
fn remember(sk: Kptr) {
    let who = Identity::current();
    if ignored(who.tgid) {
        return;
    }
    let owner = Connecting {
        start_ns: who.start_ns,
        cgroup_id: who.cgroup_id,
        tgid: who.tgid,
        tid: who.tid,
        uid: who.uid,
        reserved: 0,
    };
    let _ = CONNECTING.insert(sk.address(), owner, 0);
}

#[inline(always)]
fn connected(ctx: &RawTracePointContext, sk: Kptr, established: bool) {
    // SAFETY: copied at once; the entry is this socket's alone.
    let Some(owner) = unsafe { CONNECTING.get(sk.address()) }.copied() else { return };
    let _ = CONNECTING.remove(sk.address());
    if !established {
        return;
    }
    let who = Identity {
        tgid: owner.tgid,
        tid: owner.tid,
        uid: owner.uid,
        start_ns: owner.start_ns,
        cgroup_id: owner.cgroup_id,
    };
    hello::expect(&who, sk.read(offset!(sock_num)).unwrap_or(0));
    let family: u16 = sk.read(offset!(sock_family)).unwrap_or(0);
    let Some(lane) = Lane::claim(lane::SOCK) else { return };
    let record: *mut event::Connect = lane.record();
    // SAFETY: the lane's memory, ours until it is released.
    let record = unsafe { &mut *record };
    record.local_addr = local(sk, family);
    record.remote_addr = address(sk, family, offset!(sock_daddr), offset!(sock_v6_daddr));
    record.family = family;
    record.local_port = sk.read(offset!(sock_num)).unwrap_or(0);
    record.remote_port = u16::from_be(sk.read(offset!(sock_dport)).unwrap_or(0));
    record.reserved = 0;
    record.net_ns = net_ns(sk);
    record.reserved2 = 0;
    debug!(ctx, "connect by {} to port {}", who.tgid, record.remote_port);
    lane.send(&LIFECYCLE, kind::CONNECT, size_of::<event::Connect>() as u64, &who);
    lane.release();
}

#[inline(always)]
fn local(sk: Kptr, family: u16) -> [u8; 16] {
    address(sk, family, offset!(sock_rcv_saddr), offset!(sock_v6_rcv_saddr))
}

#[inline(always)]
fn address(sk: Kptr, family: u16, v4: u32, v6: u32) -> [u8; 16] {
    match family {
        AF_INET6 => sk.read(v6).unwrap_or([0; 16]),
        AF_INET => {
            let [a, b, c, d] = sk.read::<[u8; 4]>(v4).unwrap_or([0; 4]);
            [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        }
        _ => [0; 16],
    }
}

#[inline(always)]
fn net_ns(sk: Kptr) -> u32 {
    sk.follow(offset!(sock_net)).and_then(|net| net.read(offset!(net_ns_inum))).unwrap_or(0)
}
