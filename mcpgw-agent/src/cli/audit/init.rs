//! `audit init`: the initial key of a directory's logs, shown once.

use std::path::{Path, PathBuf};

use super::secret;
use crate::audit::{KeyError, initialise};
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::output::Output;
use crate::cli::text::{Line, Style};
use crate::config::{Config, Dirs};

/// Makes the key that audit logs of a directory are sealed with, and shows the one key that verifies them.
///
/// From then on each log that begins in the directory is signed with keys that go one way: who takes the host later cannot
/// change what was sealed before. What is shown is nowhere on this host afterwards: keep it elsewhere. Without it what is
/// sealed cannot be verified.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The logs' directory [default: that of the configured audit log, else the state directory]
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Configuration file [default: /etc/mcpgw/agent.yaml, which may be missing]
    #[arg(long, value_name = "F")]
    config: Option<PathBuf>,
    /// Write the key to this new file, in place of showing it
    #[arg(long, value_name = "F")]
    output: Option<PathBuf>,
    /// Make another where there is one; says what is lost
    #[arg(long)]
    replace: bool,
}

/// Makes the key and shows it.
pub(super) fn init(args: &Args) -> Result<u8, CliError> {
    let output = args.output.as_deref();
    secret::check(output)?;
    let dir = directory(args)?;
    let made = initialise(&dir, args.replace).map_err(|error| {
        let logs = if let KeyError::Exists { logs, .. } = &error { Some(*logs) } else { None };
        let error = CliError::from(error);
        match logs {
            Some(logs) => error.hinted(lost(logs)),
            None => error,
        }
    })?;
    let mut lines = Vec::new();
    if let Some(logs) = made.replaced {
        lines.push(Line::styled(Style::Warn, &format!("The root key there was is replaced. {}", lost(logs))));
    }
    let about = format!("This key verifies every audit log that begins in {} from now on.", dir.display());
    lines.push(Line::plain(&about));
    lines.push(Line::plain(
        "It is shown this once and kept nowhere: keep it where this host's users cannot reach it.",
    ));
    lines.push(Line::default());
    lines.extend(secret::show(&made.initial, output)?);
    lines.push(Line::default());
    lines.push(Line::plain(
        "The seals of the directory's first log can be checked without it, with this public key:",
    ));
    lines.push(Line::plain(&made.public.text()));
    lines.extend(unsealed(&dir));
    Output::new().lines(&lines)?;
    Ok(exit::OK)
}

/// What is lost with the root key there is.
fn lost(logs: u64) -> String {
    format!(
        "The {logs} logs begun under it stay verifiable with the initial key that was shown then, and with no other: keep that \
         one, or what they say is lost as evidence"
    )
}

fn directory(args: &Args) -> Result<PathBuf, CliError> {
    if let Some(dir) = &args.dir {
        return Ok(dir.clone());
    }
    let config = Config::load(args.config.as_deref())?;
    let of_log = config.gateway.audit.path.as_deref().and_then(Path::parent).map(Path::to_owned);
    Ok(of_log.map_or_else(|| Dirs::from_env().map(|dirs| dirs.state), Ok)?)
}

/// Logs that go on with a key that does not evolve.
fn unsealed(dir: &Path) -> Option<Line> {
    let has_key = dir.join("audit.key").exists();
    let text = "There are logs here that are signed with `audit.key`: they cannot be continued. Move them aside, with that \
                key, before the gateway starts again.";
    has_key.then(|| Line::styled(Style::Warn, text))
}
