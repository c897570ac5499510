//! What tests of several modules need.

#[path = "../../tests/support/port.rs"]
mod port;

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

pub(crate) use port::reserved_port;

/// Time this thread has run: what work takes, however busy the machine is.
pub(crate) fn own_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap().into()
}

/// Says on the real standard error, which the test harness does not capture, what a test does not find out here.
pub(crate) fn skipped(what: &str) {
    writeln!(std::io::stderr(), "\nSKIPPED: {what}").expect("stderr is open");
}

/// Whether programs may be root in namespaces of their own; says that `test` is skipped where they may not.
pub(crate) fn has_namespaces(test: &str) -> bool {
    let mut unshare = Command::new("unshare");
    unshare.args(["--map-root-user", "--mount", "true"]).stderr(Stdio::null());
    let works = unshare.status().expect("unshare is installed").success();
    if !works {
        skipped(&format!("{test}, needs user namespaces"));
    }
    works
}
