//! Decides what `setup` does next, from facts alone.

use std::fmt;
use std::path::PathBuf;

use clap::ValueEnum;

use super::facts::{Compiler, Facts, LLVM_KNOWN};
use super::step::Step;
use crate::workspace::Workspace;

/// The bpf-linker release the probes are built with.
pub(crate) const LINKER_VERSION: &str = "0.13.0";
/// The oldest compiler the workspace builds with, 1.x.
const OLDEST_MINOR: u32 = 95;
const DEBIAN_PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "libstd-rust-web-dev-bpf"];
const LINK_PACKAGES: [&str; 4] = ["gcc", "libc6-dev", "pkg-config", "zlib1g-dev"];

/// A way to a BPF toolchain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Way {
    /// rustup's nightly builds `core` from `rust-src`
    Nightly,
    /// Debian's rustc has `core` for BPF prebuilt
    Debian,
}

/// A complete toolchain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Toolchain {
    /// Which compiler.
    pub(crate) way: Way,
    /// The directory bpf-linker is in.
    pub(crate) linker_dir: PathBuf,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing: this toolchain is complete.
    Ready(Toolchain),
    /// This, and then look again.
    Do(Step),
    /// Nothing we may do helps; what a person can do.
    Stuck(String),
}

/// Where a linker of ours for this LLVM lives.
pub(super) fn linker_dir(workspace: &Workspace, llvm: u32) -> PathBuf {
    workspace.tools().join(format!("bpf-linker-{LINKER_VERSION}-llvm-{llvm}")).join("bin")
}

/// Decides: a complete way first, then the first step of the first way that can still be completed.
///
/// `only` leaves the other way out. `done` are the steps already taken, whether they worked or not.
pub(crate) fn next(facts: &Facts, only: Option<Way>, done: &[Step]) -> Next {
    let ways = [Way::Nightly, Way::Debian].into_iter().filter(|way| only.is_none_or(|only| only == *way));
    let mut step = None;
    for way in ways {
        match way_next(facts, way) {
            Ok(linker_dir) => return Next::Ready(Toolchain { way, linker_dir }),
            Err(Some(wanted)) if step.is_none() && !done.contains(&wanted) => step = Some(wanted),
            Err(_) => {}
        }
    }
    match step {
        Some(step) => Next::Do(step),
        None => Next::Stuck(advice(facts)),
    }
}

/// The linker to use with this way, or the step that brings it closer, or neither: the way is closed.
fn way_next(facts: &Facts, way: Way) -> Result<PathBuf, Option<Step>> {
    let compiler = match way {
        Way::Nightly => facts.nightly.as_ref().ok_or(None)?,
        Way::Debian => match &facts.debian {
            Some(compiler) if compiler.core => compiler,
            _ => return Err(apt(facts, &DEBIAN_PACKAGES)),
        },
    };
    if compiler.minor < OLDEST_MINOR || !LLVM_KNOWN.contains(&compiler.llvm) {
        return Err(None);
    }
    if !compiler.core {
        return Err(Some(Step::RustSrc));
    }
    linker(facts, compiler)
}

fn linker(facts: &Facts, compiler: &Compiler) -> Result<PathBuf, Option<Step>> {
    let ours = facts.linkers.iter().find(|(llvm, _)| *llvm == compiler.llvm).map(|(_, dir)| dir);
    if let Some(dir) = ours {
        return Ok(dir.clone());
    }
    if let Some(dir) = &facts.foreign_linker {
        return Ok(dir.clone());
    }
    if facts.llvm.contains(&compiler.llvm) && facts.link_tools {
        return Err(Some(Step::Linker { llvm: compiler.llvm }));
    }
    let llvm = format!("llvm-{}-dev", compiler.llvm);
    Err(apt(facts, &std::iter::once(llvm.as_str()).chain(LINK_PACKAGES).collect::<Vec<_>>()))
}

/// Installing packages, where we may.
fn apt(facts: &Facts, packages: &[&str]) -> Option<Step> {
    let packages = packages.iter().map(|package| (*package).to_owned()).collect();
    (facts.apt && facts.root).then_some(Step::Apt { packages })
}

/// The commands a person can run where we may not, or where what we tried did not work.
fn advice(facts: &Facts) -> String {
    let llvm = facts.debian.as_ref().map_or_else(|| "N".to_owned(), |compiler| compiler.llvm.to_string());
    let mut text =
        "no BPF toolchain, and none that setup may or can install here. Either of these gives one:\n"
            .to_owned();
    text.push_str("\n  any distribution, with rustup:\n");
    text.push_str("    rustup toolchain install nightly --profile minimal --component rust-src\n");
    text.push_str(&format!("    cargo binstall bpf-linker@{LINKER_VERSION}\n"));
    text.push_str("\n  Debian, as root (N is the LLVM version `/usr/bin/rustc -vV` prints):\n");
    text.push_str(&format!(
        "    apt-get update && apt-get install --no-install-recommends {}\n",
        DEBIAN_PACKAGES.join(" ")
    ));
    text.push_str(&format!(
        "    apt-get install --no-install-recommends llvm-{llvm}-dev {}\n",
        LINK_PACKAGES.join(" ")
    ));
    text.push_str("\nThen run `cargo xtask setup` again: it builds bpf-linker itself once LLVM is there.");
    text
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let compiler = match self.way {
            Way::Nightly => "rustup's nightly with rust-src",
            Way::Debian => "Debian's rustc with its core for BPF",
        };
        write!(f, "{compiler}, bpf-linker in {}", self.linker_dir.display())
    }
}

#[cfg(test)]
mod tests;
