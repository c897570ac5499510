//! Secrets whose mark is not at their beginning, or too short to look for: found among the words that may be tokens.

use std::ops::Range;
use std::sync::LazyLock;

use super::alphabet::{self, ALNUM, B64, DEC, EQUALS, HEX, LNUM, Set, TILDE, URL64, URL64P, WORD};
use super::format::{self, Format};
use super::{formats, value};

/// A prefix of fewer bytes is no needle.
pub(super) const NEEDLE_MIN: usize = 4;
/// Beginnings of words looked at in one run: a run of more is no token, and costs no more.
const STARTS_MAX: usize = 64;

/// A mark in the middle or at the end, and what stands around it.
#[derive(Debug)]
pub(super) struct Infix {
    pub(super) kind: &'static str,
    pub(super) mark: &'static str,
    before: (Set, usize, usize),
    after: (Set, usize, usize),
}

const fn infix(
    kind: &'static str,
    mark: &'static str,
    before: (Set, usize, usize),
    after: (Set, usize, usize),
) -> Infix {
    Infix { kind, mark, before, after }
}

const ANY64: Set = URL64 | B64 | EQUALS;

/// By mark.
pub(super) static INFIXES: &[Infix] = &[
    infix("hashicorp_terraform_token", ".atlasv1.", (ALNUM, 14, 14), (URL64P, 40, 80)),
    infix("maxmind_key", "_mmk", (WORD, 36, 36), (ALNUM, 0, 0)),
    infix("mailchimp_key", "-us1", (HEX, 32, 32), (DEC, 0, 1)),
    infix("mailchimp_key", "-us2", (HEX, 32, 32), (DEC, 0, 1)),
    infix("newrelic_key", "NRAL", (HEX, 36, 36), (ALNUM, 0, 0)),
    infix("azure_devops_token", "AZDO", (ALNUM, 76, 76), (ALNUM, 4, 4)),
    infix("azure_key", "AzSe", (ALNUM, 42, 42), (ALNUM, 6, 6)),
    infix("azure_key", "AzFu", (ANY64, 44, 44), (ANY64, 6, 8)),
    infix("azure_key", "+ACR", (B64, 42, 42), (ALNUM, 6, 6)),
    infix("azure_key", "+ASt", (B64, 76, 76), (ANY64, 6, 8)),
    infix("azure_key", "+ASb", (B64, 33, 33), (ANY64, 6, 8)),
    infix("azure_key", "+AEh", (B64, 33, 33), (ANY64, 6, 8)),
    infix("azure_key", "AIoT", (B64, 33, 33), (ANY64, 6, 8)),
    infix("azure_key", "ACDb", (B64, 76, 76), (ANY64, 6, 8)),
    infix("azure_openai_key", "AAABAC", (ALNUM, 40, 80), (ALNUM, 4, 30)),
];

impl Infix {
    /// The token with its mark at `at`.
    pub(super) fn at(&self, bytes: &[u8], at: usize) -> Option<Range<usize>> {
        if !bytes.get(at..)?.starts_with(self.mark.as_bytes()) {
            return None;
        }
        let (set, least, most) = self.before;
        let back = alphabet::run_back(bytes, at, set, most);
        if back < least || !alphabet::begins(bytes, at - back) {
            return None;
        }
        let behind = at + self.mark.len();
        let (set, least, most) = self.after;
        let on = alphabet::run(bytes, behind, set, most + 1);
        if !(least..=most).contains(&on) {
            return None;
        }
        let token = bytes.get(at - back..behind + on)?;
        token.iter().any(u8::is_ascii_digit).then_some(at - back..behind + on)
    }
}

/// Formats with a prefix too short for a needle, by its first byte.
static SHORT: LazyLock<Vec<Vec<&'static Format>>> = LazyLock::new(|| {
    let mut table = vec![Vec::new(); 256];
    for format in formats::all().filter(|format| format.prefix.len() < NEEDLE_MIN) {
        if let Some(formats) = format.prefix.bytes().next().and_then(|byte| table.get_mut(usize::from(byte)))
        {
            formats.push(format);
        }
    }
    table
});

