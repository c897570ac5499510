//! What must hold for any input, and for any way a valid one is cut.

use proptest::prelude::*;

use super::*;

/// Cuts `bytes` at `cuts` (taken modulo its length).
fn pieces(bytes: &[u8], cuts: &[usize]) -> Vec<(u64, Vec<u8>)> {
    let mut at: Vec<_> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).chain([0, bytes.len()]).collect();
    at.sort_unstable();
    at.dedup();
    at.windows(2).map(|pair| (pair[0] as u64, bytes[pair[0]..pair[1]].to_vec())).collect()
}

fn seen(table: &mut StreamTable, chunk: Chunk) -> Vec<Seen> {
    table.push(chunk).into_iter().map(|sighting| sighting.seen).collect()
}

fn whole(source: StreamSource, bytes: &[u8]) -> Vec<Seen> {
    seen(&mut StreamTable::new(Limits::default()), chunk(source, 0, bytes))
}

fn message() -> impl Strategy<Value = String> {
    let text = "[ -~é€]{0,40}".prop_map(|text| serde_json::to_string(&text).unwrap());
    let method = prop::sample::select(vec!["tools/call", "ping", "notifications/initialized", "x/y"]);
    prop_oneof![
        (method, text).prop_map(|(method, text)| format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{"a":{text}}}}}"#
        )),
        Just(REQUEST.to_owned()),
        Just(ANSWER.to_owned()),
        Just(TOOLS.to_owned()),
        Just(format!("[{LIST},{PING}]")),
    ]
}

fn line_stream() -> impl Strategy<Value = Vec<u8>> {
    let end = prop::sample::select(vec!["\n", "\r\n", "\n\n", " \n"]);
    prop::collection::vec((message(), end), 1..8).prop_map(|lines| {
        // The first message settles the stream's fate, so that where cuts fall cannot.
        let rest: String = lines.into_iter().map(|(message, end)| message + end).collect();
        format!("{REQUEST}\n{rest}").into_bytes()
    })
}

fn http_exchange() -> impl Strategy<Value = Vec<u8>> {
    let body = prop_oneof![
        message().prop_map(|text| format!("Content-Length: {}\r\n\r\n{text}", text.len())),
        (message(), 1usize..40).prop_map(|(text, size)| {
            let mut coded = "Transfer-Encoding: chunked\r\n\r\n".to_owned();
            for piece in text.as_bytes().chunks(size) {
                // Pieces may cut a character; the bytes are put together again below.
                coded.push_str(&format!("{:X}\r\n", piece.len()));
                coded.extend(piece.iter().map(|byte| char::from(*byte)));
                coded.push_str("\r\n");
            }
            coded + "0\r\n\r\n"
        }),
        (prop::collection::vec(message(), 1..4), prop::sample::select(vec!["\n", "\r\n"])).prop_map(
            |(messages, end)| {
                let events: String = messages
                    .into_iter()
                    .map(|message| format!(": c{end}event: message{end}data: {message}{end}{end}"))
                    .collect();
                format!("Content-Type: text/event-stream\r\nContent-Length: {}\r\n\r\n{events}", events.len())
            }
        ),
    ];
    prop::collection::vec(body, 1..5).prop_map(|bodies| {
        let mut stream =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{ANSWER}", ANSWER.len()).into_bytes();
        for body in bodies {
            let body = format!("HTTP/1.1 200 OK\r\n{body}");
            // Undo the widening of bytes to characters in chunked bodies.
            if body.contains("chunked") {
                stream.extend(body.chars().map(|c| u8::try_from(u32::from(c)).unwrap()));
            } else {
                stream.extend(body.as_bytes());
            }
        }
        stream
    })
}

fn any_chunk() -> impl Strategy<Value = Chunk> {
    let fragment = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..64),
        prop::sample::select(vec![
            REQUEST.to_owned(),
            format!("{LIST}\n"),
            "\n".to_owned(),
            "{\"a\":\"".to_owned(),
            "POST /mcp HTTP/1.1\r\n".to_owned(),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n".to_owned(),
            "Content-Length: 20\r\n\r\n".to_owned(),
            "data: {\"jsonrpc\":\"2.0\",".to_owned(),
            "5\r\n".to_owned(),
            "x".repeat(700),
        ])
        .prop_map(String::into_bytes),
    ];
    (0u8..6, fragment, 0u64..5000, prop_oneof![3 => Just(0u32), 1 => any::<u32>()], prop::bool::weighted(0.1))
        .prop_map(|(stream, bytes, offset, skipped, end)| {
            let source = match stream {
                0 => read_by(1, 1),
                1 => read_by(2, 1),
                2 => read_by(1, 2),
                3 => tcp(false),
                _ => tcp(true),
            };
            // Half the TCP chunks lie around the wraparound.
            let offset = if stream == 5 { u64::from(u32::MAX) - 2000 + offset } else { offset };
            Chunk { connection: u64::from(stream) % 2, skipped, end, ..chunk(source, offset, &bytes) }
        })
}

