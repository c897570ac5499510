//! Where a connection may go: a host, a network or a name, and ports.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::Hosts;
use crate::effects::Protocol;

/// The port of name services.
const DNS: u16 = 53;

/// Addresses and ports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Destination {
    /// Over this protocol only.
    pub protocol: Option<Protocol>,
    /// Which hosts.
    pub host: Host,
    /// Which ports.
    pub ports: Ports,
    written: Box<str>,
}

/// Which hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// `*`
    Any,
    /// An address, or a network.
    Network {
        /// In its shortest form: no IPv4 within IPv6; bits behind the prefix are zero.
        address: IpAddr,
        /// Bits that count.
        prefix: u8,
    },
    /// Whatever addresses the name has.
    Name(Box<str>),
}

/// Ports from the first to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// The first.
    pub first: u16,
    /// The last.
    pub last: u16,
}

impl Ports {
    /// All of them.
    pub const ALL: Self = Self { first: 0, last: u16::MAX };
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl TryFrom<String> for Destination {
    type Error = String;

    fn try_from(written: String) -> Result<Self, String> {
        Self::new(&written)
    }
}

impl From<Destination> for String {
    fn from(destination: Destination) -> Self {
        destination.written.into()
    }
}

impl Destination {
    /// Reads `[tcp:|udp:]HOST[:PORT[-PORT]]`, HOST being `*`, an address, a network (`10.0.0.0/8`, `[2001:db8::]/32`) or a
    /// name.
    ///
    /// # Errors
    /// Why it is none.
    pub fn new(written: &str) -> Result<Self, String> {
        let (protocol, rest) = match written.split_once(':') {
            Some(("tcp", rest)) => (Some(Protocol::Tcp), rest),
            Some(("udp", rest)) => (Some(Protocol::Udp), rest),
            Some(_) | None => (None, written),
        };
        let wrong = |why: &str| format!("`{written}` {why}");
        let (host, ports) = split(rest).ok_or_else(|| wrong("has no host: `HOST:PORT`"))?;
        let ports = match ports {
            None | Some("*") => Ports::ALL,
            Some(ports) => {
                let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
                match (first.parse(), last.parse()) {
                    (Ok(first), Ok(last)) if first <= last => Ports { first, last },
                    _ => return Err(wrong("has no such port: a number to 65535, or two with `-` between")),
                }
            }
        };
        let host = host_of(host).map_err(wrong)?;
        Ok(Self { protocol, host, ports, written: written.into() })
    }

    /// An address it means, over `protocol`.
    #[must_use]
    pub fn holds(&self, address: SocketAddr, protocol: Protocol, hosts: &Hosts) -> bool {
        let Ports { first, last } = self.ports;
        let ip = address.ip().to_canonical();
        self.protocol.is_none_or(|own| own == protocol)
            && (first..=last).contains(&address.port())
            && match &self.host {
                Host::Any => true,
                Host::Network { address, prefix } => masked(ip, *prefix) == *address,
                Host::Name(name) => hosts.addresses(name).contains(&ip),
            }
    }
}

/// An address of a name service, which whoever may connect to a name has to ask first.
pub(super) fn is_name_service(address: SocketAddr, hosts: &Hosts) -> bool {
    address.port() == DNS && hosts.resolvers().contains(&address.ip().to_canonical())
}

/// Host and port, as far as they are there.
fn split(text: &str) -> Option<(&str, Option<&str>)> {
    let (host, ports) = if let Some(bracketed) = text.strip_prefix('[') {
        let (address, behind) = bracketed.split_once(']')?;
        // The prefix of a network stands behind the bracket, and the port behind that.
        let (network, port) = behind.split_once(':').map_or((behind, None), |(net, port)| (net, Some(port)));
        let end = 1 + address.len() + 1 + network.len();
        (text.get(..end)?, port)
    } else if text.matches(':').count() > 1 {
        (text, None)
    } else {
        text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)))
    };
    (!host.is_empty()).then_some((host, ports))
}

fn host_of(text: &str) -> Result<Host, &'static str> {
    if text == "*" {
        return Ok(Host::Any);
    }
    let (address, prefix) =
        text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let plain = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address);
    if let Ok(address) = plain.parse::<IpAddr>() {
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix.map(str::parse::<u8>) {
            None => most,
            Some(Ok(prefix)) if prefix <= most => prefix,
            Some(_) => return Err("has no such prefix: at most 32 bits of IPv4, 128 of IPv6"),
        };
        let canonical = address.to_canonical();
        let prefix =
            if canonical.is_ipv4() && address.is_ipv6() { prefix.saturating_sub(96) } else { prefix };
        return Ok(Host::Network { address: masked(canonical, prefix), prefix });
    }
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if name.contains(['*', '?']) {
        return Err(
            "has a wildcard, and what it stands for cannot be looked up: write each name, or addresses",
        );
    }
    // What ends in a number would be an address, written wrongly.
    let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    if name.len() > 253 || !name.split('.').all(is_label) || name.rsplit('.').next().is_some_and(is_number) {
        return Err("names no host: an address, a network, a name or `*`");
    }
    Ok(Host::Name(name.into()))
}

/// `address` without the bits behind the first `prefix`.
fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let bits = u32::MAX.checked_shl(32_u32.saturating_sub(prefix.into())).unwrap_or(0);
            IpAddr::from((address.to_bits() & bits).to_be_bytes())
        }
        IpAddr::V6(address) => {
            let bits = u128::MAX.checked_shl(128_u32.saturating_sub(prefix.into())).unwrap_or(0);
            IpAddr::from((address.to_bits() & bits).to_be_bytes())
        }
    }
}
