//! `cargo xtask bench tap`: messages past any gateway, as many a second as asked for, held against the audit log: each is
//! recorded, or counted in a gap. And the highest rate at which none is lost.

mod count;
mod peer;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};

use super::arm::Agent;
use super::table::Conditions;
use crate::shell;
use crate::workspace::Workspace;
use count::{Counted, WAYS};
use peer::Session;

pub(super) use peer::serve;

/// One log file for all of a step, whatever its size.
const CONFIG: &str = "gateway:\n  audit:\n    index: on-demand\n    rotate:\n      bytes: 8589934592\n      keep-bytes: \
                      0\nhost:\n  observe: messages\n  rings:\n    streams-bytes: ";
/// How long what waits to be judged may take after the last message.
const JUDGED: Duration = Duration::from_secs(180);
/// Where the search for the highest rate stops, in parts of it.
const CLOSE: u32 = 20;

/// Arguments of `cargo xtask bench tap`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Messages a second, calls and answers together
    #[arg(long, default_value_t = 50_000)]
    rate: u32,
    /// How long they are sent at each rate
    #[arg(long, default_value_t = 5)]
    seconds: u32,
    /// The agent's program [default: the one that ships]
    #[arg(long)]
    agent: Option<PathBuf>,
    /// Bytes of the ring buffer the tap writes to (`host.rings.streams-bytes`)
    #[arg(long, default_value_t = 2 << 20)]
    ring: u32,
    /// Do not look for the highest rate without loss
    #[arg(long)]
    once: bool,
}

/// What came of one rate.
#[derive(Debug, Clone, Copy)]
struct Step {
    asked: u32,
    reached: f64,
    counted: Counted,
    cpu_percent: f64,
}

/// Measures and prints.
///
/// # Errors
/// When a message is neither recorded nor counted, or recorded twice.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    ensure!(shell::is_root(), "the agent's probes need root");
    let agent = args.agent.clone().unwrap_or_else(|| workspace.agent());
    let agent = agent.canonicalize().unwrap_or(agent);
    ensure!(shell::is_executable(&agent), "`{}` is not there: `cargo xtask build` first", agent.display());
    let scratch = workspace.target().join("bench/tap");
    let seed = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    println!("{}\n", Conditions::look(None, 1, seed).plain());
    println!(
        "| asked for | messages a second | messages | recorded | lost, each counted in a gap | CPU of the agent |\n\
         | --- | --- | --- | --- | --- | --- |"
    );
    let step = |rate: u32| -> Result<Step> {
        let step = step(&agent, &scratch, rate.max(1), args)?;
        println!("{}", row(&step));
        let ways = step.counted.ways.iter().zip(WAYS);
        for (way, name) in ways {
            ensure!(way.twice == 0, "{} messages {name} are recorded twice", way.twice);
            ensure!(
                way.recorded + way.gaps == way.sent,
                "of {} messages {name} {} are recorded, and {} are in gaps",
                way.sent,
                way.recorded,
                way.gaps
            );
        }
        Ok(step)
    };
    let first = step(args.rate)?;
    if args.once {
        return Ok(());
    }
    let (mut without, mut with) = (0, None);
    let mut last = first;
    loop {
        if last.counted.lost() == 0 {
            without = without.max(last.asked);
            // Whoever sends cannot send any faster.
            if last.reached < f64::from(last.asked) * 0.9 {
                break;
            }
        } else {
            with = Some(with.map_or(last.asked, |with: u32| with.min(last.asked)));
        }
        let next = with.map_or(without.saturating_mul(2), |with| without.midpoint(with));
        if with.is_some_and(|with| with - without <= with / CLOSE) || next == 0 {
            break;
        }
        last = step(next)?;
    }
    println!("\nNone is lost at {without} messages a second.");
    Ok(())
}

fn row(step: &Step) -> String {
    let Step { asked, reached, counted, cpu_percent } = step;
    let [sent, recorded, lost] = [counted.sent(), counted.recorded(), counted.lost()];
    format!("| {asked} | {reached:.0} | {sent} | {recorded} | {lost} | {cpu_percent:.0} % |")
}

fn step(agent: &Path, scratch: &Path, rate: u32, args: &Args) -> Result<Step> {
    if scratch.exists() {
        fs::remove_dir_all(scratch)?;
    }
    fs::create_dir_all(scratch)?;
    let running = Agent::start(agent, scratch, &format!("{CONFIG}{}\n", args.ring))?;
    let mut session = Session::open()?;
    let server = session.server();
    running.wait_for(&["status", "--json", "--all"], |status| {
        let all = status.get("servers").and_then(|servers| servers.as_array());
        all.is_some_and(|all| {
            all.iter().any(|one| {
                one.get("pid").and_then(serde_json::Value::as_u64) == Some(u64::from(server))
                    && one.get("observe").and_then(serde_json::Value::as_str) == Some("messages")
            })
        })
    })?;
    let before = running.usage()?;
    let started = Instant::now();
    let calls = u64::from(rate) * u64::from(args.seconds) / 2;
    session.send(calls, f64::from(rate) / 2.0)?;
    let took = started.elapsed().as_secs_f64();
    let sent = session.close()?;
    let log = scratch.join("state/audit.jsonl");
    count::wait_closed(&log, server, JUDGED)?;
    let after = running.usage()?;
    drop(running);
    let counted = count::count(&log, server, sent)?;
    fs::remove_file(&log).context("cannot remove the log")?;
    let cpu = Duration::from_nanos(after.cpu_ns.saturating_sub(before.cpu_ns));
    // What is judged after the last message counts as well: it is what these messages cost.
    let cpu_percent = 100.0 * cpu.as_secs_f64() / took;
    let messages = f64::from(u32::try_from(2 * calls)?);
    Ok(Step { asked: rate, reached: messages / took, counted, cpu_percent })
}
