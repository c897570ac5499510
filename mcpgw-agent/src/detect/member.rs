//! What an argument is for, by its name.

use std::sync::LazyLock;

use super::table::Table;

/// What a member of a call's arguments holds, as far as its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Member {
    /// Prose, code, a question: whatever it says, it is only text.
    Document,
    /// Something that is run.
    Command,
    /// What names are compared with.
    Pattern,
    /// Where a file is.
    Path,
    /// A URL.
    Address,
    /// A machine.
    Host,
    /// An id, a branch, the name of a thing.
    Name,
    /// Its name does not say.
    Other,
}

/// Words of names, and what they say. Of several the last counts: a `file_path` is a path, a `path_id` an id.
const WORDS: [(Member, &[&str]); 7] = [
    (
        Member::Document,
        &[
            "answer",
            "body",
            "caption",
            "code",
            "comment",
            "content",
            "context",
            "css",
            "data",
            "description",
            "diff",
            "document",
            "example",
            "expression",
            "goal",
            "html",
            "instruction",
            "javascript",
            "json",
            "keyword",
            "markdown",
            "message",
            "messages",
            "msg",
            "new",
            "note",
            "observation",
            "old",
            "patch",
            "payload",
            "plan",
            "prompt",
            "q",
            "query",
            "question",
            "reason",
            "reasoning",
            "replacement",
            "reply",
            "snippet",
            "sql",
            "statement",
            "str",
            "summary",
            "svg",
            "task",
            "template",
            "term",
            "text",
            "thought",
            "title",
            "topic",
            "xml",
            "yaml",
        ],
    ),
    (
        Member::Command,
        &[
            "arg",
            "args",
            "arguments",
            "argv",
            "bash",
            "cmd",
            "command",
            "exec",
            "program",
            "run",
            "script",
            "shell",
        ],
    ),
    (
        Member::Pattern,
        &["exclude", "filter", "glob", "include", "match", "pattern", "regex", "regexp", "search"],
    ),
    (
        Member::Path,
        &[
            "archive",
            "basename",
            "cwd",
            "destination",
            "dir",
            "directory",
            "dirname",
            "dst",
            "file",
            "filename",
            "filepath",
            "folder",
            "infile",
            "outfile",
            "output",
            "path",
            "pathname",
            "root",
            "src",
            "subdir",
            "workdir",
            "workspace",
        ],
    ),
    (
        Member::Address,
        &[
            "address", "api", "baseurl", "callback", "endpoint", "feed", "href", "link", "page", "proxy",
            "redirect", "remote", "site", "uri", "url", "webhook", "website",
        ],
    ),
    (Member::Host, &["addr", "domain", "fqdn", "host", "hostname", "ip", "ipaddress", "node", "server"]),
    (
        Member::Name,
        &[
            "account",
            "author",
            "base",
            "bookmark",
            "branch",
            "bucket",
            "channel",
            "commit",
            "container",
            "database",
            "email",
            "head",
            "id",
            "identifier",
            "image",
            "key",
            "label",
            "login",
            "module",
            "namespace",
            "org",
            "organization",
            "owner",
            "package",
            "pod",
            "port",
            "project",
            "ref",
            "refspec",
            "region",
            "release",
            "repo",
            "repository",
            "resource",
            "revision",
            "service",
            "sha",
            "slug",
            "table",
            "tag",
            "token",
            "user",
            "username",
            "version",
        ],
    ),
];

/// Words of a name that are looked at.
const MAX_WORDS: usize = 8;

impl Member {
    /// Of the member called `key`.
    pub(super) fn of(key: &str) -> Self {
        // Most names are one word in lower case, and that is one word.
        if key.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return Self::of_words(std::iter::once(key));
        }
        Self::of_words(words(key))
    }

    fn of_words<'k>(words: impl Iterator<Item = &'k str>) -> Self {
        let mut found = Self::Other;
        for word in words.take(MAX_WORDS) {
            let said = meaning(word).or_else(|| singular(word).and_then(meaning));
            if word.eq_ignore_ascii_case("name") && found == Self::Other {
                found = Self::Name;
            }
            found = said.unwrap_or(found);
        }
        found
    }
}

/// All words.
static MEANINGS: LazyLock<Table<Member>> = LazyLock::new(|| {
    Table::new(WORDS.iter().flat_map(|(member, words)| words.iter().map(move |word| (*word, *member))))
});

fn meaning(word: &str) -> Option<Member> {
    MEANINGS.get(word.as_bytes())
}

/// A word that says what a member holds, as it stands here: no detector finds anything in the name itself, as the tests of
/// the inspector see to.
pub(super) fn is_known(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_lowercase()) && meaning(name).is_some()
}

/// All those words.
#[cfg(test)]
pub(super) fn known() -> impl Iterator<Item = &'static str> {
    WORDS.iter().flat_map(|(_, words)| words.iter().copied())
}

fn singular(word: &str) -> Option<&str> {
    word.strip_suffix(['s', 'S']).filter(|word| word.len() > 1)
}

/// The words of a name, as it is spelled: `fileName`, `file_name`, `file-name`, `FILEName`.
pub(super) fn words(name: &str) -> impl Iterator<Item = &str> {
    let mut rest = name;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|letter: char| !letter.is_alphanumeric());
        let end = end_of_word(rest);
        let (word, behind) = rest.split_at_checked(end)?;
        rest = behind;
        (!word.is_empty()).then_some(word)
    })
}

fn end_of_word(rest: &str) -> usize {
    let mut before: Option<char> = None;
    let mut letters = rest.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let next = letters.peek().map(|(_, next)| *next);
        let begins = before.is_some_and(|before| {
            let ends_upper = before.is_uppercase() && next.is_some_and(char::is_lowercase);
            letter.is_uppercase() && (!before.is_uppercase() || ends_upper)
        });
        if begins || !letter.is_alphanumeric() {
            return at;
        }
        before = Some(letter);
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_says_one_thing_and_is_found() {
        for (member, words) in WORDS {
            for word in words {
                assert_eq!(meaning(&word.to_uppercase()), Some(member), "{word}");
            }
        }
        assert_eq!(meaning("averyveryverylongword"), None);
    }

    #[test]
    fn names_are_words() {
        for (name, expected) in [
            ("fileName", "file Name"),
            ("file_name", "file name"),
            ("URLPath", "URL Path"),
            ("--x..y2", "x y2"),
            ("ID", "ID"),
            ("", ""),
            ("__", ""),
        ] {
            assert_eq!(words(name).collect::<Vec<_>>().join(" "), expected, "{name}");
        }
    }

    #[test]
    fn the_last_word_that_says_something_counts() {
        for (name, expected) in [
            ("path", Member::Path),
            ("filePaths", Member::Path),
            ("file_name", Member::Path),
            ("file_content", Member::Document),
            ("database_url", Member::Address),
            ("HostName", Member::Host),
            ("branch_name", Member::Name),
            ("name", Member::Name),
            ("commitMessage", Member::Document),
            ("argv", Member::Command),
            ("input", Member::Other),
            ("", Member::Other),
        ] {
            assert_eq!(Member::of(name), expected, "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_name_in_lower_case_is_one_word(name in "[a-z]{0,20}|(file|path|host|name|quer)(s|y|ies)?") {
            proptest::prop_assert_eq!(Member::of(&name), Member::of_words(words(&name)));
        }
    }
}
