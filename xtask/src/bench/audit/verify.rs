//! `cargo xtask bench audit verify`: how long it takes to say whether a log is as it was written.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use xshell::{Shell, cmd};

use crate::shell;
use crate::workspace::Workspace;

/// Arguments of `cargo xtask bench audit verify`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Bytes of records
    #[arg(long, default_value_t = 1_000_000_000)]
    bytes: u64,
    /// How often each log is verified
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

/// Bytes of a file where a log is rotated: what the agent's configuration has by default.
const ROTATED: u64 = 64 << 20;

/// # Errors
/// When a log cannot be made, or is not found valid.
pub(super) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let sh = shell::shell(workspace)?;
    cmd!(sh, "cargo build --release -p mcpgw-agent --bin mcpgw-agent --example audit_speed").run()?;
    let dir = workspace.target().join("bench-audit-verify");
    sh.remove_path(&dir)?;
    println!("| log | records | GB | on the disk, GB | median s | worst s | GB a minute |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    let measured = [("one file", u64::MAX), ("files of 64 MiB, compressed", ROTATED)]
        .into_iter()
        .try_for_each(|(name, each)| measure(workspace, &sh, &dir, name, each, args));
    sh.remove_path(&dir)?;
    measured
}

#[expect(clippy::cast_precision_loss, reason = "to be read by people")]
fn measure(workspace: &Workspace, sh: &Shell, dir: &Path, name: &str, each: u64, args: &Args) -> Result<()> {
    sh.remove_path(dir)?;
    sh.create_dir(dir)?;
    let maker = workspace.target().join("release/examples/audit_speed");
    let (bytes, each) = (args.bytes.to_string(), each.to_string());
    let records = cmd!(sh, "{maker} written {dir} {bytes} {each}").quiet().read()?;
    let on_disk: u64 = fs::read_dir(dir)?.map(|entry| Ok(entry?.metadata()?.len())).sum::<Result<_>>()?;
    let mut times = Vec::new();
    for _ in 0..args.rounds.max(1) {
        let began = Instant::now();
        let output = Command::new(workspace.agent()).args(["audit", "verify"]).arg(dir).output();
        let output = output.context("the agent cannot be run")?;
        times.push(began.elapsed().as_secs_f64());
        ensure!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stdout));
    }
    times.sort_by(f64::total_cmp);
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let worst = times.last().copied().unwrap_or_default();
    let gigabytes = args.bytes as f64 / 1e9;
    println!(
        "| {name} | {records} | {gigabytes:.2} | {:.2} | {median:.2} | {worst:.2} | {:.0} |",
        on_disk as f64 / 1e9,
        60.0 * gigabytes / median
    );
    Ok(())
}
