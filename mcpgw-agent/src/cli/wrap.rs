//! `wrap -- CMD…`: what a client starts in a server's place.

use std::ffi::OsString;

use super::error::CliError;
use super::exit;
use crate::admin::Dirs;
use crate::admin::protocol::NAME_MAX;

/// Runs an MCP server behind the gateway: put it before the server's command in the client's configuration.
///
/// Passes bytes, signals and the exit code through unchanged, and tells the agent, so that the server is listed as
/// proxied. Works without an agent, too.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Name to list the server by; the agent finds one itself otherwise
    #[arg(long, value_name = "N", value_parser = name)]
    name: Option<String>,
    /// The server's command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

pub(super) fn wrap(args: Args) -> Result<u8, CliError> {
    let dirs = Dirs::from_env()?;
    start(args.command, args.name, &dirs)
}

/// Starts the command and passes everything through; returns its exit code. To be wired to `proxy::wrap`.
fn start(command: Vec<OsString>, name: Option<String>, dirs: &Dirs) -> Result<u8, CliError> {
    let _unused = (command, name, dirs);
    Err(CliError::new(exit::WRAP_FAILED, anyhow::anyhow!("this build cannot wrap")))
}

fn name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > NAME_MAX {
        Err(format!("a name has 1 to {NAME_MAX} bytes"))
    } else if text.chars().any(char::is_control) {
        Err("a name has no control characters".to_owned())
    } else {
        Ok(text.to_owned())
    }
}
