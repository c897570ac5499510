//! Conditions on the arguments of tool calls and prompts.
//!
//! A condition looks at every value its name stands for (dots lead into objects, arrays are looked through) and at every
//! leaf beneath. Where a match restricts, one value and one leaf are enough, and what cannot be compared is an error;
//! where it permits, all of them must hold.

use std::borrow::Cow;
use std::sync::Arc;

use super::decimal::{Decimal, NotComparable};
use super::effort::Exhausted;
use super::facts::Facts;
use super::glob::Glob;
use super::leaf::{self, Leaf};
use super::path::Directory;
use super::pattern::{Patterns, Words};
use super::text::{Reading, Side, Unreadable, fold};
use crate::json::Value;

/// What must hold for the argument of one name: all of it.
#[derive(Debug)]
pub(super) struct ArgumentCondition {
    pub(super) name: Arc<str>,
    pub(super) tests: Vec<Test>,
}

/// One of an argument's tests.
#[derive(Debug)]
pub(super) enum Test {
    /// One of the globs matches.
    Globs(Box<[Glob]>),
    /// One of the regexes is found.
    Patterns(Patterns),
    /// It is one of these.
    Equals(Box<[Scalar]>),
    /// The path lies in one of the directories.
    Under(Box<[Directory]>),
    /// The path lies in none of the directories.
    NotUnder(Box<[Directory]>),
    /// The number compares so.
    Number(Comparison, Decimal),
    /// It is there, or not.
    Exists(bool),
}

/// A value to be equal to.
#[derive(Debug)]
pub(super) enum Scalar {
    /// Text, also of truth values.
    Text {
        /// As written.
        exact: Box<str>,
        /// Folded.
        folded: Box<str>,
    },
    /// A number.
    Number(Decimal),
}

/// How a number compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Equal,
}

/// Why a value could not be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Doubt {
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error(transparent)]
    Exhausted(#[from] Exhausted),
    #[error(transparent)]
    NotComparable(#[from] NotComparable),
    #[error("it has a NUL character, where some programs end a path")]
    Nul,
}

/// What a condition came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    Yes,
    /// There is no such argument.
    Missing,
    No,
}

impl ArgumentCondition {
    /// Whether it holds in `arguments`.
    pub(super) fn holds<'a>(
        &self,
        arguments: Option<Value<'a>>,
        facts: &Facts<'a>,
        side: Side,
    ) -> Result<Held, Doubt> {
        let find = |any_case| match arguments {
            // Many conditions ask for all.
            Some(_) if &*self.name == "*" => Ok(Cow::Borrowed(facts.every_argument())),
            Some(all) => leaf::find(all, &self.name, any_case, &facts.effort).map(Cow::Owned),
            None => Ok(Cow::Borrowed(&[][..])),
        };
        let values = find(side == Side::Wide)?;
        // Some servers ignore the case of names: which of several values they take is not sure.
        if side == Side::Strict && find(true)?.len() > values.len() {
            return Ok(Held::No);
        }
        let mut doubt = None;
        for test in &self.tests {
            let held = match test {
                Test::Exists(wanted) => {
                    // Absence is judged the other way round: a near miss of the name is absent where that restricts.
                    let (any_case, null_is_there) = match (side, wanted) {
                        (Side::Wide, true) | (Side::Strict, false) => (true, true),
                        (Side::Wide, false) | (Side::Strict, true) => (false, false),
                    };
                    let is_there = find(any_case)?.iter().any(|value| null_is_there || !value.is_null());
                    Ok(is_there == *wanted)
                }
                _ if values.is_empty() => return Ok(Held::Missing),
                Test::Globs(_)
                | Test::Patterns(_)
                | Test::Equals(_)
                | Test::Under(_)
                | Test::NotUnder(_)
                | Test::Number(..) => test.values(&values, facts, side),
            };
            match held {
                Ok(true) => {}
                Ok(false) => return Ok(Held::No),
                Err(why) => doubt = Some(why),
            }
        }
        doubt.map_or(Ok(Held::Yes), Err)
    }
}

