//! The daemon's sessions: how many there may be, which there are, and their end.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::session;
use crate::admin::Peer;
use crate::config::GatewayLimits;
use crate::inventory::MessageCounts;
use crate::mcp::Direction;
use crate::policy::effects::{Confinement, Surroundings};
use crate::proxy::effects::Followed;
use crate::proxy::gate::{Gate, Party};
use crate::proxy::hold::Holds;
use crate::proxy::stdio::Stop;

/// One open session, as `status` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    /// Its id in the audit log.
    pub id: String,
    /// The server's name.
    pub server: String,
    /// Process id of the wrap that handed it over.
    pub pid: u32,
    /// The wrap's user.
    pub uid: u32,
    /// Executable of the client, where it is known.
    pub client: Option<String>,
    /// When it began.
    pub since: Timestamp,
    /// Messages let through.
    pub messages: MessageCounts,
    /// Messages refused.
    pub refused: u64,
}

/// There is no place for another session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooMany {
    /// In all.
    #[error("too many sessions are open")]
    Sessions,
    /// Of this user.
    #[error("this user has too many sessions open")]
    OfUser,
    /// The agent stops.
    #[error("the agent is stopping")]
    Stopping,
}

/// All sessions. A clone is the same set.
#[derive(Debug, Clone)]
pub struct Sessions(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    gate: Arc<Gate>,
    /// What waits for a person, of all sessions.
    holds: Arc<Holds>,
    limits: GatewayLimits,
    table: Mutex<Table>,
    /// Notified whenever a session is over.
    over: Condvar,
}

#[derive(Debug, Default)]
struct Table {
    stopping: bool,
    next: u64,
    entries: BTreeMap<u64, Entry>,
    /// Threads that are over, or as good as, and to be joined.
    finished: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Entry {
    peer: Peer,
    since: Timestamp,
    /// What ends it, and its messages; `None` until it has begun.
    running: Option<(Stop, Arc<Party>)>,
    thread: Option<JoinHandle<()>>,
}

/// A session's place among the others, given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    shared: Arc<Shared>,
    id: u64,
    peer: Peer,
    followed: Option<Followed>,
    confinement: Option<Box<Confinement>>,
    around: Surroundings,
}

impl Sessions {
    /// No sessions yet; all will go through `gate`, and what is held waits in `holds`.
    #[must_use]
    pub fn new(gate: Arc<Gate>, holds: Arc<Holds>, limits: GatewayLimits) -> Self {
        Self(Arc::new(Shared { gate, holds, limits, table: Mutex::default(), over: Condvar::new() }))
    }

    /// A place for a session of `peer`.
    ///
    /// # Errors
    /// [`TooMany`]
    pub fn place(&self, peer: Peer) -> Result<Place, TooMany> {
        self.join_finished();
        let mut table = self.0.table();
        let limit = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        if table.stopping {
            return Err(TooMany::Stopping);
        }
        if table.entries.len() >= limit(self.0.limits.sessions) {
            return Err(TooMany::Sessions);
        }
        let own = table.entries.values().filter(|entry| entry.peer.uid == peer.uid).count();
        if own >= limit(self.0.limits.sessions_per_user) {
            return Err(TooMany::OfUser);
        }
        table.next += 1;
        let id = table.next;
        let entry = Entry { peer, since: Timestamp::now(), running: None, thread: None };
        table.entries.insert(id, entry);
        Ok(Place {
            shared: Arc::clone(&self.0),
            id,
            peer,
            followed: None,
            confinement: None,
            around: Surroundings::default(),
        })
    }

    /// What waits for a person.
    #[must_use]
    pub fn holds(&self) -> &Arc<Holds> {
        &self.0.holds
    }

