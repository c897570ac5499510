//! `cargo xtask bench effects`: thousands of calls whose effects are known, of two servers at once, held against the audit
//! log; and what a call costs with and without.

mod check;
mod doer;
mod peer;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};

use super::arm::Agent;
use super::stats::{Samples, Shuffle};
use super::table::Conditions;
use crate::shell;
use crate::workspace::Workspace;
use check::Outcome;

pub(super) use doer::serve;
pub(super) use peer::Peer;

/// Calls of one server that are open at once, in the second half. Each does five things at most, and 64 are listed.
const OPEN: u32 = 8;
/// Calls before those that count: what is loaded once is over with.
const WARM: u32 = 20;
/// One log file for all of it.
const CONFIG: &str =
    "gateway:\n  audit:\n    index: on-demand\n    rotate:\n      bytes: 536870912\nhost:\n  effects: ";
/// Calls of a round of the echo.
const ECHOES: u32 = 500;

/// Arguments of `cargo xtask bench effects`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Calls whose effects are checked
    #[arg(long, default_value_t = 10_000)]
    calls: u32,
    /// The agent's program [default: the one that ships]
    #[arg(long)]
    agent: Option<PathBuf>,
    /// Rounds of the echo, with effects and without
    #[arg(long, default_value_t = 5)]
    rounds: u32,
}

/// What a server was asked to do.
#[derive(Debug)]
pub(crate) struct Job {
    /// A directory of its own.
    pub(crate) dir: PathBuf,
    /// Where it connects to.
    pub(crate) port: u16,
}

/// Checks, measures and prints.
///
/// # Errors
/// When an effect was lost, or was told of a call or a server that did not do it.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    ensure!(shell::is_root(), "the agent's probes need root");
    let agent = args.agent.clone().unwrap_or_else(|| workspace.agent());
    let agent = agent.canonicalize().unwrap_or(agent);
    ensure!(shell::is_executable(&agent), "`{}` is not there: `cargo xtask build` first", agent.display());
    let scratch = workspace.target().join("bench/effects");
    if scratch.exists() {
        fs::remove_dir_all(&scratch)?;
    }
    fs::create_dir_all(&scratch)?;
    let scratch = scratch.canonicalize()?;
    let seed = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    println!("{}\n", Conditions::look(None, args.rounds, seed).line());
    let outcome = attribution(&agent, &scratch, args.calls)?;
    println!("{outcome}");
    ensure!(outcome.is_right(), "an effect was lost or told of somebody else");
    echo(workspace, &agent, &scratch, args.rounds, seed)
}

fn attribution(agent: &Path, scratch: &Path, calls: u32) -> Result<Outcome> {
    let running = Agent::start(agent, scratch, &format!("{CONFIG}on\n"))?;
    let started = Instant::now();
    let jobs = ["one", "two"].map(|name| {
        let dir = scratch.join(name);
        fs::create_dir_all(&dir)?;
        Ok::<_, anyhow::Error>(Job { dir, port: sink()? })
    });
    let [one, two] = jobs;
    let jobs = [one?, two?];
    // A quarter of the calls one after the other, of each server, and a quarter with others.
    let each = calls / 4;
    thread::scope(|scope| {
        let threads = jobs.each_ref().map(|job| scope.spawn(move || work(agent, scratch, job, each)));
        threads
            .map(|thread| thread.join().map_err(|_panic| anyhow::anyhow!("a client panicked")))
            .into_iter()
            .try_for_each(|result| result.and_then(|inner| inner))
    })?;
    let took = started.elapsed();
    // It writes what was done after the last answer as it ends.
    drop(running);
    let mut outcome = check::check(&scratch.join("state/audit.jsonl"), &jobs, each)?;
    outcome.took = took;
    Ok(outcome)
}

/// The calls of one client.
fn work(agent: &Path, scratch: &Path, job: &Job, each: u32) -> Result<()> {
    let mut peer = Peer::wrapped(agent, scratch, &Peer::doer()?)?;
    for number in 0..WARM {
        peer.ask(number, "warm", &doer::arguments(job, number))?;
        peer.answer()?;
    }
    for number in WARM..WARM + each {
        peer.ask(number, "alone", &doer::arguments(job, number))?;
        peer.answer()?;
    }
    let (mut asked, last) = (WARM + each, WARM + 2 * each);
    let mut answered = asked;
    while answered < last {
        while asked < last && asked - answered < OPEN {
            peer.ask(asked, "among", &doer::arguments(job, asked))?;
            asked += 1;
        }
        peer.answer()?;
        answered += 1;
    }
    peer.close()
}

/// Accepts connections and reads nothing, for as long as this program runs.
fn sink() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || listener.incoming().for_each(drop));
    Ok(port)
}

/// What a call of a node server takes through the agent, with its effects told and without.
fn echo(workspace: &Workspace, agent: &Path, scratch: &Path, rounds: u32, seed: u64) -> Result<()> {
    if rounds == 0 {
        return Ok(());
    }
    let server = workspace.path("tests/peers/mcp_server.mjs");
    let modules = workspace.target().join("peers/node_modules");
    if !modules.is_dir() {
        println!("no node peers: `cargo xtask peers` installs what the echo needs");
        return Ok(());
    }
    let beside = workspace.target().join("peers/bench_effects_server.mjs");
    fs::copy(&server, &beside)?;
    let command = vec!["node".into(), beside.clone().into_os_string()];
    let mut shuffle = Shuffle::new(seed);
    let mut results = [("off", Samples::default()), ("on", Samples::default())];
    for _ in 0..rounds {
        for which in shuffle.of(&[0_usize, 1]) {
            let Some((word, samples)) = results.get_mut(which) else { continue };
            let dir = scratch.join(format!("echo-{word}"));
            let running = Agent::start(agent, &dir, &format!("{CONFIG}{word}\n"))?;
            let mut peer = Peer::wrapped(agent, &dir, &command)?;
            let mut times = Vec::new();
            for number in 0..ECHOES {
                let started = Instant::now();
                peer.ask(number, "echo", r#"{"message":"hello"}"#)?;
                peer.answer()?;
                times.push(started.elapsed().as_secs_f64() * 1e9);
            }
            // The first are the runtime's start, and the tap's time.
            samples.extend(times.get(times.len() / 5..).unwrap_or_default());
            peer.close()?;
            drop(running);
        }
    }
    fs::remove_file(&beside).context("cannot remove the echo server's copy")?;
    println!("| a node server's echo | median | p5 | p99 |\n| --- | --- | --- | --- |");
    for (word, samples) in &results {
        let us = |ns: f64| format!("{:.0} µs", ns / 1e3);
        println!(
            "| effects {word} | {} | {} | {} |",
            us(samples.median()),
            us(samples.p5()),
            us(samples.p99())
        );
    }
    Ok(())
}
