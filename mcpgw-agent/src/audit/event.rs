//! What is recorded besides messages. All there is: two closed lists, of which the second is the log's own.

use super::chain::hex;
use super::line::Line;
use super::record;
use crate::pins::Decision;
use crate::policy::{Context, ServerStatus};
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
            Self::PolicyLoaded { generation, hash } => policy(line, generation, hash),
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
/// The event of the last record of a log that was closed.
pub(super) const CLOSED: &str = "log.closed";

/// What the log records of itself.
#[derive(Debug, Clone, Copy)]
pub(super) enum Own<'a> {
    /// From here on this process writes.
    Opened {
        /// Id of the key that signs.
        key_id: &'a str,
        /// The last record before this one: its sequence number and hash.
        continues: Option<(u64, [u8; 32])>,
        /// The file there was is gone; this is another of its name.
        replaces: bool,
        /// Bytes after the last whole record, which were moved aside: how many, and their hash.
        torn: Option<(u64, [u8; 32])>,
    },
    /// This process writes no more.
    Closed,
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
        match *self {
            Self::Opened { key_id, continues, replaces, torn } => {
                line.text("event", OPENED);
                line.number("format", FORMAT);
                line.text("key_id", key_id);
                let end = |line: &mut Line, count_key, count: u64, hash: &[u8]| {
                    line.number(count_key, count);
                    line.text("sha256", &hex(hash));
                };
                if let Some((seq, hash)) = continues {
                    line.object("continues", |line| end(line, "seq", seq, &hash));
                }
                if replaces {
                    line.text("replaces", "a file that was removed");
                }
                if let Some((size, hash)) = torn {
                    line.object("torn", |line| end(line, "size", size, &hash));
                }
                host(line);
            }
            Self::Closed => line.text("event", CLOSED),
            Self::Gap { lost, since } => {
                line.text("event", "log.gap");
                line.number("lost", lost);
                line.text("since", &since.to_string());
            }
        }
    }
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