impl Test {
    fn values<'a>(&self, values: &[Value<'a>], facts: &Facts<'a>, side: Side) -> Result<bool, Doubt> {
        let mut doubt = None;
        for value in values {
            match (side, self.value(*value, facts, side)) {
                (Side::Wide, Ok(true)) => return Ok(true),
                (Side::Strict, Ok(false)) => return Ok(false),
                (Side::Wide, Ok(false)) | (Side::Strict, Ok(true)) => {}
                (_, Err(why @ Doubt::Exhausted(_))) => return Err(why),
                (_, Err(why)) => doubt = Some(why),
            }
        }
        doubt.map_or(Ok(side == Side::Strict), Err)
    }

    fn value<'a>(&self, value: Value<'a>, facts: &Facts<'a>, side: Side) -> Result<bool, Doubt> {
        // An array's or object's JSON text is what knorq's mcpgw looks at, and all it looks at. It does not allow a list
        // of which one element would not be allowed.
        let has_more = value.is_array() || value.is_object();
        if has_more {
            facts.effort.spend(self.looks(), value.raw().len())?;
        }
        let by_text = match side {
            Side::Wide => has_more,
            Side::Strict => leaf::has_objects(value),
        };
        if by_text && self.is_text_of(value, facts, side) {
            return Ok(true);
        }
        leaf::holds(value, &facts.leaves, &facts.effort, side, &mut |leaf: &Leaf<'_>| {
            let held = self.leaf(leaf, facts.words, side);
            facts.effort.spend(self.looks() * leaf.text.seen(), leaf.text.raw().len())?;
            held
        })
    }

    /// What looking at a text costs.
    fn looks(&self) -> usize {
        match self {
            Self::Globs(globs) => super::glob::looks(globs),
            Self::Patterns(patterns) => patterns.looks(),
            Self::Equals(scalars) => 1 + scalars.len() / 16,
            Self::Under(directories) | Self::NotUnder(directories) => 1 + directories.len(),
            Self::Number(..) | Self::Exists(_) => 1,
        }
    }

    fn is_text_of<'a>(&self, value: Value<'a>, facts: &Facts<'a>, side: Side) -> bool {
        match self {
            Self::Globs(globs) => globs.iter().any(|glob| glob.matches(value.raw())),
            Self::Patterns(patterns) => patterns.matches(&facts.leaves.json(value), facts.words, side),
            Self::Equals(_) | Self::Under(_) | Self::NotUnder(_) | Self::Number(..) | Self::Exists(_) => {
                false
            }
        }
    }

    fn leaf(&self, leaf: &Leaf<'_>, words: &Words, side: Side) -> Result<bool, Doubt> {
        let spelled = |test: &dyn Fn(&str) -> bool| side == Side::Wide && leaf.spelling.is_some_and(test);
        match self {
            Self::Globs(globs) => Ok(leaf.texts(side, |text| text.match_globs(globs, side))?
                || spelled(&|text| globs.iter().any(|glob| glob.matches(text)))),
            Self::Patterns(patterns) => {
                let spelled = || spelled(&|text| patterns.matches(&Reading::new(text), words, side));
                Ok(leaf.texts(side, |text| text.match_patterns(patterns, words, side))? || spelled())
            }
            Self::Equals(scalars) => equals(scalars, leaf, side),
            Self::Under(directories) => under(directories, leaf, side),
            Self::NotUnder(directories) => {
                let opposite = match side {
                    Side::Wide => Side::Strict,
                    Side::Strict => Side::Wide,
                };
                // It lies outside where it is not sure to lie inside, and the other way round.
                under(directories, leaf, opposite).map(|inside| !inside)
            }
            Self::Number(comparison, bound) => {
                let numbers = numbers(leaf, side)?;
                Ok(some_or_all(&numbers, side, |number| comparison.holds(number, bound)))
            }
            Self::Exists(wanted) => Ok(*wanted),
        }
    }
}

