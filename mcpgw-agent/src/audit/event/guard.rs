//! What the guard did, was told to do, and what it saw clients' files become.

use std::path::Path;
use std::time::Duration;

use super::{Operator, operator};
use crate::audit::line::Line;

/// Something the guard did to a process or a connection, or would have done.
#[derive(Debug, Clone, Copy)]
pub struct GuardAct<'a> {
    /// `flag`, `hold`, `kill`, `deny`, `steer`.
    pub act: &'a str,
    /// `done`, `would`, `limited`, `untouchable`, `undecided`, `failed`.
    pub outcome: &'a str,
    /// The rule's name.
    pub rule: Option<&'a str>,
    /// The order's id, where it was somebody's order.
    pub order: Option<&'a str>,
    /// The process it is about; for connections, who made the last one.
    pub pid: u32,
    /// Its user.
    pub uid: Option<u32>,
    /// Path of its executable.
    pub exe: &'a str,
    /// What it runs, where the executable is one that runs others.
    pub runs: Option<&'a str>,
    /// Names the program over restarts, as `allow` and `block` do.
    pub program: Option<&'a str>,
    /// The server's id in `status`.
    pub server: Option<&'a str>,
    /// Where the server listens.
    pub endpoint: Option<&'a str>,
    /// How long the program waited.
    pub held: Option<Duration>,
    /// How often, where it is more than once.
    pub count: u32,
    /// Why not, or what went wrong.
    pub why: Option<&'a str>,
}

impl GuardAct<'_> {
    pub(super) fn write(&self, line: &mut Line) {
        line.text("act", self.act);
        line.text("outcome", self.outcome);
        line.maybe("rule", self.rule);
        line.maybe("order", self.order);
        line.number("pid", self.pid);
        if let Some(uid) = self.uid {
            line.number("uid", uid);
        }
        line.text("exe", self.exe);
        line.maybe("runs", self.runs);
        line.maybe("program", self.program);
        line.maybe("server", self.server);
        line.maybe("endpoint", self.endpoint);
        if let Some(held) = self.held {
            line.number("held_us", u64::try_from(held.as_micros()).unwrap_or(u64::MAX));
        }
        if self.count > 1 {
            line.number("count", self.count);
        }
        line.maybe("why", self.why);
    }
}

/// Somebody told the guard something.
#[derive(Debug, Clone, Copy)]
pub struct GuardOrder<'a> {
    /// Who; `None` where an order ended by itself.
    pub by: Option<&'a Operator>,
    /// `allow`, `block`, `forget`, `expired`, `off`, `on`.
    pub act: &'a str,
    /// The program's id.
    pub program: Option<&'a str>,
    /// Path of its executable.
    pub exe: Option<&'a str>,
    /// Until when.
    pub until: Option<jiff::Timestamp>,
    /// Why nothing came of it.
    pub error: Option<&'a str>,
}

impl GuardOrder<'_> {
    pub(super) fn write(&self, line: &mut Line) {
        if let Some(by) = self.by {
            operator(line, by);
        }
        line.text("act", self.act);
        line.maybe("program", self.program);
        line.maybe("exe", self.exe);
        line.maybe("until", self.until.map(|until| until.to_string()).as_deref());
        line.maybe("error", self.error);
    }
}

/// A server's entry in a client's configuration file came, changed or went.
#[derive(Debug, Clone, Copy)]
pub struct ClientFile<'a> {
    /// The file.
    pub file: &'a Path,
    /// Whose home it is in.
    pub owner: u32,
    /// What the client calls the server.
    pub server: &'a str,
    /// `added`, `changed` or `removed`.
    pub change: &'a str,
    /// What is started, or the host that is asked; never an argument or a variable, which may be secrets.
    pub runs: Option<&'a str>,
    /// Who wrote the file; `None` where nobody knows.
    pub by: Option<&'a Operator>,
}

impl ClientFile<'_> {
    pub(super) fn write(&self, line: &mut Line) {
        line.text("file", &self.file.to_string_lossy());
        line.number("owner", self.owner);
        line.text("server", self.server);
        line.text("change", self.change);
        line.maybe("runs", self.runs);
        if let Some(by) = self.by {
            operator(line, by);
        }
    }
}
