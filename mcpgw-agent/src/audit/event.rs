//! What is recorded besides messages. All there is: two closed lists, of which the second is the log's own.

mod guard;
mod own;

use super::effects;
use super::line::Line;
use super::record;
use crate::effects::{Collected, Killed};
use crate::mcp::Direction;
use crate::pins::{Act, Decision};
use crate::policy::{Context, Mode, ServerStatus, Weighed};
use crate::risk::Score;

pub(super) use own::{
    CHECKPOINT, CLOSED, DELETED, FINISHED, Next, OPENED, Own, ROTATED, ends_epoch, is_seal,
};

pub use guard::{ClientFile, GuardAct, GuardOrder};

#[cfg(test)]
pub(super) use own::EPOCH;

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
    /// A server did something that is in no answer's record.
    ServerEffects {
        /// The session's id.
        session: &'a str,
        /// Its circumstances.
        context: &'a Context,
        /// The decision that let the call through during which it was done, which nobody answered; `None` where no call was
        /// open.
        call: Option<&'a str>,
        /// The decision of the call that was answered last before.
        after: Option<&'a str>,
        /// What, [concealed](Collected::conceal).
        done: &'a Collected,
        /// What is to be said of it.
        findings: &'a [Weighed],
    },
    /// A server was ended because of what it did.
    ServerKilled {
        /// The session's id.
        session: &'a str,
        /// Its circumstances.
        context: &'a Context,
        /// Why, and what came of it.
        killed: &'a Killed,
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
    /// Somebody did something to what is known of a server.
    AdminServer {
        /// What it is called.
        server: &'a str,
        /// What its pins are known by.
        hash: &'a str,
        /// What was done, by whom and when.
        act: &'a Act,
    },
    /// The guard did something, or would have.
    Guard(GuardAct<'a>),
    /// Somebody told the guard something.
    AdminGuard(GuardOrder<'a>),
    /// A client's configuration file has other servers.
    ClientFile(ClientFile<'a>),
    /// The kernel had to tell of something and had no room: the host plane did not see it.
    HostGap {
        /// How many records, by ring.
        lost: &'a [(&'static str, u64)],
    },
    /// Bytes of a session that was only looked at are missing.
    TapGap {
        /// The session's id.
        session: &'a str,
        /// Its circumstances.
        context: &'a Context,
        /// Which way they went.
        direction: Direction,
        /// How many, where that is known.
        bytes: Option<u64>,
        /// At which end of which channel, or over which connection.
        stream: &'a str,
        /// Why, as a word.
        why: &'a str,
    },
    /// More passed on the host than could be looked at.
    TapDropped {
        /// Pieces of streams that were not.
        pieces: u64,
        /// Their bytes.
        bytes: u64,
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

impl Verb {
    fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Delete => "DELETE",
        }
    }
}

impl Event<'_> {
    pub(super) fn write(&self, line: &mut Line) {
        line.text("event", self.name());
        match *self {
            Self::SessionOpened { session, context } => about(line, session, context),
            Self::SessionClosed { session, context, exit } => {
                about(line, session, context);
                ended(line, exit);
            }
            Self::ServerEffects { session, context, call, after, done, findings } => {
                about(line, session, context);
                line.maybe("call", call);
                line.maybe("after", after);
                effects::findings(line, done, findings);
                effects::write(line, done);
            }
            Self::ServerKilled { session, context, killed } => {
                about(line, session, context);
                effects::killed(line, killed);
            }
            Self::SessionRequest { session, context, verb, status } => {
                about(line, session, context);
                line.text("verb", verb.as_str());
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
            Self::AdminServer { server, hash, act } => administered(line, (server, hash), act),
            Self::Guard(act) => act.write(line),
            Self::AdminGuard(order) => order.write(line),
            Self::ClientFile(change) => change.write(line),
            Self::HostGap { lost } => line.object("lost", |line| {
                lost.iter().for_each(|(ring, count)| line.number(ring, *count));
            }),
            Self::TapGap { session, context, direction, bytes, stream, why } => {
                about(line, session, context);
                missing(line, direction, bytes, (stream, why));
            }
            Self::TapDropped { pieces, bytes } => {
                line.word("source", "tap");
                line.number("pieces", pieces);
                line.number("bytes", bytes);
            }
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
            Self::ServerEffects { .. } => "server.effects",
            Self::ServerKilled { .. } => "server.killed",
            Self::SessionRequest { .. } => "session.request",
            Self::AuthFailed { .. } => "auth.failed",
            Self::AdminHold { .. } => "admin.hold",
            Self::AdminReload { .. } => "admin.reload",
            Self::AdminServer { .. } => "admin.server",
            Self::Guard(_) => "guard.act",
            Self::AdminGuard(_) => "admin.guard",
            Self::ClientFile(_) => "client.file",
            Self::HostGap { .. } => "host.gap",
            Self::TapGap { .. } => "tap.gap",
            Self::TapDropped { .. } => "tap.dropped",
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

fn missing(line: &mut Line, direction: Direction, bytes: Option<u64>, (stream, why): (&str, &str)) {
    line.word("direction", direction.as_str());
    if let Some(bytes) = bytes {
        line.number("bytes", bytes);
    }
    line.text("stream", stream);
    line.text("why", why);
}

fn ended(line: &mut Line, exit: Option<Exit>) {
    match exit {
        Some(Exit::Code(code)) => line.number("exit_code", code),
        Some(Exit::Signal(signal)) => line.number("signal", signal),
        None => {}
    }
}

fn operator(line: &mut Line, by: &Operator) {
    line.object("by", |line| {
        line.number("uid", by.uid);
        line.number("pid", by.pid);
        line.maybe("exe", by.exe.as_deref());
    });
}

fn administered(line: &mut Line, (server, hash): (&str, &str), act: &Act) {
    let Act { number: _, kind, by, at } = act;
    line.text("server", server);
    line.text("server_hash", hash);
    line.text("act", kind.as_str());
    line.object("by", |line| line.number("uid", *by));
    line.text("at", &at.to_string());
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