proptest! {
    #[test]
    fn lines_may_be_cut_anywhere(stream in line_stream(), cuts in prop::collection::vec(any::<usize>(), 0..20)) {
        let mut table = StreamTable::new(Limits::default());
        let mut got = Vec::new();
        for (offset, piece) in pieces(&stream, &cuts) {
            got.extend(seen(&mut table, chunk(read_by(1, 5), offset, &piece)));
        }
        prop_assert_eq!(got, whole(read_by(1, 5), &stream));
    }

    #[test]
    fn repeated_and_overlapping_chunks_change_nothing(
        stream in line_stream(),
        cuts in prop::collection::vec(any::<usize>(), 0..20),
        backs in prop::collection::vec(0usize..200, 30),
    ) {
        for (source, origin) in [(read_by(1, 5), 0u64), (tcp(false), u64::from(u32::MAX) - 100)] {
            let mut table = StreamTable::new(Limits::default());
            let mut got = Vec::new();
            for ((offset, piece), back) in pieces(&stream, &cuts).into_iter().zip(backs.iter().cycle()) {
                let from = usize::try_from(offset).unwrap().saturating_sub(*back);
                let to = usize::try_from(offset).unwrap() + piece.len();
                let wire = (origin + from as u64) % (1 << 32);
                let overlapping = if matches!(source, StreamSource::Tcp { .. }) { wire } else { from as u64 };
                for _ in 0..2 {
                    got.extend(seen(&mut table, chunk(source, overlapping, &stream[from..to])));
                }
            }
            prop_assert_eq!(got, whole(read_by(1, 5), &stream));
        }
    }

    #[test]
    fn http_may_be_cut_anywhere(stream in http_exchange(), cuts in prop::collection::vec(any::<usize>(), 0..20)) {
        let expected = whole(tcp(true), &stream);
        prop_assert!(expected.len() > 1);
        let mut table = StreamTable::new(Limits::default());
        let mut got = Vec::new();
        for (offset, piece) in pieces(&stream, &cuts) {
            got.extend(seen(&mut table, chunk(tcp(true), offset, &piece)));
        }
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn segments_may_overtake_each_other(stream in http_exchange(), cuts in prop::collection::vec(any::<usize>(), 1..12), seed in any::<u64>()) {
        let expected = whole(tcp(true), &stream);
        let mut parts = pieces(&stream, &cuts);
        // The first stays first: it tells where the stream begins.
        let mut seed = seed;
        for at in (2..parts.len()).rev() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            parts.swap(at, 1 + usize::try_from(seed >> 33).unwrap() % at);
        }
        let mut table = StreamTable::new(Limits::default());
        let mut got = Vec::new();
        for (offset, piece) in parts {
            got.extend(seen(&mut table, chunk(tcp(true), offset, &piece)));
        }
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn anything_is_survived_within_bounds(chunks in prop::collection::vec(any_chunk(), 0..80)) {
        let limits = Limits {
            streams: 3,
            message_bytes: 512,
            head_bytes: 512,
            reorder_bytes: 512,
            total_bytes: 2048,
            ..Limits::default()
        };
        let mut table = StreamTable::new(limits);
        for (at, chunk) in chunks.into_iter().enumerate() {
            let _seen = table.push(chunk);
            prop_assert!(table.len() <= limits.streams);
            prop_assert!(table.buffered_bytes() <= limits.total_bytes);
            if at % 16 == 15 {
                let _seen = table.expire(BootTime(u64::try_from(at).unwrap() * 1_000_000_000));
                prop_assert!(table.buffered_bytes() <= limits.total_bytes);
            }
        }
        table.forget_port(8000);
        table.forget(pipe(1));
        table.forget(pipe(2));
        prop_assert!(table.is_empty());
        prop_assert_eq!(table.buffered_bytes(), 0);
    }
}
