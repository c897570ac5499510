//! Where real servers and clients are (`cargo xtask peers` puts them there), and how they are started.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Once, mpsc};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::DEADLINE;
use crate::port::reserved_port;

/// Longest time for all that a client does, on a busy machine.
const SESSION: Duration = Duration::from_secs(120);

/// Why a test cannot run here.
#[derive(Debug)]
pub(crate) struct Skipped(String);

impl Skipped {
    pub(crate) fn because(what: &str) -> Self {
        Self(what.to_owned())
    }
}

/// Runs a test that needs peers; without them it is skipped loudly, or fails where that is not allowed (`CI` or
/// `MCPGW_REQUIRE_PEERS` is set).
pub(crate) fn with_peers(body: impl FnOnce() -> Result<(), Skipped>) {
    if let Err(Skipped(what)) = body() {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| value != "0" && !value.is_empty());
        assert!(!is_set("CI") && !is_set("MCPGW_REQUIRE_PEERS"), "would be skipped: {what}");
        let name = std::thread::current().name().unwrap_or("test").to_owned();
        writeln!(std::io::stderr(), "\nSKIPPED: {name}: {what}").expect("stderr is open");
    }
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn dir() -> PathBuf {
    std::env::var_os("MCPGW_PEERS").map_or_else(|| workspace().join("target/peers"), PathBuf::from)
}

/// A script of `tests/peers`.
pub(crate) fn script(name: &str) -> OsString {
    workspace().join("tests/peers").join(name).into()
}

fn installed(path: &str) -> Result<OsString, Skipped> {
    let path = dir().join(path);
    let missing = || Skipped(format!("{} is missing (`cargo xtask peers` installs it)", path.display()));
    if path.exists() { Ok(path.into()) } else { Err(missing()) }
}

/// Python of the environment `py1` or `py2`.
pub(crate) fn python(environment: &str) -> Result<OsString, Skipped> {
    installed(&format!("{environment}/bin/python"))
}

/// A JavaScript of `tests/peers`, copied beside the modules it imports.
pub(crate) fn module(name: &str) -> Result<OsString, Skipped> {
    static COPIED: Once = Once::new();
    installed("node_modules/@modelcontextprotocol/sdk")?;
    let to = dir().join("drivers");
    COPIED.call_once(|| {
        fs::create_dir_all(&to).unwrap();
        for name in ["http_server.mjs", "http_client.mjs", "mcp_client.mjs", "said_server.mjs"] {
            // Renamed into place: another test process may be reading the old one.
            let fresh = to.join(format!("{name}.{}.http", std::process::id()));
            fs::copy(script(name), &fresh).unwrap();
            fs::rename(&fresh, to.join(name)).unwrap();
        }
    });
    Ok(to.join(name).into())
}

/// A server of its own for a test.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    _dir: TempDir,
    mark: PathBuf,
}

impl Server {
    /// `http_server.mjs`, which says where it listens.
    pub(crate) fn node(answers: &str) -> Result<Self, Skipped> {
        let dir = TempDir::new().unwrap();
        let mark = dir.path().join("mark");
        let mut command = Command::new("node");
        command.arg(module("http_server.mjs")?).arg(answers).arg(&mark);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port: u16 = line.trim().strip_prefix("LISTENING ").unwrap().parse().unwrap();
        Ok(Self { child, address: (Ipv4Addr::LOCALHOST, port).into(), _dir: dir, mark })
    }

    /// `said_server_v1.py` (`py1`) or `said_server.mjs` (`node`) with this file of what to say, answering with `sse` or
    /// `json`.
    pub(crate) fn said(kind: &str, says: &serde_json::Value, answers: &str) -> Result<Self, Skipped> {
        let dir = TempDir::new().unwrap();
        let (mark, file) = (dir.path().join("ledger"), dir.path().join("says.json"));
        fs::write(&file, says.to_string()).unwrap();
        let (program, script) = match kind {
            "node" => ("node".into(), module("said_server.mjs")?),
            _ => (python(kind)?, script("said_server_v1.py")),
        };
        let mut command = Command::new(program);
        command.arg(script).arg(&mark).arg(&file).arg(answers);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address =
            line.trim().strip_prefix("LISTENS ").unwrap_or_else(|| panic!("{line:?}")).parse().unwrap();
        Ok(Self { child, address, _dir: dir, mark })
    }

    /// What it was told, line by line.
    pub(crate) fn ledger(&self) -> String {
        fs::read_to_string(&self.mark).unwrap_or_default()
    }

    /// A Python server of `tests/peers`, which is told its port.
    pub(crate) fn python(environment: &str, script_name: &str, transport: &str) -> Result<Self, Skipped> {
        let (python, dir) = (python(environment)?, TempDir::new().unwrap());
        // A port that was free may be taken when the server gets to it: then another.
        for _ in 0..5 {
            let port = reserved_port();
            let mut command = Command::new(&python);
            command.arg(script(script_name)).arg(transport).arg(port.to_string());
            let mut child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            let address = (Ipv4Addr::LOCALHOST, port).into();
            if listens(&mut child, address) {
                return Ok(Self { child, address, mark: dir.path().join("mark"), _dir: dir });
            }
        }
        panic!("{script_name} does not get a port")
    }

    /// URL of `path`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Whether the tool `deny` ran.
    pub(crate) fn is_marked(&self) -> bool {
        self.mark.exists()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn listens(child: &mut Child, address: SocketAddr) -> bool {
    let end = Instant::now() + DEADLINE;
    while Instant::now() < end && child.try_wait().unwrap().is_none() {
        if TcpStream::connect(address).is_ok() {
            return true;
        }
        std::thread::park_timeout(Duration::from_millis(10));
    }
    child.kill().ok();
    child.wait().ok();
    false
}

/// What a client that ends by itself says. One that does not is killed, and what it said until then is shown.
fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let pid = Pid::from_raw(child.id().try_into().unwrap());
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || tell.send(child.wait_with_output()).ok());
    let output = told.recv_timeout(SESSION).unwrap_or_else(|_| {
        kill(pid, Signal::SIGKILL).ok();
        panic!("{command:?} does not end: {:?}", told.recv_timeout(DEADLINE))
    });
    output.unwrap()
}

/// What a client that ends by itself says on standard output.
pub(crate) fn said(command: &mut Command) -> serde_json::Value {
    let output = output(command);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// What a client of `tests/peers` reports of its session, once its standard input is closed.
pub(crate) fn reported(command: &mut Command) -> serde_json::Value {
    let output = output(command);
    let text = String::from_utf8_lossy(&output.stderr);
    let facts = text.lines().find_map(|line| line.strip_prefix("READY "));
    serde_json::from_str(facts.unwrap_or_else(|| panic!("{output:?}"))).unwrap()
}
