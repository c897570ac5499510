//! Which directories to watch so that no change of what a path leads to goes unseen.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Symbolic links followed at most, as the kernel does.
const MAX_LINKS: usize = 40;

/// The directories that hold the file `path` leads to and each symbolic link on the way there. Where something on the
/// way is missing, the last directory there is: what is missing will appear in it.
pub(super) fn directories(path: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
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
                found.insert(at.clone());
                let Ok(target) = fs::read_link(&next) else { return found };
                if target.is_absolute() {
                    at = PathBuf::from("/");
                }
                left.extend(names(&target));
            }
            Ok(metadata) if metadata.is_dir() => at = next,
            Ok(_) | Err(_) => {
                found.insert(at);
                return found;
            }
        }
    }
    found.insert(at);
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
        let watched: Vec<_> = directories(&root.join("etc/policy.yaml")).into_iter().collect();
        assert_eq!(watched, [root.join("etc"), root.join("opt"), root.join("opt/v1")]);
    }

    #[test]
    fn what_is_missing_is_awaited_where_it_will_appear() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let only = |path: &Path| directories(path).into_iter().collect::<Vec<_>>();
        assert_eq!(only(&root.join("etc/mcpgw/policy.yaml")), std::slice::from_ref(&root));
        symlink("itself", root.join("itself")).unwrap();
        assert_eq!(only(&root.join("itself/policy.yaml")), std::slice::from_ref(&root), "it ends");
    }
}
