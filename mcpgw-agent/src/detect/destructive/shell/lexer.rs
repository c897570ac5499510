//! Cuts a script into simple commands, the way a shell does: quotes, escapes, redirections, here-documents,
//! substitutions, comments. One pass; what is not closed reaches to the end.

use std::borrow::Cow;
use std::sync::LazyLock;

use super::expand;
use super::word::{Direction, End, Flavour, Redirect, Simple, Variables, Word};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Plain,
    Blank,
    Newline,
    Operator,
    /// Quotes, escapes, dollars.
    Special,
}

fn class_of(byte: u8, windows: bool) -> Class {
    match byte {
        b' ' | b'\t' | b'\r' => Class::Blank,
        b'\n' => Class::Newline,
        b';' | b'|' | b'&' | b'(' | b')' | b'<' | b'>' => Class::Operator,
        b'{' | b'}' if windows => Class::Operator,
        b'"' | b'\'' | b'`' => Class::Special,
        b'^' if windows => Class::Special,
        b'\\' | b'$' if !windows => Class::Special,
        _ => Class::Plain,
    }
}

fn classes(windows: bool) -> [Class; 256] {
    std::array::from_fn(|byte| u8::try_from(byte).map_or(Class::Plain, |byte| class_of(byte, windows)))
}

static POSIX: LazyLock<[Class; 256]> = LazyLock::new(|| classes(false));
static WINDOWS: LazyLock<[Class; 256]> = LazyLock::new(|| classes(true));

/// Reads one script.
#[derive(Debug)]
pub(in crate::detect::destructive) struct Lexer<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    flavour: Flavour,
    table: &'static [Class; 256],
    /// Where the line after the pending here-documents begins.
    after_here: Option<usize>,
    /// Bytes variables may still add: a short script must not grow without end.
    pub(super) growth: usize,
}

