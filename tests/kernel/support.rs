//! Loading the probes for a test, driving a Python child, and waiting for what the kernel reports.

use std::io::{BufRead, BufReader, Read as _, Write};
use std::process::{Child, ChildStderr, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use mcpgw_agent::inventory::{Channel, Exec, HostEvent, ProcessKey, StreamSource};
use mcpgw_agent::kernel::{Kernel, KernelEvent, KernelOptions, Readers};
use mcpgw_agent::wire::Chunk;
use tokio::sync::{Mutex, MutexGuard};

/// Longest wait for anything: reached only by a test that fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// One test at a time: they look at the whole host, and at what this process has loaded.
static TURN: Mutex<()> = Mutex::const_new(());

/// Loaded probes, and everything they have reported.
pub(crate) struct Host {
    pub(crate) kernel: Kernel,
    pub(crate) readers: Readers,
    pub(crate) seen: Seen,
    _turn: MutexGuard<'static, ()>,
}

/// What was reported so far.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) host: Vec<HostEvent>,
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) lost: u64,
    pub(crate) received: u64,
}

/// Why the probes cannot be tried here, if they cannot.
pub(crate) fn obstacle() -> Option<String> {
    if !nix::unistd::geteuid().is_root() {
        return Some("not root".to_owned());
    }
    let loaded = Kernel::load(&without_effects());
    loaded.kernel.is_none().then(|| format!("no hook works: {:?}", loaded.hooks))
}

/// The test's turn, whether the probes can be tried or not.
pub(crate) async fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().await
}

/// Says what this kernel or machine does not let a test find out. On the real standard error, which the test harness does not
/// capture, and in the form that `cargo xtask test` counts.
pub(crate) fn skipped(why: &str) {
    let name = std::thread::current().name().unwrap_or("test").to_owned();
    writeln!(std::io::stderr(), "\nSKIPPED: {name}: {why}").expect("stderr is open");
}

/// The same where hooks of these names, or some of them, do not work.
pub(crate) fn skipped_without(host: &Host, is_needed: impl Fn(&str) -> bool) {
    let needed = host.kernel.hooks().iter().filter(|hook| is_needed(hook.name) && !hook.state.is_attached());
    let why: Vec<_> = needed.map(|hook| format!("{}: {}", hook.name, hook.state.reason())).collect();
    skipped(&why.join("; "));
}

/// Whether there is an IPv6 loopback; says so where there is none.
pub(crate) fn has_ipv6() -> bool {
    let bound = std::net::TcpListener::bind("[::1]:0");
    if let Err(error) = &bound {
        skipped(&format!("no IPv6: {error}"));
    }
    bound.is_ok()
}

/// Loads the probes but for those of effects, or says why the test is skipped. A test reads when it comes to it, so its
/// rings hold all that passes meanwhile; what small ones lose is the business of the tests of loss.
pub(crate) async fn load() -> Option<Host> {
    load_with(&without_effects()).await
}

/// Large rings, and not the programs of effects: the verifier has more to do with these than with all others, and in an
/// emulated machine that is what a test takes its time for.
pub(crate) fn without_effects() -> KernelOptions {
    let mut options =
        KernelOptions { streams_bytes: 16 << 20, tcp_bytes: 8 << 20, ..KernelOptions::default() };
    options.leave_out_effects();
    options
}

/// Loads all there is.
pub(crate) async fn load_all() -> Option<Host> {
    load_with(&KernelOptions::default()).await
}

/// The same with options.
pub(crate) async fn load_with(options: &KernelOptions) -> Option<Host> {
    static OBSTACLE: OnceLock<Option<String>> = OnceLock::new();
    let turn = turn().await;
    if let Some(why) = OBSTACLE.get_or_init(obstacle) {
        skipped(why);
        return None;
    }
    let loaded = Kernel::load(options);
    let mut kernel = loaded.kernel.unwrap_or_else(|| panic!("{:?}", loaded.hooks));
    let readers = kernel.take_readers().unwrap();
    Some(Host { kernel, readers, seen: Seen::default(), _turn: turn })
}

impl Host {
    /// Reads until `done` finds what it looks for.
    pub(crate) async fn until<T>(&mut self, what: &str, mut done: impl FnMut(&Seen) -> Option<T>) -> T {
        let wait = async {
            loop {
                if let Some(found) = done(&self.seen) {
                    return found;
                }
                self.seen.read(&mut self.readers).await;
            }
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(found) => found,
            Err(_elapsed) => panic!("waited in vain for {what}; seen: {}", self.seen.summary()),
        }
    }

    /// Takes everything that is in the rings now.
    pub(crate) async fn drain(&mut self) {
        // A program that has returned has put its records into the rings: what is there is there at once.
        while tokio::time::timeout(Duration::from_millis(1), self.seen.read(&mut self.readers)).await.is_ok()
        {
        }
    }

    /// The exec record of process `pid` with this last argument.
    pub(crate) async fn exec_of(&mut self, pid: u32) -> Exec {
        self.until(&format!("exec of {pid}"), |seen| seen.exec_of(pid).cloned()).await
    }

    /// Waits for a process to have started that can only be reported after everything before it.
    pub(crate) async fn marker(&mut self) {
        let child = Command::new("/bin/true").spawn().unwrap();
        let pid = child.id();
        reap(child);
        self.exec_of(pid).await;
        self.drain().await;
    }
}

