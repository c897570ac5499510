//! An answer that comes in parts: every message of it goes through the gate, and on, as it comes.
//!
//! Nothing waits for the end, nothing is held back but what is not complete, and the next part is read when the one
//! before is written. There is no time-out: a stream may be silent for as long as both sides keep it open.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::sync::mpsc;

use super::asked::Asked;
use super::encoding::Decoder;
use super::exchange::{Front, joined, outgoing};
use super::legacy::Endpoint;
use super::sse::{self, Event};
use super::upstream::Lease;
use super::values::Splitter;
use crate::mcp::{Decoded, Direction, Malformed, MessageKind, Revision};
use crate::proxy::gate::Passed;
use crate::proxy::reply;
use crate::proxy::room::{Full, Taken};
use crate::session::Violation;
use crate::verdict::Cause;

/// Texts of a stream that are no messages, at most. Each has a record, and compressed they cost a server nothing.
const UNREADABLE: usize = 1000;

/// A stream on its way to the client.
pub(super) struct Stream {
    pub(super) front: Arc<Front>,
    pub(super) asked: Asked,
    pub(super) body: Incoming,
    pub(super) lease: Option<Lease>,
    /// Where the body is compressed.
    pub(super) decoder: Option<Decoder>,
    pub(super) parser: Parser,
    /// Its charset says of anything else something else than UTF-8.
    pub(super) must_be_ascii: bool,
    /// For what the parser holds.
    pub(super) taken: Taken,
    /// The client asked for what it missed: messages may come again.
    pub(super) replays: bool,
    /// The answer to another request was refused here. A client that takes whatever comes for its own answer has none then,
    /// and need not come back for it.
    pub(super) is_astray: bool,
    /// It answers no request, so it ends with the gateway.
    pub(super) listens: bool,
    /// HTTP+SSE: its endpoint, and the gateway's own answers.
    pub(super) endpoint: Option<(Endpoint, mpsc::Receiver<Bytes>)>,
    pub(super) ready: VecDeque<Bytes>,
    pub(super) ended: bool,
    /// How many texts were no messages.
    pub(super) unreadable: usize,
}

/// What is dealt with at once.
enum Part {
    Event(Result<Event, sse::Fault>),
    Text(Bytes),
}

/// How messages stand in the stream.
pub(super) enum Parser {
    /// Server-sent events.
    Events(sse::Reader),
    /// One JSON text after the other.
    Texts(Splitter),
}

/// What comes next.
enum Next {
    Data(Bytes),
    Own(Bytes),
    End,
    Failed,
    /// The gateway ends.
    Late,
}

