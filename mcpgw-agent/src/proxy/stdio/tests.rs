//! The relay between a client and a server that are this test.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::sync::mpsc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::retry_on_intr;

use super::*;
use crate::audit::{AuditLog, Options};
use crate::json::Limits;
use crate::policy::{Context, Policy, Principal, Transport};
use crate::proxy::hold::Holds;
use crate::proxy::room::{Room, Whose};
use crate::reload::PolicyStore;

mod evaluated;
mod held;
mod pinned;

/// Longest a test may take, on any machine: reached only by one that hangs.
const DEADLINE: Duration = Duration::from_secs(300);

/// What the client and the server hold.
struct Peers {
    to_gateway: Option<File>,
    from_gateway: BufReader<File>,
    server_in: BufReader<File>,
    server_out: Option<File>,
    running: Running,
    dir: tempfile::TempDir,
}

fn pipe() -> (OwnedFd, File) {
    let (reader, writer) = std::io::pipe().unwrap();
    (OwnedFd::from(reader), File::from(OwnedFd::from(writer)))
}

fn pipe_out() -> (File, OwnedFd) {
    let (reader, writer) = std::io::pipe().unwrap();
    (File::from(OwnedFd::from(reader)), OwnedFd::from(writer))
}

impl Peers {
    fn new(policy: Policy, full: usize) -> Self {
        Self::of(policy, full, None)
    }

    fn of(policy: Policy, full: usize, holds: Option<&Arc<Holds>>) -> Self {
        Self::with(policy, full, |gate, party| match holds {
            Some(holds) => (gate, party.holding(Arc::clone(holds))),
            None => (gate, party),
        })
    }

    fn with(policy: Policy, full: usize, adjust: impl FnOnce(Gate, Party) -> (Gate, Party)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let audit = AuditLog::open(&Options::at(dir.path().join("audit.jsonl"))).unwrap();
        let limits = Limits { bytes: 1 << 20, ..Limits::default() };
        let gate = Gate::new(Arc::new(PolicyStore::new(policy)), Arc::new(audit), limits);
        let context = Context {
            server: "test".into(),
            upstream: None,
            transport: Transport::Stdio,
            principal: Principal::default(),
            client: None,
            tapped: None,
        };
        let (client_in, to_gateway) = pipe();
        let (from_gateway, client_out) = pipe_out();
        let (server_read, server_in) = pipe_out();
        let (server_out, server_write) = pipe();
        let ends = Ends { client_in, client_out, server_in, server_out };
        let (gate, party) = adjust(gate, Party::new("s", context));
        let running =
            Relay::with_mailboxes(Arc::new(gate), Arc::new(party), 0, ends, full).unwrap().start().unwrap();
        Self {
            to_gateway: Some(to_gateway),
            from_gateway: BufReader::new(from_gateway),
            server_in: BufReader::new(server_read),
            server_out: Some(server_write),
            running,
            dir,
        }
    }

    fn observing() -> Self {
        Self::new(Policy::built_in(), mailbox::FULL_BYTES)
    }

    fn enforcing() -> Self {
        Self::new(Policy::parse(POLICY).unwrap(), mailbox::FULL_BYTES)
    }

