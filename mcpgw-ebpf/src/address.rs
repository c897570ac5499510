//! Addresses processes of interest use: `connect`, `sendmsg` with an address, and `bind`, on the root cgroup. io_uring goes
//! this way, too. Every one of these programs lets the call go on.

use aya_ebpf::bindings::bpf_sock_addr;
use aya_ebpf::macros::cgroup_sock_addr;
use aya_ebpf::programs::SockAddrContext;
use mcpgw_common::event::{SocketEffect, act, kind};
use mcpgw_common::map::{TASK_EFFECTS, TaskState};

use crate::effects::{claim, untold};
use crate::family::{AF_INET, AF_INET6};
use crate::maps::EFFECTS;
use crate::task::{Identity, current_tgid, state};

const GO_ON: i32 = 1;

#[cgroup_sock_addr(connect4)]
pub(crate) fn mcpgw_connect4(ctx: SockAddrContext) -> i32 {
    report(ctx.sock_addr, act::CONNECT, AF_INET);
    GO_ON
}

#[cgroup_sock_addr(connect6)]
pub(crate) fn mcpgw_connect6(ctx: SockAddrContext) -> i32 {
    report(ctx.sock_addr, act::CONNECT, AF_INET6);
    GO_ON
}

#[cgroup_sock_addr(sendmsg4)]
pub(crate) fn mcpgw_send4(ctx: SockAddrContext) -> i32 {
    report(ctx.sock_addr, act::SEND, AF_INET);
    GO_ON
}

#[cgroup_sock_addr(sendmsg6)]
pub(crate) fn mcpgw_send6(ctx: SockAddrContext) -> i32 {
    report(ctx.sock_addr, act::SEND, AF_INET6);
    GO_ON
}

#[cgroup_sock_addr(bind4)]
pub(crate) fn mcpgw_bind4(ctx: SockAddrContext) -> i32 {
    report(ctx.sock_addr, act::BIND, AF_INET);
    GO_ON
}

#[cgroup_sock_addr(bind6)]
pub(crate) fn mcpgw_bind6(ctx: SockAddrContext) -> i32 {
    report(ctx.sock_addr, act::BIND, AF_INET6);
    GO_ON
}

#[inline(always)]
fn report(address: *const bpf_sock_addr, act: u16, family: u16) -> Option<()> {
    let TaskState { bits, group } = state(current_tgid());
    if bits & TASK_EFFECTS == 0 {
        return None;
    }
    let lane = claim(group)?;
    let record: *mut SocketEffect = lane.record();
    // SAFETY: the lane's memory, ours until it is released.
    let record = unsafe { &mut *record };
    record.act = act;
    record.family = family;
    record.group = group;
    record.reserved = 0;
    // SAFETY: the program's context; the kernel checks that this program may read the member.
    let port = unsafe { &raw const (*address).user_port };
    // SAFETY: as above.
    record.port = u16::from_be(unsafe { port.read_volatile() } as u16);
    // SAFETY: as above.
    let protocol = unsafe { &raw const (*address).protocol };
    // SAFETY: as above.
    record.protocol = unsafe { protocol.read_volatile() } as u16;
    let words: *mut [u32; 4] = (&raw mut record.addr).cast();
    // SAFETY: 16 bytes at an offset that is a multiple of 8.
    let words = unsafe { &mut *words };
    if family == AF_INET {
        // SAFETY: as for the port.
        let ip4 = unsafe { &raw const (*address).user_ip4 };
        // SAFETY: as for the port.
        *words = [unsafe { ip4.read_volatile() }, 0, 0, 0];
    } else {
        // SAFETY: as for the port.
        let ip6 = unsafe { &raw const (*address).user_ip6 }.cast::<u32>();
        for (index, word) in words.iter_mut().enumerate() {
            // SAFETY: as for the port; there are four.
            let place = unsafe { ip6.add(index) };
            // SAFETY: as for the port.
            *word = unsafe { place.read_volatile() };
        }
    }
    let len = size_of::<SocketEffect>() as u64;
    let is_sent = lane.send(&EFFECTS, kind::SOCKET_EFFECT, len, &Identity::current());
    lane.release();
    if !is_sent {
        untold(group);
    }
    None
}
