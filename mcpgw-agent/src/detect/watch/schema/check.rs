//! Checking a value, in a bounded number of steps.

use std::collections::HashSet;

use super::{Array, Checked, Fault, Flaw, Number, Object, Place, Rules, Schema, Text};
use crate::json::{Kind, Value};

/// Steps for any value.
const STEPS: usize = 20_000;
/// Steps more for each of the values in it.
const STEPS_A_VALUE: usize = 32;
/// Steps for the largest of them.
const MAX_STEPS: usize = 500_000;
/// Schemas within one another.
const MAX_DEPTH: usize = 192;
/// Flaws that are told.
const MAX_FLAWS: usize = 8;
/// Bytes a pattern reads in a step: for each of them it may have hundreds of states.
const BYTES_A_STEP: usize = 2;

/// The bit of a kind in a set of types.
pub(super) fn bit(kind: Kind) -> u8 {
    match kind {
        Kind::Null => 1,
        Kind::True | Kind::False => 2,
        Kind::Number => 4,
        Kind::String => 8,
        Kind::Array => 16,
        Kind::Object => 32,
    }
}

/// The bit of integers. Numbers have both.
pub(super) const INTEGER: u8 = 64;

struct Check<'s> {
    schema: &'s Schema,
    steps: usize,
    /// Steps and depth sufficed.
    is_complete: bool,
    flaws: Vec<Flaw>,
    /// How many flaws there were, told or not.
    found: usize,
}

impl Schema {
    /// Checks `value`. Where it is `strict` members of the value that the schema does not declare are flaws, unless it
    /// says that there may be others.
    pub(in super::super) fn check(&self, value: Value<'_>, strict: bool) -> Checked {
        let values = value.end().saturating_sub(value.index());
        let steps = STEPS.saturating_add(values.saturating_mul(STEPS_A_VALUE)).min(MAX_STEPS);
        let mut check = Check { schema: self, steps, is_complete: true, flaws: Vec::new(), found: 0 };
        check.value(0, value, 0);
        if strict && value.is_object() {
            check.undeclared(value);
        }
        Checked { flaws: check.flaws, is_complete: check.is_complete }
    }
}

impl<'s> Check<'s> {
    fn spend(&mut self, steps: usize) -> bool {
        match self.steps.checked_sub(steps) {
            Some(left) => self.steps = left,
            None => (self.steps, self.is_complete) = (0, false),
        }
        self.is_complete
    }

    fn flaw(&mut self, fault: Fault, value: Value<'_>) {
        // Without a step left nothing is equal and nothing fits.
        if !self.is_complete {
            return;
        }
        self.found += 1;
        let flaw = Flaw { fault, node: value.index() };
        if self.flaws.len() < MAX_FLAWS && !self.flaws.contains(&flaw) {
            self.flaws.push(flaw);
        }
    }

    /// Whether `value` is what `place` says; what is wrong with it is not told.
    fn fits(&mut self, place: Place, value: Value<'_>, depth: usize) -> bool {
        let (flaws, found) = (std::mem::take(&mut self.flaws), std::mem::replace(&mut self.found, 0));
        self.value(place, value, depth);
        let fits = self.found == 0;
        (self.flaws, self.found) = (flaws, found);
        fits
    }

    fn value(&mut self, place: Place, value: Value<'_>, depth: usize) {
        if depth > MAX_DEPTH {
            self.is_complete = false;
        }
        let Some(rules) = self.schema.rules.get(place).filter(|_| self.spend(1)) else { return };
        if rules.never {
            return self.flaw(Fault::Value, value);
        }
        let depth = depth + 1;
        if !has_type(rules.types, value) {
            return self.flaw(Fault::Type, value);
        }
        self.listed(rules, value);
        match value.kind() {
            Kind::Object => rules.object.iter().for_each(|object| self.object(object, value, depth)),
            Kind::Array => rules.array.iter().for_each(|array| self.array(array, value, depth)),
            Kind::String => rules.string.iter().for_each(|text| self.text(text, value)),
            Kind::Number => rules.number.iter().for_each(|number| self.number(number, value)),
            Kind::Null | Kind::True | Kind::False => {}
        }
        self.combined(rules, value, depth);
    }

