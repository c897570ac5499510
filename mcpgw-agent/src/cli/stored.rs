//! What `pins`, `servers` and `effects` have in common: something is kept of each server, in a file of its own.

use serde_json::{Value, json};

use super::error::CliError;
use super::exit;
use super::output::Output;
use super::text::Line;
use crate::pins::{PinsError, Stored};

/// Digits of a hash that are shown.
const DIGITS: usize = 12;

/// One server, where `P` says.
#[derive(Debug, clap::Args)]
pub(super) struct Named<P: clap::Args> {
    /// The server, by its name or the first digits of its hash
    pub(super) server: String,
    #[command(flatten)]
    pub(super) place: P,
}

/// The digits a hash is shown by.
pub(super) fn short(hash: &str) -> &str {
    hash.get(..DIGITS).unwrap_or(hash)
}

/// The one of `all` whose server is called `wanted`, or whose hash begins with it.
pub(super) fn find<T: Stored>(all: Vec<Result<T, PinsError>>, wanted: &str) -> Result<T, PinsError> {
    let mut found = all.into_iter().filter(|one| match one {
        Ok(one) => {
            let server = one.server();
            server.label() == wanted || wanted.len() >= 4 && server.hash().starts_with(wanted)
        }
        // What cannot be read may be the one.
        Err(_) => true,
    });
    let one = found.next().ok_or_else(|| PinsError::NoServer(wanted.to_owned()))??;
    match found.next() {
        None => Ok(one),
        Some(Err(error)) => Err(error),
        Some(Ok(_)) => Err(PinsError::Ambiguous(wanted.to_owned())),
    }
}

/// Prints all of them, or that there are `none`. Fails where one cannot be read.
pub(super) fn list<T>(
    all: &[Result<T, PinsError>],
    is_json: bool,
    none: &str,
    draw: impl Fn(&Result<T, PinsError>) -> Line,
    as_json: impl Fn(&Result<T, PinsError>) -> Value,
) -> Result<u8, CliError> {
    let output = Output::new();
    if is_json {
        output.pretty(&json!({ "servers": all.iter().map(as_json).collect::<Vec<_>>() }))?;
    } else if all.is_empty() {
        output.lines(&[Line::plain(none)])?;
    } else {
        output.lines(&all.iter().map(draw).collect::<Vec<_>>())?;
    }
    Ok(if all.iter().all(Result::is_ok) { exit::OK } else { exit::FAILURE })
}
