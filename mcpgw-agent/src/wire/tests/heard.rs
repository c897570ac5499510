//! What passes over HTTP, as it came.

use proptest::prelude::*;

use super::*;

/// In words: `>` a request's head with its session, `<` an answer's, a text, `?N` for N missing bytes.
fn words(heard: &[Heard]) -> Vec<String> {
    let word = |heard: &Heard| match &heard.what {
        Hearing::Request { session, .. } => format!("> {}", session.as_deref().unwrap_or("-")),
        Hearing::Answer { session } => format!("< {}", session.as_deref().unwrap_or("-")),
        Hearing::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Hearing::Endpoint(path) => format!("endpoint {path}"),
        Hearing::Long => "+".to_owned(),
        Hearing::Encoded => "encoded".to_owned(),
        Hearing::Gap { bytes } => format!("?{bytes}"),
    };
    heard.iter().map(word).collect()
}

fn hear(parts: &[(bool, &[u8])]) -> Vec<String> {
    let mut table = StreamTable::new(Limits { message_bytes: 4096, ..Limits::default() });
    let (mut heard, mut offsets) = (Vec::new(), [0, 0]);
    for (from_server, bytes) in parts {
        let offset = &mut offsets[usize::from(*from_server)];
        table.hear(&chunk(tcp(*from_server), *offset, bytes), &mut heard);
        *offset += bytes.len() as u64;
    }
    words(&heard)
}

fn post(headers: &str, body: &str) -> String {
    format!("POST /mcp HTTP/1.1\r\nHost: h\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

fn answer(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

const TAKES: &str = "Accept: application/json, text/event-stream\r\n";

fn session() -> (String, String) {
    let up = [post(TAKES, REQUEST), post(&format!("{TAKES}Mcp-Session-Id: s1\r\n"), LIST)].concat();
    let events = format!("data: {TOOLS}\n\n");
    let down = [
        answer(200, "Content-Type: application/json\r\nMcp-Session-Id: s1\r\n", ANSWER),
        answer(200, "Content-Type: text/event-stream\r\n", &events),
    ];
    (up, down.concat())
}

#[test]
fn texts_come_as_they_were_sent() {
    let (up, down) = session();
    assert_eq!(hear(&[(false, up.as_bytes())]), ["> -", REQUEST, "> s1", LIST]);
    assert_eq!(hear(&[(true, down.as_bytes())]), ["< s1", ANSWER, "< -", TOOLS]);
}

#[test]
fn what_should_be_a_message_is_told_and_what_is_none_is_not() {
    for (request, told) in [
        (post(TAKES, "{\"jsonrpc\":"), vec!["> -", "{\"jsonrpc\":"]),
        (post(TAKES, "garbage"), vec!["> -", "garbage"]),
        (post(TAKES, " \r\n"), vec!["> -"]),
        (post("", "grant_type=token&secret=x"), vec!["> -"]),
        (post("", "{\"password\":\"x\"}"), vec!["> -"]),
        (post("", PING), vec!["> -", PING]),
        (post(&format!("{TAKES}Content-Encoding: gzip\r\n"), "xx"), vec!["> -", "encoded"]),
        (post("Content-Encoding: gzip\r\n", "xx"), vec!["> -"]),
        (post(TAKES, &format!("{{{}}}", " ".repeat(5000))), vec!["> -", "+"]),
    ] {
        assert_eq!(hear(&[(false, request.as_bytes())]), told, "{request}");
    }
    let asked = post(TAKES, LIST);
    for (answer, told) in [
        (answer(200, "", "<html>"), vec!["< -"]),
        (answer(200, "", "{\"jsonrpc\""), vec!["< -", "{\"jsonrpc\""]),
        (answer(401, "", "{\"error\":\"login\"}"), vec!["< -"]),
        (answer(400, "", TOOLS), vec!["< -", TOOLS]),
    ] {
        let heard = hear(&[(false, asked.as_bytes()), (true, answer.as_bytes())]);
        assert_eq!(heard.get(2..).unwrap_or_default(), told, "{answer}");
    }
}

#[test]
fn missing_bytes_are_told_and_their_message_is_not() {
    let mut table = StreamTable::new(Limits::default());
    let mut heard = Vec::new();
    let up = [post(TAKES, REQUEST), post(TAKES, LIST)].concat();
    let (head, tail) = (up.find("initialize").unwrap(), up.find("initialize").unwrap() + 20);
    let (first, last) = (&up.as_bytes()[..head], &up.as_bytes()[tail..]);
    table.hear(&chunk(tcp(false), 0, first), &mut heard);
    let ended = Chunk { end: true, ..chunk(tcp(false), tail as u64, last) };
    table.hear(&ended, &mut heard);
    assert_eq!(words(&heard), ["> -", "?20", "> -", LIST]);
}

proptest! {
    /// However a session is cut into segments, and whichever direction is ahead, the same is heard of each.
    #[test]
    fn any_split_is_heard_the_same(cuts in prop::collection::vec((any::<bool>(), 1_usize..200), 0..60)) {
        let (up, down) = session();
        let mut rest = [up.as_bytes(), down.as_bytes()];
        let mut parts = Vec::new();
        // The request's head comes before its answer's.
        let (head, after) = rest[0].split_at(REQUEST.len() + 100);
        parts.push((false, head));
        rest[0] = after;
        for (from_server, len) in cuts {
            let of = &mut rest[usize::from(from_server)];
            let (part, after) = of.split_at(len.min(of.len()));
            *of = after;
            parts.push((from_server, part));
        }
        parts.extend([(false, rest[0]), (true, rest[1])]);
        let heard = hear(&parts);
        let of = |asked: &[&str]| -> Vec<String> {
            heard.iter().filter(|word| asked.contains(&word.as_str())).cloned().collect()
        };
        let (ups, downs) = (["> -", REQUEST, "> s1", LIST], ["< s1", ANSWER, "< -", TOOLS]);
        prop_assert_eq!(of(&ups), ups);
        prop_assert_eq!(of(&downs), downs);
        prop_assert_eq!(heard.len(), 8);
    }
}
