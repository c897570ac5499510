//! Cuts SQL into tokens, of all dialects at once.

use std::borrow::Cow;
use std::ops::Range;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    /// A name in quotes, backticks or brackets.
    Name,
    Text,
    Number,
    Symbol,
}

#[derive(Debug, Clone)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    /// As it stands, quotes and all.
    pub(super) text: Cow<'a, str>,
    pub(super) span: Range<usize>,
    /// Whether only a comment stands between it and the token before.
    pub(super) glued: bool,
}

impl Token<'_> {
    /// Whether it is this keyword or symbol.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self.kind, Kind::Word | Kind::Symbol) && self.text.eq_ignore_ascii_case(word)
    }

    pub(super) fn is_one_of(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }

    /// What stands between the quotes.
    pub(super) fn inner(&self) -> &str {
        let text = self.text.as_ref();
        let text = match text.strip_prefix('$').and_then(|rest| rest.split_once('$')) {
            Some((tag, body)) => body
                .strip_suffix('$')
                .and_then(|body| body.strip_suffix(tag))
                .unwrap_or(body)
                .trim_end_matches('$'),
            None => text,
        };
        text.trim_start_matches(['N', 'E', 'n', 'e']).trim_matches(['\'', '"', '`', '[', ']'])
    }

    /// Whether a line ends between this token and `next`.
    pub(super) fn ends_line(&self, text: &str, next: &Self) -> bool {
        text.get(self.span.end..next.span.start).is_some_and(|between| between.contains('\n'))
    }
}

/// The word a text begins with, where that is a letter.
pub(super) fn first_word(text: &str) -> Option<&[u8]> {
    let bytes = text.as_bytes();
    let end = bytes.iter().position(|byte| !is_word(*byte)).unwrap_or(bytes.len());
    bytes.get(..end).filter(|word| word.first().is_some_and(u8::is_ascii_alphabetic))
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'#' | b'@') || byte >= 0x80
}

/// The tokens of a text.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    text: &'a str,
    at: usize,
    /// Quotes that nothing closes from here on: each is looked for once.
    open: [bool; 4],
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, open: [false; 4] }
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn run(&self, from: usize, part: impl Fn(u8) -> bool) -> usize {
        let rest = self.text.as_bytes().get(from..).unwrap_or_default();
        from + rest.iter().position(|byte| !part(*byte)).unwrap_or(rest.len())
    }

    /// Passes over blanks and comments; whether a comment was the only thing there.
    fn skip(&mut self) -> bool {
        let (mut comment, mut blank) = (false, false);
        loop {
            match self.rest() {
                [byte, ..] if byte.is_ascii_whitespace() => {
                    blank = true;
                    self.at = self.run(self.at, |byte| byte.is_ascii_whitespace());
                }
                [b'-', b'-', ..] => self.at = self.run(self.at, |byte| byte != b'\n'),
                [b'#', next, ..] if next.is_ascii_whitespace() || *next == b'-' => {
                    self.at = self.run(self.at, |byte| byte != b'\n')
                }
                // What MySQL runs although it looks like a comment.
                [b'/', b'*', b'!', ..] => self.at = self.run(self.at + 3, |byte| byte.is_ascii_digit()),
                [b'*', b'/', ..] => self.at += 2,
                [b'/', b'*', rest @ ..] => {
                    comment = true;
                    let length = memchr::memmem::find(rest, b"*/").map_or(rest.len(), |end| end + 2);
                    self.at += 2 + length;
                }
                _ => return comment && !blank,
            }
        }
    }

    /// The end of what a quote at `from` opens; nothing where nothing closes it.
    fn quoted(&mut self, from: usize, close: u8, slot: usize) -> Option<usize> {
        if self.open.get(slot).copied().unwrap_or(true) {
            return None;
        }
        let bytes = self.text.as_bytes();
        let mut at = from + 1;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(found) = memchr::memchr(close, rest) else {
                if let Some(open) = self.open.get_mut(slot) {
                    *open = true;
                }
                return None;
            };
            at += found + 1;
            // A quote twice, or behind a backslash, is one in the text.
            let escaped = close == b'\''
                && found > 0
                && rest.get(found - 1) == Some(&b'\\')
                && rest.get(found.wrapping_sub(2)) != Some(&b'\\');
            if bytes.get(at) == Some(&close) && close != b']' {
                at += 1;
            } else if !escaped {
                return Some(at);
            }
        }
    }

    fn dollar(&self) -> Option<usize> {
        let tag_end = self.run(self.at + 1, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if tag_end > self.at + 32 || self.text.as_bytes().get(tag_end) != Some(&b'$') {
            return None;
        }
        let tag = self.text.get(self.at..=tag_end)?;
        let body = self.text.as_bytes().get(tag_end + 1..)?;
        memchr::memmem::find(body, tag.as_bytes()).map(|found| tag_end + 1 + found + tag.len())
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let glued = self.skip();
        let start = self.at;
        let first = *self.rest().first()?;
        let (kind, end) = match first {
            b'\'' => (Kind::Text, self.quoted(start, b'\'', 0)),
            b'"' => (Kind::Name, self.quoted(start, b'"', 1)),
            b'`' => (Kind::Name, self.quoted(start, b'`', 2)),
            b'[' => (Kind::Name, self.quoted(start, b']', 3).filter(|end| end - start < 130)),
            b'$' => (Kind::Text, self.dollar()),
            b'0'..=b'9' => {
                (Kind::Number, Some(self.run(start, |byte| byte.is_ascii_alphanumeric() || byte == b'.')))
            }
            byte if is_word(byte) => (Kind::Word, Some(self.run(start, is_word))),
            _ => (Kind::Symbol, None),
        };
        let (kind, end) = end.map_or((Kind::Symbol, start + 1), |end| (kind, end));
        let end = if first == b'$' && kind == Kind::Symbol { self.run(start + 1, is_word) } else { end };
        self.at = end;
        let text = Cow::Borrowed(self.text.get(start..end).unwrap_or_default());
        Some(Token { kind, text, span: start..end, glued })
    }
}
