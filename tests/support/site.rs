//! Two working directories of a test's own, by which its processes are told from everyone else's.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::host::{children, cwd_of, descendants};

/// Where a test's client and server run.
#[derive(Debug)]
pub(crate) struct Site {
    root: tempfile::TempDir,
    /// Working directory of the client driver.
    pub(crate) client: PathBuf,
    /// Working directory of the server, and of whatever wraps it.
    pub(crate) server: PathBuf,
}

impl Site {
    /// Fresh directories that every user may enter.
    pub(crate) fn new() -> Self {
        let root = tempfile::Builder::new().prefix("mcpgw-e2e-").tempdir().expect("a temporary directory");
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
        let path = root.path().canonicalize().expect("it exists");
        let (client, server) = (path.join("client"), path.join("server"));
        for dir in [&client, &server] {
            fs::create_dir(dir).expect("the parent exists");
        }
        Self { root, client, server }
    }

    /// The directory both are in.
    pub(crate) fn path(&self) -> &Path {
        self.root.path()
    }

    /// The process at the end of the chain `top` → wrapper → … → server: in the server's directory,
    /// childless.
    pub(crate) fn real_server(&self, top: u32) -> Option<u32> {
        let mut chain = descendants(top);
        chain.push(top);
        let mut leaves = chain
            .into_iter()
            .filter(|&pid| cwd_of(pid).as_ref() == Some(&self.server) && children(pid).is_empty());
        let leaf = leaves.next()?;
        leaves.next().is_none().then_some(leaf)
    }
}
