//! The server's answer on its way to the client.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};

use super::asked::{Asked, Opening};
use super::body::Body;
use super::collect::{self, Collected, Fault};
use super::encoding::{Coding, Decoder};
use super::exchange::{Front, joined, outgoing};
use super::headers::{Answer, SESSION_ID};
use super::sse;
use super::stream::{Parser, Stream};
use super::upstream::Lease;
use super::{headers, reply};
use crate::proxy::reply::UNAVAILABLE;
use crate::proxy::room::Full;
use crate::session::Place;

/// What is said of an answer in a charset that its client would not hear of.
const MEANT_OTHERWISE: &str = "the server's answer is in an unknown charset";

/// What the client asked for beside messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Manner {
    /// It listens (GET), rather than asks.
    pub(super) listens: bool,
    /// It asks for what it missed.
    pub(super) replays: bool,
}

/// Passes the server's answer on.
pub(super) async fn relay(
    front: &Arc<Front>,
    mut asked: Asked,
    manner: Manner,
    answer: (Response<Incoming>, Lease),
) -> Response<Body> {
    let (head, mut body) = answer.0.into_parts();
    let status = head.status;
    if status.is_redirection() {
        return failed(front, &asked, StatusCode::BAD_GATEWAY, "the server redirects, which is not followed");
    }
    if status.is_informational() {
        return failed(front, &asked, StatusCode::BAD_GATEWAY, "the server wants another protocol");
    }
    let (Ok(()), Ok(kind)) = (headers::check(&head.headers), headers::answer(&head.headers)) else {
        return failed(
            front,
            &asked,
            StatusCode::BAD_GATEWAY,
            "the headers of the server's answer are malformed",
        );
    };
    open_session(front, &mut asked, status, &head.headers);
    asked.place = std::mem::take(&mut asked.place).failed_if(!status.is_success());
    let response = empty_like(status, &head.headers);
    let Ok(coding) = Coding::of(&head.headers) else {
        return failed(
            front,
            &asked,
            StatusCode::BAD_GATEWAY,
            "the server's answer is coded in an unknown way",
        );
    };
    let must_be_ascii = headers::must_be_ascii(&head.headers);
    let limit = front.gate.limits().bytes;
    if kind == Answer::Events && status == StatusCode::OK {
        let decoder = (coding != Coding::Identity).then(|| Decoder::new(coding, limit));
        let parser = Parser::Events(sse::Reader::new(limit));
        let source = Source { body, lease: answer.1, decoder, parser, must_be_ascii };
        let stream = stream(front, asked, manner, source);
        return with_body(response, reply::EVENTS, Body::stream(Box::new(stream)));
    }
    let collected = tokio::select! {
        collected = collect::answer(&mut body, coding, (limit, &asked.share)) => collected,
        () = front.late() => return ending(&asked),
    };
    match collected {
        Err(fault) => {
            tracing::warn!(?fault, "the server's answer cannot be read");
            let (status, text) = match fault {
                Fault::TooLong => (StatusCode::OK, "the server's answer is too long"),
                Fault::Broken | Fault::Slow => (StatusCode::BAD_GATEWAY, "the server's answer broke off"),
                Fault::Full => (StatusCode::SERVICE_UNAVAILABLE, "too much is on its way already"),
                Fault::Coding(_) => (StatusCode::BAD_GATEWAY, "the server's answer cannot be decompressed"),
            };
            failed(front, &asked, status, text)
        }
        Ok(Collected::Whole(text)) if must_be_ascii && !text.is_ascii() => {
            failed(front, &asked, StatusCode::BAD_GATEWAY, MEANT_OTHERWISE)
        }
        Ok(Collected::Open(..)) if must_be_ascii => {
            failed(front, &asked, StatusCode::BAD_GATEWAY, MEANT_OTHERWISE)
        }
        Ok(Collected::Open(splitter, decoder)) => {
            let parser = Parser::Texts(splitter);
            let source = Source { body, lease: answer.1, decoder, parser, must_be_ascii };
            let stream = stream(front, asked, manner, source);
            with_body(response, reply::JSON, Body::stream(Box::new(stream)))
        }
        Ok(Collected::Whole(text)) => {
            front.upstream.give_back(answer.1);
            whole(front, &mut asked, response, text).await
        }
    }
}

/// Where a stream comes from.
struct Source {
    body: Incoming,
    lease: Lease,
    decoder: Option<Decoder>,
    parser: Parser,
    must_be_ascii: bool,
}

