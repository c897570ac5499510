//! `inspect`: what the detectors find in a text, and what a policy makes of that.

mod answer;
mod sample;

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::time::Instant;

use clap::ValueEnum;

use super::error::CliError;
use super::exit;
use super::output::Output;
use super::policy::PolicyFile;
use super::text::{Line, Style};
use crate::policy::Policy;
use answer::Answer;
use sample::Sample;

/// The policy that decides where no other is named: the one that ships as the default.
const DEFAULT: &str = include_str!("../../../policies/default.yaml");
/// Longest text, and longest line, in bytes: the gateway's own limit.
const MAX_BYTES: u64 = 16 << 20;

/// Shows what the detectors find in a text from standard input, and what the policy makes of that.
///
/// With `--jsonl` every line is `{"id", "text"}`, `{"id", "tool": {…}}` or `{"id", "before": {…}, "after": {…}}`, and has an
/// answer of one line.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What the text is [default: what a tool answers, or what a line's members say]
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// Policy [default: the one that ships as default.yaml]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Name of the server
    #[arg(long, value_name = "N", default_value = "server")]
    server: String,
    /// Name of the tool
    #[arg(long, value_name = "N", default_value = "tool")]
    tool: String,
    /// One sample a line
    #[arg(long)]
    jsonl: bool,
    /// Show also what is below the thresholds
    #[arg(long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Say how long each took
    #[arg(long, hide = true)]
    time: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// What a tool answers
    Result,
    /// An argument of a call
    Arguments,
    /// The definition of a tool
    Tool,
    /// The definition of a tool, before and after a change
    Pin,
}

pub(super) fn inspect(args: &Args) -> Result<u8, CliError> {
    let policy = match &args.policy {
        Some(path) => PolicyFile::open(path)?.policy,
        None => Policy::parse(DEFAULT).map_err(CliError::failure)?,
    };
    let circumstances = sample::Circumstances::new(&args.server, &args.tool);
    if args.jsonl {
        return lines(args, &policy, &circumstances);
    }
    let mut text = String::new();
    std::io::stdin().lock().take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(CliError::failure(anyhow::anyhow!("standard input is longer than {MAX_BYTES} bytes")));
    }
    let sample = Sample::of_text(args.kind, text.strip_suffix('\n').unwrap_or(&text), &args.tool)
        .map_err(CliError::failure)?;
    let answer = circumstances.judge(&policy, &sample, args.all);
    if args.json {
        Output::new().pretty(&answer)?;
    } else {
        Output::new().lines(&draw(&answer))?;
    }
    Ok(exit::OK)
}

fn lines(args: &Args, policy: &Policy, circumstances: &sample::Circumstances) -> Result<u8, CliError> {
    let mut input = BufReader::new(std::io::stdin().lock());
    let mut out = Output::new().json_lines();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = input.by_ref().take(MAX_BYTES + 1).read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        if line.len() as u64 > MAX_BYTES {
            return Err(CliError::failure(anyhow::anyhow!("a line is longer than {MAX_BYTES} bytes")));
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let (id, sample) = Sample::of_line(args.kind, &line, &args.tool);
        let since = Instant::now();
        let answer = match &sample {
            Ok(sample) => circumstances.judge(policy, sample, args.all),
            Err(error) => Answer::unreadable(error),
        };
        let us = args.time.then(|| since.elapsed().as_secs_f64() * 1e6);
        out.line(&serde_json::to_string(&answer.with(id, us)).map_err(CliError::failure)?)?;
    }
    out.end()?;
    Ok(exit::OK)
}

fn draw(answer: &Answer) -> Vec<Line> {
    let style = if answer.action == "allow" { Style::Good } else { Style::Bad };
    let mut lines = vec![Line::styled(style, answer.action)];
    if let Some(error) = &answer.error {
        lines.push(Line::plain(error));
    }
    for finding in &answer.findings {
        let place = format!("{}..{}", finding.start, finding.end);
        let path = if finding.path.is_empty() { String::new() } else { format!(" {}", finding.path) };
        lines.push(
            Line::styled(Style::Bold, &format!("{}/{}", finding.detector, finding.kind))
                .and(Style::Plain, &format!(" {} {:.2}{path} {place}: ", finding.severity, finding.score))
                .and(Style::Plain, finding.why),
        );
    }
    if let Some(redacted) = &answer.redacted {
        lines.push(Line::styled(Style::Dim, "redacted:"));
        let text = redacted.as_str().map_or_else(|| redacted.to_string(), str::to_owned);
        lines.extend(text.lines().map(Line::plain));
    }
    lines
}
