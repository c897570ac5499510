//! `policy validate`: is it a policy, and does it say what was meant?

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::files::PolicyFile;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::output::Output;
use crate::cli::text::{Line, Style};
use crate::confine::{Abilities, unprevented_of};
use crate::policy::{Policy, Warning, lint};
use crate::reload::{ReloadError, mode_word};
use crate::yaml::{Place, Placed, render};

/// Values of a condition shown at most; `--json` has all.
const MAX_VALUES: usize = 4;
/// Characters of a value shown at most.
const MAX_CHARACTERS: usize = 40;

/// Reads policies as the gateway would and says what is wrong with them, and what they most likely do not mean.
///
/// Exits with 0 if all are valid, and with 1 if one is not. Warnings count only with `--strict`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Policies
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Take warnings for errors
    #[arg(long)]
    strict: bool,
    /// Say what this kernel cannot prevent of what `effects` forbids
    #[arg(long)]
    here: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct FileReport {
    path: String,
    valid: bool,
    /// `enforce` or `observe`; what follows is only there for a valid policy.
    mode: Option<&'static str>,
    hash: Option<String>,
    rules: Vec<RuleReport>,
    /// Why it is not valid.
    problems: Vec<Remark>,
    warnings: Vec<Remark>,
    /// What `effects` forbids and this kernel cannot prevent; there with `--here`.
    #[serde(skip_serializing_if = "Option::is_none")]
    unprevented: Option<Vec<String>>,
    #[serde(skip)]
    drawn: Vec<String>,
}

#[derive(Debug, Serialize)]
struct RuleReport {
    name: String,
    action: &'static str,
    conditions: Vec<Condition>,
}

#[derive(Debug, Serialize)]
struct Condition {
    key: String,
    values: Vec<String>,
}

/// Something said of a place.
#[derive(Debug, Serialize)]
struct Remark {
    line: Option<usize>,
    column: Option<usize>,
    /// Which lint, for a warning.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    message: String,
}

pub(super) fn validate(args: &Args) -> Result<u8, CliError> {
    let files: Vec<FileReport> = args.files.iter().map(|path| look(path, args.here)).collect();
    if args.json {
        Output::new().pretty(&files)?;
    } else {
        let lines: Vec<Line> = files.iter().flat_map(|file| draw(file, args.strict)).collect();
        Output::new().lines(&lines)?;
    }
    let is_good = |file: &FileReport| file.valid && (!args.strict || file.warnings.is_empty());
    Ok(if files.iter().all(is_good) { exit::OK } else { exit::FAILURE })
}

fn look(path: &Path, here: bool) -> FileReport {
    match PolicyFile::read(path) {
        Ok(file) => FileReport { unprevented: here.then(|| unprevented(&file.policy)), ..good(&file) },
        Err(error) => bad(path, &error),
    }
}

fn good(file: &PolicyFile) -> FileReport {
    let PolicyFile { path, text, policy } = file;
    let warnings = lint(text);
    let rules = policy.rules().map(|rule| RuleReport {
        name: rule.name().to_owned(),
        action: rule.action().as_str(),
        conditions: rule
            .conditions()
            .iter()
            .map(|condition| Condition {
                key: condition.key.to_string(),
                values: condition.values.iter().map(ToString::to_string).collect(),
            })
            .collect(),
    });
    FileReport {
        path: path.display().to_string(),
        valid: true,
        mode: Some(mode_word(policy.mode())),
        hash: Some(policy.hash().to_owned()),
        rules: rules.collect(),
        problems: Vec::new(),
        unprevented: None,
        drawn: drawn(path, text, &warnings),
        warnings: warnings
            .into_iter()
            .map(|warning| Remark { code: Some(warning.code), ..remark(warning.place, warning.message) })
            .collect(),
    }
}

/// As a wrap by itself would find it. The agent holds connections to addresses as well, where its hook for that works.
fn unprevented(policy: &Policy) -> Vec<String> {
    unprevented_of(policy, &Abilities::here(), false)
}

fn bad(path: &Path, error: &ReloadError) -> FileReport {
    let problems = match error {
        ReloadError::Policy { error, .. } => {
            error.problems().iter().map(|problem| remark(problem.place(), problem.to_string())).collect()
        }
        ReloadError::File(error) => vec![remark(None, chain(error))],
    };
    let drawn = match error {
        ReloadError::Policy { error, .. } => error.render(path).lines().map(str::to_owned).collect(),
        ReloadError::File(error) => vec![chain(error)],
    };
    FileReport {
        path: path.display().to_string(),
        valid: false,
        mode: None,
        hash: None,
        rules: Vec::new(),
        problems,
        warnings: Vec::new(),
        unprevented: None,
        drawn,
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn remark(place: Option<Place>, message: String) -> Remark {
    Remark {
        line: place.map(|place| place.line),
        column: place.map(|place| place.column),
        code: None,
        message,
    }
}

/// The warnings with their lines of the file.
fn drawn(path: &Path, text: &str, warnings: &[Warning]) -> Vec<String> {
    // The first line says how many problems there are; these are none.
    render(path, text, warnings).lines().skip(1).map(str::to_owned).collect()
}

fn draw(file: &FileReport, strict: bool) -> Vec<Line> {
    let FileReport { path, valid, mode, rules, warnings, drawn, unprevented, .. } = file;
    let mut lines = Vec::new();
    if !valid {
        lines.push(Line::styled(Style::Bad, &format!("{path}: not valid.")));
        lines.extend(drawn.iter().map(|line| Line::plain(line)));
        return lines;
    }
    let count = count(rules.len(), "rule");
    lines.push(
        Line::plain(&format!("{path}: "))
            .and(Style::Good, "OK")
            .and(Style::Plain, &format!(": {count}, mode={}", mode.unwrap_or_default())),
    );
    for rule in rules {
        let conditions = rule.conditions.iter().map(brief).collect::<Vec<_>>().join("; ");
        lines.push(Line::plain(&format!("  {}: {}  {conditions}", rule.name, rule.action)));
    }
    for left in unprevented.iter().flatten() {
        lines.push(Line::styled(Style::Warn, &format!("{path}: not prevented here: {left}")));
    }
    if !warnings.is_empty() {
        let style = if strict { Style::Bad } else { Style::Warn };
        lines.push(Line::styled(style, &format!("{path}: {}:", self::count(warnings.len(), "warning"))));
        lines.extend(drawn.iter().map(|line| Line::plain(line)));
    }
    lines
}

/// A condition on part of a line.
fn brief(condition: &Condition) -> String {
    let Condition { key, values } = condition;
    let clip = |value: &String| match value.char_indices().nth(MAX_CHARACTERS) {
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default()),
        None => value.clone(),
    };
    let mut shown: Vec<String> = values.iter().take(MAX_VALUES).map(clip).collect();
    if let Some(more) = values.len().checked_sub(MAX_VALUES).filter(|more| *more > 0) {
        shown.push(format!("and {more} more"));
    }
    format!("{key}: {}", shown.join(", "))
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
