//! What the wire said about one server, whichever end and order it was heard from.
//!
//! Every fact merges idempotently: the same message read by one side and written by the other counts once.

use std::collections::{BTreeMap, VecDeque};

use super::channel::Flow;
use super::direction::{self, Direction};
use super::evidence::{EvidenceKind, EvidenceList};
use super::text;
use super::{BootTime, MessageCounts};
use crate::mcp::{Id, Likeness, Peek, PeekKind};
use crate::wire::NotMcp;

/// Request ids remembered to match answers with.
const IDS: usize = 32;
/// Id bytes remembered; longer ones match nothing.
const ID_BYTES: usize = 128;
/// Messages without anything of MCP after which a stream is something else.
const FOREIGN: u64 = 256;

/// Where a message was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Counted {
    /// On a channel; by whoever wrote it, or by whoever read it.
    Channel { flow: Flow, wrote: bool },
    /// On a TCP connection, seen at the server.
    Tcp,
}

/// A value that the latest word replaces, in whatever order words arrive.
#[derive(Debug, Clone, Default)]
struct Latest<T>(Option<(BootTime, T)>);

impl<T> Latest<T> {
    fn tell(&mut self, at: BootTime, value: T) {
        if self.0.as_ref().is_none_or(|(known, _)| at >= *known) {
            self.0 = Some((at, value));
        }
    }

    fn get(&self) -> Option<&T> {
        self.0.as_ref().map(|(_, value)| value)
    }
}

/// Everything heard.
#[derive(Debug, Default)]
pub(super) struct Dialogue {
    /// First message on the input that is MCP's own.
    asked_at: Option<BootTime>,
    /// First answer on an output that is MCP's own.
    answered_at: Option<BootTime>,
    /// First answer on an output that matches a request.
    matched_at: Option<BootTime>,
    asked: VecDeque<(Id, BootTime)>,
    answered: VecDeque<(Id, BootTime)>,
    /// What only clients send was heard going *out*, or what only servers send coming *in*.
    reversed: bool,
    server_info: Latest<(String, String)>,
    answered_version: Latest<String>,
    asked_version: Latest<String>,
    client_name: Latest<String>,
    tools: Latest<u32>,
    inbound: BTreeMap<Counted, u64>,
    outbound: BTreeMap<Counted, u64>,
    plain: u64,
    lost: u64,
    foreign: Option<NotMcp>,
    first: Option<BootTime>,
    last: Option<BootTime>,
}

impl Dialogue {
    /// A message to the server.
    pub(super) fn inbound(
        &mut self,
        counted: Counted,
        at: BootTime,
        peek: &Peek,
        evidence: &mut EvidenceList,
    ) {
        let Some(strong) = self.heard(Direction::ToServer, counted, at, peek) else { return };
        match &peek.kind {
            PeekKind::Request { id, method } if strong => {
                self.asked_at = earliest(self.asked_at, at);
                remember(&mut self.asked, id, at);
                evidence.add(EvidenceKind::Request, at, &text::escape(method, 64));
                self.match_answers();
            }
            PeekKind::Notification { method } if strong => {
                self.asked_at = earliest(self.asked_at, at);
                evidence.add(EvidenceKind::Request, at, &text::escape(method, 64));
            }
            PeekKind::Request { .. } | PeekKind::Notification { .. } | PeekKind::Response { .. } => {}
        }
        if let Some(version) = &peek.protocol_version {
            self.asked_version.tell(at, text::escape(version, 32));
        }
        if let Some((name, _)) = &peek.client_info {
            self.client_name.tell(at, text::escape(name, text::NAME));
        }
    }

    /// A message from the server.
    pub(super) fn outbound(
        &mut self,
        counted: Counted,
        at: BootTime,
        peek: &Peek,
        evidence: &mut EvidenceList,
    ) {
        let Some(strong) = self.heard(Direction::ToClient, counted, at, peek) else { return };
        let PeekKind::Response { id, error: false } = &peek.kind else { return };
        remember(&mut self.answered, id, at);
        self.match_answers();
        if strong {
            self.answered_at = earliest(self.answered_at, at);
            evidence.add(EvidenceKind::Response, at, answer(peek));
        }
        if let Some((name, version)) = &peek.server_info {
            let info = (text::escape(name, text::NAME), text::escape(version, text::NAME));
            self.server_info.tell(at, info);
        }
        if let Some(version) = &peek.protocol_version {
            self.answered_version.tell(at, text::escape(version, 32));
        }
        if let Some(tools) = peek.tools {
            self.tools.tell(at, tools);
        }
    }

    /// HTTP headers said it: a request to the server, or its answer.
    pub(super) fn header(&mut self, at: BootTime, from_server: bool) {
        self.moved(at);
        let side = if from_server { &mut self.answered_at } else { &mut self.asked_at };
        *side = earliest(*side, at);
    }

