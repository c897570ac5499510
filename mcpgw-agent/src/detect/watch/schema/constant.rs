//! Values of `enum` and `const`, and comparing with them.

use std::collections::BTreeMap;

use crate::json::{Kind, Value};

/// A value that outlives the document it came from.
#[derive(Debug, Clone)]
pub(super) enum Constant {
    Null,
    Bool(bool),
    Number(Box<str>),
    Text(Box<str>),
    List(Vec<Constant>),
    Map(BTreeMap<Box<str>, Constant>),
}

impl Constant {
    /// The document's depth is bounded, and with it the recursion.
    pub(super) fn of(value: Value<'_>) -> Self {
        match value.kind() {
            Kind::Null => Self::Null,
            Kind::True => Self::Bool(true),
            Kind::False => Self::Bool(false),
            Kind::Number => Self::Number(value.raw().into()),
            Kind::String => Self::Text(value.as_str().unwrap_or_default().into()),
            Kind::Array => Self::List(value.elements().map(Self::of).collect()),
            Kind::Object => {
                let member = |(key, value): (Value<'_>, Value<'_>)| {
                    (key.as_str().unwrap_or_default().into(), Self::of(value))
                };
                Self::Map(value.members().map(member).collect())
            }
        }
    }

    /// Equal as JSON has it: whatever the order of keys and the spelling of numbers. `spend` says whether there is a step
    /// left.
    pub(super) fn is(&self, value: Value<'_>, spend: &mut dyn FnMut() -> bool) -> bool {
        if !spend() {
            return false;
        }
        match (self, value.kind()) {
            (Self::Null, Kind::Null) | (Self::Bool(true), Kind::True) | (Self::Bool(false), Kind::False) => {
                true
            }
            (Self::Number(number), Kind::Number) => same_number(number, value.raw()),
            (Self::Text(text), Kind::String) => value.as_str().is_some_and(|other| *other == **text),
            (Self::List(list), Kind::Array) => {
                let mut elements = value.elements();
                list.iter().all(|one| elements.next().is_some_and(|other| one.is(other, spend)))
                    && elements.next().is_none()
            }
            (Self::Map(members), Kind::Object) => {
                let mut count = 0;
                // From the value's side: no key is in it twice, and looking one up there takes all of it.
                let mut is_alike = |(key, other): (Value<'_>, Value<'_>)| {
                    count += 1;
                    let one = members.get(&*key.as_str().unwrap_or_default());
                    spend() && one.is_some_and(|one| one.is(other, spend))
                };
                value.members().all(&mut is_alike) && count == members.len()
            }
            _ => false,
        }
    }
}

/// Two spellings of one number. Integers that a float cannot hold are told apart by their spelling.
fn same_number(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    match (one.parse::<i128>(), other.parse::<i128>()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one.parse::<f64>().is_ok_and(|one| other.parse::<f64>().is_ok_and(|other| one == other)),
    }
}
