//! Which `Host` a request may name.
//!
//! A web page anywhere can make its own name resolve to a loopback address and then read what listens there as
//! if it were its own (DNS rebinding). The browser still sends the page's name as `Host`, so a server that only
//! answers to names nobody else can own is out of reach.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::uri::Authority;

use crate::proxy::http::origin;

/// The names this server answers to, beside IP addresses and `localhost`.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    /// The host's own name, only where the server listens on more than loopback.
    own: Option<String>,
}

impl Hosts {
    pub(super) fn of_this_host(bound: IpAddr) -> Self {
        let own = || nix::unistd::gethostname().ok()?.into_string().ok().filter(|name| !name.is_empty());
        Self { own: if bound.is_loopback() { None } else { own() } }
    }

    /// Exactly one host is named, and it is ours.
    pub(super) fn accept<B>(&self, request: &Request<B>) -> bool {
        origin::host_of(request.headers(), request.uri()).is_some_and(|host| self.is_ours(&host))
    }

    fn is_ours(&self, authority: &Authority) -> bool {
        let host = authority.host();
        let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        address.parse::<IpAddr>().is_ok() || host.eq_ignore_ascii_case("localhost") || self.is_own_name(host)
    }

    /// The host's name, alone or followed by its domain.
    fn is_own_name(&self, host: &str) -> bool {
        let Some(own) = self.own.as_deref() else { return false };
        let short = |name: &str| name.split('.').next().unwrap_or_default().to_ascii_lowercase();
        host.eq_ignore_ascii_case(own) || short(host) == short(own)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::HOST;

    use super::*;

    fn request(target: &str, hosts: &[&str]) -> Request<()> {
        let mut request = Request::builder().uri(target);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        request.body(()).unwrap()
    }

    #[test]
    fn addresses_and_localhost_are_ours() {
        let hosts = Hosts::default();
        for host in
            ["127.0.0.1", "127.0.0.1:9464", "[::1]:9464", "[::1]", "localhost", "LocalHost:1", "10.0.0.7"]
        {
            assert!(hosts.accept(&request("/metrics", &[host])), "{host}");
        }
    }

    #[test]
    fn other_names_are_not() {
        let hosts = Hosts::default();
        for host in [
            "evil.example",
            "localhost.evil.example",
            "evil.example:9464",
            "127.0.0.1.evil.example",
            "",
            "localhost@evil.example",
            "evil.example@localhost",
            "localhost:80:80",
            "a b",
            "[::1",
            "127.0.0.1/x",
            "box",
        ] {
            assert!(!hosts.accept(&request("/metrics", &[host])), "{host}");
        }
    }

    #[test]
    fn no_host_two_hosts_or_two_opinions_are_refused() {
        let hosts = Hosts::default();
        assert!(!hosts.accept(&request("/metrics", &[])));
        assert!(!hosts.accept(&request("/metrics", &["localhost", "localhost"])));
        assert!(!hosts.accept(&request("http://evil.example/metrics", &["localhost"])));
        assert!(!hosts.accept(&request("http://localhost/metrics", &["evil.example"])));
        assert!(hosts.accept(&request("http://localhost/metrics", &["localhost"])));
    }

    #[test]
    fn the_own_name_counts_only_where_more_than_loopback_is_served() {
        let hosts = Hosts { own: Some("Box".to_owned()) };
        for host in ["box", "BOX:9464", "box.lan"] {
            assert!(hosts.accept(&request("/metrics", &[host])), "{host}");
        }
        assert!(!hosts.accept(&request("/metrics", &["boxer.lan"])));
        assert!(Hosts::of_this_host(IpAddr::from([127, 0, 0, 1])).own.is_none());
    }
}
