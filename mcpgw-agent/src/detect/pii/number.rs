//! Numbers written in digits, in groups or in one.

mod rules;

use std::ops::Range;

use self::rules::{Rule, rules};
use super::scene::Scene;
use super::topic::Topics;
use super::{label, net, phone};
use crate::text::seek::{HIGH, before_first, digits, eight};

/// No number looked at here has more digits.
pub(super) const DIGITS: usize = 19;

/// Digits with what stands between them.
#[derive(Debug)]
pub(super) struct Number {
    pub(super) start: usize,
    values: [u8; DIGITS],
    pub(super) form: Form,
}

/// How the digits stand.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Form {
    /// Behind the last.
    pub(super) end: usize,
    pub(super) count: usize,
    /// Lengths of the groups, five bits each, the last in the lowest.
    pub(super) layout: u64,
    pub(super) groups: usize,
    /// What stands between the groups: 0 for nothing yet, 1 where they differ.
    pub(super) separator: u8,
}

/// The layout of groups of these lengths.
pub(super) const fn layout(lengths: &[u64]) -> u64 {
    let mut layout = 0;
    let mut rest = lengths;
    while let [first, more @ ..] = rest {
        layout = layout << 5 | *first;
        rest = more;
    }
    layout
}

impl Form {
    /// Length of the group `back` before the last.
    pub(super) fn group(self, back: usize) -> u64 {
        self.layout >> (5 * back) & 31
    }
}

impl Number {
    pub(super) fn new(start: usize) -> Self {
        Self { start, values: [0; DIGITS], form: Form { end: start, ..Form::default() } }
    }

    pub(super) fn range(&self) -> Range<usize> {
        self.start..self.form.end
    }

    pub(super) fn digits(&self) -> &[u8] {
        self.values.get(..self.form.count).unwrap_or_default()
    }

    /// Takes the next group, which may stand behind a separator. False where there is none or it is too long.
    pub(super) fn push(&mut self, bytes: &[u8]) -> bool {
        let Form { end, count, layout, groups, separator } = self.form;
        let Some(gap) = gap(bytes, end) else { return false };
        if (groups == 0) != (gap == 0) {
            return false;
        }
        let rest = bytes.get(end + gap..).unwrap_or_default();
        let Some(free) = self.values.get_mut(count..) else { return false };
        let mut length = 0;
        for byte in rest.iter().take_while(|byte| byte.is_ascii_digit()) {
            let Some(to) = free.get_mut(length) else { return false };
            *to = byte - b'0';
            length += 1;
        }
        let between = match (gap, bytes.get(end)) {
            (1, Some(byte)) if !b"()".contains(byte) => *byte,
            _ => 1,
        };
        self.form = Form {
            end: end + gap + length,
            count: count + length,
            layout: layout << 5 | length as u64,
            groups: groups + 1,
            separator: match groups {
                0 => 0,
                1 => between,
                _ if separator == between => separator,
                _ => 1,
            },
        };
        true
    }
}

/// Bytes between `end` and the next digit, if that is no farther away than two.
#[inline(always)]
fn gap(bytes: &[u8], end: usize) -> Option<usize> {
    Some(before_first(digits(eight(bytes, end)))).filter(|gap| *gap <= 2)
}

/// The gap before the next group, and how many digits that has; one more than may be where there are more.
#[inline(always)]
fn next_group(bytes: &[u8], end: usize) -> Option<(usize, usize)> {
    let here = digits(eight(bytes, end));
    let gap = before_first(here);
    if gap > 2 {
        return None;
    }
    // Behind the eighth byte there may be more.
    let count = before_first(!here >> (8 * gap) & HIGH);
    let is_all = gap + count < 8;
    Some((gap, if is_all { count } else { count_digits(bytes, end + gap, DIGITS + 1) }))
}

/// How many digits there are from `at` on, up to `most`.
fn count_digits(bytes: &[u8], at: usize, most: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count()
}

/// Looks at one run of digits and separators.
pub(super) fn look(scene: &mut Scene<'_, '_>, run: Range<usize>) {
    let mut at = run.start;
    // In a run of many groups only the first few may begin a telephone number that nothing announces.
    let mut calls = 3_u32;
    while at < run.end {
        if scene.is_taken(at) {
            at = scene.taken();
            continue;
        }
        let here = digits(eight(scene.bytes, at));
        let gap = before_first(here);
        if gap > 0 {
            at += gap;
            continue;
        }
        let count = before_first(!here & HIGH);
        let length = if count < 8 { count } else { count_digits(scene.bytes, at, run.end - at) };
        if length <= DIGITS {
            begin(scene, at..run.end, length, calls > 0);
            calls = calls.saturating_sub(1);
        }
        at += length;
    }
}

