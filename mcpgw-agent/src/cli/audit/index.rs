//! `audit index`: makes the index of a log, or brings it up to date.

use std::path::PathBuf;

use super::selection::{exists, log, teller};
use crate::audit::index::Index;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::output::Output;
use crate::cli::text::{Line, Style};

/// Brings the index of an audit log up to date, as every search does (docs/audit-search.md).
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The log [default: as `audit query` has it]
    #[arg(value_name = "FILE")]
    log: Option<PathBuf>,
    /// Make it anew from the log
    #[arg(long)]
    rebuild: bool,
}

pub(super) fn index(args: &Args) -> Result<u8, CliError> {
    let log = log(args.log.as_deref())?;
    exists(&log)?;
    let mut tell = teller();
    let index = if args.rebuild { Index::rebuild(&log, &mut tell) } else { Index::fresh(&log, &mut tell) };
    let index = index.map_err(CliError::failure)?;
    let (records, unreadable) = index.counts().map_err(CliError::failure)?;
    let mut lines = vec![Line::plain(&format!("{}: {records} records", index.path().display()))];
    if unreadable > 0 {
        lines.push(Line::styled(Style::Warn, &format!("lines of the log that are no records: {unreadable}")));
    }
    Output::new().lines(&lines)?;
    Ok(exit::OK)
}
