//! Measures how fast messages are inspected, for `cargo xtask bench inspect`: a line for each kind of message, with tabs
//! between `ordinary` or `crafted`, megabytes a second, and its name.
//!
//! CPU time of one thread, so that other work on the machine counts little; the middle of several rounds.
#![expect(clippy::print_stdout, reason = "a tool for developers: it talks to them")]

#[path = "../../../tests/inspect/crafted.rs"]
mod crafted;

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use mcpgw_agent::detect::{DetectorSet, Inspector, Subject};
use mcpgw_agent::json::Limits;
use mcpgw_agent::mcp::{Decoded, Direction, Message, decode};
use nix::time::{ClockId, clock_gettime};

use crafted::{Crafted, crafted, ordinary};

/// Bytes of a message.
const BYTES: usize = 256 << 10;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let rounds = args.next().context("usage: inspect_speed ROUNDS [PART OF A NAME]")?.parse()?;
    let part = args.next().unwrap_or_default();
    for (title, all) in [("ordinary", ordinary()), ("crafted", crafted())] {
        for crafted in all.iter().filter(|crafted| crafted.name.contains(&part)) {
            println!("{title}\t{:.1}\t{}", measure(crafted, rounds)?, crafted.name);
        }
    }
    Ok(())
}

/// Megabytes a second: the middle of all rounds.
fn measure(crafted: &Crafted, rounds: usize) -> Result<f64> {
    let message = one(crafted.message(BYTES)).with_context(|| crafted.name.clone())?;
    let subject =
        Subject { direction: crafted.direction, server: "s", answers: crafted.answers, tool: Some("run") };
    let mut took = Vec::new();
    // The first one is not counted: what is made at first use is made there.
    for _ in 0..=rounds {
        let since = cpu()?;
        let findings = Inspector::shipped().message(&message, &subject, DetectorSet::all());
        took.push(cpu()? - since);
        drop(findings);
    }
    took.remove(0);
    took.sort();
    let middle = took.get(took.len() / 2).context("there is a round")?;
    let bytes = u32::try_from(message.bytes().len())?;
    Ok(f64::from(bytes) / 1e6 / middle.as_secs_f64())
}

fn cpu() -> Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?.into())
}

fn one(text: String) -> Result<Message> {
    match decode(Bytes::from(text), &Limits::default()) {
        Ok(Decoded::One(message)) => Ok(message),
        Ok(Decoded::Batch(_)) => bail!("a batch"),
        Err(malformed) => bail!("{}", malformed.reason.code()),
    }
}
