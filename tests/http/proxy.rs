//! The proxy under test.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::DEADLINE;
use crate::client::Connection;

/// Denies the tool `deny`, elicitation and one notification, and allows the rest.
const POLICY: &str = r#"version: v1
mode: enforce
rules:
  - name: no-deny
    match:
      methods: ["tools/call"]
      tools: ["deny"]
    action: deny
  - name: no-elicitation
    match:
      methods: ["elicitation/create", "notifications/denied"]
    action: deny
  - name: rest
    match:
      methods: ["*"]
    action: allow
"#;

/// A running proxy. Ends with the value.
#[derive(Debug)]
pub(crate) struct Proxy {
    child: Child,
    pub(crate) address: SocketAddr,
    /// Where its metrics are, if it was told to serve them.
    metrics: Option<SocketAddr>,
    dir: TempDir,
}

/// A command that starts a proxy, recording into `dir`.
pub(crate) fn command(dir: &TempDir, upstream: &str, listen: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcpgw-agent"));
    command.args(["proxy", "--upstream", upstream, "--listen", listen, "--audit-log"]);
    command.arg(dir.path().join("audit.jsonl")).env("MCPGW_STATE_DIR", dir.path());
    command.env("MCPGW_RUNTIME_DIR", dir.path());
    command
}

impl Proxy {
    /// Before `upstream`, letting everything pass.
    pub(crate) fn observing(upstream: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let command = command(&dir, upstream, "127.0.0.1:0");
        Self::start(dir, command)
    }

    /// [`observing`](Self::observing), and serving metrics.
    pub(crate) fn measured(upstream: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let mut command = command(&dir, upstream, "127.0.0.1:0");
        command.args(["--metrics", "127.0.0.1:0"]);
        Self::start(dir, command)
    }

    /// Before `upstream`, with a policy in force that denies the tool `deny`, elicitation and `notifications/denied`.
    pub(crate) fn enforcing(upstream: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let policy = dir.path().join("policy.yaml");
        fs::write(&policy, POLICY).unwrap();
        let mut command = command(&dir, upstream, "127.0.0.1:0");
        command.arg("--policy").arg(policy);
        Self::start(dir, command)
    }

    /// Before `upstream`, with `policy` in force, serving metrics.
    pub(crate) fn under(policy: &str, upstream: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("policy.yaml");
        fs::write(&file, policy).unwrap();
        let mut command = command(&dir, upstream, "127.0.0.1:0");
        command.arg("--policy").arg(file).args(["--metrics", "127.0.0.1:0"]);
        Self::start(dir, command)
    }

    /// All it wrote into files of its own, but for the policy.
    pub(crate) fn written(&self) -> String {
        let files = fs::read_dir(self.dir.path()).unwrap().map(|file| file.unwrap().path());
        let files = files.filter(|path| path.is_file() && !path.ends_with("policy.yaml"));
        let texts = files.filter_map(|path| match fs::read(path) {
            // What is only there for a moment may be gone again.
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            read => Some(String::from_utf8_lossy(&read.unwrap()).into_owned()),
        });
        texts.collect()
    }

    /// Starts `command`, whose files are in `dir`.
    pub(crate) fn start(dir: TempDir, mut command: Command) -> Self {
        let log = fs::File::create(dir.path().join("log")).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut told = |path| {
            let mut line = String::new();
            // The line comes, or the process ends and with it its standard output.
            said.read_line(&mut line).unwrap();
            let address = line.trim().rsplit_once("://").and_then(|(_, rest)| rest.strip_suffix(path));
            address.unwrap_or_else(|| panic!("the proxy says {line:?}")).parse().unwrap()
        };
        let address = told("/mcp");
        let metrics = command.get_args().any(|arg| arg == "--metrics").then(|| told("/metrics"));
        Self { child, address, metrics, dir }
    }

