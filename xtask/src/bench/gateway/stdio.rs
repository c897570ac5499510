//! One client and one server over pipes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use super::{Arm, Measured, Site, message, report};

/// Calls in one round.
fn calls(size: usize) -> u64 {
    match size {
        ..1_000 => 3_000,
        1_000..100_000 => 1_000,
        _ => 60,
    }
}

/// One round of one arm.
///
/// # Errors
/// When it cannot be started, or an answer is not what was asked for.
pub(super) fn measure(site: &Site, arm: Arm, size: usize, measured: &mut Measured) -> Result<()> {
    let mut peer = Peer::start(site, arm)?;
    let text = message::text(size);
    let warm = calls(size) / 10;
    for id in 1..=warm {
        peer.call(id, &text)?;
    }
    let (before, started) = (peer.cpu_ns(), Instant::now());
    for id in warm + 1..=warm + calls(size) {
        measured.calls.push(peer.call(id, &text)?);
    }
    let count = report::float(calls(size));
    measured.rates.push(count / started.elapsed().as_secs_f64());
    measured.cpu.push(report::float(peer.cpu_ns().saturating_sub(before)) / count);
    Ok(())
}

/// The process a client would start.
struct Peer {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    arm: Arm,
    line: String,
}

impl Peer {
    fn start(site: &Site, arm: Arm) -> Result<Self> {
        let mut command = match arm {
            Arm::Direct => Command::new(&site.xtask),
            Arm::Hop => {
                let mut command = Command::new(&site.xtask);
                command.args(["bench", "hop", "--"]).arg(&site.xtask);
                command
            }
            Arm::Gateway => {
                let mut command = Command::new(&site.agent);
                command.args(["wrap", "--policy"]).arg(&site.policy);
                command.arg("--audit-log").arg(site.scratch.join("stdio.jsonl")).arg("--").arg(&site.xtask);
                command
            }
        };
        command.args(["bench", "echo"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start the server")?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().context("no output")?);
        let mut peer = Self { child, input, output, arm, line: String::new() };
        peer.send(message::INITIALIZE)?;
        peer.receive()?;
        peer.send(message::INITIALIZED)?;
        Ok(peer)
    }

    /// One call; its nanoseconds.
    fn call(&mut self, id: u64, text: &str) -> Result<f64> {
        let text = &message::of_call(id, text);
        let (request, expected) = (message::call(id, text), message::answer(&id.to_string(), text));
        let started = Instant::now();
        self.send(&request)?;
        self.receive()?;
        let took = started.elapsed();
        ensure!(self.line.trim_end() == expected, "call {id} brought back something else");
        Ok(took.as_secs_f64() * 1e9)
    }

    fn send(&mut self, message: &str) -> Result<()> {
        let mut line = String::with_capacity(message.len() + 1);
        line.push_str(message);
        line.push('\n');
        let input = self.input.as_mut().context("the input is closed")?;
        Ok(input.write_all(line.as_bytes())?)
    }

    fn receive(&mut self) -> Result<()> {
        self.line.clear();
        ensure!(self.output.read_line(&mut self.line)? > 0, "the server ended");
        Ok(())
    }

    /// CPU time of what is between, 0 where nothing is.
    fn cpu_ns(&self) -> u64 {
        if self.arm == Arm::Direct { 0 } else { report::cpu_ns(self.child.id()) }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.input.take());
        // It ends with its input; nobody is left to be told how.
        self.child.wait().map(drop).unwrap_or_default();
    }
}
