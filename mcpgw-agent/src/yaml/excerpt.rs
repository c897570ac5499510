//! Problems drawn with the lines they stand on and a caret beneath. Control characters never come out.

use std::fmt::Write;
use std::path::Path;

use super::{Place, Placed};

/// Problems drawn of one file at most.
const MAX_PROBLEMS: usize = 20;
/// Characters of a line shown at most.
const MAX_WIDTH: usize = 160;

/// All problems of the file at `path`, which holds `text`, a few lines each.
#[must_use]
pub fn render<P: Placed>(path: &Path, text: &str, problems: &[P]) -> String {
    let path = printable(&path.to_string_lossy());
    let mut out = match problems.len() {
        1 => format!("`{path}` has a problem"),
        count => format!("`{path}` has {count} problems"),
    };
    for problem in problems.iter().take(MAX_PROBLEMS) {
        let _infallible = write!(out, "\n{}", printable(&problem.to_string()));
        if let Some(place) = problem.place() {
            let _infallible = write!(out, "\n{}", excerpt(&path, text, place));
        }
    }
    if problems.len() > MAX_PROBLEMS {
        let _infallible = write!(out, "\nand {} more", problems.len() - MAX_PROBLEMS);
    }
    out
}

fn excerpt(path: &str, text: &str, place: Place) -> String {
    let Place { line, column, length } = place;
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let shown = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let shown: String = printable(shown).chars().take(MAX_WIDTH).collect();
    let before = column.saturating_sub(1).min(shown.chars().count());
    let carets = length.min(shown.chars().count() - before).max(1);
    format!(
        "{margin}--> {path}:{line}:{column}\n{margin} |\n{number} | {shown}\n{margin} | {}{}",
        " ".repeat(before),
        "^".repeat(carets),
    )
}

/// One line of text for a terminal: character for character, what is not printable replaced.
fn printable(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\t' => ' ',
            hidden if hidden.is_control() || is_invisible(hidden) => '\u{fffd}',
            other => other,
        })
        .collect()
}

/// Characters that turn the direction of text or take no room.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
