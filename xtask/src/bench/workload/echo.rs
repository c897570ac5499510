//! An MCP server of node, and its client with nothing between them.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::Batch;

/// Says who it is, and echoes.
const SERVER: &str = r#"
import { createInterface } from "node:readline";
const results = {
  initialize: () => ({ protocolVersion: "2025-06-18", capabilities: { tools: {} }, serverInfo: { name: "echo", version: "1" } }),
  "tools/list": () => ({ tools: [{ name: "echo", inputSchema: { type: "object" } }] }),
  "tools/call": ({ arguments: { message } }) => ({ content: [{ type: "text", text: message }] }),
};
createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id !== undefined) {
    process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, result: results[method](params) }) + "\n");
  }
});
"#;
const HELLO: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}
"#;
const INITIALIZED: &str = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n";
const LIST: &str = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}\n";
const MESSAGE: &str = "the quick brown fox jumps over the lazy dog";

/// The server, until it is dropped.
#[derive(Debug)]
struct Server {
    child: Child,
    input: Option<ChildStdin>,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.input.take());
        if let Err(error) = self.child.wait() {
            eprintln!("bench: {error}");
        }
    }
}

/// Starts the server and says who we are; a batch calls its tool.
pub(super) fn start(scratch: &Path) -> Result<Batch> {
    let script = scratch.join("echo.mjs");
    fs::write(&script, SERVER)?;
    let mut command = Command::new("node");
    command.arg(&script).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().context("cannot start node")?;
    let mut output = BufReader::new(child.stdout.take().context("no output")?);
    let input = child.stdin.take();
    let mut server = Server { child, input };
    let mut line = String::new();
    for message in [HELLO, INITIALIZED, LIST] {
        server.say(message)?;
        if message.contains(r#""id""#) {
            ensure!(output.read_line(&mut line)? > 0, "the server ended");
        }
    }
    let mut id = 1_u32;
    Ok(Box::new(move |count| {
        for _ in 0..count {
            id += 1;
            server.say(&format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",\"params\":{{\"name\":\"echo\",\"arguments\":{{\"message\":\"{MESSAGE}\"}}}}}}\n"
            ))?;
            line.clear();
            output.read_line(&mut line)?;
            ensure!(line.contains(MESSAGE), "the server says `{}`", line.trim_end());
        }
        Ok(())
    }))
}

impl Server {
    fn say(&mut self, message: &str) -> Result<()> {
        let input = self.input.as_mut().context("its input is closed")?;
        Ok(input.write_all(message.as_bytes())?)
    }
}
