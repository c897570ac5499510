//! What has to stay where it is: whatever may not be read under its own name would be read under another.

use std::fs;
use std::path::{Path, PathBuf};

use super::grants::{Denied, resolved};

/// Links followed on the way to a path, at most: the kernel follows as many.
const LINKS_MAX: usize = 40;

/// What may be neither moved nor removed. The directories above lose the right to remove what they have of its kind.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Files, what may become one, and links.
    pub(super) files: Denied,
    /// Directories, and what may become one.
    pub(super) directories: Denied,
}

impl Kept {
    /// `path`, with all on the way to it. Where it is not there yet, it will be a directory, or may be either.
    pub(super) fn add(&mut self, path: &Path, is_directory: bool) {
        links(path).into_iter().for_each(|link| self.add_file(link));
        let path = resolved(path);
        match fs::metadata(&path) {
            Ok(found) if !found.is_dir() => self.add_file(path),
            Err(_) if !is_directory => {
                self.directories.add_above(path.clone());
                self.files.add_above(path);
            }
            Ok(_) | Err(_) => self.directories.add_above(path),
        }
    }

    fn add_file(&mut self, path: PathBuf) {
        if let Some(directory) = path.parent() {
            self.directories.add_above(directory.to_owned());
        }
        self.files.add_above(path);
    }
}

/// The links that are followed to `path`, each by the path of its directory without links.
fn links(path: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    let mut next = vec![path.to_owned()];
    while let Some(path) = next.pop() {
        for (link, target) in path.ancestors().filter_map(link) {
            if found.len() < LINKS_MAX && !found.contains(&link) {
                next.push(target);
                found.push(link);
            }
        }
    }
    found
}

/// Where the link `path` is, and where it leads.
fn link(path: &Path) -> Option<(PathBuf, PathBuf)> {
    let target = fs::read_link(path).ok()?;
    let directory = fs::canonicalize(path.parent()?).ok()?;
    Some((directory.join(path.file_name()?), directory.join(target)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_on_the_way_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("dotfiles/aws")).unwrap();
        symlink("dotfiles", root.join("dots")).unwrap();
        symlink("dots/aws", root.join(".aws")).unwrap();
        symlink("round", root.join("round")).unwrap();
        assert_eq!(links(&root.join(".aws/credentials")), [root.join(".aws"), root.join("dots")]);
        assert_eq!(links(&root.join("round")), [root.join("round")]);
        assert!(links(&root.join("dotfiles/aws")).is_empty());
    }
}
