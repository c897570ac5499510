//! Paths that a tool touches, in few words: names that are new every time are folded, a directory of which many files are
//! touched stands for all of them, and so does one of which many directories are.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// Different files of a directory that make it stand for all of them, and directories likewise.
const MANY: usize = 8;
/// Patterns of one tool.
pub(super) const PATTERNS_MAX: usize = 128;
/// Digits in a row that are a number of the moment: a process, a time.
const DIGITS_MIN: usize = 4;
/// Hexadecimal digits in a row that are a hash, where there are both digits and letters.
const HEX_MIN: usize = 8;
/// Directories whose contents are of the moment.
const TEMPORARY: [&str; 4] = ["/tmp/", "/var/tmp/", "/dev/shm/", "/run/user/"];

/// What is done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Use {
    /// It is read.
    pub read: bool,
    /// It is written, moved or removed.
    pub write: bool,
}

impl Use {
    fn and(self, other: Self) -> Self {
        Self { read: self.read || other.read, write: self.write || other.write }
    }

    fn covers(self, other: Self) -> bool {
        self.and(other) == self
    }
}

/// Patterns: a path, `DIR/*` for whatever is in a directory, `DIR/**` for whatever is below.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paths(BTreeMap<Box<str>, Use>);

impl Paths {
    /// The patterns, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Use)> {
        self.0.iter().map(|(pattern, what)| (&**pattern, *what))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// There are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A pattern as it was [told](Self::iter).
    pub(super) fn put(&mut self, pattern: &str, what: Use) {
        self.0.insert(pattern.into(), what);
    }

    /// `path` is touched so. Says whether that is news.
    pub(super) fn add(&mut self, path: &str, what: Use) -> bool {
        let path = folded(path);
        if self.covers(&path, what) {
            return false;
        }
        let known = self.0.entry(path.as_str().into()).or_default();
        *known = known.and(what);
        self.gather(&path);
        while self.0.len() > PATTERNS_MAX && self.shrink() {}
        if self.0.len() > PATTERNS_MAX {
            self.0.remove(path.as_str());
        }
        true
    }

    /// `path`, [folded], is one of those.
    fn covers(&self, path: &str, what: Use) -> bool {
        let has = |pattern: &str| self.0.get(pattern).is_some_and(|known| known.covers(what));
        has(path)
            || parent(path).is_some_and(|directory| has(&format!("{directory}/*")))
            || above(path).any(|directory| has(&format!("{directory}/**")))
    }

    /// Has directories above `path` stand for what is in them, where that is much.
    fn gather(&mut self, path: &str) {
        let Some(directory) = parent(path).filter(|directory| !directory.is_empty()) else { return };
        let prefix = format!("{directory}/");
        let is_own = |pattern: &str| {
            pattern
                .strip_prefix(&*prefix)
                .is_some_and(|name| !name.contains('/') && name != "*" && name != "**")
        };
        if self.below(&prefix).filter(|(pattern, _)| is_own(pattern)).count() >= MANY {
            self.replace(&prefix, format!("{directory}/*"), is_own);
        }
        // From the innermost outwards: `/` and what is directly in it stand for nothing else.
        for outer in above(directory).filter(|outer| depth(outer) >= 2) {
            let prefix = format!("{outer}/");
            let names: BTreeSet<&str> = self
                .below(&prefix)
                .filter_map(|(pattern, _)| pattern.get(prefix.len()..)?.split_once('/').map(|(name, _)| name))
                .collect();
            if names.len() >= MANY {
                self.replace(&prefix, format!("{outer}/**"), |_| true);
            }
        }
    }

    /// Has the directory that has most patterns stand for them; `false` where none has two.
    fn shrink(&mut self) -> bool {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for pattern in self.0.keys() {
            for directory in above(pattern).filter(|directory| depth(directory) >= 1) {
                *counts.entry(directory).or_default() += 1;
            }
        }
        // Of two that have as many, the deeper says more.
        let best = counts
            .into_iter()
            .filter(|(directory, count)| *count >= 2 && !self.0.contains_key(&*format!("{directory}/**")))
            .max_by_key(|(directory, count)| (depth(directory) >= 2, *count, depth(directory)));
        let Some((directory, _)) = best else { return false };
        let directory = directory.to_owned();
        self.replace(&format!("{directory}/"), format!("{directory}/**"), |_| true);
        true
    }

    fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, Use)> {
        let from = (Bound::Included(prefix), Bound::Unbounded);
        let from = self.0.range::<str, _>(from).map(|(pattern, what)| (&**pattern, *what));
        from.take_while(move |(pattern, _)| pattern.starts_with(prefix))
    }

    /// Puts `pattern` in the place of those below `prefix` that are meant.
    fn replace(&mut self, prefix: &str, pattern: String, is_meant: impl Fn(&str) -> bool) {
        let meant: Vec<(Box<str>, Use)> = self
            .below(prefix)
            .filter(|(own, _)| is_meant(own))
            .map(|(own, what)| (own.into(), what))
            .collect();
        let what = meant.iter().fold(Use::default(), |all, (_, what)| all.and(*what));
        for (own, _) in meant {
            self.0.remove(&own);
        }
        let known = self.0.entry(pattern.into()).or_default();
        *known = known.and(what);
    }
}

/// What is above the last step; nothing of what has none.
fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(directory, _)| directory)
}

/// The directories above `path`, innermost first, without the root.
fn above(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(parent(path), |directory| parent(directory))
        .filter(|directory| !directory.is_empty())
}

