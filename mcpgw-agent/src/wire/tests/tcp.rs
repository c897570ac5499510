//! Order, loss and openings of TCP streams.

use super::*;

fn segment(sequence: u32, bytes: &[u8]) -> Chunk {
    chunk(tcp(false), u64::from(sequence), bytes)
}

fn push_all(chunks: impl IntoIterator<Item = Chunk>) -> Vec<String> {
    let mut table = StreamTable::new(Limits::default());
    chunks.into_iter().flat_map(|chunk| table.push(chunk)).map(|sighting| tell(&sighting)).collect()
}

#[test]
fn lines_over_tcp_across_the_wraparound() {
    let text = format!("{LIST}\n{PING}\n");
    let start = u32::MAX - 20;
    let pieces = text.as_bytes().chunks(10).enumerate();
    let chunks =
        pieces.map(|(at, piece)| segment(start.wrapping_add(u32::try_from(at * 10).unwrap()), piece));
    assert_eq!(push_all(chunks), ["+tools/list", "=ping"]);
}

#[test]
fn retransmits_change_nothing_and_overtaking_is_put_right() {
    let text = format!("{LIST}\n{PING}\n");
    let at = |from: usize, to: usize| segment(u32::try_from(from).unwrap(), &text.as_bytes()[from..to]);
    let end = text.len();
    let chunks =
        [at(0, 10), at(0, 10), at(20, 30), at(5, 15), at(20, 25), at(30, end), at(10, 20), at(0, end)];
    assert_eq!(push_all(chunks), ["+tools/list", "=ping"]);
}

#[test]
fn a_lost_segment_is_a_gap_once_too_much_waits() {
    let mut table = StreamTable::new(Limits { reorder_bytes: 100, ..Limits::default() });
    let line = format!("{LIST}\n");
    let mut told = Vec::new();
    let mut sequence = u32::try_from(line.len()).unwrap();
    told.extend(table.push(segment(0, line.as_bytes())));
    sequence += 10;
    for _ in 0..3 {
        told.extend(table.push(segment(sequence, line.as_bytes())));
        sequence += u32::try_from(line.len()).unwrap();
    }
    let told: Vec<_> = told.iter().map(tell).collect();
    // The line after the gap may be the rest of one that began in it.
    assert_eq!(told, ["+tools/list", "gap 10", "+tools/list", "+tools/list"]);
    assert_eq!(table.counters().gap_bytes, 10);
}

#[test]
fn a_lost_segment_is_a_gap_after_a_while() {
    let mut table = StreamTable::new(Limits::default());
    let line = format!("{LIST}\n");
    assert_eq!(table.push(segment(0, line.as_bytes())).len(), 1);
    assert_eq!(table.push(segment(1000, format!("x\n{line}").as_bytes())), []);
    assert_eq!(table.expire(BootTime(1000)), []);
    let told: Vec<_> = table.expire(BootTime(2_000_000_000)).iter().map(tell).collect();
    assert_eq!(told, [format!("gap {}", 1000 - line.len()), "+tools/list".to_owned()]);
}

#[test]
fn a_leap_is_a_gap_at_once() {
    let line = format!("{LIST}\n");
    let far = segment(50_000_000, format!("x\n{line}").as_bytes());
    let told = push_all([segment(0, line.as_bytes()), far]);
    assert_eq!(
        told,
        ["+tools/list".to_owned(), format!("gap {}", 50_000_000 - line.len()), "+tools/list".to_owned()]
    );
}

#[test]
fn a_reset_after_the_end_is_no_gap() {
    let mut table = StreamTable::new(Limits::default());
    let line = format!("{LIST}\n");
    let end = |sequence: usize| Chunk { end: true, ..segment(u32::try_from(sequence).unwrap(), b"") };
    assert_eq!(table.push(segment(0, line.as_bytes())).len(), 1);
    assert_eq!(table.push(end(line.len())), []);
    assert_eq!(table.push(end(line.len() + 1)), []);
    assert_eq!(table.expire(BootTime(2_000_000_000)), []);
    assert_eq!(table.counters().gap_bytes, 0);
}

#[test]
fn the_end_completes_the_last_line_and_removes_the_connection() {
    let mut table = StreamTable::new(Limits::default());
    assert_eq!(table.push(segment(0, LIST.as_bytes())), []);
    let end = u64::try_from(LIST.len()).unwrap();
    let seen = table.push(Chunk { end: true, ..chunk(tcp(false), end, b"") });
    assert_eq!(seen.iter().map(tell).collect::<Vec<_>>(), ["+tools/list"]);
    assert_eq!(table.len(), 1);
    assert_eq!(table.push(Chunk { end: true, ..chunk(tcp(true), 5, b"") }), []);
    assert!(table.is_empty());
    // A late FIN begins nothing.
    assert_eq!(table.push(Chunk { end: true, ..chunk(tcp(true), 5, b"") }), []);
    assert!(table.is_empty());
}

#[test]
fn openings_out_of_reach() {
    assert_eq!(push_all([segment(0, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")]), ["Http2"]);
    assert_eq!(push_all([segment(0, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")]), ["NotJson"]);
    assert_eq!(push_all([segment(0, b"\0\0\0\x08\x04\xd2\x16\x2f")]), ["NotJson"]);
    let redis = segment(0, &b"*1\r\n$4\r\nPING\r\n".repeat(5000));
    assert_eq!(push_all([redis]), ["NotJson"]);
}

#[test]
fn a_port_is_forgotten() {
    let mut tap = Tap::new();
    tap.send(tcp(false), "GET /sse HTTP/1.1\r\n").send(read_by(1, 5), "{");
    tap.table.forget_port(8001);
    assert_eq!(tap.table.len(), 2);
    tap.table.forget_port(8000);
    assert_eq!(tap.table.len(), 1);
    assert!(tap.table.buffered_bytes() < 100);
}