/// A word that has the shape of a token, what it is called, and how sure one is.
pub(super) type Found = (Range<usize>, &'static str, f32);

/// Looks at one run of bytes tokens are made of.
pub(super) fn find(text: &str, run: &Range<usize>, found: &mut impl FnMut(Found)) {
    let bytes = text.as_bytes();
    let mut starts = 0;
    let mut at = run.start;
    while starts < STARTS_MAX
        && let Some(start) = next_beginning(bytes, at..run.end)
    {
        at = start + 1;
        if alphabet::begins(bytes, start) {
            starts += 1;
            if let Some(hit) = begins_at(text, start) {
                at = at.max(hit.0.end);
                found(hit);
            }
        }
    }
    if let Some(word) = bytes.get(run.clone())
        && word.len() < 512
    {
        for tilde in memchr::memchr_iter(b'~', word) {
            azure(bytes, run.start + tilde).into_iter().for_each(&mut *found);
        }
    }
    whole(bytes, run).into_iter().for_each(found);
}

/// The first place of the range where more may begin than [`alphabet::begins`] says: most places are within a word.
fn next_beginning(bytes: &[u8], range: Range<usize>) -> Option<usize> {
    if range.is_empty() || range.start == 0 {
        return Some(range.start).filter(|_| !range.is_empty());
    }
    let before = bytes.get(range.start - 1..range.end - 1)?;
    let may_stand_before =
        |byte: &u8| !alphabet::is(*byte, ALNUM) || matches!(byte, b'm' | b'n' | b'r' | b't');
    before.iter().position(may_stand_before).map(|skipped| range.start + skipped)
}

fn begins_at(text: &str, at: usize) -> Option<Found> {
    let first = *text.as_bytes().get(at)?;
    let formats = SHORT.get(usize::from(first))?;
    formats.iter().find_map(|format| format.at(text, at).map(|(range, score)| (range, format.kind, score)))
}

/// Azure's client secrets: three characters, a digit, `Q~`, and 31 to 34 more.
fn azure(bytes: &[u8], tilde: usize) -> Option<Found> {
    let set = URL64 | alphabet::DOT | TILDE;
    let start = tilde.checked_sub(5)?;
    let head = bytes.get(start..tilde)?;
    let fits = head.ends_with(b"Q")
        && head.get(3).is_some_and(u8::is_ascii_digit)
        && head.iter().all(|byte| alphabet::is(*byte, set));
    let tail = alphabet::run(bytes, tilde + 1, set, 40);
    (fits && alphabet::begins(bytes, start) && (31..=36).contains(&tail))
        .then(|| (start..tilde + 1 + tail, "azure_client_secret", 0.9))
}

/// Words that are secrets by what they are from end to end, or by what stands before them.
fn whole(bytes: &[u8], run: &Range<usize>) -> Option<Found> {
    let word = bytes.get(run.clone())?;
    let before = |back: usize| run.start.checked_sub(back).and_then(|at| bytes.get(at)).copied();
    match before(1) {
        // Telegram: the bot's number, a colon, 35 characters that begin with an A.
        Some(b':')
            if (34..=35).contains(&word.len())
                && word.first() == Some(&b'A')
                && word.iter().all(|byte| alphabet::is(*byte, URL64)) =>
        {
            let digits = alphabet::run_back(bytes, run.start - 1, DEC, 17);
            return (5..=16)
                .contains(&digits)
                .then(|| (run.start - 1 - digits..run.end, "telegram_bot_token", 0.8));
        }
        // Facebook: the application's number, a bar, its secret.
        Some(b'|')
            if (25..=40).contains(&word.len()) && word.iter().all(|byte| alphabet::is(*byte, URL64)) =>
        {
            let digits = alphabet::run_back(bytes, run.start - 1, DEC, 17);
            let fits = (15..=16).contains(&digits) && value::is_random(word, 25);
            return fits.then(|| (run.start - 1 - digits..run.end, "facebook_token", 0.8));
        }
        _ => {}
    }
    // Dropbox: 11 characters, ten times A, 43 more.
    if word.len() == 64 && word.get(11..21) == Some(b"AAAAAAAAAA") {
        return Some((run.clone(), "dropbox_token", 0.8));
    }
    // Mailgun's signing keys: 32, 8 and 8.
    let groups: [(Set, Range<usize>); 3] = [(LNUM, 0..32), (LNUM, 33..41), (LNUM, 42..50)];
    let mailgun = word.len() == 50
        && groups.iter().all(|(set, range)| {
            word.get(range.clone()).is_some_and(|part| part.iter().all(|byte| alphabet::is(*byte, *set)))
        })
        && word.get(32) == Some(&b'-')
        && word.get(41) == Some(&b'-');
    (mailgun && !format::masked(word)).then(|| (run.clone(), "mailgun_key", 0.8))
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn no_beginning_is_passed_over(text in "([a-zA-Z0-9]|[mnrt\\\\;\\[_-]){0,12}", from in 0_usize..12) {
            let bytes = text.as_bytes();
            let rest = from.min(bytes.len())..bytes.len();
            let next = next_beginning(bytes, rest.clone());
            let passed = rest.start..next.unwrap_or(rest.end);
            proptest::prop_assert!(next.is_none_or(|next| rest.contains(&next)));
            proptest::prop_assert!(!passed.clone().any(|at| alphabet::begins(bytes, at)), "{} {:?}", text, passed);
        }
    }
}
