//! One message, decoded strictly: its bytes, its kind, and where its parts are.

use std::sync::OnceLock;

use bytes::Bytes;

use super::malformed::Reason;
use super::{RequestId, keys};
use crate::json::{self, Document, Value};

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the client.
    ToServer,
    /// From the server.
    ToClient,
}

impl Direction {
    /// The word of the audit log: `c2s` or `s2c`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ToServer => "c2s",
            Self::ToClient => "s2c",
        }
    }

    /// The other way.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::ToServer => Self::ToClient,
            Self::ToClient => Self::ToServer,
        }
    }
}

/// JSON-RPC's kinds of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// Wants an answer.
    Request,
    /// Wants none.
    Notification,
    /// An answer with `result`.
    Result,
    /// An answer with `error`.
    Error,
}

impl MessageKind {
    /// The word of the audit log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Notification => "notification",
            Self::Result | Self::Error => "response",
        }
    }

    /// An answer of either kind.
    #[must_use]
    pub fn is_response(self) -> bool {
        matches!(self, Self::Result | Self::Error)
    }
}

/// A message that was decoded without doubt. Its bytes are kept as they came and lent out, never rewritten.
#[derive(Debug)]
pub struct Message {
    pub(super) document: Document,
    pub(super) kind: MessageKind,
    pub(super) id: Option<RequestId>,
    pub(super) method: Option<Box<str>>,
    /// Index of `params`, `result` or `error`, whichever the kind has.
    pub(super) body: Option<usize>,
    /// See [`unpacked`](Self::unpacked); made when it is first asked for.
    pub(super) unpacked: OnceLock<Option<Box<Result<Self, json::Error>>>>,
}

/// What was made of the message is not copied: copies wait, and it may be as large again.
impl Clone for Message {
    fn clone(&self) -> Self {
        self.with(self.document.clone())
    }
}

impl Message {
    /// This message with another text, in which its parts have the same places.
    pub(super) fn with(&self, document: Document) -> Self {
        let (id, method) = (self.id.clone(), self.method.clone());
        Self { document, id, method, kind: self.kind, body: self.body, unpacked: OnceLock::new() }
    }

    /// The bytes as they came.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        self.document.bytes()
    }

    /// The whole JSON text.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        self.kind
    }

    /// The id: always there in a request; absent in a notification and in an error about an unreadable request.
    #[must_use]
    pub fn id(&self) -> Option<&RequestId> {
        self.id.as_ref()
    }

    /// The method of a request or notification.
    #[must_use]
    pub fn method(&self) -> Option<&str> {
        self.method.as_deref()
    }

    /// The parameters of a request or notification; `None` also where they are `null`.
    #[must_use]
    pub fn params(&self) -> Option<Value<'_>> {
        self.body_of(&[MessageKind::Request, MessageKind::Notification]).filter(|params| !params.is_null())
    }

    /// The result of an answer.
    #[must_use]
    pub fn result(&self) -> Option<Value<'_>> {
        self.body_of(&[MessageKind::Result])
    }

    /// The error of an answer.
    #[must_use]
    pub fn error(&self) -> Option<Value<'_>> {
        self.body_of(&[MessageKind::Error])
    }

    /// Checks this answer against the method it answers, which the answer itself does not name.
    ///
    /// # Errors
    /// [`Reason::Type`] and [`Reason::CaseVariantKey`].
    pub fn check_answer(&self, method: &str) -> Result<(), Reason> {
        self.result().map_or(Ok(()), |result| keys::check_result(method, result))
    }

    fn body_of(&self, kinds: &[MessageKind]) -> Option<Value<'_>> {
        self.body.filter(|_| kinds.contains(&self.kind)).map(|index| Value::at(&self.document, index))
    }
}

/// What a peer sent at once.
#[derive(Debug, Clone)]
pub enum Decoded {
    /// A message.
    One(Message),
    /// A batch of at least one.
    Batch(Vec<Message>),
}
