//! The control socket's client: blocking, with one deadline over everything, for the command line and `wrap`.
//!
//! What the agent answers is trusted as little as any input: it is bounded, and what cannot be read is an
//! error, not a panic.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, setsockopt, socket, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};

use super::guard::GuardRequest;
use super::protocol::{Code, DecideRequest, Request, Response};
use super::status::{SCHEMA, Status};
use crate::proxy::hold::HeldView;

#[cfg(test)]
mod tests;

/// Bytes an answer may have. A server's entry is some 2 KiB, and the agent's table is bounded.
pub const ANSWER_MAX: usize = 64 * 1024 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there.
    #[error("no mcpgw-agent is running on {}", .path.display())]
    NoDaemon {
        /// The control socket.
        path: PathBuf,
    },
    /// The socket is there and may not be used.
    #[error("not permitted to talk to the mcpgw-agent on {}", .path.display())]
    NoPermission {
        /// The control socket.
        path: PathBuf,
    },
    /// The deadline passed.
    #[error("the mcpgw-agent on {} does not answer", .path.display())]
    Timeout {
        /// The control socket.
        path: PathBuf,
    },
    /// The agent answered with an error.
    #[error("the mcpgw-agent refused: {message}")]
    Refused {
        /// For programs.
        code: Code,
        /// For people; not to be trusted with a terminal.
        message: String,
    },
    /// What came back is no answer of this protocol.
    #[error("the mcpgw-agent's answer cannot be understood: {why}")]
    Protocol {
        /// What is wrong with it.
        why: String,
    },
    /// Anything else of the system's.
    #[error("the connection to the mcpgw-agent broke")]
    Io(#[from] io::Error),
}

/// A connection to the agent.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
    path: PathBuf,
    timeout: Duration,
}

impl Client {
    /// Connects to the control socket at `path`. Each request on the connection has `timeout` to be answered.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn connect(path: &Path, timeout: Duration) -> Result<Self, ClientError> {
        let path = path.to_owned();
        let fd = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)
            .map_err(io::Error::from)?;
        // A full backlog blocks connect for as long as this says.
        let wait = TimeVal::milliseconds(i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX).max(1));
        setsockopt(&fd, sockopt::SendTimeout, &wait).map_err(io::Error::from)?;
        let address = UnixAddr::new(&path).map_err(io::Error::from)?;
        match connect(fd.as_raw_fd(), &address) {
            Ok(()) => Ok(Self { stream: UnixStream::from(fd), path, timeout }),
            Err(Errno::ENOENT | Errno::ECONNREFUSED | Errno::ENOTDIR) => Err(ClientError::NoDaemon { path }),
            Err(Errno::EACCES | Errno::EPERM) => Err(ClientError::NoPermission { path }),
            Err(Errno::EAGAIN | Errno::EINTR) => Err(ClientError::Timeout { path }),
            Err(errno) => Err(ClientError::Io(errno.into())),
        }
    }

    /// The status document, as far as the caller may see it.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn status(&mut self) -> Result<Status, ClientError> {
        let status = self.request(&Request::Status)?.status.ok_or_else(|| protocol("it has no status"))?;
        if status.schema != SCHEMA {
            return Err(protocol(&format!("its schema is {}, this program knows {SCHEMA}", status.schema)));
        }
        Ok(*status)
    }

    /// Has configuration and policy read anew.
    ///
    /// # Errors
    /// See [`ClientError`]; [`ClientError::Refused`] where the caller may not, or a file cannot be used.
    pub fn reload(&mut self) -> Result<(), ClientError> {
        self.request(&Request::Reload).map(drop)
    }

    /// The messages that wait for a person, oldest first.
    ///
    /// # Errors
    /// See [`ClientError`]; [`ClientError::Refused`] where the caller may not.
    pub fn holds(&mut self) -> Result<Vec<HeldView>, ClientError> {
        self.request(&Request::Holds)?.holds.ok_or_else(|| protocol("it has no list"))
    }

    /// Lets the message `id` pass, or refuses it.
    ///
    /// # Errors
    /// See [`ClientError`]; [`ClientError::Refused`] where the caller may not, or no such message waits.
    pub fn decide(&mut self, id: &str, approve: bool) -> Result<(), ClientError> {
        self.request(&Request::Decide(DecideRequest { id: id.to_owned(), approve })).map(drop)
    }

    /// Tells the guard something; the id of the program it is about.
    ///
    /// # Errors
    /// See [`ClientError`]; [`ClientError::Refused`] where the caller may not, or it cannot be done.
    pub fn guard(&mut self, request: &GuardRequest) -> Result<Option<String>, ClientError> {
        Ok(self.request(&Request::Guard(request.clone()))?.program)
    }

    /// Any request.
    pub(super) fn request(&mut self, request: &Request) -> Result<Response, ClientError> {
        let deadline = Instant::now() + self.timeout;
        let mut line = serde_json::to_vec(request).map_err(|error| protocol(&error.to_string()))?;
        line.push(b'\n');
        let written = self.stream.write_all(&line);
        // An agent that turned us away said why before it hung up: read on after a failed write.
        let answer = match self.read_line(deadline) {
            Ok(answer) => answer,
            Err(ClientError::Io(read)) => {
                return Err(ClientError::Io(
                    written.err().filter(|_| read.kind() == ErrorKind::UnexpectedEof).unwrap_or(read),
                ));
            }
            Err(error) => return Err(error),
        };
        let response: Response = serde_json::from_slice(&answer)
            .map_err(|error| protocol(&format!("{error} (is the agent of another version?)")))?;
        match response {
            Response { ok: true, .. } => Ok(response),
            Response { error: Some(error), .. } => {
                Err(ClientError::Refused { code: error.code, message: error.message })
            }
            Response { error: None, .. } => Err(protocol("it refuses without a reason")),
        }
    }

    fn read_line(&mut self, deadline: Instant) -> Result<Vec<u8>, ClientError> {
        let mut line = Vec::new();
        let mut chunk = vec![0; 64 * 1024];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ClientError::Timeout { path: self.path.clone() });
            }
            self.stream.set_read_timeout(Some(left))?;
            let read = match self.stream.read(&mut chunk) {
                Ok(0) => return Err(io::Error::from(ErrorKind::UnexpectedEof).into()),
                Ok(length) => chunk.get(..length).unwrap_or_default(),
                Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            if let Some(at) = read.iter().position(|byte| *byte == b'\n') {
                line.extend_from_slice(read.get(..at).unwrap_or_default());
                return Ok(line);
            }
            line.extend_from_slice(read);
            if line.len() > ANSWER_MAX {
                return Err(protocol("it is too long"));
            }
        }
    }
}

/// The status of the agent on `socket`, over a connection of its own.
///
/// # Errors
/// See [`ClientError`].
pub fn status(socket: &Path, timeout: Duration) -> Result<Status, ClientError> {
    Client::connect(socket, timeout)?.status()
}

fn protocol(why: &str) -> ClientError {
    ClientError::Protocol { why: why.to_owned() }
}
