//! Rules about addresses as the probe looks them up: by the longest prefix, which therefore has to say everything the shorter
//! ones say as well. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;

use mcpgw_common::limit::PORT_RULES;
use mcpgw_common::map::{DestinationRule, PortRule, destination};

use crate::effects::Protocol;
use crate::policy::effects::{Addresses, Destination, Host, Hosts, Ports};

/// An address as IPv6 has it, and the bits of it that count.
pub(in crate::kernel) type Prefix = ([u8; 16], u8);

/// All of IPv4.
const MAPPED: Prefix = ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0], 96);
/// Every address.
const ALL: Prefix = ([0; 16], 0);
/// The port of name services.
const DNS: u16 = 53;

/// More is said of the ports of one network than the probe has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {PORT_RULES} different ranges of ports are said of one network")]
pub struct TooManyPorts;

/// Something that is said of a network.
struct Said {
    prefix: Prefix,
    ports: PortRule,
}

/// What `limit` says, by prefix.
///
/// # Errors
/// [`TooManyPorts`]
pub(in crate::kernel) fn table(
    limit: &Addresses,
    hosts: &Hosts,
) -> Result<BTreeMap<Prefix, DestinationRule>, TooManyPorts> {
    let allow = limit.allow.as_deref().unwrap_or_default();
    let mut all: Vec<Said> = allow.iter().flat_map(|one| said(one, hosts, 0)).collect();
    all.extend(limit.deny.iter().flat_map(|one| said(one, hosts, destination::DENIED)));
    if allow.iter().any(|one| matches!(one.host, Host::Name(_))) {
        // A name has to be asked for first.
        let ports = PortRule { first: DNS, last: DNS, bits: destination::TCP | destination::UDP };
        all.extend(hosts.resolvers().into_iter().map(|address| Said { prefix: exactly(address), ports }));
    }
    // IPv4 lies within IPv6, but what is said of networks of the latter is not meant of it.
    let mut prefixes: Vec<Prefix> = all.iter().map(|said| said.prefix).chain([MAPPED]).collect();
    prefixes.sort_unstable();
    prefixes.dedup();
    prefixes.into_iter().map(|prefix| Ok((prefix, rule(prefix, &all)?))).collect()
}

fn said<'a>(one: &'a Destination, hosts: &Hosts, shift: u32) -> impl Iterator<Item = Said> + use<'a> {
    let bits = match one.protocol {
        None => destination::TCP | destination::UDP | destination::OTHER,
        Some(Protocol::Tcp) => destination::TCP,
        Some(Protocol::Udp) => destination::UDP,
        Some(Protocol::Other(_)) => destination::OTHER,
    };
    let Ports { first, last } = one.ports;
    let ports = PortRule { first, last, bits: bits << shift };
    let prefixes = match &one.host {
        Host::Any => vec![ALL],
        Host::Network { address: IpAddr::V4(address), prefix } => {
            vec![(address.to_ipv6_mapped().octets(), prefix.saturating_add(MAPPED.1))]
        }
        Host::Network { address: IpAddr::V6(address), prefix } => vec![(address.octets(), *prefix)],
        Host::Name(name) => hosts.addresses(name).into_iter().map(exactly).collect(),
    };
    let is_any = one.host == Host::Any;
    prefixes.into_iter().flat_map(move |prefix| {
        // `*` is of IPv4, too; a network of IPv6 that holds its place is not.
        let both = if is_any { vec![ALL, MAPPED] } else { vec![prefix] };
        both.into_iter().map(move |prefix| Said { prefix, ports })
    })
}

fn exactly(address: IpAddr) -> Prefix {
    match address {
        IpAddr::V4(address) => (address.to_ipv6_mapped().octets(), 128),
        IpAddr::V6(address) => (address.octets(), 128),
    }
}

/// Everything that is said of `prefix`: by whatever holds it.
fn rule(prefix: Prefix, all: &[Said]) -> Result<DestinationRule, TooManyPorts> {
    let mut rule = DestinationRule::default();
    let mut ports: Vec<PortRule> =
        all.iter().filter(|said| holds(said.prefix, prefix)).map(|said| said.ports).collect();
    ports.sort_unstable_by_key(|ports| (ports.bits, ports.first, ports.last));
    ports.dedup();
    if ports.len() > rule.ports.len() {
        return Err(TooManyPorts);
    }
    for (place, ports) in rule.ports.iter_mut().zip(ports) {
        *place = ports;
    }
    Ok(rule)
}