/// What was found and how sure it is.
#[derive(Debug)]
pub(super) struct Best {
    pub(super) kind: &'static str,
    pub(super) score: f32,
    pub(super) range: Range<usize>,
    pub(super) why: &'static str,
}

/// Looks at the numbers that begin where the rest of a run does, with a group of `length` digits.
fn begin(scene: &mut Scene<'_, '_>, rest: Range<usize>, length: usize, may_call: bool) {
    let Range { start, end } = rest;
    if length <= 3 && scene.byte(start + length) == Some(b'.') && net::ipv4(scene, start) {
        return;
    }
    let mut best: Option<Best> = None;
    let begins = scene.begins(start);
    if begins {
        let mut number = Number::new(start);
        let (mut at, mut groups, mut layout) = (start + length, 1, length as u64);
        loop {
            let rules = rules(layout);
            if !rules.is_empty() && scene.ends(at) {
                // Digits are taken where a rule asks for them: most layouts have none.
                while number.form.groups < groups && number.push(scene.bytes) {}
                if number.form.end != at {
                    break;
                }
                for rule in rules {
                    if let Some(found) = weigh(scene, rule, &number)
                        && best.as_ref().is_none_or(|best| best.score < found.score)
                    {
                        best = Some(found);
                    }
                }
            }
            if at >= end || !rules::goes_on(layout) {
                break;
            }
            let Some((gap @ 1.., length @ ..=DIGITS)) = next_group(scene.bytes, at) else { break };
            (at, groups, layout) = (at + gap + length, groups + 1, layout << 5 | length as u64);
        }
    }
    if best.as_ref().is_none_or(|best| best.score < 0.6)
        && (may_call || may_announce(scene, start, length))
        && let Some(found) = phone::look(scene, start, end)
        && best.as_ref().is_none_or(|best| best.score < found.score)
    {
        best = Some(found);
    }
    if length >= 5
        && begins
        && best.as_ref().is_none_or(|best| best.score < 0.5)
        && let Some(found) = label::number(scene, start, end)
    {
        best = Some(found);
    }
    if let Some(Best { kind, score, range, why }) = best {
        scene.add(kind, score, range, why);
    }
}

/// What stands before a first group of `length` digits announces a telephone number: one digit in parentheses is none's
/// area.
fn may_announce(scene: &Scene<'_, '_>, start: usize, length: usize) -> bool {
    match scene.before(start) {
        Some(b'+') => true,
        Some(b'(') => length > 1,
        Some(_) | None => false,
    }
}

fn weigh(scene: &mut Scene<'_, '_>, rule: &Rule, number: &Number) -> Option<Best> {
    let fits = number.form.groups == 1 || rule.separators.as_bytes().contains(&number.form.separator);
    if !fits || !(rule.check)(number.digits()) {
        return None;
    }
    let range = number.range();
    let (score, why) = if scene.topics(&range).meets(rule.topics) {
        let test = rule.kind == "credit_card" && scene.near(&range).meets(Topics::TEST);
        if test {
            (0.4, "its check digit holds, but it is called a test")
        } else {
            (rule.named, "a word near it says so")
        }
    } else if scene.is_whole(&range) && rule.whole > rule.plain {
        (rule.whole, "the text is nothing else, and its form is right")
    } else if scene.near(&range).meets(Topics::OTHER) {
        (rule.plain.min(0.3), "its form is right, but a word near it says it is something else")
    } else {
        (rule.plain, "its form is right")
    };
    (score > 0.25).then_some(Best { kind: rule.kind, score, range, why })
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn groups_are_found_as_byte_by_byte(text in "[0-9]{0,9}[a(-]{0,3}[0-9]{0,24}[ x]?", end in 0_usize..12) {
            let bytes = text.as_bytes();
            let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
            let plain = (0..=2).find(|gap| is_digit(end + gap));
            let count = |gap| (end + gap..).take(DIGITS + 1).take_while(|at| is_digit(*at)).count();
            proptest::prop_assert_eq!(gap(bytes, end), plain);
            proptest::prop_assert_eq!(next_group(bytes, end), plain.map(|gap| (gap, count(gap))));
        }
    }
}
