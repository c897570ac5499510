//! `audit verify`: whether audit logs are as they were written.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::audit::{Key, Outcome, Report, Verifier};
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::output::Output;
use crate::cli::text::{Line, Style};

/// Says whether audit logs are as they were written, and where they are not.
///
/// Several files are read in the order given; each may continue the one before. The key is that of --key-file, else
/// the one in MCPGW_AUDIT_SIGNING_KEY, else the file `audit.key` beside the first log. Exits with 0 if all are valid,
/// 9 if one was tampered with, 10 if one is signed with another key, 11 if one was not closed: it is being written, its
/// writer was killed, or its end was cut off.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The logs
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The file that has the key
    #[arg(long, value_name = "F")]
    key_file: Option<PathBuf>,
    /// Print JSON (docs/audit-format.md)
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Verified {
    outcome: Outcome,
    files: Vec<Report>,
}

/// Reads the logs and says how they are.
pub(super) fn verify(args: &Args) -> Result<u8, CliError> {
    let mut verifier = Verifier::new(&key(args)?);
    let mut files = Vec::new();
    for file in &args.files {
        let report = verifier.file(file).map_err(|error| unreadable(file, error))?;
        files.push(report);
    }
    let outcome = files.iter().map(|report| report.outcome).max().unwrap_or(Outcome::Valid);
    let output = Output::new();
    if args.json {
        let verified = Verified { outcome, files };
        output.json(&serde_json::to_string_pretty(&verified).map_err(CliError::failure)?)?;
    } else {
        output.lines(&files.iter().flat_map(draw).collect::<Vec<_>>())?;
    }
    Ok(match outcome {
        Outcome::Valid => exit::OK,
        Outcome::NotClosed => exit::AUDIT_NOT_CLOSED,
        Outcome::OtherKey => exit::AUDIT_OTHER_KEY,
        Outcome::Tampered => exit::AUDIT_TAMPERED,
    })
}

fn key(args: &Args) -> Result<Key, CliError> {
    if let Some(path) = &args.key_file {
        return Ok(Key::read(path)?);
    }
    if let Some(key) = Key::from_env()? {
        return Ok(key);
    }
    let log = args.files.first().map(PathBuf::as_path).unwrap_or(Path::new("."));
    Key::read(&Key::beside(log)).map_err(|error| {
        CliError::from(error).hinted("--key-file names another; without the key nothing can be verified")
    })
}

fn unreadable(file: &Path, error: std::io::Error) -> CliError {
    CliError::failure(anyhow::Error::new(error).context(format!("cannot read `{}`", file.display())))
}

fn draw(report: &Report) -> Vec<Line> {
    let file = report.file.display();
    let mut lines: Vec<Line> = report
        .findings
        .iter()
        .map(|finding| Line::styled(Style::Bad, &format!("{file}:{}: {}", finding.line, finding.explain())))
        .collect();
    let unlisted = report.findings_total.saturating_sub(u64::try_from(lines.len()).unwrap_or(u64::MAX));
    if unlisted > 0 {
        lines.push(Line::styled(Style::Bad, &format!("{file}: and {unlisted} more")));
    }
    if report.interrupted > 0 {
        let text = format!("{file}: begun anew without having been closed: {}", report.interrupted);
        lines.push(Line::styled(Style::Warn, &text));
    }
    if report.lost > 0 {
        let text = format!("{file}: records its writer could not write: {}", report.lost);
        lines.push(Line::styled(Style::Warn, &text));
    }
    lines.push(conclusion(report));
    if let Some(head) = &report.head {
        lines.push(Line::styled(Style::Dim, &format!("{file}: head {head}")));
    }
    lines
}

fn conclusion(report: &Report) -> Line {
    let Report { records, first_seq, last_seq, .. } = report;
    let file = report.file.display();
    let (first, last) = (first_seq.unwrap_or_default(), last_seq.unwrap_or_default());
    match report.outcome {
        Outcome::Valid => {
            Line::styled(Style::Good, &format!("{file}: valid: sequence {first} to {last}, closed"))
        }
        Outcome::NotClosed if report.live => {
            Line::styled(Style::Warn, &format!("{file}: valid to sequence {last}, being written"))
        }
        Outcome::NotClosed => Line::styled(
            Style::Warn,
            &format!(
                "{file}: valid to sequence {last}, not closed: its writer was killed, or its end was cut off"
            ),
        ),
        Outcome::OtherKey => Line::styled(Style::Bad, &format!("{file}: cannot be verified with this key")),
        Outcome::Tampered => Line::styled(
            Style::Bad,
            &format!("{file}: tampered with: findings {}, signed records {records}", report.findings_total),
        ),
    }
}
