//! What the loop tells others: the status document, and what became of a server.

use std::collections::{HashMap, VecDeque};

use crate::admin::AgentStatus;
use crate::inventory::{ServerState, ServerView};

/// Servers that have ended of which it is remembered that this was told.
const ENDED: usize = 1024;

/// What happened to a server since it was last reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It became known.
    Appeared,
    /// MCP was seen on its wire.
    Confirmed,
    /// Its state or name is another now.
    Changed,
    /// It ended.
    Gone,
}

/// What the daemon tells whoever started it.
#[derive(Debug)]
pub enum News<'a> {
    /// Probes are attached and the host was scanned.
    Ready(&'a AgentStatus),
    /// Something happened to a server.
    Server(Change, &'a ServerView),
}

/// Is told the news; must not block.
pub type Observer = Box<dyn FnMut(News<'_>) + Send>;

/// Remembers what was reported, to tell what is new.
#[derive(Default)]
pub(super) struct Reporter {
    reported: HashMap<u64, Told>,
    /// Whose end was told, the latest last.
    ended: VecDeque<u64>,
    observer: Option<Observer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Told {
    state: ServerState,
    confirmed: bool,
    named: bool,
    ended: bool,
}

impl std::fmt::Debug for Reporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reporter").field("reported", &self.reported.len()).finish_non_exhaustive()
    }
}

impl Reporter {
    /// A reporter that tells `observer`.
    pub(super) fn new(observer: Option<Observer>) -> Self {
        Self { observer, ..Self::default() }
    }

    /// Reports what became of server `seq`, if that is news: `server` is what it looks like now, `None` where it turned
    /// out to be none.
    pub(super) fn report(&mut self, seq: u64, server: Option<&ServerView>) -> Option<Change> {
        let Some(server) = server else {
            self.reported.remove(&seq);
            return None;
        };
        let told = Told {
            state: server.state,
            confirmed: server.confirmed,
            named: server.server_info.is_some(),
            ended: server.ended_at.is_some(),
        };
        let before = if told.ended { self.reported.remove(&seq) } else { self.reported.insert(seq, told) };
        if told.ended && !self.ends(seq) {
            return None;
        }
        if !told.ended {
            self.ended.retain(|ended| *ended != seq);
        }
        let change = match before {
            Some(before) if before == told => return None,
            _ if told.ended => Change::Gone,
            None => Change::Appeared,
            Some(before) if told.confirmed && !before.confirmed => Change::Confirmed,
            Some(_) => Change::Changed,
        };
        match before.filter(|before| change == Change::Gone && before.state != server.state) {
            // With its gateway gone as well it is behind none any more.
            Some(before) => self.tell(change, &ServerView { state: before.state, ..server.clone() }),
            None => self.tell(change, server),
        }
        Some(change)
    }

    /// Of one that has ended there may be news as long as it is remembered, but it ends once.
    fn ends(&mut self, seq: u64) -> bool {
        if self.ended.contains(&seq) {
            return false;
        }
        if self.ended.len() >= ENDED {
            self.ended.pop_front();
        }
        self.ended.push_back(seq);
        true
    }

    fn tell(&mut self, change: Change, server: &ServerView) {
        tracing::debug!(id = server.id, pid = server.pid, state = ?server.state, ?change, "server");
        if let Some(observer) = &mut self.observer {
            observer(News::Server(change, server));
        }
    }

    /// Tells that the agent is ready.
    pub(super) fn ready(&mut self, agent: &AgentStatus) {
        if let Some(observer) = &mut self.observer {
            observer(News::Ready(agent));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::admin::status::tests::server;

    #[test]
    fn an_end_is_told_once_and_as_what_the_server_was() {
        let (tell, told) = channel();
        let mut reporter = Reporter::new(Some(Box::new(move |news| {
            if let News::Server(change, server) = news {
                tell.send((change, server.state)).unwrap();
            }
        })));
        let running = server("a", ServerState::Proxied);
        let mut ended = running.clone();
        ended.ended_at = Some(ended.first_seen);
        // Its gateway goes after it, and what is known of it changes again and again.
        let after = ServerView { state: ServerState::Unproxied, ..ended.clone() };
        for view in [&running, &after, &ended, &after] {
            reporter.report(7, Some(view));
        }
        assert_eq!(
            told.try_iter().collect::<Vec<_>>(),
            [(Change::Appeared, ServerState::Proxied), (Change::Gone, ServerState::Proxied)]
        );
        // It runs after all.
        for view in [&running, &ended] {
            reporter.report(7, Some(view));
        }
        assert_eq!(
            told.try_iter().map(|(change, _)| change).collect::<Vec<_>>(),
            [Change::Appeared, Change::Gone]
        );
    }
}
