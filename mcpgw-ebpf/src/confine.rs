//! Where the processes of a cgroup may connect, send and listen: attached to cgroups of servers, never to the root. Rules are
//! keys in a map; a cgroup nobody made rules for may do nothing, since nobody else has these programs.

use aya_ebpf::bindings::bpf_sock_addr;
use aya_ebpf::helpers::generated::bpf_get_current_ancestor_cgroup_id;
use aya_ebpf::macros::cgroup_sock_addr;
use aya_ebpf::maps::lpm_trie::Key;
use aya_ebpf::programs::SockAddrContext;
use mcpgw_common::limit;
use mcpgw_common::map::{
    Confined, DESTINATIONS_CONNECT, DESTINATIONS_LISTEN, DestinationKey, DestinationRule, destination,
};

use crate::maps::{CONFINED, DESTINATIONS};

const GO_ON: i32 = 1;
const REFUSE: i32 = 0;
const IPPROTO_TCP: u32 = 6;
const IPPROTO_UDP: u32 = 17;
const IPPROTO_MPTCP: u32 = 262;
/// Bits of a key.
const KEY_BITS: u32 = size_of::<DestinationKey>() as u32 * 8;

#[cgroup_sock_addr(connect4)]
pub(crate) fn mcpgw_may_connect4(ctx: SockAddrContext) -> i32 {
    judge(ctx.sock_addr, v4(ctx.sock_addr), DESTINATIONS_CONNECT)
}

#[cgroup_sock_addr(connect6)]
pub(crate) fn mcpgw_may_connect6(ctx: SockAddrContext) -> i32 {
    judge(ctx.sock_addr, v6(ctx.sock_addr), DESTINATIONS_CONNECT)
}

#[cgroup_sock_addr(sendmsg4)]
pub(crate) fn mcpgw_may_send4(ctx: SockAddrContext) -> i32 {
    judge(ctx.sock_addr, v4(ctx.sock_addr), DESTINATIONS_CONNECT)
}

#[cgroup_sock_addr(sendmsg6)]
pub(crate) fn mcpgw_may_send6(ctx: SockAddrContext) -> i32 {
    judge(ctx.sock_addr, v6(ctx.sock_addr), DESTINATIONS_CONNECT)
}

#[cgroup_sock_addr(bind4)]
pub(crate) fn mcpgw_may_bind4(ctx: SockAddrContext) -> i32 {
    judge(ctx.sock_addr, v4(ctx.sock_addr), DESTINATIONS_LISTEN)
}

#[cgroup_sock_addr(bind6)]
pub(crate) fn mcpgw_may_bind6(ctx: SockAddrContext) -> i32 {
    judge(ctx.sock_addr, v6(ctx.sock_addr), DESTINATIONS_LISTEN)
}

/// Every cgroup above the process that has rules must let it: one of them cannot be left by making another below it.
#[inline(always)]
fn judge(address: *const bpf_sock_addr, addr: [u8; 16], way: u32) -> i32 {
    // SAFETY: the program's context; the kernel checks that this program may read the member.
    let port = unsafe { &raw const (*address).user_port };
    // SAFETY: as above.
    let port = u16::from_be(unsafe { port.read_volatile() } as u16);
    // SAFETY: as above.
    let protocol = unsafe { &raw const (*address).protocol };
    // SAFETY: as above.
    let bit = bit_of(unsafe { protocol.read_volatile() });
    let mut is_confined = false;
    for level in 1..limit::ANCESTORS {
        // SAFETY: a level that is not there gives 0, which is no cgroup's id.
        let ancestor = unsafe { bpf_get_current_ancestor_cgroup_id(level as i32) };
        if ancestor == 0 {
            break;
        }
        // SAFETY: user space replaces values whole, and never while processes are there.
        let Some(confined) = (unsafe { CONFINED.get(ancestor) }) else { continue };
        is_confined = true;
        if !lets(confined, addr, way, port, bit) {
            return REFUSE;
        }
    }
    if is_confined { GO_ON } else { REFUSE }
}

/// What rules call a protocol.
#[inline(always)]
pub(crate) fn bit_of(protocol: u32) -> u32 {
    match protocol {
        // To others a connection of MPTCP is one of TCP.
        IPPROTO_TCP | IPPROTO_MPTCP => destination::TCP,
        IPPROTO_UDP => destination::UDP,
        _ => destination::OTHER,
    }
}

/// The rules of a group let it.
#[inline(always)]
pub(crate) fn lets(confined: &Confined, addr: [u8; 16], way: u32, port: u16, bit: u32) -> bool {
    // A datagram socket gets any port to send from: nobody is to reach it there.
    if way == DESTINATIONS_LISTEN && bit == destination::UDP && port == 0 {
        return true;
    }
    let Confined { group, free } = *confined;
    let key = Key::new(KEY_BITS, DestinationKey { group, way, addr });
    let said = match DESTINATIONS.get(&key) {
        Some(rule) => said_of(rule, port),
        None => 0,
    };
    (said & bit != 0 || free & way != 0) && said & (bit << destination::DENIED) == 0
}

/// Everything the rule says of `port`.
#[inline(always)]
fn said_of(rule: &DestinationRule, port: u16) -> u32 {
    let mut said = 0;
    for ports in &rule.ports {
        if ports.first <= port && port <= ports.last {
            said |= ports.bits;
        }
    }
    said
}

/// As IPv6 has it.
#[inline(always)]
fn v4(address: *const bpf_sock_addr) -> [u8; 16] {
    // SAFETY: the program's context; the kernel checks that this program may read the member.
    let ip4 = unsafe { &raw const (*address).user_ip4 };
    // SAFETY: as above.
    let [a, b, c, d] = unsafe { ip4.read_volatile() }.to_ne_bytes();
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d]
}

#[inline(always)]
fn v6(address: *const bpf_sock_addr) -> [u8; 16] {
    // SAFETY: as for IPv4.
    let ip6 = unsafe { &raw const (*address).user_ip6 }.cast::<u32>();
    let mut words = [0_u32; 4];
    for (index, word) in words.iter_mut().enumerate() {
        // SAFETY: as for IPv4; there are four.
        let place = unsafe { ip6.add(index) };
        // SAFETY: as for IPv4.
        *word = unsafe { place.read_volatile() };
    }
    let mut addr = [0; 16];
    for (bytes, word) in addr.chunks_exact_mut(4).zip(words) {
        bytes.copy_from_slice(&word.to_ne_bytes());
    }
    addr
}