    fn listed(&mut self, rules: &Rules, value: Value<'_>) {
        let Some(values) = &rules.values else { return };
        let is_one = values.iter().any(|one| one.is(value, &mut || self.spend(1)));
        if !is_one {
            self.flaw(Fault::Value, value);
        }
    }

    fn combined(&mut self, rules: &Rules, value: Value<'_>, depth: usize) {
        for place in &rules.all {
            self.value(*place, value, depth);
        }
        if let Some(any) = &rules.any
            && !any.iter().any(|place| self.fits(*place, value, depth))
        {
            self.flaw(Fault::Value, value);
        }
        // What is not understood fits, which must not make something wrong.
        let is_whole = self.schema.is_whole;
        if let Some(one) = &rules.one {
            let fitting = one.iter().filter(|place| self.fits(**place, value, depth)).count();
            if fitting == 0 || fitting > 1 && is_whole {
                self.flaw(Fault::Value, value);
            }
        }
        if let Some(not) = rules.not.filter(|_| is_whole)
            && self.fits(not, value, depth)
        {
            self.flaw(Fault::Value, value);
        }
        if let Some((condition, then, otherwise)) = rules.branch.filter(|_| is_whole) {
            let branch = if self.fits(condition, value, depth) { then } else { otherwise };
            branch.into_iter().for_each(|place| self.value(place, value, depth));
        }
    }

    fn object(&mut self, object: &Object, value: Value<'_>, depth: usize) {
        let count = value.members().count();
        for name in &object.required {
            if self.spend(1 + count / 8) && value.get(name).is_none() {
                self.flaw(Fault::Missing, value);
            }
        }
        if object.min.is_some_and(|min| count < min) || object.max.is_some_and(|max| count > max) {
            self.flaw(Fault::Value, value);
        }
        for (name, needs) in &object.dependent {
            if self.spend(1 + count / 8) && value.get(name).is_some() {
                let missing = needs.iter().any(|need| self.spend(1 + count / 8) && value.get(need).is_none());
                if missing {
                    self.flaw(Fault::Missing, value);
                }
            }
        }
        for (name, place) in &object.dependent_schemas {
            if self.spend(1 + count / 8) && value.get(name).is_some() {
                self.value(*place, value, depth);
            }
        }
        for (key, member) in value.members() {
            if !self.spend(1) {
                return;
            }
            self.member(object, key, member, depth);
        }
    }

    fn member(&mut self, object: &Object, key: Value<'_>, member: Value<'_>, depth: usize) {
        if let Some(names) = object.names {
            self.value(names, key, depth);
        }
        let name = key.as_str().unwrap_or_default();
        let mut is_declared = object.has_unread_patterns;
        if let Ok(at) = object.properties.binary_search_by(|(property, _)| (**property).cmp(&name)) {
            is_declared = true;
            object.properties.get(at).into_iter().for_each(|(_, place)| self.value(*place, member, depth));
        }
        for (pattern, place) in &object.patterns {
            if self.spend(1 + name.len() / BYTES_A_STEP) && pattern.is_match(&name) {
                is_declared = true;
                self.value(*place, member, depth);
            }
        }
        let Some(additional) = object.additional.filter(|_| !is_declared) else { return };
        if self.schema.rules.get(additional).is_some_and(|rules| rules.never) {
            self.flaw(Fault::Unknown, member);
        } else {
            self.value(additional, member, depth);
        }
    }

    fn array(&mut self, array: &Array, value: Value<'_>, depth: usize) {
        let count = value.elements().count();
        if array.min.is_some_and(|min| count < min) || array.max.is_some_and(|max| count > max) {
            self.flaw(Fault::Value, value);
        }
        for (at, element) in value.elements().enumerate() {
            if !self.spend(1) {
                return;
            }
            let place = array.prefix.get(at).copied().or(array.items);
            place.into_iter().for_each(|place| self.value(place, element, depth));
        }
        if let Some(contains) = array.contains {
            let fitting = value.elements().filter(|element| self.fits(contains, *element, depth)).count();
            let too_many = array.max_contains.is_some_and(|max| fitting > max);
            if fitting < array.min_contains.unwrap_or(1) || too_many {
                self.flaw(Fault::Value, value);
            }
        }
        // Two spellings of one value count as two: what says no here is sure.
        let mut seen = HashSet::new();
        if array.unique && !value.elements().all(|element| seen.insert(element.raw())) {
            self.flaw(Fault::Value, value);
        }
    }

