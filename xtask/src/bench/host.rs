//! `cargo xtask bench host`: rounds of every arm with every workload.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail, ensure};

use super::arm::{Arm, Host};
use super::stats::{Samples, Shuffle};
use super::table::{self, Conditions, Cost};
use super::workload::Workload;
use crate::shell;
use crate::workspace::Workspace;

/// Fewer rounds than this say nothing about a spread.
const FEWEST_ROUNDS: u32 = 2;
/// How often a measurement is thrown away because its arm was not what it said.
const TRIES: u32 = 5;

/// Arguments of `cargo xtask bench host`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Rounds; each takes every arm once, about a minute
    #[arg(long, default_value_t = 6)]
    rounds: u32,
    /// The CPU the workloads run on; the first is the noisiest on most machines
    #[arg(long, default_value_t = 1)]
    cpu: u32,
    /// The agent's program [default: the one that ships]
    #[arg(long)]
    agent: Option<PathBuf>,
    /// Measure where other programs keep the agent busy, or run one: to try this command, not to believe what it prints
    #[arg(long, conflicts_with = "write")]
    noisy: bool,
    /// Put the table into docs/performance.md
    #[arg(long)]
    write: bool,
}

/// All measurements so far.
pub(crate) type Results = BTreeMap<(Workload, Arm), Samples>;

/// Measures, prints a table and perhaps keeps it.
///
/// # Errors
/// When the agent is not built, or an arm is not what it says.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    ensure!(shell::is_root(), "the agent's probes need root");
    ensure!(args.rounds >= FEWEST_ROUNDS, "at least {FEWEST_ROUNDS} rounds");
    let agent = args.agent.clone().unwrap_or_else(|| workspace.agent());
    let agent = agent.canonicalize().unwrap_or(agent);
    ensure!(shell::is_executable(&agent), "`{}` is not there: `cargo xtask build` first", agent.display());
    let scratch = workspace.target().join("bench");
    fs::create_dir_all(&scratch)?;

    let seed = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let mut shuffle = Shuffle::new(seed);
    let mut results = Results::new();
    let mut costs: BTreeMap<Arm, Vec<Cost>> = BTreeMap::new();
    let conditions = Conditions::look(Some(args.cpu), args.rounds, seed);
    for round in 1..=args.rounds {
        for arm in shuffle.of(&Arm::ALL) {
            eprintln!("bench: round {round} of {}: {arm:?}", args.rounds);
            let host = arm.set_up(&agent, &scratch, args.noisy)?;
            let (started, before) = (Instant::now(), host.usage());
            // What is a server itself comes last: the agent looks at it for a while.
            let (others, servers): (Vec<_>, Vec<_>) =
                shuffle.of(&Workload::ALL).into_iter().partition(|workload| !workload.is_server());
            for workload in others.into_iter().chain(servers) {
                let batches = measure(&host, workload, args.cpu, &scratch)?;
                results.entry((workload, arm)).or_default().extend(&batches);
            }
            costs.entry(arm).or_default().extend(Cost::between(before, host.usage(), started.elapsed()));
        }
    }
    let report = table::render(&results, &costs, &conditions);
    println!("{report}");
    if args.write {
        let page = workspace.path("docs/performance.md");
        let text = fs::read_to_string(&page).with_context(|| format!("cannot read `{}`", page.display()))?;
        fs::write(&page, table::put_into(&text, "bench host", &report)?)?;
    }
    Ok(())
}

/// One run of a workload; only counted if its arm was what it said before and after.
fn measure(host: &Host, workload: Workload, cpu: u32, scratch: &Path) -> Result<Vec<f64>> {
    for _ in 0..TRIES {
        host.settle()?;
        let batches = run_workload(workload, cpu, scratch)?;
        if workload.is_server() || host.is_as_said()? {
            return Ok(batches);
        }
        eprintln!("bench: the tap came or went, or another agent; measuring {workload:?} again");
    }
    bail!("the host does not keep still: something else on it is taken for an MCP server, or runs an agent")
}

fn run_workload(workload: Workload, cpu: u32, scratch: &Path) -> Result<Vec<f64>> {
    let output = Command::new("taskset")
        .args(["--cpu-list", &cpu.to_string()])
        .arg(std::env::current_exe()?)
        .args(["bench", "workload", workload.argument()])
        .arg(scratch)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start taskset")?;
    ensure!(output.status.success(), "{workload:?} ended with {}", output.status);
    let text = String::from_utf8(output.stdout)?;
    let batches: Result<Vec<f64>, _> = text.lines().map(str::parse).collect();
    batches.with_context(|| format!("{workload:?} printed something else than numbers"))
}
