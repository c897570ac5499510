//! `audit export`: records for other programs.

mod table;

use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::selection::{Selection, log, search};
use crate::audit::index::Order;
use crate::audit::query::StoredRecord;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::output::{Output, Stream};
use table::Table;

/// Writes records of an audit log as CSV or JSON lines, oldest first (docs/audit-search.md).
///
/// Cells of CSV that a spreadsheet could take for a formula begin with an apostrophe. The log is chosen as `audit query`
/// chooses it.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The log
    #[arg(value_name = "FILE")]
    log: Option<PathBuf>,
    /// What to write
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// A new file to write, for its owner alone [default: standard output]
    #[arg(long, short, value_name = "F")]
    output: Option<PathBuf>,
    /// Read the log itself, not its index
    #[arg(long)]
    scan: bool,
    #[command(flatten)]
    selection: Selection,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table, RFC 4180
    Csv,
    /// The records as they stand in the log
    Jsonl,
}

pub(super) fn export(args: &Args) -> Result<u8, CliError> {
    let filter = args.selection.filter()?;
    let log = log(args.log.as_deref())?;
    super::selection::exists(&log)?;
    let mut sink = Sink::open(args)?;
    let mut failed = Ok(());
    search(&log, &filter, Order::Oldest, args.scan, &mut |record| {
        failed = sink.record(&record);
        if failed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    failed?;
    sink.end()?;
    Ok(exit::OK)
}

/// Where records go.
enum Sink {
    File(BufWriter<std::fs::File>),
    FileTable(Table<BufWriter<std::fs::File>>),
    Output(Stream),
    OutputTable(Table<Stream>),
}

impl Sink {
    fn open(args: &Args) -> Result<Self, CliError> {
        Ok(match (&args.output, args.format) {
            (Some(path), Format::Csv) => Self::FileTable(Table::begin(create(path)?)?),
            (Some(path), Format::Jsonl) => Self::File(create(path)?),
            (None, Format::Csv) => Self::OutputTable(Table::begin(Output::new().stream())?),
            (None, Format::Jsonl) => Self::Output(Output::new().stream()),
        })
    }

    fn record(&mut self, record: &StoredRecord) -> Result<(), CliError> {
        match self {
            Self::File(file) => Ok(writeln!(file, "{}", record.line())?),
            Self::FileTable(table) => table.row(record),
            // What could control a terminal is escaped there, which a file keeps as it is.
            Self::Output(stream) => stream.json(record.line()),
            Self::OutputTable(table) => table.row(record),
        }
    }

    fn end(self) -> Result<(), CliError> {
        match self {
            Self::File(mut file) => Ok(file.flush()?),
            Self::FileTable(table) => table.end().map(drop),
            Self::Output(stream) => stream.end(),
            Self::OutputTable(table) => table.end().map(drop),
        }
    }
}

/// Makes the file, which must not be there: nothing is overwritten, and no link is followed.
fn create(path: &Path) -> Result<BufWriter<std::fs::File>, CliError> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let cannot = |error| {
        CliError::failure(anyhow::Error::new(error).context(format!("cannot make `{}`", path.display())))
    };
    file.map(BufWriter::new).map_err(cannot)
}
