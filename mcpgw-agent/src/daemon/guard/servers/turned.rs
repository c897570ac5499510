//! A server whose connections are denied or steered: every address it is reached at on this host.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::MetadataExt as _;

use super::Reason;
use crate::admin::guard::TurnedView;
use crate::guard::{Action, Because, Decision};
use crate::inventory::{Listener, Suspect};
use crate::kernel::{Kernel, Target, Turned};

/// Addresses of one server at most.
const MOST: usize = 64;

/// A server whose connections are denied or steered.
#[derive(Debug)]
pub(super) struct TurnedServer {
    id: String,
    action: Action,
    reason: Reason,
    endpoint: String,
    targets: Vec<(Target, u32)>,
    to: Option<u16>,
    connections: u64,
}

impl TurnedServer {
    /// Nothing is done yet.
    pub(super) fn new(suspect: &Suspect, decision: &Decision<'_>, own_net_ns: u32) -> Self {
        let endpoint = suspect.listeners.first().map(|listener| listener.addr.to_string());
        Self {
            id: suspect.id.clone(),
            action: decision.action,
            reason: Reason::of(decision.because),
            endpoint: endpoint.unwrap_or_default(),
            targets: targets(&suspect.listeners, own_net_ns).into_iter().map(|target| (target, 0)).collect(),
            to: None,
            connections: 0,
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn action(&self) -> Action {
        self.action
    }

    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(super) fn because(&self) -> Because<'_> {
        self.reason.lend()
    }

    /// Has the kernel do it; `how` says what for an address, `None` to let it be.
    pub(super) fn turn(
        &mut self,
        kernel: &mut Kernel,
        how: impl Fn(IpAddr) -> Option<Turned>,
    ) -> Result<(), String> {
        for (target, _) in &self.targets {
            let Some(how) = how(target.addr.ip()) else { continue };
            if let Turned::Steer(port) = how {
                self.to = Some(port);
            }
            kernel.turn(target, how).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    pub(super) fn let_be(&self, kernel: &mut Kernel) {
        for (target, _) in &self.targets {
            if let Err(error) = kernel.let_be(target) {
                tracing::error!(%error, addr = %target.addr, "connections are still turned");
            }
        }
    }

    /// Connections since the last time, and who made the last.
    pub(super) fn fresh(&mut self, kernel: &Kernel) -> Option<(u32, u32)> {
        let mut count = 0_u32;
        let mut last = 0;
        for (target, counted) in &mut self.targets {
            let Some((hits, pid)) = kernel.turned(target) else { continue };
            let new = hits.wrapping_sub(*counted);
            *counted = hits;
            if new > 0 {
                count = count.saturating_add(new);
                last = pid;
            }
        }
        self.connections += u64::from(count);
        (count > 0).then_some((count, last))
    }

    pub(super) fn view(&self) -> TurnedView {
        TurnedView {
            server: self.id.clone(),
            act: self.action.as_str().to_owned(),
            endpoint: self.endpoint.clone(),
            to: self.to.map(|port| format!("127.0.0.1:{port}")),
            connections: self.connections,
        }
    }
}

/// Every address of this host at which one of `listeners` is reached.
fn targets(listeners: &[Listener], own_net_ns: u32) -> Vec<Target> {
    let mut all = BTreeSet::new();
    for listener in listeners {
        let net_ns = if listener.net_ns == 0 { own_net_ns } else { listener.net_ns };
        let port = listener.addr.port();
        let local = if net_ns == own_net_ns { local_addresses() } else { Vec::new() };
        let mut add = |ip: IpAddr, is_all: bool| all.insert((SocketAddr::new(ip, port), net_ns, is_all));
        let v4 = |ip: Ipv4Addr| IpAddr::V4(ip);
        let v6 = |ip: Ipv6Addr| IpAddr::V6(ip);
        let ip = listener.addr.ip().to_canonical();
        if ip.is_unspecified() {
            // A socket for every IPv6 address is one for IPv4, too, unless it says otherwise.
            add(v4(Ipv4Addr::LOCALHOST), true);
            add(v4(Ipv4Addr::UNSPECIFIED), false);
            if ip.is_ipv6() {
                add(v6(Ipv6Addr::LOCALHOST), false);
                add(v6(Ipv6Addr::UNSPECIFIED), false);
            }
            let of_family = |local: &IpAddr| local.is_ipv4() || ip.is_ipv6();
            for local in local.into_iter().filter(of_family) {
                add(local, false);
            }
        } else {
            add(ip, false);
            // Who connects to no address comes to loopback.
            if ip == v4(Ipv4Addr::LOCALHOST) {
                add(v4(Ipv4Addr::UNSPECIFIED), false);
            } else if ip == v6(Ipv6Addr::LOCALHOST) {
                add(v6(Ipv6Addr::UNSPECIFIED), false);
            }
        }
    }
    let target = |(addr, net_ns, is_all_loopback)| Target { addr, net_ns, is_all_loopback };
    all.into_iter().take(MOST).map(target).collect()
}

/// Addresses of this host's interfaces, loopback left out.
pub(in crate::daemon) fn local_addresses() -> Vec<IpAddr> {
    let found = nix::ifaddrs::getifaddrs().into_iter().flatten().filter_map(|interface| {
        let address = interface.address?;
        let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
        v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
    });
    found.filter(|ip| !ip.is_loopback()).collect()
}

/// Our network namespace's inode.
pub(super) fn own_net_ns() -> u32 {
    let inode = std::fs::metadata("/proc/self/ns/net").map_or(0, |file| file.ino());
    u32::try_from(inode).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(addr: &str) -> Vec<String> {
        let listener = Listener { addr: addr.parse().unwrap(), net_ns: 7 };
        targets(&[listener], 1).iter().map(|target| target.addr.to_string()).collect()
    }

    #[test]
    fn a_server_is_reached_where_it_listens_and_nowhere_else() {
        assert_eq!(addresses("127.0.0.1:80"), ["0.0.0.0:80", "127.0.0.1:80"]);
        assert_eq!(addresses("127.0.0.5:80"), ["127.0.0.5:80"]);
        assert_eq!(addresses("[::1]:80"), ["[::]:80", "[::1]:80"]);
        assert_eq!(addresses("192.0.2.1:80"), ["192.0.2.1:80"]);
        assert_eq!(addresses("0.0.0.0:80"), ["0.0.0.0:80", "127.0.0.1:80"]);
        assert_eq!(addresses("[::]:80"), ["0.0.0.0:80", "127.0.0.1:80", "[::]:80", "[::1]:80"]);
        assert_eq!(addresses("[::ffff:127.0.0.1]:80"), ["0.0.0.0:80", "127.0.0.1:80"]);
    }
}
