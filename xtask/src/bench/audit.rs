//! `cargo xtask bench audit`: how much the audit log takes and how fast, part by part.
//!
//! What is inside the agent its own example measures (`mcpgw-agent/examples/audit_speed`).

mod query;
mod records;
mod verify;

use anyhow::Result;

use crate::workspace::Workspace;

/// Arguments of `cargo xtask bench audit`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    part: Part,
}

#[derive(Debug, clap::Subcommand)]
enum Part {
    /// Records a second, and what one adds to its message, while files are finished and compressed
    Records(records::Args),
    /// Index a made-up log and search it
    Query(query::Args),
    /// Verify a log, as one file and as a rotated set
    Verify(verify::Args),
}

/// Runs a measurement.
///
/// # Errors
/// When it cannot be built, or fails.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    match &args.part {
        Part::Records(args) => records::run(workspace, args),
        Part::Query(args) => query::run(workspace, args),
        Part::Verify(args) => verify::run(workspace, args),
    }
}
