//! Everything but what is denied: Landlock knows only what is allowed, so what stands beside a denied file is allowed by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use landlock::{AccessFs, BitFlags};

use super::ConfineError;

/// Files told apart in all, at most.
const FILES_MAX: usize = 100_000;

/// What may be done below which paths.
#[derive(Debug, Default)]
pub(super) struct Grants {
    pub(super) rules: BTreeMap<PathBuf, BitFlags<AccessFs>>,
    seen: usize,
}

/// Paths that are denied, with everything below them.
#[derive(Debug, Default)]
pub(super) struct Denied {
    paths: BTreeSet<PathBuf>,
    /// Other names of the same files are denied as well: a rule is about a file, not its name.
    files: BTreeSet<(u64, u64)>,
    /// Paths that are not denied, but nothing is granted to the directories above them.
    below: BTreeSet<PathBuf>,
}

impl Denied {
    /// `path`: as far as it is there, links are resolved.
    pub(super) fn add(&mut self, path: &Path) {
        let path = resolved(path);
        if let Ok(found) = fs::metadata(&path)
            && found.is_file()
        {
            self.files.insert((found.dev(), found.ino()));
        }
        self.paths.insert(path);
    }

    /// The directories above `path`, on the way to which there are no links.
    pub(super) fn add_above(&mut self, path: PathBuf) {
        self.below.insert(path);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.paths.is_empty() && self.below.is_empty()
    }

    /// `path` is denied, or lies in what is.
    fn holds(&self, path: &Path) -> bool {
        path.ancestors().any(|part| self.paths.contains(part))
            || !self.files.is_empty()
                && fs::symlink_metadata(path)
                    .is_ok_and(|found| self.files.contains(&(found.dev(), found.ino())))
    }

    /// Something below `path` is denied, or `path` is above what nothing above is granted to.
    fn is_below(&self, path: &Path) -> bool {
        let is_above = |other: &PathBuf| other.starts_with(path) && other != path;
        self.paths.iter().chain(&self.below).any(is_above)
            || !self.files.is_empty() && self.paths.iter().any(|denied| denied.parent() == Some(path))
    }
}

impl Grants {
    /// `access` to `path`, links resolved, and everything below that is not denied. What is not there is not granted.
    ///
    /// # Errors
    /// [`ConfineError::TooMany`]
    pub(super) fn tree(
        &mut self,
        path: &Path,
        access: BitFlags<AccessFs>,
        denied: &Denied,
    ) -> Result<(), ConfineError> {
        match fs::canonicalize(path) {
            Ok(path) => self.below(&path, access, denied),
            Err(_) => Ok(()),
        }
    }

    /// `access` to this file or directory as it is, whatever is denied.
    pub(super) fn exactly(&mut self, path: PathBuf, access: BitFlags<AccessFs>) {
        *self.rules.entry(path).or_default() |= access;
    }

    fn below(
        &mut self,
        path: &Path,
        access: BitFlags<AccessFs>,
        denied: &Denied,
    ) -> Result<(), ConfineError> {
        self.seen += 1;
        if self.seen > FILES_MAX {
            return Err(ConfineError::TooMany(FILES_MAX));
        }
        if denied.holds(path) {
            return Ok(());
        }
        if !denied.is_below(path) {
            self.exactly(path.to_owned(), access);
            return Ok(());
        }
        let Ok(entries) = fs::read_dir(path) else { return Ok(()) };
        for entry in entries.flatten() {
            // Where a link leads is granted there, if it is.
            if entry.file_type().is_ok_and(|kind| !kind.is_symlink()) {
                self.below(&entry.path(), access, denied)?;
            }
        }
        Ok(())
    }
}

/// `path` with links resolved, as far as it is there.
pub(super) fn resolved(path: &Path) -> PathBuf {
    let there = path.ancestors().find_map(|part| Some((part, fs::canonicalize(part).ok()?)));
    match there {
        Some((part, resolved)) => match path.strip_prefix(part) {
            Ok(rest) if !rest.as_os_str().is_empty() => resolved.join(rest),
            Ok(_) | Err(_) => resolved,
        },
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_what_is_denied() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for file in ["a/x", "a/y", "b/x", "secret/key"] {
            fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            fs::write(root.join(file), file).unwrap();
        }
        fs::hard_link(root.join("a/x"), root.join("a/z")).unwrap();
        std::os::unix::fs::symlink(root.join("secret"), root.join("link")).unwrap();
        let mut denied = Denied::default();
        for path in ["a/x", "link", "b/later"] {
            denied.add(&root.join(path));
        }
        let mut grants = Grants::default();
        grants.tree(&root, AccessFs::ReadFile.into(), &denied).unwrap();
        let granted: Vec<_> =
            grants.rules.keys().map(|path| path.strip_prefix(&root).unwrap().to_str().unwrap()).collect();
        assert_eq!(granted, ["a/y", "b/x"]);
        grants.tree(&root.join("nowhere"), AccessFs::ReadFile.into(), &denied).unwrap();
        assert_eq!(grants.rules.len(), 2);
        let mut kept = Denied::default();
        kept.add_above(root.join("a/x"));
        let mut grants = Grants::default();
        grants.tree(&root, AccessFs::RemoveDir.into(), &kept).unwrap();
        let [a, above] = [root.join("a"), root.clone()];
        assert!(
            grants.rules.contains_key(&root.join("b")) && grants.rules.contains_key(&root.join("secret"))
        );
        assert!(!grants.rules.contains_key(&a) && !grants.rules.contains_key(&above));
    }
}
