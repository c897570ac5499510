//! The files tidy looks at, in memory.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::code::code_only;

/// Directories that are not ours to hold to anything.
const SKIP: [&str; 5] = [".git", "target", ".tools", "node_modules", "__pycache__"];
/// No source is larger; a file that is was not written by a person.
const LARGEST_BYTES: u64 = 4 << 20;

/// The repository's text files by path, `/`-separated and relative to the root.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    /// Reads the text files below a root. What is not text, or larger than a source can be, is left out.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        tree.read_dir(root, "")?;
        Ok(tree)
    }

    fn read_dir(&mut self, dir: &Path, prefix: &str) -> Result<()> {
        for entry in fs::read_dir(dir).with_context(|| format!("cannot read `{}`", dir.display()))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{prefix}{name}");
            let kind = entry.file_type()?;
            if kind.is_dir() && !SKIP.contains(&name.as_str()) {
                self.read_dir(&entry.path(), &format!("{path}/"))?;
            } else if kind.is_file()
                && entry.metadata()?.len() <= LARGEST_BYTES
                && let Ok(text) = fs::read_to_string(entry.path())
            {
                self.files.insert(path, text);
            }
        }
        Ok(())
    }

    /// A tree of invented files.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self { files: files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect() }
    }

    /// How many files.
    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    /// A file's text.
    pub(crate) fn get(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Whether there is a file, or a directory with files, of this path.
    pub(crate) fn exists(&self, path: &str) -> bool {
        let below = format!("{}/", path.trim_end_matches('/'));
        self.files.contains_key(path) || self.files.keys().any(|file| file.starts_with(&below))
    }

    /// Every file.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Files by extension.
    pub(crate) fn with_extension(&self, extension: &'static str) -> impl Iterator<Item = (&str, &str)> {
        self.all().filter(move |(path, _)| path.rsplit_once('.').is_some_and(|(_, found)| found == extension))
    }

    /// Rust sources.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        self.with_extension("rs")
    }

    /// The agent's own sources without their tests, comments and the contents of their strings.
    pub(crate) fn agent_code(&self) -> impl Iterator<Item = (&str, String)> {
        self.rust()
            .filter(|(path, _)| path.starts_with("mcpgw-agent/src/") && !is_test_file(path))
            .map(|(path, text)| (path, code_only(without_tests(text))))
    }
}

/// Whether all of a file is tests.
pub(crate) fn is_test_file(path: &str) -> bool {
    path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs")
}

/// The part of a source before its inline test module. `mod tests;` has its tests elsewhere and cuts nothing.
pub(crate) fn without_tests(text: &str) -> &str {
    let mut from = 0;
    while let Some(found) = text.get(from..).and_then(|rest| rest.find("#[cfg(test)]\n")) {
        let start = from + found;
        let after = text.get(start..).and_then(|rest| rest.split_once('\n')).map_or("", |(_, after)| after);
        let item = after.lines().find(|line| !line.trim_start().starts_with("#["));
        let at_margin = start == 0 || text.get(..start).is_some_and(|before| before.ends_with('\n'));
        if at_margin && item.is_some_and(|line| line.starts_with("mod ") && line.ends_with('{')) {
            return text.get(..start).unwrap_or(text);
        }
        from = start + 1;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{is_test_file, without_tests};

    #[test]
    fn an_inline_test_module_is_cut_and_a_declared_one_is_not() {
        let inline = "fn a() {}\n\n#[cfg(test)]\nmod tests {\n}\n";
        assert_eq!(without_tests(inline), "fn a() {}\n\n");
        let declared = "fn a() {}\n\n#[cfg(test)]\nmod tests;\nfn b() {}\n";
        assert_eq!(without_tests(declared), declared);
    }

    #[test]
    fn a_test_only_function_hides_nothing_after_it() {
        let text = "#[cfg(test)]\nfn helper() {}\nfn b() {}\n#[cfg(test)]\n#[expect(x)]\nmod tests {\n}\n";
        assert_eq!(without_tests(text), "#[cfg(test)]\nfn helper() {}\nfn b() {}\n");
    }

    #[test]
    fn test_files_are_told_by_their_place() {
        assert!(is_test_file("mcpgw-agent/src/wire/tests.rs"));
        assert!(is_test_file("tests/cli/main.rs"));
        assert!(!is_test_file("mcpgw-agent/src/wire/test_support.rs"));
    }
}