    fn client_says(&mut self, text: &str) {
        self.to_gateway.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn server_says(&mut self, text: &str) {
        self.server_out.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn server_hears(&mut self) -> String {
        line(&mut self.server_in)
    }

    fn client_hears(&mut self) -> String {
        line(&mut self.from_gateway)
    }
}

fn line(from: &mut BufReader<File>) -> String {
    let mut line = String::new();
    from.read_line(&mut line).unwrap();
    line
}

/// Runs `test`, which must be done before the deadline.
#[track_caller]
fn within<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    thread::spawn(move || done.send(test()).ok());
    result.recv_timeout(DEADLINE).expect("nothing happened before the deadline, or the test panicked")
}

const POLICY: &str = "version: v1
mode: enforce
rules:
  - {name: no, match: {methods: [deny/me, sampling/createMessage]}, action: deny}
  - {name: rest, match: {methods: ['*']}, action: allow}
";

const PING: &str = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n";
const PONG: &str = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n";

#[test]
fn observing_passes_every_line_as_it_came() {
    within(|| {
        let mut peers = Peers::observing();
        for text in [PING, "\n", " \r\n", "log text\n", "{\"a\":1}\r\n", "[ {\"x\" : 1} ]\n", "\u{feff}{}\n"]
        {
            peers.client_says(text);
            assert_eq!(peers.server_hears(), text);
            peers.server_says(text);
            assert_eq!(peers.client_hears(), text);
        }
        peers.client_says("{\"no\":\"end\"}");
        peers.to_gateway = None;
        assert_eq!(peers.server_hears(), "{\"no\":\"end\"}");
        assert_eq!(peers.server_hears(), "");
    });
}

#[test]
fn a_batch_passes_with_its_blanks() {
    within(|| {
        let mut peers = Peers::observing();
        let open = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-03-26","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#;
        peers.client_says(&format!("{open}\n"));
        assert_eq!(peers.server_hears(), format!("{open}\n"));
        let batch = format!("[ {} ,\t{} ]\r\n", PING.trim_end(), PING.trim_end().replace('1', "2"));
        peers.client_says(&batch);
        assert_eq!(peers.server_hears(), batch);
    });
}

#[test]
fn a_line_over_the_limit_passes_while_it_is_being_read() {
    within(|| {
        let mut peers = Peers::observing();
        peers.client_says(PING);
        assert_eq!(peers.server_hears(), PING);
        let answer =
            format!("{{\"result\":{{\"x\":\"{}\"}},\"jsonrpc\":\"2.0\",\"id\":1}}", "x".repeat(3 << 20));
        let mut server = peers.server_out.take().unwrap();
        let (sent, more) = mpsc::channel();
        let text = answer.clone();
        thread::spawn(move || {
            server.write_all(text.as_bytes()).unwrap();
            // No end yet: all but it passes.
            let () = more.recv().unwrap();
            server.write_all(b"\n").unwrap();
        });
        let mut got = vec![0; answer.len()];
        peers.from_gateway.read_exact(&mut got).unwrap();
        assert!(got == answer.as_bytes());
        sent.send(()).unwrap();
        // It answered the request: no error follows the server's end.
        assert_eq!(peers.client_hears(), "\n");
        assert_eq!(peers.client_hears(), "");
    });
}

#[test]
fn the_server_dies_and_every_open_request_gets_an_error() {
    within(|| {
        let mut peers = Peers::observing();
        let ids = ["1", "\"one\"", "7"];
        for id in ids {
            peers.client_says(&PING.replace('1', id));
            peers.server_hears();
        }
        peers.server_says(PONG);
        assert_eq!(peers.client_hears(), PONG);
        // Mid-answer, too: what there is of it is passed on, with an end.
        peers.server_says("{\"jsonrpc\":\"2.0\",\"id\":7,\"res");
        peers.server_out = None;
        assert_eq!(peers.client_hears(), "{\"jsonrpc\":\"2.0\",\"id\":7,\"res\n");
        for id in &ids[1..] {
            let error = peers.client_hears();
            assert!(error.contains(&format!("\"id\":{id},")) && error.contains("50201"), "{error}");
        }
        assert_eq!(peers.client_hears(), "");
        drop(peers.server_in);
        drop(peers.to_gateway);
        assert_eq!(peers.running.wait(), Outcome::Server);
    });
}

#[test]
fn a_client_that_has_closed_its_input_is_told_nothing_more() {
    within(|| {
        let mut peers = Peers::observing();
        peers.client_says(PING);
        peers.to_gateway = None;
        assert_eq!((peers.server_hears().as_str(), peers.server_hears().as_str()), (PING, ""));
        peers.server_says("{}\n");
        peers.server_out = None;
        assert_eq!((peers.client_hears().as_str(), peers.client_hears().as_str()), ("{}\n", ""));
        assert_eq!(peers.running.wait(), Outcome::Client);
    });
}

#[test]
fn a_stopped_session_closes_all_ends_and_tells_who_waits() {
    within(|| {
        let mut peers = Peers::observing();
        peers.client_says(PING);
        assert_eq!(peers.server_hears(), PING);
        peers.running.stopper().stop();
        assert!(peers.client_hears().contains("50201"));
        assert_eq!(peers.client_hears(), "");
        assert_eq!(peers.server_hears(), "");
        assert_eq!(peers.running.wait(), Outcome::Stopped);
    });
}

#[test]
fn a_client_that_leaves_is_noticed_though_nothing_is_sent() {
    within(|| {
        let Peers { from_gateway, server_out, mut running, .. } = Peers::observing();
        drop(from_gateway);
        running.output_done();
        let mut server = server_out.unwrap();
        // A child that another test has just forked has a copy of the other end until it executes.
        let mut unread = [PollFd::new(&server, PollFlags::empty())];
        retry_on_intr(|| poll(&mut unread, None)).unwrap();
        let error = server.write_all(b"{}\n").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    });
}

fn denied(id: impl std::fmt::Display) -> String {
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"deny/me\"}}\n")
}

