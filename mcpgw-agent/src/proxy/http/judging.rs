//! Decoding and judging, the only long work there is: beside the thread of the connection where a text is large, for others
//! on that thread do not wait for it.

use std::future::pending;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use hyper::header::HeaderMap;
use tokio::sync::oneshot;

use super::exchange::Front;
use super::headers;
use super::session::Session;
use crate::mcp::{Decoded, Direction, Malformed, Message, MessageKind};
use crate::proxy::gate::{Advice, Framing, Gate, Judged, Party, Passed};
use crate::session::Place;
use crate::tasks::Lane;
use crate::verdict::Cause;

/// From so many bytes on a text is large: it takes longer than it takes to hand it to another thread and back, many times
/// over.
const LARGE_BYTES: usize = 64 << 10;

impl Front {
    /// Decodes a body or an event's data.
    pub(super) async fn decode(&self, bytes: &Bytes) -> Result<Decoded, Malformed> {
        let Some(lane) = self.aside(bytes) else { return self.gate.decode(bytes.clone(), Framing::Body) };
        let (gate, bytes) = (Arc::clone(&self.gate), bytes.clone());
        let (tell, told) = oneshot::channel();
        lane.aside(move || {
            // Where the client has left nobody wants to know.
            tell.send(gate.decode(bytes, Framing::Body)).ok();
        });
        received(told).await
    }

    /// Judges what a client sent with `headers`, and waits for the record.
    pub(super) async fn judge_client(
        &self,
        session: &Arc<Session>,
        headers: &HeaderMap,
        bytes: &Bytes,
        decoded: Result<Decoded, Malformed>,
        since: Instant,
    ) -> Passed {
        let objection = match &decoded {
            Ok(Decoded::One(message)) => {
                let revision = session.party.session().revision();
                headers::agree(headers, message, revision, Some(&self.schemas())).err()
            }
            Ok(Decoded::Batch(_)) => headers::agree_batch(headers).err(),
            Err(_) => None,
        };
        let said = Said::ByClient(objection);
        self.judge(session, said, bytes, decoded, since).await
    }

    /// Judges what the server sent in `place`, and waits for the record.
    pub(super) async fn judge_server(
        &self,
        session: &Arc<Session>,
        place: &Place,
        bytes: &Bytes,
        decoded: Result<Decoded, Malformed>,
        since: Instant,
    ) -> Passed {
        let lists_tools = match &decoded {
            Ok(Decoded::One(message)) if message.kind() == MessageKind::Result => {
                let session = session.party.session();
                session.request_of(place, message).is_some_and(|open| &*open.method == "tools/list")
            }
            Ok(_) | Err(_) => false,
        };
        let said = Said::ByServer(place.clone());
        let passed = self.judge(session, said, bytes, decoded, since).await;
        if let (true, [message]) = (lists_tools, passed.messages.as_slice())
            && let Some(result) = message.result()
        {
            self.schemas().learn(result);
        }
        passed
    }

    async fn judge(
        &self,
        session: &Arc<Session>,
        said: Said,
        bytes: &Bytes,
        decoded: Result<Decoded, Malformed>,
        since: Instant,
    ) -> Passed {
        let party = &session.party;
        let inquiry = match &said {
            Said::ByClient(objection) => {
                self.gate.inquire(party, Direction::ToServer, &decoded, objection.as_ref())
            }
            Said::ByServer(place) => {
                self.gate.settled(party, place, &decoded).await;
                self.gate.inquire_said(party, place, &decoded)
            }
        };
        let advice = match inquiry {
            Some(inquiry) => Some(inquiry.ready().await),
            None => None,
        };
        let Some(lane) = self.aside(bytes) else {
            return said.judged(&self.gate, party, bytes, decoded, advice, since).ready().await;
        };
        let (gate, session, bytes) = (Arc::clone(&self.gate), Arc::clone(session), bytes.clone());
        let (tell, told) = oneshot::channel();
        lane.aside(move || {
            let judged = said.judged(&gate, &session.party, &bytes, decoded, advice, since);
            if let Err(judged) = tell.send(judged) {
                abandoned(&session, said.direction(), judged);
            }
        });
        received(told).await.ready().await
    }

    /// Where to work on `bytes`, if not here.
    fn aside(&self, bytes: &Bytes) -> Option<&Lane> {
        self.lane.as_ref().filter(|_| bytes.len() >= LARGE_BYTES)
    }
}

/// Who said something, and what the transport knows of it.
enum Said {
    /// What it has against it.
    ByClient(Option<Cause>),
    /// Where.
    ByServer(Place),
}

impl Said {
    fn direction(&self) -> Direction {
        match self {
            Self::ByClient(_) => Direction::ToServer,
            Self::ByServer(_) => Direction::ToClient,
        }
    }

    fn judged(
        &self,
        gate: &Gate,
        party: &Party,
        bytes: &Bytes,
        decoded: Result<Decoded, Malformed>,
        advice: Option<Advice>,
        since: Instant,
    ) -> Judged {
        match self {
            Self::ByClient(objection) => {
                let direction = Direction::ToServer;
                gate.judge(party, direction, bytes, decoded, objection.as_ref(), advice, since)
            }
            Self::ByServer(place) => gate.judge_said(party, place, bytes, decoded, advice, since),
        }
    }
}

/// Whoever sent it has left: what was let through does not go on, so nothing answers it.
fn abandoned(session: &Session, direction: Direction, judged: Judged) {
    let passed = judged.wait();
    let is_request = |message: &&Message| message.kind() == MessageKind::Request;
    let party = &session.party;
    let mut session = party.session();
    for id in passed.messages.iter().filter(is_request).filter_map(Message::id) {
        session.closed(direction, id);
    }
    party.abandon_calls(&session);
}

async fn received<T>(told: oneshot::Receiver<T>) -> T {
    match told.await {
        Ok(told) => told,
        // The thread was not started any more: all this is about to be dropped.
        Err(_dropped) => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::mcp::RequestId;
    use crate::policy::Principal;
    use crate::proxy::gateway::Gateway;
    use crate::proxy::http::session::context;

    #[test]
    fn what_nobody_waits_for_any_more_is_not_open() {
        let state = tempfile::tempdir().unwrap();
        let gateway = Gateway::open(&config::Gateway::default(), state.path()).unwrap();
        let context = context("server", "http://host/", false, Principal::default());
        let session = Session::new(Party::new("a", context), None);
        let text = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}}"#;
        let (direction, bytes) = (Direction::ToServer, Bytes::from_static(text));
        let decoded = gateway.gate().decode(bytes.clone(), Framing::Body);
        let judged =
            gateway.gate().judge(&session.party, direction, &bytes, decoded, None, None, Instant::now());
        let is_open = || session.party.session().request(direction, &RequestId::Integer(1)).is_some();
        assert!(is_open());
        abandoned(&session, direction, judged);
        assert!(!is_open());
    }
}
