//! What registries say of a package, and servers that are reached over HTTP: both played by the test.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::{Value, json};

use super::{fake_npx, rules, scan, server};

/// Serves one request a connection with what `answer` gives for its first line, head and body; tells the first lines.
fn serve(
    mut answer: impl FnMut(&str, &str, &str) -> (u16, &'static str, String) + Send + 'static,
) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Some((line, head, body)) = request(stream.as_ref().unwrap()) else { continue };
            let (status, kind, text) = answer(&line, &head, &body);
            let length = text.len();
            let answer = format!(
                "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nMcp-Session-Id: s1\r\nConnection: close\r\n\r\n{text}"
            );
            // Before the answer: whoever has that may look at once.
            tell.send(line).ok();
            stream.unwrap().write_all(answer.as_bytes()).ok();
        }
    });
    (address, told)
}

fn request(stream: &TcpStream) -> Option<(String, String, String)> {
    let mut reader = BufReader::new(stream);
    let mut lines = VecDeque::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        lines.push_back(line.trim().to_lowercase());
    }
    let length = lines.iter().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let first = lines.pop_front()?;
    Some((first, lines.into_iter().collect::<Vec<_>>().join("\n"), String::from_utf8(body).ok()?))
}

#[test]
fn registries_are_asked_only_where_that_is_wanted_and_once_a_day() {
    let (address, told) = serve(|line, _, _| {
        if line.contains("/downloads/") {
            (200, "application/json", json!({"downloads": 12}).to_string())
        } else if line.contains("/no-such-mcp") {
            (404, "application/json", "{}".to_owned())
        } else {
            let facts = json!({"dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": {"deprecated": "use another"}},
                "time": {"created": "2001-01-01T00:00:00Z"}, "maintainers": [{"name": "a"}]});
            (200, "application/json", facts.to_string())
        }
    });
    let dir = tempfile::tempdir().unwrap();
    let url = format!("http://{address}");
    let flags = ["--json", "--reputation", "--npm-registry", &url, "--npm-downloads", &url];
    let look = |flags: &[&str], package: &str| {
        let path = fake_npx(dir.path());
        server(&scan(dir.path(), flags, &["npx", "-y", package]).env("PATH", path).output().unwrap())
    };
    let unasked = look(&["--json"], "rare-mcp@1.0.0");
    assert_eq!(unasked["package"]["standing"], "unknown");
    assert!(told.try_recv().is_err(), "nobody was asked");
    for _ in 0..2 {
        let asked = look(&flags, "@scope/rare-mcp@1.0.0");
        assert_eq!(asked["package"]["standing"], "known", "{asked}");
        assert_eq!(asked["package"]["facts"]["downloads"], 12, "{asked}");
        assert_eq!(rules(&asked), ["withdrawn-package", "no-source", "rare-package"], "{asked}");
    }
    let lines: Vec<_> = told.try_iter().collect();
    assert_eq!(
        lines,
        ["get /@scope%2frare-mcp http/1.1", "get /downloads/point/last-month/@scope%2frare-mcp http/1.1"]
    );
    let missing = look(&flags, "no-such-mcp@1.0.0");
    assert_eq!(missing["package"]["standing"], "missing");
    assert_eq!(rules(&missing), ["no-such-package"]);
    let offline = ["--json", "--reputation", "--npm-registry", "http://127.0.0.1:1"];
    let unreachable = look(&offline, "other-mcp@1.0.0");
    assert_eq!(unreachable["package"]["standing"], "unreachable");
    assert_eq!((unreachable["score"].as_u64(), rules(&unreachable).len()), (Some(100), 0));
    let twin = look(&["--json"], "@modelcontextprotocol/server-filesytem@1.0.0");
    assert_eq!(rules(&twin), ["look-alike"]);
}

