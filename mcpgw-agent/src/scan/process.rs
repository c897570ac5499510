//! A server that is a process: its start in the sandbox, its lines, its end.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use super::sandbox::{READY, REFUSED};
use super::wire::{Fault, Head, MESSAGE_MAX, TOTAL_MAX, Wire};
use super::{Inside, ScanError};

/// What servers get of our environment: what the SDKs' clients give them.
const ENVIRONMENT: [&str; 9] =
    ["HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "USER", "LC_ALL"];
/// Lines that wait to be read.
const WAITING: usize = 64;
/// Bytes of standard error that are kept: the last.
const STDERR_KEPT: usize = 4 << 10;
/// How long a server has to end once nobody speaks to it.
const GRACE: Duration = Duration::from_millis(500);
/// How long one that closed its output has to end, so that it can be told how: hardly any lives on.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is to be started.
pub(super) struct Start<'a> {
    pub(super) words: &'a [OsString],
    pub(super) environment: &'a [(OsString, OsString)],
    pub(super) directory: Option<&'a Path>,
    pub(super) inside: Inside,
}

/// A started server. Killed with all it started when dropped.
pub(super) struct Process {
    child: Child,
    input: Option<SyncSender<Vec<u8>>>,
    lines: Receiver<Result<Bytes, Fault>>,
    stderr: Arc<Mutex<VecDeque<u8>>>,
    /// How it ended, once it has.
    ended: Receiver<String>,
    is_ended: bool,
}

impl Process {
    /// Starts it, and waits until the sandbox is there.
    pub(super) fn start(start: &Start<'_>, deadline: Instant) -> Result<Self, ScanError> {
        let program = start.words.first().ok_or_else(|| ScanError::NotFound(OsString::new()))?;
        if !is_program(program, start) {
            return Err(ScanError::NotFound(program.clone()));
        }
        let mut command = Command::new(std::env::current_exe().map_err(ScanError::Start)?);
        command.arg("scan-child").arg("--parent").arg(std::process::id().to_string());
        if start.inside.has_network {
            command.arg("--network");
        }
        if start.inside.is_unconfined {
            command.arg("--unconfined");
        }
        command.arg("--").args(start.words).env_clear();
        for name in ENVIRONMENT {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.envs(start.environment.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = start.directory {
            command.current_dir(directory);
        }
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(ScanError::Start)?;
        let (input, to_write) = sync_channel::<Vec<u8>>(WAITING);
        let (to_read, lines) = sync_channel(WAITING);
        let stderr = Arc::new(Mutex::new(VecDeque::new()));
        let kept = Arc::clone(&stderr);
        let (stdin, stdout, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (to_tell, ended) = sync_channel(1);
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap_or_default());
        let mut process = Self { child, input: Some(input), lines, stderr, ended, is_ended: false };
        let threads = [
            // Whoever drops the other end of a channel ends its thread.
            run("scan input", move || write(stdin, &to_write)),
            run("scan output", move || read(stdout, &to_read)),
            run("scan errors", move || keep(errors, &kept)),
            run("scan end", move || {
                to_tell.send(wait(pid)).ok();
            }),
        ];
        threads.into_iter().collect::<io::Result<()>>().map_err(ScanError::Start)?;
        process.await_sandbox(deadline)?;
        Ok(process)
    }

    fn await_sandbox(&mut self, deadline: Instant) -> Result<(), ScanError> {
        let first = self.next(deadline).map_err(|fault| ScanError::Sandbox(fault.to_string()))?;
        let first = String::from_utf8_lossy(&first).into_owned();
        match first.strip_prefix(REFUSED) {
            _ if first == READY => Ok(()),
            Some(why) => Err(ScanError::Sandbox(why.to_owned())),
            None => Err(ScanError::Sandbox("it does not say that it is there".to_owned())),
        }
    }

    /// Ends it and all it started, and gives the last of what it wrote to standard error.
    pub(super) fn end(&mut self) -> String {
        if !std::mem::replace(&mut self.is_ended, true) {
            // Its input ends, which asks it to end.
            self.input = None;
            self.ended.recv_timeout(GRACE).map(drop).unwrap_or_default();
            self.kill();
        }
        let kept: Vec<u8> =
            self.stderr.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect();
        String::from_utf8_lossy(&kept).into_owned()
    }

    fn kill(&mut self) {
        // Not waited for yet, so that its pid, and with it the group's, is still its own.
        if let Ok(pid) = i32::try_from(self.child.id()) {
            killpg(Pid::from_raw(pid), Signal::SIGKILL).unwrap_or_default();
        }
        self.child.wait().map(drop).unwrap_or_default();
    }

    /// How it ended. What it started is ended with it.
    fn ending(&mut self, deadline: Instant) -> String {
        // One that lives on takes no longer than one that does not answer.
        let patience = deadline.saturating_duration_since(Instant::now()).clamp(GRACE, PATIENCE);
        let how = self.ended.recv_timeout(patience).unwrap_or_else(|_| "it closed its output".to_owned());
        self.is_ended = true;
        self.kill();
        how
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.is_ended {
            self.kill();
        }
    }
}

impl Wire for Process {
    fn send(&mut self, message: &[u8], _head: Head<'_>, _deadline: Instant) -> Result<(), Fault> {
        let input = self.input.as_ref().ok_or(Fault::Deaf)?;
        let line = [message, b"\n"].concat();
        match input.try_send(line) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => Err(Fault::Deaf),
            // What it said before it went is still to be read, and then its end.
            Err(TrySendError::Disconnected(_)) => Ok(()),
        }
    }

    fn next(&mut self, deadline: Instant) -> Result<Bytes, Fault> {
        match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => Err(Fault::Timeout),
            Err(RecvTimeoutError::Disconnected) => Err(Fault::Ended(self.ending(deadline))),
        }
    }
}

