//! Which request is what. Any path is the server's endpoint, but those of open HTTP+SSE streams.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use super::body::Body;
use super::exchange::{Front, SESSION_ID};
use super::{get, post, reply};
use crate::policy::Principal;

/// Answers a request.
pub(super) async fn route(front: Arc<Front>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    if let Some(refusal) = refuse(&front, &request) {
        return Ok(refusal);
    }
    // Whoever authenticates clients says here who they are: sessions belong to a principal.
    let principal = Principal::default();
    let response = match *request.method() {
        Method::POST => post::post(&front, principal, request).await,
        Method::GET => get::get(&front, principal, request.headers()).await,
        Method::DELETE => get::delete(&front, principal, request.headers()).await,
        _ => {
            let mut response = reply::refusal(StatusCode::METHOD_NOT_ALLOWED, "this method is not served here");
            let allowed = HeaderValue::from_static("GET, POST, DELETE");
            response.headers_mut().insert(header::ALLOW, allowed);
            response
        }
    };
    Ok(response)
}

/// Why a request is not looked at further.
fn refuse(front: &Front, request: &Request<Incoming>) -> Option<Response<Body>> {
    let headers = request.headers();
    if let Err(status) = front.guard.check(headers) {
        return Some(reply::refusal(status, "this host or origin is not served here"));
    }
    let host = headers.get(header::HOST).map_or(&b""[..], HeaderValue::as_bytes);
    if request.uri().authority().is_some_and(|target| target.as_str().as_bytes() != host) {
        return Some(reply::refusal(StatusCode::BAD_REQUEST, "the request names two hosts"));
    }
    if is_ambiguous(headers) {
        return Some(reply::refusal(StatusCode::BAD_REQUEST, "a header that must be there once is there twice"));
    }
    None
}

/// Headers of which another reader could take another.
fn is_ambiguous(headers: &HeaderMap) -> bool {
    let twice = |name: &str| headers.get_all(name).iter().nth(1).is_some();
    let framed_twice =
        headers.contains_key(header::TRANSFER_ENCODING) && headers.contains_key(header::CONTENT_LENGTH);
    framed_twice || [SESSION_ID, "last-event-id", "content-type", "authorization", "origin"].into_iter().any(twice)
}
