//! The steps of `cargo xtask test`, each of which can be run by hand as well.

use std::io::BufReader;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context as _, Result, bail};
use xshell::cmd;

use super::report::{self, Totals};
use super::{Args, Outcome};
use crate::setup::Way;
use crate::workspace::Workspace;
use crate::{build, kernels, peers, setup, shell, tidy};

/// What is compiled for this machine. The probes are compiled for another.
const HOST_PACKAGES: [&str; 6] =
    ["--package", "mcpgw-common", "--package", "mcpgw-agent", "--package", "xtask"];

/// Makes an end-to-end test fail where it would skip.
const REQUIRE_PEERS: &str = "MCPGW_REQUIRE_PEERS";

/// What the cases of property tests are made from. Two runs of one commit try the same cases; whoever looks for others sets
/// another number, or more of them (`PROPTEST_CASES`).
const SEED: (&str, &str) = ("PROPTEST_RNG_SEED", "1");

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Setup,
    Peers,
    Format,
    Tidy,
    Clippy,
    ClippyBpf,
    Build,
    /// A script below `tests/packaging`: what is packaged beside the program.
    Packaging {
        name: &'static str,
        interpreter: &'static str,
        script: &'static str,
    },
    /// The kernel's tests on other kernels, or on those named.
    Kernels {
        named: Vec<String>,
        filter: Option<String>,
    },
    /// `cargo test`, all of it or only unit tests, filtered by name.
    Cargo {
        units_only: bool,
        filter: Option<String>,
    },
}

/// Which steps, in order. `quick` needs neither root nor network nor a BPF toolchain.
pub(crate) fn plan(args: &Args) -> Vec<Step> {
    let Args { quick, ref kernels, ref filter } = *args;
    if let Some(named) = kernels {
        return vec![Step::Setup, Step::Kernels { named: named.clone(), filter: filter.clone() }];
    }
    let tests = Step::Cargo { units_only: quick, filter: filter.clone() };
    match (quick, filter.is_some()) {
        (true, true) => vec![tests],
        (false, true) => vec![Step::Setup, Step::Peers, Step::Build, tests],
        (true, false) => vec![Step::Format, Step::Tidy, Step::Clippy, tests],
        (false, false) => vec![
            Step::Setup,
            Step::Peers,
            Step::Format,
            Step::Tidy,
            Step::Clippy,
            Step::ClippyBpf,
            Step::Build,
            packaging("alert rules", "python3", "prometheus.py"),
            packaging("systemd unit", "bash", "systemd.sh"),
            packaging("systemd service", "bash", "nspawn.sh"),
            tests,
        ],
    }
}

fn packaging(name: &'static str, interpreter: &'static str, script: &'static str) -> Step {
    Step::Packaging { name, interpreter, script }
}

impl Step {
    /// What it is called.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Setup => "BPF toolchain",
            Self::Peers => "test peers",
            Self::Format => "format",
            Self::Tidy => "tidy",
            Self::Clippy => "clippy",
            Self::ClippyBpf => "clippy (probes)",
            Self::Build => "build",
            Self::Packaging { name, .. } => name,
            Self::Kernels { .. } => "kernels",
            Self::Cargo { units_only: true, .. } => "unit tests",
            Self::Cargo { units_only: false, .. } => "cargo test",
        }
    }

    /// Later steps need what this one makes.
    pub(crate) fn makes_build(&self) -> bool {
        matches!(self, Self::Setup | Self::Build)
    }

    /// It needs what [`Self::makes_build`] steps made.
    pub(crate) fn needs_build(&self) -> bool {
        matches!(
            self,
            Self::ClippyBpf
                | Self::Build
                | Self::Packaging { .. }
                | Self::Kernels { .. }
                | Self::Cargo { units_only: false, .. }
        )
    }

    /// Runs it.
    pub(crate) fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        match self {
            Self::Setup => {
                println!("{}", setup::ensure(workspace)?);
                Ok(Outcome::Passed)
            }
            Self::Peers => peers::run(workspace).map(|()| Outcome::Passed),
            Self::Format => format(workspace),
            Self::Tidy => tidy::run(workspace).map(|()| Outcome::Passed),
            Self::Clippy => clippy(workspace),
            Self::ClippyBpf => clippy_bpf(workspace),
            Self::Build => build(workspace),
            Self::Packaging { interpreter, script, .. } => packaged(workspace, interpreter, script),
            Self::Kernels { named, filter } => kernels::run(workspace, named, filter.as_deref()),
            Self::Cargo { units_only, filter } => cargo_test(workspace, *units_only, filter.as_deref()),
        }
    }
}

