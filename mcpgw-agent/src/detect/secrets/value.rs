//! Whether a value is a secret, or stands for one.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::alphabet::{self, ALNUM, DOT, HEXA, URL64, WORD};
use super::format;

/// What a value is made of.
#[derive(Debug, Default, Clone, Copy)]
struct Made {
    length: usize,
    lower: usize,
    upper: usize,
    digits: usize,
    /// Neither letters nor digits nor the separators of names.
    symbols: usize,
    /// Stretches of one kind: digits, or letters of one word (`Word` is one, `wOrd` two).
    stretches: usize,
    /// Steps to the next letter or digit, or to the same.
    steps: usize,
    /// Letters that follow letters, but for a capital behind a small one.
    pairs: usize,
    /// Those of them words are made of.
    common: usize,
    hex: bool,
}

/// How many different bytes `value` has.
fn different(value: &[u8]) -> u32 {
    let mut seen = [0_u64; 4];
    for byte in value {
        if let Some(word) = seen.get_mut(usize::from(*byte / 64)) {
            *word |= 1 << (byte % 64);
        }
    }
    seen.iter().map(|word| word.count_ones()).sum()
}

impl Made {
    fn of(value: &[u8]) -> Self {
        let mut made = Self {
            length: value.len(),
            hex: value.iter().all(|byte| alphabet::is(*byte, HEXA)),
            ..Self::default()
        };
        let (mut last, mut before) = (0_u8, OTHER);
        // So many that no count outgrows its part.
        for part in value.chunks(usize::from(u16::MAX)) {
            let (mut counts, mut courses) = (0, 0);
            for byte in part {
                let kind = KINDS.get(usize::from(*byte)).copied().unwrap_or(OTHER);
                let course = COURSES.get(usize::from(before << 3 | kind)).copied().unwrap_or(0);
                counts += COUNTS.get(usize::from(kind)).copied().unwrap_or(0);
                courses += course;
                made.common += usize::from(course == PAIR && is_common(last, *byte));
                made.steps += usize::from((*byte == last) | (*byte == last.wrapping_add(1)));
                (last, before) = (*byte, kind);
            }
            let [lower, upper, digits, symbols] = four(counts);
            let [stretches, pairs, ..] = four(courses);
            made.lower += lower;
            made.upper += upper;
            made.digits += digits;
            made.symbols += symbols;
            made.stretches += stretches;
            made.pairs += pairs;
        }
        made
    }

    fn letters(&self) -> usize {
        self.lower + self.upper
    }

    /// Bytes to a stretch at most this many tenths: words have five and more, what is random two or three.
    fn is_mixed(&self, tenths: usize) -> bool {
        (self.letters() + self.digits) * 10 <= self.stretches * tenths
    }

    /// So many letters follow letters, and at most this share of them, in percent, as in words.
    fn is_wordless(&self, least: usize, percent: usize) -> bool {
        self.pairs >= least && self.common * 100 <= self.pairs * percent
    }

    fn is_counted(&self) -> bool {
        self.steps * 2 >= self.length.saturating_sub(1)
    }
}

/// For each letter, those that often follow it in English words and in names in code: nine pairs of ten in text, one of
/// four where letters are drawn by lot.
const FOLLOW: [&str; 26] = [
    "bcdgilmnprstuy",
    "aelo",
    "aehikloprtu",
    "aeio",
    "acdefglmnpqrstvwx",
    "aeior",
    "eiru",
    "aeiot",
    "acdefglmnoprstv",
    "e",
    "e",
    "adeilostuy",
    "aceiop",
    "acdefgiopstu",
    "bcdflmnoprstuvw",
    "aeiloprstu",
    "u",
    "acegimnorstuvy",
    "acehiopstu",
    "aehiloprstuy",
    "deilmnprst",
    "aei",
    "ahi",
    "t",
    "op",
    "",
];

/// The same, a bit for each letter.
const FOLLOWING: [u32; 26] = {
    let mut all = [0; 26];
    let (mut rows, mut slots): (&[&str], &mut [u32]) = (&FOLLOW, &mut all);
    while let ([row, more @ ..], [slot, others @ ..]) = (rows, slots) {
        let mut letters = row.as_bytes();
        while let [letter, behind @ ..] = letters {
            *slot |= 1 << (*letter - b'a');
            letters = behind;
        }
        (rows, slots) = (more, others);
    }
    all
};

