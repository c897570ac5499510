//! Newline-delimited JSON on channels, and what is no such thing.

use super::*;

/// What a stream of these bytes, read in one go, tells.
fn told(bytes: impl AsRef<[u8]>) -> Vec<String> {
    Tap::new().send(read_by(1, 5), bytes).told()
}

/// The verdict after these bytes, given in two ways: at once and byte by byte.
fn verdict(bytes: impl AsRef<[u8]>) -> Option<NotMcp> {
    let find = |seen: &[Sighting]| {
        let verdicts: Vec<_> = seen
            .iter()
            .filter_map(|sighting| match sighting.seen {
                Seen::NotMcp(why) => Some(why),
                Seen::Message(_) | Seen::Http(_) | Seen::Gap { .. } => None,
            })
            .collect();
        assert!(verdicts.len() <= 1, "told twice");
        verdicts.first().copied()
    };
    let mut whole = Tap::new();
    whole.send(read_by(1, 5), &bytes);
    let mut pieces = Tap::new();
    for byte in bytes.as_ref() {
        pieces.send(read_by(1, 5), [*byte]);
    }
    assert_eq!(find(&whole.seen), find(&pieces.seen));
    find(&whole.seen)
}

#[test]
fn a_session_of_the_handshake_era() {
    let mut tap = Tap::new();
    let (server, client) = (read_by(2, 5), read_by(1, 6));
    tap.send(server, format!("{REQUEST}\n"));
    tap.send(client, format!("{ANSWER}\n"));
    tap.send(server, "{\"method\":\"notifications/initialized\",\"jsonrpc\":\"2.0\"}\n");
    tap.send(server, format!("{LIST}\r\n\r\n"));
    tap.send(client, format!("{TOOLS}\n{PING}\n"));
    assert!(tap.seen.iter().take(1).all(|sighting| sighting.source == server));
    assert_eq!(
        tap.told(),
        [
            "+initialize",
            "+answer of s",
            "+notifications/initialized",
            "+tools/list",
            "+answer with 1 tools",
            "=ping"
        ]
    );
}

#[test]
fn a_session_of_the_stateless_era() {
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
    let identity = r#""_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","version":"2"}}"#;
    let mut tap = Tap::new();
    tap.send(
        read_by(2, 5),
        format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\",\"params\":{{{meta}}}}}\n"),
    );
    tap.send(
        read_by(1, 6),
        format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{{}},{identity}}}}}\n"
        ),
    );
    assert_eq!(tap.told(), ["+server/discover", "+answer of s"]);
}

#[test]
fn a_batch_gives_each_message() {
    assert_eq!(told(format!("[{LIST},{PING}]\n")), ["+tools/list", "=ping"]);
}

#[test]
fn two_messages_in_one_read_and_one_in_many() {
    assert_eq!(told(format!("{REQUEST}\n{LIST}\n")), ["+initialize", "+tools/list"]);
    let mut tap = Tap::new();
    for piece in format!("{REQUEST}\n").as_bytes().chunks(7) {
        tap.send(read_by(1, 5), piece);
    }
    assert_eq!(tap.told(), ["+initialize"]);
}

#[test]
fn a_sighting_is_dated_by_its_last_byte_and_names_who_moved_it() {
    let mut tap = Tap::new();
    let (head, tail) = LIST.split_at(10);
    // What another process reads in between has offsets of its own.
    tap.send(read_by(1, 5), head)
        .send(read_by(2, 5), format!("{PING}\n"))
        .send(read_by(1, 5), format!("{tail}\n"));
    let last = &tap.seen[1];
    assert_eq!((last.at, last.source), (BootTime(10), read_by(1, 5)));
    assert_eq!(tap.told(), ["=ping", "+tools/list"]);
}

