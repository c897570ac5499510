//! Tells the daemon which pipes are ours, so that it shows the server as proxied.
//!
//! One connection to the control socket, open as long as we live: the registration lasts as long as it. Before the
//! server starts the waits are bounded; afterwards a thread keeps the registration up, across restarts of
//! the daemon. The byte path never waits for any of it.

use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};

use super::handover::{read_line, write_line};
use super::printable;
use crate::admin::protocol::{ChannelRef, ChannelRefKind, RegisterRequest, Request, Response};

/// For the daemon to take a connection, and for one answer.
const ANSWER_BOUND: Duration = Duration::from_millis(200);
/// The same where nothing starts without an answer.
const INSIST_BOUND: Duration = Duration::from_secs(5);
/// Between attempts while there is no daemon.
const RETRY: Duration = Duration::from_secs(2);
/// Between attempts after a refusal: the daemon may have been changed meanwhile.
const RETRY_REFUSED: Duration = Duration::from_secs(60);

/// Why there is no registration.
#[derive(Debug)]
pub(super) enum Failure {
    /// No daemon.
    Absent,
    /// The socket's permissions say no: to this user there is no daemon.
    Closed(String),
    /// There is one, and it does not answer.
    Silent,
    /// The daemon says no: a person has to do something.
    Refused(String),
}

/// It was connected to, or could be.
impl From<io::Error> for Failure {
    fn from(_: io::Error) -> Self {
        Self::Silent
    }
}

impl Failure {
    /// It could not be connected to.
    fn to_connect(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::PermissionDenied {
            Self::Closed(error.to_string())
        } else if is_absence(error) {
            Self::Absent
        } else {
            Self::Silent
        }
    }
}

/// Nobody listens on the socket that could not be connected to. Everything else may be somebody's doing.
pub(super) fn is_absence(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, InvalidFilename, NotADirectory, NotFound, PermissionDenied};
    matches!(error.kind(), ConnectionRefused | InvalidFilename | NotADirectory | NotFound | PermissionDenied)
}

/// Tells the daemon, for as long as this process lives, that it is the gateway before the servers it connects to.
///
/// # Errors
/// The system has no thread left.
pub fn announce(runtime_dir: PathBuf, name: String) -> io::Result<()> {
    let keep = move || Registration::open(&runtime_dir, Some(name)).keep();
    thread::Builder::new().name("register".into()).spawn(keep).map(drop)
}

/// Our registration with the daemon.
#[derive(Debug)]
pub(super) struct Registration {
    socket: PathBuf,
    name: Option<String>,
    channels: Vec<ChannelRef>,
    link: Result<UnixStream, Failure>,
    told: bool,
}

impl Registration {
    /// Connects and announces a wrap without channels yet.
    pub(super) fn open(runtime_dir: &Path, name: Option<String>) -> Self {
        let socket = runtime_dir.join("control.sock");
        let mut this = Self { socket, name, channels: Vec::new(), link: Err(Failure::Absent), told: false };
        this.renew(ANSWER_BOUND);
        this
    }

    /// Sends the inode numbers of the server's pipes. To be called before the server runs.
    pub(super) fn set_channels(&mut self, inodes: [u64; 2]) {
        self.channels = inodes.map(|ino| ChannelRef { kind: ChannelRefKind::Fifo, ino }).into();
        if let Ok(stream) = &self.link
            && let Err(failure) = self.register(stream, ANSWER_BOUND)
        {
            self.link = Err(failure);
            self.tell_refusal();
        }
    }

    /// Asks again, and waits longer, where there is a daemon that has not answered: it may have been busy for a moment.
    pub(super) fn insist(&mut self) {
        if matches!(self.link, Err(Failure::Silent)) {
            self.renew(INSIST_BOUND);
        }
    }

    /// Why the daemon does not know us; `None` where it does.
    pub(super) fn failure(&self) -> Option<&Failure> {
        self.link.as_ref().err()
    }

    /// The daemon's control socket.
    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Holds the registration and makes it anew whenever the daemon went away. Never returns.
    pub(super) fn keep(mut self) {
        loop {
            match &self.link {
                Ok(stream) => {
                    wait_for_close(stream);
                    self.link = Err(Failure::Absent);
                }
                Err(failure) => {
                    let is_said = matches!(failure, Failure::Closed(_) | Failure::Refused(_));
                    thread::sleep(if is_said { RETRY_REFUSED } else { RETRY });
                    self.renew(ANSWER_BOUND);
                }
            }
        }
    }

    fn renew(&mut self, bound: Duration) {
        self.link = open_socket(&self.socket, bound)
            .map_err(|error| Failure::to_connect(&error))
            .and_then(|stream| self.register(&stream, bound).map(|()| stream));
        self.tell_refusal();
    }

    fn register(&self, stream: &UnixStream, bound: Duration) -> Result<(), Failure> {
        let request =
            Request::Register(RegisterRequest { name: self.name.clone(), channels: self.channels.clone() });
        stream.set_write_timeout(Some(bound))?;
        write_line(stream, &serde_json::to_vec(&request).map_err(io::Error::from)?)?;
        let line = read_line(stream, Some(bound))?;
        let response: Response = serde_json::from_slice(&line).map_err(io::Error::from)?;
        response.refusal().map_or(Ok(()), |reason| Err(Failure::Refused(reason)))
    }

    /// Says once that the daemon said no: the server works, and shows as unproxied.
    fn tell_refusal(&mut self) {
        if let Err(Failure::Closed(reason) | Failure::Refused(reason)) = &self.link
            && !self.told
        {
            let reason = printable(reason);
            let socket = self.socket.display().to_string();
            let socket = printable(&socket);
            // With nowhere to write to there is nobody to tell.
            writeln!(io::stderr(), "mcpgw-agent: not registered with the agent at {socket}: {reason}").ok();
            self.told = true;
        }
    }
}

/// Connects, and waits no longer than `bound` for a daemon that takes no connections.
pub(super) fn open_socket(path: &Path, bound: Duration) -> io::Result<UnixStream> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let deadline = Instant::now() + bound;
    let address = UnixAddr::new(path)?;
    let fd = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    let stream = UnixStream::from(fd);
    loop {
        match connect(stream.as_raw_fd(), &address) {
            Ok(()) => break,
            // Its queue of connections is full.
            Err(Errno::EAGAIN | Errno::EINTR) if Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(2));
            }
            Err(error) => return Err(error.into()),
        }
    }
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// Blocks until the other side closes; what it says meanwhile is of no interest.
fn wait_for_close(mut stream: &UnixStream) {
    if stream.set_read_timeout(None).is_err() {
        return;
    }
    let mut chunk = [0; 1024];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => return,
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return,
            Ok(_) | Err(_) => {}
        }
    }
}
