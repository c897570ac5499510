//! `config check`: what `run` would say of the configuration, without running.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::error::CliError;
use super::exit;
use super::output::Output;
use super::text::Line;

/// Where the configuration is looked for. It need not be there.
pub(super) const DEFAULT: &str = "/etc/mcpgw/agent.yaml";

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
    let found = read(args.config.as_deref())?;
    validate(found.as_ref().map(|(path, text)| (path.as_path(), text.as_str())))?;
    let line = match found {
        Some((path, _)) => format!("{} is valid.", path.display()),
        None => format!("There is no {DEFAULT}; the defaults apply."),
    };
    Output::new().lines(&[Line::plain(&line)])?;
    Ok(exit::OK)
}

/// The configuration's text: of the file asked for, which must be there, or of the usual one, which need not.
pub(super) fn read(asked: Option<&Path>) -> Result<Option<(PathBuf, String)>, CliError> {
    let path = asked.unwrap_or(Path::new(DEFAULT));
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some((path.to_owned(), text))),
        Err(error) if asked.is_none() && error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let context = format!("cannot read the configuration {}", path.display());
            Err(CliError::new(exit::CONFIG, anyhow::Error::new(error).context(context)))
        }
    }
}

/// Parses and validates the configuration. To be wired to the `config` module, for `run` as well.
pub(super) fn validate(found: Option<(&Path, &str)>) -> Result<(), CliError> {
    match found {
        None => Ok(()),
        Some(_) => {
            Err(CliError::new(exit::CONFIG, anyhow::anyhow!("this build cannot read configuration files")))
        }
    }
}
