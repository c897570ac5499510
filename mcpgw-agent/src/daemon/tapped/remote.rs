//! Servers elsewhere, of which what passes is read at the client's TLS library.
//!
//! Nobody has to say that one is a server before its messages are judged: the first that is MCP's own shows it, and what
//! passed before it is judged first.

use std::collections::{HashMap, HashSet, VecDeque};

use super::http::Web;
use super::judge::Judge;
use crate::inventory::{
    BootTime, FollowList, Followed, Peer, ProcessKey, RemoteKey, StreamSource, Transport, host_of, quietest,
};
use crate::mcp::{self, Likeness};
use crate::wire::{Heard, Hearing};

/// Servers, and connections, of all clients together.
const SERVERS: usize = 512;
const CONNECTIONS: usize = 4096;
/// Heads and texts kept of what has not shown to be a server.
const HELD: usize = 64;
/// Their bytes.
const HELD_BYTES: usize = 256 * 1024;

#[derive(Debug)]
struct Server {
    about: Followed,
    web: Web,
    /// What passed before it has shown to be one; `None` since.
    held: Option<VecDeque<Heard>>,
    used: BootTime,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Remotes {
    follow: FollowList,
    clients: HashMap<ProcessKey, Peer>,
    connections: HashMap<(ProcessKey, u64, u64), (RemoteKey, BootTime)>,
    servers: HashMap<RemoteKey, Server>,
    /// Paths that belong to another.
    endpoints: HashMap<RemoteKey, RemoteKey>,
}

impl Remotes {
    /// The messages of these are wanted.
    pub(super) fn follow(&mut self, list: FollowList) {
        self.follow = list;
    }

    /// A client, as it is known now.
    pub(super) fn meet(&mut self, client: Peer) {
        self.clients.insert(client.process, client);
    }

    /// A client has ended.
    pub(super) fn leave(&mut self, client: ProcessKey, judge: &mut Judge) {
        judge.settle();
        self.clients.remove(&client);
        self.connections.retain(|(process, _, _), _| *process != client);
        self.endpoints.retain(|key, _| key.client != client);
        self.servers.retain(|key, server| {
            let stays = key.client != client;
            if !stays {
                server.web.close(judge);
            }
            stays
        });
    }

    /// Nothing more comes.
    pub(super) fn close(&mut self, judge: &mut Judge) {
        let all: HashSet<ProcessKey> = self.servers.keys().map(|key| key.client).collect();
        all.into_iter().for_each(|client| self.leave(client, judge));
    }

    /// Takes what was heard.
    pub(super) fn hear(&mut self, heard: Heard, judge: &mut Judge) {
        let StreamSource::Tls { process, object, from_server } = heard.source else { return };
        let connection = (process, object, heard.connection);
        if let Hearing::Request { host, path, .. } = &heard.what {
            // Whoever is asked is the server's end.
            let host =
                host.as_deref().map(host_of).filter(|host| !from_server && self.follow.wants_remote(host));
            match host {
                Some(host) => {
                    let key = RemoteKey { client: process, host, path: path.clone() };
                    let key = self.endpoints.get(&key).cloned().unwrap_or(key);
                    self.open(connection, key, heard.at, judge);
                }
                None => drop(self.connections.remove(&connection)),
            }
        }
        let Some((key, used)) = self.connections.get_mut(&connection) else { return };
        *used = heard.at;
        let key = key.clone();
        if let Hearing::Endpoint(path) = &heard.what {
            self.endpoint(&key, path);
        }
        let Some(server) = self.servers.get_mut(&key) else { return };
        server.used = heard.at;
        server.hear(process, heard, judge);
    }

    fn open(&mut self, connection: (ProcessKey, u64, u64), key: RemoteKey, at: BootTime, judge: &mut Judge) {
        let uses = self.connections.iter().map(|(key, (_, used))| (key, *used));
        quietest(uses, CONNECTIONS).and_then(|key| self.connections.remove(&key));
        if !self.servers.contains_key(&key) {
            let uses = self.servers.iter().map(|(key, known)| (key, known.used));
            if let Some(mut gone) = quietest(uses, SERVERS).and_then(|key| self.servers.remove(&key)) {
                judge.settle();
                gone.web.close(judge);
            }
            let about = Followed {
                seq: 0,
                name: Some(key.host.clone()),
                transport: Transport::Http,
                complete: false,
                lanes: Vec::new(),
                listeners: Vec::new(),
                server: None,
                url: Some(format!("https://{}{}", key.host, key.path)),
                client: self.clients.get(&key.client).cloned(),
            };
            let server = Server { about, web: Web::default(), held: Some(VecDeque::new()), used: at };
            self.servers.insert(key.clone(), server);
        }
        self.connections.insert(connection, (key, at));
    }

    /// What `server` is sent goes to `path`.
    fn endpoint(&mut self, server: &RemoteKey, path: &str) {
        let announced = RemoteKey { path: path.to_owned(), ..server.clone() };
        if announced != *server && self.endpoints.len() < SERVERS {
            self.endpoints.insert(announced, server.clone());
        }
        if let Some(server) = self.servers.get_mut(server) {
            server.about.transport = Transport::Sse;
        }
    }
}

impl Server {
    fn hear(&mut self, client: ProcessKey, heard: Heard, judge: &mut Judge) {
        let Self { about, web, held, .. } = self;
        if let Some(waiting) = held {
            let shows = shows(&heard.what);
            waiting.push_back(heard);
            if !shows {
                let bytes =
                    |waiting: &VecDeque<Heard>| waiting.iter().map(|heard| size(&heard.what)).sum::<usize>();
                while waiting.len() > HELD || bytes(waiting) > HELD_BYTES {
                    waiting.pop_front();
                }
                return;
            }
            for heard in held.take().into_iter().flatten() {
                web.hear((about, None), Some(client), heard, judge);
            }
            return;
        }
        web.hear((about, None), Some(client), heard, judge);
    }
}

/// A message that only MCP has, or the way its older transport begins.
fn shows(what: &Hearing) -> bool {
    match what {
        Hearing::Text(text) => mcp::read(text).messages.iter().any(|message| message.mcp == Likeness::Strong),
        Hearing::Endpoint(_) => true,
        Hearing::Request { .. }
        | Hearing::Answer { .. }
        | Hearing::Long
        | Hearing::Encoded
        | Hearing::Gap { .. } => false,
    }
}

fn size(what: &Hearing) -> usize {
    if let Hearing::Text(text) = what { text.len() } else { 0 }
}
