//! Which directories to watch so that no change of what a path leads to goes unseen.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Symbolic links followed at most, as the kernel does.
const MAX_LINKS: usize = 40;

/// What to watch, and what to look for there.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    /// The directories that hold the file and each symbolic link on the way there. Where something on the way is
    /// missing, the last directory there is: what is missing will appear in it.
    pub(super) directories: BTreeSet<PathBuf>,
    /// The file and the links themselves. What else happens in the directories does not matter.
    entries: BTreeSet<PathBuf>,
}

impl Places {
    /// Whether something at `path` may change what the policy is.
    pub(super) fn concern(&self, path: &Path) -> bool {
        self.entries.contains(path) || self.directories.contains(path)
    }

    fn insert(&mut self, directory: &Path, entry: PathBuf) {
        self.directories.insert(directory.to_owned());
        self.entries.insert(entry);
    }
}

/// The places of the file `path` leads to.
pub(super) fn places(path: &Path) -> Places {
    let mut found = Places::default();
    let mut at = PathBuf::from("/");
    let mut links = 0;
    let mut left = names(path);
    while let Some(name) = left.pop() {
        if name == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&name);
        match fs::symlink_metadata(&next) {
            Ok(metadata) if metadata.is_symlink() && links < MAX_LINKS => {
                links += 1;
                let target = fs::read_link(&next);
                found.insert(&at, next);
                let Ok(target) = target else { return found };
                if target.is_absolute() {
                    at = PathBuf::from("/");
                }
                left.extend(names(&target));
            }
            Ok(metadata) if metadata.is_dir() => at = next,
            Ok(_) | Err(_) => {
                found.insert(&at, next);
                return found;
            }
        }
    }
    found.directories.insert(at);
    found
}

/// The names on the way, the first last.
fn names(path: &Path) -> Vec<OsString> {
    let mut names: Vec<OsString> = path
        .components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        })
        .collect();
    names.reverse();
    names
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn every_link_and_the_file_are_looked_at_where_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for made in ["etc", "opt/v1", "opt/v2"] {
            fs::create_dir_all(root.join(made)).unwrap();
        }
        fs::write(root.join("opt/v1/policy.yaml"), "").unwrap();
        symlink("v1", root.join("opt/current")).unwrap();
        symlink("../opt/current/policy.yaml", root.join("etc/policy.yaml")).unwrap();
        let places = places(&root.join("etc/policy.yaml"));
        let watched: Vec<_> = places.directories.iter().cloned().collect();
        assert_eq!(watched, [root.join("etc"), root.join("opt"), root.join("opt/v1")]);
        for concerns in ["etc/policy.yaml", "opt/current", "opt/v1/policy.yaml", "opt/v1"] {
            assert!(places.concern(&root.join(concerns)), "{concerns}");
        }
        for other in ["etc/audit.jsonl", "opt/v2", "opt/v1/policy.yaml~", "opt/v2/policy.yaml"] {
            assert!(!places.concern(&root.join(other)), "{other}");
        }
    }

    #[test]
    fn what_is_missing_is_awaited_where_it_will_appear() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let only = |path: &Path| places(path).directories.into_iter().collect::<Vec<_>>();
        assert_eq!(only(&root.join("etc/mcpgw/policy.yaml")), std::slice::from_ref(&root));
        assert!(places(&root.join("etc/mcpgw/policy.yaml")).concern(&root.join("etc")), "it may appear");
        symlink("itself", root.join("itself")).unwrap();
        assert_eq!(only(&root.join("itself/policy.yaml")), std::slice::from_ref(&root), "it ends");
    }
}
