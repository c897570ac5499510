//! The values beneath a value, as texts.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

use super::argument::Doubt;
use super::decimal::Decimal;
use super::effort::{Effort, Exhausted};
use super::text::{Reading, Readings, Side, fold};
use crate::json::{Kind, Value};

/// A number, string or truth value; or a member's name.
#[derive(Debug, Clone)]
pub(super) struct Leaf<'a> {
    /// It is a number; its text is one, too.
    pub(super) is_number: bool,
    /// What it is as text: numbers without needless zeros, `null` as nothing.
    pub(super) text: Rc<Readings<'a>>,
    /// A number as those see it who take it for the double nearest to it, where that is another.
    pub(super) rounded: Option<Rc<Readings<'a>>>,
    /// A number's own spelling, where that differs.
    pub(super) spelling: Option<&'a str>,
}

/// Leaves that were looked at: most conditions look at the same few.
#[derive(Debug, Default)]
pub(super) struct Leaves<'a> {
    kept: RefCell<Vec<(usize, Leaf<'a>)>>,
    /// The JSON texts of arrays and objects.
    texts: RefCell<Vec<(usize, Rc<Reading<'a>>)>>,
}

/// Leaves, and texts, kept at most.
const MAX_KEPT: usize = 32;

impl<'a> Leaves<'a> {
    /// The leaf `value` is.
    fn of(&self, value: Value<'a>) -> Option<Leaf<'a>> {
        let mut kept = self.kept.borrow_mut();
        if let Some((_, leaf)) = kept.iter().find(|(index, _)| *index == value.index()) {
            return Some(leaf.clone());
        }
        let leaf = Leaf::of(value)?;
        if kept.len() < MAX_KEPT {
            kept.push((value.index(), leaf.clone()));
        }
        Some(leaf)
    }

    /// The JSON text of `value`.
    pub(super) fn json(&self, value: Value<'a>) -> Rc<Reading<'a>> {
        let mut texts = self.texts.borrow_mut();
        if let Some((_, text)) = texts.iter().find(|(index, _)| *index == value.index()) {
            return Rc::clone(text);
        }
        let text = Rc::new(Reading::new(value.raw()));
        if texts.len() < MAX_KEPT {
            texts.push((value.index(), Rc::clone(&text)));
        }
        text
    }
}

impl<'a> Leaf<'a> {
    fn of(value: Value<'a>) -> Option<Self> {
        Some(match value.kind() {
            Kind::Null => Self::text(""),
            Kind::True => Self::text("true"),
            Kind::False => Self::text("false"),
            Kind::String => Self::text(value.as_str()?),
            Kind::Number => Self::number(value.raw()),
            Kind::Array | Kind::Object => return None,
        })
    }

    /// Whether `test` holds for what it is as text: for one reading of a number where that restricts, for each where it permits.
    pub(super) fn texts<E>(
        &self,
        side: Side,
        test: impl Fn(&Readings<'a>) -> Result<bool, E>,
    ) -> Result<bool, E> {
        let held = test(&self.text)?;
        match (&self.rounded, side) {
            (None, _) => Ok(held),
            (Some(rounded), Side::Wide) => Ok(held || test(rounded)?),
            (Some(rounded), Side::Strict) => Ok(held && test(rounded)?),
        }
    }

    fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self { is_number: false, text: Rc::new(Readings::new(text)), rounded: None, spelling: None }
    }

    fn number(spelling: &'a str) -> Self {
        let Ok(number) = Decimal::parse(spelling) else {
            return Self { is_number: true, ..Self::text(spelling) };
        };
        let rounded = number.as_double().map(|double| Rc::new(Readings::new(double.plain())));
        let plain = number.plain();
        let spelling = (plain != spelling).then_some(spelling);
        Self { is_number: true, rounded, spelling, ..Self::text(plain) }
    }
}

/// Whether `test` holds for `value`: for any leaf beneath it where that restricts, for every one where it permits.
///
/// An object's member names are leaves too where that restricts; where it permits, an object is nothing to be sure of.
pub(super) fn holds<'a>(
    value: Value<'a>,
    leaves: &Leaves<'a>,
    effort: &Effort,
    side: Side,
    test: &mut impl FnMut(&Leaf<'a>) -> Result<bool, Doubt>,
) -> Result<bool, Doubt> {
    if let Some(leaf) = leaves.of(value) {
        return test(&leaf);
    }
    let mut error = None;
    let mut any = false;
    // Depth-first without recursion: the values within a value follow it in the document.
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        // Also what ends the walk where looking at leaves took all there was.
        effort.spend(1, 0)?;
        for member in value.members() {
            effort.spend(1, 0)?;
            let name = Leaf::text(member.0.as_str().unwrap_or_default());
            match side {
                Side::Strict => return Ok(false),
                Side::Wide => match test(&name) {
                    Ok(true) => return Ok(true),
                    // A name need not be what the value is compared with.
                    Ok(false) | Err(_) => open.push(member.1),
                },
            }
        }
        open.extend(value.elements());
        let Some(leaf) = leaves.of(value) else { continue };
        match (side, test(&leaf)) {
            (Side::Wide, Ok(true)) => return Ok(true),
            (Side::Strict, Ok(false)) => return Ok(false),
            (Side::Wide, Ok(false)) => {}
            (Side::Strict, Ok(true)) => any = true,
            (_, Err(why)) => error = Some(why),
        }
    }
    match error {
        Some(why) => Err(why),
        None => Ok(any),
    }
}

/// There is an object in `value`, or it is one.
pub(super) fn has_objects(value: Value<'_>) -> bool {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        if value.is_object() {
            return true;
        }
        open.extend(value.elements());
    }
    false
}

