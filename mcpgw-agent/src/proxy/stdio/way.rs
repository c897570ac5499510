//! One direction of a session, from its reader's thread.

mod settle;

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;
use std::time::Instant;

use bytes::Bytes;
use rustix::io::Errno;

use super::custody::{self, Custody};
use super::lines::{Lines, Piece, end_of, is_blank};
use super::mailbox::Mailbox;
use super::out::Out;
use super::parked::Parking;
use super::skim::Skim;
use super::wait::wait;
use super::{Ending, Outcome};
use crate::json;
use crate::mcp::{Decoded, Direction, Malformed, Message, MessageKind, Reason, RequestId};
use crate::proxy::gate::{Advice, Framing, Gate, Inquiry, Judged, Party, Passed};
use crate::proxy::reply;
use crate::proxy::room::Share;
use crate::verdict::Hold;

/// Bytes read at a time: what a pipe holds.
const READ_BYTES: usize = 64 * 1024;
/// Lines decided on before the first of them is written, at most.
const BURST: usize = 32;

/// Why a way is at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// The source has no more to give; all it gave is decided on and written.
    Source,
    /// Nobody reads the sink any more.
    Sink,
    /// Somebody stopped the session.
    Stopped,
}

/// A line that waits to be written.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there are few, in memory that is used again, and most are messages"
)]
enum Slot {
    /// No message: passes as it is.
    Blank(Bytes),
    /// A message, and the end of its line.
    Judged(Judged, Bytes),
}

/// A line over the limit, which is passing or being skipped.
#[derive(Debug)]
struct Long {
    skim: Skim,
    /// All of it that had been read when it was over the limit; `None` where it passes.
    refused: Option<Bytes>,
}

/// One direction.
#[derive(Debug)]
pub(super) struct Way {
    gate: Arc<Gate>,
    party: Arc<Party>,
    ending: Arc<Ending>,
    direction: Direction,
    source: OwnedFd,
    out: Out,
    /// What the other way has to say to our sink, and we to its.
    mine: Arc<Mailbox>,
    other: Arc<Mailbox>,
    lines: Lines,
    slots: Vec<Slot>,
    long: Option<Long>,
    parking: Parking,
    /// What rings when something parked is decided.
    waker: Waker,
    custody: Option<Arc<Custody>>,
    /// Answered by what waits to be written.
    answered: Vec<RequestId>,
    /// The ledger says that the client may have part of a line.
    told_mid_line: bool,
}

impl Way {
    pub(super) fn new(
        (gate, party, ending): (Arc<Gate>, Arc<Party>, Arc<Ending>),
        direction: Direction,
        (source, sink): (OwnedFd, OwnedFd),
        (mine, other): (Arc<Mailbox>, Arc<Mailbox>),
        share: Share,
    ) -> Self {
        let lines = Lines::new(gate.limits().bytes, share);
        let (out, slots) = (Out::new(sink), Vec::new());
        let waker = Waker::from(Arc::clone(&mine));
        Self {
            gate,
            party,
            ending,
            direction,
            source,
            out,
            mine,
            other,
            lines,
            slots,
            long: None,
            parking: Parking::default(),
            waker,
            custody: None,
            answered: Vec::new(),
            told_mid_line: false,
        }
    }

    pub(super) fn take_custody(&mut self, custody: &Arc<Custody>) {
        self.out.take_custody(Arc::clone(custody));
        self.custody = Some(Arc::clone(custody));
    }

    pub(super) fn direction(&self) -> Direction {
        self.direction
    }

