//! `effects list`, `effects show`, `effects reset`: what servers usually do to the host.

use std::path::PathBuf;

use clap::Subcommand;
use nix::unistd::getuid;
use serde_json::{Value, json};

use super::error::CliError;
use super::exit;
use super::output::Output;
use super::stored::{self, Named, short};
use super::text::{Line, Style};
use crate::baselines::{Baselines, DIRECTORY, Habits};
use crate::effects::{NO_TOOL, Tool, Use};
use crate::pins::{Directory, PinsError};

/// Lists, shows and forgets what servers usually do to the host (docs/effects.md).
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    List(List),
    Show(Show),
    /// Forgets what a server usually does: it is learned anew
    Reset(Named<Place>),
}

/// Where it is kept.
#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// The directory [default: `effects` in the agent's state directory]
    #[arg(long, value_name = "D")]
    dir: Option<PathBuf>,
}

/// Lists the servers of which something is known.
#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    place: Place,
    /// Print JSON (docs/cli.md)
    #[arg(long)]
    json: bool,
}

/// Shows what a server usually does, tool by tool.
#[derive(Debug, clap::Args)]
pub(super) struct Show {
    #[command(flatten)]
    named: Named<Place>,
    /// Print JSON (docs/cli.md)
    #[arg(long)]
    json: bool,
}

pub(super) fn effects(command: &Command) -> Result<u8, CliError> {
    match command {
        Command::List(args) => list(args),
        Command::Show(args) => show(args),
        Command::Reset(args) => reset(args),
    }
}

/// Nothing where there is no such directory: looking makes none.
fn open(place: &Place) -> Result<Option<Baselines>, CliError> {
    let path = place.dir.clone().or_else(|| Directory::of_agent(DIRECTORY));
    let Some(path) = path.filter(|path| path.exists()) else { return Ok(None) };
    // Who only looks learns nothing.
    Ok(Some(Baselines::open(&path, u32::MAX)?))
}

fn list(args: &List) -> Result<u8, CliError> {
    let all = open(&args.place)?.map_or_else(|| Ok(Vec::new()), |baselines| baselines.list())?;
    stored::list(&all, args.json, "Nothing is known of any server.", listed, listed_json)
}

fn show(args: &Show) -> Result<u8, CliError> {
    let (_, habits) = find(&args.named)?;
    let output = Output::new();
    if args.json {
        let tools: Vec<_> = habits.usual.tools().map(tool_json).collect();
        let mut server = head_json(&habits);
        if let Value::Object(members) = &mut server {
            members.insert("tools".to_owned(), tools.into());
        }
        output.pretty(&server)?;
        return Ok(exit::OK);
    }
    let mut lines = vec![head(&habits)];
    for (name, tool) in habits.usual.tools() {
        let line = if name == NO_TOOL {
            Line::styled(Style::Bold, "  while no tool is called, or nobody can say which")
        } else {
            let calls = format!("  {}", counted(tool.calls(), "call"));
            Line::styled(Style::Bold, &format!("  {name}")).and(Style::Dim, &calls)
        };
        lines.push(line);
        lines.extend(tool.destinations().iter().map(|to| Line::plain(&format!("    connect  {to}"))));
        lines.extend(tool.programs().map(|path| Line::plain(&format!("    exec     {path}"))));
        let sensitive = tool.sensitive().map(|(path, what)| Line::styled(Style::Warn, &used(path, what)));
        lines.extend(sensitive);
        lines.extend(tool.paths().iter().map(|(path, what)| Line::plain(&used(path, what))));
    }
    output.lines(&lines)?;
    Ok(exit::OK)
}

fn reset(args: &Named<Place>) -> Result<u8, CliError> {
    let (baselines, habits) = find(args)?;
    baselines.reset(habits.server.hash(), getuid().as_raw())?;
    let line = format!("What {} usually does is forgotten; it is learned anew.", habits.server);
    Output::new().lines(&[Line::plain(&line)])?;
    Ok(exit::OK)
}

/// The baselines, and those of the one server that is meant.
fn find(Named { server, place }: &Named<Place>) -> Result<(Baselines, Habits), CliError> {
    let unknown = || PinsError::NoServer(server.clone());
    let found = open(place)?.ok_or_else(unknown).and_then(|all| {
        let one = stored::find(all.list()?, server)?;
        Ok((all, one))
    });
    found.map_err(|error| {
        if matches!(error, PinsError::NoServer(_)) {
            CliError::failure(error).hinted("`mcpgw-agent effects list` shows them")
        } else {
            error.into()
        }
    })
}

fn used(path: &str, what: Use) -> String {
    let verb = match (what.read, what.write) {
        (true, true) => "read and write",
        (false, true) => "write   ",
        (_, false) => "read    ",
    };
    format!("    {verb} {path}")
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn listed(habits: &Result<Habits, PinsError>) -> Line {
    match habits {
        Ok(habits) => head(habits),
        Err(error) => Line::styled(Style::Bad, &error.to_string()),
    }
}

fn head(habits: &Habits) -> Line {
    let tools = habits.usual.tools().filter(|(name, _)| *name != NO_TOOL).count();
    let tools = counted(u64::try_from(tools).unwrap_or(u64::MAX), "tool");
    let line = Line::styled(Style::Dim, short(habits.server.hash()))
        .and(Style::Bold, &format!("  {}", habits.server))
        .and(Style::Plain, &format!("  {} of {tools}", counted(habits.usual.calls(), "call")));
    if habits.usual.is_full() { line.and(Style::Warn, ", and no room for more") } else { line }
}

fn listed_json(habits: &Result<Habits, PinsError>) -> Value {
    match habits {
        Ok(habits) => head_json(habits),
        Err(error) => json!({ "error": error.to_string() }),
    }
}

fn head_json(habits: &Habits) -> Value {
    json!({
        "server": habits.server.label(), "hash": habits.server.hash(), "generation": habits.generation,
        "calls": habits.usual.calls(), "full": habits.usual.is_full(),
    })
}

fn tool_json((name, tool): (&str, &Tool)) -> Value {
    let touched = |(path, what): (&str, Use)| json!({ "path": path, "read": what.read, "write": what.write });
    json!({
        "tool": name, "calls": tool.calls(),
        "destinations": tool.destinations().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "programs": tool.programs().collect::<Vec<_>>(),
        "sensitive": tool.sensitive().map(touched).collect::<Vec<_>>(),
        "paths": tool.paths().iter().map(touched).collect::<Vec<_>>(),
    })
}