impl Seen {
    async fn read(&mut self, readers: &mut Readers) {
        let (mut a, mut b, mut c) = (Vec::new(), Vec::new(), Vec::new());
        let result = tokio::select! {
            result = readers.lifecycle.next(&mut a) => result,
            result = readers.streams.next(&mut b) => result,
            result = readers.tcp.next(&mut c) => result,
        };
        result.unwrap();
        for event in a.into_iter().chain(b).chain(c) {
            self.take(event);
        }
    }

    /// What was seen, a line each, payload cut.
    fn summary(&self) -> String {
        let host = self.host.iter().map(|event| format!("{event:?}"));
        let chunks = self.chunks.iter().map(|chunk| {
            let (len, start) = (chunk.bytes.len(), &chunk.bytes[..chunk.bytes.len().min(40)]);
            let start = String::from_utf8_lossy(start);
            let (offset, skipped, end) = (chunk.offset, chunk.skipped, chunk.end);
            format!("{:?} offset {offset} len {len} skipped {skipped} end {end} {start:?}", chunk.source)
        });
        let lines: Vec<_> = host.chain(chunks).collect();
        format!("{} lost\n{}", self.lost, lines[lines.len().saturating_sub(30)..].join("\n"))
    }

    pub(crate) fn take(&mut self, event: KernelEvent) {
        match event {
            KernelEvent::Host(event) => self.host.push(event),
            KernelEvent::Chunk(chunk) => self.chunks.push(chunk),
            KernelEvent::SideEffect(_) | KernelEvent::Untold { .. } => {}
            KernelEvent::Lost { count, .. } => {
                self.lost += count;
                return;
            }
        }
        self.received += 1;
    }

    pub(crate) fn execs(&self) -> impl Iterator<Item = &Exec> {
        self.host.iter().filter_map(|event| match event {
            HostEvent::Exec(exec) => Some(&**exec),
            _ => None,
        })
    }

    pub(crate) fn exec_of(&self, pid: u32) -> Option<&Exec> {
        self.execs().find(|exec| exec.process.pid == pid)
    }

    pub(crate) fn exit_of(&self, pid: u32) -> Option<u32> {
        self.host.iter().find_map(|event| match event {
            HostEvent::Exit { process, status, .. } if process.pid == pid => Some(*status),
            _ => None,
        })
    }

    /// What `pid` moved over `channel`, put together by offset; `None` where bytes are missing from the start.
    pub(crate) fn flow(&self, channel: Channel, pid: u32, wrote: bool) -> Option<Vec<u8>> {
        let mut whole = Vec::new();
        for chunk in self.flow_chunks(channel, pid, wrote) {
            if chunk.offset != whole.len() as u64 {
                return None;
            }
            whole.extend(&chunk.bytes);
        }
        Some(whole)
    }

    /// The records of one flow, in order of offset.
    pub(crate) fn flow_chunks(&self, channel: Channel, pid: u32, wrote: bool) -> Vec<&Chunk> {
        let mut chunks: Vec<&Chunk> = self
            .chunks
            .iter()
            .filter(|chunk| {
                matches!(chunk.source, StreamSource::Channel { channel: c, process, wrote: w }
                    if c == channel && process.pid == pid && w == wrote)
            })
            .collect();
        chunks.sort_by_key(|chunk| chunk.offset);
        chunks
    }
}

/// A Python program, told what to do line by line on stdin and answering on stderr; its stdout is `/dev/null`, so that
/// it does not look like a stdio server itself.
pub(crate) struct Python {
    child: Child,
    stdin: ChildStdin,
    stderr: BufReader<ChildStderr>,
}

/// Helpers every program begins with. `say` answers the test.
const PRELUDE: &str = "
import os, sys, socket, subprocess, threading, signal, time, array
def say(*words):
    sys.stderr.write(' '.join(str(word) for word in words) + '\\n'); sys.stderr.flush()
def hear():
    line = sys.stdin.readline()
    if not line: sys.exit(0)
    return line.strip()
";

impl Python {
    pub(crate) fn start(program: &str) -> Self {
        let mut child = Command::new(python())
            .args(["-I", "-u", "-c", &format!("{PRELUDE}\n{program}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stdin, stderr }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a line.
    pub(crate) fn tell(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").unwrap();
    }

    /// Waits for a line.
    pub(crate) fn hear(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.stderr.read_line(&mut line).unwrap(), 0, "the program ended");
        if line.starts_with("Traceback") {
            let rest: Vec<_> = self.stderr.by_ref().lines().map_while(Result::ok).collect();
            panic!("{}", rest.join("\n"));
        }
        line.trim_end().to_owned()
    }

    /// Waits for a line of numbers.
    pub(crate) fn numbers(&mut self) -> Vec<u64> {
        let line = self.hear();
        line.split_whitespace().map(|word| word.parse().unwrap_or_else(|_| panic!("{line}"))).collect()
    }

    /// Ends it and waits.
    pub(crate) fn end(self) {
        drop(self.stdin);
        reap(self.child);
    }
}

/// Waits for a child of ours.
pub(crate) fn reap(mut child: Child) {
    child.wait().unwrap();
}

/// Python's own executable, not a wrapper script that stands for it.
pub(crate) fn python() -> &'static str {
    static PYTHON: OnceLock<String> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let script = "import os, sys; print(os.path.realpath(sys.executable))";
        let output = Command::new("python3").args(["-c", script]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    })
}

/// Process `pid` as `/proc` shows it.
pub(crate) fn process(pid: u32) -> ProcessKey {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let start = stat.rsplit_once(") ").unwrap().1.split(' ').nth(19).unwrap();
    ProcessKey { pid, start_ticks: start.parse().unwrap() }
}
