//! Telephone numbers.
//!
//! Written with a `+` they are known by their country's plan. Written as at home they are known by how they are grouped,
//! or by a word near by: what one country writes as a number, another writes as a price.

mod plan;

use super::number::{Best, Number};
use super::scene::Scene;
use super::topic::Topics;

/// Groups looked at.
const GROUPS: usize = 8;
/// Longest number of E.164, and a trunk zero.
const LONGEST: usize = 16;

/// Looks for a number whose first digit is at `start`.
pub(super) fn look(scene: &mut Scene<'_, '_>, start: usize, end: usize) -> Option<Best> {
    let opened = scene.before(start) == Some(b'(');
    let outer = if opened { start - 1 } else { start };
    let plus = scene.before(outer) == Some(b'+');
    let outer = if plus { outer - 1 } else { outer };
    let twice = scene.before(outer) == Some(b'(') && plus;
    if !scene.begins(outer) && !(plus && scene.before(outer).is_none_or(|byte| !byte.is_ascii_alphanumeric())) {
        return None;
    }
    let mut number = Number::new(start);
    let mut ends: [Option<Number>; GROUPS] = Default::default();
    for slot in &mut ends {
        let closes = number.groups == 0 || number.range.end < end;
        if !closes || !number.push(scene.bytes) || number.digits().len() > LONGEST {
            break;
        }
        let slashed = number.separator == b'/' && number.groups > 2;
        if slashed {
            break;
        }
        if scene.ends(number.range.end) {
            *slot = Some(number.clone());
        }
    }
    let outer = if twice && !opened { outer } else { outer.min(start) };
    ends.iter().rev().flatten().find_map(|number| judge(scene, number, outer, plus, opened))
}

fn judge(scene: &mut Scene<'_, '_>, number: &Number, start: usize, plus: bool, opened: bool) -> Option<Best> {
    let range = start..number.range.end;
    let digits = number.digits();
    let found = |score: f32, why| Some(Best { kind: "phone_number", score, range: range.clone(), why });
    if plus && plan::is_international(digits) {
        return found(0.8, "an international telephone number");
    }
    if digits.len() < 7 || digits.len() > 15 || is_date(number) {
        return None;
    }
    let near = scene.near(&range);
    let form = form(number, opened || has_parenthesis(scene, number));
    if scene.topics(&range).meets(Topics::PHONE) && !(near.meets(Topics::OTHER) && !near.meets(Topics::PHONE)) {
        return match form {
            Form::Service => found(0.4, "a number of an office"),
            Form::Plain if digits.len() > 12 => None,
            _ => found(if near.meets(Topics::PHONE) { 0.8 } else { 0.6 }, "a word near it says it is a telephone number"),
        };
    }
    if near.meets(Topics::OTHER) {
        return None;
    }
    let called = near.meets(Topics::CALL) && (number.groups > 1 || digits.len() >= 9) && digits.len() <= 13;
    match form {
        Form::Service => found(0.4, "a number of an office"),
        Form::American => found(if called { 0.8 } else { 0.6 }, "grouped as North American numbers are"),
        Form::Trunk => found(if called { 0.8 } else { 0.55 }, "grouped as telephone numbers are at home"),
        Form::Grouped | Form::Plain | Form::Compact if called => found(0.6, "a word near it says it is to be called"),
        Form::Compact if scene.is_whole(&range) => found(0.5, "the text is nothing else, and its form is right"),
        Form::Grouped if scene.is_whole(&range) && plan::is_turkish(digits) => {
            found(0.5, "the text is nothing else, and its form is right")
        }
        Form::Compact | Form::Grouped | Form::Plain => None,
    }
}

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Free of charge: a business.
    Service,
    /// Area, exchange, line.
    American,
    /// Begins with a trunk zero or an area in parentheses.
    Trunk,
    /// In groups that say nothing.
    Grouped,
    /// In one group, but of a national plan.
    Compact,
    /// In one group.
    Plain,
}

fn form(number: &Number, parenthesis: bool) -> Form {
    let digits = number.digits();
    let home = if digits.len() == 11 && digits.first() == Some(&1) { digits.get(1..).unwrap_or_default() } else { digits };
    let american = home.len() == 10 && plan::is_american(home) && number.group(0) == 4 && number.group(1) == 3;
    if (american || number.groups == 1 && home.len() == 10 && plan::is_american(home)) && plan::is_free(home) {
        return Form::Service;
    }
    if american && number.groups >= 3 {
        return Form::American;
    }
    let trunk = matches!(digits, [0, 1..=9, ..]) && (9..=12).contains(&digits.len());
    if number.groups == 1 {
        let compact = trunk && digits.len() >= 10 || plan::is_turkish(digits);
        return if compact { Form::Compact } else { Form::Plain };
    }
    let blank = matches!(number.separator, b' ' | b'-') || parenthesis;
    let groups_are_even = number.group(0) >= 2 && number.group(0) <= 8;
    let area = parenthesis && (8..=12).contains(&digits.len()) && number.group(0) >= 3;
    let spread = number.groups >= 3 || number.separator == b' ';
    if groups_are_even && (area || trunk && blank && spread) { Form::Trunk } else { Form::Grouped }
}

fn has_parenthesis(scene: &Scene<'_, '_>, number: &Number) -> bool {
    scene.bytes.get(number.range.clone()).unwrap_or_default().contains(&b')')
}

/// Whether the groups are a day, or a day and more.
fn is_date(number: &Number) -> bool {
    let first = number.group(number.groups.saturating_sub(1));
    let second = if number.groups > 1 { number.group(number.groups - 2) } else { 0 };
    let third = if number.groups > 2 { number.group(number.groups - 3) } else { 0 };
    let century = |from: usize| matches!(number.digits().get(from..from + 2), Some([1, 9] | [2, 0]));
    match (first, second, third) {
        (4, 1 | 2, 1 | 2) => century(0),
        (1 | 2, 1 | 2, 4) => century(usize::try_from(first + second).unwrap_or(0)),
        _ => false,
    }
}
