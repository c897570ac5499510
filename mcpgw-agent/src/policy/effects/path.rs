//! Globs of paths: `*` is any characters, `/` included, as in every glob of a policy; `~/` and `./` stand for directories that
//! are known where the server runs.

use serde::{Deserialize, Serialize};

use super::Surroundings;
use crate::policy::glob::Glob;

/// A glob of absolute paths.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathGlob {
    /// What `rest` is beneath.
    pub base: Base,
    /// Of what follows the base: begins with a slash, or with a wildcard.
    rest: Glob,
    /// The directory in which everything is meant: it is meant, too.
    whole: Option<Glob>,
    written: Box<str>,
}

/// Where a glob of paths begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// `/…`, `*…`: the root.
    Root,
    /// `~/…`: the home of the user the server runs as.
    Home,
    /// `./…`: the directory the server was started in.
    Directory,
}

impl PartialEq for PathGlob {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl TryFrom<String> for PathGlob {
    type Error = String;

    fn try_from(written: String) -> Result<Self, String> {
        Self::new(&written)
    }
}

impl From<PathGlob> for String {
    fn from(glob: PathGlob) -> Self {
        glob.written.into()
    }
}

impl PathGlob {
    /// Reads one.
    ///
    /// # Errors
    /// Why it is none.
    pub fn new(written: &str) -> Result<Self, String> {
        let below = |prefix| written.strip_prefix(prefix).filter(|rest: &&str| rest.starts_with('/'));
        let (base, rest) = match (below("~"), below(".")) {
            (Some(rest), _) => (Base::Home, rest),
            (_, Some(rest)) => (Base::Directory, rest),
            (None, None) if written.starts_with(['/', '*', '?']) => (Base::Root, written),
            (None, None) if written == "~" => (Base::Home, ""),
            (None, None) if written.starts_with('~') => {
                return Err(format!("`{written}`: `~/` is the user's own home; write others out"));
            }
            (None, None) => {
                return Err(format!("`{written}` is no path: it begins with `/`, `~/`, `./` or `*`"));
            }
        };
        if rest.split('/').any(|step| matches!(step, "." | "..")) || rest.contains("//") {
            return Err(format!("`{written}` has steps a path never has: `.`, `..` or an empty one"));
        }
        let whole = rest.strip_suffix("/**").or_else(|| rest.strip_suffix("/*"));
        let whole = whole.filter(|whole| !whole.is_empty()).map(Glob::new).transpose()?;
        let rest = Glob::new(if rest.is_empty() { "/" } else { rest })?;
        Ok(Self { base, rest, whole, written: written.into() })
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// What is there before its first wildcard, from the base on, and what follows.
    #[must_use]
    pub fn literal(&self) -> (&str, &str) {
        let rest = self.rest.as_str();
        rest.split_at_checked(rest.find(['*', '?']).unwrap_or(rest.len())).unwrap_or((rest, ""))
    }

    /// The absolute path `path` is meant. A base that is not known may be anything where a match denies, and is nothing
    /// where it allows.
    pub(super) fn matches(&self, path: &str, around: &Surroundings, denies: bool) -> bool {
        let means = |rest: &str| {
            self.rest.matches(rest) || self.whole.as_ref().is_some_and(|whole| whole.matches(rest))
        };
        let below = |base: &str| match path.strip_prefix(base) {
            Some("") => means("/"),
            Some(rest) => rest.starts_with('/') && means(rest),
            None => false,
        };
        let anywhere = || denies && path.match_indices('/').any(|(at, _)| path.get(at..).is_some_and(means));
        match self.base {
            Base::Root => means(path),
            Base::Home if around.homes.is_empty() => anywhere(),
            Base::Home => around.homes.iter().any(|home| below(home)),
            Base::Directory => around.directory.as_deref().map_or_else(anywhere, below),
        }
    }
}
