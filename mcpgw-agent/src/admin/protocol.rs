//! The control socket's language: one JSON object a line, from client to agent and back.
//!
//! ```text
//! → {"op":"status"}
//! ← {"ok":true,"status":{…}}
//! → {"op":"register","name":null,"channels":[{"kind":"fifo","ino":123}]}
//! ← {"ok":true}
//! → {"op":"handover","name":"files"}
//! ← {"ok":true}                                             and the connection is the session's
//! → {"op":"follow","addrs":["127.0.0.1:3000"]}
//! ← {"ok":true,"around":{…}}                                and the connection tells what the server there does
//! → {"op":"reload"}
//! ← {"ok":true}
//! → {"op":"holds"}
//! ← {"ok":true,"holds":[…]}
//! → {"op":"decide","id":"…","approve":true}
//! ← {"ok":true}
//! → {"op":"guard","act":"allow","id":"…","seconds":7200}
//! ← {"ok":true,"program":"…"}
//! ← {"ok":false,"error":{"code":"bad-request","message":"…"}}
//! ```
//!
//! Requests are hostile input: at most [`LINE_MAX`] bytes, [`CHANNELS_MAX`] channels, [`ADDRS_MAX`] addresses,
//! [`NAME_MAX`] bytes of name. Unknown members are passed over, so that an older agent understands a newer client.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::Status;
use super::guard::GuardRequest;
use crate::inventory::{Channel, ChannelKind};
use crate::policy::effects::{Confinement, Hosts, Surroundings};
use crate::proxy::hold::HeldView;

#[cfg(test)]
mod tests;

/// Bytes a request may have, the newline not counted.
pub const LINE_MAX: usize = 64 * 1024;
/// Channels one registration may name.
pub const CHANNELS_MAX: usize = 16;
/// Addresses one server may have.
pub const ADDRS_MAX: usize = 8;
/// Bytes a registration's name may have.
pub const NAME_MAX: usize = 128;

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Request {
    /// The status document, as far as the caller may see it.
    Status,
    /// The caller is a proxy for these channels, for as long as it keeps the connection.
    Register(RegisterRequest),
    /// The caller is a wrap that hands its session over; what follows the answer is told in `proxy::handover`.
    Handover(HandoverRequest),
    /// The caller is the gateway before the server that listens there, and wants to know what it does to the host; what follows
    /// the answer is told in `proxy::effects`.
    Follow(FollowRequest),
    /// Configuration and policy are to be read anew.
    Reload,
    /// The messages that wait for a person.
    Holds,
    /// Somebody decides on one of them.
    Decide(DecideRequest),
    /// Somebody tells the guard something.
    Guard(GuardRequest),
}

/// Somebody decides on a message that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecideRequest {
    /// Its id.
    pub id: String,
    /// It passes; else it is refused.
    pub approve: bool,
}

/// A wrap hands its session over.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HandoverRequest {
    /// The server's name in the audit log and in the policy.
    #[serde(default)]
    pub name: Option<String>,
}

/// A gateway wants to know what the server behind it does.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FollowRequest {
    /// Addresses it is reached at: one that somebody listens on is enough.
    #[serde(default)]
    pub addrs: Vec<SocketAddr>,
}

/// Where a server runs, as it is written on the socket.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Around {
    /// As in [`Surroundings`].
    #[serde(default)]
    pub homes: Vec<Box<str>>,
    /// As there.
    #[serde(default)]
    pub directory: Option<Box<str>>,
}

impl Around {
    /// The same of `around`.
    #[must_use]
    pub fn of(around: &Surroundings) -> Self {
        Self { homes: around.homes.clone(), directory: around.directory.clone() }
    }

    /// With the addresses of names.
    #[must_use]
    pub fn with(self, hosts: Hosts) -> Surroundings {
        Surroundings { homes: self.homes, directory: self.directory, hosts }
    }
}

/// A `wrap` tells of itself: first with no channels, before it starts its command; again on the same
/// connection once the pipes exist. Each request replaces the one before.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RegisterRequest {
    /// Name given with `--name`.
    #[serde(default)]
    pub name: Option<String>,
    /// The inner channel ends it made for the server.
    #[serde(default)]
    pub channels: Vec<ChannelRef>,
}

/// A channel end, as it is written on the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelRef {
    /// Pipe or socket.
    pub kind: ChannelRefKind,
    /// Inode number.
    pub ino: u64,
}

/// Pipe or socket, as it is written on the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelRefKind {
    /// A pipe.
    Fifo,
    /// An `AF_UNIX` socket.
    Unix,
}

