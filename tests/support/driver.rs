//! Real MCP clients (`tests/peers`), each in a process of its own, holding a session until told otherwise.

use std::ffi::OsString;
use std::io::Write;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::agent::Agent;
use super::fixture::go_peer;
use super::log::Log;
use super::peers::Peers;
use super::scenario::Skipped;
use super::server::end_tree;
use super::site::Site;

/// From start to `READY`: interpreters start cold, on a busy machine.
const READY: Duration = Duration::from_secs(90);
/// One more exchange.
const AGAIN: Duration = Duration::from_secs(60);
/// From closed stdin to the end.
const CLOSE: Duration = Duration::from_secs(10);

/// Which client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    /// Python SDK 1.x.
    PyV1,
    /// Python SDK 2.x, opening with `initialize`.
    PyV2Legacy,
    /// Python SDK 2.x, opening with `server/discover`.
    PyV2Auto,
    /// TypeScript SDK on node.
    Node,
    /// TypeScript SDK on bun.
    Bun,
    /// TypeScript SDK on deno.
    Deno,
    /// Static Go program; stdio only.
    Go,
}

/// What a driver reports of its session.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Facts {
    /// The server's name for itself; only at opening.
    pub(crate) server: Option<ServerName>,
    /// Negotiated revision, where the SDK tells.
    pub(crate) protocol: Option<String>,
    /// Number of tools listed.
    pub(crate) tools: u32,
}

/// `serverInfo`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ServerName {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
}

/// A client and its session. Closes with the value.
#[derive(Debug)]
pub(crate) struct Driver {
    child: Child,
    stdin: Option<ChildStdin>,
    log: Log,
    again: usize,
}

impl Client {
    fn command(self) -> Result<Vec<OsString>, Skipped> {
        let script = |name: &str| Peers::script(name);
        let v2 = |era: &str| Ok([Peers::python("py2")?, script("mcp_client_v2.py"), era.into()].into());
        let module = || Peers::module("mcp_client.mjs");
        match self {
            Self::PyV1 => Ok([Peers::python("py1")?, script("mcp_client_v1.py")].into()),
            Self::PyV2Legacy => v2("legacy"),
            Self::PyV2Auto => v2("auto"),
            Self::Node => Ok([Peers::on_path("node")?, module()?].into()),
            Self::Bun => Ok([Peers::bun()?, "run".into(), module()?].into()),
            Self::Deno => Ok([Peers::deno()?, "run".into(), "-A".into(), module()?].into()),
            Self::Go => Ok([go_peer()?, "client".into()].into()),
        }
    }
}

impl Driver {
    /// Starts `server` over stdio, unproxied, and returns once tools were listed and one was called.
    pub(crate) fn stdio(client: Client, site: &Site, server: &[OsString]) -> Result<(Self, Facts), Skipped> {
        let mut args = client.command()?;
        args.extend(["stdio".into(), site.server.clone().into_os_string()]);
        args.extend_from_slice(server);
        Ok(Self::start(command(site, &args)).ready())
    }

    /// As [`Driver::stdio`], with the server wrapped: `mcpgw-agent wrap -- SERVER…`.
    pub(crate) fn wrapped(
        client: Client,
        site: &Site,
        server: &[OsString],
        agent: &Agent,
    ) -> Result<(Self, Facts), Skipped> {
        let mut args = client.command()?;
        args.extend(["stdio".into(), site.server.clone().into_os_string()]);
        args.extend([super::agent::agent_binary().into_os_string(), "wrap".into(), "--".into()]);
        args.extend_from_slice(server);
        let mut command = command(site, &args);
        command.env("MCPGW_RUNTIME_DIR", agent.runtime_dir());
        Ok(Self::start(command).ready())
    }

    /// Connects to `url` by Streamable HTTP (`http`) or HTTP+SSE (`sse`).
    pub(crate) fn web(
        client: Client,
        site: &Site,
        transport: &str,
        url: &str,
    ) -> Result<(Self, Facts), Skipped> {
        Self::web_in(client, site, transport, url, &[])
    }

    /// As [`Driver::web`], the client being started by `prefix` (`nsenter …`).
    pub(crate) fn web_in(
        client: Client,
        site: &Site,
        transport: &str,
        url: &str,
        prefix: &[OsString],
    ) -> Result<(Self, Facts), Skipped> {
        let mut args = prefix.to_vec();
        args.extend(client.command()?);
        args.extend([transport.into(), url.into()]);
        Ok(Self::start(command(site, &args)).ready())
    }

    /// Starts one of the look-alike clients of `tests/peers`: `script KIND CWD CMD…`.
    pub(crate) fn lookalike(
        script: &str,
        kind: &str,
        site: &Site,
        server: &[OsString],
    ) -> Result<Self, Skipped> {
        let mut args = vec![
            Peers::python("py2")?,
            Peers::script(script),
            kind.into(),
            site.server.clone().into_os_string(),
        ];
        args.extend_from_slice(server);
        let driver = Self::start(command(site, &args));
        driver.log.wait_for("READY ", 0, READY);
        Ok(driver)
    }

    /// Stdin is a pipe and stdout is not, so that the driver itself does not have a stdio server's shape.
    fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        let log = Log::default();
        log.collect(child.stderr.take().expect("it is piped"));
        Self { stdin: child.stdin.take(), child, log, again: 0 }
    }

    fn ready(self) -> (Self, Facts) {
        let facts = parse(&self.log.wait_for("READY ", 0, READY));
        (self, facts)
    }

    /// One more tools/list and tools/call.
    pub(crate) fn again(&mut self) -> Facts {
        let stdin = self.stdin.as_mut().expect("open until closed");
        writeln!(stdin, "again").expect("the driver reads");
        self.again += 1;
        parse(&self.log.wait_for("AGAIN ", self.again - 1, AGAIN))
    }

    /// The client's process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends the session as clients do, by closing it, and everything with it.
    pub(crate) fn close(&mut self) {
        self.stdin = None;
        let end = Instant::now() + CLOSE;
        while Instant::now() < end && self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            std::thread::park_timeout(Duration::from_millis(5));
        }
        end_tree(&mut self.child);
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.close();
    }
}

fn command(site: &Site, args: &[OsString]) -> Command {
    let (program, args) = args.split_first().expect("a command has a program");
    let mut command = Command::new(program);
    command.args(args).current_dir(&site.client);
    command
}

fn parse(facts: &str) -> Facts {
    serde_json::from_str(facts).unwrap_or_else(|e| panic!("{e} in {facts}"))
}
