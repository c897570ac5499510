//! Words long enough to be encoded text: finding them, and opening those that are.

use std::ops::Range;

use super::base::{Alphabet, BASE32, BASE64, HEX};
use super::budget::Budget;
use super::inflate;
use super::made::Made;
use super::plausible;
use super::reading::Layer;

/// Letters of an encoded text, at least.
pub(super) const SHORTEST: usize = 16;
/// Signs that fill the last group of an encoded text, at most.
const PADDING: usize = 6;
/// Bytes that are decoded to see whether it is worth decoding all of them.
const SAMPLE: usize = 12;
/// Letters from one such place to the next.
const APART: usize = 64;
/// The same among the first of those.
const CLOSE: usize = 16;
/// Blanks a line of a longer blob begins with, at most.
const INDENT: usize = 16;
/// What an attempt to inflate takes of the budget, whatever comes of it.
const ATTEMPT: usize = 1024;

/// Shows `visit` each run of at least 16 letters of base64's alphabets, over line ends where all lines but the last are
/// as long as the first.
pub(super) fn runs(text: &str, visit: &mut dyn FnMut(Range<usize>)) {
    let bytes = text.as_bytes();
    let mut start = 0;
    while let Some(window) = bytes.get(start..start + SHORTEST) {
        // Seen from behind, most places that end a word save the look at what stands before.
        if let Some(break_at) = window.iter().rposition(|byte| !BASE64.has(*byte)) {
            start += break_at + 1;
            continue;
        }
        let first_end = line_end(bytes, start + SHORTEST);
        let first = first_end - start;
        let mut end = first_end;
        while let Some(line) = next_line(bytes, end) {
            let line_end = line_end(bytes, line);
            let len = line_end - line;
            // A word on a line of its own is none of it.
            let is_last = len < first && (len.is_multiple_of(4) || bytes.get(line_end) == Some(&b'='));
            if len == 0 || len != first && !is_last {
                break;
            }
            end = line_end;
            if is_last {
                break;
            }
        }
        let rest = bytes.get(end..).unwrap_or_default();
        end += rest.iter().take(PADDING).take_while(|byte| **byte == b'=').count();
        visit(start..end);
        start = end;
    }
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest.iter().position(|byte| !BASE64.has(*byte)).unwrap_or(rest.len())
}

/// Where the next line's letters begin, if the line ends at `end`.
fn next_line(bytes: &[u8], end: usize) -> Option<usize> {
    let rest = bytes.get(end..)?;
    let rest = rest.strip_prefix(b"\r").unwrap_or(rest);
    let rest = rest.strip_prefix(b"\n")?;
    let indent = rest.iter().take(INDENT).take_while(|byte| **byte == b' ').count();
    Some(bytes.len() - rest.len() + indent)
}

/// Texts that were encoded, by what they were encoded in. Those of one encoding are one text, a line each.
#[derive(Debug, Default)]
pub(super) struct Opened {
    found: Vec<(&'static [Layer], Made)>,
}

impl Opened {
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// What was found, each with the layers it was under.
    pub(super) fn into_texts(self) -> Vec<(&'static [Layer], Made)> {
        self.found
    }

    /// Adds the text that `run` of `text` encodes, if it does.
    pub(super) fn open(&mut self, text: &str, run: Range<usize>, budget: &mut Budget) {
        let Some(bytes) = text.as_bytes().get(run.clone()) else { return };
        for encoding in [&IN_HEX, &IN_BASE32] {
            let part = longest_part(bytes, encoding.alphabet);
            let encoded = bytes.get(part.clone()).unwrap_or_default();
            if part.len() >= SHORTEST && encoding.is_worth_it(encoded) {
                // What fills it up belongs to it.
                let fill = bytes.get(part.end..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'='));
                let end = if fill { run.end } else { run.start + part.end };
                let range = run.start + part.start..end;
                if self.decode(encoded, encoding, range, budget) {
                    return;
                }
            }
        }
        // In digits alone a few rare signs of Chinese could be written, and no text.
        if bytes.iter().all(u8::is_ascii_digit) {
            return;
        }
        let is_compressed =
            bytes.first_chunk().is_some_and(|first| inflate::is_compressed(&BASE64.group(*first)));
        if is_compressed && self.decode(bytes, &IN_BASE64, run.clone(), budget) {
            return;
        }
        if let Some(from) = text_start(bytes) {
            let encoded = bytes.get(from..).unwrap_or_default();
            self.decode(encoded, &IN_BASE64, run.start + from..run.end, budget);
        }
    }