fn depth(directory: &str) -> usize {
    directory.bytes().filter(|byte| *byte == b'/').count()
}

/// `path` without what is new every time.
pub(super) fn folded(path: &str) -> String {
    if let Some(prefix) =
        TEMPORARY.iter().find(|prefix| path.starts_with(**prefix) && path.len() > prefix.len())
    {
        return format!("{prefix}**");
    }
    if let Some((process, rest)) = path.strip_prefix("/proc/").and_then(|rest| rest.split_once('/'))
        && process.bytes().all(|byte| byte.is_ascii_digit())
    {
        return format!("/proc/*/{}", steps(rest));
    }
    steps(path)
}

fn steps(path: &str) -> String {
    path.split('/').map(step).collect::<Vec<_>>().join("/")
}

/// A name with its numbers and hashes as `*`.
fn step(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while !rest.is_empty() {
        let run = rest.len() - rest.trim_start_matches(|letter: char| letter.is_ascii_hexdigit()).len();
        let (run, after) = rest.split_at_checked(run).unwrap_or((rest, ""));
        out.push_str(&if run.is_empty() { String::new() } else { hashed(run) });
        let plain = after.find(|letter: char| letter.is_ascii_hexdigit()).unwrap_or(after.len());
        let (plain, next) = after.split_at_checked(plain).unwrap_or((after, ""));
        out.push_str(plain);
        rest = next;
    }
    out
}

/// Hexadecimal digits in a row, `*` in the place of those that are a hash or a number of the moment.
fn hashed(run: &str) -> String {
    let digits = run.bytes().filter(u8::is_ascii_digit).count();
    if run.len() >= HEX_MIN && digits > 1 && digits < run.len() {
        return "*".to_owned();
    }
    let mut out = String::with_capacity(run.len());
    let mut rest = run;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
        let letters = rest.get(digits..).unwrap_or_default();
        let letters = letters.find(|letter: char| letter.is_ascii_digit()).unwrap_or(letters.len());
        out.push_str(if digits >= DIGITS_MIN { "*" } else { rest.get(..digits).unwrap_or_default() });
        out.push_str(rest.get(digits..digits + letters).unwrap_or_default());
        rest = rest.get(digits + letters..).unwrap_or_default();
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const READ: Use = Use { read: true, write: false };
    const WRITE: Use = Use { read: false, write: true };

    fn patterns(paths: &Paths) -> Vec<&str> {
        paths.iter().map(|(pattern, _)| pattern).collect()
    }

    #[test]
    fn names_of_the_moment_are_folded() {
        for (path, expected) in [
            ("/home/ann/notes.txt", "/home/ann/notes.txt"),
            ("/tmp/tmpx7_ab/y", "/tmp/**"),
            ("/tmp", "/tmp"),
            ("/proc/4711/stat", "/proc/*/stat"),
            ("/srv/report-1732173912.json", "/srv/report-*.json"),
            ("/srv/2024/1/a", "/srv/*/1/a"),
            ("/c/0a1b2c3d4e5f/x", "/c/*/x"),
            ("/c/3f2504e0-4f89-11d3-9a0c-0305e82c3301", "/c/*-4f89-11d3-9a0c-*"),
            ("/c/deadbeef", "/c/deadbeef"),
            ("/c/facade", "/c/facade"),
            ("/c/éa1234é", "/c/éa*é"),
            ("sh", "sh"),
        ] {
            assert_eq!(folded(path), expected);
        }
    }

    #[test]
    fn a_directory_stands_for_many_files_and_for_many_directories() {
        let mut paths = Paths::default();
        for name in ["a", "b", "c", "d", "e", "f", "g"] {
            assert!(paths.add(&format!("/srv/app/{name}"), READ));
        }
        assert_eq!(paths.len(), 7);
        assert!(paths.add("/srv/app/h", READ));
        assert_eq!(patterns(&paths), ["/srv/app/*"]);
        assert!(!paths.add("/srv/app/any", READ));
        assert!(paths.add("/srv/app/any", WRITE), "it was never written");
        let mut paths = Paths::default();
        for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            paths.add(&format!("/srv/app/{name}/x"), READ);
        }
        assert_eq!(patterns(&paths), ["/srv/app/**"]);
        assert!(!paths.add("/srv/app/z/deep/er", READ) && paths.add("/srv/other", READ));
    }

    #[test]
    fn what_is_directly_in_the_root_stands_for_nothing_else() {
        let mut paths = Paths::default();
        for name in ["a", "b", "c", "d", "e", "f", "g", "h", "i"] {
            paths.add(&format!("/home/{name}/x"), READ);
        }
        assert_eq!(paths.len(), 9);
    }

    proptest! {
        #[test]
        fn it_converges_and_stays_small(steps in proptest::collection::vec(proptest::collection::vec("[a-z]{1,6}|[0-9]{1,6}", 1..6), 1..600)) {
            let all: Vec<String> = steps.iter().map(|steps| format!("/{}", steps.join("/"))).collect();
            let mut paths = Paths::default();
            for path in &all {
                paths.add(path, READ);
            }
            prop_assert!(paths.len() <= PATTERNS_MAX);
            // What was touched before is no news, but for what there was no room for.
            let known = paths.clone();
            let news = all.iter().filter(|path| paths.add(path, READ)).count();
            prop_assert!(news == 0 || known.len() >= PATTERNS_MAX, "{news} {}", known.len());
        }
    }
}
