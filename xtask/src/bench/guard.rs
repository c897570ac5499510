//! `cargo xtask bench guard`: how long programs wait for the guard before they start, with nothing else to do and with ten
//! times as much as there are CPUs. Measured by the thread that starts them, which comes before everything else, so that it is
//! not the measuring that waits; and by the guard itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::arm::Agent;
use super::stats::Samples;
use super::table::Conditions;
use crate::shell;
use crate::workspace::Workspace;

/// Busy programs for each CPU, in the two halves.
const LOADS: [usize; 2] = [0, 10];
/// Starts before those that count.
const WARM: u32 = 20;
/// How long the guard may take to put the last on record.
const RECORDED: Duration = Duration::from_secs(20);

/// Arguments of `cargo xtask bench guard`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Programs started in each row
    #[arg(long, default_value_t = 1000)]
    starts: u32,
    /// The agent's program [default: the one that ships]
    #[arg(long)]
    agent: Option<PathBuf>,
}

/// Where a program is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// No rule names it.
    Free,
    /// A rule does, and would have it refused.
    Held,
}

/// Measures and prints.
///
/// # Errors
/// When the guard cannot be set up, or held nobody.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    ensure!(shell::is_root(), "the agent's probes need root");
    let agent = args.agent.clone().unwrap_or_else(|| workspace.agent());
    let agent = agent.canonicalize().unwrap_or(agent);
    ensure!(shell::is_executable(&agent), "`{}` is not there: `cargo xtask build` first", agent.display());
    let scratch = workspace.target().join("bench/guard");
    if scratch.exists() {
        fs::remove_dir_all(&scratch)?;
    }
    fs::create_dir_all(&scratch)?;
    let scratch = scratch.canonicalize()?;
    let seed = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    println!("{}\n", Conditions::look(None, 1, seed).plain());
    let programs = [(Place::Free, "free"), (Place::Held, "held")].map(|(place, name)| {
        let dir = scratch.join(name);
        fs::create_dir_all(&dir)?;
        let to = dir.join("program");
        fs::copy("/bin/true", &to).context("cannot copy /bin/true")?;
        Ok::<_, anyhow::Error>((place, to))
    });
    println!(
        "| busy programs | place | starts | p50 | p99 | most | waited for the guard, by its own count: p50 | p99 | most | undecided |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    );
    let cpus = thread::available_parallelism()?.get();
    let [free, held] = programs;
    let programs = [free?, held?];
    for load in LOADS {
        let config = format!(
            "host:\n  guard:\n    mode: enforce\n    dry-run: true\n    rules:\n      - name: bench\n        action: hold\n        \
             evidence: nothing\n        exe: {}/held/*\n",
            scratch.display()
        );
        let state = scratch.join(format!("load{load}"));
        let running = Agent::start(&agent, &state, &config)?;
        running.wait_held()?;
        let _busy = Busy::start(load * cpus)?;
        for (place, program) in &programs {
            let samples = thread::scope(|scope| {
                let starting = scope.spawn(|| starts(program, args.starts));
                starting.join().map_err(|_panic| anyhow::anyhow!("the starting thread panicked"))?
            })?;
            let [p50, p99, most] = [samples.median(), samples.p99(), samples.most()].map(ms);
            print!("| {} | {place:?} | {} | {p50} | {p99} | {most} |", load * cpus, samples.len());
            if *place == Place::Held {
                let (waits, undecided) = told(&state.join("state/audit.jsonl"), args.starts + WARM)?;
                let [p50, p99, most] = [waits.median(), waits.p99(), waits.most()].map(ms);
                println!(" {p50} | {p99} | {most} | {undecided} |");
            } else {
                println!(" | | | |");
            }
        }
    }
    Ok(())
}

fn ms(ns: f64) -> String {
    format!("{:.2} ms", ns / 1e6)
}

/// The calling thread, and what it starts, comes before all others.
fn first() -> Result<()> {
    let thread = fs::read_link("/proc/thread-self")?;
    let thread = thread.file_name().context("a thread without a number")?;
    let mut renice = Command::new("renice");
    renice.args(["-n", "-20", "-p"]).arg(thread).stdout(Stdio::null());
    let status = renice.status().context("cannot start renice")?;
    ensure!(status.success(), "renice ended with {status}");
    Ok(())
}

/// How long each start took: until the program runs.
fn starts(program: &Path, count: u32) -> Result<Samples> {
    first()?;
    let mut times = Vec::new();
    for number in 0..WARM + count {
        let mut command = Command::new(program);
        // Each is another program to the guard, so that each is put on record.
        command.arg(number.to_string()).stdin(Stdio::null()).stdout(Stdio::null());
        let started = Instant::now();
        let mut child = command.spawn()?;
        let took = started.elapsed();
        ensure!(child.wait()?.success(), "`{}` failed", program.display());
        if number >= WARM {
            times.push(took.as_secs_f64() * 1e9);
        }
    }
    let mut samples = Samples::default();
    samples.extend(&times);
    Ok(samples)
}

/// How long the guard says that programs waited, and how many it did not decide on in time; of `count` in all.
fn told(log: &Path, count: u32) -> Result<(Samples, usize)> {
    let started = Instant::now();
    loop {
        let text = fs::read_to_string(log).with_context(|| format!("cannot read `{}`", log.display()))?;
        let records = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let acts: Vec<Value> = records
            .filter(|record| record.get("event").and_then(Value::as_str) == Some("guard.act"))
            .collect();
        let waits: Vec<f64> = acts
            .iter()
            .filter_map(|act| act.get("held_us").and_then(Value::as_f64))
            .map(|micros| micros * 1e3)
            .collect();
        let is_undecided = |act: &&Value| act.get("outcome").and_then(Value::as_str) == Some("undecided");
        let undecided = acts.iter().filter(is_undecided).count();
        if waits.len() + undecided >= usize::try_from(count)? || started.elapsed() > RECORDED {
            ensure!(!waits.is_empty(), "the guard held nobody");
            let mut samples = Samples::default();
            samples.extend(&waits);
            return Ok((samples, undecided));
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// Programs that do nothing but use the CPU, until this is dropped.
#[derive(Debug)]
struct Busy(Vec<Child>);

impl Busy {
    fn start(count: usize) -> Result<Self> {
        let mut all = Self(Vec::new());
        for _ in 0..count {
            let mut command = Command::new("sh");
            command.args(["-c", "while :; do :; done"]).stdin(Stdio::null());
            all.0.push(command.stdout(Stdio::null()).spawn().context("cannot start a busy program")?);
        }
        Ok(all)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        for child in &mut self.0 {
            if let Err(error) = child.kill().and_then(|()| child.wait()) {
                eprintln!("bench: {error}");
            }
        }
    }
}
