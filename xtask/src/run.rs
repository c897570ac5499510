//! Builds the agent and becomes it.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Result, anyhow};

use crate::workspace::Workspace;
use crate::{build, setup, shell};

/// Arguments of `cargo xtask run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Arguments for `mcpgw-agent run`
    #[arg(last = true)]
    agent: Vec<String>,
}

/// Builds, then runs the agent in the foreground in our place: its signals and its exit code are the agent's.
///
/// # Errors
/// When the build fails or the agent cannot be started.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let object = build::bpf(workspace, &setup::ensure(workspace)?)?;
    let agent = build::agent(workspace, &object, false)?;
    let mut command = if shell::is_root() {
        Command::new(&agent)
    } else {
        println!("run: probes need root; starting the agent with sudo");
        let mut sudo = Command::new("sudo");
        sudo.arg("--").arg(&agent);
        sudo
    };
    let error = command.arg("run").args(&args.agent).exec();
    Err(anyhow!(error).context(format!("cannot start `{}`", agent.display())))
}
