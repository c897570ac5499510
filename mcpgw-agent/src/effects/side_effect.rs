//! One thing a process did.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::inventory::{BootTime, ProcessKey};

/// One thing a process did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideEffect {
    /// Whose server's, by the number [`Kernel::watch_effects`](crate::kernel::Kernel::watch_effects) was given.
    pub group: u32,
    /// Who.
    pub process: ProcessKey,
    /// When.
    pub at: BootTime,
    /// What.
    pub act: Act,
    /// What came of it.
    pub outcome: Outcome,
    /// A name was too long or could not be read: what is told of it is the part nearest the file.
    pub cut: bool,
}

/// What was done. Paths are the kernel's where a file was opened: absolute, without symbolic links and `..`, as seen from the
/// process' own root of mounts. Others are what the process asked for, made absolute and tidied, links unresolved.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Act {
    /// Opened a file.
    Open {
        /// Where it is.
        path: String,
        /// What for.
        access: Access,
    },
    /// Removed a file or a directory.
    Delete {
        /// Where it was.
        path: String,
    },
    /// Gave a file another place.
    Rename {
        /// Where it was.
        from: String,
        /// Where it is.
        to: String,
    },
    /// Gave a file a second place.
    Link {
        /// Where it is.
        from: String,
        /// Where it is as well.
        to: String,
    },
    /// Cut a file to a length.
    Truncate {
        /// Where it is.
        path: String,
    },
    /// Runs another program.
    Exec {
        /// As it was asked for.
        path: String,
        /// The name it is run under first.
        arguments: Vec<String>,
    },
    /// Connects a socket.
    Connect {
        /// To.
        to: SocketAddr,
        /// Over.
        protocol: Protocol,
    },
    /// Sends a datagram.
    Send {
        /// To.
        to: SocketAddr,
        /// Over.
        protocol: Protocol,
    },
    /// Takes an address of this host, to be reached at.
    Bind {
        /// Which.
        at: SocketAddr,
        /// Over.
        protocol: Protocol,
    },
}

impl Act {
    /// Every name and argument in it.
    pub(super) fn texts(&self) -> Vec<&str> {
        match self {
            Self::Open { path, .. } | Self::Delete { path } | Self::Truncate { path } => vec![path],
            Self::Rename { from, to } | Self::Link { from, to } => vec![from, to],
            Self::Exec { path, arguments } => {
                std::iter::once(path).chain(arguments).map(String::as_str).collect()
            }
            Self::Connect { .. } | Self::Send { .. } | Self::Bind { .. } => Vec::new(),
        }
    }

    /// The same, to be changed.
    pub(super) fn texts_mut(&mut self) -> Vec<&mut String> {
        match self {
            Self::Open { path, .. } | Self::Delete { path } | Self::Truncate { path } => vec![path],
            Self::Rename { from, to } | Self::Link { from, to } => vec![from, to],
            Self::Exec { path, arguments } => std::iter::once(path).chain(arguments).collect(),
            Self::Connect { .. } | Self::Send { .. } | Self::Bind { .. } => Vec::new(),
        }
    }

    /// Bytes of them.
    pub(crate) fn bytes(&self) -> usize {
        self.texts().iter().map(|text| text.len()).sum()
    }
}

/// What a file was opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Access {
    /// Neither, or not known: a path alone (`O_PATH`), or an attempt.
    Unknown,
    /// To read.
    Read,
    /// To write.
    Write,
    /// Both.
    ReadWrite,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Outcome {
    /// It is done.
    Done,
    /// The system refused it: no permission.
    Refused,
    /// It was asked for, and what came of it is not known: io_uring, and every address before its connection.
    Asked,
}

/// A protocol over IP, by its number (RFC 5237's registry).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Protocol {
    /// 6.
    Tcp,
    /// 17.
    Udp,
    /// Another.
    Other(u8),
}

impl Protocol {
    /// Of this number.
    #[must_use]
    pub fn of(number: u16) -> Self {
        match number {
            6 => Self::Tcp,
            17 => Self::Udp,
            other => Self::Other(u8::try_from(other).unwrap_or(u8::MAX)),
        }
    }
}