/// `inner` lies in `outer`, and is of the same kind of address.
fn holds(outer: Prefix, inner: Prefix) -> bool {
    let is_v4 = |prefix: Prefix| prefix.1 >= MAPPED.1 && covers(MAPPED, prefix);
    is_v4(outer) == is_v4(inner) && covers(outer, inner)
}

fn covers((outer, length): Prefix, (inner, own): Prefix) -> bool {
    let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
    length <= own && (u128::from_be_bytes(outer) ^ u128::from_be_bytes(inner)) & mask == 0
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use proptest::prelude::*;

    use super::*;

    /// As the probe does it.
    fn probe(table: &BTreeMap<Prefix, DestinationRule>, to: SocketAddr, bit: u32, free: bool) -> bool {
        let (addr, _) = exactly(to.ip());
        let longest = table.iter().filter(|(prefix, _)| covers(**prefix, (addr, 128)));
        let rule = longest.max_by_key(|(prefix, _)| prefix.1).map(|(_, rule)| *rule).unwrap_or_default();
        let meant = rule.ports.iter().filter(|ports| (ports.first..=ports.last).contains(&to.port()));
        let said = meant.fold(0, |said, ports| said | ports.bits);
        (said & bit != 0 || free) && said & (bit << destination::DENIED) == 0
    }

    fn written() -> impl Strategy<Value = String> {
        let host = prop::sample::select(vec![
            "*",
            "10.0.0.0/8",
            "10.1.0.0/16",
            "10.1.2.3",
            "0.0.0.0/0",
            "[::]/0",
            "[2001:db8::]/32",
            "[2001:db8::1]",
            "one.example",
            "two.example",
        ]);
        let protocol = prop::sample::select(vec!["", "tcp:", "udp:"]);
        let ports = prop::sample::select(vec!["", ":80", ":80-90", ":443"]);
        (protocol, host, ports).prop_map(|(protocol, host, ports)| format!("{protocol}{host}{ports}"))
    }

    proptest! {
        #[test]
        fn the_probe_decides_as_the_rules_do(
            allow in prop::option::of(prop::collection::vec(written(), 0..5)),
            deny in prop::collection::vec(written(), 0..4),
            to in prop::sample::select(vec![
                "10.1.2.3:80", "10.1.9.9:85", "10.9.9.9:443", "192.0.2.1:443", "[2001:db8::1]:80", "[2001:db8::9]:443",
                "[2001:db9::1]:90", "127.0.0.53:53", "8.8.8.8:53",
            ]),
            tcp in any::<bool>(),
        ) {
            let hosts = Hosts::default();
            hosts.learn("one.example", &["192.0.2.1".parse().unwrap(), "2001:db9::1".parse().unwrap()]);
            hosts.set_resolvers(vec!["127.0.0.53".parse().unwrap()]);
            let read = |list: &Vec<String>| list.iter().map(|one| Destination::new(one).unwrap()).collect::<Vec<_>>();
            let limit = Addresses { allow: allow.as_ref().map(read), deny: read(&deny) };
            let to: SocketAddr = to.parse().unwrap();
            let (protocol, bit) = if tcp { (Protocol::Tcp, destination::TCP) } else { (Protocol::Udp, destination::UDP) };
            let means = |one: &Destination| one.holds(to, protocol, &hosts);
            let named = limit.allow.iter().flatten().any(|one| matches!(one.host, Host::Name(_)));
            let asks = named && to.port() == 53 && hosts.resolvers().contains(&to.ip());
            let allowed = limit.allow.as_ref().is_none_or(|allow| asks || allow.iter().any(means));
            let expected = allowed && !limit.deny.iter().any(means);
            let table = table(&limit, &hosts).unwrap();
            prop_assert_eq!(probe(&table, to, bit, limit.allow.is_none()), expected, "{:?}", limit);
        }
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let allow = (0..17).map(|port| Destination::new(&format!("10.0.0.1:{port}")).unwrap()).collect();
        assert_eq!(
            table(&Addresses { allow: Some(allow), deny: Vec::new() }, &Hosts::default()),
            Err(TooManyPorts)
        );
    }
}
