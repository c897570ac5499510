//! `config check`: what `run` would say of the configuration, without running.

use std::path::PathBuf;

use clap::Subcommand;

use super::error::CliError;
use super::exit;
use super::output::Output;
use super::text::Line;
use crate::config::{Config, DEFAULT_PATH};
use crate::daemon::kernel_options;

/// Looks after the configuration file.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Reads the configuration as `run` would and says what is wrong with it
    Check(Args),
}

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Configuration file [default: /etc/mcpgw/agent.yaml, which may be missing]
    #[arg(long, value_name = "F")]
    config: Option<PathBuf>,
}

pub(super) fn config(command: &Command) -> Result<u8, CliError> {
    match command {
        Command::Check(args) => check(args),
    }
}

fn check(args: &Args) -> Result<u8, CliError> {
    let config = Config::load(args.config.as_deref())?;
    kernel_options(&config)?;
    let line = match config.source {
        Some(path) => format!("{} is valid.", path.display()),
        None => format!("There is no {DEFAULT_PATH}; the defaults apply."),
    };
    Output::new().lines(&[Line::plain(&line)])?;
    Ok(exit::OK)
}
