//! What is recorded besides messages. All there is: two closed lists, of which the second is the log's own.

use std::time::Duration;

use super::chain::hex;
use super::line::Line;
use super::record;
use super::seal::{EpochKey, PublicKey};
use crate::pins::Decision;
use crate::policy::{Context, Mode, ServerStatus};
use crate::risk::Score;

/// Something that is no message.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// A session begins.
    SessionOpened {
        /// Its id.
        session: &'a str,
        /// Its circumstances.
        context: &'a Context,
    },
    /// A session is over.
    SessionClosed {
        /// Its id.
        session: &'a str,
        /// Its circumstances.
        context: &'a Context,
        /// How the server's process ended, where it is one of ours.
        exit: Option<Exit>,
    },
    /// An HTTP request that is about a session and carries no message.
    SessionRequest {
        /// Its id.
        session: &'a str,
        /// Its circumstances.
        context: &'a Context,
        /// What was asked for.
        verb: Verb,
        /// The status of the answer.
        status: u16,
    },
    /// Clients could not be authenticated.
    AuthFailed {
        /// From where, to the network of a subscriber; `None` for many places together.
        remote: Option<std::net::IpAddr>,
        /// Why, as a word.
        why: &'a str,
        /// How often.
        count: u32,
    },
    /// Somebody decided on a message that waits, or tried to.
    AdminHold {
        /// Who.
        by: &'a Operator,
        /// The decision by which the message waits.
        decision: &'a str,
        /// It may go on.
        approve: bool,
        /// Why nothing came of it.
        error: Option<&'a str>,
    },
    /// Configuration and policy were to be read anew.
    AdminReload {
        /// Who wanted it; `None` for a signal, which does not say who sent it.
        by: Option<&'a Operator>,
        /// Why nothing came of it.
        error: Option<&'a str>,
    },
    /// The kernel had to tell of something and had no room: the host plane did not see it.
    HostGap {
        /// How many records, by ring.
        lost: &'a [(&'static str, u64)],
    },
    /// A receiver of records will never have some.
    ShipLost {
        /// Its name.
        receiver: &'a str,
        /// Among these numbers: the first.
        first: u64,
        /// The last.
        last: u64,
        /// How many.
        count: u64,
        /// `deleted` before they were sent, or `refused`.
        why: &'a str,
    },
    /// A server is judged as a whole: for the first time in this process, or otherwise than before.
    ServerEvaluated {
        /// What it is called.
        server: &'a str,
        /// What its pins are known by.
        hash: &'a str,
        /// Whether it may be used.
        status: ServerStatus,
        /// How it does; `None` where it has listed nothing yet.
        score: Option<Score>,
        /// Rules of its issues, worst first.
        reasons: &'a [&'a str],
        /// Who decided about it, and when.
        decision: Option<&'a Decision>,
    },
    /// A policy is in force from here on.
    PolicyLoaded {
        /// How many were loaded before it.
        generation: u64,
        /// Its hash.
        hash: &'a str,
        /// Whether it enforces.
        mode: Mode,
    },
    /// A policy could not be loaded.
    PolicyFailed {
        /// The generation that stays in force.
        generation: u64,
        /// Its hash.
        hash: &'a str,
        /// What is wrong with the other.
        error: &'a str,
    },
}

/// Who did something with the gateway, as the kernel knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// User id.
    pub uid: u32,
    /// Process id.
    pub pid: u32,
    /// The program, where that is known.
    pub exe: Option<String>,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// An HTTP method that carries no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Opens a stream.
    Get,
    /// Ends a session.
    Delete,
}

