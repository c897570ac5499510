//! `tail`: the end of an audit log, and what is added to it.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use super::audit::record::draw;
use super::audit::selection::{Selection, exists, log, unreadable};
use super::error::CliError;
use super::exit;
use super::output::{self, Output, Stream};
use crate::audit::follow::Follower;
use crate::audit::query::{Filter, StoredRecord, last};

/// Milliseconds between two looks at a log that does not grow.
const BEAT_MS: u16 = 100;
/// Bytes that are read at once.
const BATCH_BYTES: usize = 1 << 20;

/// Shows the last records of an audit log, a line each, and with --follow those that are added.
///
/// It reads the log itself, over all its files, and goes on when the log is rotated. Without FILE it is the agent's log or,
/// where there is none to be read, the newest of the user's own sessions.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The log
    #[arg(value_name = "FILE")]
    log: Option<PathBuf>,
    /// Wait for what is added, until interrupted; the log need not be there yet
    #[arg(long, short)]
    follow: bool,
    /// How many records to begin with
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    lines: usize,
    /// Messages of servers behind no gateway alone (`host.observe: messages`)
    #[arg(long)]
    unproxied: bool,
    /// Print the records themselves, one a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    selection: Selection,
}

pub(super) fn tail(args: &Args) -> Result<u8, CliError> {
    let mut filter = args.selection.filter()?;
    filter.facets.extend(args.unproxied.then(Selection::unproxied));
    let log = log(args.log.as_deref())?;
    let mut shown = Shown { stream: Output::new().stream(), json: args.json };
    // Before anything is shown: whoever interrupts then is heard.
    let ends = if args.follow { Some(interruptions().map_err(CliError::failure)?) } else { None };
    let (records, end) = match last(&log, &filter, args.lines) {
        Err(error) if args.follow && error.kind() == std::io::ErrorKind::NotFound => {
            output::note(&format!("waiting for {}", log.display()));
            (Vec::new(), 0)
        }
        found => found.map_err(|error| unreadable(&log, error))?,
    };
    records.iter().try_for_each(|record| shown.record(record))?;
    shown.stream.shown()?;
    match ends {
        Some(ends) => follow(&log, &filter, end, &mut shown, &ends)?,
        None => exists(&log)?,
    }
    Ok(exit::OK)
}

struct Shown {
    stream: Stream,
    json: bool,
}

impl Shown {
    fn record(&mut self, record: &StoredRecord) -> Result<(), CliError> {
        match self.json {
            true => self.stream.json(record.line()),
            false => self.stream.line(&draw(record)),
        }
    }
}

/// Shows what is added after record `end`, until somebody interrupts or nobody reads any more.
fn follow(log: &Path, filter: &Filter, end: u64, shown: &mut Shown, ends: &SignalFd) -> Result<(), CliError> {
    let mut follower = Follower::new(log, end);
    let mut unread = 0;
    loop {
        let batch = follower.batch(BATCH_BYTES).map_err(|error| unreadable(log, error))?;
        if let Some(missing) = &batch.missing {
            output::note(&format!("records {} to {} are not there any more", missing.start(), missing.end()));
        }
        if let Some(seq) = batch.rewound {
            output::note(&format!("the log ends with record {seq} now: it was cut off, or is another"));
            follower.restart(seq);
        }
        for (_, line) in batch.lines() {
            match StoredRecord::read(line) {
                Some(record) if filter.matches(&record) => shown.record(&record)?,
                Some(_) => {}
                None => unread += 1,
            }
        }
        unread += batch.unreadable;
        if unread > 0 {
            output::note(&format!("lines that are no records: {unread}"));
            unread = 0;
        }
        shown.stream.shown()?;
        if is_over(ends, !batch.more)? {
            return Ok(());
        }
    }
}

/// SIGINT and SIGTERM as something to wait for.
fn interruptions() -> nix::Result<SignalFd> {
    let signals: SigSet = [Signal::SIGINT, Signal::SIGTERM].into_iter().collect();
    signals.thread_block()?;
    SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC)
}

/// Waits a beat if `waits`; says whether somebody interrupted, or nobody reads standard output any more.
fn is_over(ends: &SignalFd, waits: bool) -> Result<bool, CliError> {
    let stdout = std::io::stdout();
    let reader: BorrowedFd<'_> = stdout.as_fd();
    let mut waited = [PollFd::new(ends.as_fd(), PollFlags::POLLIN), PollFd::new(reader, PollFlags::empty())];
    let beat = PollTimeout::from(if waits { BEAT_MS } else { 0 });
    match poll(&mut waited, beat) {
        Ok(0) | Err(Errno::EINTR) => Ok(false),
        Ok(_) => Ok(true),
        Err(error) => Err(CliError::failure(error)),
    }
}
