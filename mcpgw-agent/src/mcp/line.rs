//! Where readers of lines disagree about where a line ends.

/// Some readers would take a part of `line` for a line of its own, and the part for a message.
///
/// Every reader ends a line at a line feed, some at a carriage return too: there is none of either within a message. A
/// few (Node's `readline`, Python's `splitlines`) also do at U+0085, U+2028 and U+2029, which text may well hold; they
/// would be led astray only where what follows begins like a message, as no prose does.
#[must_use]
pub fn hides_a_line(line: &[u8]) -> bool {
    if memchr::memchr2(b'\r', b'\n', line).is_some() {
        return true;
    }
    if line.is_ascii() {
        return false;
    }
    let begins = |at: usize| {
        let rest = line.get(at..).unwrap_or_default().trim_ascii_start();
        matches!(rest.first(), Some(b'{' | b'['))
    };
    let after_next = memchr::memmem::find_iter(line, "\u{85}").map(|at| at + 2);
    let after_line = memchr::memmem::find_iter(line, "\u{2028}").map(|at| at + 3);
    let after_paragraph = memchr::memmem::find_iter(line, "\u{2029}").map(|at| at + 3);
    after_next.chain(after_line).chain(after_paragraph).any(begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_some_reader_would_take_for_a_message_hides() {
        for (line, hides) in [
            ("{\"a\":\"b\"}", false),
            ("{\"a\":\r1}", true),
            ("{\"a\":\n1}", true),
            ("{\"a\":\"one\u{2028}two\u{2029}three\u{85}\"}", false),
            ("{\"a\":\"\u{2028}{\\\"jsonrpc\\\":1}\"}", true),
            ("{\"a\":\"\u{2029} \t[1]\"}", true),
            ("{\"a\":\"\u{85}{}\"}", true),
            ("{\"a\":\"\\u2028{}\"}", false),
            ("\u{2028}", false),
        ] {
            assert_eq!(hides_a_line(line.as_bytes()), hides, "{line:?}");
        }
    }
}
