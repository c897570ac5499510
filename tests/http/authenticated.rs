//! Clients that say who they are, and such that cannot; and that nothing of what they show is kept.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::DEADLINE;
use crate::client::{Connection, call, post, request, tool};
use crate::proxy::{Proxy, command, eventually};
use crate::upstream::{Upstream, json as answering, response};

const ANSWER: &str = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
const REVISION: (&str, &str) = ("MCP-Protocol-Version", "2025-11-25");

/// Developers may do everything, everybody else nothing but list tools.
const POLICY: &str = "version: v1
mode: enforce
rules:
  - {name: developers, action: allow, match: {methods: ['*'], roles: [dev]}}
  - {name: list, action: allow, match: {methods: [initialize, tools/list]}}
";

fn private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// A proxy with the keys `key-of-ann`, a developer, and `key-of-bob`, and tokens signed with a secret.
fn guarded(server: &Upstream) -> Proxy {
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name);
    let hash = |key: &str| Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    private(&path("keys"), &format!("ann {} dev\nbob {}\n", hash("key-of-ann"), hash("key-of-bob")));
    private(&path("secret"), &"s".repeat(32));
    fs::write(path("policy.yaml"), POLICY).unwrap();
    let text = format!(
        "gateway:\n  policy: {}\n  audit: {{label-claims: [project]}}\n  auth:\n    api-keys-file: {}\n    jwt: {{issuer: 'https://issuer.example', audience: [mcpgw], secret-file: {}}}\n",
        path("policy.yaml").display(),
        path("keys").display(),
        path("secret").display(),
    );
    fs::write(path("agent.yaml"), text).unwrap();
    let mut command = command(&dir, &server.url("/mcp"), "127.0.0.1:0");
    command.env("RUST_LOG", "trace").arg("--config").arg(path("agent.yaml"));
    command.args(["--metrics", "127.0.0.1:0"]);
    Proxy::start(dir, command)
}