impl<'a> Lexer<'a> {
    pub(in crate::detect::destructive) fn new(text: &'a str, flavour: Flavour) -> Self {
        let table: &'static [Class; 256] = match flavour {
            Flavour::Posix => &POSIX,
            Flavour::Windows => &WINDOWS,
        };
        Self { text, at: 0, flavour, table, after_here: None, growth: text.len() + 1024 }
    }

    /// Reads the next simple command into `simple`; whether there is one.
    pub(in crate::detect::destructive) fn next(
        &mut self,
        simple: &mut Simple<'a>,
        variables: &Variables,
    ) -> bool {
        simple.clear();
        while let Some(byte) = self.peek() {
            match self.class(byte) {
                Class::Blank => self.at += 1,
                Class::Newline => {
                    self.newline();
                    if !simple.is_empty() {
                        return true;
                    }
                }
                Class::Operator if matches!(byte, b'<' | b'>') => self.redirect(byte, simple, variables),
                Class::Operator if byte == b'{' && self.is_literal_brace() => self.word(simple, variables),
                Class::Operator => {
                    if self.operator(byte, simple, variables) && !simple.is_empty() {
                        return true;
                    }
                }
                Class::Plain if byte == b'#' => self.skip_line(),
                Class::Plain | Class::Special => self.word(simple, variables),
            }
        }
        !simple.is_empty()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn peek_at(&self, offset: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + offset).copied()
    }

    pub(super) fn slice(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    pub(super) fn class(&self, byte: u8) -> Class {
        self.table.get(usize::from(byte)).copied().unwrap_or(Class::Plain)
    }

    /// The end of the run of bytes from here that `part` holds for.
    pub(super) fn run(&self, part: impl Fn(u8) -> bool) -> usize {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at + rest.iter().position(|byte| !part(*byte)).unwrap_or(rest.len())
    }

    fn skip_line(&mut self) {
        self.at = self.line_end();
    }

    fn line_end(&self) -> usize {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at + memchr::memchr(b'\n', rest).unwrap_or(rest.len())
    }

    fn newline(&mut self) {
        self.at = self.after_here.take().unwrap_or(self.at + 1);
    }

    /// Takes an operator; whether it ends the command.
    fn operator(&mut self, byte: u8, simple: &mut Simple<'a>, variables: &Variables) -> bool {
        let next = self.peek_at(1);
        self.at += 1;
        simple.end = End::Stop;
        match (byte, next) {
            (b'&', Some(b'>')) => {
                self.redirect(b'>', simple, variables);
                return false;
            }
            (b'&', Some(b'&')) | (b'|', Some(b'|')) => self.at += 1,
            (b'&', _) => simple.end = End::Background,
            (b'|', after) => {
                self.at += usize::from(after == Some(b'&'));
                simple.end = End::Pipe;
            }
            (b'(', _) => simple.end = End::Open,
            _ => {}
        }
        true
    }

    /// `{default}` and `{1b2c…}` are words; `{ Stop-Computer }` is not.
    fn is_literal_brace(&self) -> bool {
        let rest = self.text.as_bytes().get(self.at + 1..).unwrap_or_default();
        let inner = rest.iter().take(40).position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'-'));
        inner.is_some_and(|end| end > 0 && rest.get(end) == Some(&b'}'))
    }

    fn redirect(&mut self, byte: u8, simple: &mut Simple<'a>, variables: &Variables) {
        // A number right before it is a descriptor, not a word.
        if simple.words.last().is_some_and(|last| {
            last.span.end == self.at && last.text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'*')
        }) {
            simple.words.pop();
        }
        let rest = self.text.get(self.at..).unwrap_or_default();
        if byte == b'<' && rest.starts_with("<<<") {
            self.at += 3;
            simple.here = self.target(simple, variables).map(|word| word.text);
            return;
        }
        if byte == b'<' && rest.starts_with("<<") && self.flavour == Flavour::Posix {
            self.at += 2;
            self.here_document(simple);
            return;
        }
        if rest.starts_with("<(") || rest.starts_with(">(") {
            self.at += 1;
            expand::process_substitution(self, simple);
            return;
        }
        self.at += 1;
        let mut direction = if byte == b'<' { Direction::Read } else { Direction::Write };
        match self.peek() {
            Some(b'>') => {
                // `<>` opens for both and truncates nothing.
                direction = Direction::Append;
                self.at += 1;
            }
            Some(b'|') if byte == b'>' => self.at += 1,
            Some(b'&') => {
                self.at += 1;
                // `>&2` copies a descriptor.
                if self.peek().is_some_and(|byte| byte.is_ascii_digit() || byte == b'-') {
                    self.at += 1;
                    return;
                }
            }
            _ => {}
        }
        if let Some(target) = self.target(simple, variables) {
            simple.redirects.push(Redirect { direction, target });
        }
    }

    /// The word a redirection goes to.
    fn target(&mut self, simple: &mut Simple<'a>, variables: &Variables) -> Option<Word<'a>> {
        self.at = self.run(|byte| matches!(byte, b' ' | b'\t'));
        let before = simple.words.len();
        if self.peek().is_some_and(|byte| matches!(self.class(byte), Class::Plain | Class::Special)) {
            self.word(simple, variables);
        }
        let target = (simple.words.len() > before).then(|| simple.words.swap_remove(before));
        simple.words.truncate(before);
        target
    }

    fn here_document(&mut self, simple: &mut Simple<'a>) {
        let strip = self.peek() == Some(b'-');
        self.at += usize::from(strip);
        self.at = self.run(|byte| matches!(byte, b' ' | b'\t'));
        let end = self.run(|byte| {
            !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b';' | b'|' | b'&' | b'<' | b'>' | b')')
        });
        let delimiter: String =
            self.slice(self.at, end).chars().filter(|letter| !matches!(letter, '\'' | '"' | '\\')).collect();
        self.at = end;
        let start = self.after_here.unwrap_or_else(|| (self.line_end() + 1).min(self.text.len()));
        let (mut at, mut body_end) = (start, self.text.len());
        let mut after = self.text.len();
        while at < self.text.len() {
            let rest = self.text.as_bytes().get(at..).unwrap_or_default();
            let stop = at + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let line = self.slice(at, stop).trim_end_matches('\r');
            let line = if strip { line.trim_start_matches('\t') } else { line };
            if line == delimiter {
                (body_end, after) = (at, (stop + 1).min(self.text.len()));
                break;
            }
            at = stop + 1;
        }
        self.after_here = Some(after);
        simple.here = Some(Cow::Borrowed(self.slice(start, body_end)));
    }

    /// A word; more than one where a variable holds several.
    fn word(&mut self, simple: &mut Simple<'a>, variables: &Variables) {
        let start = self.at;
        let plain = self.run(|byte| self.class(byte) == Class::Plain);
        let next = self.text.as_bytes().get(plain).map(|byte| self.class(*byte));
        self.at = plain;
        if !matches!(next, Some(Class::Special)) && plain > start {
            let text = Cow::Borrowed(self.slice(start, plain));
            if text.starts_with('{') && text.ends_with('}') && text.contains(',') {
                return expand::braces(&text, start..plain, simple);
            }
            simple.words.push(Word { text, span: start..plain });
            return;
        }
        let mut text = String::from(self.slice(start, plain));
        let mut begun = start;
        while let Some(byte) = self.peek() {
            match self.class(byte) {
                Class::Blank | Class::Newline => break,
                Class::Operator if self.at == start && byte == b'{' => {
                    let end = self.run(|byte| byte != b'}') + 1;
                    text.push_str(self.slice(self.at, end));
                    self.at = end.min(self.text.len());
                }
                Class::Operator => break,
                Class::Plain => {
                    let end = self.run(|byte| self.class(byte) == Class::Plain);
                    text.push_str(self.slice(self.at, end));
                    self.at = end;
                }
                Class::Special => match self.flavour {
                    Flavour::Posix => expand::posix(self, byte, &mut text, &mut begun, simple, variables),
                    Flavour::Windows => expand::windows(self, byte, &mut text, start),
                },
            }
        }
        let quoted = self.slice(start, self.at).bytes().any(|byte| matches!(byte, b'"' | b'\''));
        if !text.is_empty() || quoted {
            simple.words.push(Word { text: Cow::Owned(text), span: begun..self.at });
        }
    }
}
