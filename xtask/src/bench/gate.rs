//! `cargo xtask bench gate`: what the gate itself does with a small call and its answer, without pipes and processes.
//!
//! It is the agent's own example that passes the messages (`mcpgw-agent/examples/gate_speed`). Where valgrind is installed
//! its callgrind counts instructions, which do not depend on what else the machine does.

use std::fs;

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use crate::shell;
use crate::workspace::Workspace;

/// Calls of the runs whose difference is counted: what is done once does not count.
const CALLS: [u64; 2] = [550, 2750];
/// Functions that are listed.
const FUNCTIONS: usize = 30;
/// Parts of the names of functions that hash. Callgrind does not know the processor's instructions for that and counts
/// some fifty times what they are.
const HASHING: [&str; 2] = ["sha2::", "sha256"];

/// Arguments of `cargo xtask bench gate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Calls that are timed
    #[arg(long, default_value_t = 30_000)]
    calls: u32,
}

/// # Errors
/// When the example cannot be built, or fails.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let sh = shell::shell(workspace)?;
    let target = workspace.target();
    cmd!(sh, "cargo build --release -p mcpgw-agent --example gate_speed --target-dir {target}").run()?;
    let example = target.join("release/examples/gate_speed");
    let scratch = target.join("bench/gate");
    fs::create_dir_all(&scratch)?;
    let calls = args.calls.max(1).to_string();
    println!("{}", cmd!(sh, "{example} {calls} {scratch}").read()?);
    if !has_valgrind(&sh) {
        println!("instructions are counted where valgrind is installed");
        return Ok(());
    }
    let mut counted = Vec::new();
    for calls in CALLS {
        let (out, calls) = (scratch.join(format!("callgrind.{calls}")), calls.to_string());
        let counting = format!("--callgrind-out-file={}", out.display());
        cmd!(sh, "valgrind --tool=callgrind {counting} {example} {calls} {scratch}")
            .ignore_stderr()
            .read()?;
        let report = cmd!(sh, "callgrind_annotate --threshold=100 {out}").ignore_stderr().read()?;
        counted.push(functions(&report));
        fs::remove_file(&out).with_context(|| format!("cannot remove `{}`", out.display()))?;
    }
    if let [short, long] = counted.as_slice() {
        print!("{}", render(&difference(short, long), CALLS[1] - CALLS[0]));
    }
    Ok(())
}

/// Callgrind can be asked.
pub(super) fn has_valgrind(sh: &Shell) -> bool {
    cmd!(sh, "valgrind --version").quiet().ignore_stderr().read().is_ok()
}

/// Instructions of each function itself.
type Functions = Vec<(String, u64)>;

/// What callgrind's own report says of each function.
fn functions(report: &str) -> Functions {
    let mut all = Functions::new();
    for line in report.lines() {
        let Some((count, rest)) = line.trim_start().split_once(" (") else { continue };
        let Ok(count) = count.replace(',', "").parse() else { continue };
        let Some((_, name)) = rest.split_once(')') else { continue };
        // Behind the file's name, before the program's.
        let name = name.trim().split_once(':').map_or(name, |(_, name)| name);
        let name = name.split(" [").next().unwrap_or_default().trim();
        match all.iter_mut().find(|(other, _)| other == name) {
            Some((_, all)) => *all += count,
            None => all.push((name.to_owned(), count)),
        }
    }
    all.retain(|(name, _)| name != "PROGRAM TOTALS");
    all
}

/// What `long` has more than `short`, most first.
fn difference(short: &Functions, long: &Functions) -> Functions {
    let before = |name: &str| short.iter().find(|(other, _)| other == name).map_or(0, |(_, count)| *count);
    let mut more: Functions =
        long.iter().map(|(name, count)| (name.clone(), count.saturating_sub(before(name)))).collect();
    more.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    more
}

fn render(functions: &Functions, calls: u64) -> String {
    let hashes = |name: &str| HASHING.iter().any(|part| name.contains(part));
    let others = || functions.iter().filter(|(name, _)| !hashes(name));
    let all: u64 = others().map(|(_, count)| count).sum();
    let mut text = format!("{} instructions for a call and its answer, hashing left out:\n", all / calls);
    for (name, count) in others().take(FUNCTIONS) {
        text.push_str(&format!("{:>8}  {name}\n", count / calls));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "\
 5,000 (100.0%)  PROGRAM TOTALS
 3,000 (60.00%)  a.rs:mcpgw_agent::json::parse::parse [/t/gate_speed]
 1,500 (30.00%)  b.rs:sha2::sha256::soft::compress'2 [/t/gate_speed]
   500 (10.00%)  c.rs:mcpgw_agent::json::parse::parse [/t/gate_speed]
";

    #[test]
    fn functions_are_added_up_and_hashing_is_left_out() {
        let all = functions(REPORT);
        let parse = "mcpgw_agent::json::parse::parse";
        assert_eq!(all.first().map(|(name, count)| (name.as_str(), *count)), Some((parse, 3500)));
        let more = difference(&vec![(parse.to_owned(), 500)], &all);
        let text = render(&more, 10);
        assert!(text.starts_with("300 instructions for a call"), "{text}");
        assert!(text.contains(&format!("     300  {parse}\n")) && !text.contains("sha2"), "{text}");
    }
}
