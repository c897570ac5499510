//! From a schema's text to its rules, without recursion and without leaving the text.

use std::collections::HashMap;

use super::check::{INTEGER, bit};
use super::constant::Constant;
use super::{Array, Number, Object, Place, Rules, Schema, Text, pattern};
use crate::json::{Kind, Value};

/// Schemas in a schema.
const MAX_RULES: usize = 4096;
/// Patterns in a schema.
const MAX_PATTERNS: usize = 32;
/// Bytes of rules, roughly.
const RULES_BYTES: usize = 512;

/// Members that could say no and are not understood.
const UNREAD: [&str; 6] =
    ["unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$recursiveRef", "contentSchema", "extends"];

struct Compiler<'d> {
    root: Value<'d>,
    rules: Vec<Rules>,
    /// By place in the document's index.
    places: HashMap<usize, Place>,
    /// Schemas that have a place and no rules yet.
    open: Vec<(Value<'d>, Place)>,
    patterns: usize,
    is_whole: bool,
}

impl Schema {
    /// Compiles `schema`; `None` where it is none, is too large, or refers to what is not in it.
    pub(in super::super) fn compile(schema: Value<'_>) -> Option<Self> {
        let mut compiler = Compiler {
            root: schema,
            rules: Vec::new(),
            places: HashMap::new(),
            open: Vec::new(),
            patterns: 0,
            is_whole: true,
        };
        compiler.place(schema)?;
        while let Some((value, place)) = compiler.open.pop() {
            let rules = compiler.rules(value)?;
            *compiler.rules.get_mut(place)? = rules;
        }
        let Compiler { rules, patterns, is_whole, .. } = compiler;
        let weight = schema.raw().len() + rules.len() * RULES_BYTES + patterns * 2 * pattern::MAX_SIZE;
        Some(Self { rules, is_whole, weight })
    }
}

impl<'d> Compiler<'d> {
    /// The place of the schema `value`, which is read later.
    fn place(&mut self, value: Value<'d>) -> Option<Place> {
        if let Some(place) = self.places.get(&value.index()) {
            return Some(*place);
        }
        let place = self.rules.len();
        if place >= MAX_RULES {
            return None;
        }
        self.rules.push(Rules::default());
        self.places.insert(value.index(), place);
        self.open.push((value, place));
        Some(place)
    }

    fn optional(&mut self, of: Value<'d>, key: &str) -> Option<Option<Place>> {
        match of.get(key) {
            Some(value) => self.place(value).map(Some),
            None => Some(None),
        }
    }

    fn list(&mut self, of: Value<'d>, key: &str) -> Option<Option<Vec<Place>>> {
        let Some(list) = of.get(key) else { return Some(None) };
        if !list.is_array() {
            return None;
        }
        let places: Option<Vec<_>> = list.elements().map(|value| self.place(value)).collect();
        places.map(Some)
    }

    fn map(&mut self, of: Value<'d>, key: &str) -> Option<Vec<(Box<str>, Place)>> {
        let Some(map) = of.get(key) else { return Some(Vec::new()) };
        if !map.is_object() {
            return None;
        }
        map.members().map(|(key, value)| Some((key.as_str()?.into(), self.place(value)?))).collect()
    }

    fn pattern(&mut self, text: &str) -> Option<regex::Regex> {
        self.patterns += 1;
        let pattern = if self.patterns <= MAX_PATTERNS { pattern::compile(text) } else { None };
        self.is_whole &= pattern.is_some();
        pattern
    }

    fn rules(&mut self, value: Value<'d>) -> Option<Rules> {
        match value.as_bool() {
            Some(allowed) => return Some(Rules { never: !allowed, ..Rules::default() }),
            None if !value.is_object() => return None,
            None => {}
        }
        self.is_whole &= UNREAD.iter().all(|key| value.get(key).is_none());
        let mut rules = Rules {
            types: types(value)?,
            values: values(value)?,
            object: self.object(value)?,
            array: self.array(value)?,
            string: self.string(value)?,
            number: number(value)?,
            all: self.list(value, "allOf")?.unwrap_or_default(),
            any: self.list(value, "anyOf")?,
            one: self.list(value, "oneOf")?,
            not: self.optional(value, "not")?,
            ..Rules::default()
        };
        if let Some(condition) = self.optional(value, "if")? {
            rules.branch = Some((condition, self.optional(value, "then")?, self.optional(value, "else")?));
        }
        if let Some(reference) = value.get("$ref") {
            let target = self.target(&reference.as_str()?)?;
            rules.all.push(self.place(target)?);
        }
        Some(rules)
    }

