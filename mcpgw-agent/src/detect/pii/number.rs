//! Numbers written in digits, in groups or in one.

mod rules;

use std::ops::Range;

use self::rules::{Rule, rules};
use super::scene::Scene;
use super::topic::Topics;
use super::{label, net, phone};

/// No number looked at here has more digits.
pub(super) const DIGITS: usize = 19;
/// Or more groups.
const GROUPS: usize = 7;

/// Digits with what stands between them.
#[derive(Debug, Clone)]
pub(super) struct Number {
    pub(super) range: Range<usize>,
    values: [u8; DIGITS],
    count: usize,
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

impl Number {
    pub(super) fn new(start: usize) -> Self {
        Self { range: start..start, values: [0; DIGITS], count: 0, layout: 0, groups: 0, separator: 0 }
    }

    pub(super) fn digits(&self) -> &[u8] {
        self.values.get(..self.count).unwrap_or_default()
    }

    /// Length of the group `back` before the last.
    pub(super) fn group(&self, back: usize) -> u64 {
        self.layout >> (5 * back) & 31
    }

    /// Takes the next group, which may stand behind a separator. False where there is none or it is too long.
    pub(super) fn push(&mut self, bytes: &[u8]) -> bool {
        let mut at = self.range.end;
        if self.groups > 0 {
            let gap = bytes.get(at..).unwrap_or_default().iter().take(3).take_while(|byte| !byte.is_ascii_digit()).count();
            let Some(separator) = bytes.get(at).filter(|_| (1..=2).contains(&gap)) else { return false };
            let separator = if gap == 2 || b"()".contains(separator) { 1 } else { *separator };
            self.separator = if self.groups == 1 || self.separator == separator { separator } else { 1 };
            at += gap;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let length = rest.iter().take(DIGITS + 1).take_while(|byte| byte.is_ascii_digit()).count();
        let Some(free) = self.values.get_mut(self.count..self.count + length).filter(|_| length > 0) else { return false };
        free.iter_mut().zip(rest).for_each(|(to, from)| *to = from - b'0');
        self.count += length;
        self.layout = self.layout << 5 | length as u64;
        self.groups += 1;
        self.range.end = at + length;
        true
    }
}

/// Looks at one run of digits and separators.
pub(super) fn look(scene: &mut Scene<'_, '_>, run: Range<usize>) {
    let mut at = run.start;
    while at < run.end {
        if scene.is_taken(at) || !scene.byte(at).is_some_and(|byte| byte.is_ascii_digit()) {
            at += 1;
            continue;
        }
        let length = scene.bytes.get(at..run.end).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count();
        if length <= DIGITS {
            begin(scene, at, run.end);
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

/// Looks at the numbers that begin at `start`.
fn begin(scene: &mut Scene<'_, '_>, start: usize, end: usize) {
    if net::ipv4(scene, start) {
        return;
    }
    let mut best: Option<Best> = None;
    if scene.begins(start) {
        let mut number = Number::new(start);
        while number.groups < GROUPS && number.range.end < end && number.push(scene.bytes) {
            if !scene.ends(number.range.end) {
                continue;
            }
            for rule in rules(number.layout) {
                if let Some(found) = weigh(scene, rule, &number)
                    && best.as_ref().is_none_or(|best| best.score < found.score)
                {
                    best = Some(found);
                }
            }
        }
    }
    if best.as_ref().is_none_or(|best| best.score < 0.6)
        && let Some(found) = phone::look(scene, start, end)
        && best.as_ref().is_none_or(|best| best.score < found.score)
    {
        best = Some(found);
    }
    if best.as_ref().is_none_or(|best| best.score < 0.5)
        && scene.begins(start)
        && let Some(found) = label::number(scene, start, end)
    {
        best = Some(found);
    }
    if let Some(Best { kind, score, range, why }) = best {
        scene.add(kind, score, range, why);
    }
}

fn weigh(scene: &mut Scene<'_, '_>, rule: &Rule, number: &Number) -> Option<Best> {
    let fits = number.groups == 1 || rule.separators.as_bytes().contains(&number.separator);
    if !fits || !(rule.check)(number.digits()) {
        return None;
    }
    let range = number.range.clone();
    let (score, why) = if scene.topics(&range).meets(rule.topics) {
        let test = rule.kind == "credit_card" && scene.near(&range).meets(Topics::TEST);
        if test { (0.4, "its check digit holds, but it is called a test") } else { (rule.named, "a word near it says so") }
    } else if scene.is_whole(&range) && rule.whole > rule.plain {
        (rule.whole, "the text is nothing else, and its form is right")
    } else if scene.near(&range).meets(Topics::OTHER) {
        (rule.plain.min(0.3), "its form is right, but a word near it says it is something else")
    } else {
        (rule.plain, "its form is right")
    };
    (score > 0.25).then_some(Best { kind: rule.kind, score, range, why })
}
