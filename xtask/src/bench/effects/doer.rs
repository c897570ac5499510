//! The server: each call does five things whose names say which call it was. Calls that are open at once are worked on at once.

use std::fs::{self, File};
use std::io::{self, BufRead as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::Job;

/// Of so many calls one runs a program, which takes longer than all the rest.
const RUNS: u32 = 10;

/// What call `number` is told to do.
pub(super) fn arguments(job: &Job, number: u32) -> String {
    json!({"dir": job.dir, "number": number, "port": job.port, "runs": number.is_multiple_of(RUNS)})
        .to_string()
}

/// One thing that call `number` does, as it is told: act, and name or address.
pub(super) fn expected(job: &Job, number: u32) -> Vec<(&'static str, String)> {
    let path = |letter: char| job.dir.join(format!("{letter}{number}")).display().to_string();
    let mut all = vec![
        ("open", path('a')),
        ("rename", path('a')),
        ("delete", path('b')),
        ("connect", format!("127.0.0.1:{}", job.port)),
    ];
    if number.is_multiple_of(RUNS) {
        all.push(("exec", path('x')));
    }
    all
}

/// Serves until the client leaves.
///
/// # Errors
/// When a request is none of the bench's.
pub(crate) fn serve() -> Result<()> {
    for line in io::stdin().lock().lines() {
        let message: Value = serde_json::from_str(&line?)?;
        let Some(id) = message.get("id").cloned() else { continue };
        let method = message.get("method").and_then(Value::as_str).unwrap_or_default();
        match method {
            "initialize" => {
                let info = json!({"name": "doer", "version": "1"});
                say(
                    &id,
                    &json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": info}),
                )?;
            }
            "tools/list" => {
                let tool = |name| json!({"name": name, "inputSchema": {"type": "object"}});
                let tools = ["warm", "alone", "among"].map(tool);
                say(&id, &json!({ "tools": tools }))?;
            }
            _ => {
                let arguments = message.pointer("/params/arguments").cloned().context("no arguments")?;
                thread::spawn(move || match act(&arguments) {
                    Ok(()) => say(&id, &json!({"content": []})),
                    Err(error) => {
                        eprintln!("doer: {error:#}");
                        say(&id, &json!({"content": [], "isError": true}))
                    }
                });
            }
        }
    }
    Ok(())
}

fn act(arguments: &Value) -> Result<()> {
    let text = |key: &str| arguments.get(key).and_then(Value::as_str).context("an argument is missing");
    let number = arguments.get("number").and_then(Value::as_u64).context("no number")?;
    let port = arguments.get("port").and_then(Value::as_u64).context("no port")?;
    let path =
        |letter: char| Ok::<_, anyhow::Error>(Path::new(text("dir")?).join(format!("{letter}{number}")));
    File::create(path('a')?)?;
    fs::rename(path('a')?, path('b')?)?;
    fs::remove_file(path('b')?)?;
    drop(TcpStream::connect(("127.0.0.1", u16::try_from(port)?))?);
    if arguments.get("runs").and_then(Value::as_bool) == Some(true) {
        let mut program = Command::new("/bin/true");
        program.arg(path('x')?).stdin(Stdio::null()).stdout(Stdio::null());
        ensure!(program.status()?.success(), "/bin/true failed");
    }
    Ok(())
}

fn say(id: &Value, result: &Value) -> Result<()> {
    let mut line = json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string();
    line.push('\n');
    let mut output = io::stdout().lock();
    output.write_all(line.as_bytes())?;
    Ok(output.flush()?)
}
