//! Where a confined server runs.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::wrapped_with;

/// A policy, a home and a directory to work in, with files that all say `notes`.
pub(crate) struct Site {
    dir: tempfile::TempDir,
}

impl Site {
    /// With these `effects`, in enforce mode.
    pub(crate) fn new(effects: &str) -> Self {
        let site = Self { dir: tempfile::tempdir().unwrap() };
        for directory in ["home/.ssh", "home/.cursor", "home/open", "dotfiles/aws", "work"] {
            fs::create_dir_all(site.path(directory)).unwrap();
        }
        for file in [
            "home/.ssh/id_ed25519",
            "home/.cursor/mcp.json",
            "home/.netrc",
            "home/notes",
            "dotfiles/aws/key",
            "work/notes.txt",
        ] {
            fs::write(site.path(file), "notes").unwrap();
        }
        symlink("../dotfiles/aws", site.path("home/.aws")).unwrap();
        let policy = format!(
            "version: v1\nmode: enforce\nrules: [{{name: all, action: allow, match: {{methods: ['*']}}}}]\neffects:\n{effects}"
        );
        fs::write(site.path("policy.yaml"), policy).unwrap();
        site
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// `server` behind `wrap`, there.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, server: impl IntoIterator<Item = S>) -> Command {
        let mut wrap = wrapped_with([Path::new("--policy"), &self.path("policy.yaml")], server);
        wrap.env("HOME", self.path("home")).current_dir(self.path("work"));
        wrap
    }
}
