//! Ports of a test's own.

use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd as _, IntoRawFd as _};

use nix::sys::socket::sockopt::ReuseAddr;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, bind, getsockname, setsockopt, socket,
};

/// A TCP port of loopback where nobody listens but whom a test tells to.
///
/// It stays bound until the tests end, so that nobody else is given it; as servers do that too, they may say that it is shared
/// with somebody who does not listen.
pub(crate) fn reserved_port() -> u16 {
    let held = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).expect("a socket");
    setsockopt(&held, ReuseAddr, &true).expect("it is not bound yet");
    let any = SockaddrIn::from(std::net::SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));
    bind(held.as_raw_fd(), &any).expect("loopback has a free port");
    let bound: SockaddrIn = getsockname(held.as_raw_fd()).expect("it is bound");
    let _for_good = held.into_raw_fd();
    bound.port()
}
