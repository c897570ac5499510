//! `audit export-key`: a key that verifies from now on, for somebody who is not to have the initial one.

use std::path::PathBuf;

use super::secret;
use crate::audit::{Key, export};
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::output::Output;
use crate::cli::text::Line;

/// Shows a key that verifies a log from its present epoch on, and what is before that by its hashes.
///
/// Who has it can sign records of this epoch and later ones, as this host can: it is for those you trust with that. With
/// --public it is a key that checks seals and signs nothing, and can be given to everybody.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The log
    #[arg(value_name = "LOG")]
    log: PathBuf,
    /// The public key alone
    #[arg(long)]
    public: bool,
    /// Write the key to this new file, in place of showing it
    #[arg(long, value_name = "F")]
    output: Option<PathBuf>,
    /// With --public: the key file of a log whose key does not evolve [default: audit.key beside it]
    #[arg(long, value_name = "F", requires = "public")]
    key_file: Option<PathBuf>,
}

/// Shows the key.
pub(super) fn export_key(args: &Args) -> Result<u8, CliError> {
    let output = args.output.as_deref();
    if !args.public {
        secret::check(output)?;
    }
    let fixed = || match (&args.key_file, Key::from_env()?) {
        (Some(path), _) => Key::read(path),
        (None, Some(key)) => Ok(key),
        (None, None) => Key::read(&Key::beside(&args.log)),
    };
    let key = export(&args.log, args.public, fixed)?;
    let lines = match output {
        None if args.public => vec![Line::plain(&key.text())],
        _ => secret::show(&key, output)?,
    };
    Output::new().lines(&lines)?;
    Ok(exit::OK)
}