#[test]
fn language_servers_are_told_at_once() {
    let lsp = "Content-Length: 2\r\n\r\n{}";
    assert_eq!(told("Content-Length:"), ["ContentLength"]);
    assert_eq!(verdict(lsp), Some(NotMcp::ContentLength));
    assert_eq!(verdict("content-length: 119\r\n"), Some(NotMcp::ContentLength));
    assert_eq!(
        verdict("Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}"),
        Some(NotMcp::ContentLength)
    );
    // Joined in the middle of a message.
    let hover = r#"{"jsonrpc":"2.0","id":3,"result":null}"#;
    assert_eq!(
        verdict(format!("\"x\":1}}Content-Length: 9\r\n\r\n{hover}Content-Length: 9\r\n")),
        Some(NotMcp::ContentLength)
    );
    // A debug adapter's framing is the same.
    assert_eq!(
        verdict(
            "Content-Length: 71\r\n\r\n{\"seq\":1,\"type\":\"request\",\"command\":\"initialize\",\"arguments\":{}}"
        ),
        Some(NotMcp::ContentLength)
    );
}

#[test]
fn other_protocols_on_lines() {
    let acp = [
        r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":1}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"session/new","params":{"cwd":"/"}}"#,
        r#"{"jsonrpc":"2.0","id":2,"method":"session/prompt","params":{}}"#,
        r#"{"jsonrpc":"2.0","method":"session/cancel","params":{}}"#,
    ];
    assert_eq!(verdict(acp.join("\n") + "\n"), Some(NotMcp::OtherJson));
    let app_server = [
        r#"{"id":0,"method":"initialize","params":{"clientInfo":{"name":"codex_vscode","version":"1"}}}"#,
        r#"{"method":"initialized"}"#,
        r#"{"id":1,"method":"thread/start","params":{}}"#,
        r#"{"id":2,"method":"turn/start","params":{}}"#,
        r#"{"id":3,"method":"turn/interrupt","params":{}}"#,
    ];
    assert_eq!(verdict(app_server.join("\n") + "\n"), Some(NotMcp::OtherJson));
    let ethereum = r#"{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}"#;
    assert_eq!(verdict(format!("{ethereum}\n").repeat(4)), Some(NotMcp::OtherJson));
    let dap = r#"{"seq":1,"type":"request","command":"next","arguments":{}}"#;
    assert_eq!(verdict(format!("{dap}\n").repeat(4)), Some(NotMcp::OtherJson));
    let log = r#"{"level":30,"time":1700000000000,"pid":3,"msg":"request completed"}"#;
    assert_eq!(verdict(format!("{log}\n").repeat(4)), None);
    assert_eq!(verdict(format!("{log}\n").repeat(12)), Some(NotMcp::OtherJson));
}

#[test]
fn no_json_at_all() {
    let listing =
        "total 8\ndrwxr-xr-x 2 root root 4096 Nov 20 17:51 .\n-rw-r--r-- 1 root root 3 Nov 20 17:51 a\n";
    assert_eq!(verdict(listing.repeat(4)), Some(NotMcp::NotJson));
    assert_eq!(verdict("#!/bin/sh\nset -e\ncd /tmp\nls\nls\nls\nls\nls\nls\nls\n"), Some(NotMcp::NotJson));
    assert_eq!(
        verdict(
            "{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3,\n  \"d\": 4,\n  \"e\": 5,\n  \"f\": 6,\n \"g\": 7\n}\n"
        ),
        Some(NotMcp::NotJson)
    );
    assert_eq!(verdict("x".repeat(100) + "\n" + &"y".repeat(9000)), Some(NotMcp::NotJson));
    // git's pack protocol
    assert_eq!(verdict(b"0032git-upload-pack /project.git\0host=example\0"), Some(NotMcp::NotJson));
    assert_eq!(verdict(b"PACK\0\0\0\x02\0\0\0\x03\x9c"), Some(NotMcp::NotJson));
    // A browser's debugging pipe ends messages with NUL.
    assert_eq!(verdict(b"{\"id\":1,\"method\":\"Target.getTargets\"}\0\n\0\n"), Some(NotMcp::NotJson));
}

#[test]
fn a_few_lines_prove_nothing() {
    assert_eq!(verdict("Starting server on stdio\nloading config\n"), None);
    assert_eq!(verdict("\n\n\n\n\n\n\n\n\n\n\n\n\n"), None);
    // The tail of a message that began before observation did.
    assert_eq!(verdict("a".repeat(100_000)), None);
    assert_eq!(verdict(format!("{}\"}}]}}\n{LIST}\n", "a".repeat(20_000))), None);
}

