//! `cargo xtask bench tls`: what the probes on a TLS library add to each of its calls. One process has both ends of a connection,
//! so that nothing but the library is measured, and is read by an agent or not. Whether there are breakpoints in it the kernel
//! says, not the agent.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::arm::Agent;
use super::stats::{Samples, Shuffle};
use super::table::Conditions;
use crate::shell;
use crate::workspace::Workspace;

const SCRIPT: &str = include_str!("tls/calls.py");
const SIZES: [u32; 2] = [200, 4096];
/// Calls before those that count.
const WARM: u32 = 2000;
/// For the agent to find the library, or to take its probes out again.
const PROBED: Duration = Duration::from_secs(30);

/// Arguments of `cargo xtask bench tls`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Calls of each kind and size in a round
    #[arg(long, default_value_t = 20_000)]
    calls: u32,
    /// Rounds, each with and without an agent
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// The agent's program [default: the one that ships]
    #[arg(long)]
    agent: Option<PathBuf>,
}

/// Measures and prints.
///
/// # Errors
/// When the process cannot be started, or is not probed as it should be.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    ensure!(shell::is_root(), "the agent's probes need root");
    let agent = args.agent.clone().unwrap_or_else(|| workspace.agent());
    let agent = agent.canonicalize().unwrap_or(agent);
    ensure!(shell::is_executable(&agent), "`{}` is not there: `cargo xtask build` first", agent.display());
    let scratch = workspace.target().join("bench/tls");
    if scratch.exists() {
        fs::remove_dir_all(&scratch)?;
    }
    fs::create_dir_all(&scratch)?;
    let scratch = scratch.canonicalize()?;
    let (script, certificate) = (scratch.join("calls.py"), Certificate::issue(&scratch)?);
    fs::write(&script, SCRIPT)?;
    let config = format!("host:\n  observe: messages\n  tls-of:\n    - command: '*{}*'\n", script.display());
    let seed = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    println!("{}\n", Conditions::look(None, args.rounds, seed).plain());
    let mut rows: Vec<Row> = SIZES.into_iter().map(Row::new).collect();
    let mut shuffle = Shuffle::new(seed);
    for _ in 0..args.rounds {
        for is_read in shuffle.of(&[false, true]) {
            let running =
                if is_read { Some(Agent::start(&agent, &scratch.join("agent"), &config)?) } else { None };
            let mut ends = Ends::start(&script, &certificate)?;
            ends.settle(is_read)?;
            for row in &mut rows {
                ends.call(row.size, WARM)?;
                let calls = ends.call(row.size, args.calls)?;
                ensure!(calls.is_probed == is_read, "the probes came or went meanwhile");
                row.take(is_read, &calls);
            }
            drop(ends);
            drop(running);
        }
    }
    println!(
        "| bytes | call | not read p50 / p99 | read p50 / p99 | added p50 |\n| --- | --- | --- | --- | --- |"
    );
    rows.iter().for_each(Row::print);
    Ok(())
}

/// What was measured with one size.
#[derive(Debug)]
struct Row {
    size: u32,
    writes: [Samples; 2],
    reads: [Samples; 2],
}

impl Row {
    fn new(size: u32) -> Self {
        Self { size, writes: Default::default(), reads: Default::default() }
    }

    fn take(&mut self, is_read: bool, calls: &Calls) {
        let arm = usize::from(is_read);
        for (all, more) in [(&mut self.writes, &calls.writes), (&mut self.reads, &calls.reads)] {
            if let Some(samples) = all.get_mut(arm) {
                samples.extend(more);
            }
        }
    }

    fn print(&self) {
        for (name, [without, with]) in [("SSL_write", &self.writes), ("SSL_read", &self.reads)] {
            let both = |samples: &Samples| format!("{} / {}", us(samples.median()), us(samples.p99()));
            let added = us(with.median() - without.median());
            println!("| {} | {name} | {} | {} | {added} |", self.size, both(without), both(with));
        }
    }
}

fn us(ns: f64) -> String {
    format!("{:.1} µs", ns / 1e3)
}

/// What the process answers.
#[derive(Debug)]
struct Calls {
    writes: Vec<f64>,
    reads: Vec<f64>,
    is_probed: bool,
}

impl Calls {
    fn of(answer: &Value) -> Option<Self> {
        let times =
            |key| Some(answer.get(key)?.as_array()?.iter().filter_map(Value::as_f64).collect::<Vec<f64>>());
        let is_probed = answer.get("is_probed")?.as_bool()?;
        Some(Self { writes: times("writes")?, reads: times("reads")?, is_probed })
    }
}

/// Files of a certificate for `localhost` and of its key.
#[derive(Debug)]
struct Certificate {
    certificate: PathBuf,
    key: PathBuf,
}

impl Certificate {
    fn issue(dir: &Path) -> Result<Self> {
        let (certificate, key) = (dir.join("certificate.pem"), dir.join("key.pem"));
        let mut openssl = Command::new("openssl");
        openssl
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "1",
            ])
            .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout"]);
        openssl.arg(&key).arg("-out").arg(&certificate).stdin(Stdio::null()).stderr(Stdio::null());
        let status = openssl.status().context("cannot start openssl, which issues the certificate")?;
        ensure!(status.success(), "openssl ended with {status}");
        Ok(Self { certificate, key })
    }
}

/// The process with both ends, until this is dropped.
#[derive(Debug)]
struct Ends {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Ends {
    fn start(script: &Path, certificate: &Certificate) -> Result<Self> {
        let mut command = Command::new("python3");
        command.arg(script).arg(&certificate.certificate).arg(&certificate.key);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start python3")?;
        let output = child.stdout.take().context("python3 has no output")?;
        Ok(Self { input: child.stdin.take(), output: BufReader::new(output), child })
    }

    /// `count` messages of `size` bytes, written and read.
    fn call(&mut self, size: u32, count: u32) -> Result<Calls> {
        let input = self.input.as_mut().context("python3 has no input")?;
        writeln!(input, "{size} {count}").context("python3 has ended")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let answer: Value = serde_json::from_str(&line).context("python3 has ended")?;
        Calls::of(&answer).context("python3 answers something else")
    }

    /// Calls until the process has breakpoints where it is to be read.
    fn settle(&mut self, is_read: bool) -> Result<()> {
        let begun = Instant::now();
        while self.call(1, 1)?.is_probed != is_read {
            ensure!(begun.elapsed() < PROBED, "the process is probed: {}, to be: {is_read}", !is_read);
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        // It ends with its input.
        self.input = None;
        if let Err(error) = self.child.wait() {
            eprintln!("bench: {error}");
        }
    }
}
