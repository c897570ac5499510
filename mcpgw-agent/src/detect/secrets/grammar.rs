//! From a name to the value it is given: `name = value` in the ways configuration, code, documents and people write it.

use std::ops::Range;

use super::alphabet::{self, ALPHA, DASH, DOT, WORD};

/// A name goes on so far behind the word it was found by.
const NAME_MAX: usize = 48;
/// A value is no longer.
pub(super) const VALUE_MAX: usize = 400;
/// Blanks between a sign and its value.
const BLANKS_MAX: usize = 24;

/// How name and value are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Via {
    /// By an equals sign, a colon or an arrow.
    Sign,
    /// As neighbours: in a list, a table, a call, a tag.
    Neighbour,
    /// By a blank only: an option and its value.
    Blank,
    /// By words: `the password is …`.
    Prose,
    /// By nothing but a blank: `password …`.
    Beside,
}

/// A value and how it is written.
#[derive(Debug, Clone)]
pub(super) struct Value {
    /// Without its quotes.
    pub(super) range: Range<usize>,
    /// Whether it has some.
    pub(super) quoted: bool,
    pub(super) via: Via,
    /// Whether a parenthesis follows: it is a function, and this its name.
    pub(super) call: bool,
}

/// The whole name a word at `range` is a part of.
pub(super) fn name(bytes: &[u8], range: &Range<usize>) -> Range<usize> {
    let set = WORD | DASH | DOT;
    let start = range.start - alphabet::run_back(bytes, range.start, set, NAME_MAX);
    start..range.end + alphabet::run(bytes, range.end, set, NAME_MAX)
}

/// The value that is given to the name that ends at `end`.
pub(super) fn value(bytes: &[u8], name: &Range<usize>) -> Option<Value> {
    // The name of a closing tag is given nothing.
    if bytes.get(..name.start).is_some_and(|before| before.ends_with(b"</")) {
        return None;
    }
    if let Some(at) = member(bytes, name.end) {
        return literal(bytes, blanks(bytes, at, Via::Sign), Via::Sign, true);
    }
    let (at, via) = sign(bytes, name)?;
    // In a query the next parameter follows an ampersand.
    let whole = !matches!(byte(bytes, name.start.wrapping_sub(1)), b'?' | b'&' | b'#' | b';');
    literal(bytes, blanks(bytes, at, via), via, whole)
}

/// `name: X, value: …`: the name is a value itself, and its own value stands in the member behind.
fn member(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    if !matches!(rest.first(), Some(b'"' | b'\'' | b'\n' | b'\r' | b',')) {
        return None;
    }
    let gap = rest
        .iter()
        .take(40)
        .take_while(|byte| matches!(byte, b'"' | b'\'' | b',' | b' ' | b'\n' | b'\r' | b'\t' | b'\\' | b'-'));
    let gap = gap.count();
    let word = rest.get(gap..gap + 5).filter(|word| word.eq_ignore_ascii_case(b"value"))?;
    let behind = rest.get(gap + word.len()..)?;
    let close = behind.iter().take(6).take_while(|byte| matches!(byte, b'"' | b'\'' | b' ' | b'\\')).count();
    matches!(behind.get(close), Some(b':' | b'=')).then_some(at + gap + word.len() + close + 1)
}

fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

fn blanks(bytes: &[u8], at: usize, via: Via) -> usize {
    let is_blank = |byte: u8| match byte {
        b' ' | b'\t' | b'*' => true,
        b'\n' | b'\r' => via == Via::Neighbour,
        _ => false,
    };
    let rest = bytes.get(at..).unwrap_or_default();
    let at = at + rest.iter().take(BLANKS_MAX).take_while(|byte| is_blank(**byte)).count();
    // YAML's block: the value is on the next line.
    if via == Via::Sign && matches!(byte(bytes, at), b'|' | b'>') {
        let rest = bytes.get(at + 1..).unwrap_or_default();
        let gap = rest
            .iter()
            .take(BLANKS_MAX)
            .take_while(|byte| matches!(byte, b'-' | b'+' | b' ' | b'\n' | b'\r'));
        return at + 1 + gap.count();
    }
    at
}

