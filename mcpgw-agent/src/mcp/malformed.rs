//! Why a text is not taken for a message.

use super::RequestId;
use crate::json;

/// A refusal of the decoder. What a lenient peer would accept is refused too: that is the point.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Malformed {
    /// What is wrong.
    pub reason: Reason,
    /// The id to answer, where the text has one that can be read without doubt.
    pub id: Option<RequestId>,
}

impl Malformed {
    pub(super) fn new(reason: Reason) -> Self {
        Self { reason, id: None }
    }
}

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Reason {
    /// Not strict JSON.
    #[error(transparent)]
    Json(json::Error),
    /// Neither an object nor a batch.
    #[error("it is neither an object nor a batch")]
    NotAMessage,
    /// A batch of nothing.
    #[error("the batch is empty")]
    EmptyBatch,
    /// A batch within a batch.
    #[error("a batch is nested in a batch")]
    NestedBatch,
    /// More messages than a batch may have.
    #[error("the batch has too many messages")]
    LongBatch,
    /// `jsonrpc` is not the string `2.0`.
    #[error("`jsonrpc` is not \"2.0\"")]
    Version,
    /// A key differs from one of the protocol's only by case or underscores.
    #[error("a key differs from one of the protocol's only by case or underscores")]
    CaseVariantKey,
    /// The id is no string and no integer up to 2^53 - 1.
    #[error("the id is no string, and no integer that every reader takes for the same (up to 2^53 - 1)")]
    Id,
    /// A response without an id.
    #[error("the response has no id")]
    MissingId,
    /// `method` is no string, empty, or too long.
    #[error("`method` is no string, empty, or too long")]
    Method,
    /// Both a request and a response.
    #[error("it is request and response at once")]
    RequestAndResponse,
    /// Both `result` and `error`.
    #[error("it has both a result and an error")]
    ResultAndError,
    /// Neither a request nor a response.
    #[error("it is neither request nor response")]
    Neither,
    /// `params` is no object.
    #[error("`params` is no object")]
    Params,
    /// `error` is no error object.
    #[error("`error` is no error object")]
    ErrorObject,
    /// A member that decides what the message does has another type than the protocol gives it.
    #[error("`{0}` has the wrong type")]
    Type(&'static str),
    /// Something within a line that some readers take for its end.
    #[error("something within the line may be taken for its end")]
    LineSeparator,
}

impl Reason {
    /// A stable word for records and metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Json(error) => match error.fault {
                json::Fault::TooLong => "too-long",
                json::Fault::TooDeep => "too-deep",
                json::Fault::TooManyValues => "too-many-values",
                json::Fault::ByteOrderMark => "byte-order-mark",
                json::Fault::NotUtf8 => "not-utf8",
                json::Fault::Syntax => "not-json",
                json::Fault::TrailingBytes => "trailing-bytes",
                json::Fault::LoneSurrogate => "lone-surrogate",
                json::Fault::DuplicateKey => "duplicate-key",
            },
            Self::NotAMessage => "not-a-message",
            Self::EmptyBatch => "empty-batch",
            Self::NestedBatch => "nested-batch",
            Self::LongBatch => "long-batch",
            Self::Version => "jsonrpc-version",
            Self::CaseVariantKey => "case-variant-key",
            Self::Id => "bad-id",
            Self::MissingId => "missing-id",
            Self::Method => "bad-method",
            Self::RequestAndResponse => "request-and-response",
            Self::ResultAndError => "result-and-error",
            Self::Neither => "neither-request-nor-response",
            Self::Params => "bad-params",
            Self::ErrorObject => "bad-error",
            Self::Type(_) => "wrong-type",
            Self::LineSeparator => "line-separator",
        }
    }
}
