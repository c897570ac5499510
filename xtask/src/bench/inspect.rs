//! `cargo xtask bench inspect`: how fast messages are inspected, ordinary ones and such as are made to be slow.
//!
//! It is the agent's own example that measures, on the messages the tests prove linear (`tests/inspect/crafted.rs`). Where
//! valgrind is installed its callgrind counts instructions, which do not depend on what else the machine does.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use xshell::{Shell, cmd};

use super::stats::Samples;
use super::table::{Conditions, put_into};
use crate::shell;
use crate::workspace::Workspace;

/// Crafted messages that the table names: the slowest.
const SLOWEST: usize = 12;
/// Bytes of a message that is timed, and of one whose instructions are counted: that takes fifty times as long.
const BYTES: [&str; 2] = ["262144", "32768"];
/// What the worst text is to reach, in megabytes a second.
const BAR: f64 = 30.0;

/// Arguments of `cargo xtask bench inspect`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Rounds; the middle one counts
    #[arg(long, default_value_t = 9)]
    rounds: u32,
    /// Put the table into docs/detection.md
    #[arg(long, conflicts_with = "part")]
    write: bool,
    /// Only those with this in their name
    #[arg(default_value = "")]
    part: String,
}

/// # Errors
/// When the example cannot be built, or fails.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let sh = shell::shell(workspace)?;
    let target = workspace.target();
    cmd!(sh, "cargo build --release -p mcpgw-agent --example inspect_speed --target-dir {target}").run()?;
    let example = target.join("release/examples/inspect_speed");
    let conditions = Conditions::look(None, args.rounds.max(1), 0);
    let (rounds, part, [bytes, _]) = (args.rounds.max(1).to_string(), &args.part, BYTES);
    let measured = cmd!(sh, "{example} {rounds} {bytes} {part}").read()?;
    let counted = match super::gate::has_valgrind(&sh) {
        true => count(&sh, &example, part, &target.join("bench/inspect"))?,
        false => Vec::new(),
    };
    let report = render(&measured, &counted, &conditions)?;
    println!("{report}");
    if args.write {
        let page = workspace.path("docs/detection.md");
        let text = fs::read_to_string(&page).with_context(|| format!("cannot read `{}`", page.display()))?;
        fs::write(&page, put_into(&text, "bench inspect", &report)?)?;
    }
    Ok(())
}

/// Instructions a byte of each kind of message, in the order the example has them.
fn count(sh: &Shell, example: &Path, part: &str, scratch: &Path) -> Result<Vec<f64>> {
    if scratch.exists() {
        fs::remove_dir_all(scratch)?;
    }
    fs::create_dir_all(scratch)?;
    let [_, bytes] = BYTES;
    let out = format!("--callgrind-out-file={}", scratch.join("part").display());
    let options = ["--toggle-collect=*inspect_speed::inspect", "--dump-after=*inspect_speed::inspect"];
    let measured = cmd!(sh, "valgrind --tool=callgrind {out} {options...} {example} 1 {bytes} {part}")
        .ignore_stderr()
        .read()?;
    let mut counted = Vec::new();
    for (nth, line) in measured.lines().enumerate() {
        // Of the two calls the second: what is made at first use is made in the first.
        let part = scratch.join(format!("part.{}", 2 * nth + 2));
        let text = fs::read_to_string(&part).with_context(|| format!("cannot read `{}`", part.display()))?;
        let total = text.lines().rev().find_map(|line| line.strip_prefix("totals:"));
        let instructions: f64 = total.context("callgrind gives no total")?.trim().parse()?;
        let Row { bytes, .. } = Row::of(line)?;
        counted.push(instructions / bytes);
    }
    fs::remove_dir_all(scratch)?;
    Ok(counted)
}

/// A line of the example's.
#[derive(Debug, Clone, Copy)]
struct Row<'l> {
    title: &'l str,
    speed: f64,
    bytes: f64,
    name: &'l str,
    /// Instructions a byte.
    counted: Option<f64>,
}

impl<'l> Row<'l> {
    fn of(line: &'l str) -> Result<Self> {
        let mut parts = line.splitn(4, '\t');
        let mut next = || parts.next().with_context(|| format!("the example printed `{line}`"));
        let (title, speed, bytes, name) = (next()?, next()?.parse()?, next()?.parse()?, next()?);
        Ok(Self { title, speed, bytes, name, counted: None })
    }

    fn write(&self, text: &mut String) {
        let counted = self.counted.map_or_else(|| "-".to_owned(), |counted| format!("{counted:.0}"));
        let name = self.name.replace('|', "\\|");
        // Writing to a string cannot fail.
        let _infallible = writeln!(text, "| {name} | {counted} | {:.0} |", self.speed);
    }
}

/// What the example printed, as Markdown.
fn render(measured: &str, counted: &[f64], conditions: &Conditions) -> Result<String> {
    let mut rows = measured.lines().map(Row::of).collect::<Result<Vec<_>>>()?;
    if !counted.is_empty() && counted.len() != rows.len() {
        bail!("{} messages were timed and {} counted", rows.len(), counted.len());
    }
    rows.iter_mut().zip(counted).for_each(|(row, counted)| row.counted = Some(*counted));
    let (ordinary, mut crafted): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.title == "ordinary");
    crafted.sort_by(|one, other| one.speed.total_cmp(&other.speed));
    let head = "instructions a byte | MB/s |\n| --- | --- | --- |\n";
    let mut text = format!("| ordinary messages | {head}");
    ordinary.iter().for_each(|row| row.write(&mut text));
    text.push_str(&format!("\n| crafted messages, the slowest | {head}"));
    crafted.iter().take(SLOWEST).for_each(|row| row.write(&mut text));
    let mut samples = Samples::default();
    samples.extend(&crafted.iter().map(|row| row.speed).collect::<Vec<_>>());
    let slow = crafted.iter().filter(|row| row.speed < BAR).count();
    // Writing to a string cannot fail.
    let _infallible = writeln!(
        text,
        "\nOf {} crafted messages {slow} are slower than {BAR:.0} MB/s; their median is {:.0} MB/s. Messages have 256 KiB; \
         CPU time of one thread, the middle of all rounds.\n\n- {}",
        crafted.len(),
        samples.median(),
        conditions.plain(),
    );
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_come_first_and_are_counted() {
        let measured = "ordinary\t130.2\t9\tEnglish\ncrafted\t50.0\t9\tfast\ncrafted\t9.6\t9\tslow | one\n";
        let conditions = Conditions::look(None, 3, 0);
        let text = render(measured, &[81.8, 100.0, 900.0], &conditions).unwrap();
        assert!(text.contains("| English | 82 | 130 |"), "{text}");
        assert!(text.contains("| slow \\| one | 900 | 10 |\n| fast | 100 | 50 |"), "{text}");
        assert!(text.contains("Of 2 crafted messages 1 are slower than 30 MB/s"), "{text}");
        assert!(render(measured, &[], &conditions).unwrap().contains("| English | - | 130 |"));
        render(measured, &[1.0], &conditions).unwrap_err();
        render("nonsense", &[], &conditions).unwrap_err();
    }

    #[test]
    fn the_page_has_a_place_for_the_table() {
        put_into(include_str!("../../../docs/detection.md"), "bench inspect", "new").unwrap();
    }
}