#[test]
fn servers_that_log_to_stdout_are_not_given_up() {
    let banner = "\u{1b}[32mINFO\u{1b}[0m up\nlistening on stdio\n{\"level\":\"info\",\"msg\":\"x\"}\n";
    assert_eq!(told(format!("{banner}{ANSWER}\n")), ["+answer of s"]);
    let noise = "[debug] something happened\n".repeat(100);
    assert_eq!(told(format!("{ANSWER}\n{noise}{TOOLS}\n")), ["+answer of s", "+answer with 1 tools"]);
    // Joined later, an answer that could be anyone's between the noise.
    let neutral = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    assert_eq!(verdict(format!("{neutral}\nnoise\nnoise\n").repeat(30)), None);
}

#[test]
fn after_the_verdict_there_is_silence_until_another_process_comes() {
    let mut tap = Tap::new();
    tap.send(read_by(1, 5), "Content-Length: 5\r\n\r\n").send(read_by(1, 5), format!("{LIST}\n{LIST}\n"));
    assert_eq!(tap.told(), ["ContentLength"]);
    tap.send(read_by(2, 5), format!("{LIST}\n"));
    assert_eq!(tap.told(), ["+tools/list"]);
}

#[test]
fn a_gap_costs_the_line_it_is_in() {
    let mut tap = Tap::new();
    let source = read_by(1, 5);
    tap.send(source, format!("{LIST}\n{{\"jsonrpc\":\"2.0\",")).skip(source, 1000);
    tap.send(source, format!("\"x\":1}}\n{PING}\n"));
    assert_eq!(tap.told(), ["+tools/list", "gap 1000", "=ping"]);
    assert_eq!(tap.table.counters(), Counters { gaps: 1, gap_bytes: 1000, ..Counters::default() });
}

#[test]
fn lost_chunks_show_as_a_jump() {
    let mut table = StreamTable::new(Limits::default());
    let line = format!("{LIST}\n");
    let end = line.len() as u64;
    let mut seen = table.push(chunk(read_by(1, 5), 0, line.as_bytes()));
    seen.extend(table.push(chunk(read_by(1, 5), end + 50, format!("half\"}}\n{line}").as_bytes())));
    let told: Vec<_> = seen.iter().map(tell).collect();
    assert_eq!(told, ["+tools/list", "gap 50", "+tools/list"]);
}

#[test]
fn a_record_told_twice_is_one_gap() {
    let mut table = StreamTable::new(Limits::default());
    let source = read_by(1, 5);
    let record = || Chunk { skipped: 20, ..chunk(source, 0, b"{\"a\":") };
    assert_eq!(table.push(record()).len(), 1);
    assert_eq!(table.push(record()), []);
    // Half of what was left out is new.
    let seen = table.push(Chunk { skipped: 20, ..chunk(source, 10, b"") });
    assert_eq!(seen.iter().map(tell).collect::<Vec<_>>(), ["gap 5"]);
}

#[test]
fn directions_and_ends_are_apart() {
    let mut tap = Tap::new();
    let (head, tail) = LIST.split_at(10);
    let written = StreamSource::Channel { channel: pipe(5), process: process(1), wrote: true };
    tap.send(read_by(1, 5), head).send(written, head).send(read_by(1, 6), head);
    tap.send(read_by(1, 5), format!("{tail}\n"));
    assert_eq!(tap.told(), ["+tools/list"]);
    assert_eq!(tap.table.len(), 3);
}

#[test]
fn forgetting_begins_anew() {
    let mut tap = Tap::new();
    let source = read_by(1, 5);
    tap.send(source, "Content-Length: 5\r\n");
    tap.table.forget(pipe(5));
    assert!(tap.table.is_empty());
    tap.offsets.clear();
    tap.send(source, format!("{LIST}\n"));
    assert_eq!(tap.told(), ["ContentLength", "+tools/list"]);
}
