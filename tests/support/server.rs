//! Real servers: commands for the stdio ones, running processes for those that listen.

use std::ffi::OsString;
use std::fs::File;
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::fixture::{go_peer, tiny};
use super::host::{descendants, eventually, kill};
use super::peers::Peers;
use super::port::reserved_port;
use super::scenario::Skipped;
use super::site::Site;

/// From start to the listening port.
const LISTENS: Duration = Duration::from_secs(60);
/// From SIGTERM to the end, for processes that know how.
const ENDS: Duration = Duration::from_secs(5);

/// A server that a client starts over stdio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StdioServer {
    /// `npx mcp-server-everything`: npm, a shell, node.
    Everything,
    /// `npx mcp-server-filesystem`: the same chain.
    Filesystem,
    /// Python SDK 1.x.
    PyV1,
    /// Python SDK 2.x: its wire is not on descriptors 0 and 1.
    PyV2,
    /// TypeScript SDK on node.
    Node,
    /// TypeScript SDK on bun.
    Bun,
    /// TypeScript SDK on deno.
    Deno,
    /// Static Go program.
    Go,
    /// Static Rust program.
    Tiny,
    /// `uv run`, as `uvx` would, around the Python 2.x server.
    UvRun,
    /// `sh -c` that stays, around the Go server.
    Shell,
    /// In pid, mount and network namespaces of its own, Python SDK 1.x.
    Namespaces,
}

impl StdioServer {
    /// The command line a client's configuration would hold.
    pub(crate) fn command(self, site: &Site) -> Result<Vec<OsString>, Skipped> {
        let v1 = || Ok([Peers::python("py1")?, Peers::script("mcp_server_v1.py"), "stdio".into()]);
        let v2 = || Ok([Peers::python("py2")?, Peers::script("mcp_server_v2.py"), "stdio".into()]);
        Ok(match self {
            Self::Everything => joined(Peers::npx("mcp-server-everything")?, ["stdio"]),
            Self::Filesystem => joined(Peers::npx("mcp-server-filesystem")?, [&site.server]),
            Self::PyV1 => v1()?.into(),
            Self::PyV2 => v2()?.into(),
            Self::Node => [Peers::on_path("node")?, Peers::module("mcp_server.mjs")?].into(),
            Self::Bun => [Peers::bun()?, "run".into(), Peers::module("mcp_server.mjs")?].into(),
            Self::Deno => {
                [Peers::deno()?, "run".into(), "-A".into(), Peers::module("mcp_server.mjs")?].into()
            }
            Self::Go => [go_peer()?, "server".into()].into(),
            Self::Tiny => joined([tiny().into()].into(), ["serve", "tiny", "1.0"]),
            Self::UvRun => {
                let [python, script, transport] = v2()?;
                let mut command = joined(
                    [Peers::python_tool("uv")?].into(),
                    ["run", "--offline", "--no-project", "--python"],
                );
                command.extend([python, script, transport]);
                command
            }
            Self::Shell => {
                let script = format!("{} server; echo done >&2", go_peer()?.to_string_lossy());
                [OsString::from("sh"), "-c".into(), script.into()].into()
            }
            Self::Namespaces => {
                let unshare = [Peers::on_path("unshare")?].into();
                let mut command =
                    joined(unshare, ["--pid", "--fork", "--mount-proc", "--net", "--kill-child"]);
                command.extend(v1()?);
                command
            }
        })
    }
}

fn joined<S: Into<OsString> + Clone>(
    mut start: Vec<OsString>,
    rest: impl IntoIterator<Item = S>,
) -> Vec<OsString> {
    start.extend(rest.into_iter().map(Into::into));
    start
}

/// A server that listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WebServer {
    /// `npx mcp-server-everything streamableHttp`.
    EverythingHttp,
    /// `npx mcp-server-everything sse`.
    EverythingSse,
    /// Python SDK 1.x, Streamable HTTP.
    PyV1Http,
    /// Python SDK 1.x, HTTP+SSE of 2024.
    PyV1Sse,
    /// Python SDK 2.x, Streamable HTTP, both eras.
    PyV2Http,
    /// No MCP: JSON-RPC over HTTP.
    JsonRpcDaemon,
}

