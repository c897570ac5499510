//! Names that lead within.

use super::Reach;
use super::address::{numbers, reach4};

/// Names of this machine.
const HERE: &[&str] = &[
    "localhost",
    "localhost.localdomain",
    "localhost6",
    "localhost6.localdomain6",
    "localhost4",
    "ip6-localhost",
    "ip6-loopback",
    "loopback",
    "broadcasthost",
    "host.docker.internal",
    "gateway.docker.internal",
    "host.containers.internal",
    "kubernetes.docker.internal",
];
/// Names of metadata services.
const METADATA: &[&str] = &[
    "metadata",
    "metadata.google.internal",
    "metadata.goog",
    "metadata.azure.internal",
    "metadata.azure.com",
    "metadata.tencentyun.com",
    "metadata.packet.net",
    "metadata.platformequinix.com",
    "instance-data",
    "instance-data.ec2.internal",
    "rancher-metadata",
    "metadata.internal",
];
/// Ends of names that are not the internet's.
const INTERNAL: &[&str] = &[
    "internal",
    "local",
    "localdomain",
    "intranet",
    "intra",
    "corp",
    "lan",
    "private",
    "home",
    "home.arpa",
    "cluster.local",
    "svc",
    "consul",
];
/// Services that answer with the address in the name.
const ECHOES: &[&str] = &[
    "nip.io",
    "sslip.io",
    "xip.io",
    "ip6.name",
    "traefik.me",
    "local-ip.co",
    "local-ip.sh",
    "plex.direct",
    "1u.ms",
    "rbndr.us",
    "rebind.network",
    "rebind.it",
    "backname.io",
    "ipq.co",
    "xip.name",
    "dynip.me",
];
/// Names of the internet that are this machine's.
const LOOPS: &[&str] = &[
    "localtest.me",
    "lvh.me",
    "vcap.me",
    "lacolhost.com",
    "localho.st",
    "local.gd",
    "fuf.me",
    "yoogle.com",
    "smackaho.st",
    "42foo.com",
    "beweb.com",
    "fidr.net",
    "ulh.us",
    "mouse-potato.com",
    "127-0-0-1.org.uk",
    "bugbounty.dod.network",
    "spoofed.burpcollaborator.net",
    "localtls.com",
    "loopback.jp",
    "lcl.host",
    "localhost.pw",
    "my127.site",
    "127001.me",
];

/// What the name `host`, in lower case and without a dot at its end, leads to; and whether it is a common name for it.
pub(super) fn reach(host: &str) -> Option<(Reach, bool)> {
    // None is shorter than `a.lan`.
    if host.len() < 5 {
        return None;
    }
    if METADATA.contains(&host) {
        return Some((Reach::Metadata, true));
    }
    let last = host.rsplit('.').next()?;
    if HERE.contains(&host) || last == "localhost" {
        return Some((Reach::Loopback, true));
    }
    let is_below =
        |end: &&str| host.strip_suffix(*end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    if LOOPS.iter().any(|end| is_below(end)) {
        return Some((Reach::Rebinding, true));
    }
    if let Some(end) = ECHOES.iter().find(|end| is_below(end)) {
        let labels = host.strip_suffix(end).unwrap_or_default().trim_end_matches('.');
        return match echoed(labels) {
            Some(Reach::Metadata) => Some((Reach::Metadata, false)),
            Some(_) => Some((Reach::Rebinding, true)),
            None => None,
        };
    }
    if INTERNAL.iter().any(|end| is_below(end)) && host.contains('.') {
        return Some((Reach::Internal, true));
    }
    None
}

/// What the address in front of an echoing service's name reaches: with dots, with hyphens, or in hexadecimal.
fn echoed(labels: &str) -> Option<Reach> {
    let mut worst = None;
    let mut add = |reach: Option<Reach>| {
        if worst.is_none() || reach == Some(Reach::Metadata) {
            worst = reach;
        }
    };
    let dotted: Vec<&str> = labels.split(['.', '-', '_']).collect();
    for four in dotted.windows(4) {
        if four
            .iter()
            .all(|part| matches!(part.len(), 1..=3) && part.bytes().all(|byte| byte.is_ascii_digit()))
        {
            add(numbers(&four.join(".")).find_map(reach4));
        }
    }
    for label in dotted {
        let digits = label.strip_prefix("0x").unwrap_or(label);
        if digits.len() == 8
            && let Ok(bits) = u32::from_str_radix(digits, 16)
        {
            add(reach4(bits.into()));
        } else if label.len() == 10 || label.len() == 9 {
            add(label.parse::<u32>().ok().and_then(|bits| reach4(bits.into())));
        }
    }
    worst
}
