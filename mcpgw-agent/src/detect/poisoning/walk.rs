//! Every text of a definition, with what it is and where it stands.

use crate::json::{Elements, Kind, Members, Value};

/// What a text is, by the member it is the value of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spot {
    /// The definition's own name.
    Name,
    /// The definition's own description, or a server's instructions.
    Description,
    /// Another text to be read: titles, descriptions of parameters, comments.
    Prose,
    /// A property of a schema, an argument of a prompt: its name.
    Property,
    /// A value the model may choose or copy: enum, const, default, examples.
    Choice,
    /// A web address or URI template.
    Uri,
    /// Anything else, keys too.
    Other,
}

/// A text of a definition.
pub(super) struct Text<'d> {
    pub(super) spot: Spot,
    pub(super) value: Value<'d>,
    pub(super) is_key: bool,
}

enum Inside<'d> {
    Members(Members<'d>),
    Elements(Elements<'d>),
}

/// An object or array that is open.
struct Open<'d> {
    rest: Inside<'d>,
    key: Option<Value<'d>>,
    /// What its members are.
    within: Within,
}

/// Where in a definition an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    Definition,
    /// Keys are names somebody chose, values are schemas.
    Properties,
    /// Values are texts to choose from.
    Choices,
    /// `icons`
    Icons,
    /// Arguments of a prompt.
    Arguments,
    Else,
}

/// Shows `visit` every string and key of `definition`, in the order of its bytes, without recursion.
pub(super) fn walk<'d>(definition: Value<'d>, mut visit: impl FnMut(&Text<'d>)) {
    if definition.kind() == Kind::String {
        return visit(&Text { spot: Spot::Description, value: definition, is_key: false });
    }
    let mut open = vec![Open::new(definition, Within::Definition)];
    while let Some(last) = open.last_mut() {
        let Some(value) = last.advance() else {
            open.pop();
            continue;
        };
        let name = last.key.and_then(Value::as_str).unwrap_or_default();
        let (spot, within) = (last.spot(&name), last.within_of_value(&name));
        let key = last.key.filter(|_| matches!(last.rest, Inside::Members(_)));
        let is_property = last.within == Within::Properties;
        if let Some(key) = key {
            let spot = if is_property { Spot::Property } else { Spot::Other };
            visit(&Text { spot, value: key, is_key: true });
        }
        match value.kind() {
            Kind::String => visit(&Text { spot, value, is_key: false }),
            Kind::Object | Kind::Array => open.push(Open::new(value, within)),
            Kind::Null | Kind::True | Kind::False | Kind::Number => {}
        }
    }
}

impl<'d> Open<'d> {
    fn new(value: Value<'d>, within: Within) -> Self {
        let rest = if value.is_array() {
            Inside::Elements(value.elements())
        } else {
            Inside::Members(value.members())
        };
        Self { rest, key: None, within }
    }

    /// To the next value.
    fn advance(&mut self) -> Option<Value<'d>> {
        match &mut self.rest {
            Inside::Members(members) => {
                let (key, value) = members.next()?;
                self.key = Some(key);
                Some(value)
            }
            Inside::Elements(elements) => elements.next(),
        }
    }

    /// What the value of the member `key` is if it is a text.
    fn spot(&self, key: &str) -> Spot {
        match (self.within, key) {
            (Within::Choices, _) => Spot::Choice,
            (Within::Definition, "name") => Spot::Name,
            (Within::Arguments, "name") => Spot::Property,
            (Within::Definition, "description" | "instructions") => Spot::Description,
            (
                _,
                "uri" | "uriTemplate" | "src" | "websiteUrl" | "$schema" | "$id" | "$ref" | "mimeType"
                | "format",
            ) => Spot::Uri,
            (_, "enum" | "const" | "default" | "examples" | "example") => Spot::Choice,
            (
                _,
                "description" | "title" | "$comment" | "instructions" | "x-enumDescriptions"
                | "enumDescriptions",
            ) => Spot::Prose,
            _ => Spot::Other,
        }
    }

    /// What the value of the member `key` is if it is an object or an array.
    fn within_of_value(&self, key: &str) -> Within {
        match (self.within, key) {
            (Within::Choices, _) => Within::Choices,
            (Within::Properties, _) => Within::Else,
            (Within::Definition, "arguments") => Within::Arguments,
            (Within::Arguments, _) => Within::Arguments,
            (_, "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas") => {
                Within::Properties
            }
            (_, "enum" | "const" | "default" | "examples" | "example") => Within::Choices,
            (_, "icons") => Within::Icons,
            (within @ Within::Icons, _) => within,
            _ => Within::Else,
        }
    }
}
