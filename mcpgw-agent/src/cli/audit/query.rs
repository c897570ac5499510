//! `audit query`: records that have something in common.

use std::ops::ControlFlow;
use std::path::PathBuf;

use super::record::draw;
use super::selection::{Selection, log, search};
use crate::audit::index::Order;
use crate::audit::query::StoredRecord;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::output::Output;

/// Lists records of an audit log, found by its index, which is brought up to date first (docs/audit-search.md).
///
/// Without FILE it is the agent's log or, where there is none to be read, the newest of the user's own sessions.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The log
    #[arg(value_name = "FILE")]
    log: Option<PathBuf>,
    /// Show so many at most, the newest; 0 for all
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    /// Newest first
    #[arg(long)]
    reverse: bool,
    /// Print the records themselves, one a line
    #[arg(long)]
    json: bool,
    /// Read the log itself, not its index
    #[arg(long)]
    scan: bool,
    #[command(flatten)]
    selection: Selection,
}

pub(super) fn query(args: &Args) -> Result<u8, CliError> {
    let filter = args.selection.filter()?;
    let log = log(args.log.as_deref())?;
    let output = Output::new();
    let mut shown = output.stream();
    let mut show = |record: &StoredRecord| match args.json {
        true => shown.json(record.line()),
        false => shown.line(&draw(record)),
    };
    let mut failed = Ok(());
    let mut each = |record: &StoredRecord| {
        failed = show(record);
        if failed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    if args.limit == 0 {
        let order = if args.reverse { Order::Newest } else { Order::Oldest };
        search(&log, &filter, order, args.scan, &mut |record| each(&record))?;
    } else {
        let mut records = Vec::new();
        search(&log, &filter, Order::Newest, args.scan, &mut |record| {
            records.push(record);
            if records.len() < args.limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        if !args.reverse {
            records.reverse();
        }
        // A reader that left has seen enough.
        let _stopped = records.iter().try_for_each(each);
    }
    failed?;
    shown.end()?;
    Ok(exit::OK)
}
