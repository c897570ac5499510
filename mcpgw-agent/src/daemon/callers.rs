//! Who is at the other end of connections older than the agent: looked up in `sock_diag`, off the loop, once a
//! connection.

use std::collections::HashSet;

use tokio::sync::mpsc;

use crate::inventory::{HostEvent, SocketAddrs};
use crate::proc::{boot_now, owner_of};

/// Connections remembered; when there are more, all are forgotten, and looked up again if they still speak.
const LIMIT: usize = 8192;

/// Connections whose client is known or asked for, seen from the client.
#[derive(Debug)]
pub(super) struct Callers {
    known: HashSet<SocketAddrs>,
    jobs: mpsc::Sender<SocketAddrs>,
}

impl Callers {
    /// Asks over `jobs`, which [`run`] answers.
    pub(super) fn new(jobs: mpsc::Sender<SocketAddrs>) -> Self {
        Self { known: HashSet::new(), jobs }
    }

    /// A probe told who made this connection.
    pub(super) fn note(&mut self, addrs: SocketAddrs) {
        self.insert(addrs);
    }

    /// A server's connection speaks MCP: asks for its client, unless that is known.
    pub(super) fn want(&mut self, server: SocketAddrs) {
        let addrs = SocketAddrs { local: server.remote, remote: server.local };
        if self.insert(addrs) && self.jobs.try_send(addrs).is_err() {
            // Another message of the connection will ask again.
            self.known.remove(&addrs);
        }
    }

    fn insert(&mut self, addrs: SocketAddrs) -> bool {
        if self.known.len() >= LIMIT {
            self.known.clear();
        }
        self.known.insert(addrs)
    }
}

/// Answers what comes over `jobs`, one at a time. Ends when the loop drops either channel.
pub(super) async fn run(mut jobs: mpsc::Receiver<SocketAddrs>, results: mpsc::Sender<HostEvent>) {
    while let Some(addrs) = jobs.recv().await {
        let found = tokio::task::spawn_blocking(move || owner_of(addrs.local, Some(addrs.remote)));
        // A client on another host has no process here.
        if let Ok(Some(process)) = found.await
            && results.send(HostEvent::Connect { process, addrs, net_ns: 0, at: boot_now() }).await.is_err()
        {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_connection_is_asked_for_once_and_a_known_one_never() {
        let (jobs, mut asked) = mpsc::channel(8);
        let mut callers = Callers::new(jobs);
        let addr = |port| std::net::SocketAddr::from(([127, 0, 0, 1], port));
        let server = SocketAddrs { local: addr(80), remote: addr(5000) };
        callers.want(server);
        callers.want(server);
        assert_eq!(asked.try_recv().ok(), Some(SocketAddrs { local: addr(5000), remote: addr(80) }));
        assert!(asked.try_recv().is_err());
        callers.note(SocketAddrs { local: addr(5001), remote: addr(80) });
        callers.want(SocketAddrs { local: addr(80), remote: addr(5001) });
        assert!(asked.try_recv().is_err());
    }

    #[test]
    fn what_finds_the_queue_full_is_asked_again() {
        let (jobs, mut asked) = mpsc::channel(1);
        let mut callers = Callers::new(jobs);
        let of = |port| {
            let remote = std::net::SocketAddr::from(([127, 0, 0, 1], port));
            SocketAddrs { local: std::net::SocketAddr::from(([127, 0, 0, 1], 80)), remote }
        };
        callers.want(of(1));
        callers.want(of(2));
        assert!(asked.try_recv().is_ok());
        callers.want(of(2));
        assert_eq!(asked.try_recv().map(|addrs| addrs.local.port()), Ok(2));
    }
}
