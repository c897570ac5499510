//! The arms: no agent, an agent with nothing to look at, an agent tapping one server. Each can be asked whether it
//! is what it says, and answers from /proc: what the agent's file descriptors are is the kernel's word.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::effects::Peer;

/// An agent that was started loads its programs and scans /proc first.
const START_LIMIT: Duration = Duration::from_secs(30);
/// Nothing is observed for longer than this unless it moves, and detaching waits a little.
const SETTLE_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// A silent candidate is under observation for longer than this.
const BAIT_PERIOD: Duration = Duration::from_secs(4);
const POLL: Duration = Duration::from_millis(50);
/// Metrics on any free port: another agent may run on this host.
const CONFIG: &str = "admin:\n  metrics-address: 127.0.0.1:0\n";
/// All that servers past any gateway say is judged.
const MESSAGES: &str = "host:\n  observe: messages\n";
/// What servers do is told as well.
const EFFECTS: &str = "host:\n  effects: on\n";
/// A rule that could mean any program and means none: each has to be looked at.
const GUARD: &str = "host:\n  guard:\n    rules:\n      - name: bench\n        action: hold\n        \
                     evidence: nothing\n        command: '* --no-program-has-this'\n    mode: ";

/// What the host is like during a measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Arm {
    /// No agent.
    Absent,
    /// No agent either: how far two measurements of the same thing are apart.
    AbsentAgain,
    /// An agent, nothing under observation.
    Idle,
    /// An agent that observes one server.
    Tapped,
    /// An agent that records what servers say.
    Messages,
    /// An agent that tells what one server does to the host.
    Effects,
    /// An agent whose guard looks and does nothing.
    Alert,
    /// An agent at whose guard every program waits before it starts.
    Enforce,
}

impl Arm {
    /// All of them, in the table's order.
    pub(crate) const ALL: [Self; 8] = [
        Self::Absent,
        Self::AbsentAgain,
        Self::Idle,
        Self::Tapped,
        Self::Messages,
        Self::Effects,
        Self::Alert,
        Self::Enforce,
    ];

    /// Its name in the table.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Absent => "no agent",
            Self::AbsentAgain => "no agent, again",
            Self::Idle => "agent idle",
            Self::Tapped => "one server tapped",
            Self::Messages => "messages recorded",
            Self::Effects => "effects of one server told",
            Self::Alert => "guard: alert",
            Self::Enforce => "guard: enforce, all held",
        }
    }

    /// Brings the host into this state and waits until it is. Where it `is_noisy`, other programs may keep the tap attached.
    ///
    /// # Errors
    /// When that does not come about.
    pub(crate) fn set_up(self, agent: &Path, scratch: &Path, is_noisy: bool) -> Result<Host> {
        let program = agent;
        let agent = match self {
            Self::Absent | Self::AbsentAgain => None,
            Self::Idle | Self::Tapped => Some(Agent::start(agent, scratch, "")?),
            Self::Messages => Some(Agent::start(agent, scratch, MESSAGES)?),
            Self::Effects => Some(Agent::start(agent, scratch, EFFECTS)?),
            Self::Alert => Some(Agent::start(agent, scratch, &format!("{GUARD}alert\n"))?),
            Self::Enforce => Some(Agent::start(agent, scratch, &format!("{GUARD}enforce\n"))?),
        };
        if let Some(agent) = agent.as_ref().filter(|_| self == Self::Enforce) {
            agent.wait_held()?;
        }
        let bait = if self == Self::Tapped { Some(Bait::lay()?) } else { None };
        let session = if self == Self::Effects {
            // The tap lets go of a server that has said what it is; what it does is told as long as it runs.
            let mut peer = Peer::wrapped(program, scratch, &Peer::doer()?)?;
            peer.list()?;
            Some(peer)
        } else {
            None
        };
        let host = Host { arm: self, is_noisy, _session: session, agent, _bait: bait };
        host.settle()?;
        Ok(host)
    }
}

/// A host in the state of an arm, until it is dropped.
#[derive(Debug)]
pub(crate) struct Host {
    arm: Arm,
    is_noisy: bool,
    _session: Option<Peer>,
    agent: Option<Agent>,
    _bait: Option<Bait>,
}

impl Host {
    /// Waits until the host is what the arm says; other programs on it come and go.
    ///
    /// # Errors
    /// When that does not come about, or the agent has ended.
    pub(crate) fn settle(&self) -> Result<()> {
        wait_for(SETTLE_LIMIT, || Ok(self.is_as_said()?.then_some(()))).with_context(|| {
            let hooks = self.agent.as_ref().and_then(|agent| agent.raw_tracepoints().ok());
            format!("{:?}: the host did not come into this state; attached: {hooks:?}", self.arm)
        })
    }

