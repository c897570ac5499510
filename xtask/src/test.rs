//! Runs everything that says whether mcpgw works, and ends with one line of numbers.
//!
//! A step that fails does not keep the next ones from running, except where they need what it makes. The last
//! line counts tests; a failed or skipped step counts as one, so that it never reads better than the run was.

mod report;
mod steps;

use std::time::Instant;

use anyhow::{Result, bail};

use crate::workspace::Workspace;
pub(crate) use report::Totals;

/// Arguments of `cargo xtask test`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Leave out what takes long: peers, the kernel, end to end
    #[arg(long)]
    quick: bool,
    /// Instead, the kernel's tests on other kernels, in qemu; which ones, or all
    #[arg(long, value_name = "SERIES", value_delimiter = ',', num_args = 0.., require_equals = true, conflicts_with = "quick")]
    kernels: Option<Vec<String>>,
    /// Run only the tests whose name contains this, and no other checks
    filter: Option<String>,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It held.
    Passed,
    /// It ran test binaries, with these numbers.
    Tests(Totals),
    /// It could not run, and why that is no failure.
    Skipped(String),
    /// It did not hold.
    Failed(String),
}

/// Runs the steps, then says how they ended.
///
/// # Errors
/// When any step failed.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let mut totals = Totals::default();
    let mut lines = Vec::new();
    let mut broken = false;
    for step in steps::plan(args) {
        let started = Instant::now();
        println!("\n== {}", step.name());
        let outcome = if broken && step.needs_build() {
            Outcome::Skipped("an earlier step it needs failed".to_owned())
        } else {
            step.run(workspace).unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")))
        };
        let line = format!("{:<22} {:>7.1} s  {outcome}", step.name(), started.elapsed().as_secs_f64());
        println!("-- {line}");
        broken |= step.makes_build() && matches!(outcome, Outcome::Failed(_));
        totals.add(&outcome);
        lines.push(line);
    }
    println!("\n== summary");
    for line in lines {
        println!("{line}");
    }
    println!("\n{totals}");
    if totals.failed > 0 {
        bail!("not everything passed");
    }
    Ok(())
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Passed => write!(f, "ok"),
            Self::Tests(totals) => write!(f, "{totals}"),
            Self::Skipped(why) => write!(f, "skipped: {why}"),
            Self::Failed(why) => write!(f, "FAILED: {why}"),
        }
    }
}