fn is_error(line: &str, id: impl std::fmt::Display, code: i64) -> bool {
    line.starts_with(&format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":{code},"))
        && line.ends_with("}\n")
}

#[test]
fn each_side_is_told_what_was_refused_it_and_the_rest_passes() {
    within(|| {
        let mut peers = Peers::enforcing();
        peers.client_says(&format!("{}log text\r\n{PING}", denied(5)));
        let told = peers.client_hears();
        assert!(is_error(&told, 5, 40301), "{told}");
        let told = peers.client_hears();
        assert!(is_error(&told, "null", -32700), "{told}");
        assert_eq!(peers.server_hears(), PING);
        let asks = "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"sampling/createMessage\",\"params\":{}}\n";
        peers.server_says(&format!("Starting...\n\n{asks}{PONG}{PONG}"));
        let told = peers.server_hears();
        assert!(is_error(&told, 9, 40301), "{told}");
        // Blank lines pass; the second answer answers nothing.
        assert_eq!((peers.client_hears(), peers.client_hears()), ("\n".into(), PONG.into()));
        peers.server_out = None;
        assert_eq!(peers.client_hears(), "");
    });
}

#[test]
fn an_answer_that_is_refused_is_an_error_for_who_waits() {
    within(|| {
        let mut peers = Peers::enforcing();
        peers.client_says(PING);
        assert_eq!(peers.server_hears(), PING);
        peers.server_says("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{},\"error\":1}\n");
        let told = peers.client_hears();
        assert!(is_error(&told, 1, -32600), "{told}");
        peers.server_out = None;
        assert_eq!(peers.client_hears(), "");
    });
}

#[test]
fn a_refusal_never_stands_within_another_line() {
    within(|| {
        let mut peers = Peers::enforcing();
        peers.client_says(PING);
        assert_eq!(peers.server_hears(), PING);
        let (head, tail) = PONG.split_at(10);
        peers.server_says(head);
        peers.client_says(&denied(2));
        let told = peers.client_hears();
        assert!(is_error(&told, 2, 40301), "{told}");
        peers.server_says(tail);
        assert_eq!(peers.client_hears(), PONG);
    });
}

#[test]
fn twenty_thousand_refusals_nobody_reads_stop_nothing() {
    within(|| {
        let mut peers = Peers::enforcing();
        for id in 0..20_000 {
            peers.client_says(&denied(id));
        }
        peers.client_says(PING);
        assert_eq!(peers.server_hears(), PING);
        for id in 0..20_000 {
            let told = peers.client_hears();
            assert!(is_error(&told, id, 40301), "{id}: {told}");
        }
    });
}