fn stream(front: &Arc<Front>, mut asked: Asked, manner: Manner, source: Source) -> Stream {
    let Source { body, lease, decoder, parser, must_be_ascii } = source;
    let mut ready = VecDeque::new();
    let taken = asked.share.nothing();
    let refused = std::mem::take(&mut asked.refused);
    if !refused.is_empty() {
        let text = joined(&refused, true);
        ready.push_back(if matches!(parser, Parser::Events(_)) { sse::message(&text) } else { text });
    }
    Stream {
        front: Arc::clone(front),
        asked,
        body,
        lease: Some(lease),
        decoder,
        parser,
        must_be_ascii,
        taken,
        replays: manner.replays,
        is_astray: false,
        listens: manner.listens,
        endpoint: None,
        ready,
        ended: false,
        unreadable: 0,
    }
}

/// An answer that came whole.
async fn whole(front: &Front, asked: &mut Asked, response: Response<Body>, text: Bytes) -> Response<Body> {
    let status = response.status();
    if asked.session.legacy.is_some() && status.is_success() {
        // HTTP+SSE: the answers come on the stream, and nobody reads what is said here.
        return response;
    }
    asked.keeps_open = false;
    let refused = std::mem::take(&mut asked.refused);
    let asks = !asked.ids.is_empty() || asked.is_unread;
    if text.is_empty() || (!asks && status.is_success()) {
        if !refused.is_empty() {
            return reply::json(StatusCode::OK, joined(&refused, true));
        }
        // Within a session the answer may still come on another stream.
        asked.keeps_open = status.is_success() && asked.session.id().is_some();
        if status.is_success() && !asked.keeps_open && !asked.ids.is_empty() {
            return failed(front, asked, StatusCode::BAD_GATEWAY, "the server's answer is empty");
        }
        return response;
    }
    let since = Instant::now();
    let decoded = front.decode(&text).await;
    // What answers no request may say something about any.
    let place = if asked.ids.is_empty() { Place::default() } else { asked.place.clone() };
    let session = &asked.session;
    let passed = front.judge_server(session, &place, &text, decoded, since).await;
    for answer in &passed.to_sender {
        front.tell_server(session, answer.clone()).await;
    }
    let body = if passed.to_receiver.is_empty() && refused.is_empty() {
        outgoing(&passed, &text)
    } else {
        let forwarded = passed.forward.iter().map(|permitted| permitted.bytes().clone());
        let texts: Vec<Bytes> = forwarded.chain(passed.to_receiver).chain(refused).collect();
        Some(joined(&texts, asked.is_batch))
    };
    let body = body.or_else(|| {
        (!asked.ids.is_empty()).then(|| {
            reply::errors(&asked.ids, asked.is_batch, UNAVAILABLE, "the server's answer was refused")
        })
    });
    let Some(body) = body else { return response };
    // What goes on as it came has its room.
    let is_new = !text.as_ptr_range().contains(&body.as_ptr());
    let body = if is_new { asked.share.hold(body) } else { Ok(body) };
    match body {
        Ok(body) => with_body(response, reply::JSON, Body::from(body)),
        Err(Full) => failed(front, asked, StatusCode::SERVICE_UNAVAILABLE, "too much is on its way already"),
    }
}

fn with_body(mut response: Response<Body>, kind: HeaderValue, body: Body) -> Response<Body> {
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    *response.body_mut() = body;
    response
}

fn open_session(front: &Front, asked: &mut Asked, status: StatusCode, headers: &HeaderMap) {
    if !status.is_success() {
        return;
    }
    match std::mem::replace(&mut asked.opening, Opening::None) {
        Opening::None => {}
        Opening::Known(id) => front.open(&asked.session, &id),
        Opening::Initialize => {
            let mut named = headers.get_all(SESSION_ID).iter();
            if let (Some(id), None) = (named.next(), named.next()) {
                front.open(&asked.session, id);
            }
        }
    }
}

/// Status and headers of the server's, for a body of ours.
fn empty_like(status: StatusCode, headers: &HeaderMap) -> Response<Body> {
    let mut response = reply::empty(status);
    // The body is decoded, and may be another.
    *response.headers_mut() = headers::downstream(headers, true);
    response
}

/// The gateway ends before the server answers.
pub(super) fn ending(asked: &Asked) -> Response<Body> {
    let errors = reply::errors(&asked.ids, asked.is_batch, UNAVAILABLE, "the gateway ends");
    reply::json(StatusCode::SERVICE_UNAVAILABLE, errors)
}

/// An error for everybody who waits, counted as the server's.
pub(super) fn failed(front: &Front, asked: &Asked, status: StatusCode, text: &str) -> Response<Body> {
    front.gate.metrics().upstream_failed();
    reply::json(status, reply::errors(&asked.ids, asked.is_batch, UNAVAILABLE, text))
}
