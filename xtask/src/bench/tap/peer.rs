//! A client and its server with nothing between them: calls and answers of fixed sizes, each in a system call of its own.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

/// The first call's number: all have as many digits.
const FIRST: u64 = 100_000_000;
/// From one burst to the next.
const PAUSE: Duration = Duration::from_millis(1);
/// Fills a message up to some two hundred bytes.
const FILL: &str = "the quick brown fox jumps over the lazy dog";

const HELLO: [&str; 3] = [
    r#"{"jsonrpc":"2.0","id":"hello","method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
    r#"{"jsonrpc":"2.0","id":"tools","method":"tools/list"}"#,
];

/// What was sent in one direction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    /// Messages, those of the beginning included.
    pub(super) messages: u64,
    /// Bytes of each of those that count, with the end of its line.
    pub(super) bytes: u64,
}

/// A session.
#[derive(Debug)]
pub(super) struct Session {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    calls: u64,
}

impl Session {
    /// Starts the server and says what a client says first.
    pub(super) fn open() -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bench", "teller"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start the server")?;
        let input = child.stdin.take().context("no input")?;
        let output = BufReader::new(child.stdout.take().context("no output")?);
        let mut session = Self { child, input, output, calls: 0 };
        for line in HELLO {
            session.input.write_all(format!("{line}\n").as_bytes())?;
            if line.contains(r#""id""#) {
                let mut answer = String::new();
                ensure!(session.output.read_line(&mut answer)? > 0, "the server ended");
            }
        }
        Ok(session)
    }

    pub(super) fn server(&self) -> u32 {
        self.child.id()
    }

    /// Sends `calls`, so many a second, and reads their answers.
    pub(super) fn send(&mut self, calls: u64, rate: f64) -> Result<()> {
        let Self { input, output, calls: before, .. } = self;
        let first = FIRST + *before;
        *before += calls;
        let expected = calls * answer(FIRST).len() as u64;
        thread::scope(|scope| {
            let reader = scope.spawn(move || -> Result<()> {
                let mut left = expected;
                let mut buffer = [0; 1 << 16];
                while left > 0 {
                    let read = output.read(&mut buffer)?;
                    ensure!(read > 0, "the server ended");
                    left = left.checked_sub(read as u64).context("the server says too much")?;
                }
                Ok(())
            });
            let started = Instant::now();
            let mut sent = 0;
            while sent < calls {
                let due = (started.elapsed() + PAUSE).as_secs_f64() * rate;
                while sent < calls && (sent as f64) < due {
                    input.write_all(call(first + sent).as_bytes())?;
                    sent += 1;
                }
                thread::sleep(PAUSE);
            }
            match reader.join() {
                Ok(result) => result,
                Err(_) => bail!("the reading thread panicked"),
            }
        })
    }

    /// Ends the session; what was sent to the server and by it.
    pub(super) fn close(self) -> Result<[Sent; 2]> {
        let Self { mut child, input, output, calls } = self;
        drop(input);
        let status = child.wait()?;
        drop(output);
        ensure!(status.success(), "the server ended with {status}");
        let to_server = Sent { messages: 3 + calls, bytes: call(FIRST).len() as u64 };
        let to_client = Sent { messages: 2 + calls, bytes: answer(FIRST).len() as u64 };
        Ok([to_server, to_client])
    }
}

fn call(number: u64) -> String {
    format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{number},\"method\":\"tools/call\",\"params\":{{\"name\":\"note\",\"arguments\":{{\"number\":{number},\"text\":\"{FILL}\"}}}}}}\n"
    )
}

fn answer(number: u64) -> String {
    format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{number},\"result\":{{\"content\":[{{\"type\":\"text\",\"text\":\"{number}: {FILL}\"}}]}}}}\n"
    )
}

/// The server. Each answer is a system call of its own.
///
/// # Errors
/// When a request is none of the bench's.
pub(crate) fn serve() -> Result<()> {
    let mut output = io::stdout().lock();
    let mut input = io::stdin().lock();
    let mut line = String::new();
    loop {
        line.clear();
        if input.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let text = match number(&line) {
            Some(number) => answer(number),
            None => {
                let message: Value = serde_json::from_str(&line)?;
                let Some(id) = message.get("id") else { continue };
                let info = json!({"name": "teller", "version": "1"});
                let tools = json!([{"name": "note", "inputSchema": {"type": "object"}}]);
                let result = match message.get("method").and_then(Value::as_str) {
                    Some("initialize") => {
                        json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": info})
                    }
                    _ => json!({ "tools": tools }),
                };
                format!("{}\n", json!({"jsonrpc": "2.0", "id": id, "result": result}))
            }
        };
        output.write_all(text.as_bytes())?;
        output.flush()?;
    }
}

/// A call's number.
fn number(line: &str) -> Option<u64> {
    line.strip_prefix(r#"{"jsonrpc":"2.0","id":"#)?.split(',').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_messages_are_as_long_and_their_numbers_are_found() {
        let other = FIRST + 123_456;
        assert_eq!((call(FIRST).len(), answer(FIRST).len()), (call(other).len(), answer(other).len()));
        assert_eq!(number(&call(other)), Some(other));
        assert!(HELLO.iter().all(|line| number(line).is_none()));
        for text in HELLO.into_iter().map(str::to_owned).chain([call(other), answer(other)]) {
            serde_json::from_str::<Value>(&text).unwrap();
        }
    }
}
