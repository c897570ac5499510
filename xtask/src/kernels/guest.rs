//! One kernel in qemu: booted, watched, and what the tests in it said.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::QEMU;
use crate::test::Totals;
use crate::workspace::Workspace;

/// Longest a kernel may say nothing. Reached only by one that hangs: a test that waits in vain gives up far sooner.
const PATIENCE: Duration = Duration::from_secs(600);
/// The init says it at the end.
const END: &str = "GUEST END";
/// What a test says of a hook.
const HOOK: &str = "HOOK ";
/// Lines shown of a run that failed.
const SHOWN: usize = 60;

/// What came of a run.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// Tests by how they ended.
    pub(crate) totals: Totals,
    /// The kernel, as it calls itself.
    pub(crate) release: String,
    /// Hooks by name, and whether they work.
    pub(crate) hooks: Vec<(String, bool)>,
    /// From start to end.
    pub(crate) took: Duration,
}

/// Which security modules a kernel has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    /// BPF is one of them.
    WithBpf,
    /// It is not.
    Plain,
}

/// How a kernel is booted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Boot<'a> {
    /// Its column of `tests/kernel/hooks.txt`.
    pub(crate) column: &'static str,
    pub(crate) security: Security,
    /// Tests whose name contains it are run.
    pub(crate) filter: Option<&'a str>,
}

/// Boots `kernel` with the image and runs the tests. All it said is in `target/kernels/COLUMN/log`.
///
/// # Errors
/// When qemu cannot be started or the log cannot be written.
pub(crate) fn run(workspace: &Workspace, boot: Boot<'_>, kernel: &Path, image: &Path) -> Result<Run> {
    let series = boot.column;
    let directory = workspace.kernels().join(series);
    fs::create_dir_all(&directory).with_context(|| format!("cannot make `{}`", directory.display()))?;
    let log = directory.join("log");
    println!("kernels: {series}: booting, log in {}", log.display());
    let started = Instant::now();
    let mut child = start(boot, kernel, image)?;
    let lines = follow(&mut child, &log)?;
    child.kill().ok();
    child.wait()?;
    let mut run = understand(&lines);
    run.took = started.elapsed();
    if run.totals.failed > 0 {
        println!("kernels: {series}: the end of its log:");
        for line in lines.iter().skip(lines.len().saturating_sub(SHOWN)) {
            println!("    {line}");
        }
    }
    Ok(run)
}

/// Starts the emulator. Not with KVM: where that is itself emulated guests have been seen to hang.
fn start(Boot { column, security, filter }: Boot<'_>, kernel: &Path, image: &Path) -> Result<Child> {
    let modules = match security {
        Security::WithBpf => "landlock,lockdown,capability,bpf",
        Security::Plain => "landlock,lockdown,capability",
    };
    // What the kernel does not know and has no dot in it becomes a variable of the init. On a busy machine the emulated timer
    // may be late, for which a kernel that checks it gives up.
    let mut line = format!(
        "console=ttyS0 loglevel=4 panic=-1 no_timer_check mitigations=off lsm={modules} MCPGW_KERNEL={column}"
    );
    if let Some(filter) = filter {
        line.push_str(&format!(" MCPGW_FILTER={filter}"));
    }
    Command::new(QEMU)
        .args(["-accel", "tcg", "-cpu", "max", "-m", "1536", "-smp", "2"])
        .args(["-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio"])
        .arg("-kernel")
        .arg(kernel)
        .arg("-initrd")
        .arg(image)
        .args(["-append", &line])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{QEMU}`"))
}

/// Every line until the init says that it is done, qemu ends, or patience does.
fn follow(child: &mut Child, log: &Path) -> Result<Vec<String>> {
    let output = child.stdout.take().context("qemu has an output")?;
    let (sender, receiver) = mpsc::channel();
    // Ends with qemu, which ends before this function's caller goes on.
    thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            if sender.send(String::from_utf8_lossy(&line).trim_end().to_owned()).is_err() {
                return;
            }
        }
    });
    let mut file = fs::File::create(log).with_context(|| format!("cannot write `{}`", log.display()))?;
    let started = Instant::now();
    let mut lines = Vec::new();
    loop {
        match receiver.recv_timeout(PATIENCE) {
            Ok(line) => {
                writeln!(file, "{:>7.1} {line}", started.elapsed().as_secs_f64())?;
                let is_last = line.starts_with(END);
                lines.push(line);
                if is_last {
                    return Ok(lines);
                }
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(lines),
            Err(RecvTimeoutError::Timeout) => {
                lines.push(format!("it was given up after {} s of silence", PATIENCE.as_secs()));
                return Ok(lines);
            }
        }
    }
}

/// Reads what was said. A guest that did not come to its end has a failed test more: whatever it was doing.
fn understand(lines: &[String]) -> Run {
    let mut run = Run::default();
    for line in lines {
        run.totals.add_line(line);
        if let Some(release) = line.strip_prefix("GUEST ")
            && run.release.is_empty()
        {
            run.release = release.to_owned();
        }
        if let Some((name, state)) = line.strip_prefix(HOOK).and_then(|hook| hook.split_once(' ')) {
            run.hooks.push((name.to_owned(), state.starts_with("yes")));
        }
    }
    let ended = lines.iter().rev().find_map(|line| line.strip_prefix(END));
    if ended.map(str::trim) != Some("0") && run.totals.failed == 0 {
        run.totals.failed = 1;
    }
    run
}

#[cfg(test)]
mod tests {
    use super::understand;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_run_is_read_from_what_was_said() {
        let run = understand(&lines(
            "[    0.1] noise\nGUEST 6.1.0-56-cloud-amd64\nHOOK exec yes \nHOOK unix no os error 22\n\
             test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\nGUEST END 0",
        ));
        assert_eq!(run.release, "6.1.0-56-cloud-amd64");
        assert_eq!(run.hooks, [("exec".to_owned(), true), ("unix".to_owned(), false)]);
        assert_eq!((run.totals.passed, run.totals.failed), (3, 0));
    }

    #[test]
    fn a_guest_that_died_failed() {
        assert_eq!(understand(&lines("GUEST 5.10.0\n[ 3.1] Kernel panic")).totals.failed, 1);
        assert_eq!(understand(&lines("GUEST 5.10.0\nGUEST END 101")).totals.failed, 1);
        assert_eq!(understand(&[]).totals.failed, 1);
    }
}
