//! Files nobody's tool has business with unless it is about them: what holds secrets, and what others run or trust.
//!
//! A path is known by what it ends with, has within or begins with, so that it is found below every home.

mod list;

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::clients::{PROJECT, USER};
use super::{Access, Act, Odd, Oddity, Outcome, SideEffect};
use crate::detect::Severity;
use list::{LIST, Place};

/// How bad it is to read and to write a file; `None` where it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Danger {
    read: Option<Severity>,
    write: Option<Severity>,
}

/// All texts that are looked for, and what each means.
struct Index {
    finder: AhoCorasick,
    rules: Vec<(Place, Danger)>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut texts: Vec<String> = Vec::new();
    let mut rules = Vec::new();
    for (place, text, read, write) in LIST {
        texts.push((*text).to_owned());
        rules.push((*place, Danger { read: *read, write: *write }));
    }
    // What a client starts stands there, and often a token with it.
    let danger = Danger { read: Some(Severity::Medium), write: Some(Severity::Critical) };
    for (path, _) in USER.iter().chain(&PROJECT) {
        texts.push(format!("/{path}"));
        rules.push((Place::End, danger));
    }
    let finder = AhoCorasick::new(&texts).expect("some hundred short texts make a small automaton");
    Index { finder, rules }
});

/// What is odd about `effect` wherever it is done. `is_known` says whether its tool has touched a path so before, by whether
/// it wrote.
pub(super) fn odd(effect: &SideEffect, mut is_known: impl FnMut(&str, bool) -> bool) -> Vec<Odd> {
    let mut odd: Vec<Odd> = Vec::new();
    let pid = effect.process.pid;
    let mut add = |path: &str, reads: bool, writes: bool| {
        let danger = danger(path, pid);
        for (what, severity, writes) in [
            (Oddity::SensitiveRead, danger.read.filter(|_| reads), false),
            (Oddity::SensitiveWrite, danger.write.filter(|_| writes), true),
        ] {
            let Some(mut severity) = severity else { continue };
            if is_known(path, writes) {
                severity = lower(severity);
            }
            // It was reached for and not got.
            if effect.outcome == Outcome::Refused {
                severity = lower(severity);
            }
            match odd.iter_mut().find(|known| known.what == what) {
                Some(known) => known.severity = known.severity.max(severity),
                None => odd.push(Odd { what, severity }),
            }
        }
    };
    match &effect.act {
        Act::Open { path, access } => {
            // A path that was opened for neither is only looked at; what was asked for by io_uring or refused is not known.
            let unknown = *access == Access::Unknown && effect.outcome != Outcome::Done;
            add(
                path,
                unknown || matches!(access, Access::Read | Access::ReadWrite),
                matches!(access, Access::Write | Access::ReadWrite),
            );
        }
        Act::Delete { path } | Act::Truncate { path } => add(path, false, true),
        Act::Rename { from, to } => {
            // Elsewhere it can be read.
            add(from, true, true);
            add(to, false, true);
        }
        Act::Link { from, to } => {
            add(from, true, false);
            add(to, false, true);
        }
        Act::Exec { .. } | Act::Connect { .. } | Act::Send { .. } | Act::Bind { .. } => {}
    }
    odd
}

fn lower(severity: Severity) -> Severity {
    match severity {
        Severity::Critical => Severity::High,
        Severity::High => Severity::Medium,
        Severity::Medium | Severity::Low => Severity::Low,
    }
}

/// How bad it is that process `pid` touches `path`.
fn danger(path: &str, pid: u32) -> Danger {
    let mut danger = Danger { read: None, write: None };
    let mut raise = |other: Danger| {
        danger.read = danger.read.max(other.read);
        danger.write = danger.write.max(other.write);
    };
    for found in INDEX.finder.find_overlapping_iter(path) {
        let Some((place, of_rule)) = INDEX.rules.get(found.pattern().as_usize()) else { continue };
        let is_meant = match place {
            Place::End => found.end() == path.len(),
            Place::Within => found.end() < path.len(),
            Place::Start => found.start() == 0,
            Place::Whole => found.start() == 0 && found.end() == path.len(),
        };
        if is_meant {
            raise(*of_rule);
        }
    }
    let name = path.rsplit('/').next().unwrap_or_default();
    if is_environment(name) {
        raise(Danger { read: Some(Severity::Medium), write: Some(Severity::Medium) });
    }
    if of_other_process(path, pid) {
        raise(Danger { read: Some(Severity::High), write: Some(Severity::Critical) });
    }
    if path.contains("/.ssh/") && is_public_of_ssh(name) {
        danger.read = None;
        // A host that is spoken to for the first time is noted there.
        if name.starts_with("known_hosts") {
            danger.write = None;
        }
    }
    // `git init` puts examples there, which nothing runs.
    if path.contains("/hooks/") && name.ends_with(".sample") {
        danger.write = None;
    }
    danger
}

/// `.env` and its kin, but no examples of it.
fn is_environment(name: &str) -> bool {
    let Some(rest) = name.strip_prefix(".env") else { return false };
    const EXAMPLES: [&str; 6] = [".example", ".sample", ".template", ".dist", ".defaults", ".test"];
    rest.is_empty() || rest.starts_with('.') && !EXAMPLES.iter().any(|example| rest.ends_with(example))
}