impl Stream {
    /// The next bytes to write, and what is left.
    pub(super) async fn step(mut self: Box<Self>) -> Option<(Bytes, Box<Self>)> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                return Some((bytes, self));
            }
            if self.ended {
                return None;
            }
            // One at a time: what a client has not read yet is not made.
            if let Some(part) = self.complete() {
                self.part(part).await;
                continue;
            }
            match self.next().await {
                Next::Data(data) => match self.decoder.as_mut().map(|decoder| decoder.push(&data)) {
                    None => self.take(&data),
                    Some(Ok(data)) => self.take(&data),
                    Some(Err(fault)) => {
                        tracing::warn!(%fault, "the server's stream cannot be decompressed");
                        self.end(false);
                    }
                },
                Next::Own(answer) => self.ready.push_back(sse::message(&answer)),
                Next::End => self.end(true),
                Next::Failed => self.end(false),
                Next::Late => {
                    self.cut("the gateway ends");
                }
            }
        }
    }

    async fn next(&mut self) -> Next {
        let ends_at_once = self.listens && !self.is_waited_for();
        loop {
            let own = async {
                match &mut self.endpoint {
                    Some((_, own)) => own.recv().await,
                    None => None,
                }
            };
            let frame = tokio::select! {
                biased;
                frame = self.body.frame() => frame,
                Some(answer) = own => return Next::Own(answer),
                () = self.front.ended(), if ends_at_once => return Next::End,
                () = self.front.late(), if !ends_at_once => return Next::Late,
            };
            match frame.map(|frame| frame.map(hyper::body::Frame::into_data)) {
                None => return Next::End,
                Some(Err(error)) => {
                    tracing::debug!(%error, "the server's stream broke off");
                    return Next::Failed;
                }
                Some(Ok(Ok(data))) => return Next::Data(data),
                // Trailers say nothing MCP knows.
                Some(Ok(Err(_trailers))) => {}
            }
        }
    }

    fn take(&mut self, data: &[u8]) {
        if self.must_be_ascii && !data.is_ascii() {
            tracing::warn!("the server's stream is in a charset that is not known");
            return self.end(false);
        }
        match &mut self.parser {
            Parser::Events(reader) => drop(reader.push(data)),
            Parser::Texts(splitter) => {
                if splitter.push(data).is_err() {
                    tracing::warn!("the server's stream cannot be read on: a text is longer than the limit");
                    return self.end(false);
                }
            }
        }
        self.make_room();
    }

    /// The next event or text that is complete.
    fn complete(&mut self) -> Option<Part> {
        let part = match &mut self.parser {
            Parser::Events(reader) => reader.push(&[]).next().map(Part::Event),
            Parser::Texts(splitter) => splitter.next().map(Part::Text),
        }?;
        self.make_room();
        Some(part)
    }

    async fn part(&mut self, part: Part) {
        match part {
            Part::Event(Ok(event)) => self.event(event).await,
            Part::Event(Err(fault)) => {
                tracing::warn!(%fault, "the server's stream cannot be read on");
                self.end(false);
            }
            Part::Text(text) => {
                if let Some(text) = self.message(&text, false).await {
                    self.send(text);
                    self.ready.push_back(Bytes::from_static(b"\n"));
                }
            }
        }
    }

    /// Writes `bytes` when the client reads, which take room until then; without, the stream ends.
    fn send(&mut self, bytes: Bytes) {
        match self.asked.share.hold(bytes) {
            Ok(bytes) => self.ready.push_back(bytes),
            Err(Full) => self.is_full(),
        }
    }

    fn is_full(&mut self) {
        tracing::warn!("there is no room for another long message: a server's stream is ended");
        self.cut("too much is on its way already");
    }

    /// For what is not taken out yet; without, the stream ends.
    fn make_room(&mut self) {
        let held = match &self.parser {
            Parser::Events(reader) => reader.buffered(),
            Parser::Texts(splitter) => splitter.buffered(),
        };
        if self.taken.resize(held).is_err() {
            self.is_full();
        }
    }

    async fn event(&mut self, event: Event) {
        if event.is_endpoint() {
            let told = super::legacy::endpoint(self, &event);
            self.ready.extend(told);
            return;
        }
        if let Some(id) = event.id().filter(|id| !id.is_empty() && self.can_be_taken_up()) {
            self.asked.session.mark(&self.asked.place, id);
        }
        let Some(data) = event.data().filter(|_| event.is_to_be_judged()).cloned() else {
            // Comments keep the connection alive, an id without a message is the client's place in the stream.
            self.asked.keeps_open |= event.id().is_some() && self.can_be_taken_up();
            self.send(event.written());
            return;
        };
        let has_id = event.id().is_some_and(|id| !id.is_empty());
        if let Some(text) = self.message(&data, has_id).await {
            self.send(event.with_data(&text));
        }
    }

    /// What the client gets of one message; nothing where it is refused and nobody waits for it.
    async fn message(&mut self, data: &Bytes, has_id: bool) -> Option<Bytes> {
        let since = Instant::now();
        let decoded = self.front.decode(data).await;
        if decoded.is_err() {
            self.unreadable += 1;
        }
        if self.unreadable > UNREADABLE {
            tracing::warn!("the server's stream holds too much that is no message: it is ended");
            self.end(false);
            return None;
        }
        self.expect(&decoded, has_id);
        let session = Arc::clone(&self.asked.session);
        let passed = self.front.judge_server(&session, &self.asked.place, data, decoded, since).await;
        self.look_for_strays(&passed);
        for answer in &passed.to_sender {
            self.front.tell_server(&session, answer.clone()).await;
        }
        merged(&passed, data)
    }

    /// Whose answer was refused because it is another's is told so at the end, unless the answer comes after all.
    fn look_for_strays(&mut self, passed: &Passed) {
        let is_stray = matches!(
            passed.cause,
            Some(Cause::Violation(Violation::Misplaced | Violation::Unsolicited)) if passed.refused > 0
        );
        if is_stray && self.asked.place.requests().is_some() {
            let waiting = std::mem::take(&mut self.asked.waiting);
            self.asked.ids.extend(waiting);
            self.is_astray = true;
            self.asked.keeps_open = false;
        }
    }

    /// Prepares the session for messages that may come twice.
    fn expect(&mut self, decoded: &Result<Decoded, Malformed>, has_id: bool) {
        if !self.replays && !has_id {
            return;
        }
        // A stream with ids can be taken up again where it breaks off.
        self.asked.keeps_open |= has_id && self.can_be_taken_up();
        let messages = match decoded {
            Ok(Decoded::One(message)) => std::slice::from_ref(message),
            Ok(Decoded::Batch(messages)) => messages,
            Err(_) => return,
        };
        let session = &self.asked.session;
        for message in messages {
            let Some(id) = message.id() else { continue };
            match message.kind() {
                MessageKind::Result | MessageKind::Error if !self.asked.place.holds(id) => {}
                MessageKind::Result | MessageKind::Error => {
                    if self.replays {
                        session.replay(id);
                    }
                    if has_id {
                        session.remember(id);
                    }
                }
                MessageKind::Request if self.replays => {
                    session.party.session().closed(Direction::ToClient, id);
                }
                MessageKind::Request | MessageKind::Notification => {}
            }
        }
    }

    /// HTTP+SSE: answers are still to come on this stream.
    fn is_waited_for(&self) -> bool {
        let session = || self.asked.session.party.session();
        self.endpoint.is_some() && session().unanswered(Direction::ToServer).next().is_some()
    }

    /// Streams with ids can, until 2026-07-28.
    fn can_be_taken_up(&self) -> bool {
        !self.is_astray && !self.asked.session.party.session().revision().is_some_and(Revision::is_modern)
    }

    /// Nothing more comes from the server. Who waits for an answer that can come no other way is told so.
    pub(super) fn end(&mut self, is_whole: bool) {
        if let Some(lease) = self.lease.take().filter(|_| is_whole) {
            self.front.upstream.give_back(lease);
        }
        if self.cut("the server's answer broke off") {
            self.front.gate.metrics().upstream_failed();
        }
    }

    /// Ends the stream; says whether somebody waited.
    fn cut(&mut self, text: &str) -> bool {
        self.ended = true;
        if self.asked.keeps_open {
            return false;
        }
        let unanswered = if self.endpoint.is_some() {
            // HTTP+SSE: everything is answered on this stream.
            self.asked.session.give_up()
        } else {
            self.asked.unanswered()
        };
        for id in &unanswered {
            let error = reply::error(Some(id), reply::UNAVAILABLE, text, None);
            match self.parser {
                Parser::Events(_) => self.ready.push_back(sse::message(&error)),
                Parser::Texts(_) => self.ready.extend([error, Bytes::from_static(b"\n")]),
            }
        }
        !unanswered.is_empty()
    }
}

/// What goes on to the client, answers in the stead of refused ones included.
pub(super) fn merged(passed: &Passed, original: &Bytes) -> Option<Bytes> {
    if passed.to_receiver.is_empty() {
        return outgoing(passed, original);
    }
    let forwarded = passed.forward.iter().map(|permitted| permitted.bytes().clone());
    let texts: Vec<Bytes> = forwarded.chain(passed.to_receiver.iter().cloned()).collect();
    Some(joined(&texts, passed.is_batch()))
}
