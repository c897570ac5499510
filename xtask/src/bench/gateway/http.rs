//! Many clients and one server over HTTP.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use super::load::Wire;
use super::{Arm, Measured, Site, message, report};

/// How long one arm is under load in one round.
const PERIOD: Duration = Duration::from_millis(1500);
/// Calls of each client before anything is counted.
const WARM: u64 = 20;

/// One round of one arm.
///
/// # Errors
/// When it cannot be started, or an answer is not what was asked for.
pub(super) fn measure(
    site: &Site,
    arm: Arm,
    size: usize,
    clients: usize,
    measured: &mut Measured,
) -> Result<()> {
    let server = Server::start(Command::new(&site.xtask).args(["bench", "echo", "--http"]))?;
    let between = match arm {
        Arm::Direct => None,
        Arm::Hop => {
            Some(Server::start(Command::new(&site.xtask).args(["bench", "hop", "--tcp", &server.address]))?)
        }
        Arm::Gateway => {
            let upstream = format!("http://{}/mcp", server.address);
            let mut command = Command::new(&site.agent);
            command.args(["proxy", "--listen", "127.0.0.1:0", "--upstream", &upstream, "--policy"]);
            command.arg(&site.policy).arg("--audit-log").arg(site.scratch.join("http.jsonl"));
            Some(Server::start(&mut command)?)
        }
    };
    let address = between.as_ref().map_or(&server.address, |between| &between.address);
    let text = message::text(size);
    let connections: Vec<Client> = (0..clients).map(|_| Client::open(address)).collect::<Result<_>>()?;
    let cpu = || between.as_ref().map_or(0, |between| report::cpu_ns(between.child.id()));
    let (before, started) = (cpu(), Instant::now());
    let calls = thread::scope(|scope| {
        let running: Vec<_> = connections
            .into_iter()
            .map(|mut client| {
                let text = &text;
                scope.spawn(move || client.load(text, started + PERIOD))
            })
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| bail!("a client panicked")))
            .collect::<Result<Vec<_>>>()
    })?;
    let calls: Vec<f64> = calls.into_iter().flatten().collect();
    ensure!(!calls.is_empty(), "no call came back");
    let count = report::float(u64::try_from(calls.len())?);
    measured.rates.push(count / started.elapsed().as_secs_f64());
    measured.cpu.push(report::float(cpu().saturating_sub(before)) / count);
    measured.calls.extend(calls);
    Ok(())
}

/// A process that prints where it listens.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(command: &mut Command) -> Result<Self> {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cannot start it")?;
        let mut line = String::new();
        let output = child.stdout.take().context("no output")?;
        BufReader::new(output).read_line(&mut line)?;
        let at = line.find("127.0.0.1:").with_context(|| format!("no address in {line:?}"))?;
        let address = line.split_at(at).1.split([' ', '/', '\n']).next().unwrap_or_default().to_owned();
        Ok(Self { child, address })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It serves until it is ended; what it says of that is of no interest.
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

struct Client {
    wire: Wire,
    address: String,
    session: String,
}

impl Client {
    fn open(address: &str) -> Result<Self> {
        let wire = Wire::new(TcpStream::connect(address)?)?;
        let mut client = Self { wire, address: address.to_owned(), session: String::new() };
        client.post(message::INITIALIZE, "200")?;
        client.post(message::INITIALIZED, "202")?;
        Ok(client)
    }

    /// Calls until `deadline`; nanoseconds of each.
    fn load(&mut self, text: &str, deadline: Instant) -> Result<Vec<f64>> {
        let mut calls = Vec::new();
        for id in 1.. {
            let text = &message::of_call(id, text);
            let (request, expected) = (message::call(id, text), message::answer(&id.to_string(), text));
            let started = Instant::now();
            let answer = self.post(&request, "200")?;
            let took = started.elapsed();
            ensure!(answer == expected, "call {id} brought back something else");
            if id > WARM.min(if text.len() > 100_000 { 1 } else { WARM }) {
                calls.push(took.as_secs_f64() * 1e9);
            }
            if Instant::now() >= deadline {
                break;
            }
        }
        Ok(calls)
    }

    fn post(&mut self, content: &str, status: &str) -> Result<String> {
        let head = format!(
            "POST /mcp HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
             {}MCP-Protocol-Version: 2025-11-25\r\nContent-Length: {}\r\n\r\n",
            self.address,
            self.session,
            content.len()
        );
        self.wire.send(&head, content)?;
        let answer = self.wire.receive()?.context("the connection ended")?;
        ensure!(answer.start.contains(status), "`{}` with {}", answer.start, answer.text);
        if let Some(session) = answer.session {
            self.session = format!("Mcp-Session-Id: {session}\r\n");
        }
        Ok(answer.text)
    }
}
