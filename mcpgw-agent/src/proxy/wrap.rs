//! `mcpgw-agent wrap`: runs a server and stands invisibly between it and its client.

mod embedded;
mod handed;
mod server;
mod signals;

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, raise};
use nix::unistd::{dup2_stdin, dup2_stdout};

use super::gateway::GatewayError;
use super::handover::{Handed, Offer};
use super::register::Registration;
use super::stdio::{Ends, Relay, Running};
use crate::admin::protocol::NAME_MAX;
use crate::config::Gateway;
use crate::inventory::program;
use embedded::Engine;
use handed::Abandoned;
pub use handed::{GATEWAY_GONE, NOT_TAKEN};
use server::{Pipes, Server};
use signals::{Received, Signals};

/// How long output may still come after a server that was told to end has ended, from a descendant that holds its
/// standard output.
const LINGER: Duration = Duration::from_millis(500);

/// Words of the command looked at for what it starts.
const WORDS: usize = 256;

/// What to wrap.
#[derive(Debug, Clone)]
pub struct WrapOptions {
    /// The server's command line; looked up in `PATH` as a shell would.
    pub command: Vec<OsString>,
    /// Name to register under; the daemon finds one itself otherwise.
    pub name: Option<String>,
    /// Directory of the daemon's control socket.
    pub runtime_dir: PathBuf,
    /// Policy, audit log and limits. Without an audit log's path: a file in the user's state directory.
    pub gateway: Gateway,
    /// It was asked for by name that this process decide and record itself, also where there is a daemon.
    pub is_own_gateway: bool,
    /// The configuration asks for what the server does to the host, which only the daemon can record.
    pub wants_effects: bool,
}

impl WrapOptions {
    /// The server's name: the one given, or that of what the command starts.
    fn server(&self) -> String {
        self.name.clone().unwrap_or_else(|| {
            let words = self.command.iter().take(WORDS).map(|word| word.to_string_lossy().into_owned());
            let name = program(&words.collect::<Vec<_>>()).unwrap_or_default();
            // As long and as plain as a name that is given may be.
            let mut plain = name.replace(char::is_control, "_");
            plain.truncate(plain.floor_char_boundary(NAME_MAX));
            plain
        })
    }
}

/// Why there is no server to speak of.
#[derive(Debug, thiserror::Error)]
pub enum WrapError {
    /// The command line is empty.
    #[error("no command to run")]
    NoCommand,
    /// No such program (or its interpreter is missing).
    #[error("command {command:?} not found")]
    NotFound {
        /// As given.
        command: OsString,
    },
    /// The program is there and cannot be run.
    #[error("cannot run command {command:?}")]
    NotExecutable {
        /// As given.
        command: OsString,
        /// What the kernel said.
        source: io::Error,
    },
    /// Policy or audit log cannot be used: nothing is started without them.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// There is a daemon, and it has not taken the session: without its policy there would be none.
    #[error("the agent has not taken the session: {reason}")]
    NotTaken {
        /// What it said.
        reason: String,
    },
    /// Our own failure, before the server ran.
    #[error("cannot {step}")]
    System {
        /// What was being done.
        step: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
}

impl WrapError {
    /// The exit code a shell or `env` would give: 127 not found, 126 not executable, 125 a failure of ours, 2 usage;
    /// and [`NOT_TAKEN`].
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NoCommand => 2,
            Self::NotFound { .. } => 127,
            Self::NotExecutable { .. } => 126,
            Self::NotTaken { .. } => NOT_TAKEN,
            Self::Gateway(_) | Self::System { .. } => 125,
        }
    }
}

/// Runs `options.command` between this process' standard input and output and returns its exit code (128 + n when
/// signal n ended it).
///
/// To be called before the process has other threads, and followed by the end of the process: a thread may still
/// wait for input, and standard input and output may be closed for good.
///
/// # Errors
/// When the server could not be started; see [`WrapError::exit_code`].
pub fn wrap(options: WrapOptions) -> Result<u8, WrapError> {
    let system = |step| move |source| WrapError::System { step, source };
    let signals = Signals::take().map_err(system("take over signals"))?;
    let mut registration = Registration::open(&options.runtime_dir, options.name.clone());
    let pipes = Pipes::new().map_err(system("make pipes"))?;
    // Told before the server runs, so that the daemon never sees an unknown one.
    registration.set_channels(pipes.inodes().map_err(system("look at pipes"))?);
    let (client_in, client_out) = take_standard().map_err(system("take over standard input and output"))?;
    let offer = Offer {
        client_in: client_in.as_fd(),
        client_out: client_out.as_fd(),
        server_in: pipes.input.as_fd(),
        server_out: pipes.output.as_fd(),
    };
    let course = match handed::offer(&options, &mut registration, offer)? {
        Some(handed) => Course::Daemon(handed),
        // Not before it is known to be needed: the daemon's sessions are on record there.
        None => Course::Own(Engine::new(&options)?),
    };
    let confinement = match &course {
        Course::Daemon(handed) => handed.confinement().cloned(),
        Course::Own(engine) => engine.confinement(),
    };
    let (server, server_in, server_out) =
        Server::start(&options.command, pipes, &signals.inherited(), confinement.as_ref())?;

    let (events, happened) = sync_channel(8);
    let (relayed, engine) = match course {
        Course::Daemon(handed) => {
            // The daemon has its own: who drops the last copy closes it.
            drop((client_in, server_in, server_out));
            (handed::follow(handed, client_out, &events), None)
        }
        Course::Own(engine) => {
            let ends = Ends { client_in, client_out, server_in, server_out };
            let uid = rustix::process::getuid().as_raw();
            let relayed = Relay::new(Arc::clone(engine.gate()), Arc::clone(&engine.party), uid, ends)
                .and_then(Relay::start)
                .and_then(|running| await_output(running, &events));
            (relayed, Some(engine))
        }
    };
    let started = relayed.and_then(|()| start_threads(server, signals, registration, &events));
    if let Err(source) = started {
        server.signal(Signal::SIGTERM);
        return Err(WrapError::System { step: "start a thread", source });
    }
    let code = follow(server, engine.as_ref(), &happened);
    if let Some(engine) = engine {
        engine.close(code);
    }
    Ok(code)
}

