//! Collects what a process prints, so that a failure can show it and a test can wait for a line.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Lines kept per process; a test that prints more is not read by anyone.
const MAX_LINES: usize = 10_000;

#[derive(Debug, Default)]
struct Lines {
    lines: Vec<String>,
    /// Streams still read.
    open: usize,
}

/// Lines of one or more streams.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<(Mutex<Lines>, Condvar)>);

impl Log {
    /// Reads `stream` to its end in a thread of its own.
    pub(crate) fn collect(&self, stream: impl Read + Send + 'static) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).open += 1;
        let log = self.clone();
        let reader = move || {
            for line in BufReader::new(stream).split(b'\n') {
                let Ok(line) = line else { break };
                log.push(String::from_utf8_lossy(&line).into_owned());
            }
            log.close();
        };
        std::thread::Builder::new().name("log".to_owned()).spawn(reader).expect("threads can be made");
    }

    fn push(&self, line: String) {
        let mut lines = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.lines.len() < MAX_LINES {
            lines.lines.push(line);
        }
        self.0.1.notify_all();
    }

    fn close(&self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).open -= 1;
        self.0.1.notify_all();
    }

    /// Nothing more will come.
    pub(crate) fn has_ended(&self) -> bool {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).open == 0
    }

    /// Everything so far.
    pub(crate) fn text(&self) -> String {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).lines.join("\n")
    }

    /// Everything, once the streams have ended.
    ///
    /// # Panics
    ///
    /// When `deadline` passes first, with everything printed so far.
    pub(crate) fn whole(&self, deadline: Duration) -> String {
        let lines = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (lines, _) = self
            .0
            .1
            .wait_timeout_while(lines, deadline, |lines| lines.open > 0)
            .unwrap_or_else(PoisonError::into_inner);
        let text = lines.lines.join("\n");
        assert_eq!(lines.open, 0, "not at its end within {deadline:?}:\n{text}");
        text
    }

    /// Every line so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).lines.clone()
    }

    /// Waits until the lines are as `wanted`.
    ///
    /// # Panics
    ///
    /// When the stream ends or `deadline` passes first, with everything printed so far.
    pub(crate) fn wait_until(&self, wanted: impl Fn(&[String]) -> bool, deadline: Duration) {
        let lines = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = |lines: &mut Lines| !wanted(&lines.lines) && lines.open > 0;
        let (lines, _) =
            self.0.1.wait_timeout_while(lines, deadline, waiting).unwrap_or_else(PoisonError::into_inner);
        assert!(wanted(&lines.lines), "not as wanted within {deadline:?}:\n{}", lines.lines.join("\n"));
    }

    /// The rest of the `nth` line (from 0) that starts with `prefix`.
    ///
    /// # Panics
    ///
    /// When the stream ends or `deadline` passes without it, with everything printed so far.
    pub(crate) fn wait_for(&self, prefix: &str, nth: usize, deadline: Duration) -> String {
        let find = |lines: &Lines| {
            lines.lines.iter().filter_map(|l| l.strip_prefix(prefix)).nth(nth).map(str::to_owned)
        };
        let lines = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = |lines: &mut Lines| find(lines).is_none() && lines.open > 0;
        let (lines, _) =
            self.0.1.wait_timeout_while(lines, deadline, waiting).unwrap_or_else(PoisonError::into_inner);
        let found = find(&lines);
        found.unwrap_or_else(|| {
            panic!("no line `{prefix}…` within {deadline:?}; printed:\n{}", lines.lines.join("\n"))
        })
    }
}
