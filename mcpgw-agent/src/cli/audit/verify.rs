//! `audit verify`: whether audit logs are as they were written.

mod draw;

use std::collections::BTreeSet;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use serde::Serialize;

use crate::audit::files::LogFiles;
use crate::audit::{Key, Outcome, ROOT_NAME, Report, SealKey, Verifier};
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::output::{Output, progress};

/// Missing logs that are named.
const MISSING_MAX: usize = 100;

/// Says whether audit logs are as they were written, and where they are not.
///
/// A FILE is a log with all its rotated files; a rotated file is read alone. Several are read in the order given, and each may
/// continue the one before. A directory is every log in it, and - is standard input. The key is that of --key-file, else the one in
/// MCPGW_AUDIT_SIGNING_KEY, else the file `audit.key` beside the first log. For logs that are sealed with a key that goes one
/// way it is the initial key `audit init` showed, or one `audit export-key` gave. With --public-key only seals are
/// checked, and what is before each by its hashes. Exits with 0 if all are valid, 9 if one was tampered with, 10 if one is signed
/// with another key, 11 if one does not end in a seal, 13 if the beginning of one, or a whole one, is missing.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The logs, or directories of logs; - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The file that has the key
    #[arg(long, value_name = "F")]
    key_file: Option<PathBuf>,
    /// A public key: the text that `audit init` or `audit export-key --public` showed
    #[arg(long, value_name = "KEY", conflicts_with = "key_file")]
    public_key: Option<String>,
    /// Print JSON (docs/audit-format.md)
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Verified {
    outcome: Outcome,
    files: Vec<Report>,
    missing: Vec<Missing>,
}

/// Logs of a directory that were begun and are not there.
#[derive(Debug, Serialize)]
struct Missing {
    directory: PathBuf,
    /// Their numbers; the first hundred.
    logs: Vec<u64>,
    logs_total: u64,
    /// The root key's file is there, and says how many were begun.
    end_known: bool,
}

/// Reads the logs and says how they are.
pub(super) fn verify(args: &Args) -> Result<u8, CliError> {
    let mut verifier = verifier(args)?;
    let bar = progress(args.files.iter().map(|path| bytes(path)).sum());
    let read = |bytes| bar.inc(bytes);
    let (mut files, mut missing) = (Vec::new(), Vec::new());
    for path in &args.files {
        if path.as_os_str() == "-" {
            let mut report = verifier
                .read(BufReader::with_capacity(1 << 20, std::io::stdin().lock()), false)
                .map_err(|error| unreadable(path, error))?;
            report.file.clone_from(path);
            files.push(report);
        } else if path.is_dir() {
            missing.extend(directory(&mut verifier, path, &read, &mut files)?);
        } else {
            let log = LogFiles::of(path).map_err(|error| unreadable(path, error))?;
            files.extend(verifier.log(&log, &read).map_err(|(path, error)| unreadable(&path, error))?);
        }
    }
    bar.finish_and_clear();
    let worst = files.iter().map(|report| report.outcome).max().unwrap_or(Outcome::Valid);
    let of = |missing: &Missing| if missing.logs_total > 0 { Outcome::Beheaded } else { Outcome::NotClosed };
    let outcome = missing.iter().map(of).fold(worst, Outcome::max);
    let output = Output::new();
    if args.json {
        let verified = Verified { outcome, files, missing };
        output.pretty(&verified)?;
    } else {
        let lines = files.iter().flat_map(draw::report).chain(missing.iter().flat_map(draw::missing));
        output.lines(&lines.collect::<Vec<_>>())?;
    }
    Ok(match outcome {
        Outcome::Valid => exit::OK,
        Outcome::NotClosed => exit::AUDIT_NOT_CLOSED,
        Outcome::Beheaded => exit::AUDIT_BEHEADED,
        Outcome::OtherKey => exit::AUDIT_OTHER_KEY,
        Outcome::Tampered => exit::AUDIT_TAMPERED,
    })
}

/// Every log in `dir`. Returns those that should be there besides.
fn directory(
    verifier: &mut Verifier,
    dir: &Path,
    read: &dyn Fn(u64),
    files: &mut Vec<Report>,
) -> Result<Option<Missing>, CliError> {
    let logs = LogFiles::in_dir(dir).map_err(|error| unreadable(dir, error))?;
    if logs.is_empty() {
        return Err(CliError::failure(anyhow!("there are no audit logs in `{}`", dir.display())));
    }
    let mut seen = BTreeSet::new();
    for log in &logs {
        verifier.begin_anew();
        files.extend(verifier.log(log, read).map_err(|(path, error)| unreadable(&path, error))?);
        seen.extend(verifier.number().map(|(_, number)| number));
    }
    if !verifier.is_for_directories() {
        return Ok(None);
    }
    let begun = verifier.logs_begun(dir);
    let end = begun.unwrap_or_default().max(seen.last().map_or(0, |last| last.saturating_add(1)));
    let logs: Vec<_> = (0..end).filter(|number| !seen.contains(number)).take(MISSING_MAX).collect();
    let logs_total = end.saturating_sub(u64::try_from(seen.len()).unwrap_or(u64::MAX));
    let is_missing = logs_total > 0 || begun.is_none();
    let directory = dir.to_owned();
    Ok(is_missing.then_some(Missing { directory, logs, logs_total, end_known: begun.is_some() }))
}

fn verifier(args: &Args) -> Result<Verifier, CliError> {
    if let Some(text) = &args.public_key {
        return match SealKey::parse(text.as_bytes()) {
            Some(key @ SealKey::Public(..)) => Ok(Verifier::with(key)),
            Some(SealKey::Root(_) | SealKey::Log(..)) | None => Err(CliError::new(
                exit::USAGE,
                anyhow!("--public-key is no public key, or was copied wrongly"),
            )),
        };
    }
    Ok(Verifier::given(&key(args)?)?)
}

fn key(args: &Args) -> Result<Key, CliError> {
    if let Some(path) = &args.key_file {
        return Ok(Key::read(path)?);
    }
    if let Some(key) = Key::from_env()? {
        return Ok(key);
    }
    let first = args.files.first().map(PathBuf::as_path).unwrap_or(Path::new("."));
    let path = if first.is_dir() { Key::beside(&first.join("log")) } else { Key::beside(first) };
    Key::read(&path).map_err(|error| {
        let hint = if path.with_file_name(ROOT_NAME).exists() {
            "these logs are sealed: give --key-file the initial key that `audit init` showed, or one of `audit export-key`"
        } else {
            "--key-file names another; without the key nothing can be verified"
        };
        CliError::from(error).hinted(hint)
    })
}

/// How much there is to read, as far as that can be told.
fn bytes(path: &Path) -> u64 {
    let of = |log: &LogFiles| log.files().iter().filter_map(|file| file.bytes().ok()).sum::<u64>();
    if path.is_dir() {
        LogFiles::in_dir(path).unwrap_or_default().iter().map(of).sum()
    } else {
        LogFiles::of(path).map_or(0, |log| of(&log))
    }
}

fn unreadable(file: &Path, error: std::io::Error) -> CliError {
    CliError::failure(anyhow::Error::new(error).context(format!("cannot read `{}`", file.display())))
}
