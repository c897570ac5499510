//! Where connections and datagrams go, and where listeners are. The programs on cgroups ([`crate::confine`]) cannot be used
//! where a server shares its cgroup with others.

use aya_ebpf::macros::lsm;
use aya_ebpf::programs::LsmContext;
use mcpgw_common::map::{DESTINATIONS_CONNECT, DESTINATIONS_LISTEN, REFUSED_CONNECT, REFUSED_LISTEN};

use super::{GO_ON, Held, REFUSE};
use crate::confine::{bit_of, lets};
use crate::family::{AF_INET, AF_INET6, AF_UNSPEC};
use crate::globals::offset;
use crate::kread::Kptr;

/// Of a `sockaddr_in` and a `sockaddr_in6`.
const PORT: u32 = 2;
/// Of a `sockaddr_in`.
const ADDRESS4: u32 = 4;
/// Of a `sockaddr_in6`.
const ADDRESS6: u32 = 8;

#[lsm(hook = "socket_connect")]
pub(crate) fn mcpgw_rules_connect(ctx: LsmContext) -> i32 {
    // Without a family it is no connection but the end of one.
    judge(&ctx, Some(ctx.arg::<u64>(1)), DESTINATIONS_CONNECT, false)
}

#[lsm(hook = "socket_sendmsg")]
pub(crate) fn mcpgw_rules_send(ctx: LsmContext) -> i32 {
    let message = Kptr::new(ctx.arg::<u64>(1));
    judge(&ctx, message.and_then(|message| message.read(offset!(msghdr_name))), DESTINATIONS_CONNECT, true)
}

#[lsm(hook = "socket_bind")]
pub(crate) fn mcpgw_rules_bind(ctx: LsmContext) -> i32 {
    judge(&ctx, Some(ctx.arg::<u64>(1)), DESTINATIONS_LISTEN, true)
}

#[inline(always)]
fn judge(ctx: &LsmContext, address: Option<u64>, way: u32, is_v4_unsaid: bool) -> i32 {
    if ctx.arg::<u64>(3) as i32 != GO_ON {
        return REFUSE;
    }
    let Some(held) = Held::current() else { return GO_ON };
    // Nothing is said of where to: it goes where the socket is connected to.
    let Some(address) = address.and_then(Kptr::new) else { return GO_ON };
    let to = Kptr::new(ctx.arg::<u64>(0)).and_then(|socket| to(socket, address, is_v4_unsaid));
    let is_let = match to {
        Some(To { addr: Some(addr), port, bit }) => lets(&held.rules().addresses, addr, way, port, bit),
        Some(To { addr: None, .. }) => true,
        None => false,
    };
    if is_let {
        return GO_ON;
    }
    held.refused(if way == DESTINATIONS_CONNECT { REFUSED_CONNECT } else { REFUSED_LISTEN });
    REFUSE
}

/// An address; none of a family that is none of ours.
struct To {
    addr: Option<[u8; 16]>,
    port: u16,
    bit: u32,
}

#[inline(always)]
fn to(socket: Kptr, address: Kptr, is_v4_unsaid: bool) -> Option<To> {
    let sock = socket.follow(offset!(socket_sk))?;
    let own: u16 = sock.read(offset!(sock_family))?;
    let bit = bit_of(sock.read::<u16>(offset!(sock_protocol))? as u32);
    let family: u16 = address.read(0)?;
    let port = u16::from_be(address.read(PORT)?);
    let nowhere = Some(To { addr: None, port, bit });
    if own != AF_INET && own != AF_INET6 {
        return nowhere;
    }
    match family {
        AF_INET => Some(To { addr: Some(v4(address)?), port, bit }),
        AF_INET6 => Some(To { addr: Some(address.read(ADDRESS6)?), port, bit }),
        AF_UNSPEC if is_v4_unsaid => Some(To { addr: Some(v4(address)?), port, bit }),
        // The kernel takes it for no address either.
        _ => nowhere,
    }
}

/// As IPv6 has it.
#[inline(always)]
fn v4(address: Kptr) -> Option<[u8; 16]> {
    let [a, b, c, d] = address.read::<[u8; 4]>(ADDRESS4)?;
    Some([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d])
}
