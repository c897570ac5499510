//! `cargo xtask bench audit query`: how fast a log is indexed, how large the index is, and how long a search takes, from
//! starting the program to its last line.

mod records;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use xshell::cmd;

use crate::shell;
use crate::workspace::Workspace;
use records::Records;

/// Arguments of `cargo xtask bench audit query`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Records in the log
    #[arg(long, default_value_t = 200_000)]
    records: u64,
    /// How often each search is run
    #[arg(long, default_value_t = 21)]
    rounds: usize,
    /// Where the log is made, and removed again: about 500 bytes a record
    #[arg(long, value_name = "D")]
    dir: Option<PathBuf>,
    /// The program that is measured [default: a release build]
    #[arg(long, value_name = "F")]
    program: Option<PathBuf>,
}

/// Searches, each with a name and its options. What `{…}` stands for is in the log that was made.
const SEARCHES: [(&str, &[&str]); 21] = [
    ("the newest 100", &[]),
    ("time, a minute", &["--since", "{middle}", "--until", "{later}"]),
    ("server, common", &["--server", "server-0"]),
    ("server, rare", &["--server", "server-10"]),
    ("server, glob", &["--server", "server-1*"]),
    ("tool", &["--tool", "tool_7"]),
    ("subject", &["--subject", "user-3@example.com"]),
    ("label", &["--label", "team=red"]),
    ("action", &["--action", "block"]),
    ("rule", &["--rule", "no-secrets"]),
    ("detector", &["--detector", "secrets"]),
    ("session, old", &["--session", "{session}"]),
    ("decision, old", &["--decision", "{decision}"]),
    ("event", &["--event", "session.opened"]),
    ("method", &["--method", "tools/call"]),
    ("direction", &["--direction", "s2c"]),
    ("text, common", &["--text", "report"]),
    ("text, one record", &["--text", "{word}"]),
    ("text, phrase", &["--text", "\"quarterly report\" -draft"]),
    ("two that hardly meet", &["--server", "server-10", "--action", "block"]),
    ("text and two others", &["--text", "report", "--server", "server-2", "--direction", "c2s"]),
];

/// # Errors
/// When the log cannot be made, or a search fails.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let sh = shell::shell(workspace)?;
    let program = match &args.program {
        Some(program) => program.clone(),
        None => {
            cmd!(sh, "cargo build --release -p mcpgw-agent --bin mcpgw-agent").run()?;
            workspace.agent()
        }
    };
    let dir = args.dir.clone().unwrap_or_else(|| workspace.target().join("bench-audit-query"));
    ensure!(!dir.exists(), "`{}` is there already", dir.display());
    fs::create_dir_all(&dir)?;
    let measured = measure(&program, &dir, args);
    fs::remove_dir_all(&dir)?;
    measured
}

fn measure(program: &Path, dir: &Path, args: &Args) -> Result<()> {
    let started = Instant::now();
    let made = Records::new(args.records).write(dir)?;
    println!(
        "log: {} records, {} bytes a record, {} bytes on the disk; made in {:.0?}",
        args.records,
        made.bytes / args.records.max(1),
        size(dir)?,
        started.elapsed()
    );
    let log = dir.join("audit.jsonl");
    let before = size(dir)?;
    let started = Instant::now();
    let status = Command::new(program).args(["audit", "index"]).arg(&log).status()?;
    ensure!(status.success(), "the log cannot be indexed");
    let took = started.elapsed();
    let index = size(dir)?.saturating_sub(before);
    #[expect(clippy::cast_precision_loss, reason = "to be read by people")]
    let rate = args.records as f64 / took.as_secs_f64();
    println!("index: {took:.1?}, {rate:.0} records/s, {} bytes a record", index / args.records.max(1));
    println!("\n| search | records | median ms | worst ms |\n| --- | --- | --- | --- |");
    for (name, options) in SEARCHES {
        let options: Vec<String> = options.iter().map(|option| made.named(option)).collect();
        let mut times = Vec::new();
        let mut found = 0;
        for _ in 0..args.rounds.max(1) {
            let started = Instant::now();
            let output =
                Command::new(program).args(["audit", "query", "--json"]).args(&options).arg(&log).output();
            let output = output.with_context(|| format!("`{}` cannot be run", program.display()))?;
            times.push(started.elapsed());
            ensure!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
            found = output.stdout.split(|byte| *byte == b'\n').count() - 1;
        }
        ensure!(found > 0 || name.starts_with("two"), "{name}: nothing found");
        times.sort();
        let milliseconds = |time: Option<&Duration>| 1000.0 * time.copied().unwrap_or_default().as_secs_f64();
        println!(
            "| {name} | {found} | {:.1} | {:.1} |",
            milliseconds(times.get(times.len() / 2)),
            milliseconds(times.last())
        );
    }
    Ok(())
}

fn size(dir: &Path) -> Result<u64> {
    fs::read_dir(dir)?.map(|entry| Ok(entry?.metadata()?.len())).sum()
}