#[test]
fn who_does_not_say_who_it_is_gets_no_further() {
    let server = Upstream::saying(answering(ANSWER));
    let proxy = guarded(&server);
    let reply = post(proxy.address, &[REVISION], tool(1, "echo"));
    assert_eq!(reply.status, 401);
    let challenge = reply.header("www-authenticate").unwrap();
    let document = "http://127.0.0.1/.well-known/oauth-protected-resource";
    assert_eq!(challenge, format!("Bearer resource_metadata=\"{document}\""));
    for wrong in
        [("X-API-Key", "key-of-eve"), ("Authorization", "Bearer a.b.c"), ("Authorization", "Basic eDp5")]
    {
        let reply = post(proxy.address, &[REVISION, wrong], tool(1, "echo"));
        assert_eq!(reply.status, 401, "{wrong:?}");
        assert!(reply.header("www-authenticate").unwrap().ends_with("error=\"invalid_token\""));
    }
    for method in ["GET", "DELETE"] {
        let request = request(method, "/mcp", &[], b"");
        assert_eq!(Connection::send(proxy.address, &request).reply().status, 401, "{method}");
    }
    let found = Connection::send(
        proxy.address,
        &request("GET", "/.well-known/oauth-protected-resource/mcp", &[], b""),
    );
    let found = found.reply();
    assert_eq!(
        (found.status, &found.json()["authorization_servers"]),
        (200, &json!(["https://issuer.example"]))
    );
    assert!(server.received().is_empty());
    let failed: Vec<Value> =
        proxy.audit().into_iter().filter(|record| record["event"] == "auth.failed").collect();
    let why = |record: &Value| record["why"].as_str().unwrap().to_owned();
    let reasons: Vec<String> = failed.iter().map(why).collect();
    assert_eq!(reasons, ["missing", "unknown-key", "malformed", "scheme"]);
    assert!(failed.iter().all(|record| record["remote"] == "127.0.0.1"), "{failed:?}");
    assert!((proxy.series(r#"mcpgw_auth_total{outcome="missing"}"#) - 3.0).abs() < 1e-9);
    assert!(!proxy.written().contains("key-of-eve") && !proxy.written().contains("a.b.c"));
}

#[test]
fn subject_and_roles_are_the_policys_and_labels_are_for_the_record() {
    let server = Upstream::saying(answering(ANSWER));
    let proxy = guarded(&server);
    let ann = [REVISION, ("X-API-Key", "key-of-ann"), ("X-MCPGW-Label-Env", "production")];
    assert_eq!(post(proxy.address, &ann, tool(1, "echo")).text(), ANSWER);
    let bob = [REVISION, ("Authorization", "ApiKey key-of-bob"), ("X-MCPGW-Label-Role", "dev")];
    assert_eq!(post(proxy.address, &bob, tool(2, "echo")).json()["error"]["code"], 40301);
    let records = proxy.audit();
    let of = |subject: &str| records.iter().find(|record| record["subject"] == subject).unwrap().clone();
    assert_eq!(of("ann")["labels"], json!({"env": "production"}));
    assert_eq!((&of("bob")["labels"], &of("bob")["action"]), (&json!({"role": "dev"}), &json!("block")));
    // Nothing of it is the server's business.
    let received = &server.received()[0];
    assert_eq!(server.received().len(), 1);
    for name in ["x-api-key", "authorization", "x-mcpgw-label-env"] {
        assert_eq!(received.header(name), None, "{name}");
    }
}

#[test]
fn who_wants_all_the_room_leaves_some_to_others() {
    const LONGEST: usize = 16 << 20;
    let server = Upstream::saying(answering(ANSWER));
    let proxy = guarded(&server);
    let (ann, bob) = (("X-API-Key", "key-of-ann"), ("X-API-Key", "key-of-bob"));
    let body = vec![b' '; LONGEST];
    let whole = request("POST", "/mcp", &[REVISION, ann], &body);
    // Who is refused in the middle of its message may not be able to write the rest of it.
    let begin = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(proxy.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let _refused = stream.write_all(bytes);
        stream
    };
    // Bodies that do not end, more than there is room for in all.
    let greedy: Vec<TcpStream> = (0..40).map(|_| begin(&whole[..whole.len() - 1])).collect();
    let said = |who| {
        let text = "x".repeat(8 << 20);
        let message = call(1, "tools/call", &format!(r#"{{"name":"echo","arguments":{{"text":"{text}"}}}}"#));
        let close = ("Connection", "close");
        let mut said = String::new();
        let _reset = begin(&request("POST", "/mcp", &[REVISION, who, close], message.as_bytes()))
            .read_to_string(&mut said);
        said
    };
    eventually("there is nothing left for who has half", || {
        said(ann).starts_with("HTTP/1.1 503 ").then_some(())
    });
    let other = said(bob);
    assert!(other.contains("40301"), "what there is room for is decided on: {other}");
    drop(greedy);
    eventually("there is again", || said(ann).ends_with(ANSWER).then_some(()));
}

#[test]
fn a_session_is_its_principals_alone() {
    let server = Upstream::start(|request, stream| {
        use std::io::Write;
        let id = &request.json()["id"];
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{{"protocolVersion":"2025-11-25","capabilities":{{}}}}}}"#
        );
        let head = "Content-Type: application/json\r\nMcp-Session-Id: s-1\r\n";
        stream.write_all(&response("200 OK", head, body.as_bytes())).unwrap();
    });
    let proxy = guarded(&server);
    let (ann, bob) = (("X-API-Key", "key-of-ann"), ("X-API-Key", "key-of-bob"));
    let hello =
        r#"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}"#;
    assert_eq!(post(proxy.address, &[ann], call(0, "initialize", hello)).status, 200);
    let session = ("Mcp-Session-Id", "s-1");
    // To Bob, who knows its name, there is no such session, and the server does not hear of him.
    assert_eq!(
        post(proxy.address, &[REVISION, session, ann], tool(1, "echo")).json()["result"]["capabilities"],
        json!({})
    );
    let before = server.received().len();
    assert_eq!(post(proxy.address, &[REVISION, session, bob], tool(2, "echo")).status, 404);
    assert_eq!(post(proxy.address, &[bob, session], call(3, "initialize", hello)).status, 404);
    for method in ["GET", "DELETE"] {
        let request = request(method, "/mcp", &[REVISION, session, bob], b"");
        assert_eq!(Connection::send(proxy.address, &request).reply().status, 404, "{method}");
    }
    // Nor is there one that nobody opened here.
    let unknown = ("Mcp-Session-Id", "s-2");
    assert_eq!(post(proxy.address, &[REVISION, unknown, ann], tool(4, "echo")).status, 404);
    assert_eq!(server.received().len(), before);
    // A server that gives Bob the same name for a session gives him none.
    assert_eq!(post(proxy.address, &[bob], call(5, "initialize", hello)).status, 200);
    assert_eq!(post(proxy.address, &[REVISION, session, bob], tool(6, "echo")).status, 404);
    assert_eq!(post(proxy.address, &[REVISION, session, ann], tool(7, "echo")).status, 200);
}

#[test]
fn other_hosts_are_let_in_only_if_they_are_asked_and_nobody_overhears() {
    let server = Upstream::saying(answering(ANSWER));
    let proxy = guarded(&server);
    let dir = proxy.dir();
    let refused = TempDir::new().unwrap();
    let mut open = command(&refused, &server.url("/mcp"), "0.0.0.0:0");
    let output = open.arg("--config").arg(dir.join("agent.yaml")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && said.contains("without TLS"), "{said}");
    let issued = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    fs::write(dir.join("cert.pem"), issued.cert.pem()).unwrap();
    private(&dir.join("key.pem"), &issued.signing_key.serialize_pem());
    let inner = TempDir::new().unwrap();
    let mut open = command(&inner, &server.url("/mcp"), "0.0.0.0:0");
    open.arg("--config").arg(dir.join("agent.yaml"));
    open.arg("--tls-cert").arg(dir.join("cert.pem")).arg("--tls-key").arg(dir.join("key.pem"));
    let secured = Proxy::start(inner, open);
    assert!(!secured.address.ip().is_loopback());
}

/// A server whose answers hold `hidden` wherever an answer can.
fn telling(hidden: String) -> Upstream {
    Upstream::start(move |request, stream| {
        use std::io::Write;
        let head = format!(
            "Content-Type: application/json\r\nMcp-Session-Id: {hidden}\r\nSet-Cookie: a={hidden}\r\nX-Own: {hidden}\r\nWWW-Authenticate: Bearer realm=\"{hidden}\"\r\nLocation: http://x/{hidden}\r\n"
        );
        let id = request.body.first().map(|_| request.json()["id"].clone()).unwrap_or_default();
        let (status, body) = match request.method.as_str() {
            "POST" if id == 3 => ("500 Broken", format!("<h1>{hidden}</h1>")),
            "POST" if id == 4 => ("302 Found", hidden.clone()),
            "POST" if id == 5 => ("200 OK", format!("{{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{hidden}")),
            "POST" => (
                "200 OK",
                format!(
                    r#"{{"jsonrpc":"2.0","id":{id},"result":{{"protocolVersion":"2025-11-25","capabilities":{{}},"instructions":"{hidden}"}}}}"#
                ),
            ),
            _ => ("405 Not Allowed", hidden.clone()),
        };
        stream.write_all(&response(status, &head, body.as_bytes())).unwrap();
    })
}

/// Secrets in everything HTTP has beside a message: no file, no log line at its most talkative and no metric has them.
#[test]
fn what_stands_around_messages_is_nowhere() {
    let secret = ["gh", "p_", "aB3dE5fG7hJ9kL1m", "N2pQ4rS6tU8vW0xY1z3A"].concat();
    let server = telling(secret.clone());
    let policy = include_str!("../../policies/default.yaml");
    for enforces in [true, false] {
        let dir = TempDir::new().unwrap();
        let mut command = command(&dir, &server.url(&format!("/mcp?key={secret}")), "127.0.0.1:0");
        command.env("RUST_LOG", "trace").args(["--metrics", "127.0.0.1:0"]);
        if enforces {
            fs::write(dir.path().join("policy.yaml"), policy).unwrap();
            command.arg("--policy").arg(dir.path().join("policy.yaml"));
        }
        let mut proxy = Proxy::start(dir, command);
        let bearer = format!("Bearer {secret}");
        let all = [
            ("Authorization", bearer.as_str()),
            ("X-API-Key", &secret),
            ("Cookie", &secret),
            ("X-Own", &secret),
            ("Mcp-Session-Id", &secret),
            ("Last-Event-ID", &secret),
            ("User-Agent", &secret),
            ("X-Request-Id", &secret),
            ("Traceparent", &secret),
            ("Baggage", &secret),
            ("X-MCPGW-Label-A", &secret),
            ("Mcp-Param-A", &secret),
        ];
        for (number, header) in all.iter().enumerate() {
            let id = u32::try_from(number).unwrap();
            for target in ["/mcp", &format!("/{secret}?a={secret}")] {
                let body = tool(id, "echo");
                let sent = request("POST", target, &[REVISION, *header], body.as_bytes());
                Connection::send(proxy.address, &sent).reply();
            }
            for (method, more) in [("GET", *header), ("DELETE", *header), ("PUT", *header)] {
                Connection::send(proxy.address, &request(method, "/mcp", &[more], b"")).reply();
            }
        }
        for header in [
            "Host",
            "Origin",
            "Content-Type",
            "Content-Encoding",
            "MCP-Protocol-Version",
            "Mcp-Method",
            "Mcp-Name",
            "Accept",
        ] {
            post(proxy.address, &[(header, &secret)], tool(1, "echo"));
        }
        let hello =
            r#"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}"#;
        post(proxy.address, &[], call(1, "initialize", hello));
        post(proxy.address, &[REVISION, ("Mcp-Session-Id", &secret)], tool(2, "echo"));
        let (_, metrics) = proxy.ask("/metrics");
        proxy.stop();
        let written = proxy.written();
        for (what, text) in [("metrics", &metrics), ("files", &written)] {
            let at = text.lines().find(|line| line.contains(&secret));
            assert!(at.is_none(), "{what}, enforces: {enforces}: {at:?}");
        }
        eventually("there is a record of it", || (proxy.audit().len() > 20).then_some(()));
    }
}
