//! `gateway.auth` and `gateway.audit.ship`.

use super::*;

/// What the file of every key says of authentication.
pub(super) fn auth() -> Auth {
    Auth {
        api_keys_file: Some("/etc/mcpgw/keys".into()),
        jwt: Some(Jwt {
            issuer: "https://issuer.example".into(),
            audience: vec!["mcpgw".into()],
            keys: JwtKeys::Url {
                url: "https://issuer.example/keys".parse().unwrap(),
                ca: Some("/etc/mcpgw/ca.pem".into()),
            },
            algorithms: vec![JwtAlgorithm::Es256],
            roles_claim: "groups".into(),
        }),
        resource: Some("https://gateway.example/mcp".into()),
    }
}

/// And of receivers.
pub(super) fn shippers() -> Vec<Shipper> {
    let header =
        SecretHeader { name: "authorization".into(), source: SecretSource::Environment("OTEL_TOKEN".into()) };
    let syslog = SyslogAddress::Tls { host: "siem.example".into(), port: 6514 };
    let otlp = "https://otel.example:4318/v1/logs".parse().unwrap();
    vec![
        Shipper { name: "siem".into(), to: Receiver::Syslog(syslog), ca: Some("/etc/mcpgw/ca.pem".into()) },
        Shipper {
            name: "collector".into(),
            to: Receiver::Otlp { url: otlp, headers: vec![header] },
            ca: None,
        },
    ]
}

#[test]
fn what_would_authenticate_nobody_or_anybody_is_refused() {
    let jwt =
        |more: &str| problem(&format!("gateway:\n  auth:\n    jwt: {{issuer: a, audience: [b], {more}}}\n"));
    for (more, part) in [
        ("roles-claim: r", "it needs one of"),
        ("jwks-file: /k, secret-file: /s", "it needs one of"),
        ("jwks-url: 'http://issuer.example/keys'", "it must be `https`"),
        ("jwks-file: /k, algorithms: [HS256]", "HS256 is for a secret"),
        ("secret-file: /s, algorithms: [RS256]", "HS256 is for a secret"),
        ("jwks-file: /k, algorithms: [none]", "none"),
    ] {
        assert!(jwt(more).contains(part), "{more}: {}", jwt(more));
    }
    let none = problem("gateway: {auth: {jwt: {issuer: a, audience: [], jwks-file: /k}}}");
    assert!(none.contains("out of range"), "{none}");
    let resource = problem("gateway: {auth: {resource: 'https://a/\"b'}}");
    assert!(resource.contains("it must be the URL"), "{resource}");
}

#[test]
fn receivers_are_named_once_and_reached_in_one_way() {
    let ship = |entry: &str| parse(&format!("gateway: {{audit: {{ship: [{entry}]}}}}"));
    for address in [
        "udp://192.0.2.1:514",
        "udp://[2001:db8::1]:514",
        "tcp://siem:601",
        "tls://[::1]:6514",
        "unix:/dev/log",
    ] {
        assert!(ship(&format!("{{name: a, syslog: '{address}'}}")).is_ok(), "{address}");
    }
    for entry in [
        "{name: a}",
        "{name: a, syslog: 'udp://siem:514'}",
        "{name: a, syslog: 'tcp://siem'}",
        "{name: a, syslog: 'tcp://si em:1'}",
        "{name: a, syslog: 'unix:dev/log'}",
        "{name: a, syslog: 'tcp://s:1', otlp: 'http://a/'}",
        "{name: a, syslog: 'tcp://s:1', headers: [{name: x, env: Y}]}",
        "{name: a, otlp: 'http://user:pass@a/'}",
        "{name: a, otlp: 'http://a.example/', headers: [{name: x, env: Y}]}",
        "{name: 'a/b', otlp: 'http://a.example/'}",
        "{name: a, otlp: 'http://a/'}, {name: a, otlp: 'http://b/'}",
    ] {
        assert!(ship(entry).is_err(), "{entry}");
    }
}
