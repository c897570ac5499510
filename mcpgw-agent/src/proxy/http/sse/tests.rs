use super::*;
use proptest::prelude::*;

/// Reads `stream` in chunks that end at `cuts`.
fn read(stream: &[u8], cuts: &[usize]) -> (Vec<Event>, Result<Bytes, Fault>) {
    let mut reader = Reader::new(1 << 20);
    let mut events = Vec::new();
    let mut at = 0;
    for cut in cuts.iter().copied().chain([stream.len()]) {
        let cut = cut.clamp(at, stream.len());
        for event in reader.push(&stream[at..cut]) {
            match event {
                Ok(event) => events.push(event),
                Err(fault) => return (events, Err(fault)),
            }
        }
        at = cut;
    }
    (events, Ok(reader.finish()))
}

fn whole(stream: &[u8]) -> Vec<Event> {
    let (events, rest) = read(stream, &[]);
    assert!(rest.is_ok(), "{rest:?}");
    events
}

/// What an event says, its bytes aside.
#[derive(Debug, PartialEq, Eq, Clone, Default)]
struct Reading {
    data: Option<Vec<u8>>,
    name: Option<Vec<u8>>,
    id: Option<Vec<u8>>,
    retry_ms: Option<u64>,
}

fn readings(events: &[Event]) -> Vec<Reading> {
    let owned = |bytes: Option<&Bytes>| bytes.map(|bytes| bytes.to_vec());
    let reading = |event: &Event| Reading {
        data: owned(event.data()),
        name: owned(event.name()),
        id: owned(event.id()),
        retry_ms: event.retry_ms(),
    };
    // Comments and blank lines come in as many pieces as the chunks make of them.
    events.iter().map(reading).filter(|reading| *reading != Reading::default()).collect()
}

/// The standard's algorithm, on the whole text, written the slow way.
fn reference(stream: &[u8]) -> Vec<Reading> {
    let stream = stream.strip_prefix(b"\xef\xbb\xbf").unwrap_or(stream);
    let text: Vec<u8> = {
        let mut out = Vec::new();
        let mut bytes = stream.iter().peekable();
        while let Some(byte) = bytes.next() {
            if *byte == b'\r' {
                bytes.next_if(|next| **next == b'\n');
            }
            out.push(if *byte == b'\r' { b'\n' } else { *byte });
        }
        out
    };
    let mut found = Vec::new();
    let mut event = Reading::default();
    let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    lines.pop();
    for line in lines {
        if line.is_empty() {
            found.push(std::mem::take(&mut event));
            continue;
        }
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(0) => continue,
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value).to_vec();
        match field {
            b"data" => {
                let data = event.data.take().map(|mut data| {
                    data.push(b'\n');
                    data.extend_from_slice(&value);
                    data
                });
                event.data = data.or(Some(value));
            }
            b"event" => event.name = Some(value),
            b"id" if !value.contains(&0) => event.id = Some(value),
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                event.retry_ms = Some(String::from_utf8(value).unwrap().parse().unwrap_or(u64::MAX));
            }
            _ => {}
        }
    }
    found.retain(|event| *event != Reading::default());
    found
}

/// The data of events, by a reader that ends lines at LF alone and does not look closely at blanks, marks and letters.
fn loose(stream: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut data: Option<Vec<u8>> = None;
    for line in stream.split(|byte| *byte == b'\n') {
        let text = String::from_utf8_lossy(line.trim_ascii()).into_owned();
        let text = text.trim_start_matches(['\u{feff}', '\u{ef}', '\u{bb}', '\u{bf}']);
        if text.is_empty() {
            found.extend(data.take());
            continue;
        }
        let (field, value) = text.split_once(':').unwrap_or((text, ""));
        if field.trim().eq_ignore_ascii_case("data") {
            let data = data.get_or_insert_default();
            if !data.is_empty() {
                data.push(b'\n');
            }
            data.extend_from_slice(value.trim_start().as_bytes());
        }
    }
    found
}

