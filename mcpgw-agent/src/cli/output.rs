//! The only file that prints. It knows the terminal: its size, whether colours are wanted, how to draw a frame in
//! place. What it prints is [`Line`]s, cleaned of everything that could control the terminal.

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::error::CliError;
use super::exit;
use super::text::{Line, Style, clean_json};

/// Narrower than this a table makes no sense; it is drawn this wide and left to the terminal to break.
const NARROWEST: u16 = 60;

/// Standard output.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    terminal: bool,
    colour: bool,
}

impl Output {
    /// As the environment would have it.
    pub(super) fn new() -> Self {
        let terminal = io::stdout().is_terminal();
        Self { terminal, colour: terminal && wants_colour(|name| std::env::var(name).ok()) }
    }

    /// Somebody looks at it.
    pub(super) fn is_terminal(self) -> bool {
        self.terminal
    }

    /// Columns there are; `None` where lines may be as long as they like, in a file or a pipe.
    pub(super) fn width(self) -> Option<u16> {
        let size = || terminal_size::terminal_size().map(|(terminal_size::Width(width), _)| width);
        self.terminal.then(|| from_environment("COLUMNS").or_else(size).unwrap_or(100).max(NARROWEST))
    }

    fn height(self) -> Option<u16> {
        let size = || terminal_size::terminal_size().map(|(_, terminal_size::Height(height))| height);
        if self.terminal { from_environment("LINES").or_else(size) } else { None }
    }

    /// Prints lines.
    pub(super) fn lines(self, lines: &[Line]) -> Result<(), CliError> {
        let mut out = io::stdout().lock();
        for line in lines {
            writeln!(out, "{}", line.render(self.colour))?;
        }
        Ok(out.flush()?)
    }

    /// Draws lines over the frame before, on a terminal; elsewhere prints them after it, a blank line between.
    pub(super) fn frame(self, lines: &[Line], first: bool) -> Result<(), CliError> {
        let mut out = io::stdout().lock();
        if !self.terminal {
            if !first {
                writeln!(out)?;
            }
            drop(out);
            return self.lines(lines);
        }
        // The cursor's line stays free: writing on the last one would scroll.
        let room = self.height().map_or(usize::MAX, |height| usize::from(height).saturating_sub(1).max(1));
        let mut frame = String::from(if first { "\u{1b}[2J\u{1b}[H" } else { "\u{1b}[H" });
        // A line too long is cut, not continued on the next: that would push the frame out of place.
        frame.push_str("\u{1b}[?7l");
        for line in lines.iter().take(room) {
            frame.push_str(&line.render(self.colour));
            frame.push_str("\u{1b}[K\n");
        }
        frame.push_str("\u{1b}[J\u{1b}[?7h");
        out.write_all(frame.as_bytes())?;
        Ok(out.flush()?)
    }

    /// Prints `value` as JSON, for programs that people look over the shoulder of.
    pub(super) fn pretty(self, value: &impl serde::Serialize) -> Result<(), CliError> {
        self.json(&serde_json::to_string_pretty(value).map_err(CliError::failure)?)
    }

    /// Prints JSON text.
    pub(super) fn json(self, json: &str) -> Result<(), CliError> {
        let mut out = io::stdout().lock();
        writeln!(out, "{}", clean_json(json))?;
        Ok(out.flush()?)
    }

    /// Where lines go, one after the other, as many as there are.
    pub(super) fn stream(self) -> Stream {
        Stream { out: io::BufWriter::new(io::stdout().lock()), colour: self.colour }
    }

    /// Where lines of JSON go, one after the other.
    pub(super) fn json_lines(self) -> JsonLines {
        JsonLines(io::BufWriter::new(io::stdout().lock()))
    }
}

/// How much of `bytes` is done, on standard error; nothing where that is no terminal.
pub(super) fn progress(bytes: u64) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left");
    let target =
        if io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(bytes), target);
    // The template is ours and whole.
    style.into_iter().fold(bar, ProgressBar::with_style)
}

