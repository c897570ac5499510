//! `servers list`, `servers show`, `servers approve`, `servers block`: which servers may be used.

use clap::Subcommand;
use nix::unistd::getuid;
use serde_json::{Value, json};

use super::error::CliError;
use super::exit;
use super::output::Output;
use super::pins::{Place, find, open};
use super::stored::{self, Named, short};
use super::text::{Line, Style};
use crate::detect::Severity;
use crate::pins::{Book, PinsError};
use crate::risk::{Assessment, Decided, Issue, Level};

/// Lists how much risk there is in servers that were used, and says which may be (docs/policy.md, `server_eval`).
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    List(List),
    Show(Show),
    /// Lets a server be used as it is now: until it defines anything else
    Approve(Named<Place>),
    /// Has all calls of a server refused, whatever it becomes, until it is approved
    Block(Named<Place>),
}

/// Lists the servers that are known, with their risk and what was decided about them.
#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    place: Place,
    /// Print JSON (docs/policy.md)
    #[arg(long)]
    json: bool,
}

/// Shows a server's risk with all reasons, and what was decided about it.
#[derive(Debug, clap::Args)]
pub(super) struct Show {
    #[command(flatten)]
    named: Named<Place>,
    /// Print JSON (docs/policy.md)
    #[arg(long)]
    json: bool,
}

pub(super) fn servers(command: &Command) -> Result<u8, CliError> {
    match command {
        Command::List(args) => list(args),
        Command::Show(args) => show(args),
        Command::Approve(args) => decide(args, true),
        Command::Block(args) => decide(args, false),
    }
}

fn list(args: &List) -> Result<u8, CliError> {
    let books = open(&args.place)?.map_or_else(|| Ok(Vec::new()), |pins| pins.list())?;
    stored::list(&books, args.json, "No server is known.", line, summary)
}

fn show(args: &Show) -> Result<u8, CliError> {
    let pins = open(&args.named.place)?;
    let (_, book) = find(pins.as_ref(), &args.named.server)?;
    let assessment = book.assess();
    let output = Output::new();
    if args.json {
        let mut server = server(&book, &assessment);
        if let Value::Object(members) = &mut server {
            members.insert("issues".to_owned(), assessment.issues.iter().map(issue).collect());
        }
        output.pretty(&server)?;
        return Ok(exit::OK);
    }
    let mut lines = vec![head(&book, &assessment)];
    for Issue { rule, severity, subject, why, remedy } in &assessment.issues {
        let style = match severity {
            Severity::Low => Style::Dim,
            Severity::Medium => Style::Warn,
            Severity::High | Severity::Critical => Style::Bad,
        };
        lines.push(
            Line::styled(style, &format!("  {} {rule}", severity.as_str()))
                .and(Style::Plain, &format!("  {}: {why}", subject.describe())),
        );
        lines.push(Line::styled(Style::Dim, &format!("    {remedy}")));
    }
    if assessment.issues.is_empty() {
        lines.push(Line::styled(Style::Good, "  nothing to say"));
    }
    output.lines(&lines)?;
    Ok(exit::OK)
}

fn decide(Named { server, place }: &Named<Place>, approve: bool) -> Result<u8, CliError> {
    let pins = open(place)?;
    let (pins, book) = find(pins.as_ref(), server)?;
    let (_, assessment) = pins.decide(book.server.hash(), approve, getuid().as_raw())?;
    let line = if approve {
        let level = assessment.score.level.as_str();
        format!("{} is approved as it is: {}/100, {level} risk.", book.server, assessment.score.points)
    } else {
        format!("{} is blocked.", book.server)
    };
    Output::new().lines(&[Line::plain(&line)])?;
    Ok(exit::OK)
}

fn line(book: &Result<Book, PinsError>) -> Line {
    match book {
        Ok(book) => head(book, &book.assess()),
        Err(error) => Line::styled(Style::Bad, &error.to_string()),
    }
}

/// Hash, name, risk, and what was decided.
fn head(book: &Book, assessment: &Assessment) -> Line {
    let (level, risk) = match book.known(assessment).level {
        Some(level) => (level, format!("  {}/100, {} risk", assessment.score.points, level.as_str())),
        None => (Level::High, "  nothing listed yet".to_owned()),
    };
    let style = match level {
        Level::Low => Style::Good,
        Level::Medium => Style::Warn,
        Level::High | Level::Critical => Style::Bad,
    };
    let decided = match (book.decided(assessment), &book.decision) {
        (Some(decided), Some(decision)) => {
            format!(", {} by user {} at {}", word(Some(decided)), decision.by, decision.at)
        }
        (_, _) => format!(", {}", word(None)),
    };
    Line::styled(Style::Dim, short(book.server.hash()))
        .and(Style::Bold, &format!("  {}", book.server))
        .and(style, &risk)
        .and(Style::Plain, &decided)
}

fn word(decided: Option<Decided>) -> &'static str {
    match decided {
        None => "undecided",
        Some(Decided::Approved) => "approved",
        Some(Decided::Outdated) => "changed since it was approved",
        Some(Decided::Blocked) => "blocked",
    }
}

fn summary(book: &Result<Book, PinsError>) -> Value {
    match book {
        Ok(book) => server(book, &book.assess()),
        Err(error) => json!({ "error": error.to_string() }),
    }
}

fn server(book: &Book, assessment: &Assessment) -> Value {
    let known = book.known(assessment);
    let decided = match known.decided {
        None => "undecided",
        Some(Decided::Approved) => "approved",
        Some(Decided::Outdated) => "outdated",
        Some(Decided::Blocked) => "blocked",
    };
    json!({
        "server": book.server.label(), "hash": book.server.hash(),
        "risk": known.level.map(Level::as_str),
        "score": known.level.map(|_| assessment.score.points),
        "decision": decided,
        "by": book.decision.as_ref().map(|decision| decision.by),
        "at": book.decision.as_ref().map(|decision| decision.at.to_string()),
    })
}

fn issue(issue: &Issue) -> Value {
    json!({
        "rule": issue.rule, "severity": issue.severity.as_str(), "subject": issue.subject.describe(),
        "why": issue.why, "remedy": issue.remedy,
    })
}
