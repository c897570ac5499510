//! Programs of a test's own.

use std::fs::{Permissions, remove_file, set_permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Makes `path` a program of these bytes, which everybody may run.
///
/// Another process writes it: what this one has open for writing another test may just be forking into a child, and then the
/// program does not start ("text file busy"). It takes what the kernels of the matrix have on board, too.
pub(crate) fn install(path: &Path, bytes: impl AsRef<[u8]>) {
    // What is there already this process may have written.
    remove_file(path).ok();
    let mut command = Command::new("sh");
    command.args(["-c", "cat > \"$0\""]).arg(path).stdin(Stdio::piped());
    let mut child = command.spawn().expect("sh runs");
    child.stdin.take().expect("piped").write_all(bytes.as_ref()).expect("cat reads");
    let done = child.wait().expect("it is ours");
    assert!(done.success(), "sh: {done}");
    set_permissions(path, Permissions::from_mode(0o755)).expect("it is there");
}