fn format(workspace: &Workspace) -> Result<Outcome> {
    let sh = shell::shell(workspace)?;
    let cargo = shell::cargo();
    cmd!(sh, "{cargo} fmt --all --check").quiet().run()?;
    Ok(Outcome::Passed)
}

fn clippy(workspace: &Workspace) -> Result<Outcome> {
    let sh = shell::shell(workspace)?;
    let cargo = shell::cargo();
    let target = workspace.target();
    cmd!(sh, "{cargo} clippy {HOST_PACKAGES...} --all-targets --target-dir {target} -- -D warnings")
        .quiet()
        .run()?;
    Ok(Outcome::Passed)
}

fn clippy_bpf(workspace: &Workspace) -> Result<Outcome> {
    let sh = shell::shell(workspace)?;
    let toolchain = setup::ensure(workspace)?;
    let there = match toolchain.way {
        Way::Debian => shell::is_executable(&PathBuf::from("/usr/bin/cargo-clippy")),
        Way::Nightly => Command::new("rustup")
            .args(["run", "nightly", "cargo", "clippy", "--version"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success()),
    };
    if !there {
        let hint = match toolchain.way {
            Way::Debian => "Debian's linter is not installed (package rust-web-clippy)",
            Way::Nightly => {
                "the nightly toolchain has no clippy (rustup component add clippy --toolchain nightly)"
            }
        };
        return Ok(Outcome::Skipped(hint.to_owned()));
    }
    // This compiler is not ours to choose: a lint it brings that we do not know warns, ours fail.
    let manifest = sh.read_file("Cargo.toml")?;
    let denied: Vec<String> =
        our_lints(&manifest).into_iter().flat_map(|lint| ["-D".to_owned(), lint]).collect();
    let last: Vec<&str> = std::iter::once("--").chain(denied.iter().map(String::as_str)).collect();
    build::cargo_bpf(workspace, &toolchain, "clippy", &["--release"], &last)?;
    Ok(Outcome::Passed)
}

/// The lints the workspace's table asks to warn about.
fn our_lints(manifest: &str) -> Vec<String> {
    let mut prefix = None;
    let mut lints = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            prefix = match line {
                "[workspace.lints.rust]" => Some(""),
                "[workspace.lints.clippy]" => Some("clippy::"),
                _ => None,
            };
        } else if let (Some(prefix), Some((name, level))) = (prefix, line.split_once(" = "))
            && level.contains("\"warn\"")
        {
            lints.push(format!("{prefix}{name}"));
        }
    }
    lints
}

fn build(workspace: &Workspace) -> Result<Outcome> {
    let object = build::bpf(workspace, &setup::ensure(workspace)?)?;
    build::agent(workspace, &object, false)?;
    Ok(Outcome::Passed)
}

/// Runs a script that ends with 0 where all is well and with 77 where it cannot be told here.
fn packaged(workspace: &Workspace, interpreter: &str, script: &str) -> Result<Outcome> {
    let status = Command::new(interpreter)
        .arg(workspace.path("tests/packaging").join(script))
        .env("MCPGW_AGENT_BIN", workspace.agent())
        .current_dir(workspace.root())
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot run `{interpreter}`"))?;
    match status.code() {
        Some(0) => Ok(Outcome::Passed),
        Some(77) => Ok(Outcome::Skipped("see above".to_owned())),
        _ => bail!("{script} ended with {status}"),
    }
}

