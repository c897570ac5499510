//! Trains the model of the `injection` detector again, byte for byte the same from the same data.
//!
//! It is the agent's own example that learns, so that it sees texts as the agent does; docs/detection/injection.md.

use std::path::PathBuf;

use anyhow::Result;
use xshell::cmd;

use crate::shell;
use crate::workspace::Workspace;

/// Train the model of the `injection` detector and write its weights.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the development corpora are, one `NAME_eval_dev.jsonl` each
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

/// # Errors
/// Where the data are not there, or what learns from them fails.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let sh = shell::shell(workspace)?;
    let data = args.data.canonicalize()?;
    let command = cmd!(sh, "cargo run --release -p mcpgw-agent --example train_injection -- {data}");
    shell::without_build_variables(command).run()?;
    Ok(())
}
