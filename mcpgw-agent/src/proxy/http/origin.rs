//! Which `Host` a request may name, and which `Origin` it may come from.
//!
//! A web page anywhere can make its own name resolve to a loopback address and then talk to what listens there as if it
//! were its own (DNS rebinding), or talk to it across origins. The browser still sends the page's name as `Host` and its
//! origin as `Origin`. The gateway speaks to its servers under their own names and without an origin, so their guards
//! never see either: the guard that counts is this one.

use std::net::{IpAddr, SocketAddr};

use hyper::header::{HOST, HeaderValue, ORIGIN};
use hyper::http::uri::Authority;
use hyper::{HeaderMap, StatusCode, Uri};

#[cfg(test)]
mod tests;

/// Why a request is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No `Host`, several, one that is none, or one that the request's target contradicts.
    #[error("the request does not name one host")]
    NoHost,
    /// Not a host that is served here.
    #[error("this host is not served here")]
    Host,
    /// Not an origin that may ask, or several.
    #[error("this origin is not allowed")]
    Origin,
}

impl Refusal {
    /// The status to answer with.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::NoHost => StatusCode::BAD_REQUEST,
            Self::Host => StatusCode::MISDIRECTED_REQUEST,
            Self::Origin => StatusCode::FORBIDDEN,
        }
    }
}

/// A configured name that is neither a host nor an origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a host (`name`, `name:port`) or an origin (`scheme://name`, `scheme://name:port`)")]
pub struct BadName(String);

/// Knows the names of one listener.
#[derive(Debug, Clone)]
pub struct Guard {
    listen: IpAddr,
    hosts: Vec<Authority>,
    origins: Vec<(String, Authority)>,
}

impl Guard {
    /// A guard for what listens at `listen`: it answers to that address, on loopback also to `localhost` and every
    /// loopback address, and to `hosts`. Pages of these hosts may ask, and pages of `origins`.
    ///
    /// # Errors
    /// One of `hosts` or `origins` cannot be read.
    pub fn new(listen: SocketAddr, hosts: &[String], origins: &[String]) -> Result<Self, BadName> {
        let host = |text: &String| authority(text).ok_or_else(|| BadName(text.clone()));
        let origin = |text: &String| split_origin(text).ok_or_else(|| BadName(text.clone()));
        Ok(Self {
            listen: listen.ip().to_canonical(),
            hosts: hosts.iter().map(host).collect::<Result<_, _>>()?,
            origins: origins.iter().map(origin).collect::<Result<_, _>>()?,
        })
    }

    /// Whether a request with these headers, for this target, is served.
    ///
    /// # Errors
    /// Why it is not.
    pub fn check(&self, headers: &HeaderMap, target: &Uri) -> Result<(), Refusal> {
        let host = host_of(headers, target).ok_or(Refusal::NoHost)?;
        if !self.serves(&host) {
            return Err(Refusal::Host);
        }
        let mut origins = headers.get_all(ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) if is_cross_site(headers) => Err(Refusal::Origin),
            (None, _) => Ok(()),
            (Some(origin), None) if self.admits(origin, &host) => Ok(()),
            (Some(_), _) => Err(Refusal::Origin),
        }
    }

    fn serves(&self, host: &Authority) -> bool {
        let own = match address(host) {
            Some(address) if self.listen.is_unspecified() => !address.is_unspecified(),
            Some(address) => address == self.listen || (self.listen.is_loopback() && address.is_loopback()),
            None => (self.listen.is_loopback() || self.listen.is_unspecified()) && is_localhost(host),
        };
        own || self.hosts.iter().any(|known| is_covered(known, host))
    }

    /// A page of the host it talks to, of a configured host or origin, or, on loopback, of this machine.
    fn admits(&self, origin: &HeaderValue, host: &Authority) -> bool {
        let Some((scheme, page)) = origin.to_str().ok().and_then(split_origin) else { return false };
        let same = |a: &Authority, b: &Authority| a.as_str().eq_ignore_ascii_case(b.as_str());
        if self.origins.iter().any(|(known, name)| *known == scheme && same(name, &page)) {
            return true;
        }
        let is_web = scheme == "http" || scheme == "https";
        let is_local = is_localhost(&page) || address(&page).is_some_and(|address| address.is_loopback());
        let is_own = same(&page, host) || self.hosts.iter().any(|known| is_covered(known, &page));
        is_web && (is_own || (self.listen.is_loopback() && is_local))
    }
}

/// The one host a request names: exactly one `Host` without user information, which an absolute target does not
/// contradict.
#[must_use]
pub fn host_of(headers: &HeaderMap, target: &Uri) -> Option<Authority> {
    let mut named = headers.get_all(HOST).iter();
    let (Some(host), None) = (named.next(), named.next()) else { return None };
    let host = authority(host.to_str().ok()?)?;
    let agrees = target.authority().is_none_or(|target| target.as_str().eq_ignore_ascii_case(host.as_str()));
    agrees.then_some(host)
}

/// A name or address, and maybe a port, and nothing else.
fn authority(text: &str) -> Option<Authority> {
    let authority: Authority = text.parse().ok()?;
    let port = authority.as_str().strip_prefix(authority.host())?;
    let has_port = authority.port_u16().is_some() && !port.starts_with(":+");
    let plain = !authority.host().is_empty() && !authority.as_str().contains('@');
    (plain && (port.is_empty() || has_port)).then_some(authority)
}

/// `scheme://host[:port]`, the scheme in lower case.
fn split_origin(text: &str) -> Option<(String, Authority)> {
    let (scheme, name) = text.split_once("://")?;
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let is_scheme = !scheme.is_empty() && scheme.bytes().all(known);
    is_scheme.then(|| Some((scheme.to_ascii_lowercase(), authority(name)?))).flatten()
}

fn address(name: &Authority) -> Option<IpAddr> {
    let host = name.host();
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

fn is_localhost(name: &Authority) -> bool {
    name.host().eq_ignore_ascii_case("localhost")
}

/// `known` without a port stands for every port.
fn is_covered(known: &Authority, name: &Authority) -> bool {
    known.host().eq_ignore_ascii_case(name.host())
        && known.port_u16().is_none_or(|port| name.port_u16() == Some(port))
}

/// A browser's own word that a page of another site asks; it stands there also where no `Origin` does, as in images.
fn is_cross_site(headers: &HeaderMap) -> bool {
    headers.get_all("sec-fetch-site").iter().any(|value| value.as_bytes().eq_ignore_ascii_case(b"cross-site"))
}
