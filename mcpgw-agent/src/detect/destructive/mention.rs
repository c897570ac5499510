//! Commands in texts that are not run: a line is looked at where a needle stands, and what it says counts for little.

use super::shell::{Flavour, Frame, Walk};
use crate::detect::{Hit, Noticed};

/// Words that stand in few texts that hold no command.
pub(super) const NEEDLES: &[&str] = &[
    "rm -rf",
    "rm -fr",
    "rm -r ",
    "drop table",
    "drop database",
    "drop schema",
    "truncate table",
    "delete from",
    "mkfs.",
    "of=/dev/",
    "push --force",
    "push -f",
    "reset --hard",
    "delete namespace",
    "terraform destroy",
    "--no-preserve-root",
    "flushall",
    "dropdatabase",
    "vssadmin",
    "remove-item",
    "format c:",
    "git clean -",
    "shred -",
    "wipefs",
    "rmtree(",
    ".bash_history",
    "/dev/sda",
    "-delete",
    ":(){",
];

/// Lines looked at in one text.
const MAX_LINES: usize = 16;
/// Bytes of a line before and after the needle.
const AROUND: usize = 256;
/// What is only mentioned stays below the default threshold.
const SHARE: f32 = 0.4;

/// Finds commands that a text mentions.
pub(super) fn find(text: &str, noticed: &Noticed<'_>, hits: &mut Vec<Hit>) {
    let mut behind = 0;
    for nominee in noticed.needles.iter().filter(|nominee| nominee.at < text.len()).take(MAX_LINES * 4) {
        if nominee.at < behind {
            continue;
        }
        let (start, end) = line(text, nominee.at);
        behind = end.max(nominee.at + 1);
        let Some(line) = text.get(start..end) else { continue };
        // A prompt, a list's mark, a quote.
        let command = line.trim_start_matches(|letter: char| {
            matches!(letter, ' ' | '\t' | '$' | '>' | '#' | '`' | '-' | '*')
        });
        let offset = start + line.len() - command.len();
        let first = hits.len();
        let mut walk = Walk::new(hits, command.len());
        walk.script(&Frame::whole(command, Flavour::Posix));
        walk.database(&Frame::whole(command, Flavour::Posix));
        for hit in hits.iter_mut().skip(first) {
            hit.score *= SHARE;
            hit.range = hit.range.start + offset..hit.range.end + offset;
        }
        if hits.len() - first > 0 && hits.len() > MAX_LINES {
            return;
        }
    }
}

/// The line around a place, cut where it is long.
fn line(text: &str, at: usize) -> (usize, usize) {
    let bytes = text.as_bytes();
    let from = at.saturating_sub(AROUND);
    let to = (at + AROUND).min(bytes.len());
    let before = bytes
        .get(from..at)
        .and_then(|part| memchr::memrchr(b'\n', part))
        .map_or(from, |found| from + found + 1);
    let after = bytes.get(at..to).and_then(|part| memchr::memchr(b'\n', part)).map_or(to, |found| at + found);
    let boundary = |mut at: usize| {
        while !text.is_char_boundary(at) {
            at += 1;
        }
        at
    };
    (boundary(before), boundary(after))
}
