//! The members of a message that matter to an inventory. All else is skipped without being built.

use serde::de::{MapAccess, SeqAccess};

use super::Id;
use super::lenient::{Lenient, Name, Scalar, drain_map, drain_seq, skip, value};

mod body;
mod list;
mod peer;

pub(super) use body::Body;
pub(super) use list::{Item, List};
pub(super) use peer::Version;

/// Bytes kept of a method.
const METHOD_BYTES: usize = 64;
/// Bytes kept of a string id.
const ID_BYTES: usize = 128;
/// The outermost object.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    /// A `jsonrpc` member is there.
    pub(super) jsonrpc: bool,
    pub(super) id: IdFact,
    pub(super) method: Text<METHOD_BYTES>,
    pub(super) params: Option<Body>,
    pub(super) result: Option<Body>,
    pub(super) error: ErrorFact,
    pub(super) dap: Dap,
}

impl<'de> Lenient<'de> for Envelope {
    fn map<A: MapAccess<'de>>(&mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(Name(name)) = map.next_key()? {
            match name.as_ref() {
                "jsonrpc" => {
                    skip(&mut map)?;
                    self.jsonrpc = true;
                }
                "id" => self.id = value(&mut map)?,
                "method" => self.method = value(&mut map)?,
                "params" => self.params = Some(value(&mut map)?),
                "result" => self.result = Some(value(&mut map)?),
                "error" => self.error = value(&mut map)?,
                "seq" => self.dap.seq = value(&mut map)?,
                "request_seq" => self.dap.request_seq = value(&mut map)?,
                "type" => self.dap.kind = value(&mut map)?,
                "command" => self.dap.command = value(&mut map)?,
                "event" => self.dap.event = value(&mut map)?,
                _ => skip(&mut map)?,
            }
        }
        Ok(())
    }
}

/// What a debug adapter's message has in place of JSON-RPC's members.
#[derive(Debug, Default)]
pub(super) struct Dap {
    pub(super) seq: IdFact,
    pub(super) request_seq: IdFact,
    pub(super) kind: Text<16>,
    pub(super) command: Text<METHOD_BYTES>,
    pub(super) event: Text<METHOD_BYTES>,
}

/// A string, cut to `N` bytes; `None` for anything else.
#[derive(Debug, Default)]
pub(super) struct Text<const N: usize>(pub(super) Option<String>);

impl<const N: usize> Lenient<'_> for Text<N> {
    fn scalar(&mut self, scalar: Scalar<'_>) {
        if let Scalar::Text(text) = scalar {
            self.0 = Some(cut(text, N));
        }
    }
}

/// At most `limit` bytes of `text`, whole characters.
fn cut(text: &str, limit: usize) -> String {
    text.get(..text.floor_char_boundary(limit)).unwrap_or_default().to_owned()
}

/// An id member.
#[derive(Debug, Default)]
pub(super) enum IdFact {
    #[default]
    Absent,
    /// `null`, a boolean, an object or an array: there, but no id.
    Odd,
    Good(Id),
}

impl<'de> Lenient<'de> for IdFact {
    fn scalar(&mut self, scalar: Scalar<'_>) {
        *self = match scalar {
            Scalar::Null | Scalar::Bool => Self::Odd,
            Scalar::Unsigned(number) => Self::Good(Id::Number(number.to_string())),
            Scalar::Signed(number) => Self::Good(Id::Number(number.to_string())),
            Scalar::Float(number) => Self::Good(Id::Number(format!("{number:?}"))),
            Scalar::Text(text) => Self::Good(Id::String(cut(text, ID_BYTES))),
        };
    }

    fn map<A: MapAccess<'de>>(&mut self, map: A) -> Result<(), A::Error> {
        *self = Self::Odd;
        drain_map(map)
    }

    fn seq<A: SeqAccess<'de>>(&mut self, seq: A) -> Result<(), A::Error> {
        *self = Self::Odd;
        drain_seq(seq)
    }
}

/// An `error` member. `null`, which JSON-RPC 1.0 puts beside `result`, is none.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum ErrorFact {
    #[default]
    Absent,
    Scalar,
    Object,
}

impl<'de> Lenient<'de> for ErrorFact {
    fn scalar(&mut self, scalar: Scalar<'_>) {
        if !matches!(scalar, Scalar::Null) {
            *self = Self::Scalar;
        }
    }

    fn map<A: MapAccess<'de>>(&mut self, map: A) -> Result<(), A::Error> {
        *self = Self::Object;
        drain_map(map)
    }
}
