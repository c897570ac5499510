//! Where things are: the repository root and the places below it that the subcommands share.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// The repository this program was built from, or is run in.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Finds the workspace: cargo says where this package is; without cargo, upwards from the current directory.
    pub(crate) fn find() -> Result<Self> {
        let start = match std::env::var_os("CARGO_MANIFEST_DIR") {
            Some(dir) => PathBuf::from(dir),
            None => std::env::current_dir().context("no current directory")?,
        };
        for dir in start.ancestors() {
            let manifest = fs::read_to_string(dir.join("Cargo.toml")).unwrap_or_default();
            if manifest.contains("[workspace]") && dir.join("xtask").is_dir() {
                return Ok(Self { root: dir.to_owned() });
            }
        }
        bail!("no mcpgw workspace at or above `{}`", start.display())
    }

    /// The repository's root, absolute.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A path below the root.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    /// Where cargo builds: always `target` here, whatever `CARGO_TARGET_DIR` says, so that the README's paths hold.
    pub(crate) fn target(&self) -> PathBuf {
        self.path("target")
    }

    /// Tools the build needs and `cargo xtask setup` made. Kept out of `target`, so `cargo clean` leaves them.
    pub(crate) fn tools(&self) -> PathBuf {
        self.path(".tools")
    }

    /// The built probes.
    pub(crate) fn bpf_object(&self) -> PathBuf {
        self.target().join("bpf/bpfel-unknown-none/release/mcpgw-ebpf")
    }

    /// The agent, as `cargo xtask build` leaves it.
    pub(crate) fn agent(&self) -> PathBuf {
        self.target().join("release/mcpgw-agent")
    }

    /// The test peers, as `cargo xtask peers` leaves them.
    pub(crate) fn peers(&self) -> PathBuf {
        self.target().join("peers")
    }

    /// Kernels to test with, their logs, and what they boot into.
    pub(crate) fn kernels(&self) -> PathBuf {
        self.target().join("kernels")
    }
}
