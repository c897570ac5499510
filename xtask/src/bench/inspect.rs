//! `cargo xtask bench inspect`: how fast messages are inspected, ordinary ones and such as are made to be slow.
//!
//! It is the agent's own example that measures, on the messages the tests prove linear (`tests/inspect/crafted.rs`).

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, Result, bail};
use xshell::cmd;

use super::stats::Samples;
use super::table::{Conditions, put_into};
use crate::shell;
use crate::workspace::Workspace;

/// Crafted messages that the table names: the slowest.
const SLOWEST: usize = 12;
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
    let (rounds, part) = (args.rounds.max(1).to_string(), &args.part);
    let measured = cmd!(sh, "{example} {rounds} {part}").read()?;
    let report = render(&measured, &conditions)?;
    println!("{report}");
    if args.write {
        let page = workspace.path("docs/detection.md");
        let text = fs::read_to_string(&page).with_context(|| format!("cannot read `{}`", page.display()))?;
        fs::write(&page, put_into(&text, "bench inspect", &report)?)?;
    }
    Ok(())
}

/// What the example printed, as Markdown.
fn render(measured: &str, conditions: &Conditions) -> Result<String> {
    let (mut ordinary, mut crafted) = (Vec::new(), Vec::new());
    for line in measured.lines() {
        let mut parts = line.splitn(3, '\t');
        let (Some(title), Some(speed), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
            bail!("the example printed `{line}`");
        };
        let row = (speed.parse::<f64>()?, name);
        if title == "ordinary" { ordinary.push(row) } else { crafted.push(row) }
    }
    let mut text = String::from("| ordinary messages | MB/s |\n| --- | --- |\n");
    crafted.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    ordinary.iter().for_each(|(speed, name)| row(&mut text, name, *speed));
    text.push_str("\n| crafted messages, the slowest | MB/s |\n| --- | --- |\n");
    crafted.iter().take(SLOWEST).for_each(|(speed, name)| row(&mut text, name, *speed));
    let mut samples = Samples::default();
    samples.extend(&crafted.iter().map(|(speed, _)| *speed).collect::<Vec<_>>());
    let slow = crafted.iter().filter(|(speed, _)| *speed < BAR).count();
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

fn row(text: &mut String, name: &str, speed: f64) {
    let _infallible = writeln!(text, "| {} | {speed:.0} |", name.replace('|', "\\|"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_come_first_and_are_counted() {
        let measured = "ordinary\t130.2\tEnglish\ncrafted\t50.0\tfast\ncrafted\t9.6\tslow | one\n";
        let text = render(measured, &Conditions::look(None, 3, 0)).unwrap();
        assert!(text.contains("| English | 130 |"), "{text}");
        assert!(text.contains("| slow \\| one | 10 |\n| fast | 50 |"), "{text}");
        assert!(text.contains("Of 2 crafted messages 1 are slower than 30 MB/s"), "{text}");
        render("nonsense", &Conditions::look(None, 3, 0)).unwrap_err();
    }

    #[test]
    fn the_page_has_a_place_for_the_table() {
        put_into(include_str!("../../../docs/detection.md"), "bench inspect", "new").unwrap();
    }
}
