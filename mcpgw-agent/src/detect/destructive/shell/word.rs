//! What the lexer makes of a script: simple commands of words.

use std::borrow::Cow;
use std::ops::Range;

/// Whose rules of quoting hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::detect::destructive) enum Flavour {
    /// sh and what descends from it.
    Posix,
    /// cmd and PowerShell: a backslash is a letter, a caret or a backtick escapes, braces hold commands.
    Windows,
}

/// A word after quotes, escapes and what variables are known.
#[derive(Debug, Clone)]
pub(in crate::detect::destructive) struct Word<'a> {
    pub(in crate::detect::destructive) text: Cow<'a, str>,
    /// Bytes of the script.
    pub(in crate::detect::destructive) span: Range<usize>,
}

/// How output or input is redirected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::detect::destructive) enum Direction {
    Write,
    Append,
    Read,
}

#[derive(Debug, Clone)]
pub(in crate::detect::destructive) struct Redirect<'a> {
    pub(in crate::detect::destructive) direction: Direction,
    pub(in crate::detect::destructive) target: Word<'a>,
}

/// What ends a simple command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::detect::destructive) enum End {
    /// A line, a semicolon, `&&`, `||`, a closing parenthesis, the end.
    Stop,
    Pipe,
    Background,
    /// An opening parenthesis: of a function's definition, if one word stands before it.
    Open,
}

/// One simple command.
#[derive(Debug, Clone)]
pub(in crate::detect::destructive) struct Simple<'a> {
    pub(in crate::detect::destructive) words: Vec<Word<'a>>,
    pub(in crate::detect::destructive) redirects: Vec<Redirect<'a>>,
    /// What stands in `$(…)`, backticks and `<(…)`: bytes of the script.
    pub(in crate::detect::destructive) substitutions: Vec<Range<usize>>,
    /// The here-document or here-string it reads.
    pub(in crate::detect::destructive) here: Option<Cow<'a, str>>,
    pub(in crate::detect::destructive) end: End,
}

impl Simple<'_> {
    pub(in crate::detect::destructive) fn new() -> Self {
        Self {
            words: Vec::new(),
            redirects: Vec::new(),
            substitutions: Vec::new(),
            here: None,
            end: End::Stop,
        }
    }

    pub(in crate::detect::destructive) fn is_empty(&self) -> bool {
        self.words.is_empty() && self.redirects.is_empty() && self.substitutions.is_empty()
    }

    /// Forgets what it holds, but keeps the room.
    pub(in crate::detect::destructive) fn clear(&mut self) {
        self.words.clear();
        self.redirects.clear();
        self.substitutions.clear();
        self.here = None;
        self.end = End::Stop;
    }

    /// Bytes of the script from its first word to its last.
    pub(in crate::detect::destructive) fn span(&self) -> Range<usize> {
        let words = self.words.iter().map(|word| &word.span);
        let all = words.chain(self.redirects.iter().map(|redirect| &redirect.target.span));
        let (start, end) =
            all.fold((usize::MAX, 0), |(start, end), span| (start.min(span.start), end.max(span.end)));
        start.min(end)..end
    }
}

/// What variables are known to hold. Bounded: the oldest is forgotten.
#[derive(Debug, Default)]
pub(in crate::detect::destructive) struct Variables {
    values: Vec<(String, String)>,
}

const MAX_VARIABLES: usize = 32;
const MAX_VALUE: usize = 256;

impl Variables {
    /// Takes note of a word `NAME=value`; whether it is one.
    pub(in crate::detect::destructive) fn assign(&mut self, word: &str) -> bool {
        let Some((name, value)) = assignment(word) else { return false };
        if value.len() <= MAX_VALUE {
            self.values.retain(|(other, _)| other != name);
            if self.values.len() == MAX_VARIABLES {
                self.values.remove(0);
            }
            self.values.push((name.to_owned(), value.to_owned()));
        }
        true
    }

    pub(in crate::detect::destructive) fn get(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

/// The two sides of `NAME=value`.
pub(in crate::detect::destructive) fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let name = name.strip_suffix('+').unwrap_or(name);
    let mut bytes = name.bytes();
    let first = bytes.next()?;
    let is_name = (first.is_ascii_alphabetic() || first == b'_')
        && name.len() <= 64
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then_some((name, value))
}
