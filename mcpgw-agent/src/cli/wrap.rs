//! `wrap -- CMD…`: what a client starts in a server's place.

use std::ffi::OsString;
use std::path::PathBuf;

use super::error::CliError;
use super::exit;
use crate::admin::protocol::NAME_MAX;
use crate::config::{Config, ConfigError, Dirs, Gateway};
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
    /// Policy to enforce [default: everything passes and is recorded]
    #[arg(long, value_name = "F")]
    policy: Option<PathBuf>,
    /// File to record decisions in [default: one in $XDG_STATE_HOME/mcpgw/audit]
    #[arg(long, value_name = "F")]
    audit_log: Option<PathBuf>,
    /// Configuration file; only its section `gateway` counts here [default: none]
    #[arg(long, value_name = "F")]
    config: Option<PathBuf>,
    /// The server's command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

pub(super) fn wrap(args: Args) -> Result<u8, CliError> {
    let Args { name, policy, audit_log, config, command } = args;
    let runtime_dir = Dirs::from_env()?.runtime;
    // Who names one of them means it.
    let is_own_gateway = policy.is_some() || audit_log.is_some() || config.is_some();
    let config = config.map(|path| Config::load(Some(&path)).map_err(failed)).transpose()?;
    let wants_effects = config.as_ref().is_some_and(|config| config.host.effects);
    let mut gateway = config.map_or_else(Gateway::default, |config| config.gateway);
    gateway.policy = policy.or(gateway.policy);
    gateway.audit.path = audit_log.or(gateway.audit.path);
    Ok(proxy::wrap(WrapOptions { command, name, runtime_dir, gateway, is_own_gateway, wants_effects })?)
}

/// The client must be able to tell our failure from the server's.
fn failed(error: ConfigError) -> CliError {
    CliError::new(exit::WRAP_FAILED, error)
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
