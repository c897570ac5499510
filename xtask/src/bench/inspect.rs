//! `cargo xtask bench inspect`: how fast messages are inspected, ordinary ones and such as are made to be slow.
//!
//! It is the agent's own example that measures, on the messages the tests prove linear (`tests/inspect/crafted.rs`).

use anyhow::Result;
use xshell::cmd;

use crate::shell;
use crate::workspace::Workspace;

/// Arguments of `cargo xtask bench inspect`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Rounds; the middle one counts
    #[arg(long, default_value_t = 9)]
    rounds: u32,
    /// Only those with this in their name
    #[arg(default_value = "")]
    part: String,
}

/// # Errors
/// When the example cannot be built, or fails.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let sh = shell::shell(workspace)?;
    let (rounds, part) = (args.rounds.max(1).to_string(), &args.part);
    cmd!(sh, "cargo run --release -p mcpgw-agent --example inspect_speed -- {rounds} {part}").run()?;
    Ok(())
}
