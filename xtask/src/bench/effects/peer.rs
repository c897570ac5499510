//! A client of a server behind `wrap`.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, ensure};

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":"hello","method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}"#;
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
const LIST: &str = r#"{"jsonrpc":"2.0","id":"tools","method":"tools/list"}"#;

/// A session.
#[derive(Debug)]
pub(crate) struct Peer {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    line: String,
}

impl Peer {
    /// The command of the server that does what it is told to.
    ///
    /// # Errors
    /// When this program cannot be found.
    pub(crate) fn doer() -> Result<Vec<OsString>> {
        Ok(vec![std::env::current_exe()?.into_os_string(), "bench".into(), "doer".into()])
    }

    /// Wraps `server` and begins a session, which the agent with its directories in `scratch` takes over.
    ///
    /// # Errors
    /// When that does not come about.
    pub(crate) fn wrapped(agent: &Path, scratch: &Path, server: &[OsString]) -> Result<Self> {
        let mut command = Command::new(agent);
        command.args(["wrap", "--"]).args(server).env("MCPGW_RUNTIME_DIR", scratch.join("run"));
        command.env("XDG_STATE_HOME", scratch.join("user")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start the wrap")?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().context("no output")?);
        let mut peer = Self { child, input, output, line: String::new() };
        peer.send(INITIALIZE)?;
        peer.answer()?;
        peer.send(INITIALIZED)?;
        Ok(peer)
    }

    /// Asks what tools there are: then it is known what the server is.
    ///
    /// # Errors
    /// When it ended.
    pub(crate) fn list(&mut self) -> Result<()> {
        self.send(LIST)?;
        self.answer()
    }

    /// Calls `tool`, and does not wait.
    ///
    /// # Errors
    /// When the server ended.
    pub(crate) fn ask(&mut self, id: u32, tool: &str, arguments: &str) -> Result<()> {
        self.send(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments}}}}}"#
        ))
    }

    /// Waits for an answer.
    ///
    /// # Errors
    /// When there is none, or it is an error.
    pub(crate) fn answer(&mut self) -> Result<()> {
        self.line.clear();
        ensure!(self.output.read_line(&mut self.line)? > 0, "the server ended");
        ensure!(!self.line.contains(r#""error""#), "it was refused: {}", self.line);
        Ok(())
    }

    /// Ends the session, and waits until it is over.
    ///
    /// # Errors
    /// When it did not end well.
    pub(crate) fn close(mut self) -> Result<()> {
        drop(self.input.take());
        let status = self.child.wait()?;
        ensure!(status.success(), "the session ended with {status}");
        Ok(())
    }

    fn send(&mut self, message: &str) -> Result<()> {
        let input = self.input.as_mut().context("the input is closed")?;
        Ok(input.write_all(format!("{message}\n").as_bytes())?)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.input.take());
        // It ends with its input; nobody is left to be told how.
        self.child.wait().map(drop).unwrap_or_default();
    }
}
