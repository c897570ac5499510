//! What a server elsewhere is known by.

use super::super::ProcessKey;
use super::super::text;

/// A server of one client.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RemoteKey {
    /// The process that talks to it.
    pub(crate) client: ProcessKey,
    /// Its name, or address, without the port.
    pub(crate) host: String,
    /// Its endpoint's path.
    pub(crate) path: String,
}

/// A host's name without its port, as it is compared and shown.
pub(crate) fn host_of(text: &str) -> String {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let host = match text.rsplit_once(':') {
        Some((host, port)) if is_port(port) && (!host.contains(':') || host.ends_with(']')) => host,
        Some(_) | None => text,
    };
    text::escape(&host.to_ascii_lowercase(), text::NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_named_without_its_port() {
        let same = |text: &str, host: &str| assert_eq!(host_of(text), host, "{text}");
        same("MCP.example.com:8443", "mcp.example.com");
        same("mcp.example.com", "mcp.example.com");
        same("[::1]:8443", "[::1]");
        same("::1", "::1");
        same("host:", "host:");
        same("a\u{1b}b:1", "a\\u{1b}b");
    }
}