impl Event<'_> {
    pub(super) fn write(&self, line: &mut Line) {
        line.text("event", self.name());
        match *self {
            Self::SessionOpened { session, context } => about(line, session, context),
            Self::SessionClosed { session, context, exit } => {
                about(line, session, context);
                match exit {
                    Some(Exit::Code(code)) => line.number("exit_code", code),
                    Some(Exit::Signal(signal)) => line.number("signal", signal),
                    None => {}
                }
            }
            Self::SessionRequest { session, context, verb, status } => {
                about(line, session, context);
                line.text(
                    "verb",
                    match verb {
                        Verb::Get => "GET",
                        Verb::Delete => "DELETE",
                    },
                );
                line.number("status", status);
            }
            Self::ServerEvaluated { server, hash, status, score, reasons, decision } => {
                evaluated(line, (server, hash), (status, score), reasons, decision);
            }
            Self::AuthFailed { remote, why, count } => {
                if let Some(remote) = remote {
                    line.text("remote", &remote.to_string());
                }
                line.text("why", why);
                line.number("count", count);
            }
            Self::AdminHold { by, decision, approve, error } => {
                operator(line, by);
                line.text("decision_id", decision);
                line.text("act", if approve { "approve" } else { "deny" });
                line.maybe("error", error);
            }
            Self::AdminReload { by, error } => {
                if let Some(by) = by {
                    operator(line, by);
                }
                line.maybe("error", error);
            }
            Self::HostGap { lost } => line.object("lost", |line| {
                lost.iter().for_each(|(ring, count)| line.number(ring, *count));
            }),
            Self::ShipLost { receiver, first, last, count, why } => {
                line.text("receiver", receiver);
                line.number("first", first);
                line.number("last", last);
                line.number("count", count);
                line.text("why", why);
            }
            Self::PolicyLoaded { generation, hash, mode } => {
                policy(line, generation, hash);
                line.text("mode", record::mode(mode));
            }
            Self::PolicyFailed { generation, hash, error } => {
                policy(line, generation, hash);
                line.text("error", error);
            }
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::SessionOpened { .. } => "session.opened",
            Self::SessionClosed { .. } => "session.closed",
            Self::SessionRequest { .. } => "session.request",
            Self::AuthFailed { .. } => "auth.failed",
            Self::AdminHold { .. } => "admin.hold",
            Self::AdminReload { .. } => "admin.reload",
            Self::HostGap { .. } => "host.gap",
            Self::ShipLost { .. } => "ship.lost",
            Self::ServerEvaluated { .. } => "server.evaluated",
            Self::PolicyLoaded { .. } => "policy.loaded",
            Self::PolicyFailed { .. } => "policy.failed",
        }
    }
}

fn about(line: &mut Line, session: &str, context: &Context) {
    line.text("session", session);
    record::context(line, context);
}

fn operator(line: &mut Line, by: &Operator) {
    line.object("by", |line| {
        line.number("uid", by.uid);
        line.number("pid", by.pid);
        line.maybe("exe", by.exe.as_deref());
    });
}

fn evaluated(
    line: &mut Line,
    (server, hash): (&str, &str),
    (status, score): (ServerStatus, Option<Score>),
    reasons: &[&str],
    decision: Option<&Decision>,
) {
    line.text("server", server);
    line.text("server_hash", hash);
    line.text("status", status.as_str());
    line.text("risk", score.map_or("unknown", |score| score.level.as_str()));
    if let Some(score) = score {
        line.number("score", score.points);
    }
    line.array("reasons", reasons, |line, reason| line.value(reason));
    if let Some(Decision { is_approved, basis: _, by, at }) = decision {
        line.object("decision", |line| {
            line.text("word", if *is_approved { "approved" } else { "blocked" });
            line.number("by", *by);
            line.text("at", &at.to_string());
        });
    }
}

fn policy(line: &mut Line, generation: u64, hash: &str) {
    line.object("policy", |line| {
        line.number("generation", generation);
        line.text("hash", hash);
    });
}

/// Version of the format, in the first record of every file.
pub(super) const FORMAT: u8 = 1;
/// The event of every file's first record.
pub(super) const OPENED: &str = "log.opened";
/// The event of a file's first record, where the file before was finished.
pub(super) const ROTATED: &str = "log.rotated";
/// The event of a finished file's last record.
pub(super) const FINISHED: &str = "log.finished";
/// The event of the last record of a log that was closed.
pub(super) const CLOSED: &str = "log.closed";
/// The event of the last record of an epoch.
pub(super) const EPOCH: &str = "log.epoch";
/// The event of the record that says which file is about to be deleted.
pub(super) const DELETED: &str = "log.deleted";
/// The event of a record that seals what is before it.
pub(super) const CHECKPOINT: &str = "log.checkpoint";

/// A key that evolves does so after a record of this event.
pub(super) fn ends_epoch(event: &str) -> bool {
    event == EPOCH || event == FINISHED || event == CLOSED
}

/// What is before a record of this event is sealed by it.
pub(super) fn is_seal(event: &str) -> bool {
    ends_epoch(event) || event == CHECKPOINT
}

/// The epoch that begins after a record.
#[derive(Debug, Clone)]
pub(super) struct Next {
    /// Its number.
    pub(super) epoch: u64,
    /// Names its key.
    pub(super) key_id: Box<str>,
    /// What its seals are checked with by those who have no key.
    pub(super) public_key: Option<PublicKey>,
}

