//! Messages of servers that are not behind a gateway, judged where they passed: by the same decoder, policy and detectors, in
//! observe mode.
//!
//! ```text
//! rings ─▶ main loop ─▶ Queue ─▶ Work (a thread): streams ─▶ texts ─▶ Gate::judge ─▶ audit log
//!             │ Follow, Unfollow ──▲                └ waiting: nobody knows yet what passes there
//! ```
//!
//! The main loop only queues, and does not wait: what has no room is counted, shows as a gap in its stream, and is
//! recorded.

mod http;
mod judge;
mod queue;
mod remote;
mod session;
mod waiting;
mod work;

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::thread;

use crate::admin::metrics::Counters;
use crate::inventory::{Channel, Effect, FollowList, Listener, Peer, ProcessKey};
use crate::proc::ProcReader;
use crate::proxy::effects::Followed as Watched;
use crate::proxy::gate::Gate;
use crate::tasks::Tasks;
use crate::wire::Chunk;
use queue::{Item, Queue};
use work::Work;

/// The main loop's end of it.
#[derive(Debug)]
pub(super) struct Tapped {
    queue: Arc<Queue>,
    counters: Arc<Counters>,
    /// By record: channels of servers of which the inventory has no more to learn.
    complete: HashMap<u64, Vec<Channel>>,
    channels: HashSet<Channel>,
}

impl Tapped {
    /// Begins to judge with `gate`, until `tasks` end.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub(super) fn start(
        gate: Arc<Gate>,
        counters: Arc<Counters>,
        reader: Arc<ProcReader>,
        tasks: &Tasks,
    ) -> io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let work = Work::new(gate, Arc::clone(&counters), reader, Arc::clone(&queue));
        let thread = thread::Builder::new().name("tapped".to_owned()).spawn(move || work.run())?;
        let (token, ours) = (tasks.token().clone(), Arc::clone(&queue));
        tasks.spawn("tapped", async move {
            token.cancelled().await;
            ours.close();
            let joined = tokio::task::spawn_blocking(move || thread.join().is_ok()).await;
            if !joined.unwrap_or(false) {
                tracing::error!("what judges tapped messages failed");
            }
        });
        Ok(Self { queue, counters, complete: HashMap::new(), channels: HashSet::new() })
    }

    /// Bytes passed over a channel. Gives the chunk back where the inventory may learn something from it.
    pub(super) fn channel(&self, chunk: Chunk, end: Channel) -> Option<Chunk> {
        if self.channels.contains(&end) {
            self.push(Item::Channel(chunk));
            return None;
        }
        self.push(Item::Channel(chunk.clone()));
        Some(chunk)
    }

    /// Bytes passed over a connection to `listener`, whose client is the process `client`.
    pub(super) fn connection(&self, chunk: &Chunk, listener: Listener, client: Option<ProcessKey>) {
        self.push(Item::Tcp { chunk: chunk.clone(), listener, client });
    }

    /// Bytes passed over TLS.
    pub(super) fn tls(&self, chunk: Chunk) {
        self.push(Item::Tls(chunk));
    }

    /// From now on the TLS of this process is read.
    pub(super) fn client(&self, client: Peer) {
        self.push(Item::Client(Box::new(client)));
    }

    /// That process has ended.
    pub(super) fn client_gone(&self, client: ProcessKey) {
        self.push(Item::ClientGone(client));
    }

    /// The messages of these are wanted.
    pub(super) fn rules(&self, list: &FollowList) {
        self.push(Item::Rules(Box::new(list.clone())));
    }

    /// What the inventory asks for, as far as it concerns messages. Where a server is to be followed that was not before, `watched`
    /// tells what it does.
    pub(super) fn apply(&mut self, effect: &Effect, watched: Option<Watched>) {
        match effect {
            Effect::Follow(followed) => {
                let channels = followed.lanes.iter().map(|lane| lane.channel);
                let channels = channels.filter(|_| followed.complete).collect();
                self.complete.insert(followed.seq, channels);
                self.recollect();
                self.push(Item::Follow(followed.clone(), watched));
            }
            Effect::Unfollow(seq) => {
                self.complete.remove(seq);
                self.recollect();
                self.push(Item::Unfollow(*seq));
            }
            Effect::Release { channels, .. } => {
                channels.iter().for_each(|channel| self.push(Item::Forget(*channel)));
            }
            Effect::IgnorePort(port) => self.push(Item::ForgetPort(*port)),
            Effect::Observe { .. }
            | Effect::WatchPort(_)
            | Effect::Enrich(_)
            | Effect::Doze(_)
            | Effect::Wake(_)
            | Effect::Changed(_) => {}
        }
    }

    fn recollect(&mut self) {
        self.channels = self.complete.values().flatten().copied().collect();
    }

    fn push(&self, item: Item) {
        let bytes = item.bytes();
        if !self.queue.push(item) {
            self.counters.tap_dropped(1, u64::try_from(bytes).unwrap_or(u64::MAX));
        }
    }
}
