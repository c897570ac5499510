//! Secrets around a wrapped server: in its environment, its arguments, what it says on standard error, and in lines that are
//! no messages. Nothing the gateway keeps has them.

use std::fs;
use std::path::Path;

use crate::support::{Peer, python, wrapped_with};

/// Echoes lines, and says on standard error what it was given.
const SERVER: &str = r#"
import os, sys
print(os.environ["API_TOKEN"], sys.argv[-1], file=sys.stderr, flush=True)
for line in sys.stdin:
    print(line if line.startswith("{") else "debug: " + os.environ["API_TOKEN"], end="\n" if not line.startswith("{") else "", flush=True)
"#;

fn files(dir: &Path, all: &mut String) {
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        all.push_str(&format!("{}\n", path.display()));
        if path.is_dir() {
            files(&path, all);
        } else {
            all.push_str(&String::from_utf8_lossy(&fs::read(&path).unwrap()));
        }
    }
}

#[test]
fn what_stands_around_a_server_is_nowhere() {
    let secret = ["gh", "p_", "aB3dE5fG7hJ9kL1m", "N2pQ4rS6tU8vW0xY1z3A"].concat();
    for enforces in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let mut server = python(SERVER);
        server.push(&secret);
        let (policy, config) = (dir.path().join("policy.yaml"), dir.path().join("agent.yaml"));
        fs::write(&policy, include_str!("../../policies/default.yaml")).unwrap();
        let settings = format!("gateway: {{policy: {}}}\n", policy.display());
        fs::write(&config, if enforces { &settings } else { "{}" }).unwrap();
        let mut command = wrapped_with([Path::new("--config"), &config], server);
        command
            .env("XDG_STATE_HOME", dir.path().join("state"))
            .env("API_TOKEN", &secret)
            .env("RUST_LOG", "trace");
        let mut peer = Peer::start(command);
        for text in [
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"{secret}":"{secret}"}}}}"#),
            format!(r#"{{"jsonrpc":"2.0","id":"{secret}","method":"ping"}}"#),
            format!("no message {secret}"),
            format!(r#"{{"jsonrpc":"2.0","id":2,"method":"{secret}"}}"#),
        ] {
            peer.send(&format!("{text}\n"));
        }
        peer.stdin = None;
        drop(peer.rest());
        let mut kept = String::new();
        files(&dir.path().join("state"), &mut kept);
        let at = kept.lines().find(|line| line.contains(&secret));
        assert!(at.is_none() && kept.contains("\"decision_id\""), "enforces: {enforces}: {at:?}\n{kept}");
        // The server's own words reach whoever started it, as they would without a gateway. They are all there is of it.
        let log = peer.stderr_rest();
        let own = format!("{secret} {secret}");
        let told: Vec<&str> = log.lines().filter(|line| line.contains(&secret)).collect();
        assert_eq!(told, [own], "enforces: {enforces}");
    }
}
