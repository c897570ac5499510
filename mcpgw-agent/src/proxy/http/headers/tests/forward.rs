//! What goes on, either way.

use super::*;

#[test]
fn a_server_gets_the_headers_of_mcp_and_no_credentials() {
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let pairs = [
        ("mcp-session-id", "s"),
        ("mcp-protocol-version", MODERN),
        ("mcp-method", "x"),
        ("mcp-name", "x"),
        ("mcp-param-unknown", "x"),
        ("last-event-id", "7"),
        ("accept", "application/json"),
        ("accept", "text/event-stream"),
        ("content-type", "application/json"),
        ("user-agent", "x"),
        ("accept-language", "de"),
        ("traceparent", trace),
        ("tracestate", "a=b"),
        ("baggage", "a=b"),
    ];
    let mut all = headers(&pairs);
    for name in [
        "authorization",
        "cookie",
        "proxy-authorization",
        "proxy-connection",
        "x-forwarded-for",
        "x-forwarded-host",
        "forwarded",
        "origin",
        "referer",
        "host",
        "content-length",
        "content-encoding",
        "transfer-encoding",
        "te",
        "trailer",
        "upgrade",
        "keep-alive",
        "expect",
        "x-http-method-override",
        "x-api-key",
        "x-real-ip",
        "via",
    ] {
        all.insert(name.parse::<HeaderName>().unwrap(), HeaderValue::from_static("x"));
    }
    all.insert("connection", HeaderValue::from_static("close"));
    all.insert("accept-encoding", HeaderValue::from_static("gzip, br"));
    let mut expected = headers(&pairs);
    expected.insert("accept-encoding", HeaderValue::from_static("identity"));
    assert_eq!(upstream(&all), expected);
    all.insert("connection", HeaderValue::from_static("Close, Mcp-Name"));
    assert!(upstream(&all).get(NAME).is_none());
}

#[test]
fn traces_and_labels_are_bounded() {
    let kept = |name, value: &str| upstream(&headers(&[(name, value)])).contains_key(name);
    for (value, expected) in [
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true),
        ("00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
        ("00-00000000000000000000000000000000-b7ad6b7169203331-01", false),
        ("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
        ("secret", false),
    ] {
        assert_eq!(kept("traceparent", value), expected, "{value}");
    }
    for (name, limit) in [("tracestate", 512), ("baggage", 1024), ("user-agent", 512), ("x-request-id", 512)]
    {
        assert!(kept(name, &"x".repeat(limit)), "{name}");
        assert!(!kept(name, &"x".repeat(limit + 1)), "{name}");
    }
}

#[test]
fn a_client_gets_no_cookies_and_no_redirects() {
    let mut all = headers(&[
        ("mcp-session-id", "s"),
        ("retry-after", "5"),
        ("cache-control", "no-store"),
        ("x-accel-buffering", "no"),
        ("www-authenticate", "Bearer scope=\"a\""),
        ("allow", "POST"),
    ]);
    let mut expected = all.clone();
    for name in [
        "set-cookie",
        "clear-site-data",
        "alt-svc",
        "refresh",
        "link",
        "location",
        "connection",
        "keep-alive",
        "transfer-encoding",
        "trailer",
        "content-length",
        "content-encoding",
        "access-control-allow-origin",
        "server",
        "strict-transport-security",
        "service-worker-allowed",
        // Whoever writes the body says what it is.
        "content-type",
    ] {
        all.insert(name.parse::<HeaderName>().unwrap(), HeaderValue::from_static("x"));
    }
    all.insert("etag", HeaderValue::from_static("\"1\""));
    all.insert("digest", HeaderValue::from_static("x"));
    assert_eq!(downstream(&all, true), expected);
    expected.insert("etag", HeaderValue::from_static("\"1\""));
    expected.insert("digest", HeaderValue::from_static("x"));
    assert_eq!(downstream(&all, false), expected);
}

#[test]
fn a_challenge_sends_nobody_where_a_server_should_not_send_him() {
    let kept = |value: &str| downstream(&headers(&[("www-authenticate", value)]), true).len() == 1;
    for (value, expected) in [
        ("Bearer", true),
        ("Bearer realm=\"a, b\", error=\"invalid_token\"", true),
        ("Bearer resource_metadata=\"https://a.example/.well-known/x\"", true),
        ("Bearer Resource_Metadata = \"http://localhost:8080/x\"", true),
        ("Bearer resource_metadata=https://a.example/x, scope=a", true),
        ("Bearer resource_metadata=\"http://[::1]/x\"", true),
        ("Bearer resource_metadata=\"file:///etc/passwd\"", false),
        ("Bearer resource_metadata=\"http://169.254.169.254/\"", false),
        ("Bearer resource_metadata=\"http://a.example/\"", false),
        ("Bearer resource_metadata=\"javascript:alert(1)\"", false),
        ("Bearer resource_metadata=\"https://user@a.example/\"", false),
        ("Bearer resource_metadata=\"\"", false),
        ("Bearer resource_metadata", false),
        ("Bearer resource_metadata=\"https://a.example/\", Basic resource_metadata=\"file:///\"", false),
    ] {
        assert_eq!(kept(value), expected, "{value}");
    }
    assert!(!kept(&format!("Bearer realm=\"{}\"", "x".repeat(9000))));
}
