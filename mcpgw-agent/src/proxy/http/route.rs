//! Which request is what. Any path is the server's endpoint, but those of open HTTP+SSE streams.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use super::body::Body;
use super::exchange::Front;
use super::headers::SESSION_ID;
use super::{get, headers, origin, post, reply};
use crate::identity;
use crate::policy::Principal;
use crate::proxy::room::{Share, Whose};

/// Where clients ask how to be let in (RFC 9728), with or without the endpoint's path behind it.
const METADATA: &str = "/.well-known/oauth-protected-resource";

/// Answers a request of a client at `remote`, where whoever does not say who they are has this share of the room.
pub(super) async fn route(
    front: Arc<Front>,
    (remote, share): (IpAddr, Share),
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    if let Some(refusal) = refuse(&front, &request) {
        return Ok(refusal);
    }
    let principal = match identify(&front, remote, &request) {
        Ok(principal) => principal,
        Err(answer) => return Ok(*answer),
    };
    let own = |subject: &str| front.gate.room().share(Whose::Subject(subject.into()));
    let share = principal.subject.as_deref().map_or(share, own);
    let client = (principal, share);
    let response = match *request.method() {
        Method::POST => post::post(&front, client, request).await,
        Method::GET => get::get(&front, client, request.headers()).await,
        Method::DELETE => get::delete(&front, client, request.headers()).await,
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

/// Who asks: sessions belong to a principal. An answer where that is not known, or where no more is needed.
fn identify(
    front: &Front,
    remote: IpAddr,
    request: &Request<Incoming>,
) -> Result<Principal, Box<Response<Body>>> {
    let Some(auth) = &front.auth else { return Ok(Principal::default()) };
    let scheme = if front.is_secured { "https" } else { "http" };
    let host = origin::host_of(request.headers(), request.uri());
    let base = format!("{scheme}://{}", host.as_ref().map_or("", |host| host.as_str()));
    let path = request.uri().path();
    if request.method() == Method::GET
        && path.starts_with(METADATA)
        && let Some(document) = auth.metadata(&base)
    {
        return Err(Box::new(reply::json(StatusCode::OK, document.into())));
    }
    let refused = match auth.identify(request.headers(), remote, &front.audit) {
        Ok(principal) => return own_session(front, principal, request.headers()),
        Err(refused) => refused,
    };
    let mut response = match refused {
        identity::Refusal::Unauthorized(_) => {
            reply::refusal(StatusCode::UNAUTHORIZED, "authentication is required")
        }
        identity::Refusal::Slower => {
            let mut response =
                reply::refusal(StatusCode::TOO_MANY_REQUESTS, "too many authentications failed");
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
            response
        }
    };
    if let identity::Refusal::Unauthorized(why) = refused
        && let Ok(challenge) = HeaderValue::try_from(auth.challenge(&base, why))
    {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    Err(Box::new(response))
}

/// To whoever did not open the session it names there is none, also none at the server, for which whoever knows an id is who
/// opened it. So it is where the gateway does not remember who did: clients begin anew then (2025-11-25, Session Management).
fn own_session(
    front: &Front,
    principal: Principal,
    headers: &HeaderMap,
) -> Result<Principal, Box<Response<Body>>> {
    match headers.get(SESSION_ID) {
        Some(id) if !front.sessions.is_of(&principal, id) => {
            Err(Box::new(reply::refusal(StatusCode::NOT_FOUND, "there is no such session")))
        }
        Some(_) | None => Ok(principal),
    }
}