    /// Whether the probes and the tap are attached as the arm says, and nobody else's.
    ///
    /// # Errors
    /// When the agent has ended.
    pub(crate) fn is_as_said(&self) -> Result<bool> {
        let ours = self.agent.as_ref().map(|agent| agent.child.id());
        if !self.is_noisy && another_agent_runs(ours)? {
            return Ok(false);
        }
        let Some(agent) = &self.agent else { return Ok(true) };
        let hooks = agent.raw_tracepoints()?;
        let probes = hooks.iter().any(|hook| hook == "sched_process_exec");
        let calls = hooks.iter().filter(|hook| *hook == "sys_exit").count();
        let effects = hooks.iter().any(|hook| hook == "io_uring_submit_req");
        let watches = matches!(self.arm, Arm::Tapped | Arm::Messages | Arm::Effects);
        let wanted = usize::from(watches);
        let is_tapped = calls == wanted || (self.is_noisy && calls > wanted);
        Ok(probes && is_tapped && effects == (self.arm == Arm::Effects))
    }

    /// The agent's CPU time so far and its resident memory; nothing where there is no agent.
    pub(crate) fn usage(&self) -> Option<Usage> {
        self.agent.as_ref().and_then(|agent| agent.usage().ok())
    }
}

/// What the agent itself uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Usage {
    /// CPU time of all its threads, in nanoseconds.
    pub(crate) cpu_ns: u64,
    /// Resident memory, in KiB.
    pub(crate) resident_kib: u64,
}

/// An agent of our own, with directories of its own.
#[derive(Debug)]
pub(crate) struct Agent {
    child: Child,
    log: PathBuf,
    program: PathBuf,
    runtime: PathBuf,
}

impl Agent {
    /// Starts one with directories in `scratch` and `more` lines of configuration.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) fn start(program: &Path, scratch: &Path, more: &str) -> Result<Self> {
        let (config, log) = (scratch.join("agent.yaml"), scratch.join("agent.log"));
        let (runtime, state) = (scratch.join("run"), scratch.join("state"));
        fs::create_dir_all(&runtime)?;
        fs::create_dir_all(&state)?;
        fs::write(&config, format!("{CONFIG}{more}"))?;
        let output = File::create(&log)?;
        let child = Command::new(program)
            .args(["run", "--config"])
            .arg(&config)
            .env("MCPGW_RUNTIME_DIR", &runtime)
            .env("MCPGW_STATE_DIR", &state)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("cannot start `{}`", program.display()))?;
        let mut agent = Self { child, log, program: program.to_owned(), runtime };
        let ready = wait_for(START_LIMIT, || {
            if let Some(status) = agent.child.try_wait()? {
                bail!("the agent ended with {status}");
            }
            Ok(agent.ask(&["status", "--json"])?.map(drop))
        });
        ready.with_context(|| format!("the agent did not start; its log is `{}`", agent.log.display()))?;
        Ok(agent)
    }

    /// What a command of it says in JSON; nothing where it fails.
    fn ask(&self, arguments: &[&str]) -> Result<Option<Value>> {
        let mut command = Command::new(&self.program);
        command.args(arguments).env("MCPGW_RUNTIME_DIR", &self.runtime).stdin(Stdio::null());
        let output = command.stderr(Stdio::null()).output()?;
        if !output.status.success() {
            return Ok(None);
        }
        Ok(Some(serde_json::from_slice(&output.stdout)?))
    }

    /// Waits until what a command says in JSON `is_so`.
    ///
    /// # Errors
    /// When it does not become so.
    pub(crate) fn wait_for(&self, arguments: &[&str], is_so: impl Fn(&Value) -> bool) -> Result<()> {
        wait_for(START_LIMIT, || Ok(self.ask(arguments)?.filter(|answer| is_so(answer)).map(drop)))
            .with_context(|| format!("the agent's `{}` does not say so", arguments.join(" ")))
    }

    /// Waits until programs wait for its guard.
    ///
    /// # Errors
    /// When none do.
    pub(crate) fn wait_held(&self) -> Result<()> {
        self.wait_for(&["guard", "status", "--json"], |guard| {
            guard.get("held_places").and_then(Value::as_u64).is_some_and(|places| places > 0)
        })
    }

    /// The raw tracepoints this process holds attached.
    fn raw_tracepoints(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        let dir = format!("/proc/{}/fdinfo", self.child.id());
        for entry in fs::read_dir(&dir).context("the agent is gone")? {
            match fs::read_to_string(entry?.path()) {
                Ok(text) => names.extend(tracepoint_of(&text).map(str::to_owned)),
                // The agent closes descriptors as it goes.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(names)
    }

    /// Its CPU time so far and its memory.
    ///
    /// # Errors
    /// When it is gone.
    pub(crate) fn usage(&self) -> Result<Usage> {
        let mut cpu_ns = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let text = fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
            cpu_ns += text.split(' ').next().and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
        }
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let resident_kib =
            resident.and_then(|text| text.split_whitespace().next()).and_then(|text| text.parse().ok());
        Ok(Usage { cpu_ns, resident_kib: resident_kib.context("no VmRSS")? })
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let asked = Command::new("kill")
            .arg(self.child.id().to_string())
            .status()
            .is_ok_and(|status| status.success());
        let ended = asked && wait_for(STOP_LIMIT, || Ok(self.child.try_wait()?)).is_ok();
        if !ended {
            eprintln!("bench: the agent did not stop when asked; killing it");
            // It may have ended in between; either way it is reaped below.
            if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
                eprintln!("bench: {error}");
            }
        }
    }
}

