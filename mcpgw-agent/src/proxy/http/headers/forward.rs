//! Which headers go on.

use hyper::HeaderMap;
use hyper::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_LANGUAGE, ETAG, EXPIRES, HeaderName,
    HeaderValue, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use url::{Host, Url};

/// Bytes of a value that is no business of MCP.
const VALUE_MAX_BYTES: usize = 8 << 10;
/// Bytes of `baggage`, through which data could leave unseen.
const BAGGAGE_MAX_BYTES: usize = 1024;
/// Bytes of `tracestate` that every tracer passes on.
const TRACESTATE_MAX_BYTES: usize = 512;
/// Bytes of what a client calls itself, and of an id it gives its request.
const LABEL_MAX_BYTES: usize = 512;

/// The headers of a client's request that its server gets: those of MCP and a few that say how to answer. Not among them
/// are the client's credentials and cookies, whom it was forwarded for, its origin, what concerns one connection, and
/// the length, which is that of the body as it goes on; `Host` is the server's. What is inspected must be read: nothing
/// compressed is asked for, which has to be said, for without the header a server may choose.
#[must_use]
pub fn upstream(headers: &HeaderMap) -> HeaderMap {
    let mut kept = passing(headers, |name, value| {
        let limit = match name.as_str() {
            "traceparent" if !is_traceparent(value) => 0,
            "traceparent" | "accept" | "content-type" | "last-event-id" => VALUE_MAX_BYTES,
            "tracestate" => TRACESTATE_MAX_BYTES,
            "baggage" => BAGGAGE_MAX_BYTES,
            "x-request-id" | "user-agent" | "accept-language" => LABEL_MAX_BYTES,
            name if name.starts_with("mcp-") => usize::MAX,
            _ => 0,
        };
        value.len() <= limit && limit > 0
    });
    kept.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    kept
}

/// The headers of a server's answer that its client gets. `is_changed` where the body does not go on byte for byte:
/// decoded, edited or replaced. Cookies, redirects, `Refresh`, `Link`, `Alt-Svc` and `Clear-Site-Data` do not go on, nor
/// does what concerns one connection or says how the body is coded: the gateway codes and measures it itself. Nor does
/// `Content-Type`, whose parameters clients read in more ways than one; who writes a body says what it is.
#[must_use]
pub fn downstream(headers: &HeaderMap, is_changed: bool) -> HeaderMap {
    let known: [&HeaderName; 9] = [
        &CONTENT_LANGUAGE,
        &CACHE_CONTROL,
        &EXPIRES,
        &VARY,
        &ALLOW,
        &RETRY_AFTER,
        &WWW_AUTHENTICATE,
        &HeaderName::from_static("x-accel-buffering"),
        &HeaderName::from_static("x-request-id"),
    ];
    passing(headers, |name, value| {
        let of_body = *name == ETAG || matches!(name.as_str(), "digest" | "content-digest" | "repr-digest");
        let is_known = known.contains(&name)
            || name.as_str().starts_with("mcp-")
            || matches!(name.as_str(), "traceresponse" | "deprecation" | "sunset")
            || (of_body && !is_changed);
        is_known
            && value.len() <= VALUE_MAX_BYTES
            && (*name != WWW_AUTHENTICATE || names_safe_metadata(value))
    })
}

/// The headers for which `passes` holds, but for those that `Connection` names.
fn passing(headers: &HeaderMap, passes: impl Fn(&HeaderName, &HeaderValue) -> bool) -> HeaderMap {
    let any_named = headers.contains_key(CONNECTION);
    let named = |name: &HeaderName| {
        if !any_named {
            return false;
        }
        let mut lists = headers.get_all(CONNECTION).iter().filter_map(|list| list.to_str().ok());
        lists.any(|list| list.split(',').any(|item| item.trim().eq_ignore_ascii_case(name.as_str())))
    };
    // And a few that are added.
    let mut kept = HeaderMap::with_capacity(headers.len().saturating_add(2));
    for (name, value) in headers {
        if passes(name, value) && !named(name) {
            kept.append(name.clone(), value.clone());
        }
    }
    kept
}

/// `version-trace-parent-flags` in lower-case hexadecimal digits (W3C Trace Context, version 00).
fn is_traceparent(value: &HeaderValue) -> bool {
    let Ok(text) = value.to_str() else { return false };
    let parts: Vec<&str> = text.split('-').collect();
    let is_hex = |part: &&str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    parts.iter().map(|part| part.len()).eq([2, 32, 16, 2])
        && parts.iter().all(is_hex)
        && parts.first().is_some_and(|version| *version != "ff")
        && parts.iter().skip(1).take(2).all(|id| id.bytes().any(|byte| byte != b'0'))
}

/// A challenge sends clients to `resource_metadata`: to https, or to this machine, or it does not go on.
fn names_safe_metadata(challenge: &HeaderValue) -> bool {
    const KEY: &str = "resource_metadata";
    let Ok(text) = challenge.to_str() else { return false };
    let lower = text.to_ascii_lowercase();
    lower.match_indices(KEY).all(|(at, _)| {
        let after = text.get(at.saturating_add(KEY.len())..).unwrap_or_default().trim_start();
        let Some(value) = after.strip_prefix('=').map(str::trim_start) else { return false };
        let quoted = value.strip_prefix('"').and_then(|value| value.split('"').next());
        let url = quoted.or_else(|| value.split([',', ' ', '\t']).next()).unwrap_or_default();
        Url::parse(url).is_ok_and(|url| is_safe(&url))
    })
}

fn is_safe(url: &Url) -> bool {
    let is_local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let has_user = !url.username().is_empty() || url.password().is_some();
    !has_user && (url.scheme() == "https" || (url.scheme() == "http" && is_local))
}