/// Whose session it is.
#[derive(Debug)]
enum Course {
    /// The daemon's.
    Daemon(Handed),
    /// Our own.
    Own(Engine),
}

/// Takes our standard input and output away from the process: the only copies, so that who drops them closes them, and the
/// other side sees it though we live on.
fn take_standard() -> io::Result<(OwnedFd, OwnedFd)> {
    let input = io::stdin().as_fd().try_clone_to_owned()?;
    let output = io::stdout().as_fd().try_clone_to_owned()?;
    let nothing = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    dup2_stdin(&nothing)?;
    dup2_stdout(&nothing)?;
    Ok((input, output))
}

/// What the main thread waits for.
#[derive(Debug)]
enum Event {
    Signal(Received),
    /// The server has ended and can be reaped.
    Ended,
    /// All that will come from the server's standard output is with the client (or the client is gone).
    OutputDone,
    /// The daemon, whose session it is, stops or is gone: nothing goes to the server or comes from it any more.
    GatewayGone,
}

fn await_output(mut running: Running, events: &SyncSender<Event>) -> io::Result<()> {
    let output_done = events.clone();
    start("output", move || {
        running.output_done();
        output_done.send(Event::OutputDone).ok();
    })
}

fn start_threads(
    server: Server,
    signals: Signals,
    registration: Registration,
    events: &SyncSender<Event>,
) -> io::Result<()> {
    // A failed send means that the main thread is done, and so is the process.
    let (ended, signalled) = (events.clone(), events.clone());
    start("wait", move || {
        server.wait_for_end();
        ended.send(Event::Ended).ok();
    })?;
    start("signals", move || {
        while let Ok(received) = signals.next()
            && signalled.send(Event::Signal(received)).is_ok()
        {}
    })?;
    start("register", move || registration.keep())
}

fn start(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.into()).spawn(work).map(drop)
}

/// Passes signals on until the server has ended and its output is delivered.
fn follow(server: Server, engine: Option<&Engine>, happened: &Receiver<Event>) -> u8 {
    let mut suspending = false;
    let mut asked_to_end = false;
    let mut output_done = false;
    let mut abandoned = None;
    loop {
        let event = match handed::next(happened, abandoned.as_mut(), server) {
            Ok(event) => event,
            Err(RecvTimeoutError::Timeout) => continue,
            // The signal thread keeps a sender for ever.
            Err(RecvTimeoutError::Disconnected) => break,
        };
        match event {
            Event::Ended => break,
            Event::OutputDone => output_done = true,
            Event::GatewayGone => {
                abandoned.get_or_insert_with(Abandoned::now);
            }
            Event::Signal(received) => {
                asked_to_end |= received.asks_to_end();
                if let Some(engine) = engine.filter(|_| received.signal == Signal::SIGHUP) {
                    engine.reload();
                }
                suspending |= received.signal == Signal::SIGTSTP;
                suspending &= received.signal != Signal::SIGCONT;
                if received.signal != Signal::SIGCHLD && !received.server_has_it() {
                    server.signal(received.signal);
                }
                // Job control: who suspends us and the server waits to see us stopped. We follow only where the
                // server did stop, since nobody would wake us in a group where the kernel refuses to stop it.
                if suspending && server.was_suspended() {
                    suspending = false;
                    raise(Signal::SIGSTOP).ok();
                }
            }
        }
    }
    let code = server.reap();
    let lost = deliver_rest(happened, output_done, asked_to_end || abandoned.is_some());
    if lost || abandoned.is_some() { GATEWAY_GONE } else { code }
}

/// Waits until the ended server's output is with the client. A descendant may hold the output open; then bytes go on
/// until it lets go, or until somebody wants the end. Says whether the daemon, whose session it was, went away meanwhile.
fn deliver_rest(happened: &Receiver<Event>, mut output_done: bool, asked_to_end: bool) -> bool {
    let mut gateway_gone = false;
    let mut deadline = asked_to_end.then(|| Instant::now() + LINGER);
    while !output_done {
        let event = match deadline {
            None => happened.recv().map_err(RecvTimeoutError::from),
            Some(at) => happened.recv_timeout(at.saturating_duration_since(Instant::now())),
        };
        match event {
            Ok(Event::OutputDone) => output_done = true,
            Ok(Event::Signal(received)) if received.asks_to_end() => {
                deadline.get_or_insert_with(|| Instant::now() + LINGER);
            }
            Ok(Event::GatewayGone) => {
                gateway_gone = true;
                deadline.get_or_insert_with(|| Instant::now() + LINGER);
            }
            Ok(Event::Signal(_) | Event::Ended) => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    gateway_gone
}