    fn decode(
        &mut self,
        encoded: &[u8],
        encoding: &'static Encoding,
        range: Range<usize>,
        budget: &mut Budget,
    ) -> bool {
        let most = encoding.alphabet.made_of(encoded.len());
        if !budget.take(most + 1) {
            return false;
        }
        let mut decoded = Vec::with_capacity(most);
        encoding.alphabet.decode(encoded, most, &mut decoded);
        // Two letters begin a compressed text too: `hC`, `x^`.
        let inflated =
            if inflate::is_compressed(&decoded) && encoded.len() >= 2 * SHORTEST && budget.take(ATTEMPT) {
                inflate::inflate(&decoded, budget).and_then(plausible::text)
            } else {
                None
            };
        let layers = if inflated.is_some() { 2 } else { 1 };
        let Some(text) = inflated.or_else(|| plausible::text(decoded)) else { return false };
        let layers = encoding.layers.get(..layers).unwrap_or_default();
        match self.found.iter_mut().find(|(other, _)| *other == layers) {
            Some((_, made)) => {
                made.put("\n", range.start..range.start);
                made.put(&text, range);
            }
            None => self.found.push((layers, Made::of(text, range))),
        }
        true
    }
}

/// How a text is encoded.
struct Encoding {
    alphabet: &'static Alphabet,
    layers: [Layer; 2],
}

static IN_HEX: Encoding = Encoding { alphabet: &HEX, layers: [Layer::Hex, Layer::Gzip] };
static IN_BASE32: Encoding = Encoding { alphabet: &BASE32, layers: [Layer::Base32, Layer::Gzip] };
static IN_BASE64: Encoding = Encoding { alphabet: &BASE64, layers: [Layer::Base64, Layer::Gzip] };

impl Encoding {
    fn is_worth_it(&self, encoded: &[u8]) -> bool {
        // Most that are none are told by the first three bytes.
        if let Some(first) = self.alphabet.three(encoded)
            && !first.contains(&0x1b)
            && !plausible::may_begin(&first)
            && !inflate::is_compressed(&first)
        {
            return false;
        }
        let (sample, len) = self.alphabet.first::<SAMPLE>(encoded);
        inflate::is_compressed(&sample) || plausible::sample(sample.get(..len).unwrap_or_default())
    }
}

/// The longest part of `bytes` of letters of `alphabet`, line ends included; nothing where that is too short.
fn longest_part(bytes: &[u8], alphabet: &Alphabet) -> Range<usize> {
    let is_part = |byte: u8| alphabet.has(byte) || matches!(byte, b'\n' | b'\r' | b' ');
    if bytes.iter().all(|byte| alphabet.has(*byte)) {
        return 0..bytes.len();
    }
    // One that is long enough covers two places in a row of those eight bytes apart.
    let mut before = false;
    let possible = bytes.iter().skip(7).step_by(8).any(|byte| {
        let here = is_part(*byte);
        std::mem::replace(&mut before, here) && here
    });
    let mut best = 0..0;
    if possible {
        let mut start = 0;
        for (at, byte) in bytes.iter().chain([&b'=']).enumerate() {
            if !is_part(*byte) {
                if at - start > best.len() {
                    best = start..at;
                }
                start = at + 1;
            }
        }
    }
    best
}

/// Where in `bytes` base64 of a text begins.
fn text_start(bytes: &[u8]) -> Option<usize> {
    // A short text has few places, and a sign that is in none may be among them.
    let close = (0..APART.min(bytes.len())).step_by(CLOSE);
    let blocks = close.chain((APART..bytes.len()).step_by(APART));
    for block in blocks {
        for from in block..block + 4 {
            if begins_text(bytes.get(from..).unwrap_or_default()) {
                return Some(from);
            }
        }
    }
    // A name may stand before it, up to a sign that is a letter of the alphabet too.
    let is_sign = |byte: u8| !byte.is_ascii_alphanumeric();
    if !bytes.iter().take(APART).fold(false, |any, byte| any | is_sign(*byte)) {
        return None;
    }
    for (at, byte) in bytes.iter().take(APART).enumerate() {
        if is_sign(*byte) && begins_text(bytes.get(at + 1..).unwrap_or_default()) {
            return Some(at + 1);
        }
    }
    None
}

fn begins_text(letters: &[u8]) -> bool {
    let Some(start) = letters.first_chunk::<4>() else { return false };
    // Most that are none are told by the first three bytes.
    if !plausible::may_begin(&BASE64.group(*start)) {
        return false;
    }
    let (sample, len) = BASE64.first::<SAMPLE>(letters);
    plausible::sample(sample.get(..len).unwrap_or_default())
}