/// Streams that are read to their end: names between blanks are refused, which has a test of its own.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(b"\n".to_vec()),
        3 => Just(b"\r\n".to_vec()),
        3 => Just(b"\r".to_vec()),
        3 => Just(b"data: {\"a\":1}".to_vec()),
        2 => Just(b"data".to_vec()),
        1 => Just(b"data:".to_vec()),
        1 => Just("data:\u{e9}\u{1f600}".as_bytes().to_vec()),
        1 => Just(b"event: message".to_vec()),
        1 => Just(b"event: endpoint".to_vec()),
        2 => Just(b"id: 7".to_vec()),
        1 => Just(b"id: a\0b".to_vec()),
        1 => Just(b"retry: 1500".to_vec()),
        1 => Just(b"retry: -1".to_vec()),
        2 => Just(b": ping".to_vec()),
        1 => Just(b"unknown: x".to_vec()),
        1 => "[ -~]{0,8}".prop_map(String::into_bytes),
    ];
    let mark = prop_oneof![Just(&b""[..]), Just(&b"\xef\xbb\xbf"[..])];
    let is_between_blanks =
        |event: &Reading| event.name.as_ref().is_some_and(|name| name.trim_ascii().len() < name.len());
    (mark, prop::collection::vec(piece, 0..40))
        .prop_map(|(mark, pieces)| [mark, &pieces.concat()].concat())
        .prop_filter("a name between blanks", move |stream| !reference(stream).iter().any(is_between_blanks))
}

/// The lines of data without the blanks around them, which some readers pass over.
fn trimmed(data: &[u8]) -> Vec<u8> {
    let lines: Vec<&[u8]> = data.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).collect();
    lines.join(&b'\n').trim_ascii().to_vec()
}

proptest! {
    #[test]
    fn it_reads_as_the_standard_says_in_any_chunks(
        stream in streams(),
        mut cuts in prop::collection::vec(0..400_usize, 0..12),
    ) {
        cuts.sort_unstable();
        let events = read(&stream, &cuts).0;
        prop_assert_eq!(readings(&events), reference(&stream));
    }

    #[test]
    fn what_is_written_reads_the_same_and_holds_nothing_else(
        stream in streams(),
        mut cuts in prop::collection::vec(0..400_usize, 0..12),
    ) {
        cuts.sort_unstable();
        let events = read(&stream, &cuts).0;
        let written: Vec<u8> = events.iter().flat_map(|event| event.written().to_vec()).collect();
        let again = whole(&written);
        prop_assert_eq!(readings(&again), reference(&stream));
        prop_assert!(events.iter().flat_map(Event::comments).eq(again.iter().flat_map(Event::comments)));
        for line in written.split(|byte| *byte == b'\n') {
            let field = line.split(|byte| *byte == b':').next().unwrap();
            prop_assert!([&b""[..], b"data", b"event", b"id", b"retry"].contains(&field), "{:?}", line);
            prop_assert!(!line.contains(&b'\r'));
        }
    }

    #[test]
    fn readers_that_follow_the_standard_less_closely_find_the_same_messages(stream in streams()) {
        let events = read(&stream, &[]).0;
        let written: Vec<u8> = events.iter().flat_map(|event| event.written().to_vec()).collect();
        let judged = events.iter().filter_map(|event| event.data().map(|data| trimmed(data)));
        let found = loose(&written).into_iter().map(|data| trimmed(&data));
        prop_assert_eq!(found.collect::<Vec<_>>(), judged.collect::<Vec<_>>());
    }

    #[test]
    fn one_byte_at_a_time_is_the_same(stream in streams()) {
        let cuts: Vec<usize> = (0..stream.len()).collect();
        prop_assert_eq!(readings(&read(&stream, &cuts).0), reference(&stream));
    }

    #[test]
    fn other_data_leaves_the_rest_of_the_event(stream in streams(), data in "[ -~\n\r]{0,30}") {
        for event in whole(&stream).iter().filter(|event| event.data().is_some()) {
            let changed = event.with_data(data.as_bytes());
            let again = whole(&changed);
            let expected = Reading {
                data: Some(data.replace("\r\n", "\n").replace('\r', "\n").into_bytes()),
                ..readings(std::slice::from_ref(event)).remove(0)
            };
            prop_assert_eq!(readings(&again), vec![expected]);
            prop_assert!(event.comments().eq(again.iter().flat_map(Event::comments)));
        }
    }

    #[test]
    fn any_bytes_are_read_without_harm(stream in prop::collection::vec(any::<u8>(), 0..300)) {
        let (events, rest) = read(&stream, &[stream.len() / 2]);
        let held = rest.map_or(0, |rest| rest.len());
        prop_assert!(held <= stream.len() && events.iter().all(|event| whole(&event.written()).len() <= 2));
    }
}

