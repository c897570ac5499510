//! Runs one test: root check, how many run at once, loud skips, measured numbers.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

/// Agents at work at the same time. More would make deadlines a matter of luck on a small machine.
const PLACES: usize = 3;

static TAKEN: Mutex<usize> = Mutex::new(0);
static FREED: Condvar = Condvar::new();
static SKIPS: AtomicUsize = AtomicUsize::new(0);

/// Whether other tests may run meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Company {
    /// Yes.
    Shared,
    /// No: it measures, loads the machine, or looks at what is global in the kernel.
    Alone,
}

/// Why a test cannot run here.
#[derive(Debug)]
pub(crate) struct Skipped(pub(crate) String);

/// Runs `body` with root's rights and in the right company.
///
/// # Panics
///
/// If `body` does, or if it skips where skipping is not allowed (`CI` or `MCPGW_REQUIRE_PEERS` is set).
pub(crate) fn scenario(company: Company, body: impl FnOnce() -> Result<(), Skipped>) {
    let _places = Places::take(company);
    let outcome = need(nix::unistd::geteuid().is_root(), "these tests need root: eBPF programs are loaded")
        .and_then(|()| body());
    if let Err(Skipped(why)) = outcome {
        let strict = ["CI", "MCPGW_REQUIRE_PEERS"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|v| v != "0" && !v.is_empty()));
        assert!(!strict, "would be skipped, but must not be here: {why}");
        let count = SKIPS.fetch_add(1, Ordering::Relaxed) + 1;
        say(&format!("SKIPPED: {} ({count} so far): {why}", test_name()));
    }
}

/// `Err` with the reason unless `held`.
pub(crate) fn need(held: bool, why: &str) -> Result<(), Skipped> {
    if held { Ok(()) } else { Err(Skipped(why.to_owned())) }
}

/// Tells a measured number, whether the test passes or not.
pub(crate) fn measured(what: &str) {
    say(&format!("MEASURED: {}: {what}", test_name()));
}

/// Past the test harness's capture, which hides what passing tests print.
fn say(line: &str) {
    writeln!(std::io::stderr(), "\n{line}").expect("stderr is open");
}

fn test_name() -> String {
    std::thread::current().name().unwrap_or("test").to_owned()
}

/// Held places; given back on drop, also when the test panics.
struct Places(usize);

impl Places {
    fn take(company: Company) -> Self {
        let wanted = match company {
            Company::Shared => 1,
            Company::Alone => PLACES,
        };
        let taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken =
            FREED.wait_while(taken, |taken| *taken + wanted > PLACES).unwrap_or_else(PoisonError::into_inner);
        *taken += wanted;
        Self(wanted)
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) -= self.0;
        FREED.notify_all();
    }
}