    pub(super) fn gap(&mut self, at: BootTime, bytes: u64) {
        self.moved(at);
        self.lost = self.lost.saturating_add(bytes.max(1));
    }

    /// A stream turned out to be something else. What a server *prints* before the first request may be
    /// anything, so only its input, or another protocol's framing, settles the matter.
    pub(super) fn not_mcp(&mut self, at: BootTime, why: NotMcp, inbound: bool) {
        self.moved(at);
        if inbound || why == NotMcp::ContentLength {
            self.foreign = Some(why);
        }
    }

    /// Counts a message on its way `to` a side, and says whether it is MCP beyond doubt; `None`: only the other side is sent
    /// such a message.
    fn heard(&mut self, to: Direction, counted: Counted, at: BootTime, peek: &Peek) -> Option<bool> {
        self.moved(at);
        count(if to == Direction::ToServer { &mut self.inbound } else { &mut self.outbound }, counted);
        if direction::of(peek).is_some_and(|only| only != to) {
            self.reversed = true;
            return None;
        }
        let strong = peek.mcp == Likeness::Strong;
        self.plain += u64::from(!strong);
        Some(strong)
    }

    fn moved(&mut self, at: BootTime) {
        self.first = earliest(self.first, at);
        self.last = self.last.max(Some(at));
    }

    fn match_answers(&mut self) {
        for (id, answered) in &self.answered {
            if let Some((_, asked)) = self.asked.iter().find(|(asked, _)| asked == id) {
                self.matched_at = earliest(self.matched_at, (*asked).max(*answered));
            }
        }
    }

    /// When MCP had been seen in both directions.
    pub(super) fn confirmed_at(&self) -> Option<BootTime> {
        let answered = match (self.answered_at, self.matched_at) {
            (Some(a), Some(b)) => a.min(b),
            (a, b) => a.or(b)?,
        };
        Some(self.asked_at?.max(answered))
    }

    /// MCP's own was seen in one direction at least.
    pub(super) fn is_mcp(&self) -> bool {
        self.asked_at.is_some() || self.answered_at.is_some()
    }

    /// A client's own messages came in.
    pub(super) fn is_asked(&self) -> bool {
        self.asked_at.is_some()
    }

    /// Since when MCP was seen, in one direction at least.
    pub(super) fn mcp_since(&self) -> Option<BootTime> {
        match (self.asked_at, self.answered_at) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// The process is the *client* of this conversation, or copies the server's words on.
    pub(super) fn is_reversed(&self) -> bool {
        self.reversed && self.asked_at.is_none()
    }

    /// It is something else than MCP.
    pub(super) fn is_foreign(&self) -> bool {
        !self.is_mcp() && (self.foreign.is_some() || self.plain >= FOREIGN)
    }

    /// Nothing left to learn.
    pub(super) fn is_complete(&self) -> bool {
        self.confirmed_at().is_some() && self.server_info.get().is_some() && self.tools.get().is_some()
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    pub(super) fn first(&self) -> Option<BootTime> {
        self.first
    }

    pub(super) fn last(&self) -> Option<BootTime> {
        self.last
    }

    pub(super) fn server_info(&self) -> Option<&(String, String)> {
        self.server_info.get()
    }

    /// The answered revision, or else the one asked for.
    pub(super) fn protocol_version(&self) -> Option<&String> {
        self.answered_version.get().or(self.asked_version.get())
    }

    pub(super) fn client_name(&self) -> Option<&String> {
        self.client_name.get()
    }

    pub(super) fn tools(&self) -> Option<u32> {
        self.tools.get().copied()
    }

    /// Of several places that saw the same messages, the one that saw most.
    pub(super) fn counts(&self) -> MessageCounts {
        let most = |counts: &BTreeMap<Counted, u64>| counts.values().copied().max().unwrap_or(0);
        MessageCounts { c2s: most(&self.inbound), s2c: most(&self.outbound) }
    }
}

fn count(counts: &mut BTreeMap<Counted, u64>, counted: Counted) {
    if counts.len() < 16 || counts.contains_key(&counted) {
        *counts.entry(counted).or_default() += 1;
    }
}

fn remember(ids: &mut VecDeque<(Id, BootTime)>, id: &Id, at: BootTime) {
    let (Id::Number(written) | Id::String(written)) = id;
    if written.len() > ID_BYTES {
        return;
    }
    if let Some((_, known)) = ids.iter_mut().find(|(known, _)| known == id) {
        *known = (*known).min(at);
        return;
    }
    if ids.len() >= IDS {
        ids.pop_front();
    }
    ids.push_back((id.clone(), at));
}

fn answer(peek: &Peek) -> &'static str {
    match (&peek.server_info, &peek.tools) {
        (Some(_), _) => "names the server",
        (None, Some(_)) => "lists tools",
        (None, None) => "answers as MCP",
    }
}

fn earliest(known: Option<BootTime>, at: BootTime) -> Option<BootTime> {
    Some(known.map_or(at, |known| known.min(at)))
}