    /// Moves lines until an end, and closes both descriptors.
    pub(super) fn run(mut self) {
        let ended = self.pump().unwrap_or(Ended::Sink);
        let outcome = match (ended, self.direction) {
            (Ended::Source, Direction::ToServer) | (Ended::Sink, Direction::ToClient) => Outcome::Client,
            (Ended::Source, Direction::ToClient) | (Ended::Sink, Direction::ToServer) => Outcome::Server,
            (Ended::Stopped, _) => Outcome::Stopped,
        };
        self.ending.first.set(outcome).ok();
        self.clear_parking(ended != Ended::Sink);
        if ended != Ended::Sink && self.direction == Direction::ToClient {
            // Whoever is gone now need not be told.
            self.last_words().ok();
        }
        self.mine.close();
        // The other way may wait for us to make room.
        self.other.wake();
    }

    fn pump(&mut self) -> Result<Ended, Errno> {
        let mut chunk = vec![0; READ_BYTES];
        let mut pieces = Vec::new();
        let mut rang = false;
        loop {
            if self.ending.stop.load(Ordering::Acquire) {
                return Ok(Ended::Stopped);
            }
            if rang && !self.out.mid_line() {
                rang = false;
                self.deliver_mail()?;
                self.settle_parked()?;
            }
            let until = self.parking.until().filter(|_| !self.out.mid_line());
            let source = (!self.other.is_full()).then(|| self.source.as_fd());
            let happened = wait(source, self.out.as_fd(), self.mine.bell(), until);
            if happened.sink_gone {
                return Ok(Ended::Sink);
            }
            if happened.rang {
                self.mine.hush();
                rang = true;
                continue;
            }
            if !happened.readable {
                continue;
            }
            let read = match self.read(&mut chunk) {
                Err(Errno::INTR | Errno::AGAIN) => continue,
                Ok(read) => read,
                // A hung-up terminal (EIO) or a reset socket: no more will come.
                Err(_) => 0,
            };
            let since = Instant::now();
            if read == 0 {
                pieces.extend(self.lines.finish());
                self.pieces(&mut pieces, since)?;
                return Ok(Ended::Source);
            }
            self.lines.feed(chunk.get(..read).unwrap_or_default(), &mut pieces);
            self.pieces(&mut pieces, since)?;
        }
    }

    fn read(&self, chunk: &mut [u8]) -> Result<usize, Errno> {
        if self.custody.is_some() {
            Custody::read(self.source.as_fd(), chunk)
        } else {
            rustix::io::read(&self.source, chunk)
        }
    }

    /// Writes all that was added. The ledger knows of part of a line before it can be one, and of an answer once it is out.
    fn flush(&mut self) -> Result<(), Errno> {
        let custody = self.custody.as_deref().filter(|_| self.direction == Direction::ToClient);
        let Some(ledger) = custody.map(Custody::ledger) else { return self.out.flush() };
        if !self.told_mid_line && self.out.is_divisible() {
            self.told_mid_line = true;
            ledger.mid_line(true);
        }
        self.out.flush()?;
        if self.told_mid_line && !self.out.mid_line() {
            self.told_mid_line = false;
            ledger.mid_line(false);
        }
        self.answered.drain(..).for_each(|id| ledger.closed(&id));
        Ok(())
    }

    /// Notes what is asked, before anything is done about it: whoever asked is told if we cannot go on.
    fn note_asked(&self, decoded: &Decoded) {
        let messages = match decoded {
            Decoded::One(message) => std::slice::from_ref(message),
            Decoded::Batch(messages) => messages.as_slice(),
        };
        let custody = self.custody.as_deref().filter(|_| self.direction == Direction::ToServer);
        if let Some(ledger) = custody.map(Custody::ledger) {
            let requests = messages.iter().filter(|message| message.kind() == MessageKind::Request);
            requests.filter_map(Message::id).for_each(|id| ledger.opened(id));
        }
    }

    /// Notes what is about to be answered by what passes.
    fn note_answered(&mut self, passed: &Passed) {
        if self.custody.is_some() && self.direction == Direction::ToClient {
            let answers = passed.messages.iter().filter(|message| message.kind().is_response());
            self.answered.extend(answers.filter_map(|answer| answer.id().cloned()));
            self.answered.extend(passed.to_receiver.iter().filter_map(custody::id_of));
        }
    }