/// Where the sign behind a name ends, and which it is.
fn sign(bytes: &[u8], name: &Range<usize>) -> Option<(usize, Via)> {
    let mut at = name.end;
    let (mut closed, mut blank) = (false, false);
    for _ in 0..8 {
        match byte(bytes, at) {
            b' ' | b'\t' => blank = true,
            b'"' | b'\'' | b'`' | b'\\' | b']' | b'*' if !blank || closed => closed = true,
            b')' | b'[' => {}
            _ => break,
        }
        at += 1;
    }
    let next = byte(bytes, at + 1);
    match byte(bytes, at) {
        b'=' | b':' => Some(behind_type(bytes, signs(bytes, at))),
        b'?' | b'.' | b'+' if next == b'=' => Some((at + 2, Via::Sign)),
        b'-' if next == b'>' => Some((at + 2, Via::Sign)),
        b'|' => Some((at + alphabet_run(bytes, at, b'|'), Via::Neighbour)),
        b'>' => Some((at + 1, Via::Neighbour)),
        b'<' if next == b'/' => tags(bytes, at),
        b',' if closed && is_quoted(bytes, at + 1) => Some((at + 1, Via::Neighbour)),
        b'(' if matches!(next, b'"' | b'\'') => Some((at + 1, Via::Neighbour)),
        // An option's name ends in a quote of its own where it stands in a list of arguments.
        _ if blank => words(bytes, name, at),
        _ => None,
    }
}

fn is_quoted(bytes: &[u8], at: usize) -> bool {
    let rest = bytes.get(at..).unwrap_or_default();
    let first = rest.iter().take(BLANKS_MAX).find(|byte| !byte.is_ascii_whitespace() && **byte != b'\\');
    matches!(first, Some(b'"' | b'\'' | b'`' | b'b' | b'u' | b'r'))
}

/// Whether a short word begins at `at` and is no end of a longer one: `_pass`, `dbPass`, not `bandpass`.
pub(super) fn begins_word(bytes: &[u8], at: usize) -> bool {
    let before = byte(bytes, at.wrapping_sub(1));
    !before.is_ascii_alphabetic()
        || !byte(bytes, at).is_ascii_alphabetic()
        || before.is_ascii_lowercase() && byte(bytes, at).is_ascii_uppercase()
}

/// Whether an unquoted value is an expression: something indexed, or an argument with a name.
pub(super) fn is_code(bytes: &[u8], value: &Range<usize>) -> bool {
    let Some(text) = bytes.get(value.clone()) else { return true };
    let name = text.iter().take_while(|byte| alphabet::is(**byte, WORD)).count();
    let argument = text.get(name) == Some(&b'=')
        && text.get(name + 1).is_some_and(|byte| *byte != b'=')
        && text.get(..name).is_some_and(|name| !name.iter().any(u8::is_ascii_digit));
    text.contains(&b'[') || byte(bytes, value.end) == b'[' || name > 0 && argument
}

fn alphabet_run(bytes: &[u8], at: usize, wanted: u8) -> usize {
    bytes.get(at..).unwrap_or_default().iter().take(3).take_while(|byte| **byte == wanted).count()
}

/// Behind `=`, `:=`, `::=`, `=>`, `==`.
fn signs(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take(5).take_while(|byte| matches!(byte, b'=' | b':' | b'>' | b'~')).count()
}

/// `name: Type = value`: what stands behind the colon is no value.
fn behind_type(bytes: &[u8], at: usize) -> (usize, Via) {
    let is_type = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'&' | b'[' | b']' | b'<' | b'>' | b'.' | b'\'')
    };
    let mut end = at + alphabet_run(bytes, at, b' ');
    end += bytes.get(end..).unwrap_or_default().iter().take(24).take_while(|byte| is_type(byte)).count();
    let blanks = alphabet_run(bytes, end, b' ');
    let sign = end + blanks;
    if end > at && blanks > 0 && byte(bytes, sign) == b'=' && byte(bytes, sign + 1) != b'=' {
        return (sign + 1, Via::Sign);
    }
    (at, Via::Sign)
}

/// Behind the tags that close the name's cell and open the value's.
fn tags(bytes: &[u8], at: usize) -> Option<(usize, Via)> {
    let mut at = at;
    for _ in 0..4 {
        let rest = bytes.get(at..)?;
        let blanks = rest.iter().take(BLANKS_MAX).take_while(|byte| byte.is_ascii_whitespace()).count();
        if rest.get(blanks) != Some(&b'<') {
            break;
        }
        at += blanks + rest.get(blanks..)?.iter().take(60).position(|byte| *byte == b'>')? + 1;
    }
    Some((at, Via::Neighbour))
}

/// Blanks and words between a name and its value.
fn words(bytes: &[u8], name: &Range<usize>, at: usize) -> Option<(usize, Via)> {
    let option = byte(bytes, name.start) == b'-'
        || matches!(byte(bytes, name.start.wrapping_sub(1)), b'%' | b'@')
        || before_define(bytes, name);
    if matches!(byte(bytes, at), b'"' | b'\'' | b'`') || option {
        return Some((at, Via::Blank));
    }
    let beside = Some((at, Via::Beside));
    let mut at = at;
    for _ in 0..6 {
        let length = alphabet::run(bytes, at, ALPHA, 12);
        let word = bytes.get(at..at + length)?;
        at += length;
        let joins = matches!(word, b"is" | b"was" | b"to" | b"are");
        let blanks = alphabet_run(bytes, at, b' ');
        match byte(bytes, at + blanks) {
            b'=' | b':' if blanks < 3 && !matches!(byte(bytes, at + blanks + 1), b'/') => {
                return Some((signs(bytes, at + blanks), Via::Sign));
            }
            b'?' | b'.' if byte(bytes, at + blanks + 1) == b'=' => return Some((at + blanks + 2, Via::Sign)),
            _ if joins && blanks > 0 => return Some((at + blanks, Via::Prose)),
            _ if length == 0 || blanks == 0 => return beside,
            _ => at += blanks,
        }
    }
    beside
}

