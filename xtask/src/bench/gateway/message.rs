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

/// Text for a request of about `size` bytes: words, as prose has them.
pub(super) fn text(size: usize) -> String {
    "the quick brown fox jumps over a lazy dog ".chars().cycle().take(size.saturating_sub(100)).collect()
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
        assert!((190..=210).contains(&call(7, &text).len()), "{}", call(7, &text).len());
    }
}
