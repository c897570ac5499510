//! Which finished files are too many. The oldest go first, so that what is left has no holes.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::Rotation;
use super::recover::bytes_of;
use crate::audit::files::Finished;

/// A finished file, in the forms it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::audit) struct Old {
    pub(in crate::audit) paths: Vec<PathBuf>,
    pub(in crate::audit) first: u64,
    pub(in crate::audit) last: u64,
    pub(in crate::audit) bytes: u64,
    /// Since its last record; zero where the clock says that this is to come.
    pub(in crate::audit) age: Duration,
}

/// Why a file is deleted, in the configuration's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    Files,
    Age,
    Bytes,
}

impl Limit {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Files => "keep-files",
            Self::Age => "keep-age",
            Self::Bytes => "keep-bytes",
        }
    }
}

/// The finished files `all`, which are in order, of which one may be there in two forms. It is `now`.
pub(super) fn old(all: &[(PathBuf, Finished)], now: SystemTime) -> Vec<Old> {
    let mut files: Vec<Old> = Vec::new();
    for (path, Finished { first, last, .. }) in all {
        let bytes = bytes_of(path);
        let written = path.symlink_metadata().and_then(|metadata| metadata.modified());
        let age = written.ok().and_then(|written| now.duration_since(written).ok()).unwrap_or_default();
        match files.last_mut().filter(|file| (file.first, file.last) == (*first, *last)) {
            Some(file) => {
                file.paths.push(path.clone());
                file.bytes = file.bytes.saturating_add(bytes);
                file.age = file.age.min(age);
            }
            None => files.push(Old { paths: vec![path.clone()], first: *first, last: *last, bytes, age }),
        }
    }
    files
}

/// The first of `files` that are too many, beside a live file of `live` bytes, and why each is.
pub(super) fn too_many(rotation: &Rotation, files: &[Old], live: u64) -> Vec<(Old, Limit)> {
    let mut bytes = files.iter().map(|file| file.bytes).fold(live, u64::saturating_add);
    let mut count = u64::try_from(files.len()).unwrap_or(u64::MAX);
    let mut gone = Vec::new();
    for file in files {
        let limit = if rotation.keep_files.is_some_and(|most| count > most) {
            Limit::Files
        } else if rotation.keep_bytes.is_some_and(|most| bytes > most) {
            Limit::Bytes
        } else if rotation.keep_age.is_some_and(|most| file.age > most) {
            Limit::Age
        } else {
            break;
        };
        gone.push((file.clone(), limit));
        count = count.saturating_sub(1);
        bytes = bytes.saturating_sub(file.bytes);
    }
    gone
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(ages: &[u64]) -> Vec<Old> {
        let each = (1_u64..).zip(ages);
        each.map(|(at, age)| Old {
            paths: Vec::new(),
            first: at,
            last: at,
            bytes: 10,
            age: Duration::from_secs(*age),
        })
        .collect()
    }

    fn gone(rotation: &Rotation, files: &[Old]) -> Vec<(u64, &'static str)> {
        too_many(rotation, files, 5).iter().map(|(file, limit)| (file.first, limit.as_str())).collect()
    }

    #[test]
    fn the_oldest_go_until_every_limit_is_kept() {
        let none = Rotation { keep_files: None, keep_age: None, keep_bytes: None, ..Rotation::default() };
        let all = files(&[40, 30, 20, 10]);
        assert!(gone(&none, &all).is_empty());
        assert_eq!(gone(&Rotation { keep_files: Some(3), ..none }, &all), [(1, "keep-files")]);
        assert_eq!(
            gone(&Rotation { keep_bytes: Some(25), ..none }, &all),
            [(1, "keep-bytes"), (2, "keep-bytes")]
        );
        let aged = Rotation { keep_age: Some(Duration::from_secs(20)), ..none };
        assert_eq!(gone(&aged, &all), [(1, "keep-age"), (2, "keep-age")]);
        let both = Rotation { keep_files: Some(3), ..aged };
        assert_eq!(gone(&both, &all), [(1, "keep-files"), (2, "keep-age")]);
        assert_eq!(gone(&Rotation { keep_files: Some(0), ..none }, &all).len(), 4);
        // One that seems old stays where an older one stays: its clock was wrong.
        assert!(gone(&aged, &files(&[10, 99, 99])).is_empty());
    }
}
