//! A server over HTTP: which session what passes over its connections belongs to.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use super::Watched;
use super::judge::{Judge, Missing, is_initialize};
use super::session::Session;
use crate::inventory::{BootTime, Followed, ProcessKey, StreamSource, Transport, quietest};
use crate::mcp::{Direction, Revision};
use crate::proxy::gate::Framing;
use crate::wire::{Heard, Hearing};

/// Sessions, and connections, of one server.
const SESSIONS: usize = 512;
const CONNECTIONS: usize = 1024;

/// A session that asks nothing for so long waits for no answer.
const SILENCE: Duration = Duration::from_secs(600);

/// A server, and where what it does is told, if it is.
type About<'a> = (&'a Followed, Option<&'a Watched>);

/// Whose session one is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    /// The one the server gave this `Mcp-Session-Id`.
    Id(String),
    /// Of this process, which names none.
    Process(ProcessKey),
    /// Of somebody at this address, who names none.
    Address(Option<IpAddr>),
}

/// Where a connection stands.
#[derive(Debug)]
struct Connection {
    client: Option<ProcessKey>,
    remote: Option<IpAddr>,
    /// The session of the latest request.
    session: Option<Session>,
    /// That request named none.
    is_nameless: bool,
    revision: Option<Revision>,
    used: BootTime,
}

#[derive(Debug)]
struct Known {
    session: Session,
    used: BootTime,
}

/// Sessions of one server.
#[derive(Debug, Default)]
pub(super) struct Web {
    sessions: HashMap<Key, Known>,
    connections: HashMap<u64, Connection>,
}

impl Web {
    /// Takes what was heard on a connection whose client is the process `client`, where that is known.
    pub(super) fn hear(
        &mut self,
        about: About<'_>,
        client: Option<ProcessKey>,
        heard: Heard,
        judge: &mut Judge,
    ) {
        let Heard { source, connection, at, what } = heard;
        let (remote, from_server, stream) = match source {
            StreamSource::Tcp { addrs, from_server, .. } => {
                (Some(addrs.remote.ip()), from_server, format!("tcp:{}-{}", addrs.remote, addrs.local))
            }
            StreamSource::Tls { process, from_server, .. } => {
                (None, from_server, format!("tls of pid {}", process.pid))
            }
            StreamSource::Channel { .. } => return,
        };
        self.make_room();
        let place = self.connections.entry(connection).or_insert_with(|| Connection {
            client: None,
            remote,
            session: None,
            is_nameless: true,
            revision: None,
            used: at,
        });
        place.used = place.used.max(at);
        place.client = client.or(place.client);
        let direction = if from_server { Direction::ToClient } else { Direction::ToServer };
        match what {
            Hearing::Request { session, revision, .. } => {
                self.request(about, connection, session, revision, at, judge)
            }
            Hearing::Answer { session } => self.answer(connection, session, at, judge),
            Hearing::Endpoint(_) => {}
            Hearing::Text(text) => {
                let begins = direction == Direction::ToServer && is_initialize(judge, &text);
                let Some(session) = self.session(about, connection, begins, at, judge) else { return };
                judge.text(&session, direction, &text, Framing::Body, None);
            }
            Hearing::Long => {
                let Some(session) = self.session(about, connection, false, at, judge) else { return };
                judge.long(&session, direction, &bytes::Bytes::new());
            }
            Hearing::Encoded => {
                let Some(session) = self.session(about, connection, false, at, judge) else { return };
                let missing = Missing { direction, bytes: None, stream: &stream, why: "encoded" };
                judge.missing(&session, &missing);
            }
            Hearing::Gap { bytes } => {
                let Some(session) = self.session(about, connection, false, at, judge) else { return };
                let missing = Missing { direction, bytes: Some(bytes), stream: &stream, why: "lost" };
                judge.missing(&session, &missing);
            }
        }
    }

    /// Of sessions that ask nothing for long, what is open at `now` will not be answered: an answer may have been missed, and its call
    /// is not to be taken for ever for one that did what others do.
    pub(super) fn give_up(&self, now: BootTime, judge: &Judge) {
        for known in self.sessions.values().filter(|known| now.since(known.used) >= SILENCE) {
            judge.sessions.gate.note_last_effects(&known.session.party);
        }
    }

