//! Starting wrapped servers, talking to them, and deadlines.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Longest wait for anything that should happen at once, on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// `command` behind `wrap`, without a daemon.
pub(crate) fn wrapped<S: AsRef<OsStr>>(command: impl IntoIterator<Item = S>) -> Command {
    wrapped_with([""; 0], command)
}

/// `command` behind `wrap` with `flags`, without a daemon.
pub(crate) fn wrapped_with<F: AsRef<OsStr>, S: AsRef<OsStr>>(
    flags: impl IntoIterator<Item = F>,
    command: impl IntoIterator<Item = S>,
) -> Command {
    let mut wrap = Command::new(env!("CARGO_BIN_EXE_mcpgw-agent"));
    wrap.arg("wrap").args(flags).arg("--").args(command).env("MCPGW_RUNTIME_DIR", "/nonexistent");
    wrap.env("XDG_STATE_HOME", state_dir());
    wrap
}

/// `command` as a client would start it without `wrap`.
pub(crate) fn direct<S: AsRef<OsStr>>(command: impl IntoIterator<Item = S>) -> Command {
    let mut command = command.into_iter();
    let mut direct = Command::new(command.next().unwrap());
    direct.args(command).env("MCPGW_RUNTIME_DIR", "/nonexistent");
    direct.env("XDG_STATE_HOME", state_dir());
    direct
}

/// Where wraps keep their logs; those of an earlier run are removed.
fn state_dir() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wrap-state");
        fs::remove_dir_all(&dir).ok();
        dir
    })
}

/// A Python server.
pub(crate) fn python(script: &str) -> Vec<&str> {
    vec!["python3", "-uc", script]
}

/// A started process with all three descriptors piped; killed when dropped.
pub(crate) struct Peer {
    pub(crate) child: Child,
    pub(crate) stdin: Option<ChildStdin>,
    pub(crate) stdout: Option<BufReader<ChildStdout>>,
    pub(crate) stderr: Option<BufReader<ChildStderr>>,
}

impl Peer {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().map(BufReader::new);
        let stderr = child.stderr.take().map(BufReader::new);
        Self { child, stdin, stdout, stderr }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().unwrap())
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    /// The next line of standard output without its newline; empty at the end.
    pub(crate) fn line(&mut self) -> String {
        next_line(&mut self.stdout)
    }

    /// The next line of standard error.
    pub(crate) fn stderr_line(&mut self) -> String {
        next_line(&mut self.stderr)
    }

    /// What is left of standard output.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut stdout = self.stdout.take().unwrap();
        within(move || {
            let mut rest = Vec::new();
            stdout.read_to_end(&mut rest).unwrap();
            rest
        })
    }

    /// What is left of standard error.
    pub(crate) fn stderr_rest(&mut self) -> String {
        let mut stderr = self.stderr.take().unwrap();
        within(move || {
            let mut rest = Vec::new();
            stderr.read_to_end(&mut rest).unwrap();
            String::from_utf8_lossy(&rest).into_owned()
        })
    }

    /// The exit code, once it has ended by itself.
    pub(crate) fn code(&mut self) -> i32 {
        eventually("the process ends", || self.child.try_wait().unwrap()).code().unwrap()
    }

    /// Whether it has not ended.
    pub(crate) fn lives(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn next_line<R: Read + Send + 'static>(from: &mut Option<BufReader<R>>) -> String {
    let mut reader = from.take().unwrap();
    let (line, reader) = within(move || {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        (line, reader)
    });
    *from = Some(reader);
    line.trim_end_matches('\n').to_owned()
}

/// The result of blocking `work`, or a panic after [`DEADLINE`].
#[track_caller]
pub(crate) fn within<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    thread::spawn(move || done.send(work()).ok());
    result.recv_timeout(DEADLINE).expect("nothing happened before the deadline, or the work panicked")
}

/// The value of `look` as soon as there is one, or a panic after [`DEADLINE`].
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(value) = look() {
            return value;
        }
        assert!(Instant::now() < deadline, "not before the deadline: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// The state letter of process `pid`, if there is such a process.
pub(crate) fn state(pid: &str) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(") ").next()?.chars().next()
}

/// Waits until `pid` is gone (or a zombie nobody reaps).
#[track_caller]
pub(crate) fn gone(pid: &str) {
    eventually("the server is gone", || state(pid).is_none_or(|s| s == 'Z').then_some(()));
}
