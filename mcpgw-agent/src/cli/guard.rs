//! `guard status`, `guard off`, `guard on`; `allow`, `block`: what people tell the guard.

use std::time::Duration;

use clap::Subcommand;

use super::error::CliError;
use super::exit;
use super::output::Output;
use super::text::{Line, Style};
use crate::admin::client::{Client, ClientError};
use crate::admin::guard::{GuardOrderWord, GuardRequest, GuardStatus};
use crate::config::{self, Dirs};

/// How long the agent may take to answer.
const ANSWER: Duration = Duration::from_secs(10);

/// Shows the guard, and switches it off and on; for root and the agent's own user.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Status(Status),
    Off(Off),
    On(On),
    Forget(Forget),
}

/// Shows what the guard does and what it was told.
#[derive(Debug, clap::Args)]
pub(super) struct Status {
    /// Print JSON (docs/guard.md)
    #[arg(long)]
    json: bool,
}

/// Switches the guard off, at once and over restarts: nothing is held, killed, denied or steered.
#[derive(Debug, clap::Args)]
pub(super) struct Off {}

/// Switches it on again, as configured.
#[derive(Debug, clap::Args)]
pub(super) struct On {}

/// Takes back what `allow` or `block` said of a program.
#[derive(Debug, clap::Args)]
pub(super) struct Forget {
    /// The program's id, as `guard status` shows it
    id: String,
}

/// Lets a server's program run, whatever the guard's rules say.
#[derive(Debug, clap::Args)]
pub(super) struct Allow {
    #[command(flatten)]
    order: OrderArgs,
}

/// Ends a server and keeps its program from running.
#[derive(Debug, clap::Args)]
pub(super) struct Block {
    #[command(flatten)]
    order: OrderArgs,
}

#[derive(Debug, clap::Args)]
struct OrderArgs {
    /// The server's id, as `status --all` shows it, or a program's, as `guard status` does
    id: String,
    /// For how long, as `2h` or `30m` [default: for good]
    #[arg(long = "for", value_name = "TIME", value_parser = time)]
    time: Option<Duration>,
}

pub(super) fn guard(command: &Command) -> Result<u8, CliError> {
    let plain = |act| GuardRequest { act, id: None, seconds: None };
    match command {
        Command::Status(args) => status(args),
        Command::Off(_) => off(&plain(GuardOrderWord::Off)),
        Command::On(_) => tell(&plain(GuardOrderWord::On), "The guard does as configured."),
        Command::Forget(Forget { id }) => {
            let request = GuardRequest { act: GuardOrderWord::Forget, id: Some(id.clone()), seconds: None };
            tell(&request, &format!("{id} is forgotten."))
        }
    }
}

pub(super) fn allow(args: &Allow) -> Result<u8, CliError> {
    order(&args.order, GuardOrderWord::Allow, "allowed")
}

pub(super) fn block(args: &Block) -> Result<u8, CliError> {
    order(&args.order, GuardOrderWord::Block, "blocked")
}

/// Also where no agent runs: the next one, which may be held up by its own rules, starts with the guard off.
fn off(request: &GuardRequest) -> Result<u8, CliError> {
    let absent = match connect().map(|mut client| client.guard(request)) {
        Ok(Ok(_)) => {
            Output::new().lines(&[Line::plain("The guard is off.")])?;
            return Ok(exit::OK);
        }
        Ok(Err(error @ (ClientError::NoDaemon { .. } | ClientError::Timeout { .. }))) => {
            CliError::from(error)
        }
        Ok(Err(error)) => return Err(error.into()),
        Err(error) => error,
    };
    if crate::daemon::switch_guard_off(&Dirs::from_env()?.state).is_err() {
        return Err(absent);
    }
    let text = "No agent answers; the guard is off when one starts. One that runs lets everything go when it is stopped.";
    Output::new().lines(&[Line::plain(text)])?;
    Ok(exit::OK)
}

/// Looks after the programs an agent holds: the agent starts it, nobody else has a use for it.
pub(super) fn keeper() -> Result<u8, CliError> {
    crate::daemon::keep_guard().map_err(CliError::failure)?;
    Ok(exit::OK)
}

fn order(args: &OrderArgs, act: GuardOrderWord, word: &str) -> Result<u8, CliError> {
    let request =
        GuardRequest { act, id: Some(args.id.clone()), seconds: args.time.map(|time| time.as_secs()) };
    let program = connect()?.guard(&request)?;
    let until =
        args.time.map_or_else(|| "for good".to_owned(), |time| format!("for {}", config::shown(time)));
    let program = program.unwrap_or_else(|| args.id.clone());
    Output::new().lines(&[Line::plain(&format!("Program {program} is {word} {until}."))])?;
    Ok(exit::OK)
}

fn tell(request: &GuardRequest, said: &str) -> Result<u8, CliError> {
    connect()?.guard(request)?;
    Output::new().lines(&[Line::plain(said)])?;
    Ok(exit::OK)
}

fn connect() -> Result<Client, CliError> {
    Ok(Client::connect(&Dirs::from_env()?.control_socket(), ANSWER)?)
}

fn status(args: &Status) -> Result<u8, CliError> {
    let guard = connect()?.status()?.guard;
    let output = Output::new();
    match guard {
        None => output.lines(&[Line::plain("This agent has no guard.")])?,
        Some(guard) if args.json => {
            output.pretty(&guard)?;
        }
        Some(guard) => output.lines(&draw(&guard))?,
    }
    Ok(exit::OK)
}

fn draw(guard: &GuardStatus) -> Vec<Line> {
    let mut lines = vec![
        Line::styled(Style::Bold, &format!("Guard: {}", guard.in_force)).and(
            Style::Plain,
            match (guard.in_force == guard.mode, guard.dry_run) {
                (false, _) => "  (switched off by hand; `guard on` switches it on)",
                (true, true) => "  (dry run)",
                (true, false) => "",
            },
        ),
        Line::plain(&format!(
            "  {} rules; {} places whose programs wait; {} waited, the longest {:.1} ms; {} client files watched",
            guard.rules,
            guard.held_places,
            guard.held,
            // Longer than 2^52 microseconds nobody waits.
            Duration::from_micros(guard.longest_us).as_secs_f64() * 1e3,
            guard.client_files
        )),
    ];
    for order in &guard.orders {
        let until = order.until.map_or_else(|| "for good".to_owned(), |until| format!("until {until}"));
        let what = format!("  {} {} (user {}) {}", order.exe, order.arguments.join(" "), order.uid, until);
        lines.push(
            Line::styled(Style::Bold, &format!("{} {}", order.kind, order.id)).and(Style::Plain, &what),
        );
    }
    for turned in &guard.turned {
        let to = turned.to.as_deref().map_or_else(String::new, |to| format!(" to {to}"));
        let text = format!("{} {}{to}  {} connections", turned.act, turned.endpoint, turned.connections);
        lines.push(Line::plain(&text));
    }
    lines.extend(guard.problems.iter().map(|problem| Line::styled(Style::Bold, &format!("! {problem}"))));
    lines
}

fn time(text: &str) -> Result<Duration, String> {
    let time = config::read_duration(text).filter(|time| time.as_secs() > 0);
    time.ok_or_else(|| "a whole number and a unit, as `30m`, `2h` or `7d`".to_owned())
}