#[test]
fn both_sides_flood_and_read_only_when_they_cannot_write_any_more() {
    within(|| {
        // Far more than both mailboxes and all pipes hold.
        const EACH: usize = 5_000;
        const FULL: usize = 32 << 10;
        let Peers { to_gateway, mut from_gateway, mut server_in, server_out, dir: _dir, .. } =
            Peers::new(Policy::parse(POLICY).unwrap(), FULL);
        let (mut client, mut server) = (to_gateway.unwrap(), server_out.unwrap());
        let asks = |id| denied(id).replace("deny/me", "sampling/createMessage");
        let read = |from: &mut BufReader<File>| {
            for id in 0..EACH {
                let told = line(from);
                assert!(is_error(&told, id, 40301), "{id}: {told}");
            }
        };
        thread::scope(|scope| {
            scope.spawn(|| (0..EACH).for_each(|id| client.write_all(denied(id).as_bytes()).unwrap()));
            scope.spawn(|| (0..EACH).for_each(|id| server.write_all(asks(id).as_bytes()).unwrap()));
            scope.spawn(|| read(&mut from_gateway));
            read(&mut server_in);
        });
    });
}

#[test]
fn a_line_over_the_limit_is_skipped_and_who_waits_is_told() {
    within(|| {
        let mut peers = Peers::enforcing();
        let pad = "x".repeat(3 << 20);
        peers.client_says(&format!(
            "{{\"params\":{{\"x\":\"{pad}\"}},\"method\":\"ping\",\"id\":\"big\"}}\n{PING}"
        ));
        let told = peers.client_hears();
        assert!(is_error(&told, "\"big\"", -32700), "{told}");
        assert_eq!(peers.server_hears(), PING);
        peers
            .server_says(&format!("{{\"result\":{{\"x\":\"{pad}\"}},\"id\":1}}\n{{\"method\":\"{pad}\"}}\n"));
        let told = peers.client_hears();
        assert!(is_error(&told, 1, -32700), "{told}");
        peers.server_says("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}\n");
        assert!(peers.client_hears().contains("notifications/x"));
        // Neither is a line that nobody can be told about, and that never ends, held.
        peers.client_says(&pad);
        peers.to_gateway = None;
        let told = peers.client_hears();
        assert!(is_error(&told, "null", -32700), "{told}");
        assert_eq!(peers.server_hears(), "");
    });
}

#[test]
fn memory_for_a_long_line_is_given_back() {
    let mut lines = lines::Lines::new(16 << 20, Room::new(16 << 20).share(Whose::User(1)));
    let mut pieces = Vec::new();
    for _ in 0..200 {
        lines.feed(&[b'x'; 65536], &mut pieces);
    }
    assert!(lines.held() >= 200 * 65536);
    lines.feed(b"\n", &mut pieces);
    assert_eq!((lines.held(), pieces.len()), (0, 1));
}

/// What policy cannot be shown, or is refused before it, must not get past a rule that is carried out.
#[test]
fn a_rule_that_enforces_is_not_passed_by_in_a_policy_that_observes() {
    const OBSERVING: &str = "{version: v1, mode: audit, rules: [
        {name: no-mark, action: deny, mode: enforce, match: {methods: [tools/call], tools: [mark]}},
        {name: all, action: allow, match: {methods: ['*']}}]}";
    const MARK: &str = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"mark"}}"#;
    within(|| {
        let mut peers = Peers::new(Policy::parse(OBSERVING).unwrap(), mailbox::FULL_BYTES);
        let twice = MARK.replace("\"name\"", "\"name\":\"echo\",\"name\"");
        for line in [MARK, &twice, &format!("[{MARK}]"), &MARK.replace("tools", "\\u0074ools"), "{"] {
            peers.client_says(&format!("{line}\n"));
            let answer = peers.client_hears();
            assert!(answer.contains("\"error\""), "{line} is answered by {answer}");
        }
        peers.client_says(PING);
        assert_eq!(peers.server_hears(), PING, "nothing else got there");
    });
}
