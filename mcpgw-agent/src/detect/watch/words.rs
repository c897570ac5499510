//! The words of names: `listPullRequests`, `list_pull_requests` and `list-pull-requests` have the same three.

/// Words of a name that are read.
const MAX_WORDS: usize = 16;
/// Bytes of a name that are read.
const MAX_BYTES: usize = 256;

/// Verbs that read.
const READS: &[&str] = &[
    "get",
    "read",
    "list",
    "search",
    "fetch",
    "find",
    "show",
    "view",
    "retrieve",
    "lookup",
    "query",
    "describe",
    "download",
    "browse",
    "load",
    "select",
    "history",
    "recent",
    "unread",
    "scan",
    "export",
    "dump",
    "print",
    "diff",
    "log",
    "status",
    "inspect",
    "summarize",
    "cat",
    "head",
    "tail",
    "open",
    "navigate",
    "crawl",
    "scrape",
    "extract",
    "visit",
    "goto",
    "snapshot",
    "screenshot",
    "execute",
    "run",
    "tree",
    "info",
];
/// Verbs that write.
const WRITES: &[&str] = &[
    "send",
    "post",
    "create",
    "update",
    "add",
    "publish",
    "reply",
    "forward",
    "push",
    "merge",
    "upload",
    "share",
    "submit",
    "write",
    "put",
    "edit",
    "set",
    "insert",
    "invite",
    "notify",
    "tweet",
    "transfer",
    "upsert",
    "append",
    "modify",
    "patch",
    "assign",
    "transition",
    "move",
    "delete",
    "remove",
    "deploy",
    "apply",
    "click",
    "type",
    "fill",
    "press",
    "mark",
    "archive",
    "draft",
    "fork",
    "react",
];
/// Words that are verbs only where no other is there.
const PERHAPS: &[&str] = &["comment", "message", "email", "mail", "sms", "dm", "webhook"];

/// Verbs that send something to somebody.
pub(super) const SEND: &[&str] = &[
    "send", "post", "publish", "forward", "tweet", "notify", "share", "upload", "submit", "invite", "push",
    "reply", "email", "sms", "dm",
];
/// What is sent.
pub(super) const SENT: &[&str] = &[
    "email",
    "mail",
    "message",
    "sms",
    "tweet",
    "post",
    "webhook",
    "notification",
    "slack",
    "channel",
    "dm",
    "comment",
    "issue",
    "gist",
    "paste",
    "status",
    "invitation",
    "fax",
    "letter",
];
/// Verbs that go to an address.
pub(super) const GO: &[&str] = &[
    "fetch", "request", "http", "post", "curl", "webhook", "navigate", "download", "get", "scrape", "crawl",
    "browse", "visit", "goto", "open", "read",
];
/// What strangers write in.
pub(super) const TALK: &[&str] = &[
    "issue",
    "ticket",
    "comment",
    "email",
    "mail",
    "message",
    "inbox",
    "thread",
    "pr",
    "pull",
    "discussion",
    "review",
    "notification",
    "conversation",
    "history",
    "reply",
    "feedback",
    "tweet",
    "request",
    "replies",
];
/// What comes from the web.
pub(super) const WEB: &[&str] =
    &["web", "webpage", "url", "website", "news", "feed", "rss", "internet", "google", "html"];
/// What is kept from others.
pub(super) const HELD: &[&str] = &[
    "file",
    "directory",
    "folder",
    "document",
    "doc",
    "secret",
    "credential",
    "password",
    "token",
    "key",
    "env",
    "environment",
    "variable",
    "customer",
    "account",
    "contact",
    "patient",
    "employee",
    "salary",
    "invoice",
    "payment",
    "order",
    "transaction",
    "database",
    "db",
    "table",
    "record",
    "row",
    "sql",
    "repository",
    "repo",
    "code",
    "commit",
    "email",
    "mail",
    "message",
    "inbox",
    "chat",
    "calendar",
    "event",
    "note",
    "memory",
    "graph",
    "profile",
    "photo",
    "bookmark",
    "clipboard",
];
/// What is in a repository.
pub(super) const CODE: &[&str] = &["code", "file", "content", "commit", "repo", "repository"];
/// Statements that put something where others read it.
pub(super) const SQL_WRITES: &[&str] = &["insert", "update", "merge", "upsert", "grant", "copy"];

/// A name's words, in lower case and in the singular.
#[derive(Debug, Clone, Default)]
pub(super) struct Words(Vec<Box<str>>);

/// What a name's verb does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Verb {
    pub(super) reads: bool,
}

impl Words {
    pub(super) fn of(name: &str) -> Self {
        let mut words: Vec<Box<str>> = Vec::new();
        let mut word = String::new();
        let mut was_lower = false;
        let name = name.get(..name.floor_char_boundary(MAX_BYTES)).unwrap_or_default();
        for letter in name.chars().chain(['_']) {
            let starts = letter.is_uppercase() && was_lower;
            if (starts || !letter.is_alphanumeric()) && !word.is_empty() && words.len() < MAX_WORDS {
                words.push(singular(&word).into());
                word.clear();
            }
            if letter.is_alphanumeric() {
                word.extend(letter.to_lowercase());
            }
            was_lower = letter.is_lowercase();
        }
        Self(words)
    }

    pub(super) fn has_any(&self, list: &[&str]) -> bool {
        // What makes it plural is one letter: most words differ before it has to be looked for.
        let is = |word: &str, other: &str| other.starts_with(word) && word == singular(other);
        self.0.iter().any(|word| list.iter().any(|other| is(word, other)))
    }

    /// The first verb.
    pub(super) fn verb(&self) -> Option<Verb> {
        let verb = |word: &&str| -> Option<Verb> {
            let reads = READS.contains(word);
            (reads || WRITES.contains(word)).then_some(Verb { reads })
        };
        let words = || self.0.iter().map(|word| &**word);
        words().find_map(|word| verb(&word)).or_else(|| {
            let last = words().next_back()?;
            PERHAPS.contains(&last).then_some(Verb { reads: false })
        })
    }
}

/// A word without what makes it plural.
fn singular(word: &str) -> &str {
    match word.strip_suffix('s') {
        Some(one) if one.len() > 2 && !one.ends_with(['s', 'u', 'i']) => one,
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_same_in_every_style() {
        for name in ["listPullRequests", "list_pull_requests", "list-pull-requests", "List.Pull Requests"] {
            let words = Words::of(name);
            assert_eq!(
                words.0.iter().map(|word| &**word).collect::<Vec<_>>(),
                ["list", "pull", "request"],
                "{name}"
            );
        }
        assert!(Words::of("git_status").has_any(&["status"]) && Words::of("teams").has_any(&["teams"]));
        assert_eq!(Words::of(&"a_".repeat(5000)).0.len(), MAX_WORDS);
    }

    #[test]
    fn the_first_verb_counts() {
        let reads = |name| Words::of(name).verb().map(|verb| verb.reads);
        assert_eq!(reads("get_pull_request_comments"), Some(true));
        assert_eq!(reads("add_issue_comment"), Some(false));
        assert_eq!(reads("slack_post_message"), Some(false));
        assert_eq!(reads("issue_read"), Some(true));
        assert_eq!(reads("email"), Some(false));
        assert_eq!(reads("weather"), None);
    }
}
