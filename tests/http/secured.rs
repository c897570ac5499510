//! TLS on both sides, and a policy that changes under way.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use crate::client::{post, tool};
use crate::proxy::{Proxy, command};
use crate::upstream::{Upstream, json};

const ANSWER: &str = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;

/// One proxy speaks TLS to another, which speaks TLS to its clients: both sides against each other.
#[test]
fn tls_towards_clients_and_towards_the_server() {
    let dir = TempDir::new().unwrap();
    let (certificate, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    let issued = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    fs::write(&certificate, issued.cert.pem()).unwrap();
    fs::write(&key, issued.signing_key.serialize_pem()).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();

    let server = Upstream::saying(json(ANSWER));
    let inner = TempDir::new().unwrap();
    let mut secured = command(&inner, &server.url("/mcp"), "127.0.0.1:0");
    secured.arg("--tls-cert").arg(&certificate).arg("--tls-key").arg(&key);
    let secured = Proxy::start(inner, secured);
    let url = format!("https://localhost:{}/mcp", secured.address.port());

    let outer = TempDir::new().unwrap();
    let mut trusting = command(&outer, &url, "127.0.0.1:0");
    trusting.arg("--upstream-ca").arg(&certificate);
    let trusting = Proxy::start(outer, trusting);
    let reply = post(trusting.address, &[], tool(1, "echo"));
    assert_eq!((reply.status, reply.text()), (200, ANSWER.to_owned()));

    // Whom nobody vouches for is not spoken to.
    let stranger = Proxy::observing(&url);
    assert_eq!(post(stranger.address, &[], tool(2, "echo")).status, 502);
    assert_eq!(server.received().len(), 1);
}

#[test]
fn a_policy_is_read_anew_on_sighup_and_a_bad_one_is_not_taken() {
    let server = Upstream::saying(json(ANSWER));
    let proxy = Proxy::enforcing(&server.url("/mcp"));
    let headers = [("MCP-Protocol-Version", "2025-11-25")];
    let code = |id| post(proxy.address, &headers, tool(id, "other")).json()["error"]["code"].as_i64();
    assert_eq!(code(1), None);
    proxy.replace_policy(
        "version: v1\nmode: enforce\nrules:\n  - name: none\n    match:\n      methods: [\"*\"]\n    action: deny\n",
    );
    crate::proxy::eventually("the new policy is in force", || (code(1) == Some(40301)).then_some(()));
    proxy.replace_policy("version: v1\nmode: enforce\nrulez: []\n");
    crate::proxy::eventually("the bad file is told", || {
        proxy.log().contains("was not reloaded").then_some(())
    });
    assert_eq!(code(1), Some(40301));
}
