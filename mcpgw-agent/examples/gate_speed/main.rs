//! Measures what the gate does with a small call and its answer, the record included, for `cargo xtask bench gate`:
//! `gate_speed CALLS [DIRECTORY]`.
//!
//! To be counted by callgrind, as the difference of two runs of different length: it does nothing else.
#![expect(clippy::print_stdout, reason = "a tool for developers: it talks to them")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use mcpgw_agent::audit::{AuditLog, Options};
use mcpgw_agent::json::Limits;
use mcpgw_agent::mcp::Direction;
use mcpgw_agent::policy::{Context, Policy, Principal, Transport};
use mcpgw_agent::proxy::gate::{Framing, Gate, Party};
use mcpgw_agent::reload::PolicyStore;

const POLICY: &str = include_str!("../../../policies/default.yaml");
/// Texts of arguments and answers.
const TEXTS: [&str; 6] = [
    "the quick brown fox jumps over the lazy dog and then it goes home to sleep",
    "please look up the opening hours of the museum in the town, and of its cafe",
    "all work and no play makes a dull day; let us meet at the lake in the evening",
    "he said that the report would be ready before lunch, but nobody has seen it",
    "what are the names of the rivers that flow through the old part of the city",
    "there is a list of books on the table, sorted by the year they came out in it",
];

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let calls: u32 = args.next().context("usage: gate_speed CALLS [DIRECTORY]")?.parse()?;
    let dir = args.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let path = dir.join(format!("gate-speed-{}.jsonl", std::process::id()));
    let audit = AuditLog::open(&Options::at(path.clone()))?;
    let context = Context {
        server: "test".into(),
        upstream: None,
        transport: Transport::Stdio,
        principal: Principal::default(),
        client: None,
        tapped: None,
    };
    let policies = Arc::new(PolicyStore::new(Policy::parse(POLICY)?));
    let gate = Gate::new(policies, Arc::new(audit), Limits::default());
    let party = Party::new("s", context);
    let mut took = Vec::new();
    for id in 0..calls {
        let text = TEXTS.get(usize::try_from(id)? % TEXTS.len()).copied().unwrap_or_default();
        let since = Instant::now();
        let call = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"echo","arguments":{{"text":"{text}, said {}"}}}}}}"#,
            words(id).trim_end()
        );
        pass(&gate, &party, Direction::ToServer, call)?;
        let answer = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[{{"type":"text","text":"{text}, said {}"}}],"isError":false}}}}"#,
            words(id).trim_end()
        );
        pass(&gate, &party, Direction::ToClient, answer)?;
        took.push(since.elapsed());
    }
    took.sort();
    println!("p50 {:?} of a call and its answer", took.get(took.len() / 2));
    std::fs::remove_file(path).ok();
    Ok(())
}

/// A number, in words that are no others'.
fn words(mut number: u32) -> String {
    const WORDS: [&str; 10] =
        ["moon", "lake", "tree", "hill", "road", "bird", "wind", "leaf", "rain", "snow"];
    let mut words = String::new();
    for _ in 0..5 {
        words.push_str(WORDS.get(usize::try_from(number % 10).unwrap_or(0)).copied().unwrap_or_default());
        words.push(' ');
        number /= 10;
    }
    words
}

fn pass(gate: &Gate, party: &Party, direction: Direction, text: String) -> Result<()> {
    let bytes = Bytes::from(text);
    let decoded = gate.decode(bytes.clone(), Framing::Line);
    let passed = gate.judge(party, direction, &bytes, decoded, None, None, Instant::now()).wait();
    ensure!(passed.forward.len() == 1, "a message was refused");
    Ok(())
}