/// Whether two letters often stand together in words.
#[inline(always)]
fn is_common(one: u8, two: u8) -> bool {
    let row = usize::from((one | 0x20).wrapping_sub(b'a'));
    FOLLOWING.get(row).is_some_and(|following| following >> ((two | 0x20).wrapping_sub(b'a') & 31) & 1 == 1)
}

/// Kinds of byte: small letters, capitals, digits, all others, separators of names.
const LOWER: u8 = 0;
const UPPER: u8 = 1;
const DIGIT: u8 = 2;
const OTHER: u8 = 3;
const SEPARATOR: u8 = 4;

/// By kind, 1 in the part of four counts that is its own; separators are not counted.
static COUNTS: [u64; 8] = [1, 1 << 16, 1 << 32, 1 << 48, 0, 0, 0, 0];
/// A stretch begins.
const STRETCH: u64 = 1;
/// A letter that follows a letter.
const PAIR: u64 = 1 << 16;

/// By the kind before (times eight) and the kind: a stretch or a pair, or neither.
static COURSES: [u64; 40] = {
    let mut courses = [0; 40];
    let mut before = 0_u8;
    while before <= SEPARATOR {
        let (lower, upper) = (before == LOWER || before == UPPER, before == UPPER);
        #[expect(clippy::indexing_slicing, reason = "at compile time, of a table with all kinds")]
        {
            courses[(before << 3 | LOWER) as usize] = if lower { PAIR } else { STRETCH };
            courses[(before << 3 | UPPER) as usize] = if upper { PAIR } else { STRETCH };
            courses[(before << 3 | DIGIT) as usize] = if before == DIGIT { 0 } else { STRETCH };
        }
        before += 1;
    }
    courses
};

/// The four counts of sixteen bits each.
fn four(counts: u64) -> [usize; 4] {
    [0, 16, 32, 48].map(|shift| usize::try_from(counts >> shift & 0xffff).unwrap_or(0))
}

static KINDS: [u8; 256] = {
    let mut kinds = [OTHER; 256];
    let mut byte = 0_u8;
    loop {
        #[expect(clippy::indexing_slicing, reason = "at compile time, of a table with all bytes")]
        {
            kinds[byte as usize] = match byte {
                b'a'..=b'z' => LOWER,
                b'A'..=b'Z' => UPPER,
                b'0'..=b'9' => DIGIT,
                b'_' | b'-' | b'.' | b'/' | b':' | b' ' => SEPARATOR,
                _ => OTHER,
            };
        }
        if byte == u8::MAX {
            break kinds;
        }
        byte += 1;
    }
};

/// Whether most of it is words, with no symbol in it.
pub(super) fn is_wordy(value: &[u8]) -> bool {
    let made = Made::of(value);
    made.pairs >= 6 && made.symbols == 0 && !made.is_wordless(6, 70)
}

/// Whether letters alone were drawn by lot.
pub(super) fn is_drawn(value: &[u8]) -> bool {
    let made = Made::of(value);
    different(value) >= 8
        && !made.is_counted()
        && (made.is_wordless(10, 55) || made.upper > 2 && made.lower > 2)
}

/// Whether it is random as tokens are: long, and no words.
pub(super) fn is_random(value: &[u8], least: usize) -> bool {
    value.len() >= least && looks_random(&Made::of(value), value, least)
}

/// As [`is_random`], of a value whose make is known.
fn looks_random(made: &Made, value: &[u8], least: usize) -> bool {
    if made.length < least || made.is_counted() || value.iter().any(|byte| *byte <= b' ' || *byte >= 0x7f) {
        return false;
    }
    let different = different(value);
    if made.hex {
        return made.length >= 16 && made.digits >= 2 && made.letters() >= 2 && different >= 6;
    }
    let dense = different as usize >= 6.min(made.length / 2 + 1);
    let wordy = made.pairs >= 5 && !made.is_wordless(5, 80);
    let mixed = made.digits >= 1
        && made.letters() >= 2
        && (made.is_mixed(34) && made.stretches >= 4 && !wordy || made.is_wordless(5, 55));
    dense && (mixed || made.length >= 16 && different >= 8 && made.is_wordless(10, 50))
}

