//! An object or array that is being walked over.

use crate::json::{Elements, Members, Value};
use crate::mcp::method::Method;
use crate::mcp::shape::{Role, Shape};
use crate::mcp::table::shapes;

/// One level of the walk.
#[derive(Debug)]
pub(super) struct Frame<'m> {
    inside: Inside<'m>,
    shape: &'static Shape,
    /// Of the object's `params`, where it is a call.
    params: &'static Shape,
    /// Where the walk is.
    pub(super) at: Place<'m>,
}

#[derive(Debug)]
enum Inside<'m> {
    Object(Members<'m>),
    Array(Elements<'m>),
}

/// A member or element of a frame.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'m> {
    Key(Value<'m>),
    /// The next element's position, counted from 0.
    Index(usize),
}

/// What a frame comes to next.
pub(super) struct Step<'m> {
    pub(super) key: Option<Value<'m>>,
    pub(super) value: Value<'m>,
    /// `None` for what is not shown.
    pub(super) shape: Option<&'static Shape>,
    /// For a key that the protocol does not name.
    pub(super) key_role: Option<Role>,
}

impl<'m> Frame<'m> {
    pub(super) fn new(value: Value<'m>, shape: &'static Shape) -> Self {
        let inside =
            if value.is_object() { Inside::Object(value.members()) } else { Inside::Array(value.elements()) };
        let params = match shape {
            Shape::Call | Shape::Envelope => params_of(value),
            Shape::All(_) | Shape::Object { .. } | Shape::Map(_) => &shapes::UNKNOWN,
        };
        // The first element is at 0.
        Self { inside, shape, params, at: Place::Index(usize::MAX) }
    }

    /// `result` is the shape of the message's result.
    pub(super) fn advance(&mut self, result: &'static Shape) -> Option<Step<'m>> {
        match &mut self.inside {
            Inside::Array(elements) => {
                let value = elements.next()?;
                let index = match self.at {
                    Place::Index(last) => last.wrapping_add(1),
                    Place::Key(_) => 0,
                };
                self.at = Place::Index(index);
                Some(Step { key: None, value, shape: Some(self.shape), key_role: None })
            }
            Inside::Object(members) => {
                let (key, value) = members.next()?;
                self.at = Place::Key(key);
                let (shape, key_role) = self.member(&key.as_str().unwrap_or_default(), result);
                Some(Step { key: Some(key), value, shape, key_role })
            }
        }
    }

    fn member(&self, key: &str, result: &'static Shape) -> (Option<&'static Shape>, Option<Role>) {
        match (self.shape, key) {
            (Shape::All(role), _) => (Some(self.shape), Some(*role)),
            (Shape::Map(inner), _) => (Some(inner), Some(Role::Name)),
            (Shape::Envelope, "jsonrpc") => (None, None),
            (Shape::Envelope, "id") => (Some(Shape::all(Role::Opaque)), None),
            (Shape::Envelope, "result") => (Some(result), None),
            (Shape::Envelope, "error") => (Some(&shapes::ERROR), None),
            (Shape::Envelope | Shape::Call, "method") => (Some(Shape::all(Role::Name)), None),
            (Shape::Envelope | Shape::Call, "params") => (Some(self.params), None),
            (Shape::Object { rest, .. }, key) => match self.shape.member(key) {
                Some(shape) => (Some(shape), None),
                None => (Some(Shape::all(*rest)), Some(*rest)),
            },
            (Shape::Envelope | Shape::Call, _) => {
                (Some(Shape::all(Role::Structured)), Some(Role::Structured))
            }
        }
    }
}

fn params_of(call: Value<'_>) -> &'static Shape {
    let method = call.get("method").and_then(Value::as_str);
    method.and_then(|method| Method::named(&method)).map_or(&shapes::UNKNOWN, |method| method.params)
}
