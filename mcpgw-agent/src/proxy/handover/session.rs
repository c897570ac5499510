//! One session in the daemon: taking it over, and waiting for its end.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use procfs::process::Process;

use super::descriptors::{Received, Unfit};
use super::sessions::Place;
use super::{Ledger, Notice, socket};
use crate::admin::Peer;
use crate::admin::protocol::{Code, Response};
use crate::audit::Event;
use crate::pins::ServerId;
use crate::policy::{Context, Principal, Transport};
use crate::proxy::effects::Followed;
use crate::proxy::gate::{Client, Gate, Party};
use crate::proxy::hold::Holds;
use crate::proxy::stdio::{Ends, Outcome, Relay, Running};

/// For a wrap to take its next step.
const STEP: Duration = Duration::from_secs(5);
/// Shells around a command, at most.
const SHELLS_MAX: usize = 3;
/// What a wrap says when it will not read any more.
pub(super) const GO: &[u8] = b"go";

/// Why a session did not begin.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("one of the descriptors {0}")]
    Unfit(#[from] Unfit),
    #[error("the wrap left, or was too slow, or the system refused something")]
    Io(#[from] io::Error),
}

/// The server's name, and where what it does to the host is told, if it is.
type Named = (String, Option<Followed>);

/// Takes over what the wrap on `stream` hands over, and returns when the session is over.
pub(super) fn run(gate: &Arc<Gate>, holds: &Arc<Holds>, place: &Place, stream: &UnixStream, server: Named) {
    let Peer { pid, uid, .. } = place.peer();
    match take_over(gate, holds, place, stream, server) {
        Ok((running, party)) => {
            tracing::info!(pid, uid, session = party.id(), server = %party.context().server, "a session began");
            let outcome = watch(stream, running);
            closed(gate, &party);
            let tally = party.tally();
            tracing::info!(session = party.id(), ?outcome, refused = tally.refused(), "a session ended");
            // The wrap may be gone.
            tell(stream, Notice::Ended { stopped: outcome == Outcome::Stopped }).ok();
        }
        Err(error) => {
            tracing::warn!(pid, uid, %error, "a session was not taken over");
            if let Failure::Unfit(_) = error {
                answer(stream, &Response::error(Code::Forbidden, error.to_string())).ok();
            }
        }
    }
}

/// All that can fail is done before the wrap is told to let go.
fn take_over(
    gate: &Arc<Gate>,
    holds: &Arc<Holds>,
    place: &Place,
    stream: &UnixStream,
    (server, followed): Named,
) -> Result<(Running, Arc<Party>), Failure> {
    stream.set_nonblocking(false)?;
    stream.set_write_timeout(Some(STEP))?;
    let received = socket::receive_descriptors(stream, STEP)?;
    let Received { client_in, client_out, server_in, server_out, ledger } =
        Received::check(received, place.peer().uid)?;
    let ledger = Ledger::open(ledger)?;
    let id = ServerId::of_command(place.peer().uid, &server);
    let pinned = gate.pins_of(&id);
    let party = Party::new(uuid::Uuid::now_v7().to_string(), context(server, place.peer())).pinned(pinned);
    let circle = client(place.peer()).map(|client| gate.circle_of(client));
    let party = circle.into_iter().fold(party, Party::within);
    let mut party = party.holding(Arc::clone(holds));
    if let Some(followed) = followed {
        followed.is_of(&id);
        followed.runs_in(place.around().clone());
        party = party.followed_by(followed.caller());
    }
    let party = Arc::new(party);
    gate.hold_to_policy(&party);
    let ends = Ends { client_in, client_out, server_in, server_out };
    let relay =
        Relay::new(Arc::clone(gate), Arc::clone(&party), place.peer().uid, ends)?.in_custody(ledger)?;
    answer(stream, &Response::confined(place.confinement().cloned()))?;
    if socket::read_line(stream, Some(STEP))? != GO {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the wrap does not let go").into());
    }
    // Before the first message's record.
    note(gate, &Event::SessionOpened { session: party.id(), context: party.context() });
    let running = relay.start().inspect_err(|_| closed(gate, &party))?;
    place.begun(running.stopper(), Arc::clone(&party));
    if let Err(error) = answer(stream, &Response::done()) {
        tracing::debug!(%error, "a wrap left as its session began");
    }
    Ok((running, party))
}

/// Waits until the session is over; it is, too, when the wrap is.
fn watch(stream: &UnixStream, mut running: Running) -> Outcome {
    let mut told = false;
    let mut wrap_left = false;
    while let Some(bell) = running.bell() {
        let mut fds = [PollFd::new(bell, PollFlags::POLLIN), PollFd::new(stream.as_fd(), PollFlags::POLLIN)];
        let listened = if wrap_left { fds.get_mut(..1).unwrap_or_default() } else { fds.as_mut_slice() };
        match poll(listened, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => break,
        }
        let [_, wrap] = &fds;
        // It has nothing more to say, so whatever it says is its end.
        if !wrap_left && wrap.any().unwrap_or(true) {
            wrap_left = true;
            running.stopper().stop();
        }
        let (all, output) = running.ended();
        if output && !told {
            told = true;
            running.output_done();
            // A wrap that is gone is seen above.
            tell(stream, Notice::OutputDone).ok();
        }
        if all {
            break;
        }
    }
    running.wait()
}

fn closed(gate: &Gate, party: &Party) {
    gate.note_last_effects(party);
    note(gate, &Event::SessionClosed { session: party.id(), context: party.context(), exit: None });
}

/// A log that cannot be written says so itself, and the gate refuses where it must.
fn note(gate: &Gate, event: &Event<'_>) {
    if let Err(error) = gate.audit().note(event) {
        tracing::error!(%error, "a session's begin or end is not on record");
    }
}

fn context(server: String, peer: Peer) -> Context {
    Context {
        server: server.into(),
        upstream: None,
        transport: Transport::Stdio,
        principal: Principal::default(),
        client: client_of(peer.pid).map(|path| path.to_string_lossy().into()),
        tapped: None,
    }
}

/// The process that started the wrap, or the shell around it.
fn client(peer: Peer) -> Option<Client> {
    let process = |pid: i32| Process::new(pid).ok();
    let mut parent = process(process(i32::try_from(peer.pid).ok()?)?.stat().ok()?.ppid)?;
    // A shell that was started for one command is nobody's client.
    for _ in 0..SHELLS_MAX {
        if !is_shell(&parent) {
            break;
        }
        parent = process(parent.stat().ok()?.ppid)?;
    }
    let stat = parent.stat().ok()?;
    // Whoever takes over orphans is the client of none.
    let pid = u32::try_from(stat.pid).ok().filter(|pid| *pid > 1 && stat.comm != "systemd")?;
    Some(Client::Process { uid: peer.uid, pid, started: stat.starttime })
}

/// `sh -c …`, whatever the shell.
fn is_shell(process: &Process) -> bool {
    const SHELLS: [&str; 6] = ["sh", "ash", "bash", "dash", "fish", "zsh"];
    let name = process.stat().map(|stat| stat.comm).unwrap_or_default();
    let words = process.cmdline().unwrap_or_default();
    SHELLS.contains(&&*name) && words.get(1).is_some_and(|word| word.starts_with('-') && word.contains('c'))
}

/// The executable of whoever started the wrap.
fn client_of(wrap: u32) -> Option<PathBuf> {
    let parent = Process::new(i32::try_from(wrap).ok()?).ok()?.stat().ok()?.ppid;
    std::fs::read_link(format!("/proc/{parent}/exe")).ok()
}

fn answer(stream: &UnixStream, response: &Response) -> io::Result<()> {
    socket::write_line(stream, response.to_line().trim_ascii_end())
}

fn tell(stream: &UnixStream, notice: Notice) -> io::Result<()> {
    socket::write_line(stream, &serde_json::to_vec(&notice)?)
}