fn run(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
}

/// Waits for its end, and leaves it a zombie so that its pid is not taken.
fn wait(pid: Pid) -> String {
    loop {
        return match waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) {
            Ok(WaitStatus::Exited(_, code @ 129..=192)) => format!("signal {}", code - 128),
            Ok(WaitStatus::Exited(_, code)) => format!("exit code {code}"),
            Ok(WaitStatus::Signaled(_, signal, _)) => format!("signal {}", signal as i32),
            Err(Errno::EINTR) => continue,
            Ok(_) | Err(_) => "nobody knows how".to_owned(),
        };
    }
}

fn write(stdin: Option<impl Write>, lines: &Receiver<Vec<u8>>) {
    let Some(mut stdin) = stdin else { return };
    while let Ok(line) = lines.recv() {
        if stdin.write_all(&line).and_then(|()| stdin.flush()).is_err() {
            return;
        }
    }
}

fn read(stdout: Option<impl Read>, lines: &SyncSender<Result<Bytes, Fault>>) {
    let Some(stdout) = stdout else { return };
    let mut stdout = BufReader::new(stdout);
    let mut total = 0_usize;
    loop {
        let mut line = Vec::new();
        let most = u64::try_from(MESSAGE_MAX).unwrap_or(u64::MAX);
        let count = match stdout.by_ref().take(most).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(count) => count,
        };
        total = total.saturating_add(count);
        if count >= MESSAGE_MAX || total > TOTAL_MAX {
            lines.send(Err(Fault::Flood)).ok();
            return;
        }
        let text = line.trim_ascii();
        if !text.is_empty() && lines.send(Ok(Bytes::copy_from_slice(text))).is_err() {
            return;
        }
    }
}

fn keep(errors: Option<impl Read>, kept: &Mutex<VecDeque<u8>>) {
    let Some(mut errors) = errors else { return };
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = errors.read(&mut buffer) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(buffer.get(..count).unwrap_or_default());
        let over = kept.len().saturating_sub(STDERR_KEPT);
        kept.drain(..over);
    }
}

/// There is such a program, as `execvp` would look for it with the server's own `PATH`.
fn is_program(program: &OsStr, start: &Start<'_>) -> bool {
    let is_executable = |path: &Path| {
        path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    };
    let here = |path: PathBuf| start.directory.map_or(path.clone(), |directory| directory.join(path));
    if program.to_string_lossy().contains('/') {
        return is_executable(&here(program.into()));
    }
    let own = start.environment.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.clone());
    let path = own.or_else(|| std::env::var_os("PATH")).unwrap_or_default();
    std::env::split_paths(&path).any(|directory| is_executable(&here(directory).join(program)))
}