/// What the log records of itself.
#[derive(Debug, Clone)]
pub(super) enum Own<'a> {
    /// From here on this process writes.
    Opened {
        /// Id of the key that signs.
        key_id: &'a str,
        /// The key, where it evolves.
        key: Option<&'a EpochKey>,
        /// From one seal to the next.
        beat: Duration,
        /// The last record before this one: its sequence number and hash.
        continues: Option<(u64, [u8; 32])>,
        /// The file there was is gone; this is another of its name.
        replaces: bool,
        /// Bytes after the last whole record, which were moved aside: how many, and their hash.
        torn: Option<(u64, [u8; 32])>,
    },
    /// What is before this is sealed.
    Checkpoint {
        /// The key, where it evolves.
        key: Option<&'a EpochKey>,
        /// From one seal to the next.
        beat: Duration,
        /// Records since the last seal.
        records: u64,
    },
    /// The last record of its epoch.
    Epoch {
        /// Records since the last seal.
        records: u64,
        /// What signs from here on.
        next: Option<Next>,
    },
    /// The log goes on in another file.
    Finished {
        /// What signs from here on, where the key evolves.
        next: Option<Next>,
    },
    /// This file goes on from the one before, which is finished.
    Rotated {
        /// Id of the key that signs.
        key_id: &'a str,
        /// The key, where it evolves.
        key: Option<&'a EpochKey>,
        /// From one seal to the next.
        beat: Duration,
        /// The last record before this one: its sequence number and hash.
        continues: Option<(u64, [u8; 32])>,
    },
    /// A finished file is about to be deleted.
    Deleted {
        /// Its names: it may be there plain and compressed.
        names: &'a [String],
        /// Number of its first record.
        first: u64,
        /// Number of its last.
        last: u64,
        /// Bytes it took up.
        bytes: u64,
        /// The limit that was exceeded, in the configuration's words.
        limit: &'a str,
    },
    /// This process writes no more.
    Closed {
        /// What signs if the log is continued, where the key evolves.
        next: Option<Next>,
    },
    /// Records that could not be written.
    Gap {
        /// How many.
        lost: u64,
        /// When the first was lost.
        since: jiff::Timestamp,
    },
}

impl Own<'_> {
    pub(super) fn write(&self, line: &mut Line) {
        match self {
            Self::Opened { key_id, key, beat, continues, replaces, torn } => {
                line.text("event", OPENED);
                line.number("format", FORMAT);
                line.text("key_id", key_id);
                sealing(line, *key);
                line.number("beat_ms", millis(*beat));
                let end = |line: &mut Line, count_key, count: u64, hash: &[u8]| {
                    line.number(count_key, count);
                    line.text("sha256", &hex(hash));
                };
                if let Some((seq, hash)) = continues {
                    line.object("continues", |line| end(line, "seq", *seq, hash));
                }
                if *replaces {
                    line.text("replaces", "a file that was removed");
                }
                if let Some((size, hash)) = torn {
                    line.object("torn", |line| end(line, "size", *size, hash));
                }
                host(line);
            }
            Self::Checkpoint { key, beat, records } => {
                line.text("event", CHECKPOINT);
                sealing(line, *key);
                line.number("beat_ms", millis(*beat));
                line.number("records", *records);
            }
            Self::Epoch { records, next } => {
                line.text("event", EPOCH);
                line.number("records", *records);
                following(line, next.as_ref());
            }
            Self::Finished { next } => {
                line.text("event", FINISHED);
                following(line, next.as_ref());
            }
            Self::Rotated { key_id, key, beat, continues } => {
                line.text("event", ROTATED);
                line.number("format", FORMAT);
                line.text("key_id", key_id);
                sealing(line, *key);
                line.number("beat_ms", millis(*beat));
                if let Some((seq, hash)) = continues {
                    line.object("continues", |line| {
                        line.number("seq", *seq);
                        line.text("sha256", &hex(hash));
                    });
                }
            }
            Self::Deleted { names, first, last, bytes, limit } => {
                line.text("event", DELETED);
                line.array("files", *names, |line, name| line.value(name));
                line.number("first_seq", *first);
                line.number("last_seq", *last);
                line.number("size", *bytes);
                line.text("limit", limit);
            }
            Self::Closed { next } => {
                line.text("event", CLOSED);
                following(line, next.as_ref());
            }
            Self::Gap { lost, since } => {
                line.text("event", "log.gap");
                line.number("lost", *lost);
                line.text("since", &since.to_string());
            }
        }
    }
}

/// Which key signs: of which root, for which log, in which epoch.
fn sealing(line: &mut Line, key: Option<&EpochKey>) {
    let Some(key) = key else { return };
    line.object("sealing", |line| {
        line.text("root", &key.root);
        line.number("log", key.log);
        line.number("epoch", key.epoch);
    });
}

fn following(line: &mut Line, next: Option<&Next>) {
    let Some(Next { epoch, key_id, public_key }) = next else { return };
    line.object("next", |line| {
        line.number("epoch", *epoch);
        line.text("key_id", key_id);
        if let Some(public) = public_key {
            line.text("public_key", &hex(public.key.as_bytes()));
        }
    });
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Which machine, which boot, which process.
fn host(line: &mut Line) {
    let host = nix::unistd::gethostname().ok();
    line.maybe("host", host.as_deref().and_then(|name| name.to_str()));
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
    line.maybe("boot_id", boot.as_deref().map(str::trim));
    line.number("pid", std::process::id());
    line.text("version", env!("CARGO_PKG_VERSION"));
}
