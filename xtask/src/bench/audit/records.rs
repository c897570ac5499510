//! Writing records.

use anyhow::{Context, Result};
use xshell::cmd;

use crate::shell;
use crate::workspace::Workspace;

/// Arguments of `cargo xtask bench audit records`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Seconds each arm takes
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// Bytes of a file; at 100,000 records a second one of the default's size is full in about a second
    #[arg(long, default_value_t = 64 << 20)]
    rotate_bytes: u64,
}

/// # Errors
/// When the example cannot be built, or fails.
pub(super) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let sh = shell::shell(workspace)?;
    // On the disk the target directory is on: one in memory would tell nothing of syncing.
    let dir = workspace.target().join("bench-audit");
    sh.remove_path(&dir)?;
    sh.create_dir(&dir).context("cannot make the directory for the logs")?;
    let (seconds, bytes) = (args.seconds.max(1).to_string(), args.rotate_bytes.max(1 << 20).to_string());
    let run = "run --release -p mcpgw-agent --example audit_speed --";
    let run = run.split(' ');
    let measured = cmd!(sh, "cargo {run...} records {dir} {seconds} {bytes}").run();
    sh.remove_path(&dir)?;
    Ok(measured?)
}
