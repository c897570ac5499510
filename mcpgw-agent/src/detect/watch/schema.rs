//! JSON Schema 2020-12, as far as tools' schemas use it: compiled once, checked in bounded time.
//!
//! The schema is a stranger's text. References lead only to places in the same schema; patterns are linear; the number of
//! schemas and patterns is bounded when it is compiled, the steps and the depth when a value is checked, so that nesting
//! `allOf` in `allOf` costs no more than it says. What runs out of steps is not checked, which is said.
//!
//! What of 2020-12 (and of draft 7's spelling: `definitions`, `items` as a list, `dependencies`) is known: `type`, `enum`,
//! `const`, `required`, `properties`, `patternProperties`, `additionalProperties`, `propertyNames`, `dependentRequired`,
//! `dependentSchemas`, `minProperties`, `maxProperties`, `items`, `prefixItems`, `contains`, `minContains`,
//! `maxContains`, `minItems`, `maxItems`, `uniqueItems`, `minLength`, `maxLength`, `pattern`, `minimum`, `maximum`,
//! `exclusiveMinimum`, `exclusiveMaximum`, `multipleOf`, `allOf`, `anyOf`, `oneOf`, `not`, `if`, `then`, `else`, `$ref`
//! to a pointer. `format` is a remark there, and here. Where it has anything else that could say no
//! (`unevaluatedProperties`, `$dynamicRef`, a pattern with look-around, …) the rest is checked and the schema is not
//! [whole](Schema::is_whole).

mod check;
mod compile;
mod constant;
mod pattern;
#[cfg(test)]
mod tests;

use regex::Regex;

use constant::Constant;

/// Why a value is not what its schema says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Fault {
    /// A member is missing.
    Missing,
    /// Of another type.
    Type,
    /// A member nobody declared.
    Unknown,
    /// Of the right type, and not allowed.
    Value,
}

/// A fault, and the place in the document's index it is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flaw {
    pub(super) fault: Fault,
    pub(super) node: usize,
}

/// What checking came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Checked {
    /// What is wrong: the first of it, a bounded number.
    pub(super) flaws: Vec<Flaw>,
    /// All of it was looked at.
    pub(super) is_complete: bool,
}

/// A compiled schema.
#[derive(Debug)]
pub(super) struct Schema {
    /// The first is the schema itself.
    rules: Vec<Rules>,
    is_whole: bool,
    weight: usize,
}

impl Schema {
    /// All that could say no is understood.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Nothing at all is not what it asks for.
    pub(super) fn needs_members(&self) -> bool {
        let object = self.rules.first().and_then(|rules| rules.object.as_ref());
        object.is_some_and(|object| !object.required.is_empty())
    }

    /// Bytes it takes, roughly, and never less.
    pub(super) fn weight(&self) -> usize {
        self.weight
    }
}

/// Place of a schema in [`Schema::rules`].
type Place = usize;

/// What one schema says.
#[derive(Debug, Default)]
struct Rules {
    /// `false`: nothing is allowed.
    never: bool,
    /// Bits of [`check::bit`]; none where any type will do.
    types: u8,
    /// `enum`, or `const` as the only one.
    values: Option<Vec<Constant>>,
    object: Option<Box<Object>>,
    array: Option<Box<Array>>,
    string: Option<Box<Text>>,
    number: Option<Box<Number>>,
    all: Vec<Place>,
    any: Option<Vec<Place>>,
    one: Option<Vec<Place>>,
    not: Option<Place>,
    /// `if`, `then`, `else`.
    branch: Option<(Place, Option<Place>, Option<Place>)>,
}

#[derive(Debug, Default)]
struct Object {
    required: Vec<Box<str>>,
    /// In order of the keys.
    properties: Vec<(Box<str>, Place)>,
    /// It has `properties`, be they none.
    declares: bool,
    patterns: Vec<(Regex, Place)>,
    /// A pattern was not understood: what it allows is not known.
    has_unread_patterns: bool,
    additional: Option<Place>,
    names: Option<Place>,
    dependent: Vec<(Box<str>, Vec<Box<str>>)>,
    dependent_schemas: Vec<(Box<str>, Place)>,
    min: Option<usize>,
    max: Option<usize>,
}

#[derive(Debug, Default)]
struct Array {
    prefix: Vec<Place>,
    items: Option<Place>,
    contains: Option<Place>,
    min_contains: Option<usize>,
    max_contains: Option<usize>,
    min: Option<usize>,
    max: Option<usize>,
    unique: bool,
}

#[derive(Debug, Default)]
struct Text {
    min: Option<usize>,
    max: Option<usize>,
    pattern: Option<Regex>,
}

#[derive(Debug, Default)]
struct Number {
    min: Option<f64>,
    max: Option<f64>,
    above: Option<f64>,
    below: Option<f64>,
    multiple_of: Option<f64>,
}