#[test]
fn registries_are_those_npm_is_told_of_and_else_nobody_is_asked() {
    let (address, told) = serve(|_, _, _| (404, "application/json", "{}".to_owned()));
    let dir = tempfile::tempdir().unwrap();
    let look = |package: &str, variable: Option<&str>| {
        let path = fake_npx(dir.path());
        let mut scan = scan(dir.path(), &["--json", "--reputation"], &["npx", "-y", package]);
        scan.env("PATH", path).env_remove("npm_config_registry").env_remove("NPM_CONFIG_REGISTRY");
        scan.env_remove("npm_config_userconfig").env_remove("NPM_CONFIG_USERCONFIG");
        variable.map(|url| scan.env("npm_config_registry", url));
        server(&scan.output().unwrap())["package"].clone()
    };
    let unnamed = look("rare-mcp@1.0.0", None);
    assert_eq!(unnamed["standing"], "unknown");
    assert!(unnamed["why"].as_str().unwrap().contains("--npm-registry"), "{unnamed}");
    let url = format!("http://{address}/env/");
    assert_eq!(look("rare-mcp@1.0.0", Some(&url))["standing"], "missing");
    let npmrc = format!("registry=http://{address}/file\n@ours:registry=http://{address}/ours\n");
    std::fs::write(dir.path().join(".npmrc"), npmrc).unwrap();
    assert_eq!(look("rare-mcp@1.0.0", None)["standing"], "missing");
    assert_eq!(look("@ours/rare-mcp@1.0.0", None)["standing"], "missing");
    let lines: Vec<_> = told.try_iter().collect();
    let expected = ["/env/rare-mcp", "/file/rare-mcp", "/ours/@ours%2frare-mcp"];
    assert_eq!(lines, expected.map(|path| format!("get {path} http/1.1")));
}

#[test]
fn a_server_over_http_is_heard_in_both_eras() {
    let tool = json!({"name": "get", "description": "Gets.", "inputSchema": {"type": "object"}});
    let (address, told) = serve(move |_, head, body| {
        let message: Value = serde_json::from_str(body).unwrap();
        let id = &message["id"];
        let is_modern = head.contains("mcp-protocol-version: 2026-07-28");
        // Who belongs to which era says so.
        let fits =
            is_modern == head.contains("mcp-method: ") && !(is_modern && head.contains("mcp-session-id"));
        if !fits || !head.contains("authorization: bearer t0ken") {
            return (400, "text/plain", "no".to_owned());
        }
        let result = match message["method"].as_str().unwrap() {
            "initialize" => {
                json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "h", "version": "1"}})
            }
            "server/discover" => {
                json!({"resultType": "complete", "capabilities": {"tools": {}}, "serverInfo": {"name": "h", "version": "1"}})
            }
            "tools/list" => json!({"tools": [tool]}),
            "notifications/initialized" => return (202, "text/plain", String::new()),
            _ => {
                let error = json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "no"}});
                return (if is_modern { 404 } else { 200 }, "application/json", error.to_string());
            }
        };
        let answer = json!({"jsonrpc": "2.0", "id": id, "result": result});
        let before = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x"}});
        (200, "text/event-stream", format!(": hi\n\ndata: {before}\n\nevent: message\ndata: {answer}\n\n"))
    });
    let dir = tempfile::tempdir().unwrap();
    let url = format!("http://{address}/mcp");
    let output = scan(dir.path(), &["--json", "--token-env", "TOKEN", &url], &[])
        .env("TOKEN", "t0ken")
        .output()
        .unwrap();
    let server = server(&output);
    assert_eq!(output.status.code(), Some(0), "{server}");
    assert_eq!(server["revisions"], json!(["2025-11-25", "2026-07-28"]), "{server}");
    assert_eq!((server["tools"].as_u64(), server["score"].as_u64()), (Some(1), Some(100)), "{server}");
    assert_eq!(server["server"].as_str(), Some(&*url));
    assert!(told.try_iter().count() > 8);
    let refused = scan(dir.path(), &["--json", &url], &[]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(!String::from_utf8_lossy(&output.stdout).contains("t0ken"));
}
