//! `policy diff`: what is different between two policies, and what that changes.

mod compare;
mod sequence;

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Serialize;

use super::files::{PolicyFile, read_scenarios};
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::output::Output;
use crate::cli::text::{Line, Style};
use compare::{Change, Kind, compare};

/// Says what is different between two policies: every key, every rule, their order.
///
/// Where scenario files stand beside them, says which of their messages are now decided otherwise. Exits with 0 if
/// the policies are the same, comments and layout aside, and with 1 if they are not or one is wrong.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Policy as it was
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// Policy as it is now
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    same: bool,
    changes: Vec<Change>,
    /// Messages that were looked at.
    scenarios: usize,
    decided_otherwise: Vec<Otherwise>,
}

/// A message decided otherwise.
#[derive(Debug, Serialize)]
struct Otherwise {
    file: String,
    scenario: String,
    old: Decided,
    new: Decided,
}

#[derive(Debug, Serialize)]
struct Decided {
    effect: &'static str,
    rule: String,
}

pub(super) fn diff(args: &Args) -> Result<u8, CliError> {
    let (old, new) = (PolicyFile::open(&args.old)?, PolicyFile::open(&args.new)?);
    let changes = compare(&old.text, &new.text);
    let (scenarios, decided_otherwise) = replay(&old, &new)?;
    let report = Report { same: changes.is_empty(), changes, scenarios, decided_otherwise };
    if args.json {
        Output::new().pretty(&report)?;
    } else {
        Output::new().lines(&draw(&report))?;
    }
    Ok(if report.same { exit::OK } else { exit::FAILURE })
}

/// Puts the messages of both policies' scenarios before both: how many there are, and those decided otherwise.
fn replay(old: &PolicyFile, new: &PolicyFile) -> Result<(usize, Vec<Otherwise>), CliError> {
    let files: BTreeSet<PathBuf> = [old, new].into_iter().filter_map(PolicyFile::scenarios_beside).collect();
    let (mut count, mut found) = (0, Vec::new());
    for path in files {
        for scenario in read_scenarios(&path)?.0 {
            count += 1;
            let (before, after) = (scenario.trial.run(&old.policy), scenario.trial.run(&new.policy));
            if before.word() != after.word() || before.forwarded() != after.forwarded() {
                found.push(Otherwise {
                    file: path.display().to_string(),
                    scenario: scenario.name,
                    old: Decided { effect: before.word(), rule: before.rule() },
                    new: Decided { effect: after.word(), rule: after.rule() },
                });
            }
        }
    }
    Ok((count, found))
}

fn draw(report: &Report) -> Vec<Line> {
    if report.same {
        return vec![Line::plain("The policies are the same.")];
    }
    let mut lines: Vec<Line> = report.changes.iter().flat_map(line).collect();
    if report.scenarios == 0 {
        return lines;
    }
    lines.push(Line::default());
    for Otherwise { scenario, old, new, .. } in &report.decided_otherwise {
        let other = if old.effect == new.effect { ", with another text" } else { "" };
        let was = format!("{} by `{}`", old.effect, old.rule);
        let text = format!("{scenario}: was {was}, now {} by `{}`{other}", new.effect, new.rule);
        lines.push(Line::styled(Style::Warn, "! ").and(Style::Plain, &text));
    }
    let (all, otherwise) = (report.scenarios, report.decided_otherwise.len());
    lines.push(Line::plain(&format!("{otherwise} of {all} scenarios are decided otherwise.")));
    lines
}

fn line(change: &Change) -> Vec<Line> {
    let (style, sign) = match change.kind {
        Kind::Added => (Style::Good, "+ "),
        Kind::Removed => (Style::Bad, "- "),
        Kind::Changed => (Style::Warn, "~ "),
        Kind::Moved => (Style::Warn, "^ "),
    };
    let mut lines = vec![Line::styled(style, sign).and(Style::Plain, &change.what)];
    for (label, value) in [("was", &change.old), ("now", &change.new)] {
        lines.extend(value.as_ref().map(|value| Line::plain(&format!("    {label} {value}"))));
    }
    lines
}