fn cargo_test(workspace: &Workspace, units_only: bool, filter: Option<&str>) -> Result<Outcome> {
    let mut command = Command::new(shell::cargo());
    command.current_dir(workspace.root()).arg("test").args(HOST_PACKAGES).arg("--no-fail-fast");
    command.arg("--target-dir").arg(workspace.target());
    if units_only {
        command.args(["--lib", "--bins"]);
    } else {
        command.env(build::OBJECT_VARIABLE, workspace.bpf_object());
        // Bounds of time and memory are for what is shipped.
        command.env("MCPGW_AGENT_BIN", workspace.agent());
        if shell::is_root() {
            // The peers were installed and we may load probes: nothing has a reason to skip.
            command.env(REQUIRE_PEERS, "1");
        }
    }
    let (seed, number) = SEED;
    if std::env::var_os(seed).is_none() {
        command.env(seed, number);
    }
    command.args(filter);
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().context("cannot start cargo test")?;
    let stdout = child.stdout.take().context("cargo test has an output")?;
    let stderr = child.stderr.take().context("cargo test has an error output")?;
    let errors = thread::spawn(move || report::follow(BufReader::new(stderr), std::io::stderr()));
    let mut totals = report::follow(BufReader::new(stdout), std::io::stdout())?;
    totals.merge(&errors.join().unwrap_or_else(|_| Ok(Totals::default()))?);
    let status = child.wait()?;
    if !status.success() && totals.failed == 0 {
        println!(
            "cargo test ended with {status} and no failed test: it did not compile, or a test binary died"
        );
        totals.failed = 1;
    }
    Ok(Outcome::Tests(totals))
}

#[cfg(test)]
mod tests {
    use super::{Args, Step, our_lints};

    fn plan(quick: bool, filter: Option<&str>) -> Vec<Step> {
        super::plan(&Args { quick, kernels: None, filter: filter.map(str::to_owned) })
    }

    #[test]
    fn other_kernels_are_tested_only_when_asked_for() {
        let is_matrix = |step: &Step| matches!(step, Step::Kernels { .. });
        assert!(!plan(false, None).iter().any(is_matrix));
        let named = vec!["5.10".to_owned()];
        let steps = super::plan(&Args { quick: false, kernels: Some(named.clone()), filter: None });
        assert_eq!(steps, [Step::Setup, Step::Kernels { named, filter: None }]);
    }

    #[test]
    fn everything_ends_with_the_tests_and_sets_up_before_it_builds() {
        let steps = plan(false, None);
        let at = |wanted: &Step| steps.iter().position(|step| step == wanted).unwrap();
        assert!(at(&Step::Setup) < at(&Step::Build));
        assert_eq!(steps.last(), Some(&Step::Cargo { units_only: false, filter: None }));
    }

    #[test]
    fn our_lints_are_those_of_the_workspace_table() {
        let manifest = "[workspace.lints.rust]\na = { level = \"warn\", priority = -1 }\nb = \"deny\"\n\n\
                        [workspace.lints.clippy]\nc = \"warn\"           # why\n\n[profile.dev]\nd = \"warn\"\n";
        assert_eq!(our_lints(manifest), ["a", "clippy::c"]);
    }

    #[test]
    fn a_filter_runs_tests_only_and_quick_needs_no_probes() {
        let steps = plan(true, Some("wire"));
        assert_eq!(steps, [Step::Cargo { units_only: true, filter: Some("wire".to_owned()) }]);
        assert!(plan(true, None).iter().all(|step| !step.needs_build() && !step.makes_build()));
        assert!(!plan(false, Some("x")).contains(&Step::Clippy));
    }
}
