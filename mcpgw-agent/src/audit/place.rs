//! Where logs are, and what makes a file or directory safe to keep one in. Symbolic links are not followed.

use std::ffi::OsString;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::Offset;

use super::AuditError;
use crate::private::check_directory;

/// Longest part of a file's name that is the server's, in bytes.
const NAME_MAX: usize = 64;

/// Where a session that was told no place writes: a file of its own,
/// `$XDG_STATE_HOME/mcpgw/audit/<start>-<name>-<pid>.jsonl`, in a directory of mode 0700 that is made here, with
/// `$HOME/.local/state` where the variable is not set.
///
/// One process writes one chain, so each has its own file; all of a directory share one key.
///
/// # Errors
/// There is no such directory, or others can change what is in it.
pub fn default_path(name: &str) -> Result<PathBuf, AuditError> {
    let state = user_state_dir().ok_or_else(|| AuditError::Unsafe {
        path: PathBuf::from("$XDG_STATE_HOME/mcpgw/audit"),
        why: "cannot be found: neither `XDG_STATE_HOME` nor `HOME` is an absolute path",
    })?;
    let dir = state.join("mcpgw").join("audit");
    private_dir(&dir)?;
    Ok(dir.join(file_name(name, Timestamp::now(), std::process::id())))
}

/// `$XDG_STATE_HOME`, or `$HOME/.local/state`; nothing where neither is absolute.
pub(crate) fn user_state_dir() -> Option<PathBuf> {
    state_dir(|variable| std::env::var_os(variable))
}

fn state_dir(var: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |variable| var(variable).map(PathBuf::from).filter(|path: &PathBuf| path.is_absolute());
    absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))
}

/// A file of this process' own beside `log`.
pub(super) fn beside(log: &Path) -> PathBuf {
    let mut name = log.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{}-{}.jsonl", start(Timestamp::now()), std::process::id()));
    log.with_file_name(name)
}

fn start(now: Timestamp) -> impl std::fmt::Display {
    Offset::UTC.to_datetime(now).strftime("%Y%m%dT%H%M%SZ")
}

/// Names sort by time.
fn file_name(name: &str, now: Timestamp, pid: u32) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let name: String = name.chars().take(NAME_MAX).map(|c| if is_plain(&c) { c } else { '_' }).collect();
    format!("{}-{name}-{pid}.jsonl", start(now))
}

/// Makes `dir` for us alone, or checks that it is.
fn private_dir(dir: &Path) -> Result<(), AuditError> {
    let io = |action, source| AuditError::Io { action, path: dir.to_owned(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| io("make", error))?;
    let metadata = dir.symlink_metadata().map_err(|error| io("look at", error))?;
    check_directory(&metadata).map_err(|why| AuditError::Unsafe { path: dir.to_owned(), why })
}

/// Brings the name of the file at `path` to the disk: syncing the file alone does not.
pub(super) fn sync_name(path: &Path) -> io::Result<()> {
    File::open(dir_of(path))?.sync_all()
}

/// The directory `path` is in.
pub(super) fn dir_of(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    #[test]
    fn a_file_name_is_tame_and_sorts_by_time() {
        let now = "2026-01-02T03:04:05Z".parse().unwrap();
        assert_eq!(file_name("../a b\u{1b}é.x", now, 7), "20260102T030405Z-___a_b___x-7.jsonl");
        assert_eq!(file_name(&"n".repeat(999), now, 7).len(), NAME_MAX + "20260102T030405Z--7.jsonl".len());
    }

    #[test]
    fn the_state_directory_is_absolute_or_none() {
        let dir = |xdg: Option<&str>, home: Option<&str>| {
            state_dir(|variable| if variable == "HOME" { home } else { xdg }.map(OsString::from))
        };
        assert_eq!(dir(Some("/x"), Some("/h")), Some("/x".into()));
        assert_eq!(dir(Some("x"), Some("/h")), Some("/h/.local/state".into()));
        assert_eq!(dir(Some(""), Some("h")), None);
        assert_eq!(dir(None, None), None);
    }

    #[test]
    fn a_directory_others_may_change_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("a/b");
        private_dir(&dir).unwrap();
        assert_eq!(dir.metadata().unwrap().mode() & 0o777, 0o700);
        private_dir(&dir).unwrap();
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o770)).unwrap();
        assert!(matches!(private_dir(&dir), Err(AuditError::Unsafe { .. })));
        let link = temp.path().join("link");
        std::os::unix::fs::symlink(temp.path(), &link).unwrap();
        assert!(matches!(private_dir(&link), Err(AuditError::Unsafe { .. })));
    }
}
