//! Connections to servers that user space has named: refused, or sent to a gateway in front of the server. Obeys the keys
//! in `GUARDED` and nothing else; without keys every call goes on as it is.

use aya_ebpf::bindings::bpf_sock_addr;
use aya_ebpf::macros::cgroup_sock_addr;
use aya_ebpf::programs::SockAddrContext;
use mcpgw_common::map::{Destination, GUARD_DENY, GUARD_LOOPBACK, GUARD_STEER, Guarded, TASK_GATEWAY};

use crate::family::{AF_INET, AF_INET6};
use crate::maps::GUARDED;
use crate::task::{Task, bits, current_tgid, ignored};

const GO_ON: i32 = 1;
const REFUSE: i32 = 0;
const TCP: u32 = 6;
/// 127.0.0.1 and `::ffff:0:0`, as they lie in memory.
const LOOPBACK: u32 = u32::from_ne_bytes([127, 0, 0, 1]);
const MAPPED: u32 = u32::from_ne_bytes([0, 0, 0xff, 0xff]);
const ONE: u32 = u32::from_ne_bytes([0, 0, 0, 1]);

#[cgroup_sock_addr(connect4)]
pub(crate) fn mcpgw_guard4(ctx: SockAddrContext) -> i32 {
    let address = ctx.sock_addr;
    // SAFETY: the program's context; the kernel checks that this program may read the member.
    let place = unsafe { &raw const (*address).user_ip4 };
    // SAFETY: as above.
    let ip = unsafe { place.read_volatile() };
    let Some((action, port)) = told(address, [ip, 0, 0, 0], AF_INET) else { return GO_ON };
    if action == GUARD_STEER {
        // SAFETY: the program's context; the kernel checks that this program may write the member.
        let place = unsafe { &raw mut (*address).user_ip4 };
        // SAFETY: as above.
        unsafe { place.write_volatile(LOOPBACK) };
        set_port(address, port);
    }
    if action == GUARD_DENY { REFUSE } else { GO_ON }
}

#[cgroup_sock_addr(connect6)]
pub(crate) fn mcpgw_guard6(ctx: SockAddrContext) -> i32 {
    let address = ctx.sock_addr;
    let mut words = [0_u32; 4];
    for (index, word) in words.iter_mut().enumerate() {
        let place = word_of(address, index);
        // SAFETY: the program's context; there are four words.
        *word = unsafe { place.read_volatile() };
    }
    let [first, second, third, last] = words;
    let is_mapped = first == 0 && second == 0 && third == MAPPED;
    let found =
        if is_mapped { told(address, [last, 0, 0, 0], AF_INET) } else { told(address, words, AF_INET6) };
    let Some((action, port)) = found else { return GO_ON };
    if action == GUARD_STEER {
        if is_mapped {
            // SAFETY: as above, and it may be written.
            unsafe { word_of(address, 3).write_volatile(LOOPBACK) };
        } else {
            // SAFETY: as above.
            unsafe { word_of(address, 0).write_volatile(0) };
            // SAFETY: as above.
            unsafe { word_of(address, 1).write_volatile(0) };
            // SAFETY: as above.
            unsafe { word_of(address, 2).write_volatile(0) };
            // SAFETY: as above.
            unsafe { word_of(address, 3).write_volatile(ONE) };
        }
        set_port(address, port);
    }
    if action == GUARD_DENY { REFUSE } else { GO_ON }
}

#[inline(always)]
fn word_of(address: *mut bpf_sock_addr, index: usize) -> *mut u32 {
    // SAFETY: the program's context.
    let first = unsafe { &raw mut (*address).user_ip6 }.cast::<u32>();
    // SAFETY: callers stay below four.
    unsafe { first.add(index) }
}

#[inline(always)]
fn set_port(address: *mut bpf_sock_addr, port: u16) {
    // SAFETY: the program's context; the kernel checks that this program may write the member.
    let place = unsafe { &raw mut (*address).user_port };
    // SAFETY: as above.
    unsafe { place.write_volatile(u32::from(port.to_be())) };
}

/// What user space wants done about a connection to there.
#[inline(always)]
fn told(address: *mut bpf_sock_addr, words: [u32; 4], family: u16) -> Option<(u16, u16)> {
    // SAFETY: the program's context; the kernel checks that this program may read the member.
    let place = unsafe { &raw const (*address).protocol };
    // SAFETY: as above.
    if unsafe { place.read_volatile() } != TCP {
        return None;
    }
    // SAFETY: as above.
    let place = unsafe { &raw const (*address).user_port };
    // SAFETY: as above.
    let port = u16::from_be(unsafe { place.read_volatile() } as u16);
    let net_ns = Task::current()?.namespaces().network();
    let mut key = Destination { addr: words, net_ns, port, family };
    let mut found = GUARDED.get_ptr_mut(key);
    if found.is_none() && family == AF_INET && words[0].to_ne_bytes()[0] == 127 {
        key.addr = [LOOPBACK, 0, 0, 0];
        found = GUARDED.get_ptr_mut(key).filter(|value| flags(*value) & GUARD_LOOPBACK != 0);
    }
    let value: *mut Guarded = found?;
    let tgid = current_tgid();
    // Gateways are whom the server is there for.
    if ignored(tgid) || bits(tgid) & TASK_GATEWAY != 0 {
        return None;
    }
    // SAFETY: a live map value; user space only adds up.
    let value = unsafe { &mut *value };
    value.hits = value.hits.wrapping_add(1);
    value.last_tgid = tgid;
    Some((value.action, value.port))
}

#[inline(always)]
fn flags(value: *mut Guarded) -> u16 {
    // SAFETY: a live map value.
    unsafe { (*value).flags }
}
