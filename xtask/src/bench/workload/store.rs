//! A key-value store: redis where it is installed, else something that says the same.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::Batch;

const PROGRAM: &str = "redis-server";
const VALUE: usize = 100;
const START: Duration = Duration::from_secs(10);

/// There is a redis here.
pub(super) fn is_redis() -> bool {
    let mut command = Command::new(PROGRAM);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// A redis of our own, until it is dropped.
#[derive(Debug)]
struct Redis(Child);

impl Drop for Redis {
    fn drop(&mut self) {
        if let Err(error) = self.0.kill().and_then(|()| self.0.wait()) {
            eprintln!("bench: {error}");
        }
    }
}

/// Starts the store and puts a value into it; a batch asks for that.
pub(super) fn start() -> Result<Batch> {
    let (redis, stream) = if is_redis() { redis()? } else { (None, stand_in()?) };
    stream.set_nodelay(true)?;
    let (mut input, mut output) = (BufReader::new(stream.try_clone()?), stream);
    let mut line = String::new();
    output.write_all(format!("SET k {}\r\n", "x".repeat(VALUE)).as_bytes())?;
    input.read_line(&mut line)?;
    ensure!(line == "+OK\r\n", "the store says `{}`", line.trim_end());
    Ok(Box::new(move |count| {
        let _runs_as_long_as_we_ask = &redis;
        for _ in 0..count {
            output.write_all(b"GET k\r\n")?;
            for expected in [format!("${VALUE}\r\n").len(), VALUE + 2] {
                line.clear();
                ensure!(input.read_line(&mut line)? == expected, "the store says `{}`", line.trim_end());
            }
        }
        Ok(())
    }))
}

fn redis() -> Result<(Option<Redis>, TcpStream)> {
    // Free a moment ago; redis cannot be asked to take any.
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut command = Command::new(PROGRAM);
    command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", &port.to_string()]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().context("cannot start redis")?;
    let (redis, started) = (Redis(child), Instant::now());
    loop {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(stream) => return Ok((Some(redis), stream)),
            Err(error) if started.elapsed() > START => return Err(error).context("redis does not listen"),
            Err(_) => thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// Takes one connection and knows one value.
fn stand_in() -> Result<TcpStream> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let stream = TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    server.set_nodelay(true)?;
    thread::spawn(move || answer(&server));
    Ok(stream)
}

fn answer(stream: &TcpStream) -> Result<()> {
    let (mut input, mut output) = (BufReader::new(stream), stream);
    let (mut line, mut value) = (String::new(), String::new());
    while input.read_line(&mut line)? > 0 {
        match line.trim_end().strip_prefix("SET k ") {
            Some(new) => {
                new.clone_into(&mut value);
                output.write_all(b"+OK\r\n")?;
            }
            None => output.write_all(format!("${}\r\n{value}\r\n", value.len()).as_bytes())?,
        }
        line.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_was_put_there_is_got() {
        super::start().unwrap()(10).unwrap();
    }
}
