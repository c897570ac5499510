//! Telephone numbers.
//!
//! Written with a `+` they are known by their country's plan. Written as at home they are known by how they are grouped,
//! or by a word near by: what one country writes as a number, another writes as a price.

mod plan;

use super::number::{Best, Form, Number, layout};
use super::scene::Scene;
use super::topic::Topics;

/// Groups looked at.
const GROUPS: usize = 8;
/// What looks like a social security number and is none is no telephone number either.
const SSN: u64 = layout(&[3, 2, 4]);
/// Digits of the shortest.
const SHORTEST: usize = 6;
/// Longest number of E.164, and a trunk zero.
const LONGEST: usize = 16;

/// Looks for a number whose first digit is at `start`.
pub(super) fn look(scene: &mut Scene<'_, '_>, start: usize, end: usize) -> Option<Best> {
    let opened = scene.before(start) == Some(b'(');
    let outer = if opened { start - 1 } else { start };
    let plus = scene.before(outer) == Some(b'+');
    let outer = if plus { outer - 1 } else { outer };
    let twice = scene.before(outer) == Some(b'(') && plus;
    let announced = plus && scene.before(outer).is_none_or(|byte| !byte.is_ascii_alphanumeric());
    if !announced && !scene.begins(outer) {
        return None;
    }
    // Without a word that announces it a number shows by how it begins.
    let shows = plus || opened || matches!(scene.byte(start), Some(b'0'..=b'9')) && is_shown(scene, start);
    let window = start..start + 4;
    if !shows && !scene.topics(&window).meets(Topics::PHONE.or(Topics::CALL)) {
        return None;
    }
    // What stands before the run's end has no more digits than bytes.
    if end - start < SHORTEST {
        return None;
    }
    let mut number = Number::new(start);
    let mut forms = [Form::default(); GROUPS];
    for slot in &mut forms {
        let goes_on = number.form.groups == 0 || number.form.end < end;
        if !goes_on || !number.push(scene.bytes) || number.form.count > LONGEST {
            break;
        }
        if number.form.separator == b'/' && number.form.groups > 2 {
            break;
        }
        if scene.ends(number.form.end) {
            *slot = number.form;
        }
    }
    let outer = if twice && !opened { outer } else { outer.min(start) };
    forms.iter().rev().filter(|form| form.count >= SHORTEST).find_map(|form| {
        number.form = *form;
        judge(scene, &number, outer, plus)
    })
}

/// Whether the first group is a trunk zero's or an American area's, or the text may be nothing else.
fn is_shown(scene: &Scene<'_, '_>, start: usize) -> bool {
    let rest = scene.bytes.get(start..).unwrap_or_default();
    let length = rest.iter().take(12).take_while(|byte| byte.is_ascii_digit()).count();
    matches!(rest, [b'0', ..])
        || matches!((length, rest), (3, [b'2'..=b'9', ..]) | (1, [b'1', ..]))
        || scene.bytes.len() <= 64
}

fn judge(scene: &mut Scene<'_, '_>, number: &Number, start: usize, plus: bool) -> Option<Best> {
    let range = start..number.form.end;
    let digits = number.digits();
    let found = |score: f32, why| Some(Best { kind: "phone_number", score, range: range.clone(), why });
    if plus && plan::is_international(digits) {
        return found(0.8, "an international telephone number");
    }
    if digits.len() < 7 || digits.len() > 15 || is_date(number) {
        return None;
    }
    let near = scene.near(&range);
    let style = style(number, has_parenthesis(scene, number));
    let other = near.meets(Topics::OTHER) && !near.meets(Topics::PHONE);
    if !other && scene.topics(&range).meets(Topics::PHONE) {
        return match style {
            Style::Service => found(0.4, "a number of an office"),
            Style::Plain if digits.len() > 12 => None,
            Style::American | Style::Trunk | Style::Grouped | Style::Compact | Style::Plain => {
                let score = if near.meets(Topics::PHONE) { 0.8 } else { 0.6 };
                found(score, "a word near it says it is a telephone number")
            }
        };
    }
    if near.meets(Topics::OTHER) {
        return None;
    }
    let called =
        near.meets(Topics::CALL) && (number.form.groups > 1 || digits.len() >= 9) && digits.len() <= 13;
    match style {
        Style::Service => found(0.4, "a number of an office"),
        Style::American => found(if called { 0.8 } else { 0.6 }, "grouped as North American numbers are"),
        Style::Trunk => found(if called { 0.8 } else { 0.55 }, "grouped as telephone numbers are at home"),
        Style::Grouped | Style::Plain | Style::Compact if called => {
            found(0.6, "a word near it says it is to be called")
        }
        Style::Compact if scene.is_whole(&range) => {
            found(0.5, "the text is nothing else, and its form is right")
        }
        Style::Grouped if scene.is_whole(&range) && plan::is_turkish(digits) => {
            found(0.5, "the text is nothing else, and its form is right")
        }
        Style::Compact | Style::Grouped | Style::Plain => None,
    }
}

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
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

fn style(number: &Number, parenthesis: bool) -> Style {
    let digits = number.digits();
    let home = if digits.len() == 11 && digits.first() == Some(&1) {
        digits.get(1..).unwrap_or_default()
    } else {
        digits
    };
    let american =
        home.len() == 10 && plan::is_american(home) && number.form.group(0) == 4 && number.form.group(1) == 3;
    if (american || number.form.groups == 1 && home.len() == 10 && plan::is_american(home))
        && plan::is_free(home)
    {
        return Style::Service;
    }
    if american && number.form.groups >= 3 {
        return Style::American;
    }
    let trunk = matches!(digits, [0, 1..=9, ..]) && (9..=12).contains(&digits.len());
    if number.form.groups == 1 {
        let mobile = matches!(digits, [0, 6 | 7, ..]) && digits.len() == 10;
        let compact = trunk && digits.len() == 11 || mobile || plan::is_turkish(digits);
        return if compact { Style::Compact } else { Style::Plain };
    }
    let blank = matches!(number.form.separator, b' ' | b'-') || parenthesis;
    let groups_are_even = number.form.group(0) >= 2 && number.form.group(0) <= 8 && number.form.layout != SSN;
    let area = parenthesis && (8..=12).contains(&digits.len()) && number.form.group(0) >= 3;
    let spread = number.form.groups >= 3 || number.form.separator == b' ' || number.form.group(0) >= 6;
    if groups_are_even && (area || trunk && blank && spread) { Style::Trunk } else { Style::Grouped }
}

fn has_parenthesis(scene: &Scene<'_, '_>, number: &Number) -> bool {
    scene.bytes.get(number.range()).unwrap_or_default().contains(&b')')
}

/// Whether the groups are a day, or a day and more.
fn is_date(number: &Number) -> bool {
    let first = number.form.group(number.form.groups.saturating_sub(1));
    let second = if number.form.groups > 1 { number.form.group(number.form.groups - 2) } else { 0 };
    let third = if number.form.groups > 2 { number.form.group(number.form.groups - 3) } else { 0 };
    let century = |from: usize| matches!(number.digits().get(from..from + 2), Some([1, 9] | [2, 0]));
    match (first, second, third) {
        (4, 1 | 2, 1 | 2) => century(0),
        (1 | 2, 1 | 2, 4) => century(usize::try_from(first + second).unwrap_or(0)),
        _ => false,
    }
}
