//! Measures how fast messages are inspected, for `cargo xtask bench inspect`: a line for each kind of message, with tabs
//! between `ordinary` or `crafted`, megabytes a second, its bytes, and its name.
//!
//! CPU time of one thread, so that other work on the machine counts little; the middle of several rounds. Callgrind counts
//! the instructions of `inspect`, which is called once more than there are rounds.
#![expect(clippy::print_stdout, reason = "a tool for developers: it talks to them")]

#[path = "../../../tests/inspect/crafted.rs"]
mod crafted;

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use mcpgw_agent::detect::{DetectorSet, Inspector, Subject};
use mcpgw_agent::json::Limits;
use mcpgw_agent::mcp::{Decoded, Message, decode};
use nix::time::{ClockId, clock_gettime};

use crafted::{Crafted, crafted, ordinary};

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let mut number = || -> Result<usize> {
        Ok(args.next().context("usage: inspect_speed ROUNDS BYTES [PART OF A NAME]")?.parse()?)
    };
    let (rounds, bytes) = (number()?, number()?);
    let part = args.next().unwrap_or_default();
    for (title, all) in [("ordinary", ordinary()), ("crafted", crafted())] {
        for crafted in all.iter().filter(|crafted| crafted.name.contains(&part)) {
            let (speed, bytes) = measure(crafted, rounds, bytes)?;
            println!("{title}\t{speed:.1}\t{bytes}\t{}", crafted.name);
        }
    }
    Ok(())
}

/// Megabytes a second, the middle of all rounds; and how many bytes the message has, about `bytes`.
fn measure(crafted: &Crafted, rounds: usize, bytes: usize) -> Result<(f64, u32)> {
    let message = one(crafted.message(bytes)).with_context(|| crafted.name.clone())?;
    let subject =
        Subject { direction: crafted.direction, server: "s", answers: crafted.answers, tool: Some("run") };
    let mut took = Vec::new();
    // The first one is not counted: what is made at first use is made there.
    for _ in 0..=rounds {
        let since = cpu()?;
        inspect(&message, &subject);
        took.push(cpu()? - since);
    }
    took.remove(0);
    took.sort();
    let middle = took.get(took.len() / 2).context("there is a round")?;
    let bytes = u32::try_from(message.bytes().len())?;
    Ok((f64::from(bytes) / 1e6 / middle.as_secs_f64(), bytes))
}

/// What is measured.
#[inline(never)]
fn inspect(message: &Message, subject: &Subject<'_>) {
    std::hint::black_box(Inspector::shipped().message(message, subject, DetectorSet::all()));
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
