//! A log as a busy gateway writes it, but for the signatures: those are noise of the same length.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use anyhow::Result;

/// Bytes of a finished file.
const FILE_BYTES: u64 = 64 << 20;
/// Records of a session.
const SESSION: u64 = 60;
const WORDS: [&str; 24] = [
    "quarterly",
    "report",
    "draft",
    "customer",
    "invoice",
    "meeting",
    "summary",
    "config",
    "release",
    "branch",
    "ticket",
    "review",
    "deploy",
    "budget",
    "contract",
    "schedule",
    "metrics",
    "search",
    "table",
    "update",
    "notes",
    "project",
    "analysis",
    "backup",
];

/// Makes records, the same for the same number.
pub(super) struct Records {
    records: u64,
    random: u64,
}

/// What was made.
pub(super) struct Made {
    /// Of all lines.
    pub(super) bytes: u64,
    names: Vec<(&'static str, String)>,
}

impl Made {
    /// `option` with what `{…}` stands for.
    pub(super) fn named(&self, option: &str) -> String {
        let names = self.names.iter();
        names.fold(option.to_owned(), |option, (name, value)| option.replace(name, value))
    }
}

impl Records {
    pub(super) fn new(records: u64) -> Self {
        Self { records, random: 0x9e37_79b9_7f4a_7c15 }
    }

    /// Writes them into files of the log `audit.jsonl` in `dir`, all but the last compressed.
    pub(super) fn write(mut self, dir: &Path) -> Result<Made> {
        let (mut text, mut first, mut bytes) = (String::new(), 1, 0);
        for seq in 1..=self.records {
            self.record(seq, &mut text);
            let full = u64::try_from(text.len())? > FILE_BYTES;
            if full || seq == self.records {
                bytes += u64::try_from(text.len())?;
                if seq == self.records {
                    fs::write(dir.join("audit.jsonl"), &text)?;
                } else {
                    let path = dir.join(format!("audit.{first:012}-{seq:012}.jsonl.zst"));
                    let mut encoder = zstd::Encoder::new(File::create(path)?, 1)?;
                    encoder.write_all(text.as_bytes())?;
                    encoder.finish()?;
                }
                first = seq + 1;
                text.clear();
            }
        }
        let middle = self.records / 2;
        let names = vec![
            ("{middle}", time(middle)),
            ("{later}", time(middle + 60_000)),
            ("{session}", session(middle / SESSION)),
            ("{decision}", format!("3f9c64a1d20b7e55-{middle}")),
            ("{word}", format!("unique{middle}")),
        ];
        Ok(Made { bytes, names })
    }

    fn next(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    /// Of `count` the first most often.
    fn skewed(&mut self, count: u64) -> u64 {
        let (a, b) = (self.next() % count, self.next() % count);
        a * b / count
    }

    fn hex(&mut self, out: &mut String) -> Result<(), std::fmt::Error> {
        (0..4).try_for_each(|_| write!(out, "{:016x}", self.next()))
    }

    fn record(&mut self, seq: u64, out: &mut String) {
        // Writing to a String cannot fail.
        self.try_record(seq, out).unwrap_or_default();
    }

    fn try_record(&mut self, seq: u64, out: &mut String) -> std::fmt::Result {
        let (of_session, server) = (seq % SESSION, seq / SESSION % 144);
        let server = server / 12 * (server % 12) / 12;
        let session = session(seq / SESSION);
        let user = seq / SESSION % 50;
        write!(out, r#"{{"timestamp":"{}""#, time(seq))?;
        let context = format!(
            r#""subject":"user-{user}@example.com","server":"server-{server}","upstream":"https://mcp-{server}.example.com/mcp","transport":"http","session":"{session}""#
        );
        if of_session == 0 {
            write!(out, r#","event":"session.opened",{context}"#)?;
        } else {
            self.message(seq, &context, out)?;
        }
        write!(out, r#","seq":{seq},"prev":""#)?;
        self.hex(out)?;
        out.push_str(r#"","sig":""#);
        self.hex(out)?;
        out.push_str("\"}\n");
        Ok(())
    }

    fn message(&mut self, seq: u64, context: &str, out: &mut String) -> std::fmt::Result {
        let (tool, request) = (self.skewed(40), seq / 2 * 2);
        let is_answer = seq != request;
        let blocked = !is_answer && self.next().is_multiple_of(200);
        let (way, kind) = if is_answer { ("s2c", "response") } else { ("c2s", "request") };
        let size = 100 + self.next() % 4000;
        write!(
            out,
            r#","direction":"{way}","method":"tools/call","id":{},"kind":"{kind}","size":{size},"#,
            request % 1000
        )?;
        match blocked {
            true => out.push_str(r#""action":"block","reason":"policy: no-secrets","rule":"no-secrets","#),
            false => write!(out, r#""action":"pass","rule":"rule-{}","#, self.skewed(8))?,
        }
        write!(out, r#""mode":"enforce",{context},"revision":"2025-11-25","#)?;
        write!(out, r#""request_id":"3f9c64a1d20b7e55-{request}","decision_id":"3f9c64a1d20b7e55-{seq}","#)?;
        if is_answer {
            write!(
                out,
                r#""answers":"3f9c64a1d20b7e55-{request}","tool_name":"tool_{tool}","outcome":"ok""#
            )?;
        } else {
            write!(out, r#""tool_name":"tool_{tool}","tool_args":{{"path":"/home/dev/{}/"#, self.word())?;
            write!(out, r#"unique{seq}.txt","query":""#)?;
            for _ in 0..8 {
                write!(out, "{} ", self.word())?;
            }
            write!(out, r#"","limit":{}}}"#, self.next() % 100)?;
        }
        if self.next().is_multiple_of(100) {
            out.push_str(r#","findings":[{"detector":"secrets","type":"jwt","severity":"high","score_percent":95,"path":"params.arguments.query","count":1,"reaction":"redact"}]"#);
        }
        let team = if (seq / SESSION).is_multiple_of(3) { "red" } else { "blue" };
        let hash = "5f0c8e2b9d4a7c1e5f0c8e2b9d4a7c1e5f0c8e2b9d4a7c1e5f0c8e2b9d4a7c1e";
        write!(out, r#","labels":{{"team":"{team}"}},"policy":{{"generation":1,"hash":"{hash}"}},"#)?;
        write!(out, r#""latency_us":{}"#, self.next() % 500)
    }

    fn word(&mut self) -> &'static str {
        let at = usize::try_from(self.skewed(24)).unwrap_or_default();
        WORDS.get(at).copied().unwrap_or_default()
    }
}

/// A millisecond for each record.
fn time(seq: u64) -> String {
    let (seconds, milliseconds) = (seq / 1000, seq % 1000);
    let (day, hour, minute, second) =
        (seconds / 86_400 + 1, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("2026-01-{day:02}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}000Z")
}

fn session(number: u64) -> String {
    format!(
        "{:016x}{:016x}",
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        number.wrapping_mul(0xbf58_476d_1ce4_e5b9)
    )
}
