//! Addresses that a tool connects to, in few words: a service that answers at many addresses of a network stands for all of
//! them, and so does a host at which many ports are used.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use crate::effects::Protocol;

/// Addresses of a network at one port that make it stand for all of them, and networks of a larger one likewise.
const MANY: usize = 4;
/// Ports of one address that make it stand for all of them.
const MANY_PORTS: usize = 8;
/// Of one tool.
pub(super) const DESTINATIONS_MAX: usize = 64;
/// Bits of the networks that stand for their addresses, the smaller first: of IPv4 and of IPv6.
const NETWORKS: [[u8; 2]; 2] = [[24, 16], [64, 48]];

/// A place that is connected to: `tcp:192.0.2.1:443`, `udp:[2001:db8::]/64:*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Destination {
    /// The number of the protocol.
    protocol: u8,
    /// Any port where there is none.
    port: Option<u16>,
    /// Bits of the address that count.
    prefix: u8,
    address: IpAddr,
}

impl Destination {
    /// One address.
    #[must_use]
    pub fn of(to: SocketAddr, protocol: Protocol) -> Self {
        let address = to.ip().to_canonical();
        Self { protocol: number(protocol), port: Some(to.port()), prefix: bits(address), address }
    }

    fn covers(&self, other: &Self) -> bool {
        self.protocol == other.protocol
            && self.port.is_none_or(|port| Some(port) == other.port)
            && self.prefix <= other.prefix
            && masked(other.address, self.prefix) == Some(self.address)
    }

    fn within(self, prefix: u8) -> Option<Self> {
        (self.prefix >= prefix).then_some(())?;
        Some(Self { prefix, address: masked(self.address, prefix)?, ..self })
    }
}

/// Destinations of one tool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Destinations(BTreeSet<Destination>);

impl Destinations {
    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Destination> {
        self.0.iter()
    }

    /// There are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn put(&mut self, destination: Destination) {
        self.0.insert(destination);
    }

    /// It is one of them.
    pub(super) fn covers(&self, destination: &Destination) -> bool {
        self.0.iter().any(|own| own.covers(destination))
    }

    /// It is connected to. Says whether that is news; where there is no room it stays news.
    pub(super) fn add(&mut self, destination: Destination) -> bool {
        if self.covers(&destination) {
            return false;
        }
        self.0.insert(destination);
        let of_ports = |own: &&Destination| {
            (own.protocol, own.address, own.prefix)
                == (destination.protocol, destination.address, destination.prefix)
        };
        if self.0.iter().filter(of_ports).count() >= MANY_PORTS {
            self.replace(Destination { port: None, ..destination });
        }
        let networks = match destination.address {
            IpAddr::V4(_) => NETWORKS[0],
            IpAddr::V6(_) => NETWORKS[1],
        };
        // Everybody on this host is the same to whoever is on it: what tells services apart there are their ports.
        let mut narrower = bits(destination.address);
        for prefix in networks.into_iter().filter(|_| !destination.address.is_loopback()) {
            let Some(network) = destination.within(prefix) else { continue };
            let inner = self.0.iter().filter(|own| network.port == own.port && network.covers(own));
            let parts: BTreeSet<_> =
                inner.filter_map(|own| own.within(narrower)).map(|own| own.address).collect();
            if parts.len() >= MANY {
                self.replace(network);
            }
            narrower = prefix;
        }
        if self.0.len() > DESTINATIONS_MAX {
            self.0.remove(&destination);
        }
        true
    }

    fn replace(&mut self, with: Destination) {
        self.0.retain(|own| !with.covers(own));
        self.0.insert(with);
    }
}

fn number(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Tcp => 6,
        Protocol::Udp => 17,
        Protocol::Other(number) => number,
    }
}

fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The first `prefix` bits; `None` where it has fewer.
fn masked(address: IpAddr, prefix: u8) -> Option<IpAddr> {
    let rest = bits(address).checked_sub(prefix)?;
    Some(match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(rest.into()).unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(rest.into()).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    })
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.protocol {
            6 => f.write_str("tcp:")?,
            17 => f.write_str("udp:")?,
            other => write!(f, "{other}:")?,
        }
        match self.address {
            IpAddr::V4(address) => write!(f, "{address}")?,
            IpAddr::V6(address) => write!(f, "[{address}]")?,
        }
        if self.prefix < bits(self.address) {
            write!(f, "/{}", self.prefix)?;
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => f.write_str(":*"),
        }
    }
}