    /// Decides on what was read, and writes what passes.
    fn pieces(&mut self, pieces: &mut Vec<Piece>, since: Instant) -> Result<(), Errno> {
        for piece in pieces.drain(..) {
            match piece {
                Piece::Line(line) => self.line(line, since)?,
                Piece::Start(start) => {
                    self.settle()?;
                    self.begin_long(start, since);
                }
                Piece::More(part) => self.go_on_long(part),
                Piece::Rest(part) => {
                    self.go_on_long(part);
                    self.end_long(since);
                }
            }
            if self.slots.len() >= BURST || self.out.is_full() {
                self.settle()?;
                self.flush()?;
            }
        }
        self.settle()?;
        self.flush()?;
        self.gate.audit().rest();
        Ok(())
    }

    fn line(&mut self, line: Bytes, since: Instant) -> Result<(), Errno> {
        let end = end_of(&line);
        let len = line.len() - end.len();
        if is_blank(&line) {
            self.slots.push(Slot::Blank(line));
        } else if len > self.gate.limits().bytes {
            self.settle()?;
            self.begin_long(line, since);
            self.end_long(since);
        } else {
            let mut text = line;
            text.truncate(len);
            let decoded = self.gate.decode(text.clone(), Framing::Line);
            if let Ok(decoded) = &decoded {
                self.note_asked(decoded);
            }
            let advice = self.advice(&decoded)?;
            let judged = self.gate.judge(&self.party, self.direction, &text, decoded, None, advice, since);
            self.slots.push(Slot::Judged(judged, Bytes::from_static(end)));
        }
        Ok(())
    }

    /// Asks guardrails outside, where there are any to be asked. What was decided on before does not wait for them.
    fn advice(&mut self, decoded: &Result<Decoded, Malformed>) -> Result<Option<Advice>, Errno> {
        let inquiry = self.gate.inquire(&self.party, self.direction, decoded, None);
        if inquiry.as_ref().is_some_and(Inquiry::asks) {
            self.settle()?;
            self.flush()?;
        }
        Ok(inquiry.and_then(Inquiry::wait))
    }

    /// Waits for the records of what was decided on, in order, and adds it to the output.
    fn settle(&mut self) -> Result<(), Errno> {
        let mut slots = std::mem::take(&mut self.slots);
        for slot in slots.drain(..) {
            match slot {
                Slot::Blank(line) => self.out.push(line),
                Slot::Judged(judged, end) => self.sort(judged.wait(), end),
            }
            if self.out.is_full() {
                self.flush()?;
            }
        }
        self.slots = slots;
        Ok(())
    }

    /// Everything to its side. Answers to a batch's refused requests are lines of their own: no client reads arrays here.
    fn sort(&mut self, mut passed: Passed, end: Bytes) {
        for parked in self.parking.cancelled(&passed) {
            self.settle_one(&parked, Hold::Cancelled);
            // Nothing will answer it: nobody waits.
            let custody = self.custody.as_deref().filter(|_| self.direction == Direction::ToServer);
            if let (Some(custody), Some(id)) = (custody, parked.held.message().id()) {
                custody.ledger().closed(id);
            }
        }
        for held in passed.held.drain(..) {
            // One that can be decided on already is met at the next turn.
            self.parking.add(held, end.clone());
            self.mine.wake();
        }
        self.note_answered(&passed);
        if let Some(bytes) = passed.bytes() {
            self.out.push(bytes);
            self.out.push(end);
        }
        passed.to_receiver.into_iter().for_each(|answer| self.out.line(answer));
        passed.to_sender.into_iter().for_each(|answer| self.other.post(answer));
    }