/// What is in `~/.ssh` and nobody's secret.
fn is_public_of_ssh(name: &str) -> bool {
    matches!(name, "known_hosts" | "known_hosts.old" | "config" | "authorized_keys" | "environment")
        || name.ends_with(".pub")
}

/// The variables or the memory of another process.
fn of_other_process(path: &str, pid: u32) -> bool {
    let Some((process, rest)) = path.strip_prefix("/proc/").and_then(|rest| rest.split_once('/')) else {
        return false;
    };
    let is_number = !process.is_empty() && process.bytes().all(|byte| byte.is_ascii_digit());
    is_number && process != pid.to_string() && (rest.ends_with("environ") || rest.ends_with("mem"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::tests::opened;

    fn found(path: &str, access: Access) -> Vec<(Oddity, Severity)> {
        let odd = odd(&opened(path, access), |_, _| false);
        odd.into_iter().map(|odd| (odd.what, odd.severity)).collect()
    }

    #[test]
    fn what_holds_secrets_is_sensitive_to_read_below_every_home() {
        for path in [
            "/home/ann/.ssh/id_ed25519",
            "/root/.ssh/deploy",
            "/srv/app/.env",
            "/srv/app/.env.local",
            "/home/ann/.aws/credentials",
            "/home/ann/.config/gcloud/application_default_credentials.json",
            "/home/ann/.mozilla/firefox/x.default/logins.json",
            "/home/ann/.config/google-chrome/Default/Login Data",
            "/home/ann/.local/share/keyrings/login.keyring",
            "/home/ann/.kube/config",
            "/home/ann/.git-credentials",
            "/etc/shadow",
            "/home/ann/.cursor/mcp.json",
            "/home/ann/.claude.json",
            "/srv/project/.mcp.json",
            "/proc/9/environ",
            "/proc/9/task/9/mem",
        ] {
            let found = found(path, Access::Read);
            assert!(matches!(found[..], [(Oddity::SensitiveRead, _)]), "{path}: {found:?}");
        }
        for path in [
            "/home/ann/.ssh/known_hosts",
            "/home/ann/.ssh/id_ed25519.pub",
            "/home/ann/.ssh",
            "/srv/app/.env.example",
            "/srv/app/.environment",
            "/home/ann/.bashrc",
            "/etc/passwd",
            "/etc/shadowed",
            "/home/ann/etc/shadow",
            "/proc/7/environ",
            "/home/ann/notes.txt",
            "/home/ann/x.claude.json",
        ] {
            assert_eq!(found(path, Access::Read), [], "{path}");
        }
    }

    #[test]
    fn what_others_run_is_sensitive_to_write() {
        for path in [
            "/home/ann/.bashrc",
            "/home/ann/.ssh/authorized_keys",
            "/home/ann/.ssh/config",
            "/etc/cron.d/x",
            "/var/spool/cron/crontabs/ann",
            "/etc/systemd/system/x.service",
            "/home/ann/.config/systemd/user/x.service",
            "/home/ann/.config/autostart/x.desktop",
            "/home/ann/.config/Claude/claude_desktop_config.json",
            "/srv/project/.git/hooks/pre-commit",
            "/etc/ld.so.preload",
        ] {
            let found = found(path, Access::Write);
            assert!(matches!(found[..], [(Oddity::SensitiveWrite, _)]), "{path}: {found:?}");
        }
        for path in ["/home/ann/.ssh/known_hosts", "/srv/x/.git/hooks/pre-commit.sample", "/home/ann/x"] {
            assert_eq!(found(path, Access::Write), [], "{path}");
        }
        let both = found("/home/ann/.cursor/mcp.json", Access::ReadWrite);
        assert_eq!(
            both,
            [(Oddity::SensitiveRead, Severity::Medium), (Oddity::SensitiveWrite, Severity::Critical)]
        );
    }

    #[test]
    fn it_is_less_bad_where_it_is_known_or_was_refused_and_worse_where_it_moves() {
        let key = opened("/home/ann/.ssh/id", Access::Read);
        let severity = |effect: &SideEffect, known| odd(effect, |_, _| known)[0].severity;
        assert_eq!((severity(&key, false), severity(&key, true)), (Severity::High, Severity::Medium));
        let refused = SideEffect { outcome: Outcome::Refused, ..key.clone() };
        assert_eq!(severity(&refused, false), Severity::Medium);
        let asked = SideEffect { outcome: Outcome::Asked, ..opened("/root/.ssh/id", Access::Unknown) };
        assert_eq!(odd(&asked, |_, _| false)[0].what, Oddity::SensitiveRead);
        assert_eq!(odd(&opened("/root/.ssh/id", Access::Unknown), |_, _| false), []);
        let act = Act::Rename { from: "/home/ann/.ssh/id".to_owned(), to: "/tmp/x".to_owned() };
        let moved = odd(&SideEffect { act, ..key }, |_, _| false);
        assert_eq!(
            moved.iter().map(|odd| odd.what).collect::<Vec<_>>(),
            [Oddity::SensitiveRead, Oddity::SensitiveWrite]
        );
    }
}