/// The values `name` stands for in `arguments`: of the member of that name and, where it has dots, of members within
/// members, through arrays. With `any_case` a name that differs only by case or look-alikes counts.
pub(super) fn find<'a>(
    arguments: Value<'a>,
    name: &str,
    any_case: bool,
    effort: &Effort,
) -> Result<Vec<Value<'a>>, Exhausted> {
    let mut found = Vec::new();
    if !name.contains('.') {
        for (key, value) in arguments.members() {
            if is_name(key, name, any_case, effort)? {
                found.push(value);
            }
        }
        return Ok(found);
    }
    let mut open = vec![(arguments, name)];
    while let Some((value, name)) = open.pop() {
        effort.spend(1, 0)?;
        open.extend(value.elements().map(|element| (element, name)));
        for (key, inner) in value.members() {
            effort.spend(1 + name.matches('.').count(), key.raw().len())?;
            let key = key.as_str().unwrap_or_default();
            if same_name(&key, name, any_case) {
                found.push(inner);
            }
            for (at, _) in name.match_indices('.') {
                let (first, rest) =
                    (name.get(..at).unwrap_or_default(), name.get(at + 1..).unwrap_or_default());
                if same_name(&key, first, any_case) {
                    open.push((inner, rest));
                }
            }
        }
    }
    Ok(found)
}

fn is_name(key: Value<'_>, name: &str, any_case: bool, effort: &Effort) -> Result<bool, Exhausted> {
    effort.spend(1, key.raw().len())?;
    Ok(same_name(&key.as_str().unwrap_or_default(), name, any_case))
}

pub(super) fn same_name(key: &str, name: &str, any_case: bool) -> bool {
    key == name || any_case && (key.eq_ignore_ascii_case(name) || !key.is_ascii() && fold(key) == fold(name))
}

/// Two members of `object` have names that differ by case or look-alikes only.
pub(super) fn has_twins(object: Value<'_>) -> bool {
    let mut names = HashSet::new();
    object.members().any(|(key, _)| {
        let key = key.as_str().unwrap_or_default();
        !names.insert(if key.is_ascii() { key.to_ascii_lowercase() } else { fold(&key) })
    })
}
