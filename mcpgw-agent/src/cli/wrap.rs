//! `wrap -- CMD…`: what a client starts in a server's place.

use std::ffi::OsString;
use std::path::PathBuf;

use super::error::CliError;
use crate::admin::protocol::NAME_MAX;
use crate::config::Dirs;
use crate::proxy::{self, WrapOptions};

/// Runs an MCP server behind the gateway: put it before the server's command in the client's configuration.
///
/// Passes bytes, signals and the exit code through unchanged, and tells the agent, so that the server is listed as
/// proxied. Works without an agent, too.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Name to list the server by; the agent finds one itself otherwise
    #[arg(long, value_name = "N", value_parser = name)]
    name: Option<String>,
    /// File to record decisions in [default: one in $XDG_STATE_HOME/mcpgw]
    #[arg(long, value_name = "F")]
    audit_log: Option<PathBuf>,
    /// The server's command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

pub(super) fn wrap(args: Args) -> Result<u8, CliError> {
    let Args { name, audit_log, command } = args;
    let runtime_dir = Dirs::from_env()?.runtime;
    Ok(proxy::wrap(WrapOptions { command, name, runtime_dir, audit_log })?)
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
