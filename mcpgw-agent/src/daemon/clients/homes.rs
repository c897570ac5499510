//! Which files are watched, and by which directories.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::effects::clients::USER;

/// Homes at most.
const HOMES: usize = 512;
/// User ids of people, and `nobody`.
const PEOPLE: u32 = 1000;
const NOBODY: u32 = 65534;

/// A file that may hold servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) path: PathBuf,
    /// The member with the servers.
    pub(super) member: &'static str,
    /// Whose home it is in.
    pub(super) owner: u32,
}

/// The files of every user there is, and below `more`.
pub(super) fn wanted(more: &[PathBuf]) -> Vec<Wanted> {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut homes: BTreeSet<PathBuf> = more.iter().cloned().collect();
    homes.extend(of_people(&users));
    let mut files = Vec::new();
    for home in homes.into_iter().take(HOMES) {
        let Ok(there) = std::fs::metadata(&home) else { continue };
        if !there.is_dir() {
            continue;
        }
        let file = |(path, member): &(&str, &'static str)| Wanted {
            path: home.join(path),
            member,
            owner: there.uid(),
        };
        files.extend(USER.iter().map(file));
    }
    files
}

/// Homes of root and of people, of a text like `/etc/passwd`.
fn of_people(users: &str) -> impl Iterator<Item = PathBuf> {
    users.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let uid: u32 = fields.nth(2)?.parse().ok()?;
        let home = Path::new(fields.nth(2)?);
        let is_person = uid == 0 || (uid >= PEOPLE && uid != NOBODY);
        (is_person && home.is_absolute() && home.parent().is_some()).then(|| home.to_owned())
    })
}

/// The directories to watch for these files, and the paths in them that are of interest: each file, where it really is,
/// and the directories on the way to it, of which some may not be there yet.
pub(super) fn directories(files: &[Wanted]) -> (BTreeSet<PathBuf>, BTreeSet<PathBuf>) {
    let (mut directories, mut interesting) = (BTreeSet::new(), BTreeSet::new());
    for Wanted { path, .. } in files {
        let mut places = vec![path.clone()];
        // A link: what it leads to is what changes.
        places.extend(path.canonicalize().ok().filter(|real| real != path));
        for path in places {
            let there = path.ancestors().skip(1).find(|directory| directory.is_dir());
            let Some(there) = there else { continue };
            for on_the_way in path.ancestors().take_while(|ancestor| *ancestor != there) {
                interesting.insert(on_the_way.to_owned());
            }
            // It may be replaced by another of its name, or go.
            interesting.insert(there.to_owned());
            directories.insert(there.to_owned());
        }
    }
    (directories, interesting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes_are_those_of_people() {
        let users = "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/usr/sbin:/x\nanna:x:1000:1000::/home/anna:/bin/sh\n\
                     nobody:x:65534:65534::/nonexistent:/x\nodd:x:1001:1001::/:/x\nbroken\nb:x:y:1::/home/b:/x\n";
        let homes: Vec<_> = of_people(users).collect();
        assert_eq!(homes, [PathBuf::from("/root"), PathBuf::from("/home/anna")]);
    }

    #[test]
    fn what_is_not_there_yet_is_watched_from_where_it_will_be() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        let file = |path: &str| Wanted { path: home.join(path), member: "mcpServers", owner: 0 };
        std::fs::create_dir(home.join(".cursor")).unwrap();
        let (directories, interesting) = directories(&[file(".cursor/mcp.json"), file(".a/b/mcp.json")]);
        assert_eq!(directories, BTreeSet::from([home.clone(), home.join(".cursor")]));
        for path in [".cursor/mcp.json", ".a", ".a/b", ".a/b/mcp.json"] {
            assert!(interesting.contains(&home.join(path)), "{path}");
        }
        assert!(!interesting.contains(&home.join("other")));
    }
}
