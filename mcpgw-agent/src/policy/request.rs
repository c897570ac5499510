//! What a policy sees of a message.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;

use super::stands_for::with_unpacked;
use crate::detect::{DetectorSet, Findings, Inspector, Subject};
use crate::mcp::{Direction, Message, Revision};
use crate::session::{OpenRequest, Target};

/// A message and everything known about where it comes from.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Which way it goes.
    pub direction: Direction,
    /// The message.
    pub message: &'a Message,
    /// The open request it answers.
    pub answers: Option<&'a OpenRequest>,
    /// The revision it is read by.
    pub revision: Option<Revision>,
    /// The tool whose call became the task it is about, where that is known.
    pub task_tool: Option<&'a str>,
    /// The session's circumstances.
    pub context: &'a Context,
}

impl<'a> Request<'a> {
    /// The tool that is called, or whose call is answered.
    #[must_use]
    pub fn tool(&self) -> Option<Cow<'a, str>> {
        if let Some(Target::Tool(name)) = self.answers.and_then(|open| open.target.as_ref()) {
            return Some(Cow::Borrowed(name));
        }
        if self.message.method() != Some("tools/call") {
            return None;
        }
        self.message.params()?.get("name")?.as_str()
    }

    /// What it is, as far as detectors care; `tool` is [`tool`](Self::tool)'s.
    #[must_use]
    pub fn subject<'s>(&'s self, tool: Option<&'s str>) -> Subject<'s> {
        Subject {
            direction: self.direction,
            server: &self.context.server,
            answers: self.answers.map(|open| &*open.method),
            tool,
        }
    }

    /// What the `wanted` detectors find in its texts.
    #[must_use]
    pub fn inspect(&self, wanted: DetectorSet) -> Findings {
        let tool = self.tool();
        let look = |message| Inspector::shipped().message(message, &self.subject(tool.as_deref()), wanted);
        let found = look(self.message);
        match self.message.unpacked() {
            Some(Ok(read)) => with_unpacked(found, self.message, look(read), read),
            Some(Err(_)) | None => found,
        }
    }
}

/// Circumstances of a session: the same for all its messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The server's name, as configured or found.
    pub server: Box<str>,
    /// The server's URL, where it has one.
    pub upstream: Option<Box<str>>,
    /// How client and server talk.
    pub transport: Transport,
    /// On whose behalf the client acts.
    pub principal: Principal,
    /// The program the client is, where that is known: the path of its executable.
    pub client: Option<Box<str>>,
    /// Who is at both ends, of a session that was seen on the host and passes no gateway.
    pub tapped: Option<Box<Ends>>,
}

/// The processes at both ends of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ends {
    /// The server's, where it runs on this host.
    pub server: Option<End>,
    /// The client's, where it is known.
    pub client: Option<End>,
}

/// A process at one end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Its process id.
    pub pid: u32,
    /// When it started.
    pub started: Timestamp,
    /// Its executable; empty where that is not known.
    pub exe: Box<str>,
    /// Its user's name, or number; empty where neither is known.
    pub user: Box<str>,
}

/// How client and server talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Standard input and output.
    Stdio,
    /// Streamable HTTP.
    Http,
    /// HTTP with server-sent events, of 2024-11-05.
    Sse,
}

impl Transport {
    /// Its word in policies, records and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stdio => "stdio",
            Self::Http => "http",
            Self::Sse => "sse",
        }
    }
}

/// On whose behalf a client acts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Principal {
    /// The authenticated subject; `None` for whoever has not authenticated.
    pub subject: Option<Box<str>>,
    /// The subject's roles.
    pub roles: Vec<Box<str>>,
    /// What else it says of itself, for records.
    pub labels: Labels,
}

impl Principal {
    /// Whether `other` is nobody else, and may do as much: labels do not count.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.subject == other.subject && self.roles == other.roles
    }
}

/// What a principal says of itself, for records alone: no rule sees it. In the order it was told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Labels(Option<Arc<[Label]>>);

/// A name and a value.
type Label = (Box<str>, Box<str>);

impl Labels {
    /// Names and values, both looked at before.
    #[must_use]
    pub fn new(labels: Vec<(Box<str>, Box<str>)>) -> Self {
        Self((!labels.is_empty()).then(|| labels.into()))
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|labels| labels.iter()).map(|(name, value)| (&**name, &**value))
    }

    /// There are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}
