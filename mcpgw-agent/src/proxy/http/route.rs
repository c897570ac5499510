//! Which request is what. Any path is the server's endpoint, but those of open HTTP+SSE streams.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use super::body::Body;
use super::exchange::Front;
use super::{get, headers, post, reply};
use crate::policy::Principal;

/// Answers a request.
pub(super) async fn route(
    front: Arc<Front>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
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
            let mut response =
                reply::refusal(StatusCode::METHOD_NOT_ALLOWED, "this method is not served here");
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
    if let Err(refusal) = front.guard.check(headers, request.uri()) {
        return Some(reply::refusal(refusal.status(), &refusal.to_string()));
    }
    if let Err(fault) = headers::check(headers) {
        return Some(reply::refusal(fault.status(), &fault.to_string()));
    }
    None
}