impl WebServer {
    /// Starts it on a free port and waits until it listens. Its working directory is `site.server`.
    pub(crate) fn start(self, site: &Site) -> Result<Process, Skipped> {
        // A port that was free may be taken when the server gets to it: then another.
        for _ in 0..5 {
            let port = reserved_port();
            let mut process = Process::start(site, &self.command(port)?, &[("PORT", &port.to_string())]);
            if process.listens(port) {
                process.port = port;
                return Ok(process);
            }
        }
        panic!("{self:?} does not get a port")
    }

    /// The command line, listening on `port` (some read it from `PORT` instead).
    pub(crate) fn command(self, port: u16) -> Result<Vec<OsString>, Skipped> {
        let python = |env: &str, script: &str, transport: &str| {
            Ok([Peers::python(env)?, Peers::script(script), transport.into(), port.to_string().into()].into())
        };
        match self {
            Self::EverythingHttp => Ok(joined(Peers::npx("mcp-server-everything")?, ["streamableHttp"])),
            Self::EverythingSse => Ok(joined(Peers::npx("mcp-server-everything")?, ["sse"])),
            Self::PyV1Http => python("py1", "mcp_server_v1.py", "http"),
            Self::PyV1Sse => python("py1", "mcp_server_v1.py", "sse"),
            Self::PyV2Http => python("py2", "mcp_server_v2.py", "http"),
            Self::JsonRpcDaemon => python("py1", "jsonrpc_daemon.py", "http"),
        }
    }

    /// Path its clients connect to.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::EverythingSse | Self::PyV1Sse => "/sse",
            Self::EverythingHttp | Self::PyV1Http | Self::PyV2Http | Self::JsonRpcDaemon => "/mcp",
        }
    }
}

/// A process started by the test itself, with nothing on its standard streams. Ends, with its children, with
/// the value.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// Where it listens, if it does.
    pub(crate) port: u16,
}

impl Process {
    /// Starts `command` in `site.server`; what it prints goes to a file beside that.
    pub(crate) fn start(site: &Site, command: &[OsString], env: &[(&str, &str)]) -> Self {
        let (program, args) = command.split_first().expect("a command has a program");
        let output =
            File::options().create(true).append(true).open(site.path().join("server.log")).expect("writable");
        let mut command = Command::new(program);
        command.args(args).current_dir(&site.server).envs(env.iter().copied());
        command.stdin(Stdio::null()).stdout(output.try_clone().expect("one more descriptor")).stderr(output);
        Self { child: command.spawn().unwrap_or_else(|e| panic!("{program:?}: {e}")), port: 0 }
    }

    /// The process that was started; the one that serves may be a descendant.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Waits until the port takes connections; false if the process ends instead.
    pub(crate) fn listens(&mut self, port: u16) -> bool {
        eventually("the server listens", LISTENS, || {
            if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return Some(false);
            }
            TcpStream::connect(("127.0.0.1", port)).is_ok().then_some(true)
        })
    }

    /// Ends it and everything it started.
    pub(crate) fn end(&mut self) {
        end_tree(&mut self.child);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// SIGTERM to the whole tree, SIGKILL to what is left of it, and reap the top.
pub(super) fn end_tree(top: &mut Child) {
    if top.try_wait().is_ok_and(|ended| ended.is_some()) {
        return;
    }
    let mut tree = descendants(top.id());
    tree.push(top.id());
    tree.iter().for_each(|&pid| kill(pid, Signal::SIGTERM));
    let end = Instant::now() + ENDS;
    while Instant::now() < end && tree.iter().any(|&pid| pid != top.id() && super::host::is_alive(pid)) {
        std::thread::park_timeout(Duration::from_millis(5));
    }
    tree.iter().for_each(|&pid| kill(pid, Signal::SIGKILL));
    // Reaping cannot fail in a way that matters here: the child is ours.
    top.wait().ok();
}