    /// [`enforcing`](Self::enforcing) and serving metrics, with no file longer than `blocks` of 512 bytes: the way a
    /// disk fills up that needs no disk.
    pub(crate) fn cramped(upstream: &str, mode: &str, blocks: u32) -> Self {
        let dir = TempDir::new().unwrap();
        let policy = dir.path().join("policy.yaml");
        fs::write(&policy, POLICY.replace("enforce", mode)).unwrap();
        let inner = command(&dir, upstream, "127.0.0.1:0");
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -S -f {blocks}; exec \"$0\" \"$@\"")]).arg(inner.get_program());
        command.args(inner.get_args()).arg("--policy").arg(policy).args(["--metrics", "127.0.0.1:0"]);
        for (name, value) in inner.get_envs() {
            command.env(name, value.unwrap());
        }
        Self::start(dir, command)
    }

    /// Gives its files all the room there is.
    pub(crate) fn uncramp(&self) {
        let pid = self.pid().to_string();
        let status = Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]).status().unwrap();
        assert!(status.success(), "{status}");
    }

    /// Status and text at `path` of its metrics address.
    #[track_caller]
    pub(crate) fn ask(&self, path: &str) -> (u16, String) {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let reply = Connection::send(self.metrics.unwrap(), request.as_bytes()).reply();
        (reply.status, reply.text())
    }

    /// The value of a series, written as Prometheus has it.
    #[track_caller]
    pub(crate) fn series(&self, series: &str) -> f64 {
        let (status, text) = self.ask("/metrics");
        assert_eq!(status, 200, "{text}");
        let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {series} in\n{text}")).parse().unwrap()
    }

    /// How many descriptors it has open, but for those of its log's directory: the index opens and closes files as it likes.
    pub(crate) fn descriptors(&self) -> usize {
        let open = fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap();
        // What was closed meanwhile leads nowhere.
        let targets = open.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
        targets.filter(|target| !target.starts_with(self.dir.path())).count()
    }

    /// The most memory it ever had, in bytes.
    pub(crate) fn peak_memory(&self) -> usize {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
    }

    /// URL of its endpoint.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Its directory, once it has ended.
    pub(crate) fn into_dir(mut self) -> TempDir {
        assert!(self.child.try_wait().unwrap().is_some());
        std::mem::replace(&mut self.dir, TempDir::new().unwrap())
    }

    /// Where its files are.
    pub(crate) fn dir(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// The audit log's lines so far.
    pub(crate) fn audit(&self) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(self.audit_path()).unwrap_or_default();
        // The last one may be on its way.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn audit_path(&self) -> PathBuf {
        self.dir.path().join("audit.jsonl")
    }

    /// Writes another policy. It is renamed into place: whoever watches the file must not read half of it.
    pub(crate) fn write_policy(&self, text: &str) {
        let fresh = self.dir.path().join("policy.yaml.new");
        fs::write(&fresh, text).unwrap();
        fs::rename(&fresh, self.dir.path().join("policy.yaml")).unwrap();
    }

    /// Writes another policy, and says so.
    pub(crate) fn replace_policy(&self, text: &str) {
        self.write_policy(text);
        kill(self.pid(), Signal::SIGHUP).unwrap();
    }

    /// What it said on standard error.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().unwrap())
    }

    /// Asks it to end.
    pub(crate) fn terminate(&self) {
        kill(self.pid(), Signal::SIGTERM).unwrap();
    }

    /// Asks it to end, and tells how it did and how long it took.
    pub(crate) fn stop(&mut self) -> (Option<i32>, Duration) {
        self.terminate();
        self.ended()
    }

    /// Waits for its end, and tells how it was and how long it took.
    pub(crate) fn ended(&mut self) -> (Option<i32>, Duration) {
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status.code(), since.elapsed());
            }
            assert!(since.elapsed() < DEADLINE, "the proxy does not end");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The value of `look` as soon as there is one.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(value) = look() {
            return value;
        }
        assert!(Instant::now() < end, "not before the deadline: {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
