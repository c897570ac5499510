//! `pins list`, `pins diff`, `pins approve`, `pins reset`: what servers said about themselves when they were approved.

mod draw;

use std::path::PathBuf;

use clap::Subcommand;
use nix::unistd::getuid;
use serde_json::json;

use super::error::CliError;
use super::exit;
use super::output::Output;
use super::stored::{self, Named};
use super::text::Line;
use crate::pins::{Book, Directory, Pin, Pins, PinsError, Selection, Trust};

/// Lists, compares, approves and forgets what servers say about themselves (docs/detection/pins.md).
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    List(List),
    Diff(Diff),
    Approve(Approve),
    /// Forgets what is pinned of a server: the next listing is a first one
    Reset(Named<Place>),
}

/// Where the pins are.
#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// The directory of the pins [default: /var/lib/mcpgw/pins for root, else $XDG_STATE_HOME/mcpgw/pins]
    #[arg(long, value_name = "D")]
    dir: Option<PathBuf>,
}

/// Lists the servers that are pinned, and how many of their definitions wait for approval.
#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    place: Place,
    /// Print JSON (docs/detection/pins.md)
    #[arg(long)]
    json: bool,
}

/// Shows what waits for approval: what changed, word by word, what is new, what is gone.
#[derive(Debug, clap::Args)]
pub(super) struct Diff {
    /// A server, by its name or the first digits of its hash [default: all]
    server: Option<String>,
    #[command(flatten)]
    place: Place,
    /// Print JSON (docs/detection/pins.md)
    #[arg(long)]
    json: bool,
}

/// Approves what a server says now, as `pins diff` shows it.
#[derive(Debug, clap::Args)]
pub(super) struct Approve {
    #[command(flatten)]
    named: Named<Place>,
    /// Only the definitions of this name
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    name: Option<String>,
    /// All that waits
    #[arg(long)]
    all: bool,
}

pub(super) fn pins(command: &Command) -> Result<u8, CliError> {
    match command {
        Command::List(args) => list(args),
        Command::Diff(args) => diff(args),
        Command::Approve(args) => approve(args),
        Command::Reset(args) => reset(args),
    }
}

/// Nothing where there is no such directory: looking makes none.
pub(super) fn open(place: &Place) -> Result<Option<Pins>, CliError> {
    let path = place.dir.clone().or_else(Directory::default_path).ok_or_else(|| {
        CliError::new(exit::USAGE, anyhow::anyhow!("there is no directory of pins"))
            .hinted("name one with --dir")
    })?;
    Ok(if path.exists() { Some(Pins::open(&path, Trust::Approved)?) } else { None })
}

fn list(args: &List) -> Result<u8, CliError> {
    let books = open(&args.place)?.map_or_else(|| Ok(Vec::new()), |pins| pins.list())?;
    stored::list(&books, args.json, "No server is pinned.", draw::listed, draw::listed_json)
}

fn diff(args: &Diff) -> Result<u8, CliError> {
    let pins = open(&args.place)?;
    let books = match (&pins, &args.server) {
        (pins, Some(server)) => vec![find(pins.as_ref(), server)?.1],
        (Some(pins), None) => pins.list()?.into_iter().collect::<Result<_, _>>()?,
        (None, None) => Vec::new(),
    };
    let output = Output::new();
    if args.json {
        let servers: Vec<_> = books.iter().map(draw::differing_json).collect();
        output.pretty(&json!({ "servers": servers }))?;
        return Ok(exit::OK);
    }
    let lines: Vec<_> = books.iter().flat_map(draw::differing).collect();
    output.lines(&if lines.is_empty() { vec![Line::plain("Nothing waits for approval.")] } else { lines })?;
    Ok(exit::OK)
}

fn approve(args: &Approve) -> Result<u8, CliError> {
    let pins = open(&args.named.place)?;
    let (pins, book) = find(pins.as_ref(), &args.named.server)?;
    let selection = args.name.as_deref().map_or(Selection::All, Selection::Named);
    let count = pins.approve(book.server.hash(), selection, getuid().as_raw())?;
    let word = if count == 1 { "definition is" } else { "definitions are" };
    Output::new().lines(&[Line::plain(&format!("{count} {word} approved of {}.", book.server))])?;
    Ok(exit::OK)
}

fn reset(args: &Named<Place>) -> Result<u8, CliError> {
    let pins = open(&args.place)?;
    let (pins, book) = find(pins.as_ref(), &args.server)?;
    pins.reset(book.server.hash(), getuid().as_raw())?;
    Output::new().lines(&[Line::plain(&format!("{} is forgotten.", book.server))])?;
    Ok(exit::OK)
}

/// The one server that is called `wanted`, or whose hash begins with it.
pub(super) fn find<'p>(pins: Option<&'p Pins>, wanted: &str) -> Result<(&'p Pins, Book), CliError> {
    let pins = pins.ok_or_else(|| PinsError::NoServer(wanted.to_owned()))?;
    Ok((pins, stored::find(pins.list()?, wanted)?))
}

/// It waits for approval.
fn waits(pin: &Pin) -> bool {
    pin.waiting.is_some() || pin.missing
}

impl From<PinsError> for CliError {
    fn from(error: PinsError) -> Self {
        let hint = match &error {
            PinsError::Malformed { .. } => {
                Some("look who changed it; removed, its server is seen for the first time again")
            }
            PinsError::Unsafe { .. } => {
                Some("look who changed it, then give it back to its owner with `chmod go-w`")
            }
            PinsError::NoServer(_) => Some("`mcpgw-agent pins list` shows them"),
            PinsError::Ambiguous(_) => {
                Some("say more digits of its hash: `mcpgw-agent pins list` shows them")
            }
            PinsError::NoDefinition(_) => Some("`mcpgw-agent pins diff` shows what waits"),
            PinsError::Full { .. } => Some("remove files of servers that are no longer used"),
            PinsError::Io { .. } => None,
        };
        let error = Self::failure(error);
        match hint {
            Some(hint) => error.hinted(hint),
            None => error,
        }
    }
}