#[test]
fn an_events_fields_are_read() {
    let stream = b"\xef\xbb\xbfid: 1\nevent: message\nretry: 10\n: note\ndata: {\ndata:}\n\n";
    let [event] = whole(stream).try_into().unwrap();
    assert_eq!(event.data().unwrap(), &b"{\n}"[..]);
    assert_eq!(event.id().unwrap(), &b"1"[..]);
    assert_eq!(event.retry_ms(), Some(10));
    assert_eq!(event.comments().collect::<Vec<_>>(), [b" note"]);
    assert!(event.is_message() && event.is_to_be_judged() && !event.is_endpoint());
    assert_eq!(event.written(), &b": note\nevent: message\nid: 1\nretry: 10\ndata: {\ndata: }\n\n"[..]);
}

#[test]
fn what_goes_on_is_written_anew() {
    let [event] = whole(b"id: 1\r\ndata: old\r\ndata: data\r\nx: y\r\n\r\n").try_into().unwrap();
    assert_eq!(event.with_data(b"new\nlines"), &b"id: 1\ndata: new\ndata: lines\n\n"[..]);
    let [event] = whole(b"id: 1\r\r").try_into().unwrap();
    assert_eq!(event.with_data(b"x"), &b"id: 1\ndata: x\n\n"[..]);
    // Fields that some readers take for `data`: behind a mark that was decoded twice, in other letters, before a blank.
    for unknown in ["\u{ef}\u{bb}\u{bf}data: {}", "Data: {}", "data : {}", "dat\u{e0}: {}"] {
        let [event] = whole(format!("{unknown}\n\n").as_bytes()).try_into().unwrap();
        assert_eq!(event.written(), &b"\n"[..], "{unknown:?}");
    }
    // Those that end lines at LF alone take what follows for the data.
    let [event] = whole(b"data:\r{}\n\n").try_into().unwrap();
    assert_eq!(event.written(), &b"data:\n\n"[..]);
    assert_eq!(message(b"{}"), &b"event: message\ndata: {}\n\n"[..]);
}

#[test]
fn a_priming_event_has_empty_data_and_nothing_to_judge() {
    let [event] = whole(b"id: 1\nretry: 500\ndata:\n\n").try_into().unwrap();
    assert_eq!(event.data().map(Bytes::len), Some(0));
    assert!(event.is_message() && !event.is_to_be_judged());
}

#[test]
fn a_json_text_under_another_name_is_judged() {
    for (stream, judged) in [
        (&b"event: error\ndata: {}\n\n"[..], true),
        (b"event: x\ndata: \t[]\n\n", true),
        (b"event: x\ndata: \xef\xbb\xbf{}\n\n", true),
        (b"event: endpoint\ndata: /messages?s=1\n\n", false),
        (b"event: Message\ndata: hello\n\n", false),
        (b"event:\ndata: hello\n\n", true),
    ] {
        let [event] = whole(stream).try_into().unwrap();
        assert_eq!(event.is_to_be_judged(), judged, "{:?}", event.written());
    }
    assert!(whole(b"event: endpoint\ndata: /m\n\n")[0].is_endpoint());
}

