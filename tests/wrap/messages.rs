//! Messages, where nothing is refused: however they arrive, they pass, and nobody is left waiting.

use std::io::{Read, Write};
use std::thread;

use crate::sdk::{Client, FORBIDDEN, call, request, servers, text_of};
use crate::support::{Peer, python, within, wrapped};

const PING: &str = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}";

#[test]
fn a_message_may_come_byte_by_byte() {
    let mut peer = Peer::start(wrapped(["cat"]));
    let text = format!("{PING}\r\n");
    for byte in text.chars() {
        peer.send(&byte.to_string());
    }
    assert_eq!(peer.line(), format!("{PING}\r"));
}

#[test]
fn many_messages_may_come_at_once() {
    let mut peer = Peer::start(wrapped(["cat"]));
    let line = |i| format!("{}\n", PING.replace('1', &format!("\"{i}\"")));
    let all: String = (0..5000).map(|i| if i % 7 == 0 { "\n".to_owned() } else { line(i) }).collect();
    let mut stdin = peer.stdin.take().unwrap();
    let sent = all.clone();
    thread::spawn(move || stdin.write_all(sent.as_bytes()).unwrap());
    let got = peer.rest();
    assert!(got == all.as_bytes(), "{} bytes sent, {} came back", all.len(), got.len());
}

#[test]
fn a_message_just_below_the_limit_passes() {
    let mut peer = Peer::start(wrapped(["cat"]));
    let params = format!("{{\"x\":\"{}\"}}", "\u{4e16}".repeat(5 << 20));
    let message = format!("{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\",\"params\":{params}}}\n");
    assert!(message.len() > 15 << 20 && message.len() < 16 << 20);
    let mut stdin = peer.stdin.take().unwrap();
    let sent = message.clone();
    thread::spawn(move || stdin.write_all(sent.as_bytes()).unwrap());
    assert!(peer.rest() == message.as_bytes());
    assert_eq!(peer.code(), 0);
}

#[test]
fn a_client_that_reads_nothing_does_not_stop_a_server_that_reads_on() {
    // Answers once it has everything: who waited for an answer before would wait for ever.
    let server =
        python("import sys; got = sys.stdin.readlines(); sys.stdout.writelines(got); print(len(got))");
    let mut peer = Peer::start(wrapped(server));
    let mut stdin = peer.stdin.take().unwrap();
    within(move || {
        let all: String = (0..20_000).map(|i| format!("{}\n", PING.replace('1', &i.to_string()))).collect();
        stdin.write_all(all.as_bytes()).unwrap();
    });
    let rest = String::from_utf8(peer.rest()).unwrap();
    assert_eq!(rest.lines().count(), 20_001);
    assert!(rest.ends_with("\n20000\n"));
}

#[test]
fn a_server_killed_in_mid_answer_leaves_nobody_waiting() {
    let server = "
import os, sys
for _ in range(3): sys.stdin.readline()
print('{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}')
sys.stdout.write('{\"jsonrpc\":\"2.0\",\"id\":3,\"resu'); sys.stdout.flush()
os.kill(os.getpid(), 9)
";
    let mut peer = Peer::start(wrapped(python(server)));
    for id in ["\"1\"", "2", "3"] {
        peer.send(&format!("{}\n", PING.replace('1', id)));
    }
    assert_eq!(peer.line(), "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}");
    assert_eq!(peer.line(), "{\"jsonrpc\":\"2.0\",\"id\":3,\"resu");
    for id in ["\"1\"", "3"] {
        let error: serde_json::Value = serde_json::from_str(&peer.line()).unwrap();
        assert_eq!(
            (error["id"].to_string().as_str(), &error["error"]["code"]),
            (id, &50201.into()),
            "{error}"
        );
    }
    assert_eq!(peer.rest(), b"");
    assert_eq!(peer.code(), 128 + 9);
}

#[test]
fn a_server_that_ends_while_the_client_says_nothing() {
    let mut peer = Peer::start(wrapped(["sh", "-c", "exit 3"]));
    assert_eq!(peer.rest(), b"");
    assert_eq!(peer.code(), 3);
    assert!(peer.stdin.is_some());
}

#[test]
fn log_text_on_standard_output_passes_while_nothing_is_enforced() {
    let mut peer = Peer::start(wrapped(python("print('Starting...'); print(input())")));
    assert_eq!(peer.line(), "Starting...");
    peer.send(&format!("{PING}\n"));
    assert_eq!(peer.line(), PING);
}

#[test]
fn real_servers_work_as_directly() {
    let big = "\u{e9}x".repeat(5_000_000 / 3);
    for server in servers() {
        let name = server.name;
        let mut client = Client::open(wrapped(server.command()), "2025-06-18");
        let tools = client.ask(&request(1, "tools/list", &serde_json::json!({})));
        let mut names: Vec<&str> = tools["result"]["tools"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|tool| tool["name"].as_str())
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["FORBIDDEN", "echo", FORBIDDEN, "forbidden_too"], "{name}");
        let answer = client.ask(&call("two", "echo", &big));
        assert!(text_of(&answer) == big, "{name}: {answer:.300}");
        let answer = client.ask(&call(3, FORBIDDEN, "it works"));
        assert_eq!(text_of(&answer), "executed forbidden", "{name}");
        let executed = server.executed();
        assert_eq!(executed.len(), 2, "{name}");
        assert_eq!(executed[1], (FORBIDDEN.to_owned(), "it works".to_owned()), "{name}");
        drop(client.peer.stdin.take());
        assert_eq!((client.peer.rest(), client.peer.code()), (Vec::new(), 0), "{name}");
    }
}

#[test]
fn a_slow_reader_gets_everything() {
    let server = "
import sys
for i in range(20000): print('{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\",\"params\":{\"i\":%d}}' % i)
sys.stdout.flush(); sys.stdin.read()
";
    let mut peer = Peer::start(wrapped(python(server)));
    let mut stdout = peer.stdout.take().unwrap();
    let got = within(move || {
        let (mut got, mut some) = (Vec::new(), [0; 977]);
        while !got.ends_with(b"{\"i\":19999}}\n") {
            let read = stdout.read(&mut some).unwrap();
            assert_ne!(read, 0);
            got.extend_from_slice(&some[..read]);
        }
        String::from_utf8(got).unwrap()
    });
    for (i, line) in got.lines().enumerate() {
        assert!(line.ends_with(&format!("{{\"i\":{i}}}}}")), "{i}: {line}");
    }
}