/// `%define name value`, `set name value`, `login … password value`: the words before say that a value follows.
fn before_define(bytes: &[u8], name: &Range<usize>) -> bool {
    let before = bytes.get(name.start.saturating_sub(40)..name.start).unwrap_or_default().trim_ascii_end();
    let netrc =
        bytes.get(name.clone()) == Some(b"password") && memchr::memmem::find(before, b"login ").is_some();
    netrc || before.ends_with(b"define") || before.ends_with(b"set")
}

/// The literal at `at`.
fn literal(bytes: &[u8], at: usize, via: Via, whole: bool) -> Option<Value> {
    let prefix =
        usize::from(matches!(byte(bytes, at), b'b' | b'u' | b'r' | b'f' | b'L' | b'@' | b'$' | b'B' | b'R'));
    let quote_at = |at: usize| {
        let slashes = alphabet_run(bytes, at, b'\\');
        matches!(byte(bytes, at + slashes), b'"' | b'\'' | b'`').then_some((at + slashes, slashes))
    };
    match quote_at(at).or_else(|| quote_at(at + prefix)) {
        Some((quote, slashes)) => {
            quoted(bytes, quote, slashes, via).or_else(|| bare(bytes, quote + 1, via, whole))
        }
        None => bare(bytes, at, via, whole),
    }
}

/// Between a quote and the next that is as much escaped.
fn quoted(bytes: &[u8], quote: usize, slashes: usize, via: Via) -> Option<Value> {
    let mark = byte(bytes, quote);
    let triple = alphabet_run(bytes, quote, mark) == 3;
    let start = behind_scheme(bytes, if triple { quote + 3 } else { quote + 1 });
    let mut at = start;
    while at < start + VALUE_MAX {
        match bytes.get(at)? {
            b'\n' | b'\r' if !triple => return None,
            b'\\' if slashes > 0 => break,
            b'\\' => at += 1,
            byte if *byte == mark => break,
            _ => {}
        }
        at += 1;
    }
    (at < start + VALUE_MAX && at > start).then(|| Value {
        range: start..at.min(bytes.len()),
        quoted: true,
        via,
        call: false,
    })
}

/// Bytes no value has that is not quoted.
static ENDS: [bool; 256] = {
    let mut ends = [false; 256];
    let mut byte = 0_u8;
    loop {
        #[expect(clippy::indexing_slicing, reason = "at compile time, of a table with all bytes")]
        {
            ends[byte as usize] = matches!(
                byte,
                0..=b' '
                    | b'"'
                    | b'\''
                    | b'`'
                    | b'<'
                    | b'>'
                    | b','
                    | b';'
                    | b'\\'
                    | b')'
                    | b'('
                    | b']'
                    | b'|'
                    | 0x7f
            );
        }
        if byte == u8::MAX {
            break ends;
        }
        byte += 1;
    }
};

/// Up to a blank or what closes something; up to an ampersand unless it is `whole`.
fn bare(bytes: &[u8], at: usize, via: Via, whole: bool) -> Option<Value> {
    let start = behind_scheme(bytes, at);
    let ends = |byte: u8| {
        let end = ENDS.get(usize::from(byte)).copied().unwrap_or(false);
        end | ((byte == b'&') & !whole)
    };
    let rest = bytes.get(start..)?;
    let length =
        rest.iter().take(VALUE_MAX).position(|byte| ends(*byte)).unwrap_or_else(|| rest.len().min(VALUE_MAX));
    let call = byte(bytes, start + length) == b'(';
    let trimmed = rest.get(..length)?.trim_ascii_end();
    let length =
        trimmed.iter().rposition(|byte| !matches!(byte, b'.' | b':' | b'}')).map_or(0, |last| last + 1);
    (length > 0).then(|| Value { range: start..start + length, quoted: false, via, call })
}

/// Behind the word that says what kind of credential follows.
fn behind_scheme(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    for scheme in
        ["bearer ", "basic ", "token ", "bot ", "apikey ", "api-token ", "digest ", "pass:", "ssws "]
    {
        if rest.get(..scheme.len()).is_some_and(|here| here.eq_ignore_ascii_case(scheme.as_bytes())) {
            return at + scheme.len();
        }
    }
    at
}