/// Lines of JSON on standard output.
pub(super) struct JsonLines(io::BufWriter<io::StdoutLock<'static>>);

impl JsonLines {
    /// Prints one.
    pub(super) fn line(&mut self, json: &str) -> Result<(), CliError> {
        Ok(writeln!(self.0, "{}", clean_json(json))?)
    }

    /// Says that it was the last.
    pub(super) fn end(mut self) -> Result<(), CliError> {
        Ok(self.0.flush()?)
    }
}

/// Lines on standard output, of which only the last must be told.
pub(super) struct Stream {
    out: io::BufWriter<io::StdoutLock<'static>>,
    colour: bool,
}

impl Stream {
    /// Prints a line.
    pub(super) fn line(&mut self, line: &Line) -> Result<(), CliError> {
        Ok(writeln!(self.out, "{}", line.render(self.colour))?)
    }

    /// Prints a line of JSON.
    pub(super) fn json(&mut self, json: &str) -> Result<(), CliError> {
        Ok(writeln!(self.out, "{}", clean_json(json))?)
    }

    /// Brings out what was printed.
    pub(super) fn shown(&mut self) -> Result<(), CliError> {
        Ok(self.out.flush()?)
    }

    /// Says that it was the last.
    pub(super) fn end(mut self) -> Result<(), CliError> {
        self.shown()
    }
}

/// For what is [clean](super::text::clean) already, and no line.
impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Says on standard error what is no error, and no part of what was asked for.
pub(super) fn note(text: &str) {
    let colour = io::stderr().is_terminal() && wants_colour(|name| std::env::var(name).ok());
    let line = Line::styled(Style::Dim, text).render(colour);
    // With standard error gone there is nobody to tell.
    writeln!(io::stderr().lock(), "{line}").unwrap_or_default();
}

/// Prints an error on standard error.
pub(super) fn error(error: &CliError) {
    if error.is_silent() {
        return;
    }
    let colour = io::stderr().is_terminal() && wants_colour(|name| std::env::var(name).ok());
    let mut text = String::new();
    // The error's own line breaks are kept: a configuration error shows an excerpt. Nothing else is.
    for line in error.to_string().lines() {
        let heading = ["Error:", "Caused by:", "Hint:"].into_iter().find(|heading| line.starts_with(heading));
        let line = match heading.and_then(|heading| Some((heading, line.strip_prefix(heading)?))) {
            Some(("Error:", rest)) => Line::styled(Style::Bad, "Error:").and(Style::Plain, rest),
            Some((heading, rest)) => Line::styled(Style::Bold, heading).and(Style::Plain, rest),
            None => Line::plain(line),
        };
        text.push_str(&line.render(colour));
        text.push('\n');
    }
    // With standard error gone there is nobody to tell.
    io::stderr().lock().write_all(text.as_bytes()).unwrap_or_default();
}

/// Prints clap's help, version or complaint, and says how the program ends.
pub(super) fn usage(usage: &clap::Error) -> u8 {
    // A reader that left has seen enough.
    usage.print().unwrap_or_default();
    if usage.use_stderr() { exit::USAGE } else { exit::OK }
}

fn wants_colour(var: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name| var(name).is_some_and(|value| !value.is_empty());
    !set("NO_COLOR") && var("TERM").is_some_and(|term| term != "dumb")
}

fn from_environment(name: &str) -> Option<u16> {
    std::env::var(name).ok()?.parse().ok().filter(|size| *size > 0)
}

#[cfg(test)]
mod tests {
    use super::wants_colour;

    #[test]
    fn colour_is_for_terminals_that_want_it() {
        let with = |no_color: Option<&str>, term: Option<&str>| {
            wants_colour(|name| if name == "TERM" { term } else { no_color }.map(str::to_owned))
        };
        assert!(with(None, Some("xterm-256color")));
        assert!(with(Some(""), Some("xterm")), "an empty NO_COLOR is an unset one");
        assert!(!with(Some("1"), Some("xterm")));
        assert!(!with(None, Some("dumb")));
        assert!(!with(None, None));
    }
}
