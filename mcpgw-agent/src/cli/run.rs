//! `run`: the agent itself, in the foreground or under systemd.

use std::path::PathBuf;

use super::error::CliError;
use super::live::Live;
use super::output::Output;
use super::{config, exit, log};
use crate::admin::Dirs;

/// Runs the agent: watches the host, answers `status`, serves metrics.
///
/// On a terminal it prints what it attached and a line whenever a server appears, is confirmed or ends.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Configuration file [default: /etc/mcpgw/agent.yaml, which may be missing]
    #[arg(long, value_name = "F")]
    config: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<u8, CliError> {
    let output = Output::new();
    // On a terminal the live list is the news; log lines would only tear it apart.
    log::start(if output.is_terminal() { "warn" } else { "info" });
    let dirs = Dirs::from_env()?;
    let found = config::read(args.config.as_deref())?;
    config::validate(found.as_ref().map(|(path, text)| (path.as_path(), text.as_str())))?;
    let live = if output.is_terminal() { Some(Live::start(output)?) } else { None };
    start(dirs, live)
}

/// Runs the daemon until it is told to stop. To be wired to `daemon::run`.
fn start(dirs: Dirs, live: Option<Live>) -> Result<u8, CliError> {
    drop((dirs, live));
    Err(CliError::new(exit::FAILURE, anyhow::anyhow!("this build has no daemon")))
}
