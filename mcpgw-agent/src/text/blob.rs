//! Words long enough to be encoded text: finding them, and opening those that are.

use std::ops::Range;

use super::base::{Alphabet, BASE32, BASE64, HEX};
use super::budget::Budget;
use super::inflate;
use super::made::Made;
use super::plausible;
use super::reading::Layer;

/// Letters of an encoded text, at least.
const SHORTEST: usize = 16;
/// Letters that are decoded to see whether it is worth decoding all of them, and how far apart such places are.
const SAMPLE: usize = 16;
const APART: usize = 64;
/// Blanks a line of a longer blob begins with, at most.
const INDENT: usize = 16;
/// What an attempt to inflate takes of the budget, whatever comes of it.
const ATTEMPT: usize = 1024;

/// Shows `visit` each run of at least 16 letters of base64's alphabets, over line ends where all lines but the last are
/// as long as the first.
pub(super) fn runs(text: &str, visit: &mut dyn FnMut(Range<usize>)) {
    let bytes = text.as_bytes();
    let is_part = |at: usize| bytes.get(at).is_some_and(|byte| BASE64.has(*byte));
    let mut start = 0;
    while start + SHORTEST <= bytes.len() {
        let probe = start + SHORTEST - 1;
        // Seen from behind, most places that end a word save the look at what stands before.
        if let Some(break_at) = (start..=probe).rev().find(|at| !is_part(*at)) {
            start = break_at + 1;
            continue;
        }
        let first_end = line_end(bytes, probe);
        let first = first_end - start;
        let mut end = first_end;
        while let Some(line) = next_line(bytes, end) {
            let line_end = line_end(bytes, line);
            if line_end == line || line_end - line > first {
                break;
            }
            end = line_end;
            if line_end - line < first {
                break;
            }
        }
        visit(start..end);
        start = end + 1;
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

const BASE64_LAYERS: [Layer; 2] = [Layer::Base64, Layer::Gzip];
const BASE32_LAYERS: [Layer; 2] = [Layer::Base32, Layer::Gzip];
const HEX_LAYERS: [Layer; 2] = [Layer::Hex, Layer::Gzip];

/// The text that `run` of `text` encodes, if it does, and the layers it was under.
pub(super) fn open(text: &str, run: Range<usize>, budget: &mut Budget) -> Option<(Made, &'static [Layer])> {
    let bytes = text.as_bytes().get(run.clone())?;
    let in_run = |found: Range<usize>| run.start + found.start..run.start + found.end;
    for (alphabet, layers) in [(&HEX, &HEX_LAYERS), (&BASE32, &BASE32_LAYERS)] {
        let Some(part) = part(bytes, alphabet) else { continue };
        let encoded = bytes.get(part.clone()).unwrap_or_default();
        if is_worth_it(encoded, alphabet)
            && let Some(found) = decode(encoded, alphabet, layers, in_run(part), budget)
        {
            return Some(found);
        }
    }
    let from = text_start(bytes)?;
    let encoded = bytes.get(from..).unwrap_or_default();
    decode(encoded, &BASE64, &BASE64_LAYERS, in_run(from..bytes.len()), budget)
}

/// The longest part of `bytes` of letters of `alphabet`, line ends included.
fn part(bytes: &[u8], alphabet: &Alphabet) -> Option<Range<usize>> {
    let mut best = 0..0;
    let mut start = 0;
    for piece in bytes.split(|byte| !alphabet.has(*byte) && !matches!(byte, b'\r' | b'\n' | b' ')) {
        if piece.len() > best.len() {
            best = start..start + piece.len();
        }
        start += piece.len() + 1;
    }
    (best.len() >= SHORTEST).then_some(best)
}

fn is_worth_it(encoded: &[u8], alphabet: &Alphabet) -> bool {
    let mut first = Vec::with_capacity(SAMPLE);
    alphabet.decode(encoded.get(..2 * SAMPLE).unwrap_or(encoded), SAMPLE, &mut first);
    inflate::is_compressed(&first) || plausible::sample(&first)
}

/// Where in `bytes` base64 of something begins: of what is compressed at the start, of text anywhere.
fn text_start(bytes: &[u8]) -> Option<usize> {
    let mut sample = Vec::with_capacity(SAMPLE);
    let mut take = |from: usize| {
        sample.clear();
        let letters = bytes.get(from..)?;
        BASE64.decode(letters.get(..SAMPLE + 2).unwrap_or(letters), SAMPLE / 4 * 3, &mut sample);
        Some((inflate::is_compressed(&sample), sample.len() >= 8 && plausible::sample(&sample)))
    };
    if let Some((true, _)) = take(0) {
        return Some(0);
    }
    for block in (0..bytes.len()).step_by(APART) {
        for from in block..block + 4 {
            if let Some((_, true)) = take(from) {
                return Some(from);
            }
        }
    }
    None
}

fn decode(
    encoded: &[u8],
    alphabet: &Alphabet,
    layers: &'static [Layer; 2],
    range: Range<usize>,
    budget: &mut Budget,
) -> Option<(Made, &'static [Layer])> {
    let most = alphabet.made_of(encoded.len());
    if !budget.take(most) {
        return None;
    }
    let mut decoded = Vec::with_capacity(most);
    alphabet.decode(encoded, most, &mut decoded);
    let mut taken = 1;
    if inflate::is_compressed(&decoded)
        && encoded.len() >= 2 * SHORTEST
        && budget.take(ATTEMPT)
        && let Some(before) = inflate::inflate(&decoded, budget)
    {
        decoded = before;
        taken = 2;
    }
    let text = plausible::text(decoded)?;
    Some((Made::of(text, range), layers.get(..taken).unwrap_or_default()))
}
