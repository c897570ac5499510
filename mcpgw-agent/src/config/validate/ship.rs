//! `gateway.audit.ship`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use url::Url;

use super::super::error::ProblemKind;
use super::super::file::ship::ShipEntry;
use super::super::ship::{Receiver, Shipper, SyslogAddress};
use super::Check;
use super::guardrail::{is_loopback, word};
use crate::yaml::At;

/// Receivers at most: each reads the log for itself.
const MAX_SHIPPERS: usize = 8;
const WRONG_SYSLOG: ProblemKind = ProblemKind::Wrong(
    "write `udp://ADDRESS:PORT`, `tcp://HOST:PORT`, `tls://HOST:PORT` or `unix:/PATH`; datagrams go to an IP address",
);
const WRONG_OTLP: ProblemKind =
    ProblemKind::Wrong("it must be `http` or `https`, name a host, and hold no user name or password");

impl Check {
    pub(super) fn shippers(&mut self, entries: &[At<ShipEntry>]) -> Vec<Shipper> {
        if let Some(first_beyond) = entries.get(MAX_SHIPPERS) {
            let kind = super::out_of_range(&entries.len(), &0, &MAX_SHIPPERS);
            self.problem("gateway.audit.ship", first_beyond, kind);
        }
        let mut names = BTreeSet::new();
        let mut shippers = Vec::new();
        for (index, entry) in entries.iter().take(MAX_SHIPPERS).enumerate() {
            let at = format!("gateway.audit.ship[{index}]");
            let name = &entry.value.name;
            if !names.insert(name.value.clone()) {
                self.problem(&at, name, ProblemKind::Wrong("an earlier receiver has this name"));
            }
            let name = self.value(&format!("{at}.name"), Some(name), String::new(), |text| word(text));
            let ca = self.path(&format!("{at}.ca"), &entry.value.ca);
            shippers.extend(self.receiver(&at, entry).map(|to| Shipper { name, to, ca }));
        }
        shippers
    }

    fn receiver(&mut self, at: &str, entry: &At<ShipEntry>) -> Option<Receiver> {
        let ShipEntry { syslog, otlp, headers, .. } = &entry.value;
        let headers = self.headers(&format!("{at}.headers"), headers);
        match (syslog, otlp) {
            (Some(address), None) => {
                if !headers.is_empty() {
                    self.problem(at, entry, ProblemKind::Wrong("`headers` are for `otlp` only"));
                }
                let address = self.value(&format!("{at}.syslog"), Some(address), None, |text| {
                    syslog_address(text).map(Some).ok_or(WRONG_SYSLOG)
                });
                address.map(Receiver::Syslog)
            }
            (None, Some(url)) => {
                let url = self.value(&format!("{at}.otlp"), Some(url), None, |text| {
                    let url = Url::parse(text).ok().filter(|url| {
                        matches!(url.scheme(), "http" | "https")
                            && url.has_host()
                            && url.username().is_empty()
                            && url.password().is_none()
                    });
                    url.map(Some).ok_or(WRONG_OTLP)
                })?;
                if !headers.is_empty() && url.scheme() == "http" && !is_loopback(&url) {
                    self.problem(
                        at,
                        entry,
                        ProblemKind::Wrong("secrets go to other hosts over `https` only"),
                    );
                }
                Some(Receiver::Otlp { url, headers })
            }
            (Some(_), Some(_)) | (None, None) => {
                self.problem(at, entry, ProblemKind::Wrong("it needs either `syslog` or `otlp`"));
                None
            }
        }
    }
}

fn syslog_address(text: &str) -> Option<SyslogAddress> {
    if let Some(path) = text.strip_prefix("unix:") {
        let valid = path.starts_with('/') && path.len() < 108 && !path.contains('\0');
        return valid.then(|| SyslogAddress::Unix(PathBuf::from(path)));
    }
    let (scheme, rest) = text.split_once("://")?;
    if scheme == "udp" {
        return rest.parse().ok().map(SyslogAddress::Udp);
    }
    let (host, port) = rest.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port > 0)?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'_');
    if host.is_empty() || !host.bytes().all(plain) {
        return None;
    }
    let host = host.to_owned();
    match scheme {
        "tcp" => Some(SyslogAddress::Tcp { host, port }),
        "tls" => Some(SyslogAddress::Tls { host, port }),
        _ => None,
    }
}
