//! One step of the set-up: the exact command it stands for, and carrying it out.

use std::fs::{self, File};

use anyhow::{Context as _, Result, ensure};
use xshell::cmd;

use super::plan::{LINKER_VERSION, linker_dir};
use crate::shell;
use crate::workspace::Workspace;

/// How long rustup may take to fetch a component before the other way is tried, in seconds.
const RUSTUP_SECONDS: &str = "120";

/// The linker's own code is little beside LLVM's: compiling it with less care saves a third of the time.
const LINKER_PROFILE: [(&str, &str); 2] =
    [("CARGO_PROFILE_RELEASE_DEBUG", "0"), ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")];

/// One thing to install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// The library sources of rustup's nightly.
    RustSrc,
    /// Debian packages.
    Apt {
        /// Their names.
        packages: Vec<String>,
    },
    /// bpf-linker, against this LLVM.
    Linker {
        /// LLVM's major release.
        llvm: u32,
    },
}

impl Step {
    /// Why, for a person.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::RustSrc => {
                "rustup's nightly has no library sources to build `core` for BPF from. Adding them:"
                    .to_owned()
            }
            Self::Apt { .. } => "packages are missing. Installing them, removing none:".to_owned(),
            Self::Linker { llvm } => format!("no bpf-linker for LLVM {llvm}. Building it (a minute or two):"),
        }
    }

    /// The command, as a person would type it.
    pub(crate) fn command(&self, workspace: &Workspace) -> String {
        match self {
            Self::RustSrc => "rustup component add rust-src --toolchain nightly".to_owned(),
            Self::Apt { packages } => {
                format!("apt-get install --yes --no-install-recommends --no-remove {}", packages.join(" "))
            }
            Self::Linker { llvm } => {
                let root = linker_dir(workspace, *llvm);
                let root = root.parent().unwrap_or(&root).display();
                format!(
                    "{} LLVM_PREFIX=/usr/lib/llvm-{llvm} cargo install bpf-linker --version {LINKER_VERSION} --locked \
                     --no-default-features --features llvm-{llvm} --root {root}",
                    LINKER_PROFILE.map(|(name, value)| format!("{name}={value}")).join(" ")
                )
            }
        }
    }

    /// Carries it out.
    pub(crate) fn run(&self, workspace: &Workspace) -> Result<()> {
        match self {
            Self::RustSrc => rust_src(workspace),
            Self::Apt { packages } => apt_install(workspace, packages),
            Self::Linker { llvm } => build_linker(workspace, *llvm),
        }
    }
}

/// Holds other set-ups of this workspace off until the result is dropped.
///
/// Nothing is written when `ready`: a set-up that has nothing to do leaves no trace.
pub(super) fn lock(workspace: &Workspace, ready: impl FnOnce() -> bool) -> Result<Option<File>> {
    if ready() {
        return Ok(None);
    }
    shell::lock(&workspace.tools().join("lock")).map(Some)
}

fn rust_src(workspace: &Workspace) -> Result<()> {
    let sh = shell::shell(workspace)?;
    let command = cmd!(sh, "timeout {RUSTUP_SECONDS} rustup component add rust-src --toolchain nightly");
    shell::without_build_variables(command).env("RUST_BACKTRACE", "0").quiet().run()?;
    Ok(())
}

/// Installs Debian packages; if they are not known, asks the mirrors once and tries again.
pub(crate) fn apt_install(workspace: &Workspace, packages: &[String]) -> Result<()> {
    let sh = shell::shell(workspace)?;
    let install = || {
        cmd!(sh, "apt-get install --yes --quiet --no-install-recommends --no-remove {packages...}")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .quiet()
            .run()
    };
    if install().is_ok() {
        return Ok(());
    }
    println!("setup: the package lists may be old:\n    apt-get update");
    cmd!(sh, "apt-get update --quiet").quiet().run()?;
    install()?;
    Ok(())
}

/// Builds bpf-linker beside its place and moves it there when it runs, so that an interrupted build is never found.
fn build_linker(workspace: &Workspace, llvm: u32) -> Result<()> {
    let sh = shell::shell(workspace)?;
    let partial = workspace.tools().join("partial");
    sh.remove_path(&partial)?;
    let cargo = shell::cargo();
    let feature = format!("llvm-{llvm}");
    let command = cmd!(
        sh,
        "{cargo} install bpf-linker --version {LINKER_VERSION} --locked --no-default-features --features {feature} --root {partial}"
    );
    shell::without_build_variables(command)
        .env("LLVM_PREFIX", format!("/usr/lib/llvm-{llvm}"))
        .quiet()
        .run()?;
    let built = partial.join("bin/bpf-linker");
    cmd!(sh, "{built} --version").quiet().ignore_stdout().run()?;

    let bin = linker_dir(workspace, llvm);
    let place = bin.parent().context("the linker's place has a parent")?;
    sh.remove_path(place)?;
    fs::rename(&partial, place)
        .with_context(|| format!("cannot move bpf-linker to `{}`", place.display()))?;
    ensure!(shell::is_executable(&bin.join("bpf-linker")), "bpf-linker is not where it should be");
    Ok(())
}
