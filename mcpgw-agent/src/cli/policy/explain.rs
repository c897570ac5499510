//! `policy explain`: which rules were looked at for one message, and why each did or did not match.

use std::io::Read;
use std::path::PathBuf;

use clap::ValueEnum;
use serde::Serialize;

use super::files::PolicyFile;
use super::scenario::{SERVER, effect_of, usual};
use super::trial::{Trial, word};
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::output::Output;
use crate::cli::text::{Line, Style};
use crate::confine::surroundings;
use crate::json::{self, Document, Limits, Value};
use crate::mcp::{Direction, Revision};
use crate::policy::effects::Hosts;
use crate::policy::{Context, Effect, Outcome, Policy, Principal, Step, Transport};
use crate::reload::mode_word;

/// Longest message read, in bytes: the gateway's own limit.
const MAX_MESSAGE: u64 = 16 << 20;

/// Shows for one message which rules of a policy are looked at, and why each matches or does not.
///
/// A message is JSON text, `@F` for the file F, or `-` for standard input.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Policy
    #[arg(value_name = "FILE")]
    policy: PathBuf,
    /// The message
    #[arg(long, value_name = "M", required_unless_present = "effect")]
    message: Option<String>,
    /// In a message's stead: what a server does to the host, as `{exec: /bin/sh}` in a scenario
    #[arg(long, value_name = "E", conflicts_with = "message")]
    effect: Option<String>,
    /// Of an effect: the tool whose call it is
    #[arg(long, value_name = "T", requires = "effect")]
    tool: Option<String>,
    /// The request it answers
    #[arg(long, value_name = "M")]
    answers: Option<String>,
    /// Which way it goes [default: as messages of its method do]
    #[arg(long, value_enum)]
    direction: Option<Way>,
    /// Name of the server [default: server]
    #[arg(long, value_name = "N")]
    server: Option<String>,
    /// URL of the server
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// Authenticated subject
    #[arg(long, value_name = "S")]
    subject: Option<String>,
    /// Role of the subject; may be repeated
    #[arg(long, value_name = "R")]
    role: Vec<String>,
    /// How client and server talk [default: stdio]
    #[arg(long, value_enum)]
    transport: Option<Talk>,
    /// Path of the client's executable
    #[arg(long, value_name = "PATH")]
    client: Option<String>,
    /// Revision of MCP, as `2025-11-25`
    #[arg(long, value_name = "DATE")]
    revision: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Way {
    /// From the client
    C2s,
    /// From the server
    S2c,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Talk {
    /// Standard input and output
    Stdio,
    /// Streamable HTTP
    Http,
    /// HTTP with server-sent events
    Sse,
}

pub(super) fn explain(args: &Args) -> Result<u8, CliError> {
    let file = PolicyFile::open(&args.policy)?;
    if let Some(effect) = &args.effect {
        return explain_effect(args, effect, &file);
    }
    let trial = trial(args)?;
    let report = report(&trial, &file.policy);
    if args.json {
        Output::new().pretty(&report)?;
    } else {
        Output::new().lines(&draw(&report))?;
    }
    Ok(exit::OK)
}

/// What follows from an effect, by which rule, and why.
#[derive(Debug, Serialize)]
struct EffectReport {
    action: &'static str,
    rule: Option<String>,
    why: Option<String>,
    mode: Option<&'static str>,
}

fn explain_effect(args: &Args, does: &str, file: &PolicyFile) -> Result<u8, CliError> {
    let wrong = |text: String| CliError::new(exit::USAGE, anyhow::anyhow!(text));
    let effect = effect_of(does).map_err(|problem| wrong(format!("`--effect`: {problem}")))?;
    let around = surroundings(None, Hosts::default());
    let rules = file.policy.effects(args.server.as_deref().unwrap_or(SERVER), &around);
    let found = rules.and_then(|rules| rules.judge(args.tool.as_deref().unwrap_or_default(), &effect));
    let report = EffectReport {
        action: found.as_ref().map_or("allow", |found| found.act.as_str()),
        mode: found.as_ref().map(|found| mode_word(found.mode)),
        rule: found.as_ref().map(|found| found.rule.to_string()),
        why: found.map(|found| found.why.into()),
    };
    if args.json {
        Output::new().pretty(&report)?;
        return Ok(exit::OK);
    }
    let EffectReport { action, rule, why, mode } = report;
    let line = match (rule, why, mode) {
        (Some(rule), Some(why), Some(mode)) => format!("{action} by `{rule}`: {why} (mode={mode})"),
        _ => "allow: no rule about effects says otherwise".to_owned(),
    };
    Output::new().lines(&[Line::plain(&line)])?;
    Ok(exit::OK)
}

fn trial(args: &Args) -> Result<Trial, CliError> {
    let wrong = |text: String| CliError::new(exit::USAGE, anyhow::anyhow!(text));
    let given = args.message.as_deref().unwrap_or_default();
    if given == "-" && args.answers.as_deref() == Some("-") {
        return Err(wrong("`--message` and `--answers` cannot both be `-`".to_owned()));
    }
    let message = text_of(given)?;
    let answers = args.answers.as_deref().map(text_of).transpose()?;
    let asked_way = answers.as_deref().map(|asked| usual(&method(asked)).opposite());
    let direction = match args.direction {
        Some(Way::C2s) => Direction::ToServer,
        Some(Way::S2c) => Direction::ToClient,
        None => asked_way.unwrap_or_else(|| usual(&method(&message))),
    };
    let revision = args
        .revision
        .as_deref()
        .map(|name| Revision::named(name).ok_or_else(|| wrong(format!("`{name}` is no revision of MCP"))));
    let boxed = |text: &Option<String>| text.as_deref().map(Box::from);
    let context = Context {
        server: args.server.as_deref().unwrap_or(SERVER).into(),
        upstream: boxed(&args.upstream),
        tapped: None,
        transport: match args.transport {
            None | Some(Talk::Stdio) => Transport::Stdio,
            Some(Talk::Http) => Transport::Http,
            Some(Talk::Sse) => Transport::Sse,
        },
        principal: Principal {
            subject: boxed(&args.subject),
            roles: args.role.iter().map(|role| role.as_str().into()).collect(),
            ..Principal::default()
        },
        client: boxed(&args.client),
    };
    Ok(Trial { direction, message, answers, revision: revision.transpose()?, context })
}

fn text_of(argument: &str) -> Result<String, CliError> {
    let read = |from: Box<dyn Read>, name: &str| {
        let mut text = String::new();
        let unreadable = |source| {
            CliError::failure(
                anyhow::Error::new(source).context(format!("cannot read the message from {name}")),
            )
        };
        from.take(MAX_MESSAGE + 1).read_to_string(&mut text).map_err(unreadable)?;
        // The line break an editor or `echo` ends a file with is not part of the message.
        Ok(text.trim_end_matches(['\n', '\r']).to_owned())
    };
    match argument.strip_prefix('@') {
        Some(path) => {
            let file = std::fs::File::open(path).map_err(|source| {
                CliError::failure(anyhow::Error::new(source).context(format!("cannot read `{path}`")))
            })?;
            read(Box::new(file), path)
        }
        None if argument == "-" => read(Box::new(std::io::stdin()), "standard input"),
        None => Ok(argument.to_owned()),
    }
}

/// The method a message names; empty where it cannot be read, which the report says then.
fn method(message: &str) -> String {
    let document = Document::parse(message.as_bytes().to_vec().into(), &Limits::default()).ok();
    let method = document.as_ref().and_then(|document| document.root().get("method")).and_then(Value::as_str);
    method.map(|method| method.into_owned()).unwrap_or_default()
}

/// What became of the message, and how.
#[derive(Debug, Serialize)]
struct Report {
    effect: &'static str,
    rule: String,
    /// `enforce` or `observe`: in the latter it passes as it is.
    mode: &'static str,
    /// What could not be evaluated.
    errors: Vec<String>,
    /// The rules that were looked at, in order.
    steps: Vec<Look>,
    /// What goes on, where that is not what came.
    goes_on_as: Option<String>,
}

/// A rule that was looked at.
#[derive(Debug, Serialize)]
struct Look {
    rule: String,
    action: &'static str,
    dry_run: bool,
    matched: bool,
    /// The first condition that did not hold, or could not be evaluated.
    condition: Option<String>,
    why: Option<String>,
}

fn report(trial: &Trial, policy: &Policy) -> Report {
    let mode = mode_word(policy.mode());
    let prepared = match trial.prepare() {
        Ok(prepared) => prepared,
        Err(reason) => {
            let rule = format!("(malformed: {})", reason.code());
            return Report {
                effect: "deny",
                rule,
                mode,
                errors: vec![reason.to_string()],
                steps: Vec::new(),
                goes_on_as: None,
            };
        }
    };
    let explanation = policy.explain(&prepared.request());
    let evaluation = explanation.evaluation;
    let goes_on_as = match &evaluation.effect {
        Effect::Redact(edits) => Some(json::apply(prepared.message.bytes(), edits.clone())),
        Effect::Allow | Effect::Deny { .. } | Effect::Hold => None,
    };
    Report {
        goes_on_as: goes_on_as.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        effect: word(&evaluation.effect),
        rule: evaluation.rule.into(),
        mode: mode_word(evaluation.mode),
        errors: evaluation.errors.iter().map(ToString::to_string).collect(),
        steps: explanation.steps.iter().map(|step| look(step, policy)).collect(),
    }
}

fn look(step: &Step, policy: &Policy) -> Look {
    let action =
        policy.rules().find(|rule| rule.name() == &*step.rule).map_or("", |rule| rule.action().as_str());
    let (matched, condition, why) = match &step.outcome {
        Outcome::Matched => (true, None, None),
        Outcome::NotMatched { condition, why } => (false, Some(condition), Some(why.to_string())),
        Outcome::Error { condition, error, matched } => {
            (*matched, Some(condition), Some(format!("cannot be evaluated: {error}")))
        }
    };
    let condition = condition.map(ToString::to_string);
    Look { rule: step.rule.to_string(), action, dry_run: step.dry_run, matched, condition, why }
}

fn draw(report: &Report) -> Vec<Line> {
    let Report { effect, rule, mode, errors, steps, goes_on_as } = report;
    let mut lines = Vec::new();
    for (index, Look { rule, action, dry_run, matched, condition, why }) in steps.iter().enumerate() {
        let (style, word) = if *matched { (Style::Good, "matches") } else { (Style::Dim, "does not match") };
        let trial = if *dry_run { ", on trial" } else { "" };
        let reason = condition.iter().chain(why).map(|text| format!(": {text}")).collect::<String>();
        let line = Line::plain(&format!("{}. {rule} ({action}{trial}) ", index + 1));
        lines.push(line.and(style, word).and(Style::Plain, &reason));
    }
    if steps.is_empty() {
        lines.extend(errors.iter().map(|error| Line::plain(error)));
    }
    let style = if *effect == "allow" { Style::Good } else { Style::Bad };
    let remark =
        if *mode == "observe" && *effect != "allow" { " (only recorded: mode is observe)" } else { "" };
    lines.push(Line::styled(style, effect).and(Style::Plain, &format!(" by `{rule}`{remark}")));
    lines.extend(goes_on_as.iter().map(|text| Line::plain(&format!("It goes on as {text}"))));
    lines
}
