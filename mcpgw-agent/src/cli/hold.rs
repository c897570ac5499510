//! `hold list`, `hold approve`, `hold deny`: messages that policy holds for a person.

use std::time::Duration;

use clap::Subcommand;

use super::error::CliError;
use super::exit;
use super::output::Output;
use super::text::{Line, Style};
use crate::admin::client::Client;
use crate::config::Dirs;
use crate::proxy::hold::HeldView;

/// How long the agent may take to answer.
const ANSWER: Duration = Duration::from_secs(10);

/// Lists messages that policy holds for approval, and decides on them; for root and the agent's own user.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    List(List),
    Approve(Approve),
    Deny(Deny),
}

/// Lists the messages that wait, oldest first.
#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// Print JSON (docs/cli.md)
    #[arg(long)]
    json: bool,
}

/// Lets a message pass. The policy is not asked again.
#[derive(Debug, clap::Args)]
pub(super) struct Approve {
    /// Its id, as `hold list` shows it
    id: String,
}

/// Refuses a message.
#[derive(Debug, clap::Args)]
pub(super) struct Deny {
    /// Its id, as `hold list` shows it
    id: String,
}

pub(super) fn hold(command: &Command) -> Result<u8, CliError> {
    match command {
        Command::List(args) => list(args),
        Command::Approve(Approve { id }) => decide(id, true),
        Command::Deny(Deny { id }) => decide(id, false),
    }
}

fn connect() -> Result<Client, CliError> {
    Ok(Client::connect(&Dirs::from_env()?.control_socket(), ANSWER)?)
}

fn list(args: &List) -> Result<u8, CliError> {
    let held = connect()?.holds()?;
    let output = Output::new();
    if args.json {
        output.pretty(&held)?;
    } else if held.is_empty() {
        output.lines(&[Line::plain("Nothing waits for approval.")])?;
    } else {
        output.lines(&held.iter().flat_map(draw).collect::<Vec<_>>())?;
    }
    Ok(exit::OK)
}

fn decide(id: &str, approve: bool) -> Result<u8, CliError> {
    connect()?.decide(id, approve)?;
    let word = if approve { "approved" } else { "denied" };
    Output::new().lines(&[Line::plain(&format!("{id} is {word}."))])?;
    Ok(exit::OK)
}

/// One message: its id, then what it is.
fn draw(held: &HeldView) -> Vec<Line> {
    let what = [held.method.as_deref(), held.target.as_deref()];
    let what = what.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let way = if held.direction == "c2s" { "to" } else { "from" };
    let mut lines = vec![
        Line::styled(Style::Bold, &held.id).and(Style::Plain, &format!("  {what} {way} {}", held.server)),
        Line::plain(&format!("  rule {}, until {}", held.rule.as_deref().unwrap_or("-"), held.until)),
    ];
    if let Some(client) = &held.client {
        lines.push(Line::plain(&format!("  client {client}")));
    }
    if let Some(arguments) = &held.arguments {
        let more = if held.arguments_cut { " ..." } else { "" };
        lines.push(Line::plain(&format!("  arguments {arguments}{more}")));
    }
    lines
}