    fn text(&mut self, text: &Text, value: Value<'_>) {
        let Some(string) = value.as_str() else { return };
        let bytes = if text.pattern.is_some() { string.len() / BYTES_A_STEP } else { string.len() / 1024 };
        if !self.spend(1 + bytes) {
            return;
        }
        let count = if text.min.is_some() || text.max.is_some() { string.chars().count() } else { 0 };
        let is_wrong = text.min.is_some_and(|min| count < min)
            || text.max.is_some_and(|max| count > max)
            || text.pattern.as_ref().is_some_and(|pattern| !pattern.is_match(&string));
        if is_wrong {
            self.flaw(Fault::Value, value);
        }
    }

    fn number(&mut self, number: &Number, value: Value<'_>) {
        let Some(is) = value.as_number().and_then(|number| number.parse::<f64>().ok()) else { return };
        let multiple = |of: f64| {
            let ratio = is / of;
            (ratio - ratio.round()).abs() > 1e-9 * ratio.abs().max(1.0)
        };
        let is_wrong = number.min.is_some_and(|min| is < min)
            || number.max.is_some_and(|max| is > max)
            || number.above.is_some_and(|above| is <= above)
            || number.below.is_some_and(|below| is >= below)
            || number.multiple_of.is_some_and(multiple);
        if is_wrong {
            self.flaw(Fault::Value, value);
        }
    }

    /// Members of the value that no schema about it declares.
    fn undeclared(&mut self, value: Value<'_>) {
        let mut about = vec![0];
        let mut at = 0;
        let mut declares = false;
        while let Some(rules) = about.get(at).and_then(|place| self.schema.rules.get(*place)) {
            at += 1;
            if let Some(object) = &rules.object {
                declares |= object.declares;
                if object.additional.is_some() || object.has_unread_patterns {
                    return;
                }
            }
            let (branch, then, otherwise) = rules
                .branch
                .map_or((None, None, None), |(branch, then, otherwise)| (Some(branch), then, otherwise));
            let lists = rules.all.iter().chain(rules.any.iter().flatten()).chain(rules.one.iter().flatten());
            let dependent = rules.object.iter().flat_map(|object| &object.dependent_schemas);
            let places = lists.copied().chain(branch).chain(then).chain(otherwise);
            for place in places.chain(dependent.map(|(_, place)| *place)) {
                // Each once: there are no more than the schema has.
                if self.spend(1 + about.len() / 16) && !about.contains(&place) {
                    about.push(place);
                }
            }
        }
        if !declares {
            return;
        }
        for (key, member) in value.members() {
            let name = key.as_str().unwrap_or_default();
            let is_declared = about
                .iter()
                .filter_map(|place| self.schema.rules.get(*place)?.object.as_ref())
                .any(|object| {
                    object.properties.binary_search_by(|(property, _)| (**property).cmp(&name)).is_ok()
                        || object.patterns.iter().any(|(pattern, _)| pattern.is_match(&name))
                });
            if self.spend(about.len()) && !is_declared {
                self.flaw(Fault::Unknown, member);
            }
        }
    }
}

fn has_type(types: u8, value: Value<'_>) -> bool {
    if types == 0 || types & bit(value.kind()) != 0 {
        return true;
    }
    value.as_number().is_some_and(|number| types & INTEGER != 0 && is_integer(number))
}

/// `2`, `2.0` and `2e1` are.
fn is_integer(number: &str) -> bool {
    if number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        return true;
    }
    number.parse::<f64>().is_ok_and(|number| number.is_finite() && number.fract() == 0.0)
}
