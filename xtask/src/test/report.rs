//! Adds up what test binaries say about themselves.

use std::fmt;
use std::io::{BufRead, Write};

use super::Outcome;

/// Tests by how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Held.
    pub(crate) passed: u64,
    /// Did not hold.
    pub(crate) failed: u64,
    /// Did not run.
    pub(crate) skipped: u64,
    /// Counted in both `passed`, by the harness, and `skipped`, by the test.
    passed_but_skipped: u64,
}

impl Totals {
    /// Counts a step. What a step without numbers of its own held is not counted, so that the sum is of tests.
    pub(crate) fn add(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Passed => {}
            Outcome::Tests(totals) => self.merge(totals),
            Outcome::Skipped(_) => self.skipped += 1,
            Outcome::Failed(_) => self.failed += 1,
        }
    }

    /// Adds the numbers of other output of the same run.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.passed_but_skipped += other.passed_but_skipped;
    }

    /// Counts a line of a test binary: its `test result:`, or a `SKIPPED: ` that one of our tests says past the
    /// harness, which knows no skipping at run time and counts the test as passed. Any other line is not counted.
    pub(crate) fn add_line(&mut self, line: &str) {
        if line.starts_with("SKIPPED: ") {
            self.skipped += 1;
            self.passed_but_skipped += 1;
        }
        let Some(result) = line.strip_prefix("test result: ") else { return };
        let Some((_, counts)) = result.split_once(". ") else { return };
        for count in counts.split("; ") {
            match count.split_once(' ').map(|(number, what)| (number.parse::<u64>(), what)) {
                Some((Ok(number), "passed")) => self.passed += number,
                Some((Ok(number), "failed")) => self.failed += number,
                Some((Ok(number), "ignored")) => self.skipped += number,
                _ => {}
            }
        }
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let passed = self.passed.saturating_sub(self.passed_but_skipped);
        write!(f, "{passed} passed, {} failed, {} skipped", self.failed, self.skipped)
    }
}

/// Passes test output through as it comes, and adds up its results.
pub(crate) fn follow(mut from: impl BufRead, mut to: impl Write) -> std::io::Result<Totals> {
    let mut totals = Totals::default();
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        to.write_all(&line)?;
        to.flush()?;
        totals.add_line(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
    Ok(totals)
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Totals, follow};

    const OUTPUT: &str = "\
running 3 tests
test a ... ok
test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.00s

test result: FAILED. 5 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s
said: test result: ok. 100 passed; 0 failed; 0 ignored
";

    #[test]
    fn every_binary_counts_and_nothing_else() {
        let totals = follow(OUTPUT.as_bytes(), std::io::sink()).unwrap();
        assert_eq!(totals.to_string(), "7 passed, 2 failed, 1 skipped");
    }

    #[test]
    fn a_test_that_skips_itself_is_no_passed_test() {
        let mut totals = follow(OUTPUT.as_bytes(), std::io::sink()).unwrap();
        totals.merge(&follow(&b"\nSKIPPED: stdio::go: no go\n"[..], std::io::sink()).unwrap());
        assert_eq!(totals.to_string(), "6 passed, 2 failed, 2 skipped");
    }

    #[test]
    fn output_passes_through_byte_for_byte() {
        let bytes =
            b"\xff\x00 not text\ntest result: ok. 1 passed; 0 failed; 0 ignored\nno newline at the end";
        let mut out = Vec::new();
        assert_eq!(follow(&bytes[..], &mut out).unwrap().passed, 1);
        assert_eq!(out, bytes);
    }

    #[test]
    fn a_step_without_tests_counts_only_when_it_did_not_hold() {
        let mut totals = Totals::default();
        totals.add(&Outcome::Passed);
        totals.add(&Outcome::Failed(String::new()));
        totals.add(&Outcome::Skipped(String::new()));
        totals.add(&Outcome::Tests(Totals { passed: 3, ..Totals::default() }));
        assert_eq!(totals.to_string(), "3 passed, 1 failed, 1 skipped");
    }
}