    /// What `reference` points to, where that is in the schema.
    fn target(&self, reference: &str) -> Option<Value<'d>> {
        let pointer = reference.strip_prefix('#')?;
        let pointer = percent_encoding::percent_decode_str(pointer).decode_utf8().ok()?;
        let mut at = self.root;
        let mut segments = pointer.split('/');
        // An anchor has no slash before it.
        if !segments.next()?.is_empty() {
            return None;
        }
        for segment in segments {
            let name = segment.replace("~1", "/").replace("~0", "~");
            at = if at.is_array() { at.elements().nth(name.parse().ok()?)? } else { at.get(&name)? };
        }
        Some(at)
    }

    fn object(&mut self, value: Value<'d>) -> Option<Option<Box<Object>>> {
        let mut object = Object {
            required: names(value.get("required"))?,
            properties: self.map(value, "properties")?,
            declares: value.get("properties").is_some(),
            additional: self.optional(value, "additionalProperties")?,
            names: self.optional(value, "propertyNames")?,
            dependent_schemas: self.map(value, "dependentSchemas")?,
            min: count(value, "minProperties")?,
            max: count(value, "maxProperties")?,
            ..Object::default()
        };
        object.properties.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (pattern, place) in self.map(value, "patternProperties")? {
            match self.pattern(&pattern) {
                Some(pattern) => object.patterns.push((pattern, place)),
                None => object.has_unread_patterns = true,
            }
        }
        for key in ["dependentRequired", "dependencies"] {
            for (key, needs) in value.get(key).into_iter().flat_map(Value::members) {
                let key: Box<str> = key.as_str()?.into();
                if needs.is_array() {
                    object.dependent.push((key, names(Some(needs))?));
                } else {
                    let place = self.place(needs)?;
                    object.dependent_schemas.push((key, place));
                }
            }
        }
        let is_there = object.declares
            || object.has_unread_patterns
            || !object.required.is_empty()
            || !object.patterns.is_empty()
            || object.additional.is_some()
            || object.names.is_some()
            || !object.dependent.is_empty()
            || !object.dependent_schemas.is_empty()
            || object.min.is_some()
            || object.max.is_some();
        Some(is_there.then(|| Box::new(object)))
    }

    fn array(&mut self, value: Value<'d>) -> Option<Option<Box<Array>>> {
        let mut array = Array {
            prefix: self.list(value, "prefixItems")?.unwrap_or_default(),
            contains: self.optional(value, "contains")?,
            min_contains: count(value, "minContains")?,
            max_contains: count(value, "maxContains")?,
            min: count(value, "minItems")?,
            max: count(value, "maxItems")?,
            unique: value.get("uniqueItems").and_then(Value::as_bool).unwrap_or(false),
            ..Array::default()
        };
        if value.get("items").is_some_and(Value::is_array) {
            array.prefix = self.list(value, "items")?.unwrap_or_default();
            array.items = self.optional(value, "additionalItems")?;
        } else {
            array.items = self.optional(value, "items")?;
        }
        let is_there = !array.prefix.is_empty()
            || array.items.is_some()
            || array.contains.is_some()
            || array.min.is_some()
            || array.max.is_some()
            || array.unique;
        Some(is_there.then(|| Box::new(array)))
    }

    fn string(&mut self, value: Value<'d>) -> Option<Option<Box<Text>>> {
        let pattern = match value.get("pattern") {
            Some(pattern) => self.pattern(&pattern.as_str()?),
            None => None,
        };
        let text = Text { min: count(value, "minLength")?, max: count(value, "maxLength")?, pattern };
        let is_there = text.min.is_some() || text.max.is_some() || text.pattern.is_some();
        Some(is_there.then(|| Box::new(text)))
    }
}

fn number(value: Value<'_>) -> Option<Option<Box<Number>>> {
    let bound = |key: &str| match value.get(key) {
        // Draft 4 has a truth value beside `minimum`.
        Some(bound) if bound.as_bool().is_some() => Some(None),
        Some(bound) => Some(Some(bound.as_number()?.parse::<f64>().ok()?)),
        None => Some(None),
    };
    let number = Number {
        min: bound("minimum")?,
        max: bound("maximum")?,
        above: bound("exclusiveMinimum")?,
        below: bound("exclusiveMaximum")?,
        multiple_of: bound("multipleOf")?.filter(|of| *of > 0.0),
    };
    let all = [number.min, number.max, number.above, number.below, number.multiple_of];
    Some(all.iter().any(Option::is_some).then(|| Box::new(number)))
}

fn types(value: Value<'_>) -> Option<u8> {
    let Some(types) = value.get("type") else { return Some(0) };
    let one = |name: Value<'_>| {
        Some(match &*name.as_str()? {
            "null" => bit(Kind::Null),
            "boolean" => bit(Kind::True),
            "number" => bit(Kind::Number) | INTEGER,
            "integer" => INTEGER,
            "string" => bit(Kind::String),
            "array" => bit(Kind::Array),
            "object" => bit(Kind::Object),
            _ => return None,
        })
    };
    if types.is_array() {
        types.elements().try_fold(0, |bits, name| Some(bits | one(name)?))
    } else {
        one(types)
    }
}

fn values(value: Value<'_>) -> Option<Option<Vec<Constant>>> {
    match (value.get("enum"), value.get("const")) {
        (_, Some(only)) => Some(Some(vec![Constant::of(only)])),
        (Some(list), None) if list.is_array() => Some(Some(list.elements().map(Constant::of).collect())),
        (Some(_), None) => None,
        (None, None) => Some(None),
    }
}

/// A list of names. Draft 3 has a truth value there: nothing of it counts.
fn names(list: Option<Value<'_>>) -> Option<Vec<Box<str>>> {
    match list {
        Some(list) if list.is_array() => list.elements().map(|name| Some(name.as_str()?.into())).collect(),
        Some(list) if list.as_bool().is_none() => None,
        Some(_) | None => Some(Vec::new()),
    }
}

fn count(value: Value<'_>, key: &str) -> Option<Option<usize>> {
    let Some(count) = value.get(key) else { return Some(None) };
    let count = count.as_number()?.parse::<f64>().ok().filter(|count| *count >= 0.0)?;
    // What does not fit says nothing: no value is as long.
    Some(format!("{count:.0}").parse::<usize>().ok())
}