/// It is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoDestination;

impl FromStr for Destination {
    type Err = NoDestination;

    fn from_str(text: &str) -> Result<Self, NoDestination> {
        let read = || {
            let (protocol, rest) = text.split_once(':')?;
            let protocol = match protocol {
                "tcp" => 6,
                "udp" => 17,
                other => other.parse().ok()?,
            };
            let (host, port) = rest.rsplit_once(':')?;
            let port = if port == "*" { None } else { Some(port.parse().ok()?) };
            let (host, prefix) = match host.rsplit_once('/') {
                Some((host, prefix)) => (host, Some(prefix.parse::<u8>().ok()?)),
                None => (host, None),
            };
            let address: IpAddr = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
                Some(host) => IpAddr::V6(host.parse().ok()?),
                None => IpAddr::V4(host.parse().ok()?),
            };
            let prefix = prefix.unwrap_or(bits(address));
            (masked(address, prefix)? == address).then_some(Self { protocol, port, prefix, address })
        };
        read().ok_or(NoDestination)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(text: &str) -> Destination {
        Destination::of(text.parse().unwrap(), Protocol::Tcp)
    }

    fn shown(all: &Destinations) -> Vec<String> {
        all.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_network_stands_for_many_addresses_and_a_larger_one_for_many_networks() {
        let mut all = Destinations::default();
        for last in 1..4 {
            assert!(all.add(tcp(&format!("192.0.2.{last}:443"))));
        }
        assert_eq!(all.len(), 3);
        assert!(all.add(tcp("192.0.2.9:443")));
        assert_eq!(shown(&all), ["tcp:192.0.2.0/24:443"]);
        assert!(!all.add(tcp("192.0.2.200:443")) && !all.add(tcp("[::ffff:192.0.2.7]:443")));
        assert!(all.add(tcp("192.0.2.200:80")), "another port");
        for third in 10..14 {
            for last in 1..5 {
                all.add(tcp(&format!("198.51.{third}.{last}:443")));
            }
        }
        let expected = ["tcp:192.0.2.200:80", "tcp:198.51.0.0/16:443", "tcp:192.0.2.0/24:443"];
        assert_eq!(shown(&all), expected);
        for last in 1..5 {
            all.add(tcp(&format!("[2001:db8::{last}]:443")));
        }
        assert!(shown(&all).contains(&"tcp:[2001:db8::]/64:443".to_owned()), "{:?}", shown(&all));
    }

    #[test]
    fn many_ports_of_an_address_are_any_and_addresses_of_this_host_stay_apart() {
        let mut all = Destinations::default();
        for port in 1..8 {
            assert!(all.add(tcp(&format!("127.0.0.1:{port}"))));
        }
        assert!(all.add(tcp("127.0.0.1:8")) && !all.add(tcp("127.0.0.1:9")));
        assert_eq!(shown(&all), ["tcp:127.0.0.1:*"]);
        for last in 2..9 {
            assert!(all.add(tcp(&format!("127.0.0.{last}:80"))));
        }
        assert_eq!(all.len(), 8);
        assert!(all.add(Destination::of("127.0.0.1:9".parse().unwrap(), Protocol::Udp)), "another protocol");
    }

    #[test]
    fn there_is_a_bound_and_what_has_no_room_stays_news() {
        let mut all = Destinations::default();
        for first in 1..=200 {
            all.add(tcp(&format!("{first}.1.1.1:443")));
        }
        assert_eq!(all.len(), DESTINATIONS_MAX);
        assert!(all.add(tcp("200.1.1.1:443")));
    }

    #[test]
    fn what_is_shown_is_read_again_and_what_is_none_is_not() {
        for text in ["tcp:192.0.2.0/24:443", "udp:[2001:db8::]/48:*", "132:10.0.0.1:9", "tcp:0.0.0.0/0:*"] {
            assert_eq!(text.parse::<Destination>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "tcp:1.2.3.4",
            "tcp:1.2.3.4/24:1",
            "tcp:1.2.3.4/33:1",
            "tcp:::1:1",
            "x:1.2.3.4:1",
            "tcp:1.2.3.4:70000",
        ] {
            assert_eq!(text.parse::<Destination>(), Err(NoDestination), "{text}");
        }
    }
}