    /// A line turns out to be over the limit: where that is only recorded, it passes without being held.
    fn begin_long(&mut self, start: Bytes, since: Instant) {
        if start.len() <= self.gate.limits().bytes {
            tracing::warn!("there is no room for another long message; it is taken for one over the limit");
        }
        let mut skim = Skim::default();
        skim.feed(&start);
        let mut passes = false;
        if !self.gate.enforces() {
            let passed = self.judge_long(&start, None, since).wait();
            passes = passed.bytes().is_some();
            self.sort(passed, Bytes::new());
        }
        let refused = (!passes).then_some(start);
        self.long = Some(Long { skim, refused });
    }

    fn go_on_long(&mut self, part: Bytes) {
        if let Some(Long { skim, refused }) = &mut self.long {
            skim.feed(&part);
            if refused.is_none() {
                self.out.push(part);
            }
        }
    }

    /// At its end it is known who is to be told.
    fn end_long(&mut self, since: Instant) {
        let Some(Long { skim, refused }) = self.long.take() else { return };
        let (id, passes) = (skim.id(), refused.is_none());
        if let Some(start) = refused {
            let asked = id.clone().filter(|_| self.direction == Direction::ToServer && skim.is_call());
            let mut passed = self.judge_long(&start, asked, since).wait();
            // A policy loaded meanwhile may let it pass, but it is not there any more.
            passed.forward.clear();
            self.sort(passed, Bytes::new());
        }
        if let Some(id) = id.filter(|_| !skim.is_call()) {
            self.answered(&id, passes);
        }
    }

    fn judge_long(&self, start: &Bytes, id: Option<RequestId>, since: Instant) -> Judged {
        let fault = json::Error { fault: json::Fault::TooLong, at: self.gate.limits().bytes };
        let malformed = Malformed { reason: Reason::Json(fault), id };
        self.gate.judge(&self.party, self.direction, start, Err(malformed), None, None, since)
    }

    /// A line nobody could read answered the request `id`, or would have: whoever waits for it should not wait for ever.
    fn answered(&mut self, id: &RequestId, passed: bool) {
        let asked = self.direction.opposite();
        let mut session = self.party.session();
        let is_open = session.unanswered(asked).any(|(open, _)| open == id);
        if is_open {
            session.closed(asked, id);
            drop(session);
            if self.custody.is_some() {
                self.answered.push(id.clone());
            }
            if !passed {
                self.out.line(reply::error(
                    Some(id),
                    reply::PARSE,
                    "the answer is longer than the limit",
                    None,
                ));
            }
        }
    }

    fn deliver_mail(&mut self) -> Result<(), Errno> {
        let (lines, was_full) = self.mine.take();
        if self.custody.is_some() {
            self.answered.extend(lines.iter().filter_map(custody::id_of));
        }
        lines.into_iter().for_each(|line| self.out.line(line));
        if was_full {
            self.other.wake();
        }
        self.flush()
    }

    /// The server is gone, or the gateway leaves: nobody is left waiting. A client that has closed its input has said that
    /// it waits for nothing but the end.
    fn last_words(&mut self) -> Result<(), Errno> {
        self.deliver_mail()?;
        if self.ending.first.get() == Some(&Outcome::Client) {
            return Ok(());
        }
        let mut session = self.party.session();
        let mut open: Vec<(u64, RequestId)> = session
            .unanswered(Direction::ToServer)
            .map(|(id, request)| (request.since_us, id.clone()))
            .chain(session.waiting(Direction::ToServer).map(|id| (u64::MAX, id.clone())))
            .collect();
        open.iter().for_each(|(_, id)| session.closed(Direction::ToServer, id));
        drop(session);
        // What was refused at the end meanwhile.
        self.deliver_mail()?;
        if !open.is_empty() && self.ending.first.get() == Some(&Outcome::Server) {
            self.gate.metrics().upstream_failed();
        }
        open.sort_by_key(|(since_us, _)| *since_us);
        for (_, id) in open {
            self.out.line(reply::error(Some(&id), reply::UNAVAILABLE, "the server is gone", None));
            if self.custody.is_some() {
                self.answered.push(id);
            }
            if self.out.is_full() {
                self.flush()?;
            }
        }
        self.flush()
    }
}
