//! The allow list: which servers the operator sanctions, and under which rule's name.
//!
//! Pure matching of facts; it decides nothing (that is `assess`). A rule matches when *every* field it names
//! matches, and a fact that is not known yet matches nothing. A command line is what the process says of
//! itself: a rule that names only `command` sanctions whoever copies it.

use globset::{GlobBuilder, GlobMatcher};

/// Why a rule cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AllowError {
    /// It names no field and so would match every server.
    #[error("allow rule `{name}` names nothing to match and would allow every server")]
    Empty {
        /// The rule.
        name: String,
    },
    /// It has no name, or one that is all blanks.
    #[error("an allow rule has no name")]
    Unnamed,
    /// A field that must hold a pattern is empty.
    #[error("allow rule `{name}`: `{field}` is empty")]
    Blank {
        /// The rule.
        name: String,
        /// The field.
        field: &'static str,
    },
    /// A glob does not compile.
    #[error("allow rule `{name}`: `{field}` is no glob")]
    Glob {
        /// The rule.
        name: String,
        /// The field.
        field: &'static str,
        /// What the glob compiler says.
        #[source]
        source: globset::Error,
    },
    /// Not 64 hexadecimal digits.
    #[error("allow rule `{name}`: `sha256` is not 64 hexadecimal digits")]
    Sha256 {
        /// The rule.
        name: String,
    },
}

/// A rule as written: plain strings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowSpec {
    /// Shown as the reason.
    pub name: String,
    /// Glob over the executable's resolved path; `*` stays within a directory, `**` does not.
    pub exe: Option<String>,
    /// SHA-256 of the executable, hex.
    pub sha256: Option<String>,
    /// Glob over the arguments joined by single blanks; `*` matches anything.
    pub command: Option<String>,
    /// User name, or user id as a number.
    pub user: Option<String>,
    /// Glob over the container id or machine name.
    pub container: Option<String>,
    /// Glob over the systemd unit.
    pub unit: Option<String>,
    /// Glob over the cgroup path; `*` stays within one level.
    pub cgroup: Option<String>,
}

/// A rule ready to match.
#[derive(Debug, Clone)]
pub struct AllowRule {
    name: String,
    exe: Option<GlobMatcher>,
    sha256: Option<String>,
    command: Option<GlobMatcher>,
    user: Option<String>,
    container: Option<GlobMatcher>,
    unit: Option<GlobMatcher>,
    cgroup: Option<GlobMatcher>,
}

impl AllowRule {
    /// Compiles a rule.
    ///
    /// # Errors
    /// [`AllowError`] where the rule names nothing, a glob does not compile or a hash is no SHA-256.
    pub fn new(spec: &AllowSpec) -> Result<Self, AllowError> {
        let name = spec.name.trim().to_owned();
        if name.is_empty() {
            return Err(AllowError::Unnamed);
        }
        let fields =
            [&spec.exe, &spec.sha256, &spec.command, &spec.user, &spec.container, &spec.unit, &spec.cgroup];
        if fields.iter().all(|field| field.is_none()) {
            return Err(AllowError::Empty { name });
        }
        let glob = |field, text: &Option<String>, by_level| compile(&name, field, text.as_deref(), by_level);
        let sha256 = match &spec.sha256 {
            Some(hex) if hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()) => {
                Some(hex.to_ascii_lowercase())
            }
            Some(_) => return Err(AllowError::Sha256 { name }),
            None => None,
        };
        if spec.user.as_ref().is_some_and(|user| user.trim().is_empty()) {
            return Err(AllowError::Blank { name, field: "user" });
        }
        Ok(Self {
            exe: glob("exe", &spec.exe, true)?,
            sha256,
            command: glob("command", &spec.command, false)?,
            user: spec.user.clone(),
            container: glob("container", &spec.container, false)?,
            unit: glob("unit", &spec.unit, false)?,
            cgroup: glob("cgroup", &spec.cgroup, true)?,
            name,
        })
    }

    /// The rule's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The hash it asks for.
    pub(crate) fn sha256(&self) -> Option<&str> {
        self.sha256.as_deref()
    }

    /// A program at `path` could match, whatever else is known of it.
    pub(crate) fn may_be_at(&self, path: &str) -> bool {
        glob_matches(self.exe.as_ref(), Some(path))
    }

    pub(super) fn matches(&self, subject: &Subject<'_>) -> bool {
        self.fits(subject) && self.sha256.as_deref().is_none_or(|want| subject.sha256 == Some(want))
    }

    /// All but the hash matches.
    pub(crate) fn fits(&self, subject: &Subject<'_>) -> bool {
        glob_matches(self.command.as_ref(), subject.command) && self.fits_but_command(subject)
    }

    /// All but hash and command line match.
    pub(crate) fn fits_but_command(&self, subject: &Subject<'_>) -> bool {
        glob_matches(self.exe.as_ref(), subject.exe)
            && self.user.as_deref().is_none_or(|want| {
                subject.user == Some(want) || subject.uid.is_some_and(|uid| uid.to_string() == want)
            })
            && glob_matches(self.container.as_ref(), subject.container)
            && glob_matches(self.unit.as_ref(), subject.unit)
            && glob_matches(self.cgroup.as_ref(), subject.cgroup)
    }
}

