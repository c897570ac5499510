//! `status`: the agent's list of MCP servers, as a table or as JSON, once or again and again.

pub(super) mod describe;
mod draw;
pub(super) mod table;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::thread;
use std::time::Duration;

use clap::ValueEnum;
use jiff::Timestamp;

use super::error::CliError;
use super::exit;
use super::output::Output;
use super::text::{Line, Style};
use crate::admin::Status;
use crate::admin::client::{self, ClientError};
use crate::config::Dirs;
use draw::View;

/// How long the agent may take to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// Between two frames of `--watch`.
const FRAME: Duration = Duration::from_secs(1);

/// Lists the MCP servers running on this host and says which run outside the gateway.
///
/// Root sees all servers, anyone else their own. Hidden without --all: servers that ended more than ten seconds
/// ago, and processes that merely look like a server by the shape of their standard input and output.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print JSON (docs/status.md); with --watch one object a line
    #[arg(long)]
    json: bool,
    /// Refresh every second until interrupted; waits for the agent if there is none
    #[arg(long)]
    watch: bool,
    /// Show everything the agent remembers
    #[arg(long)]
    all: bool,
    /// Exit with 3 if there is such a server
    #[arg(long, value_name = "STATE", conflicts_with = "watch")]
    fail_on: Option<FailOn>,
}

/// What `--fail-on` may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// A running server with no gateway before it
    Unproxied,
}

pub(super) fn status(args: &Args) -> Result<u8, CliError> {
    let socket = Dirs::from_env()?.control_socket();
    let output = Output::new();
    if args.watch {
        return watch(args, &socket, output);
    }
    let status = client::status(&socket, ANSWER)?;
    if args.json {
        output.json(&json(&status, args.all, true)?)?;
    } else {
        output.lines(&draw::lines(&status, &view(args, output)))?;
    }
    let matched = args.fail_on == Some(FailOn::Unproxied) && status.summary.unproxied > 0;
    Ok(if matched { exit::UNPROXIED } else { exit::OK })
}

/// Draws a frame a second. Ends by signal, by a reader that leaves, or where waiting is of no use.
fn watch(args: &Args, socket: &Path, output: Output) -> Result<u8, CliError> {
    let mut first = true;
    loop {
        match client::status(socket, ANSWER) {
            Ok(status) if args.json => output.json(&json(&status, args.all, false)?)?,
            Ok(status) => output.frame(&draw::lines(&status, &view(args, output)), first)?,
            Err(error @ (ClientError::NoPermission { .. } | ClientError::Protocol { .. })) => {
                return Err(error.into());
            }
            // A stream of objects has no place for excuses.
            Err(_) if args.json => {}
            Err(error) => output.frame(&waiting(&error), first)?,
        }
        first = false;
        thread::sleep(FRAME);
    }
}

fn waiting(error: &ClientError) -> Vec<Line> {
    vec![Line::styled(Style::Warn, "waiting for the agent").and(Style::Dim, &format!(" ({error})"))]
}

fn view(args: &Args, output: Output) -> View {
    View {
        all: args.all,
        width: output.width(),
        now: Timestamp::now(),
        root: nix::unistd::geteuid().is_root(),
    }
}

/// The document with what the table would show; the summary stays that of all there is.
fn json(status: &Status, all: bool, pretty: bool) -> Result<String, CliError> {
    let now = Timestamp::now();
    let mut status = status.clone();
    let agent = &status.agent;
    status.servers.retain(|server| all || draw::is_shown(server, agent, now));
    let text = if pretty { serde_json::to_string_pretty(&status) } else { serde_json::to_string(&status) };
    text.map_err(CliError::failure)
}