    /// The server is gone, or nobody's business any more.
    pub(super) fn close(&mut self, judge: &Judge) {
        let mut closed: Vec<String> = Vec::new();
        for (_, known) in self.sessions.drain() {
            let id = known.session.party.id();
            if !closed.iter().any(|closed| closed == id) {
                closed.push(id.to_owned());
                known.session.party.heard(BootTime(u64::MAX));
                judge.sessions.close(&known.session);
            }
        }
        self.connections.clear();
    }

    fn request(
        &mut self,
        about: About<'_>,
        connection: u64,
        session: Option<String>,
        revision: Option<String>,
        at: BootTime,
        judge: &mut Judge,
    ) {
        let named = session.map(|id| {
            let key = Key::Id(id);
            match self.sessions.get_mut(&key) {
                Some(known) => {
                    known.used = at;
                    known.session.clone()
                }
                None => {
                    let client = self.connections.get(&connection).and_then(|place| place.client);
                    let session = judge.sessions.open(about.0, client, about.1);
                    // Its beginning was not seen.
                    session.party.blinded();
                    self.keep(key, &session, at, judge);
                    session
                }
            }
        });
        let Some(place) = self.connections.get_mut(&connection) else { return };
        place.is_nameless = named.is_none();
        place.session = named;
        place.revision = revision.as_deref().and_then(Revision::named);
        if let (Some(session), Some(revision)) = (&place.session, place.revision) {
            settle_revision(session, revision);
        }
    }

    /// The answer to `initialize` names the session.
    fn answer(&mut self, connection: u64, session: Option<String>, at: BootTime, judge: &Judge) {
        let Some(id) = session else { return };
        let key = Key::Id(id);
        let place = self.connections.get(&connection);
        if let Some(session) = place.and_then(|place| place.session.clone())
            && !self.sessions.contains_key(&key)
        {
            self.keep(key, &session, at, judge);
        }
    }

    /// The session of what passes over `connection`; a new one where it `begins` there.
    fn session(
        &mut self,
        about: About<'_>,
        connection: u64,
        begins: bool,
        at: BootTime,
        judge: &Judge,
    ) -> Option<Session> {
        let place = self.connections.get_mut(&connection)?;
        if let Some(session) = &place.session
            && !begins
        {
            session.party.heard(at);
            return Some(session.clone());
        }
        let (client, remote) = (place.client, place.remote);
        let key = client.map_or(Key::Address(remote), Key::Process);
        let known = self.sessions.get_mut(&key).filter(|_| !begins);
        let session = match known {
            Some(known) => {
                known.used = at;
                known.session.clone()
            }
            None => {
                let session = judge.sessions.open(about.0, client, about.1);
                // Whoever names none may have several, and what answers on another connection cannot be told apart.
                if !begins || about.0.transport == Transport::Sse {
                    session.party.blinded();
                }
                self.keep(key, &session, at, judge);
                session
            }
        };
        let place = self.connections.get_mut(&connection)?;
        if let Some(revision) = place.revision {
            settle_revision(&session, revision);
        }
        place.session = Some(session.clone());
        session.party.heard(at);
        Some(session)
    }

    fn keep(&mut self, key: Key, session: &Session, at: BootTime, judge: &Judge) {
        let uses = self.sessions.iter().map(|(key, known)| (key, known.used));
        if let Some(oldest) = quietest(uses, SESSIONS) {
            self.drop_one(&oldest, judge);
        }
        let known = Known { session: session.clone(), used: at };
        if let Some(before) = self.sessions.insert(key, known) {
            self.end(&before.session, judge);
        }
    }

    fn drop_one(&mut self, key: &Key, judge: &Judge) {
        if let Some(known) = self.sessions.remove(key) {
            self.end(&known.session, judge);
        }
    }

    /// A session is over, unless it is known by another name as well.
    fn end(&self, session: &Session, judge: &Judge) {
        let id = session.party.id();
        if !self.sessions.values().any(|known| known.session.party.id() == id) {
            judge.sessions.close(session);
        }
    }

    fn make_room(&mut self) {
        let uses = self.connections.iter().map(|(key, place)| (key, place.used));
        quietest(uses, CONNECTIONS).and_then(|key| self.connections.remove(&key));
    }
}

/// What a header says counts where nothing was agreed on that was seen.
fn settle_revision(session: &Session, revision: Revision) {
    let mut state = session.party.session();
    if state.revision().is_none() {
        state.set_revision(revision);
    }
}
