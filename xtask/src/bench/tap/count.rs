//! What the log has of a tapped session, held against what was sent.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::peer::Sent;

/// The two directions, in words.
pub(super) const WAYS: [&str; 2] = ["to the server", "to the client"];
const DIRECTIONS: [&str; 2] = ["c2s", "s2c"];
const POLL: Duration = Duration::from_millis(100);
/// Of the log's end, to find the last record in.
const END: u64 = 1 << 16;

/// One direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) sent: u64,
    pub(super) recorded: u64,
    /// Recorded more than once.
    pub(super) twice: u64,
    /// Messages the gaps make up.
    pub(super) gaps: u64,
}

/// Both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) ways: [Way; 2],
}

impl Counted {
    pub(super) fn sent(&self) -> u64 {
        self.ways.iter().map(|way| way.sent).sum()
    }

    pub(super) fn recorded(&self) -> u64 {
        self.ways.iter().map(|way| way.recorded).sum()
    }

    pub(super) fn lost(&self) -> u64 {
        self.ways.iter().map(|way| way.sent.saturating_sub(way.recorded)).sum()
    }
}

/// Waits until the log says that the session of process `server` is over.
///
/// # Errors
/// When it does not.
pub(super) fn wait_closed(log: &Path, server: u32, limit: Duration) -> Result<()> {
    let started = Instant::now();
    loop {
        let mut file = File::open(log).with_context(|| format!("cannot read `{}`", log.display()))?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(END)))?;
        let mut end = Vec::new();
        file.read_to_end(&mut end)?;
        let end = String::from_utf8_lossy(&end);
        let closed = |line: &str| {
            serde_json::from_str::<Value>(line).is_ok_and(|record| {
                record.get("event").and_then(Value::as_str) == Some("session.closed")
                    && is_of(&record, server)
            })
        };
        if end.lines().any(closed) {
            return Ok(());
        }
        ensure!(started.elapsed() < limit, "the session is not over after {} s", limit.as_secs());
        thread::sleep(POLL);
    }
}

/// Counts what `log` has of the session of process `server`.
///
/// # Errors
/// When the log cannot be read, or lost a record itself.
pub(super) fn count(log: &Path, server: u32, sent: [Sent; 2]) -> Result<Counted> {
    let mut counted = Counted::default();
    let mut known = [HashSet::new(), HashSet::new()];
    for line in BufReader::new(File::open(log)?).lines() {
        let record: Value = serde_json::from_str(&line?)?;
        let text = |key: &str| record.get(key).and_then(Value::as_str);
        ensure!(text("event") != Some("log.gap"), "the log lost records: {record}");
        let way = DIRECTIONS.iter().position(|direction| text("direction") == Some(direction));
        let Some(at) = way.filter(|_| is_of(&record, server)) else { continue };
        let (Some(way), Some(sent), Some(known)) =
            (counted.ways.get_mut(at), sent.get(at), known.get_mut(at))
        else {
            continue;
        };
        if text("event") == Some("tap.gap") {
            let bytes = record.get("bytes").and_then(Value::as_u64).context("a gap without a size")?;
            way.gaps += bytes.div_ceil(sent.bytes);
            continue;
        }
        way.recorded += 1;
        // A call has its number; an answer names its call.
        let number = record.pointer("/tool_args/number").map(Value::to_string);
        if let Some(which) = number.or_else(|| text("answers").map(str::to_owned))
            && !known.insert(which)
        {
            way.twice += 1;
        }
    }
    for (way, sent) in counted.ways.iter_mut().zip(sent) {
        way.sent = sent.messages;
    }
    Ok(counted)
}

fn is_of(record: &Value, server: u32) -> bool {
    record.pointer("/processes/server/pid").and_then(Value::as_u64) == Some(u64::from(server))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_neither_recorded_nor_counted_shows() {
        let dir = std::env::temp_dir().join(format!("mcpgw-bench-tap-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let log = dir.join("audit.jsonl");
        let of = r#""processes":{"server":{"pid":7}}"#;
        let lines = [
            format!(r#"{{"direction":"c2s","tool_args":{{"number":1}},{of}}}"#),
            format!(r#"{{"direction":"c2s","tool_args":{{"number":2}},{of}}}"#),
            r#"{"direction":"c2s","tool_args":{"number":3},"processes":{"server":{"pid":8}}}"#.to_owned(),
            format!(r#"{{"direction":"s2c","answers":"a",{of}}}"#),
            format!(r#"{{"direction":"s2c","answers":"a",{of}}}"#),
            format!(r#"{{"event":"tap.gap","direction":"c2s","bytes":150,{of}}}"#),
            format!(r#"{{"event":"session.closed",{of}}}"#),
        ];
        std::fs::write(&log, lines.join("\n")).unwrap();
        wait_closed(&log, 7, Duration::ZERO).unwrap();
        wait_closed(&log, 8, Duration::ZERO).unwrap_err();
        let sent = [Sent { messages: 5, bytes: 100 }, Sent { messages: 1, bytes: 10 }];
        let counted = count(&log, 7, sent).unwrap();
        std::fs::remove_dir_all(&dir).unwrap();
        assert_eq!(counted.ways[0], Way { sent: 5, recorded: 2, twice: 0, gaps: 2 });
        assert_eq!(counted.ways[1], Way { sent: 1, recorded: 2, twice: 1, gaps: 0 });
        assert_eq!((counted.sent(), counted.recorded(), counted.lost()), (6, 4, 3));
    }
}
