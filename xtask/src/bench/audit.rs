//! `cargo xtask bench audit`: what the audit log can take, and how fast it answers.

mod query;

use anyhow::Result;

use crate::workspace::Workspace;

/// Arguments of `cargo xtask bench audit`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Index a made-up log and search it
    Query(query::Args),
}

/// Runs a measurement.
///
/// # Errors
/// When the log cannot be made, or a search finds nothing.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    match &args.what {
        What::Query(args) => query::run(workspace, args),
    }
}
