//! Every text of a message, with what it is for and where it stands: policy and detectors never guess.
//!
//! One pass over the index of the document, without recursion and without allocating for a value. Every string and
//! number is visited once, and every key that the protocol does not name; only `jsonrpc` is left out.

mod frame;
mod path;
#[cfg(test)]
mod tests;

pub use path::Path;

use super::method::Method;
use super::shape::{Role, Shape};
use super::table::shapes;
use super::{Direction, Message};
use crate::json::{Kind, Value};
use frame::{Frame, Step};

/// Objects and arrays within each other that most messages have at most.
const DEPTH: usize = 8;

/// One text of a message: a string, a number, or a key.
#[derive(Debug, Clone, Copy)]
pub struct Field<'v, 'm> {
    /// What it is for.
    pub role: Role,
    /// Where it stands. A key has the path of its value.
    pub path: Path<'v, 'm>,
    /// The text. [`Value::as_str`] decodes strings and keys.
    pub value: Value<'m>,
    /// It is a key, not a value.
    pub is_key: bool,
}

/// Shows `visit` every text of `message`, in the order of its bytes. `answers` is the method it answers, where it is an
/// answer to one. What goes to the server as prose is data that leaves: its role is [`Role::Argument`].
pub fn fields<'m>(
    message: &'m Message,
    direction: Direction,
    answers: Option<&str>,
    mut visit: impl FnMut(&Field<'_, 'm>),
) {
    let towards = |role: Role| match (role, direction) {
        (Role::Prose, Direction::ToServer) => Role::Argument,
        (role, _) => role,
    };
    let result = answers.and_then(Method::named).map_or(&shapes::UNKNOWN, |method| method.result);
    // One frame for each object or array that is open: as deep as the document, which is bounded.
    let mut frames = Vec::with_capacity(DEPTH);
    frames.push(Frame::new(message.document().root(), &Shape::Envelope));
    while let Some(frame) = frames.last_mut() {
        let Some(Step { key, value, shape, key_role }) = frame.advance(result) else {
            frames.pop();
            continue;
        };
        let path = Path::new(&frames);
        if let (Some(key), Some(role)) = (key, key_role) {
            visit(&Field { role: towards(role), path, value: key, is_key: true });
        }
        match (value.kind(), shape) {
            (_, None) | (Kind::Null | Kind::True | Kind::False, _) => {}
            (Kind::Object | Kind::Array, Some(shape)) => frames.push(Frame::new(value, shape)),
            (Kind::String | Kind::Number, Some(shape)) => {
                visit(&Field { role: towards(shape.role()), path, value, is_key: false });
            }
        }
    }
}
