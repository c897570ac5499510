//! Errors on one line, as hooks and the log show them.

use std::error::Error;

/// An error and its causes on one line. What the verifier wrote goes to the log instead.
pub(super) fn describe(error: &dyn Error) -> String {
    let mut text = first_line(&error.to_string());
    let mut cause = error.source();
    while let Some(error) = cause {
        let line = first_line(&error.to_string());
        if !text.ends_with(&line) {
            text = format!("{text}: {line}");
        }
        cause = error.source();
    }
    let whole = error.to_string();
    if whole.lines().count() > 1 {
        tracing::debug!(log = %whole, "refused by the kernel");
    }
    text
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim_end_matches('.').to_owned()
}
