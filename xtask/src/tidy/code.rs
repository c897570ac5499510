//! Rust text with everything that is not code blanked out, line for line.

/// Replaces comments and the contents of string and character literals by spaces. Lines stay where they are.
pub(crate) fn code_only(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => string(rest),
            'r' | 'b' | 'c' if !ends_in_word(&out) => literal_with_prefix(rest),
            '\'' => character(rest),
            _ => 0,
        };
        if length == 0 {
            out.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or("");
        } else {
            let (skipped, after) = rest.split_at(length);
            out.extend(skipped.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = after;
        }
    }
    out
}

fn ends_in_word(out: &str) -> bool {
    out.ends_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// Length of a block comment; they nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth = depth.saturating_sub(1);
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// Length of a string that starts with its quote.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Length of a raw, byte or C string; 0 when it is a word.
fn literal_with_prefix(text: &str) -> usize {
    let after = text.trim_start_matches(['b', 'c', 'r']);
    let prefix = text.len() - after.len();
    let raw = text.get(..prefix).is_some_and(|prefix| prefix.contains('r'));
    let quoted = after.trim_start_matches('#');
    let hashes = after.len() - quoted.len();
    if prefix > 2 || !quoted.starts_with('"') || (hashes > 0 && !raw) {
        return 0;
    }
    if !raw {
        return prefix + string(quoted);
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let body = quoted.get(1..).unwrap_or("");
    body.find(&end).map_or(text.len(), |at| prefix + hashes + 1 + at + end.len())
}

/// Length of a character literal; 0 when the quote begins a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => {
            // The escaped character itself may be a quote.
            let _escaped = chars.next();
            chars.find(|(_, c)| *c == '\'').map_or(0, |(at, _)| at + 1)
        }
        Some(_) => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 0,
        },
        None => 0,
    }
}

/// Where a word stands in code: byte offsets, with no letter, digit or `_` on either side.
pub(crate) fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = code.get(..*at).unwrap_or("");
        let after = code.get(at + word.len()..).unwrap_or("");
        !before.ends_with(inside) && !after.starts_with(inside)
    })
}

/// The line an offset is on, counted from 1.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::{code_only, line_of, words};

    fn squeezed(text: &str) -> String {
        code_only(text).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_go_and_lines_stay() {
        let text = "a // unsafe\n/* x /* y */ unsafe\n */ b /// unsafe\nc";
        assert_eq!(squeezed(text), "a b c");
        assert_eq!(code_only(text).lines().count(), text.lines().count());
    }

    #[test]
    fn literals_go() {
        assert_eq!(squeezed(r#"a "unsafe \" // " b"#), "a b");
        assert_eq!(squeezed("a r#\"un\"safe\"# b br\"x\" c b\"y\" d c\"z\""), "a b c d");
        assert_eq!(squeezed(r"a '\'' b '\u{1F600}' c '/' d '\n' e"), "a b c d e");
        assert_eq!(squeezed(r#"f("x", '"', "y")"#), "f( , , )");
    }

    #[test]
    fn lifetimes_and_words_stay() {
        assert_eq!(
            squeezed("fn f<'a>(x: &'a str, y: &'static str)"),
            "fn f<'a>(x: &'a str, y: &'static str)"
        );
        assert_eq!(squeezed("bar car r b c br"), "bar car r b c br");
        assert_eq!(squeezed("r#type"), "r#type");
    }

    #[test]
    fn what_is_not_finished_ends_with_the_text() {
        for text in ["\"open", "/* open", "r#\"open\"", "'", "'\\"] {
            assert!(code_only(text).len() <= text.len(), "{text:?}");
        }
    }

    #[test]
    fn words_are_whole() {
        assert_eq!(words("unsafe unsafe_code x.unsafe", "unsafe").collect::<Vec<_>>(), [0, 21]);
        assert_eq!(line_of("a\nb\nc", 4), 3);
    }
}
