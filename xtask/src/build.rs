//! Builds the probes with the BPF toolchain and the agent with the probes inside.
//!
//! The two builds share nothing: the probes' compiler flags would break the agent and the outer cargo's
//! environment would break the probes.

mod debug;

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use xshell::cmd;

use crate::setup::{self, Toolchain, Way};
use crate::shell;
use crate::workspace::Workspace;

/// Names the built probes to the agent's build, absolute.
pub(crate) const OBJECT_VARIABLE: &str = "MCPGW_BPF_OBJECT";
/// What the probes are compiled with: which registers a system call has, and type information for the loader.
const BPF_RUSTFLAGS: &str = r#"--cfg bpf_target_arch="x86_64" -Cdebuginfo=2 -Clink-arg=--btf"#;

/// Arguments of `cargo xtask build`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Build the agent unoptimised, into target/debug (the probes are always optimised: the verifier wants it)
    #[arg(long)]
    debug: bool,
    /// Build the probes only
    #[arg(long, conflicts_with = "debug")]
    bpf: bool,
}

/// Builds everything.
///
/// # Errors
/// When there is no BPF toolchain or something does not compile.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let object = bpf(workspace, &setup::ensure(workspace)?)?;
    let built = if args.bpf { object } else { agent(workspace, &object, args.debug)? };
    println!("build: {}", built.display());
    Ok(())
}

/// Builds the agent as it ships and says where it is.
///
/// # Errors
/// When there is no BPF toolchain or something does not compile.
pub(crate) fn release(workspace: &Workspace) -> Result<PathBuf> {
    let object = bpf(workspace, &setup::ensure(workspace)?)?;
    agent(workspace, &object, false)
}

/// Builds the probes and says where they are.
///
/// # Errors
/// When they do not compile.
pub(crate) fn bpf(workspace: &Workspace, toolchain: &Toolchain) -> Result<PathBuf> {
    cargo_bpf(workspace, toolchain, "build", &["--release"], &[])?;
    let object = workspace.bpf_object();
    ensure!(object.is_file(), "the BPF build left no `{}`", object.display());
    let mut elf = fs::read(&object).with_context(|| format!("cannot read `{}`", object.display()))?;
    if debug::empty(&mut elf)? > 0 {
        fs::write(&object, elf).with_context(|| format!("cannot write `{}`", object.display()))?;
    }
    Ok(object)
}

/// Runs a cargo subcommand on the probes' crate for the BPF target.
///
/// # Errors
/// When it fails.
pub(crate) fn cargo_bpf(
    workspace: &Workspace,
    toolchain: &Toolchain,
    subcommand: &str,
    args: &[&str],
    last: &[&str],
) -> Result<()> {
    let sh = shell::shell(workspace)?;
    let program: &[&str] = match toolchain.way {
        Way::Nightly => &["rustup", "run", "nightly", "cargo"],
        Way::Debian => &["/usr/bin/cargo"],
    };
    let build_std: &[&str] = match toolchain.way {
        Way::Nightly => &["-Z", "build-std=core"],
        Way::Debian => &[],
    };
    let (program, prefix) = program.split_first().context("a way has a program")?;
    let target_dir = workspace.target().join("bpf");
    let command = cmd!(
        sh,
        "{program} {prefix...} {subcommand} {build_std...} --package mcpgw-ebpf --target bpfel-unknown-none --target-dir {target_dir} {args...} {last...}"
    );
    let mut command = shell::without_build_variables(command)
        .env("PATH", shell::path_with(&toolchain.linker_dir)?)
        .env("RUSTFLAGS", BPF_RUSTFLAGS)
        .env("RUSTC_WRAPPER", "");
    if toolchain.way == Way::Debian {
        // The target is an unstable one, and the compiler is a release.
        command = command.env("RUSTC", "/usr/bin/rustc").env("RUSTC_BOOTSTRAP", "1");
    }
    command.quiet().run().context("the probes did not build")
}

/// Builds the agent around the probes and says where it is.
///
/// # Errors
/// When it does not compile.
pub(crate) fn agent(workspace: &Workspace, object: &std::path::Path, debug: bool) -> Result<PathBuf> {
    let sh = shell::shell(workspace)?;
    let cargo = shell::cargo();
    let target = workspace.target();
    let profile: Option<OsString> = (!debug).then(|| "--release".into());
    cmd!(sh, "{cargo} build --package mcpgw-agent --target-dir {target} {profile...}")
        .env(OBJECT_VARIABLE, object)
        .quiet()
        .run()
        .context("the agent did not build")?;
    Ok(if debug { target.join("debug/mcpgw-agent") } else { workspace.agent() })
}
