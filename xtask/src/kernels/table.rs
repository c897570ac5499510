//! What the matrix found, drawn: a line a kernel, then a line a hook.

use std::fmt;

use super::guest::Run;
use crate::test::Totals;

/// One kernel.
#[derive(Debug)]
pub(crate) struct Row {
    series: &'static str,
    outcome: Result<Run, String>,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

impl Row {
    pub(crate) fn ran(series: &'static str, run: Run) -> Self {
        Self { series, outcome: Ok(run) }
    }

    pub(crate) fn skipped(series: &'static str, why: String) -> Self {
        Self { series, outcome: Err(why) }
    }

    fn works(&self, hook: &str) -> Option<bool> {
        let run = self.outcome.as_ref().ok()?;
        run.hooks.iter().find(|(name, _)| name == hook).map(|(_, works)| *works)
    }
}

impl Table {
    pub(crate) fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// All tests of all kernels; a kernel that was skipped is one test that was.
    pub(crate) fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for row in &self.rows {
            match &row.outcome {
                Ok(run) => totals.merge(&run.totals),
                Err(_) => totals.skipped += 1,
            }
        }
        totals
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Ok(run) => {
                let works = run.hooks.iter().filter(|(_, works)| *works).count();
                write!(
                    f,
                    "{:<10} {:<28} {works:>2}/{:<2} hooks  {:>6.1} s  {}",
                    self.series,
                    run.release,
                    run.hooks.len(),
                    run.took.as_secs_f64(),
                    run.totals
                )
            }
            Err(why) => write!(f, "{:<10} SKIPPED: {why}", self.series),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.rows {
            writeln!(f, "{row}")?;
        }
        let longest =
            self.rows.iter().filter_map(|row| row.outcome.as_ref().ok()).max_by_key(|run| run.hooks.len());
        let Some(longest) = longest.filter(|run| !run.hooks.is_empty()) else { return Ok(()) };
        write!(f, "\n{:<20}", "hook")?;
        for row in &self.rows {
            write!(f, " {:<10}", row.series)?;
        }
        for (hook, _) in &longest.hooks {
            write!(f, "\n{hook:<20}")?;
            for row in &self.rows {
                let word = match row.works(hook) {
                    Some(true) => "yes",
                    Some(false) => "no",
                    None => "-",
                };
                write!(f, " {word:<10}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::guest::Run;
    use super::{Row, Table};

    #[test]
    fn a_line_a_kernel_and_a_line_a_hook() {
        let mut table = Table::default();
        let hooks = vec![("exec".to_owned(), true), ("unix".to_owned(), false)];
        table.push(Row::ran("6.1", Run { release: "6.1.0".to_owned(), hooks, ..Run::default() }));
        table.push(Row::skipped("7", "not to be had".to_owned()));
        let text = table.to_string();
        assert!(text.contains("1/2  hooks") && text.contains("SKIPPED: not to be had"), "{text}");
        assert!(text.lines().any(|line| line.split_whitespace().eq(["exec", "yes", "-"])), "{text}");
        assert!(text.lines().any(|line| line.split_whitespace().eq(["unix", "no", "-"])), "{text}");
        assert_eq!(table.totals().skipped, 1);
    }
}