/// All rules, in the order written; the first that matches gives the reason.
#[derive(Debug, Clone, Default)]
pub struct AllowList {
    rules: Vec<AllowRule>,
}

impl AllowList {
    /// A list of compiled rules.
    #[must_use]
    pub fn new(rules: Vec<AllowRule>) -> Self {
        Self { rules }
    }

    /// Compiles every rule.
    ///
    /// # Errors
    /// The first rule's [`AllowError`].
    pub fn compile(specs: &[AllowSpec]) -> Result<Self, AllowError> {
        specs.iter().map(AllowRule::new).collect::<Result<_, _>>().map(Self::new)
    }

    pub(super) fn first_match(&self, subject: &Subject<'_>) -> Option<&AllowRule> {
        self.rules.iter().find(|rule| rule.matches(subject))
    }
}

/// What is known of the process a rule is held against; `None` where it is not known (yet).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Subject<'a> {
    pub(crate) exe: Option<&'a str>,
    pub(crate) sha256: Option<&'a str>,
    pub(crate) command: Option<&'a str>,
    pub(crate) user: Option<&'a str>,
    pub(crate) uid: Option<u32>,
    pub(crate) container: Option<&'a str>,
    pub(crate) unit: Option<&'a str>,
    pub(crate) cgroup: Option<&'a str>,
}

fn glob_matches(glob: Option<&GlobMatcher>, text: Option<&str>) -> bool {
    glob.is_none_or(|glob| text.is_some_and(|text| glob.is_match(text)))
}

fn compile(
    name: &str,
    field: &'static str,
    text: Option<&str>,
    by_level: bool,
) -> Result<Option<GlobMatcher>, AllowError> {
    let Some(text) = text else { return Ok(None) };
    if text.trim().is_empty() {
        return Err(AllowError::Blank { name: name.to_owned(), field });
    }
    GlobBuilder::new(text)
        .literal_separator(by_level)
        .build()
        .map(|glob| Some(glob.compile_matcher()))
        .map_err(|source| AllowError::Glob { name: name.to_owned(), field, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(name: &str) -> AllowSpec {
        AllowSpec { name: name.to_owned(), ..AllowSpec::default() }
    }

    #[test]
    fn a_rule_that_would_match_everything_is_refused() {
        assert!(matches!(AllowRule::new(&spec("x")), Err(AllowError::Empty { .. })));
        let blank = AllowSpec { exe: Some(" ".into()), ..spec("x") };
        assert!(matches!(AllowRule::new(&blank), Err(AllowError::Blank { field: "exe", .. })));
        let blank = AllowSpec { user: Some(String::new()), ..spec("x") };
        assert!(matches!(AllowRule::new(&blank), Err(AllowError::Blank { field: "user", .. })));
        let unnamed = AllowSpec { user: Some("u".into()), ..spec(" ") };
        assert!(matches!(AllowRule::new(&unnamed), Err(AllowError::Unnamed)));
    }

    #[test]
    fn bad_globs_and_hashes_are_refused() {
        let bad = AllowSpec { command: Some("a[".into()), ..spec("x") };
        assert!(matches!(AllowRule::new(&bad), Err(AllowError::Glob { field: "command", .. })));
        let bad = AllowSpec { sha256: Some("12".into()), ..spec("x") };
        assert!(matches!(AllowRule::new(&bad), Err(AllowError::Sha256 { .. })));
    }

    #[test]
    fn all_named_fields_must_match_and_unknown_matches_nothing() {
        let rule = AllowSpec { exe: Some("/opt/*/bin/srv".into()), user: Some("1000".into()), ..spec("r") };
        let list = AllowList::compile(&[rule]).unwrap();
        let subject = Subject { exe: Some("/opt/a/bin/srv"), uid: Some(1000), ..Subject::default() };
        assert_eq!(list.first_match(&subject).map(AllowRule::name), Some("r"));
        assert!(list.first_match(&Subject { uid: Some(1), ..subject }).is_none());
        assert!(list.first_match(&Subject { exe: None, ..subject }).is_none());
        assert!(list.first_match(&Subject { exe: Some("/opt/a/b/bin/srv"), ..subject }).is_none());
    }

    #[test]
    fn commands_match_across_slashes_and_hashes_whatever_their_case() {
        let by_command = AllowSpec { command: Some("node *server.js*".into()), ..spec("c") };
        let by_hash = AllowSpec { sha256: Some("AB".repeat(32)), ..spec("h") };
        let list = AllowList::compile(&[by_command, by_hash]).unwrap();
        let subject = Subject { command: Some("node /a/b/server.js --x"), ..Subject::default() };
        assert_eq!(list.first_match(&subject).map(AllowRule::name), Some("c"));
        let hash = "ab".repeat(32);
        let subject = Subject { sha256: Some(&hash), ..Subject::default() };
        assert_eq!(list.first_match(&subject).map(AllowRule::name), Some("h"));
    }
}