/// How sure one is that the value of a password is one. `written` says that it is clearly a text and not code.
pub(super) fn password(value: &[u8], written: bool) -> Option<f32> {
    if !(4..=128).contains(&value.len()) || value.contains(&b' ') || is_number(value) {
        return None;
    }
    // What is asked last costs most.
    password_score(value, written).filter(|_| !stands_for(value))
}

fn password_score(value: &[u8], written: bool) -> Option<f32> {
    let made = Made::of(value);
    let classes =
        [made.lower, made.upper, made.digits, made.symbols].iter().filter(|count| **count > 0).count();
    let is_name = || value.iter().all(|byte| alphabet::is(*byte, WORD | DOT));
    let score = match (classes, made.length) {
        (3.., 6..) if made.digits > 0 || made.symbols > 0 => Some(0.8),
        (2.., 6..) if made.symbols > 0 && !is_name() => Some(if written { 0.7 } else { 0.55 }),
        (2.., 6..) if made.digits > 0 && made.letters() >= 2 => Some(if written { 0.7 } else { 0.6 }),
        (_, 8..) if written && made.letters() >= 8 && (made.is_mixed(26) || made.is_wordless(6, 50)) => {
            Some(0.55)
        }
        _ => None,
    };
    // A word and a number behind it: people's passwords look like that, and so do names.
    let weak = written && made.length >= 7 && made.digits > 0 && value.iter().all(u8::is_ascii_alphanumeric);
    if (score.is_some() || weak) && !looks_random(&made, value, 12) && is_reference(value) {
        return weak.then_some(0.5);
    }
    score
}

/// Whether nothing but a password looks like this: letters of both cases or many, digits and symbols.
pub(super) fn is_outright(value: &[u8]) -> bool {
    let made = Made::of(value);
    (8..=40).contains(&made.length)
        && made.letters() >= 2
        && made.digits > 0
        && made.symbols > 0
        && !is_reference(value)
        && value.iter().all(u8::is_ascii_graphic)
}

/// How sure one is that the value of a token or key is one. `strong` says that its name leaves no doubt.
pub(super) fn token(value: &[u8], strong: bool) -> Option<f32> {
    let least = if strong { 10 } else { 16 };
    if value.len() < least || is_number(value) {
        return None;
    }
    // What is asked last costs most.
    token_score(value, strong, least).filter(|_| !stands_for(value))
}

fn token_score(value: &[u8], strong: bool, least: usize) -> Option<f32> {
    if format::uuid(value, 0) == Some(value.len()) {
        return strong.then_some(0.6);
    }
    // Short ones without a digit are none, as what follows says at more cost.
    if value.len() < 16 && !value.iter().any(u8::is_ascii_digit) {
        return None;
    }
    let made = Made::of(value);
    if made.hex && made.length < if strong { 20 } else { 32 } {
        return None;
    }
    if looks_random(&made, value, least) && (made.is_mixed(26) || !is_reference(value)) {
        return Some(if strong { 0.75 } else { 0.6 });
    }
    let letters = [made.lower, made.upper, made.digits].iter().filter(|count| **count > 0).count();
    (strong && letters == 3 && made.symbols > 0 && !value.contains(&b' ') && !is_reference(value))
        .then_some(0.55)
}

/// A number as code writes it.
fn is_number(value: &[u8]) -> bool {
    value.len() <= 20 && (value.starts_with(b"0x") || value.starts_with(b"0X"))
}

/// Salts, nonces and the like: shorter, and of any bytes.
pub(super) fn salt(value: &[u8]) -> Option<f32> {
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    if value.len() < 8 || digits < 2 || value.contains(&b' ') {
        return None;
    }
    let made = Made::of(value);
    ((made.symbols > 0 || looks_random(&made, value, 8)) && !is_reference(value) && !stands_for(value))
        .then_some(0.55)
}

/// Groups of capitals and digits, as licences are sold.
pub(super) fn is_licence(value: &[u8]) -> bool {
    let groups = value.split(|byte| *byte == b'-');
    let fits = |group: &[u8]| {
        (4..=8).contains(&group.len())
            && group.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    };
    value.len() >= 19 && groups.clone().count() >= 4 && groups.clone().all(fits)
}

/// Words that stand in values nobody should be warned of.
static WORDS: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::builder().ascii_case_insensitive(true).build(STANDING).ok());