/// What `leaf` is to those that read it: exactly what it says, and the double nearest to it.
fn numbers(leaf: &Leaf<'_>, side: Side) -> Result<Vec<Decimal>, NotComparable> {
    let text = leaf.text.raw();
    let exact = match (leaf.is_number, side) {
        (true, _) => Decimal::parse(text)?,
        // Servers turn text into numbers.
        (false, Side::Wide) => Decimal::parse(&text.trim().replace('_', ""))?,
        (false, Side::Strict) => return Err(NotComparable::NotANumber),
    };
    let double = exact.as_double();
    Ok(std::iter::once(exact).chain(double).collect())
}

/// One of `all` is enough where that restricts, each has to be where it permits.
fn some_or_all<T>(all: &[T], side: Side, test: impl Fn(&T) -> bool) -> bool {
    match side {
        Side::Wide => all.iter().any(test),
        Side::Strict => !all.is_empty() && all.iter().all(test),
    }
}

impl Scalar {
    pub(super) fn text(text: &str) -> Self {
        Self::Text { exact: text.into(), folded: fold(text).into() }
    }
}

fn equals(scalars: &[Scalar], leaf: &Leaf<'_>, side: Side) -> Result<bool, Doubt> {
    let wants_number = scalars.iter().any(|scalar| matches!(scalar, Scalar::Number(_)));
    let numbers = match numbers(leaf, side) {
        Err(why) if wants_number && leaf.is_number => return Err(why.into()),
        read => read.unwrap_or_default(),
    };
    let is_wanted = |number: &Decimal| {
        scalars.iter().any(|scalar| matches!(scalar, Scalar::Number(wanted) if wanted == number))
    };
    if some_or_all(&numbers, side, is_wanted) {
        return Ok(true);
    }
    // And words and numbers into truth values.
    let truth = truth(leaf.text.raw()).filter(|_| side == Side::Wide);
    if truth.is_some() && scalars.iter().any(|scalar| scalar.exact() == truth) {
        return Ok(true);
    }
    let text =
        |read: &str, of: fn(&Scalar) -> Option<&str>| scalars.iter().any(|scalar| of(scalar) == Some(read));
    Ok(leaf.text.judge(side, |raw| text(raw, Scalar::exact), |folded, _| text(folded, Scalar::folded))?)
}

impl Scalar {
    fn exact(&self) -> Option<&str> {
        match self {
            Self::Text { exact, .. } => Some(exact),
            Self::Number(_) => None,
        }
    }

    fn folded(&self) -> Option<&str> {
        match self {
            Self::Text { folded, .. } => Some(folded),
            Self::Number(_) => None,
        }
    }
}

/// The truth value that servers which are not strict about types take a text or number for.
fn truth(text: &str) -> Option<&'static str> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "on" | "1" => Some("true"),
        "false" | "f" | "no" | "n" | "off" | "0" => Some("false"),
        _ => None,
    }
}

fn under(directories: &[Directory], leaf: &Leaf<'_>, side: Side) -> Result<bool, Doubt> {
    let text = &leaf.text;
    if text.raw().contains('\0') {
        return Err(Doubt::Nul);
    }
    Ok(text.judge(
        side,
        |raw| directories.iter().any(|directory| directory.holds(raw)),
        |folded, _| {
            directories.iter().any(|directory| {
                directory.holds_folded(folded) || side == Side::Wide && directory.may_hold(folded)
            })
        },
    )?)
}

impl Comparison {
    fn holds(self, number: &Decimal, bound: &Decimal) -> bool {
        match self {
            Self::Greater => number > bound,
            Self::GreaterOrEqual => number >= bound,
            Self::Less => number < bound,
            Self::LessOrEqual => number <= bound,
            Self::Equal => number == bound,
        }
    }
}