    /// The open sessions, oldest first.
    #[must_use]
    pub fn views(&self) -> Vec<SessionView> {
        let table = self.0.table();
        let running = table.entries.values().filter_map(|entry| Some((entry, entry.running.as_ref()?)));
        running
            .map(|(entry, (_, party))| SessionView {
                id: party.id().to_owned(),
                server: party.context().server.to_string(),
                pid: entry.peer.pid,
                uid: entry.peer.uid,
                client: party.context().client.as_deref().map(str::to_owned),
                since: entry.since,
                messages: MessageCounts {
                    c2s: party.tally().forwarded(Direction::ToServer),
                    s2c: party.tally().forwarded(Direction::ToClient),
                },
                refused: party.tally().refused(),
            })
            .collect()
    }

    /// Records what servers did while no call of theirs was open.
    pub fn note_strays(&self) {
        let running = |entry: &Entry| entry.running.as_ref().map(|(_, party)| Arc::clone(party));
        // The table is needed by whoever begins or ends a session; records may take a while.
        let parties: Vec<_> = self.0.table().entries.values().filter_map(running).collect();
        parties.iter().for_each(|party| self.0.gate.note_strays(party));
    }

    /// Ends all sessions: what is being written is finished, and every open request is answered with an error. Waits
    /// for it at most `grace`, and says how many sessions are left then.
    pub fn stop(&self, grace: Duration) -> usize {
        let mut table = self.0.table();
        table.stopping = true;
        table.entries.values().filter_map(|entry| entry.running.as_ref()).for_each(|(stop, _)| stop.stop());
        let waited = self.0.over.wait_timeout_while(table, grace, |table| !table.entries.is_empty());
        let left = waited.unwrap_or_else(PoisonError::into_inner).0.entries.len();
        self.join_finished();
        left
    }

    fn join_finished(&self) {
        let finished: Vec<_> = {
            let mut table = self.0.table();
            table.finished.extract_if(.., |thread| thread.is_finished()).collect()
        };
        for thread in finished {
            // It does not panic; and if it did, it is over all the same.
            thread.join().ok();
        }
    }
}

impl Place {
    /// Takes over the session that the wrap on `stream` is about to hand over; its server is called `server`. The session
    /// runs in threads of its own, and what goes wrong with it is logged.
    ///
    /// # Errors
    /// There is no thread left.
    pub fn start(mut self, stream: UnixStream, server: String) -> io::Result<()> {
        let (shared, id) = (Arc::clone(&self.shared), self.id);
        let followed = self.followed.take();
        let builder = thread::Builder::new().name("session".into());
        let thread = builder.spawn(move || {
            session::run(&self.shared.gate, &self.shared.holds, &self, &stream, (server, followed))
        })?;
        let mut table = shared.table();
        match table.entries.get_mut(&id) {
            Some(entry) => entry.thread = Some(thread),
            // It is over already.
            None => table.finished.push(thread),
        }
        Ok(())
    }

    /// What the server of the session does to the host is followed.
    #[must_use]
    pub fn followed_by(mut self, followed: Option<Followed>) -> Self {
        self.followed = followed;
        self
    }

    /// The server of the session runs in these surroundings, and is to be confined so.
    #[must_use]
    pub fn confined(mut self, around: Surroundings, confinement: Option<Confinement>) -> Self {
        self.around = around;
        self.confinement = confinement.map(Box::new);
        self
    }

    /// Where the server of the session runs.
    #[must_use]
    pub fn around(&self) -> &Surroundings {
        &self.around
    }

    /// How the server is to be confined.
    pub(super) fn confinement(&self) -> Option<&Confinement> {
        self.confinement.as_deref()
    }

    /// Who handed the session over.
    pub(super) fn peer(&self) -> Peer {
        self.peer
    }

    /// The session has begun.
    pub(super) fn begun(&self, stop: Stop, party: Arc<Party>) {
        let mut table = self.shared.table();
        if table.stopping {
            stop.stop();
        }
        if let Some(entry) = table.entries.get_mut(&self.id) {
            entry.since = Timestamp::now();
            entry.running = Some((stop, party));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut table = self.shared.table();
        let thread = table.entries.remove(&self.id).and_then(|entry| entry.thread);
        table.finished.extend(thread);
        drop(table);
        self.shared.over.notify_all();
    }
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, Table> {
        // Nothing is left half done while it is held.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
