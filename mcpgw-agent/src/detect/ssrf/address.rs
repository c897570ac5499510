//! Numbers that are addresses, and what they reach.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::Reach;

/// What an address of version 4 reaches; nothing for one of the internet.
pub(super) fn reach4(address: Ipv4Addr) -> Option<Reach> {
    let [a, b, c, d] = address.octets();
    match (a, b, c, d) {
        // AWS, Azure, Google, Oracle, DigitalOcean and others; AWS' containers and pods; Alibaba; Oracle; Azure.
        (169, 254, 169, 254 | 253 | 250)
        | (169, 254, 170, 2 | 23)
        | (100, 100, 100, 200)
        | (192, 0, 0, 192)
        | (168, 63, 129, 16) => Some(Reach::Metadata),
        (169, 254, ..) => Some(Reach::LinkLocal),
        // All addresses of the machine are reached by `0.0.0.0`.
        (0 | 127, ..) => Some(Reach::Loopback),
        (10, ..)
        | (172, 16..=31, ..)
        | (192, 168, ..)
        | (100, 64..=127, ..)
        | (192, 0, 0, _)
        | (198, 18 | 19, ..) => Some(Reach::Private),
        (224..=255, ..) => Some(Reach::Private),
        _ => None,
    }
}

/// What an address of version 6 reaches, and whether it is one of version 4 in disguise.
pub(super) fn reach6(address: Ipv6Addr) -> (Option<Reach>, bool) {
    // AWS, Google.
    const METADATA: [Ipv6Addr; 3] = [
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
        Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    ];
    let segments = address.segments();
    if METADATA.contains(&address) {
        return (Some(Reach::Metadata), false);
    }
    if let Some(reach) = embedded(segments).into_iter().flatten().find_map(reach4) {
        return (Some(reach), true);
    }
    let reach = match segments {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => Some(Reach::Loopback),
        [0xfe80..=0xfebf, ..] => Some(Reach::LinkLocal),
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] | [0xff00..=0xffff, ..] => Some(Reach::Private),
        _ => None,
    };
    (reach, false)
}

/// The addresses of version 4 that one of version 6 carries.
fn embedded(segments: [u16; 8]) -> [Option<Ipv4Addr>; 2] {
    let [_, b, c, d, e, f, g, h] = segments;
    let of = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Some(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // Not `::` and `::1`, which are nobody's disguise.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => [None, None],
        // Compatible; mapped; translated.
        [0, 0, 0, 0, 0 | 0xffff, 0 | 0xffff, ..] => [of(g, h), None],
        // NAT64, also where the network chose the prefix.
        [0x64, 0xff9b, ..] => [of(g, h), None],
        // 6to4.
        [0x2002, ..] => [of(b, c), None],
        // Teredo: server, and client with all bits turned.
        [0x2001, 0, ..] => [of(c, d), of(!g, !h)],
        // ISATAP.
        _ if matches!(e, 0 | 0x200) && f == 0x5efe => [of(g, h), None],
        _ => [None, None],
    }
}

/// The addresses some program takes `text` for that has numbers between its dots: in decimal, octal and hexadecimal, in
/// one to four parts, and with parts that are too large.
pub(super) fn numbers(text: &str) -> impl Iterator<Item = Ipv4Addr> + use<> {
    // What begins with a nought is octal to some and decimal to others.
    let (octal, decimal) = (address(text, true), address(text, false));
    octal.into_iter().chain(decimal.filter(|_| decimal != octal))
}

fn address(text: &str, octal: bool) -> Option<Ipv4Addr> {
    let (mut value, mut shift) = (0_u64, 32_u32);
    let mut parts = text.split('.').peekable();
    while let Some(part) = parts.next() {
        let part = number(part, octal)?;
        // Some cut off what is too large.
        if parts.peek().is_none() {
            value |= part & ((1 << shift) - 1);
        } else {
            shift = shift.checked_sub(8).filter(|shift| *shift > 0)?;
            value |= (part & 0xff) << shift;
        }
    }
    u32::try_from(value).ok().map(Ipv4Addr::from)
}

fn number(text: &str, octal: bool) -> Option<u64> {
    if text.len() > 20 {
        return None;
    }
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    match hex {
        Some("") => Some(0),
        Some(digits) => u64::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+')),
        None if !text.bytes().all(|byte| byte.is_ascii_digit()) => None,
        None if octal && text.len() > 1 && text.starts_with('0') => u64::from_str_radix(text, 8).ok(),
        None => text.parse().ok(),
    }
}
