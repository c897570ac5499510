//! JSON as editors write it: with comments and commas at the end of lists. Pure.

/// `text` with comments, and commas before a closing bracket, made blanks. Strings stay as they are.
pub(super) fn without_comments(text: &[u8]) -> Vec<u8> {
    let mut out = text.to_vec();
    // Where the last comma stands that nothing but blanks followed.
    let mut comma = None;
    let mut at = 0;
    while let Some(byte) = out.get(at).copied() {
        let next = out.get(at + 1).copied();
        let end = match (byte, next) {
            (b'"', _) => {
                comma = None;
                string_end(&out, at)
            }
            (b'/', Some(b'/')) => blank(&mut out, at, |rest| memchr::memchr(b'\n', rest)),
            (b'/', Some(b'*')) => {
                blank(&mut out, at, |rest| memchr::memmem::find(rest.get(2..)?, b"*/").map(|end| end + 4))
            }
            (b',', _) => {
                comma = Some(at);
                at + 1
            }
            (b'}' | b']', _) => {
                if let Some(comma) = comma.take().and_then(|comma: usize| out.get_mut(comma)) {
                    *comma = b' ';
                }
                at + 1
            }
            (byte, _) => {
                if !byte.is_ascii_whitespace() {
                    comma = None;
                }
                at + 1
            }
        };
        at = end;
    }
    out
}

fn string_end(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    at
}

fn blank(text: &mut [u8], start: usize, length: impl Fn(&[u8]) -> Option<usize>) -> usize {
    let rest = text.get_mut(start..).unwrap_or_default();
    let length = length(rest).unwrap_or(rest.len()).min(rest.len());
    rest.get_mut(..length).unwrap_or_default().fill(b' ');
    start + length
}

#[cfg(test)]
mod tests {
    use super::without_comments;

    #[test]
    fn comments_go_and_strings_stay() {
        for (text, expected) in [
            (r#"{"a":1}"#, r#"{"a":1}"#),
            ("{\"a\":1, // x\n}", "{\"a\":1      \n}"),
            (r#"{/*"b":2,*/"a":"//no /* no */"}"#, r#"{          "a":"//no /* no */"}"#),
            (r#"["\",]",]"#, r#"["\",]" ]"#),
            ("[1,/* x */]", "[1        ]"),
            ("[1 /* open", "[1        "),
            ("// open", "       "),
            ("\"open", "\"open"),
        ] {
            assert_eq!(String::from_utf8(without_comments(text.as_bytes())).unwrap(), expected, "{text}");
        }
    }
}
