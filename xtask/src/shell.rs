//! Starting other programs: what they inherit, what is shown, and who we are.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context as _, Result};
use xshell::{Cmd, Shell};

use crate::workspace::Workspace;

/// A shell standing in the repository's root.
pub(crate) fn shell(workspace: &Workspace) -> Result<Shell> {
    let sh = Shell::new().context("no current directory")?;
    sh.change_dir(workspace.root());
    Ok(sh)
}

/// Whether this environment variable belongs to the cargo that started us and would change a nested build.
///
/// Where cargo keeps its registry and how it reaches the network stays.
pub(crate) fn is_build_variable(name: &str) -> bool {
    const KEEP: [&str; 2] = ["CARGO_HOME", "CARGO_BUILD_JOBS"];
    const KEEP_PREFIX: [&str; 6] =
        ["CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTRY_", "CARGO_REGISTRIES_", "CARGO_SOURCE_", "CARGO_TERM_"];
    const DROP: [&str; 10] = [
        "CARGO",
        "RUSTC",
        "RUSTC_BOOTSTRAP",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTDOC",
        "RUSTDOCFLAGS",
        "RUSTFLAGS",
        "RUSTUP_TOOLCHAIN",
        "LD_LIBRARY_PATH",
    ];
    if KEEP.contains(&name) || KEEP_PREFIX.iter().any(|prefix| name.starts_with(prefix)) {
        return false;
    }
    DROP.contains(&name) || name.starts_with("CARGO_") || name.starts_with("DEP_")
}

/// Takes from a command what the outer cargo left in the environment.
pub(crate) fn without_build_variables(mut command: Cmd<'_>) -> Cmd<'_> {
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_build_variable) {
            command = command.env_remove(name);
        }
    }
    command
}

/// `PATH` with a directory put first.
pub(crate) fn path_with(first: &Path) -> Result<std::ffi::OsString> {
    let rest = env::var_os("PATH").unwrap_or_default();
    let dirs = std::iter::once(first.to_owned()).chain(env::split_paths(&rest));
    env::join_paths(dirs).with_context(|| format!("`{}` cannot be on PATH", first.display()))
}

/// Where a program is, if `PATH` has it. The places root's `PATH` has and a user's may not are looked at too.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let places = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    places.map(|dir| dir.join(name)).find(|file| is_executable(file))
}

/// Whether a file is there and may be executed by someone.
pub(crate) fn is_executable(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.mode() & 0o111 != 0)
}

/// Whether we are root. A directory of our own in /proc belongs to our effective user.
pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}

/// Waits until nobody else of us holds this file, then holds it until the result is dropped.
pub(crate) fn lock(file: &Path) -> Result<File> {
    let open = || -> std::io::Result<File> {
        if let Some(dir) = file.parent() {
            fs::create_dir_all(dir)?;
        }
        File::create(file)
    };
    let lock = open().with_context(|| format!("cannot create `{}`", file.display()))?;
    if lock.try_lock().is_err() {
        println!("waiting for another xtask that holds {}", file.display());
        lock.lock()?;
    }
    Ok(lock)
}

/// The cargo that started us, or the one on `PATH`.
pub(crate) fn cargo() -> std::ffi::OsString {
    env::var_os("CARGO").unwrap_or_else(|| OsStr::new("cargo").to_owned())
}

#[cfg(test)]
mod tests {
    use super::is_build_variable;

    #[test]
    fn what_the_outer_cargo_sets_is_dropped() {
        for name in [
            "CARGO",
            "CARGO_MANIFEST_DIR",
            "CARGO_PKG_NAME",
            "CARGO_TARGET_DIR",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_BUILD_RUSTFLAGS",
            "CARGO_PROFILE_RELEASE_LTO",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER",
            "RUSTFLAGS",
            "RUSTC_WRAPPER",
            "RUSTUP_TOOLCHAIN",
            "LD_LIBRARY_PATH",
        ] {
            assert!(is_build_variable(name), "{name}");
        }
    }

    #[test]
    fn how_to_reach_the_registry_is_kept() {
        for name in [
            "CARGO_HOME",
            "CARGO_BUILD_JOBS",
            "CARGO_NET_OFFLINE",
            "CARGO_HTTP_CAINFO",
            "RUSTUP_HOME",
            "PATH",
            "HOME",
        ] {
            assert!(!is_build_variable(name), "{name}");
        }
    }
}