impl From<ChannelRef> for Channel {
    fn from(channel: ChannelRef) -> Self {
        let kind = match channel.kind {
            ChannelRefKind::Fifo => ChannelKind::Fifo,
            ChannelRefKind::Unix => ChannelKind::Unix,
        };
        Self { kind, ino: channel.ino }
    }
}

impl From<Channel> for ChannelRef {
    fn from(channel: Channel) -> Self {
        let kind = match channel.kind {
            ChannelKind::Fifo => ChannelRefKind::Fifo,
            ChannelKind::Unix => ChannelRefKind::Unix,
        };
        Self { kind, ino: channel.ino }
    }
}

/// Why a request was refused; the codes are part of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// Not a request this agent understands.
    BadRequest,
    /// A line longer than [`LINE_MAX`].
    TooLong,
    /// Nothing, or half a line, came for too long.
    Idle,
    /// Too many connections.
    Busy,
    /// The caller's credentials do not allow it.
    Forbidden,
    /// It was tried and went wrong.
    Failed,
    /// The agent is starting, stopping or stuck.
    Unavailable,
    /// A code of a newer agent.
    #[serde(other)]
    Other,
}

/// An error as it is written on the socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// For programs.
    pub code: Code,
    /// For people.
    pub message: String,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// Done.
    pub ok: bool,
    /// The answer to [`Request::Status`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Box<Status>>,
    /// The answer to [`Request::Holds`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<Vec<HeldView>>,
    /// Of a hand-over: what the server may do, as far as that is to be prevented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confinement: Option<Box<Confinement>>,
    /// Of a server that is followed: where it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub around: Option<Around>,
    /// The program an answer to [`Request::Guard`] is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
}

impl Response {
    /// Done, nothing to tell.
    #[must_use]
    pub fn done() -> Self {
        Self {
            ok: true,
            status: None,
            holds: None,
            confinement: None,
            around: None,
            program: None,
            error: None,
        }
    }

    /// What waits.
    #[must_use]
    pub fn holds(holds: Vec<HeldView>) -> Self {
        Self { holds: Some(holds), ..Self::done() }
    }

    /// The server is to be confined so.
    #[must_use]
    pub fn confined(confinement: Option<Confinement>) -> Self {
        Self { confinement: confinement.map(Box::new), ..Self::done() }
    }

    /// The server is followed. It runs there.
    #[must_use]
    pub fn followed(around: &Surroundings) -> Self {
        Self { around: Some(Around::of(around)), ..Self::done() }
    }

    /// What the guard was told is done.
    #[must_use]
    pub fn program(program: Option<String>) -> Self {
        Self { program, ..Self::done() }
    }

    /// The status document.
    #[must_use]
    pub fn status(status: Status) -> Self {
        Self { status: Some(Box::new(status)), ..Self::done() }
    }

    /// A refusal.
    #[must_use]
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self { ok: false, error: Some(ErrorBody { code, message: message.into() }), ..Self::done() }
    }

    /// Why it refuses, in words; `None` where it does not.
    #[must_use]
    pub fn refusal(self) -> Option<String> {
        let reason = || self.error.map_or_else(|| "no reason given".to_owned(), |error| error.message);
        (!self.ok).then(reason)
    }

    /// The answer as a line, its newline included.
    #[must_use]
    pub fn to_line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).unwrap_or_else(|_| {
            br#"{"ok":false,"error":{"code":"unavailable","message":"the answer cannot be written"}}"#
                .to_vec()
        });
        line.push(b'\n');
        line
    }
}

/// Reads one request line, without its newline.
///
/// # Errors
/// A sentence for the caller: what is wrong with it, and where.
pub fn parse(line: &[u8]) -> Result<Request, String> {
    let request: Request = serde_json::from_slice(line).map_err(|error| format!("not a request: {error}"))?;
    let name = match &request {
        Request::Register(RegisterRequest { name, .. }) | Request::Handover(HandoverRequest { name }) => name,
        Request::Status
        | Request::Follow(_)
        | Request::Reload
        | Request::Holds
        | Request::Decide(_)
        | Request::Guard(_) => &None,
    };
    if let Request::Register(register) = &request
        && register.channels.len() > CHANNELS_MAX
    {
        return Err(format!("a registration names at most {CHANNELS_MAX} channels"));
    }
    if let Request::Follow(follow) = &request
        && !(1..=ADDRS_MAX).contains(&follow.addrs.len())
    {
        return Err(format!("a server has one address at least and {ADDRS_MAX} at most"));
    }
    if name.as_ref().is_some_and(|name| name.len() > NAME_MAX) {
        return Err(format!("a name has at most {NAME_MAX} bytes"));
    }
    if name.as_ref().is_some_and(|name| name.chars().any(char::is_control)) {
        return Err("a name has no control characters".to_owned());
    }
    Ok(request)
}
