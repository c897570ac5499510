//! Runs the program, away from the environment the tests themselves run in.

use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The program, told to look for its directories under `dir`, with nothing else in its environment.
pub(crate) fn program(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcpgw-agent"));
    command.env_clear().env("MCPGW_RUNTIME_DIR", dir).env("MCPGW_STATE_DIR", dir);
    command.args(arguments).current_dir(dir).stdin(Stdio::null());
    command
}

/// Runs it to its end.
pub(crate) fn run(dir: &Path, arguments: &[&str]) -> Output {
    program(dir, arguments).output().expect("the program was built")
}

/// Code, standard output and standard error as one text, `dir` written as `DIR`.
#[must_use = "look at the transcript"]
pub(crate) fn transcript(dir: &Path, arguments: &[&str]) -> String {
    let output = run(dir, arguments);
    let mut text = format!("exit {}\n", output.status.code().expect("it ends by itself"));
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        if !bytes.is_empty() {
            write!(text, "--- {name}\n{}", String::from_utf8_lossy(bytes)).unwrap();
        }
    }
    text.replace(&dir.display().to_string(), "DIR")
}