/// Whether an agent that is not ours is on this host: its tap would be measured as well.
fn another_agent_runs(ours: Option<u32>) -> Result<bool> {
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // A process that has ended meanwhile is no agent.
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if Some(pid) != ours && is_agent(&command) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a command line, as /proc has it, is `mcpgw-agent run`. `wrap` attaches nothing.
fn is_agent(command: &[u8]) -> bool {
    let mut arguments = command.split(|byte| *byte == 0);
    let program = arguments.next().unwrap_or_default();
    let name = program.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    name == b"mcpgw-agent" && arguments.next() == Some(b"run")
}

/// The name of the tracepoint, from the kernel's description of a file descriptor that is such a link.
fn tracepoint_of(fdinfo: &str) -> Option<&str> {
    let field = |name: &str| fdinfo.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    (field("link_type:")? == "raw_tracepoint").then(|| field("tp_name:")).flatten()
}

/// Something that looks like a server and says nothing: two pipes and a program that waits. Renewed before the agent
/// loses interest.
#[derive(Debug)]
struct Bait {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Bait {
    fn lay() -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let mut bait = silent_server()?;
        let thread = thread::spawn(move || {
            let mut laid = Instant::now();
            while !told.load(Ordering::Relaxed) {
                thread::sleep(POLL);
                if laid.elapsed() >= BAIT_PERIOD {
                    match silent_server() {
                        // The new one is there before the old one goes.
                        Ok(fresh) => reap(std::mem::replace(&mut bait, fresh)),
                        Err(error) => eprintln!("bench: {error:#}"),
                    }
                    laid = Instant::now();
                }
            }
            reap(bait);
        });
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Bait {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            eprintln!("bench: the thread that kept a server under observation panicked");
        }
    }
}

fn silent_server() -> Result<Child> {
    Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("cannot start cat")
}

fn reap(mut child: Child) {
    // Its input closes and it ends by itself.
    drop(child.stdin.take());
    if let Err(error) = child.wait() {
        eprintln!("bench: {error}");
    }
}

/// Asks again and again until there is an answer.
fn wait_for<T>(limit: Duration, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if started.elapsed() > limit {
            bail!("not within {} s", limit.as_secs());
        }
        thread::sleep(POLL);
    }
}

#[cfg(test)]
mod tests {
    use super::{is_agent, tracepoint_of};

    #[test]
    fn an_agent_is_known_by_its_command_line() {
        assert!(is_agent(b"/usr/bin/mcpgw-agent\0run\0--config\0x\0"));
        assert!(!is_agent(b"mcpgw-agent\0wrap\0--\0run\0"));
        assert!(!is_agent(b"") && !is_agent(b"grep\0mcpgw-agent\0run\0"));
    }

    #[test]
    fn the_kernels_description_of_a_link_names_its_tracepoint() {
        let link = "pos:\t0\nflags:\t02000000\nlink_type:\traw_tracepoint\nlink_id:\t7\nprog_id:\t9\ntp_name:\tsys_exit\n";
        assert_eq!(tracepoint_of(link), Some("sys_exit"));
        assert_eq!(tracepoint_of("pos:\t0\nlink_type:\tcgroup\nattach_type:\t1\n"), None);
        assert_eq!(tracepoint_of("pos:\t0\n"), None);
    }
}
