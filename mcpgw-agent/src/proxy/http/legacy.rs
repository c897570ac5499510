//! HTTP+SSE of 2024-11-05: a stream whose first event says where to post.
//!
//! The client is told a path at this gateway, with the query it stands for; what is posted there goes to the server's own
//! path. An endpoint at another origin is refused: the client would post there past the gateway.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use url::Url;

use super::exchange::Front;
use super::session::{Legacy, Session};
use super::sse::Event;
use super::stream::Stream;
use crate::destination;
use crate::session::Place;

/// Answers of the gateway's own that may wait for the stream.
const OWN: usize = 64;

/// A place to post to, known as long as its stream is open.
pub(super) struct Endpoint {
    front: Arc<Front>,
    session: Arc<Session>,
    target: Box<str>,
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.front.sessions.close_at(&self.target);
        self.front.closed(&self.session);
    }
}

/// Takes the server's `endpoint` event; gives the one the client gets, or nothing and ends the stream, of which whoever waits
/// is told.
pub(super) fn endpoint(stream: &mut Stream, event: &Event) -> Option<Bytes> {
    let is_first = stream.listens && stream.endpoint.is_none() && stream.asked.session.id().is_none();
    let told = is_first.then(|| resolve(stream.front.upstream.url(), event.data()?)).flatten();
    let opened = told.and_then(|url| open(&stream.front, &stream.asked.session, &url));
    let Some((session, endpoint, own)) = opened else {
        tracing::warn!("the server names an endpoint that is not its own, or twice: its stream is closed");
        stream.end(false);
        return None;
    };
    let target = endpoint.target.clone();
    stream.asked.session = session;
    // Everything is answered here.
    stream.asked.place = Place::default();
    stream.endpoint = Some((endpoint, own));
    Some(event.with_data(target.as_bytes()))
}

type Opened = (Arc<Session>, Endpoint, mpsc::Receiver<Bytes>);

fn open(front: &Arc<Front>, before: &Session, url: &Url) -> Option<Opened> {
    let target = destination::target(url).ok()?;
    let path: Box<str> = target.to_string().into();
    if !is_path(&path) {
        return None;
    }
    let (inject, own) = mpsc::channel(OWN);
    let principal = before.party.context().principal.clone();
    let session = front.fresh(Some(Legacy { target, inject }), principal);
    if !front.sessions.open_at(&path, &session) {
        return None;
    }
    front.opened(&session);
    let endpoint = Endpoint { front: Arc::clone(front), session: Arc::clone(&session), target: path };
    Some((session, endpoint, own))
}

/// To a client it is a place at this gateway: what begins with two slashes names another host.
fn is_path(target: &str) -> bool {
    target.starts_with('/') && !target.starts_with("//")
}

/// The URL `endpoint` stands for, where it is at the origin of `base`.
fn resolve(base: &Url, endpoint: &[u8]) -> Option<Url> {
    let text = std::str::from_utf8(endpoint).ok()?;
    let url = base.join(text.trim()).ok()?;
    let is_ours = url.origin() == base.origin() && url.username().is_empty() && url.password().is_none();
    is_ours.then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_resolved_against_the_server() {
        let base = Url::parse("http://127.0.0.1:9000/a/sse").unwrap();
        let resolved = |text: &str| resolve(&base, text.as_bytes()).map(|url| url.to_string());
        let at = |path: &str| Some(format!("http://127.0.0.1:9000{path}"));
        assert_eq!(resolved("/messages/?session_id=1"), at("/messages/?session_id=1"));
        assert_eq!(resolved("messages?x=1&y=2"), at("/a/messages?x=1&y=2"));
        assert_eq!(resolved("http://127.0.0.1:9000/m"), at("/m"));
        // At the same origin, and elsewhere once the origin is left out.
        let resolved_path = |text: &str| {
            let url = resolve(&base, text.as_bytes()).unwrap();
            is_path(&destination::target(&url).unwrap().to_string())
        };
        assert!(resolved_path("/m") && resolved_path("http://127.0.0.1:9000"));
        for text in ["http://127.0.0.1:9000//evil.example/m", "http://127.0.0.1:9000/\\evil.example"] {
            assert!(!resolved_path(text), "{text}");
        }
        for foreign in [
            "http://evil.example/m",
            "//evil.example/m",
            "https://127.0.0.1:9000/m",
            "http://127.0.0.1:9001/m",
            "http://user@127.0.0.1:9000/m",
            "javascript:alert(1)",
            "\\\\evil.example\\m",
        ] {
            assert_eq!(resolved(foreign), None, "{foreign}");
        }
    }
}
