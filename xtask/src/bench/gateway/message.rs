//! The messages that are measured: a tool call that carries some text, and an answer that brings it back.

use anyhow::{Context as _, Result};

/// The handshake's first message.
pub(super) const INITIALIZE: &str = concat!(
    r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","#,
    r#""capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}"#
);
/// The handshake's last.
pub(super) const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
/// The server's answer to the first.
const WELCOME: &str = concat!(
    r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"#,
    r#""serverInfo":{"name":"echo","version":"1"}}}"#
);
const TEXT: &str = r#""text":""#;

/// Text for a request of about `size` bytes: words, as prose has them, and none behind which there is nothing.
pub(super) fn text(size: usize) -> String {
    let words = "the quick brown fox jumps over a lazy dog ".chars().cycle();
    let text: String = words.take(size.saturating_sub(100)).collect();
    text.trim_end().to_owned()
}

/// `text` as call `id` has it: no two calls are the same, for a client that says the same over and over is an oddity, which
/// is recorded.
pub(super) fn of_call(id: u64, text: &str) -> String {
    const WORDS: [&str; 10] =
        ["moon", "lake", "tree", "hill", "road", "bird", "wind", "leaf", "rain", "snow"];
    let digits = format!("{id:05}");
    let word = |digit: char| digit.to_digit(10).and_then(|digit| WORDS.get(usize::try_from(digit).ok()?));
    let begin = digits.chars().filter_map(word).copied().collect::<Vec<_>>().join(" ");
    let rest = text.get(begin.len()..).unwrap_or_default();
    begin + rest
}

/// A call.
pub(super) fn call(id: u64, text: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"echo","arguments":{{"text":"{text}"}}}}}}"#
    )
}

/// The answer to it.
pub(super) fn answer(id: &str, text: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[{{"type":"text","text":"{text}"}}],"isError":false}}}}"#
    )
}

/// What the echo server answers; nothing for a notification. It knows the messages above and no others.
///
/// # Errors
/// When the request is none of them.
pub(super) fn respond(request: &str) -> Result<Option<String>> {
    if request.contains(r#""method":"initialize""#) {
        return Ok(Some(WELCOME.to_owned()));
    }
    if request.contains(r#""method":"notifications/"#) {
        return Ok(None);
    }
    let between = |start: &str, end: &str| {
        let (_, rest) = request.split_once(start)?;
        rest.split_once(end).map(|(inside, _)| inside)
    };
    let id = between(r#""id":"#, ",").context("a call without an id")?;
    let text = between(TEXT, "\"").context("a call without text")?;
    Ok(Some(answer(id, text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_brings_the_text_back() {
        let text = text(200);
        assert_eq!(respond(&call(7, &text)).unwrap(), Some(answer("7", &text)));
        assert_eq!(respond(INITIALIZED).unwrap(), None);
        assert!(respond(INITIALIZE).unwrap().unwrap().contains("2025-11-25"));
        respond("{}").unwrap_err();
        let (one, other) = (of_call(1, &text), of_call(12, &text));
        assert!(one != other && one.len() == text.len() && other.len() == text.len(), "{one} {other}");
        assert!((190..=210).contains(&call(7, &text).len()), "{}", call(7, &text).len());
    }
}
