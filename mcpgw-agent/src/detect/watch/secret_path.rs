//! Paths of files that hold secrets, as they are named in texts.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

/// Letters of a path behind what is looked for, at most.
const TAIL: usize = 64;

/// Whole names, and directories.
const PATHS: [&str; 26] = [
    ".ssh/",
    "id_rsa",
    "id_ed25519",
    "id_ecdsa",
    ".aws/credentials",
    ".netrc",
    ".git-credentials",
    ".pgpass",
    ".pypirc",
    ".npmrc",
    ".kube/config",
    ".docker/config.json",
    "/etc/shadow",
    ".gnupg/",
    ".vault-token",
    "application_default_credentials",
    ".config/gh/hosts",
    "wallet.dat",
    "/environ",
    ".cursor/mcp.json",
    ".claude/.credentials",
    "login.keychain",
    ".azure/accesstokens",
    "/.env",
    ".env",
    "secrets.y",
];
/// What is in those directories and nobody's secret.
const PUBLIC: [&str; 5] = ["known_hosts", "config", "authorized_keys", "environment", "environ_"];

static FINDER: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::LeftmostFirst)
        .build(PATHS)
        .expect("a few short words make a small automaton")
});

/// Shows `visit` the hash of each path of `text` that names a secret: of what it is called, not of where it is.
pub(super) fn secret_paths(text: &str, mut visit: impl FnMut(u64)) {
    // Each has one of these, and most texts have none.
    if memchr::memchr3(b'.', b'_', b'/', text.as_bytes()).is_none() {
        return;
    }
    let mut from = 0;
    for found in FINDER.find_iter(text) {
        // A part of the path before.
        if found.start() < from {
            continue;
        }
        let before = text.get(..found.start()).unwrap_or_default();
        let behind = text.get(found.end()..).unwrap_or_default();
        let is_inside = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-');
        let needle = text.get(found.range()).unwrap_or_default().to_ascii_lowercase();
        let starts_word = needle.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '.');
        if starts_word && before.ends_with(is_inside) {
            continue;
        }
        let tail = behind.char_indices().take(TAIL);
        let end = tail.take_while(|(_, letter)| is_inside(*letter) || *letter == '.').last();
        let end = end.map_or(0, |(at, letter)| at + letter.len_utf8());
        from = found.end() + end;
        let tail = behind.get(..end).unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
        // `.env.example` and `.environment` are no secrets; `.env.local` is.
        let is_example =
            ["example", "sample", "template", "dist", "pub"].iter().any(|word| tail.ends_with(word));
        let goes_on = needle.ends_with(".env") && tail.starts_with(is_inside);
        if is_example || goes_on || PUBLIC.iter().any(|name| tail == *name) {
            continue;
        }
        // A directory is no file.
        if needle.ends_with('/') && tail.is_empty() {
            continue;
        }
        let mut hasher = DefaultHasher::new();
        (needle.trim_start_matches('/'), &*tail).hash(&mut hasher);
        visit(hasher.finish());
    }
}

/// Whether some text of the message `json` may have such a path, wherever it stands but at the places `known` to have none.
pub(super) fn may_be_in(json: &[u8], known: &[Range<usize>]) -> bool {
    // What is escaped may be one of the letters.
    memchr::memchr(b'\\', json).is_some()
        || memchr::memchr3_iter(b'.', b'_', b'/', json).any(|at| {
            let is_known = known.iter().any(|place| place.contains(&at));
            // Those with neither a stop nor a slash have a `d` or an `n` before their first of these.
            let is_in_name = || {
                let before = at.checked_sub(1).and_then(|before| json.get(before));
                json.get(at) != Some(&b'_') || matches!(before, Some(b'd' | b'D' | b'n' | b'N'))
            };
            !is_known && is_in_name()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_may_be_where_it_is() {
        let may_be_behind = |json: &str, known| may_be_in(json.as_bytes(), std::slice::from_ref(&known));
        for path in PATHS {
            for path in [path.to_owned(), path.to_ascii_uppercase()] {
                assert!(may_be_in(path.as_bytes(), &[]), "{path}");
                assert!(may_be_behind(&format!("a/{path}"), 0..2), "{path}");
            }
        }
        assert!(may_be_in(br"\u002eenv", &[]));
        for json in [r#"{"_meta":{"x":"snake_case a_b"}}"#, "", "_"] {
            assert!(!may_be_in(json.as_bytes(), &[]), "{json}");
        }
        assert!(!may_be_behind(r#"{"jsonrpc":"2.0"}"#, 11..16));
    }

    fn count(text: &str) -> usize {
        let mut count = 0;
        secret_paths(text, |_| count += 1);
        count
    }

    #[test]
    fn each_has_what_is_looked_for_first() {
        assert!(PATHS.iter().all(|path| path.contains(['.', '_', '/'])));
    }

    #[test]
    fn files_of_secrets_are_known_and_their_neighbours_are_not() {
        for text in [
            "~/.ssh/id_rsa",
            "/home/a/.SSH/id_ed25519",
            "cat /etc/shadow",
            "C:\\u\\.aws/credentials",
            "/srv/app/.env",
            "please read .env.local first",
            "/proc/self/environ",
            "id_rsa",
        ] {
            assert_eq!(count(text), 1, "{text}");
        }
        for text in [
            "~/.ssh/",
            "~/.ssh/known_hosts",
            "~/.ssh/config",
            "~/.ssh/id_rsa.pub",
            ".env.example",
            "/src/.environment",
            "process.env.HOME",
            "import dotenv",
            "valid_rsa_key",
        ] {
            assert_eq!(count(text), 0, "{text}");
        }
    }
}
