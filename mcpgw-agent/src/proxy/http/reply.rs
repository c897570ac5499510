//! Answers of the gateway's own, as HTTP has them.

use bytes::Bytes;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};

use super::body::Body;
use super::exchange::joined;
use super::sse;
use crate::mcp::RequestId;
use crate::proxy::reply;

/// `application/json`
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// `text/event-stream`
pub(super) const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = status;
    response
}

/// An answer with a JSON text.
pub(super) fn json(status: StatusCode, text: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::Whole(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}

/// `text`, in the form the client accepts.
pub(super) fn accepted(headers: &HeaderMap, text: Bytes) -> Response<Body> {
    let accept = headers.get(header::ACCEPT).map_or(&b""[..], HeaderValue::as_bytes);
    let names = |name: &[u8]| memchr::memmem::find(accept, name).is_some();
    if names(b"text/event-stream") && !names(b"application/json") && !names(b"*/*") {
        let mut response = json(StatusCode::OK, sse::message(&text));
        response.headers_mut().insert(header::CONTENT_TYPE, EVENTS);
        return response;
    }
    json(StatusCode::OK, text)
}

/// An error for each of `ids`, or one for none.
pub(super) fn errors(ids: &[RequestId], is_batch: bool, code: i64, text: &str) -> Bytes {
    if ids.is_empty() {
        return reply::error(None, code, text, None);
    }
    let errors: Vec<Bytes> = ids.iter().map(|id| reply::error(Some(id), code, text, None)).collect();
    joined(&errors, is_batch)
}

/// A refusal that has nothing to do with a message.
pub(super) fn refusal(status: StatusCode, text: &str) -> Response<Body> {
    json(status, reply::error(None, reply::INVALID, text, None))
}
