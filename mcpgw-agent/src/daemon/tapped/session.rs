//! A tapped session: who is at both ends, and what it is called in the log.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Watched;
use crate::admin::metrics::Counters;
use crate::audit::Event;
use crate::inventory::{Followed, Peer, ProcessKey, Transport, program};
use crate::pins::ServerId;
use crate::policy::{self, Context, End, Ends, Principal};
use crate::proc::{ProcReader, boot_timestamp};
use crate::proxy::gate::{Client, Gate, Party};

/// A session, and where it is counted.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) party: Arc<Party>,
    pub(super) transport: Transport,
}

/// Opens and closes sessions.
#[derive(Debug)]
pub(super) struct Sessions {
    pub(super) gate: Arc<Gate>,
    pub(super) counters: Arc<Counters>,
    reader: Arc<ProcReader>,
}

impl Sessions {
    pub(super) fn new(gate: Arc<Gate>, counters: Arc<Counters>, reader: Arc<ProcReader>) -> Self {
        Self { gate, counters, reader }
    }

    /// A session of `client`, where that is known, with the server `about`, of which `watched` tells what it does.
    pub(super) fn open(
        &self,
        about: &Followed,
        client: Option<ProcessKey>,
        watched: Option<&Watched>,
    ) -> Session {
        let client = self.client(about, client);
        let context = context(about, client.as_ref());
        let circle = client.and_then(|client| {
            let ProcessKey { pid, start_ticks } = client.process;
            Some(self.gate.circle_of(Client::Process { uid: client.uid?, pid, started: start_ticks }))
        });
        let party = Party::new(uuid::Uuid::now_v7().to_string(), context).tapped();
        let mut party = circle.into_iter().fold(party, Party::within);
        if let Some(followed) = watched {
            followed.is_of(&identity(about, party.context()));
            party = party.followed_by(followed.caller());
        }
        let party = Arc::new(party);
        self.gate.hold_to_policy(&party);
        self.note(&Event::SessionOpened { session: party.id(), context: party.context() });
        tracing::info!(session = party.id(), server = %party.context().server, "messages are followed");
        Session { party, transport: about.transport }
    }

    /// A session without messages with the server `about`, which many share: what it does during no call is that one's. Before any
    /// other.
    pub(super) fn own(&self, about: &Followed, watched: &Watched) -> Party {
        let party = Party::new(uuid::Uuid::now_v7().to_string(), context(about, None)).tapped();
        watched.is_of(&identity(about, party.context()));
        let party = party.followed_by(watched.caller());
        self.gate.hold_to_policy(&party);
        party
    }

    /// Nothing more will be heard of it.
    pub(super) fn close(&self, session: &Session) {
        let party = &session.party;
        self.gate.note_last_effects(party);
        self.note(&Event::SessionClosed { session: party.id(), context: party.context(), exit: None });
    }

    /// A log that cannot be written says so itself.
    pub(super) fn note(&self, event: &Event<'_>) {
        if let Err(error) = self.gate.audit().note(event) {
            tracing::error!(%error, "something of a tapped session is not on record");
        }
    }

    /// What is known of the client: the inventory's word, or `/proc`'s.
    fn client(&self, about: &Followed, client: Option<ProcessKey>) -> Option<Peer> {
        let key = client.or(about.client.as_ref().map(|client| client.process))?;
        if let Some(known) =
            about.client.as_ref().filter(|known| known.process == key && !known.exe.is_empty())
        {
            return Some(known.clone());
        }
        let facts = self.reader.enrich(key).unwrap_or_default();
        Some(Peer {
            process: key,
            exe: facts.exe,
            user: facts.user.unwrap_or_default(),
            uid: None,
            command: facts.argv,
        })
    }
}

fn context(about: &Followed, client: Option<&Peer>) -> Context {
    let boot = boot_timestamp();
    let transport = match about.transport {
        Transport::Stdio | Transport::Unix => policy::Transport::Stdio,
        Transport::Http => policy::Transport::Http,
        Transport::Sse => policy::Transport::Sse,
    };
    let ends = Ends {
        server: about.server.as_ref().map(|server| end(server, boot)),
        client: client.map(|client| end(client, boot)),
    };
    Context {
        server: name(about).into(),
        upstream: about
            .url
            .clone()
            .or_else(|| about.listeners.first().map(|listener| format!("http://{}", listener.addr)))
            .map(Into::into),
        transport,
        principal: Principal::default(),
        client: client.filter(|client| !client.exe.is_empty()).map(|client| client.exe.as_str().into()),
        tapped: Some(Box::new(ends)),
    }
}

/// What it calls itself, or what its command makes one think it is.
fn name(about: &Followed) -> String {
    let Some(server) = &about.server else { return about.name.clone().unwrap_or_default() };
    let base = || server.exe.rsplit('/').next().unwrap_or_default().to_owned();
    about.name.clone().or_else(|| program(&server.command)).unwrap_or_else(base)
}

/// What its doings are remembered by. A wrap's are by the name in a client's configuration; this one is the server's word, so
/// that it is nobody's but the same user's and program's, and no wrap's.
fn identity(about: &Followed, context: &Context) -> ServerId {
    let (uid, exe) = about.server.as_ref().map_or((None, ""), |server| (server.uid, &*server.exe));
    let uid = uid.map(u32::to_le_bytes).unwrap_or_default();
    ServerId::new([&b"tapped"[..], &uid, exe.as_bytes(), context.server.as_bytes()], &context.server)
}

fn end(peer: &Peer, boot: Timestamp) -> End {
    let since = peer.process.start_ticks.saturating_mul(ProcessKey::TICK_NS);
    let since = SignedDuration::from_nanos(i64::try_from(since).unwrap_or(i64::MAX));
    End {
        pid: peer.process.pid,
        started: boot.checked_add(since).unwrap_or(Timestamp::MAX),
        exe: peer.exe.as_str().into(),
        user: peer.user.as_str().into(),
    }
}
