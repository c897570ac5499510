//! Single questions about single processes and sockets.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::diag::TcpSocket;
use super::fds::{RawKind, raw_ends};
use super::process::{ProcessDir, SMALL};
use super::scan::{ScanOptions, pids};
use super::{netns, text};
use crate::inventory::{Channel, ChannelKind, ProcessKey, SocketAddrs};

/// Descriptors looked at for [`holds`].
const HOLDER_FDS: usize = 1024;

/// The process that has this pid now; `None` where there is none.
#[must_use]
pub fn key_of(pid: u32) -> Option<ProcessKey> {
    ProcessDir::open(pid).map(|process| process.key())
}

/// Bytes a process has read and written so far through system calls (`rchar` + `wchar`); `None` where it is
/// gone or may not be looked at.
#[must_use]
pub fn io_bytes(process: ProcessKey) -> Option<u64> {
    text::io_bytes(&ProcessDir::open_key(process)?.read("io", SMALL)?)
}

/// A variable of the environment process `pid` was started with; `None` where it is not in the first 64 KiB. How long an
/// environment is a process says itself, so that all of it is never read.
#[must_use]
pub fn variable_of(pid: u32, name: &str) -> Option<Vec<u8>> {
    let all = ProcessDir::open(pid)?.read("environ", SMALL + 1)?;
    text::variable(&all, name, SMALL).map(<[u8]>::to_vec)
}

/// Whether a process holds an end of every one of `channels`, among its first thousand descriptors.
#[must_use]
pub fn holds(process: ProcessKey, channels: &[Channel]) -> bool {
    let Some(process) = ProcessDir::open_key(process) else { return false };
    let held = raw_ends(&process, HOLDER_FDS).ends;
    channels.iter().all(|channel| {
        let kind = match channel.kind {
            ChannelKind::Fifo => RawKind::Fifo,
            ChannelKind::Unix => RawKind::Socket,
        };
        held.iter().any(|end| (end.kind, end.ino) == (kind, channel.ino))
    })
}

/// The process that holds the TCP connection from `local` (to `remote`, where that is given): who is at the
/// other end of a connection older than the agent.
///
/// Looks in our own network namespace first and in the others after. Reads every process' descriptors unless
/// there is no such connection: tens of milliseconds.
#[must_use]
pub fn owner_of(local: SocketAddr, remote: Option<SocketAddr>) -> Option<ProcessKey> {
    let wanted = SocketAddrs { local, remote: remote.unwrap_or(local) };
    let ask = |members: &BTreeMap<u32, u32>| {
        let limit = ScanOptions::default().max_namespaces;
        let visited = netns::visit(members, limit, |diag| diag.connections(local.port()));
        let mut found = visited.answers.into_values().flatten();
        found.find(|socket| matches(socket, wanted, remote.is_some())).map(|socket| socket.ino)
    };
    let ino = ask(&BTreeMap::new()).or_else(|| ask(&net_namespaces()))?;
    holder_of(ino)
}

/// One process for every network namespace there is.
fn net_namespaces() -> BTreeMap<u32, u32> {
    let open = pids().filter_map(ProcessDir::open);
    open.map(|process| (process.namespace("net"), process.key().pid)).collect()
}

/// Addresses are compared as IPv4 where they are IPv4 in IPv6's clothes.
fn matches(socket: &TcpSocket, wanted: SocketAddrs, remote: bool) -> bool {
    let same =
        |a: SocketAddr, b: SocketAddr| a.port() == b.port() && a.ip().to_canonical() == b.ip().to_canonical();
    same(socket.addrs.local, wanted.local) && (!remote || same(socket.addrs.remote, wanted.remote))
}

/// The longest-running process that holds the socket: children inherit from it, not it from them.
fn holder_of(ino: u64) -> Option<ProcessKey> {
    let limit = ScanOptions::default().max_fds_per_process;
    let holds = |process: &ProcessDir| {
        raw_ends(process, limit).ends.iter().any(|end| end.kind == RawKind::Socket && end.ino == ino)
    };
    let open = pids().filter_map(ProcessDir::open);
    open.filter(holds).map(|process| process.key()).min_by_key(|key| (key.start_ticks, key.pid))
}
