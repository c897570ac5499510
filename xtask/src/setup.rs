//! Finds or installs what compiles the probes: a Rust compiler with a `core` for BPF, and bpf-linker.
//!
//! Two ways, tried in this order: rustup's nightly with `rust-src` (any distribution), and Debian's prebuilt
//! `core` for BPF. [`Facts`] says what is there, [`next`] decides without looking at anything else, a [`Step`]
//! is carried out after it was announced, and then the facts are gathered again. Nothing is done when a way is
//! complete, and nothing needs undoing when a step is interrupted.

mod facts;
mod plan;
mod step;

use anyhow::{Result, bail};

pub(crate) use facts::Facts;
pub(crate) use plan::{Next, Toolchain, Way, next};
pub(crate) use step::Step;

use crate::workspace::Workspace;

/// Arguments of `cargo xtask setup`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only say what is there and what would be done
    #[arg(long)]
    check: bool,
    /// Accept one way only, instead of trying both in order
    #[arg(long, env = "MCPGW_BPF_TOOLCHAIN")]
    way: Option<Way>,
}

/// Makes a BPF toolchain available, or with `--check` says whether one is.
///
/// # Errors
/// When no way is open; the message has the commands that would open one.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    host_is_supported()?;
    let toolchain = if args.check { check(workspace, args.way)? } else { install(workspace, args.way)? };
    println!("setup: ready: {toolchain}");
    Ok(())
}

/// The toolchain to build with, installed first if it must be.
///
/// # Errors
/// As [`run`].
pub(crate) fn ensure(workspace: &Workspace) -> Result<Toolchain> {
    host_is_supported()?;
    let way = std::env::var("MCPGW_BPF_TOOLCHAIN").ok();
    let way = way.map(|name| <Way as clap::ValueEnum>::from_str(&name, true)).transpose();
    install(workspace, way.map_err(|name| anyhow::anyhow!("MCPGW_BPF_TOOLCHAIN: no such way: `{name}`"))?)
}

fn check(workspace: &Workspace, way: Option<Way>) -> Result<Toolchain> {
    let facts = Facts::gather(workspace);
    print!("{facts}");
    match next(&facts, way, &[]) {
        Next::Ready(toolchain) => Ok(toolchain),
        Next::Do(step) => {
            bail!("not ready; `cargo xtask setup` would begin with:\n    {}", step.command(workspace))
        }
        Next::Stuck(advice) => bail!("{advice}"),
    }
}

fn install(workspace: &Workspace, way: Option<Way>) -> Result<Toolchain> {
    let mut done = Vec::new();
    let _only_one_setup_at_a_time =
        step::lock(workspace, || matches!(next(&Facts::gather(workspace), way, &[]), Next::Ready(_)))?;
    loop {
        match next(&Facts::gather(workspace), way, &done) {
            Next::Ready(toolchain) => return Ok(toolchain),
            Next::Stuck(advice) => bail!("{advice}"),
            Next::Do(step) => {
                println!("setup: {}\n    {}", step.reason(), step.command(workspace));
                if let Err(error) = step.run(workspace) {
                    println!("setup: that did not work ({error:#}); looking for another way");
                }
                // Done or failed, a step is not repeated: if it changed nothing, it will not the next time.
                done.push(step);
            }
        }
    }
}

/// The probes read the registers of a system call by name, and the names differ by architecture.
fn host_is_supported() -> Result<()> {
    if std::env::consts::OS != "linux" || std::env::consts::ARCH != "x86_64" {
        bail!(
            "mcpgw builds on Linux on x86_64 for now; this is {} on {}",
            std::env::consts::OS,
            std::env::consts::ARCH
        );
    }
    Ok(())
}