#[test]
fn comments_and_blank_lines_do_not_wait() {
    let mut reader = Reader::new(100);
    let mut written =
        |chunk: &[u8]| -> Vec<Bytes> { reader.push(chunk).map(|event| event.unwrap().written()).collect() };
    assert_eq!(written(b": pi"), Vec::<Bytes>::new());
    assert_eq!(written(b"ng\n"), [": ping\n"]);
    assert_eq!(written(b"\n"), ["\n"]);
    assert_eq!(written(b": a\n\ndata: 1\n"), [": a\n\n"]);
    assert_eq!(written(b": within\n"), Vec::<Bytes>::new());
    // The event is there with its CR; the LF that belongs to it follows.
    assert_eq!(written(b"\r"), [": within\ndata: 1\n\n"]);
    assert_eq!(written(b"\n"), ["\n"]);
    assert_eq!(written(b"data: 2\r\r"), ["data: 2\n\n"]);
}

#[test]
fn an_event_that_does_not_end_is_not_one() {
    let (events, rest) = read(b"data: 1\n\ndata: 2\n", &[]);
    assert_eq!(events.len(), 1);
    assert_eq!(rest.unwrap(), &b"data: 2\n"[..]);
}

#[test]
fn an_event_has_a_limit_and_a_stream_has_none() {
    let mut reader = Reader::new(0);
    let comment = [&b": "[..], &[b'x'; 60_000], b"\n"].concat();
    for _ in 0..50 {
        assert!(reader.push(&comment).all(|event| event.is_ok()));
        assert_eq!(reader.buffered(), 0);
    }
    assert!(reader.push(b"data: x\n").next().is_none());
    let mut fault = None;
    for _ in 0..3 {
        fault = fault.or(reader.push(&comment).find_map(Result::err));
        assert!(reader.buffered() < 140_000);
    }
    assert_eq!(fault, Some(Fault::TooLong));
    assert!(reader.push(b"\n\ndata: 1\n\n").next().is_none(), "nothing comes after a fault");
    assert_eq!(reader.buffered(), 0);

    let mut reader = Reader::new(0);
    let line = vec![b'x'; 100_000];
    assert_eq!(reader.push(&line).next().map(Result::err), Some(Some(Fault::TooLong)));
}

#[test]
fn what_another_reader_would_take_for_an_event_is_refused() {
    for separator in ["\u{b}", "\u{c}", "\u{1c}", "\u{1d}", "\u{1e}", "\u{85}", "\u{2028}", "\u{2029}"] {
        for stream in [
            format!(": x{separator}data: {{}}\n\n"),
            format!("id: 1{separator}\ndata: {{}}\n\n"),
            format!("event: x\ndata: x{separator}{separator}data: {{}}\n\n"),
            format!("x{separator}\n\n"),
            format!("event:  endpoint\ndata: http://x/{separator}\n\n"),
        ] {
            assert_eq!(read(stream.as_bytes(), &[]).1, Err(Fault::Ambiguous), "{stream:?}");
        }
        // A message's data is JSON, or is refused by who judges it.
        let message = format!("data: {{\"a\":\"{separator}\"}}\n\n");
        assert!(whole(message.as_bytes())[0].is_to_be_judged());
    }
}

#[test]
fn a_name_between_blanks_is_refused() {
    for stream in [
        "event:  endpoint\ndata: //evil.example\n\n",
        "event: endpoint \ndata: x\n\n",
        "event:\tx\n\n",
        "event: \u{a0}endpoint\n\n",
        "event: endpoint\u{feff}\n\n",
    ] {
        assert_eq!(read(stream.as_bytes(), &[]).1, Err(Fault::Ambiguous), "{stream:?}");
    }
}

#[test]
fn a_byte_order_mark_later_would_be_the_first_where_what_stands_before_it_is_not_forwarded() {
    for stream in ["data: 1\n\n\u{feff}data: {}\n\n", "\u{feff}\u{feff}data: {}\n\n", "\n\u{feff}\n\n"] {
        assert_eq!(read(stream.as_bytes(), &[]).1, Err(Fault::Ambiguous), "{stream:?}");
    }
}

#[test]
fn events_before_a_fault_are_not_lost() {
    let mut reader = Reader::new(100);
    let events: Vec<_> = reader.push("data: 1\n\n: \u{2028}\n".as_bytes()).collect();
    assert_eq!(events.len(), 2);
    assert!(events[0].is_ok() && events[1].is_err());
}
