//! Programs of a test's own.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Makes `path` a program of these bytes, which everybody may run.
///
/// Another process writes it: what this one has open for writing another test may just be forking into a child, and then the
/// program does not start ("text file busy").
pub(crate) fn install(path: &Path, bytes: impl AsRef<[u8]>) {
    let mut command = Command::new("install");
    command.args(["-m", "755", "/dev/stdin"]).arg(path).stdin(Stdio::piped());
    let mut child = command.spawn().expect("install runs");
    child.stdin.take().expect("piped").write_all(bytes.as_ref()).expect("install reads");
    let done = child.wait().expect("it is ours");
    assert!(done.success(), "install: {done}");
}
