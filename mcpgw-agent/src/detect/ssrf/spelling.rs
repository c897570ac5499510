//! From what is written to what is reached.

use std::net::Ipv6Addr;

use url::{Host, Url};

use super::address::{numbers, reach4, reach6};
use super::{Reach, name};

/// A machine as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spelled {
    /// What it reaches; nothing where only its scheme speaks.
    pub(super) reach: Option<Reach>,
    /// Nobody writes it like that who does not hide it.
    pub(super) is_hidden: bool,
    /// Its scheme reads files, or speaks to what is no web server.
    pub(super) is_odd_scheme: bool,
}

impl Spelled {
    fn new(reach: Reach, is_hidden: bool) -> Self {
        Self { reach: Some(reach), is_hidden, is_odd_scheme: false }
    }

    /// It may be something else than an address.
    pub(super) fn is_vague(self) -> bool {
        self.reach == Some(Reach::Internal)
    }

    /// The one that reaches what is worse.
    fn or(self, other: Self) -> Self {
        let rank = |spelled: &Self| {
            (
                spelled.reach == Some(Reach::Metadata),
                spelled.is_hidden,
                spelled.reach != Some(Reach::Loopback),
            )
        };
        if rank(&other) > rank(&self) { other } else { self }
    }
}

/// Schemes by which services that are no web servers are spoken to, or archives and interpreters.
const ODD: &[&str] = &[
    "gopher",
    "dict",
    "tftp",
    "ldap",
    "ldaps",
    "jar",
    "netdoc",
    "expect",
    "phar",
    "php",
    "finger",
    "view-source",
];
/// Schemes of files.
const FILES: &[&str] = &["file", "local_file", "local-file"];
/// Schemes whose URLs have a name in front of the machine as a matter of course.
const WITH_USER: &[&str] = &[
    "ssh",
    "sftp",
    "ftp",
    "git",
    "svn",
    "smtp",
    "amqp",
    "amqps",
    "mqtt",
    "nats",
    "rtsp",
    "ldap",
    "clickhouse",
];

/// What a scheme alone says.
pub(super) fn scheme(scheme: &str) -> Option<Spelled> {
    let is = |schemes: &[&str]| schemes.iter().any(|other| other.eq_ignore_ascii_case(scheme));
    (is(ODD) || is(FILES)).then(|| Spelled { reach: None, is_hidden: is(ODD), is_odd_scheme: true })
}

/// Is it one that needs no machine?
pub(super) fn is_local_scheme(scheme: &str) -> bool {
    FILES.iter().any(|other| other.eq_ignore_ascii_case(scheme))
}

/// What stands between `://` and the path: programs disagree about which part of it is the machine.
pub(super) fn authority(authority: &str, scheme: &str) -> Option<Spelled> {
    let mut worst: Option<Spelled> = None;
    let web = ["http", "https", "ws", "wss"].iter().any(|web| web.eq_ignore_ascii_case(scheme));
    let mut parts = authority.split('@').peekable();
    let mut is_first = true;
    while let Some(part) = parts.next() {
        let is_last = parts.peek().is_none();
        for (place, host) in part.split(',').enumerate() {
            let end = match host.find(']').filter(|_| host.starts_with('[')) {
                Some(end) => end + 1,
                None => host.find([':', '?', '#', '\\', '&', ')', ']', ';', '|']).unwrap_or(host.len()),
            };
            // Several machines only where a data base has them.
            if place > 0 && web {
                break;
            }
            let Some(mut found) = host.get(..end).and_then(ascii) else { continue };
            // A name in front of the machine is there to be read instead of it.
            found.is_hidden |= web && !(is_first && is_last) && !WITH_USER.contains(&scheme);
            if is_last || web && found.reach != Some(Reach::Internal) {
                worst = Some(worst.map_or(found, |worst| worst.or(found)));
            }
        }
        is_first = false;
    }
    worst
}

/// The machine in a text that is all one URL, as the web's standard has it.
pub(super) fn url(text: &str) -> Option<Spelled> {
    let url = Url::parse(text).ok()?;
    let found = match url.host()? {
        Host::Domain(domain) => {
            let folded = domain.to_ascii_lowercase();
            // Schemes of no standard keep what they are given.
            Host::parse(domain).ok().and_then(of_host).or_else(|| name_of(&folded))
        }
        Host::Ipv4(address) => reach4(address).map(|reach| Spelled::new(reach, true)),
        Host::Ipv6(address) => of_host(Host::<&str>::Ipv6(address)),
    };
    // Had it been spelled as everybody does, it would have been found in the text.
    found.map(|found| Spelled { is_hidden: true, ..found })
}

/// A text that is all one machine, with a port or a path or without.
pub(super) fn bare(text: &str) -> Option<Spelled> {
    if let Ok(address) = text.split('%').next().unwrap_or_default().parse::<Ipv6Addr>() {
        return of_host(Host::<&str>::Ipv6(address));
    }
    let end = text.find(['/', '\\', '?', '#']).unwrap_or(text.len());
    let authority_text = text.get(..end)?;
    // Small numbers are numbers.
    if authority_text.parse::<u64>().is_ok_and(|number| number < 1 << 24) {
        return None;
    }
    let found = authority(authority_text, "");
    found.or_else(|| {
        let host = authority_text.split(':').next().unwrap_or_default();
        let is_plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.[]".contains(&byte));
        let parsed = (!is_plain).then(|| Host::parse(host).ok()).flatten()?;
        of_host(parsed).map(|found| Spelled { is_hidden: true, ..found })
    })
}

fn of_host(host: Host<impl AsRef<str>>) -> Option<Spelled> {
    match host {
        Host::Domain(domain) => name_of(&domain.as_ref().to_ascii_lowercase()),
        Host::Ipv4(address) => reach4(address).map(|reach| Spelled::new(reach, false)),
        Host::Ipv6(address) => {
            let (reach, is_disguised) = reach6(address);
            reach.map(|reach| Spelled::new(reach, is_disguised))
        }
    }
}

fn name_of(host: &str) -> Option<Spelled> {
    let bare = host.strip_suffix('.').unwrap_or(host);
    let (reach, is_common) = name::reach(bare)?;
    // What ends with a dot is the same name to a resolver, and another to a list of names.
    Some(Spelled::new(reach, !is_common || bare.len() < host.len()))
}

/// A machine in ASCII; its other spellings are other readings of the text, or found by [`url`].
fn ascii(host: &str) -> Option<Spelled> {
    if let Some(inside) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        // With the interface it is reached by.
        let address = inside.split('%').next()?.parse::<Ipv6Addr>().ok()?;
        return of_host(Host::<&str>::Ipv6(address));
    }
    let bare = host.strip_suffix('.').unwrap_or(host);
    let last = bare.rsplit('.').next()?;
    if last.bytes().next().is_some_and(|byte| byte.is_ascii_digit()) {
        let is_plain = |address: &std::net::Ipv4Addr| address.to_string() == host;
        let found = numbers(bare);
        return found
            .filter_map(|address| Some(Spelled::new(reach4(address)?, !is_plain(&address))))
            .reduce(Spelled::or);
    }
    if host.len() > 253 || !last.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return None;
    }
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        name_of(&host.to_ascii_lowercase())
    } else {
        name_of(host)
    }
}