const STANDING: &[&str] = &[
    "example",
    "changeme",
    "change_me",
    "change-me",
    "placeholder",
    "redacted",
    "your",
    "dummy",
    "xxxx",
    "****",
    "....",
    "insert",
    "replace",
    "todo",
    "removed",
    "masked",
    "hidden",
    "undefined",
    "process.env",
    "os.environ",
    "getenv",
    "secrets.",
    "env.",
    "vars.",
    "fake",
    "sample",
    "lorem",
    "foobar",
    "notreal",
    "mypass",
    "my_",
    "my-",
    "some_",
    "some-",
    "enter_",
    "enter-",
    "password",
    "passwd",
    "qwerty",
    "letmein",
    "{{",
    "}}",
    "${",
    "$(",
    "#{",
    "%(",
    "%s",
    "null",
    "none",
    "12345678",
    "test-",
    "test_",
    "-test",
    "_test",
    "token_",
    "_token",
    "-token",
    "token-",
    "_key",
    "-key",
    "apikey",
    "api_key",
    "secret_",
    "_secret",
    "-secret",
    "secret-",
    "default",
    "string",
    "optional",
    "required",
    "abcdef",
    "here",
];

/// Whether a value stands for a secret: a placeholder, a variable, an ellipsis.
pub(super) fn stands_for(value: &[u8]) -> bool {
    let framed = |open: u8, close: u8| value.first() == Some(&open) && value.last() == Some(&close);
    if format::masked(value)
        || framed(b'<', b'>')
        || framed(b'[', b']')
        || framed(b'{', b'}')
        || framed(b'%', b'%')
        || framed(b'@', b'@')
    {
        return true;
    }
    // A variable: a dollar sign and a name.
    let variable = value.first() == Some(&b'$')
        && value.get(1..).is_some_and(|name| {
            name.iter().all(|byte| alphabet::is(*byte, WORD)) && !name.iter().any(u8::is_ascii_digit)
        });
    let plain = [&b"true"[..], b"false", b"secret", b"token", b"test", b"admin", b"root", b"user", b"pass"];
    variable
        || plain.iter().any(|word| value.eq_ignore_ascii_case(word))
        || value.len() < 48 && WORDS.as_ref().is_some_and(|words| words.is_match(value))
        || value.len() >= 16 && different(value) < 5
}

/// Whether a value is the name of something else: a path, a URL, a file, a call, a type, a version, a date.
pub(super) fn is_reference(value: &[u8]) -> bool {
    if value.starts_with(b"/")
        || value.starts_with(b"./")
        || value.starts_with(b"../")
        || value.starts_with(b"~/")
    {
        return true;
    }
    // An arrow has one of these, too.
    if value.iter().any(|byte| matches!(byte, b'(' | b')' | b'{' | b'}' | b'<' | b'>')) {
        return true;
    }
    let find = |needle: &[u8]| value.windows(needle.len()).any(|window| window == needle);
    if value.contains(&b':') && (find(b"://") || find(b"::")) {
        return true;
    }
    let dotted = value.contains(&b'.')
        && value
            .split(|byte| *byte == b'.')
            .all(|part| !part.is_empty() && part.iter().all(|byte| alphabet::is(*byte, URL64)));
    let extension = value.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    if dotted
        && (2..=5).contains(&extension.len())
        && extension.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    {
        return true;
    }
    // A name: words joined by the separators of names, a digit or two at their ends.
    value.iter().all(|byte| alphabet::is(*byte, URL64 | DOT) || matches!(byte, b'/' | b':'))
        && value.split(|byte| !alphabet::is(*byte, ALNUM)).all(is_word)
}

/// One word of a name, or a number of it.
fn is_word(part: &[u8]) -> bool {
    let letters = part.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let digits = part.iter().skip(letters).take_while(|byte| byte.is_ascii_digit()).count();
    if part.len() <= 2 {
        return true;
    }
    letters + digits == part.len()
        && digits <= 4
        && (letters < 4 || {
            let made = Made::of(part);
            made.letters() >= 4 * made.stretches.saturating_sub(usize::from(digits > 0))
        })
}

/// Whether what follows in an address is counted up, as examples are.
pub(super) fn is_counted_path(path: &[u8]) -> bool {
    Made::of(path).is_counted()
        || memchr::memmem::find(path, b"XXXX").is_some()
        || memchr::memmem::find(path, b"xxxx").is_some()
}
