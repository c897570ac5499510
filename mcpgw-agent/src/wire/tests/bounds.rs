//! What the table holds stays within its limits, and what that costs is counted.

use super::*;

#[test]
fn an_oversized_line_is_skipped_to_its_end() {
    let mut tap = Tap::with(Limits { message_bytes: 1000, ..Limits::default() });
    let source = read_by(1, 5);
    tap.send(source, format!("{{\"a\":\"{}", "x".repeat(900)));
    tap.send(source, "x".repeat(200));
    assert!(tap.table.buffered_bytes() < 100);
    tap.send(source, format!("{}\"}}\n{LIST}\n", "x".repeat(5000)));
    assert_eq!(tap.told(), ["+tools/list"]);
    assert_eq!(tap.table.counters().oversized, 1);
    tap.send(source, format!("{{\"a\":\"{}\"}}\n{LIST}\n", "x".repeat(5000)));
    assert_eq!(tap.told(), ["+tools/list"]);
    assert_eq!(tap.table.counters().oversized, 2);
}

#[test]
fn oversized_bodies_and_events_are_skipped() {
    let mut tap = Tap::with(Limits { message_bytes: 1000, ..Limits::default() });
    let big = format!("{{\"a\":\"{}\"}}", "x".repeat(3000));
    let (head, tail) = big.split_at(1500);
    tap.send(tcp(true), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for value in [head, tail, TOOLS] {
        tap.send(tcp(true), format!("{:x}\r\n{value}\r\n", value.len()));
    }
    assert_eq!(tap.told(), ["+answer with 1 tools"]);
    tap.send_on(2, tcp(true), "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
    tap.send_on(2, tcp(true), format!("data: {head}"));
    tap.send_on(2, tcp(true), format!("{tail}\ndata: {PING}\n\ndata: {TOOLS}\n\n"));
    assert_eq!(tap.told(), ["+answer with 1 tools"]);
    assert_eq!(tap.table.counters().oversized, 2);
}

#[test]
fn streams_are_bounded_and_the_least_useful_goes_first() {
    let mut tap = Tap::with(Limits { streams: 3, ..Limits::default() });
    tap.send(read_by(1, 1), "{").send(read_by(1, 2), "Content-Length: 1\r\n").send(tcp(false), "GET /");
    tap.send(read_by(1, 3), "{").send(read_by(1, 4), "{");
    assert_eq!(tap.table.len(), 3);
    assert_eq!(tap.table.counters().evicted, 2);
    // The settled stream and the connection went; now the one quiet for longest does.
    tap.send(read_by(1, 1), "}").send(read_by(1, 5), "{").send(read_by(1, 1), format!("\n{LIST}\n"));
    assert_eq!(tap.told(), ["ContentLength", "+tools/list"]);
    assert_eq!(tap.table.counters().evicted, 3);
}

#[test]
fn all_buffers_together_are_bounded() {
    let limits = Limits { total_bytes: 10_000, ..Limits::default() };
    let mut tap = Tap::with(limits);
    for ino in 0..20 {
        tap.send(read_by(1, ino), format!("{{\"a\":\"{}", "x".repeat(usize::try_from(ino).unwrap() * 100)));
        assert!(tap.table.buffered_bytes() <= limits.total_bytes);
    }
    assert!(tap.table.counters().shed > 0);
    assert_eq!(tap.table.len(), 20);
    // A small one was spared.
    tap.send(read_by(1, 2), format!("\"}}\n{LIST}\n"));
    assert_eq!(tap.told(), ["+tools/list"]);
}

#[test]
fn idle_streams_are_forgotten() {
    let mut tap = Tap::new();
    tap.send(read_by(1, 1), "{").send(tcp(false), "GET /");
    assert_eq!(tap.table.expire(BootTime(599_000_000_000)), []);
    assert_eq!(tap.table.len(), 2);
    assert_eq!(tap.table.expire(BootTime(601_000_000_000)), []);
    assert!(tap.table.is_empty());
    assert_eq!(tap.table.buffered_bytes(), 0);
}

#[test]
fn a_long_buffer_is_given_back() {
    let mut tap = Tap::new();
    let source = read_by(1, 5);
    tap.send(source, format!("{{\"a\":\"{}", "x".repeat(500_000)));
    assert!(tap.table.buffered_bytes() >= 500_000);
    tap.send(source, "\"}\n");
    assert!(tap.table.buffered_bytes() < 20_000);
}
