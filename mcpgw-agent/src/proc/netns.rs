//! Looking at sockets in every network namespace.
//!
//! `setns` moves one thread. It is a thread made for the purpose and ended right after, so that no other part
//! of the agent ever runs in a namespace that is not its own.

use std::collections::{BTreeMap, HashMap};
use std::io;

use rustix::fd::AsFd;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::diag::Diag;
use super::process::ProcessDir;

/// What came of asking in the namespaces.
#[derive(Debug)]
pub(super) struct Visited<T> {
    /// Answers by namespace inode.
    pub(super) answers: HashMap<u32, T>,
    /// Namespaces that could not be asked in, and why.
    pub(super) skipped: Vec<(u32, io::Error)>,
}

/// Asks in our own network namespace and in those of `members` (namespace inode → a process in it), at most
/// `limit` others. Zero as an inode means a namespace that may not be known, and is passed over.
pub(super) fn visit<T: Send>(
    members: &BTreeMap<u32, u32>,
    limit: usize,
    ask: impl Fn(&Diag) -> io::Result<T> + Sync,
) -> Visited<T> {
    std::thread::scope(|scope| {
        let worker = std::thread::Builder::new().name("netns".to_owned());
        let spawned = worker.spawn_scoped(scope, || visit_here(members, limit, &ask));
        let failed = |error| Visited { answers: HashMap::new(), skipped: vec![(0, error)] };
        match spawned.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(visited)) => visited,
            Ok(Err(_)) => failed(io::Error::other("the thread that looks into namespaces died")),
            Err(error) => failed(error),
        }
    })
}

/// Inode of the calling process' network namespace.
pub(super) fn own() -> u32 {
    ProcessDir::open(std::process::id()).map_or(0, |own| own.namespace("net"))
}

/// The body of the thread: leaves it in whatever namespace came last.
fn visit_here<T>(
    members: &BTreeMap<u32, u32>,
    limit: usize,
    ask: &impl Fn(&Diag) -> io::Result<T>,
) -> Visited<T> {
    let mut visited = Visited { answers: HashMap::new(), skipped: Vec::new() };
    let own = own();
    let mut note = |namespace, answer: io::Result<T>| match answer {
        Ok(answer) => drop(visited.answers.insert(namespace, answer)),
        Err(error) => visited.skipped.push((namespace, error)),
    };
    note(own, Diag::open().and_then(|diag| ask(&diag)));
    let others = members.iter().filter(|(namespace, _)| **namespace != own && **namespace != 0);
    for (index, (&namespace, &pid)) in others.enumerate() {
        if index >= limit {
            note(namespace, Err(io::Error::other(format!("more than {limit} network namespaces"))));
            continue;
        }
        note(namespace, enter(namespace, pid).and_then(|()| Diag::open()).and_then(|diag| ask(&diag)));
    }
    visited
}

/// Moves the calling thread into the network namespace of process `pid`, if that still is `namespace`.
fn enter(namespace: u32, pid: u32) -> io::Result<()> {
    let gone = || io::Error::new(io::ErrorKind::NotFound, "its process is gone");
    let process = ProcessDir::open(pid).ok_or_else(gone)?;
    let fd = process.net_namespace()?;
    let inode = rustix::fs::fstat(&fd)?.st_ino;
    if inode != u64::from(namespace) {
        return Err(gone());
    }
    move_into_link_name_space(fd.as_fd(), Some(LinkNameSpaceType::Network))?;
    Ok(())
}
