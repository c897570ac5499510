//! Measures the detectors on labelled samples: what they find, what they take for something it is not, how fast.
//!
//! A directory's `*.jsonl` files hold a sample a line: `id`, `label`, `source`, and `text`, `tool`, or `before` and
//! `after`. Each is given to `mcpgw-agent inspect`, as anybody could, and judged by the findings of the detector its file is
//! about.

mod judge;
mod sample;
mod table;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::build;
use crate::workspace::Workspace;
use judge::Answer;
use sample::{Sample, Set};
use table::Table;

/// Arguments of `cargo xtask eval`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Directory with the samples
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Agent to ask [default: build one]
    #[arg(long, value_name = "FILE")]
    agent: Option<PathBuf>,
    /// List what was missed and what was found though nothing is there, by id
    #[arg(long)]
    errors: bool,
}

/// Measures.
///
/// # Errors
/// When there are no samples, or a line is not one.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let agent = match &args.agent {
        Some(agent) => agent.clone(),
        None => build::release(workspace)?,
    };
    let mut files: Vec<PathBuf> = fs::read_dir(&args.data)
        .with_context(|| format!("cannot read `{}`", args.data.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    files.sort();
    ensure!(!files.is_empty(), "`{}` has no *.jsonl", args.data.display());
    for file in files {
        let mut samples = sample::read(&file)?;
        let Some(set) = Set::of(&file, &samples) else {
            println!("{}: no samples of a kind that is known, left out\n", file.display());
            continue;
        };
        if set == Set::Pins {
            // No change at all is the other half.
            let respelled: Vec<Sample> = samples.iter().filter_map(Sample::respelled).collect();
            samples.extend(respelled);
        }
        let answers = ask(&agent, set, &samples)?;
        let table = Table::new(set, &samples, &answers);
        println!("{}\n{table}", file.file_name().unwrap_or_default().to_string_lossy());
        if args.errors {
            table::errors(set, &samples, &answers).iter().for_each(|line| println!("{line}"));
        }
    }
    Ok(())
}

/// Gives all samples to one `inspect`.
fn ask(agent: &Path, set: Set, samples: &[Sample]) -> Result<Vec<Answer>> {
    let mut child = Command::new(agent)
        .args(["inspect", "--jsonl", "--time", "--kind", set.kind()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{}`", agent.display()))?;
    let mut stdin = child.stdin.take().context("its standard input is a pipe")?;
    let lines: Vec<String> = samples.iter().map(Sample::line).collect();
    // It answers while it reads: whoever only writes would wait for ever once both pipes are full.
    let writer = std::thread::spawn(move || lines.iter().try_for_each(|line| writeln!(stdin, "{line}")));
    let output = child.wait_with_output()?;
    writer.join().ok().context("the writer does not panic")??;
    ensure!(output.status.success(), "`inspect` failed: {}", output.status);
    let text = String::from_utf8(output.stdout)?;
    let answers: Vec<Answer> = text.lines().map(Answer::read).collect::<Result<_>>()?;
    ensure!(answers.len() == samples.len(), "{} answers to {} samples", answers.len(), samples.len());
    Ok(answers)
}
