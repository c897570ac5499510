//! Names of finished files: they say which records are in them, and sort by that.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Digits of a number in a name; a greater number has more.
const DIGITS: usize = 12;
/// How a log's name ends, usually.
const PLAIN: &[u8] = b".jsonl";
/// How a compressed file's name ends.
const COMPRESSED: &[u8] = b".zst";

/// What the name of a finished file says. They sort by their records; a plain one stands before its compressed form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::audit) struct Finished {
    /// Number of its first record.
    pub(in crate::audit) first: u64,
    /// Number of its last.
    pub(in crate::audit) last: u64,
    pub(in crate::audit) compressed: bool,
}

impl Finished {
    /// Which log the finished file at `path` is of, and what its name says; `None` where it has not exactly the name of one.
    pub(in crate::audit) fn of(path: &Path) -> Option<(PathBuf, Self)> {
        let name = path.file_name()?.as_bytes();
        let (plain, compressed) = match name.strip_suffix(COMPRESSED) {
            Some(plain) => (plain, true),
            None => (name, false),
        };
        // A log's own ending stays at the end.
        let (rest, ending) = match plain.strip_suffix(PLAIN) {
            Some(rest) => (rest, PLAIN),
            None => (plain, &b""[..]),
        };
        let dot = memchr::memrchr(b'.', rest).filter(|dot| *dot > 0)?;
        let (stem, numbers) = rest.split_at_checked(dot)?;
        let (first, last) = std::str::from_utf8(numbers.get(1..)?).ok()?.split_once('-')?;
        let (first, last) = (first.parse().ok()?, last.parse().ok()?);
        let log = path.with_file_name(OsString::from_vec([stem, ending].concat()));
        // Other spellings of the same numbers are not ours.
        let is_exact = finished_name(&log, first, last).file_name()?.as_bytes() == plain;
        (is_exact && first >= 1 && first <= last).then_some((log, Self { first, last, compressed }))
    }
}

/// The path of the finished file of `log` that has these records.
pub(in crate::audit) fn finished_name(log: &Path, first: u64, last: u64) -> PathBuf {
    let name = log.file_name().unwrap_or_default().as_bytes();
    let (stem, ending) = match name.strip_suffix(PLAIN) {
        Some(stem) => (stem, PLAIN),
        None => (name, &b""[..]),
    };
    let mut name = OsStr::from_bytes(stem).to_owned();
    name.push(format!(".{first:0DIGITS$}-{last:0DIGITS$}"));
    name.push(OsStr::from_bytes(ending));
    log.with_file_name(name)
}

/// The path of the compressed form of the finished file at `plain`.
pub(in crate::audit) fn compressed(plain: &Path) -> PathBuf {
    let mut name = plain.file_name().unwrap_or_default().to_owned();
    name.push(OsStr::from_bytes(COMPRESSED));
    plain.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_name_says_what_is_in_the_file(
            stem in "[a-z.0-9-]{1,12}", ending in prop_oneof![Just(""), Just(".jsonl"), Just(".zst"), Just(".log")],
            first in 1_u64.., more in 0_u64..1000, zst in any::<bool>(),
        ) {
            let log = Path::new("/var/log").join(format!("x{stem}{ending}"));
            let last = first.saturating_add(more);
            let mut path = finished_name(&log, first, last);
            if zst {
                path = super::compressed(&path);
            }
            prop_assert_eq!(Finished::of(&path), Some((log, Finished { first, last, compressed: zst })));
        }

        #[test]
        fn no_name_is_taken_for_what_it_is_not(name in "[a.0-9-]{0,4}\\.[0-9+]{11,13}-[0-9]{11,13}(\\.jsonl)?(\\.zst)?") {
            if let Some((log, found)) = Finished::of(Path::new(&name)) {
                let plain = finished_name(&log, found.first, found.last);
                let path = if found.compressed { super::compressed(&plain) } else { plain };
                prop_assert_eq!(path.to_str(), Some(&*name));
            }
        }
    }

    #[test]
    fn names_that_are_not_ours_are_passed_over() {
        for name in [
            "audit.jsonl",
            "audit.jsonl.zst",
            "audit.jsonl.torn",
            "audit.1-2.jsonl",
            "audit.000000000002-000000000001.jsonl",
            "audit.000000000000-000000000001.jsonl",
            "audit.0000000000001-0000000000002.jsonl",
            "audit.+00000000001-000000000002.jsonl",
            ".000000000001-000000000002.jsonl",
            "audit.000000000001-000000000002.jsonl.zst.tmp",
            "audit.000000000001-000000000002.jsonl.zst.zst",
        ] {
            assert_eq!(Finished::of(Path::new(name)), None, "{name}");
        }
        let name = OsStr::from_bytes(b"\xff.000000000001-000000000002.jsonl");
        assert!(Finished::of(Path::new(name)).is_some(), "a log's name need not be text");
    }
}
