//! `reload`: has the running agent read its configuration and its policy anew.

use std::time::Duration;

use super::error::CliError;
use super::exit;
use super::output::Output;
use super::text::Line;
use crate::admin::client::Client;
use crate::config::Dirs;

/// How long the agent may take to answer.
const ANSWER: Duration = Duration::from_secs(10);

/// Has the running agent read its configuration and its policy anew; for root and the agent's own user.
///
/// A file that cannot be used changes nothing: the one before stays in force, and what is wrong is said here.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn reload(_args: &Args) -> Result<u8, CliError> {
    Client::connect(&Dirs::from_env()?.control_socket(), ANSWER)?.reload()?;
    Output::new().lines(&[Line::plain("Configuration and policy were read anew.")])?;
    Ok(exit::OK)
}
