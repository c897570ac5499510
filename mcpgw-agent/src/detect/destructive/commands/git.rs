//! git and the forges' command lines.

use super::arguments::Arguments;
use super::rows::{Row, row, with};
use crate::detect::destructive::act::Act;

const FORCE: Act = Act::high("git_force_push", "replaces what is published");
const LEASE: Act = Act::low("git_force_push", "replaces what is published, if nobody else pushed");
const REMOTE: Act = Act::high("git_remote_delete", "removes branches or tags of the published repository");
const DISCARD: Act = Act::high("git_discard", "throws away work that is not committed");
const FILES: Act = Act { score: 0.55, ..Act::medium("git_discard", "throws away changes to files") };
const BRANCH: Act = Act::medium("git_branch_delete", "removes a branch whether or not it is merged");
const HISTORY: Act = Act::high("git_history_rewrite", "rewrites or expires history");
const REPOSITORY: Act = Act::critical("repository_delete", "removes a repository");
const FORGE: Act = Act::medium("forge_delete", "removes something of a forge: a release, a secret, a key");

/// Rows of this kind.
pub(super) const ROWS: &[Row] = &[
    row("gh|glab|hub|tea", "repo|project delete", REPOSITORY),
    row("gh|glab", "repo archive", FORGE),
    row(
        "gh|glab",
        "release|secret|variable|ssh-key|gpg-key|issue|mr|gist|project|environment delete|remove|rm",
        FORGE,
    ),
    row("gh", "repo deploy-key delete", FORGE),
    row("gh", "workflow disable", FORGE),
    with("gh", "codespace|run|cache delete", "--all|-a", FORGE),
    with("gh|glab", "api", "DELETE|-XDELETE|--method=DELETE", REPOSITORY),
    row("git-filter-repo|bfg|git-filter-branch", "", HISTORY),
    row("hg", "strip|histedit", HISTORY),
    with("hg", "update|up|revert|purge", "-C|--clean|--all|-a", DISCARD),
    row("p4", "obliterate", HISTORY),
    with("svn", "delete|rm|remove|del", "*://*", REMOTE),
    with("svn", "cleanup|revert", "--remove-unversioned|-R", DISCARD),
    row("git", "lfs prune", Act::low("git_history_rewrite", "removes large files kept locally")),
];

/// git.
pub(super) fn judge(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let mut texts = arguments.texts();
    // Options of git itself, some with a value.
    let verb = loop {
        let word = texts.next()?;
        match word {
            "-C" | "-c" | "--git-dir" | "--work-tree" | "--namespace" => drop(texts.next()),
            option if option.starts_with('-') => {}
            verb => break verb,
        }
    };
    let words: Vec<&str> = texts.collect();
    let git = Git { words: &words };
    if git.long("--dry-run") || git.short('n') && matches!(verb, "push" | "clean" | "rm" | "add" | "worktree")
    {
        return None;
    }
    match verb {
        "push" => push(&git),
        "reset" => git.any(&["--hard", "--merge", "--hard=true"]).then_some(DISCARD),
        "clean" => (git.short('f') || git.long("--force")).then_some(DISCARD),
        "checkout" => checkout(&git),
        "switch" => (git.short('f') || git.any(&["--force", "--discard-changes"])).then_some(DISCARD),
        "restore" => restore(&git),
        "branch" => branch(&git),
        "stash" => git.first_is(&["drop", "clear"]).then_some(DISCARD),
        "reflog" => git.first_is(&["expire", "delete"]).then_some(HISTORY),
        "gc" => git
            .words
            .iter()
            .any(|word| word.starts_with("--prune") && *word != "--prune=never")
            .then_some(HISTORY),
        "prune" => Some(Act { score: 0.55, ..HISTORY }),
        "filter-branch" | "filter-repo" | "obliterate" => Some(HISTORY),
        "update-ref" | "symbolic-ref" => git.any(&["-d", "--delete"]).then_some(HISTORY),
        "worktree" => {
            (git.first_is(&["remove"]) && (git.short('f') || git.long("--force"))).then_some(DISCARD)
        }
        "submodule" => {
            (git.first_is(&["deinit"]) && (git.short('f') || git.long("--force"))).then_some(DISCARD)
        }
        "rm" => rm(&git),
        "tag" => git.any(&["-d", "--delete"]).then_some(Act::low("git_branch_delete", "removes a tag")),
        "delete-branch" | "delete-tag" | "delete-merged-branches" => {
            (verb == "delete-branch").then_some(Act { score: 0.4, ..BRANCH })
        }
        "reset-file" | "clear" | "clear-soft" => (verb != "reset-file").then_some(DISCARD),
        "read-tree" | "checkout-index" => git.any(&["--reset", "-f", "-fa", "--force"]).then_some(FILES),
        _ => None,
    }
}

/// The words after the verb.
struct Git<'w> {
    words: &'w [&'w str],
}

impl Git<'_> {
    fn any(&self, words: &[&str]) -> bool {
        self.words.iter().any(|word| words.contains(word))
    }

    fn long(&self, name: &str) -> bool {
        self.words.contains(&name)
    }

    fn short(&self, letter: char) -> bool {
        self.words
            .iter()
            .any(|word| word.starts_with('-') && !word.starts_with("--") && word.contains(letter))
    }

    fn first_is(&self, verbs: &[&str]) -> bool {
        self.words.iter().find(|word| !word.starts_with('-')).is_some_and(|verb| verbs.contains(verb))
    }

    fn plain(&self) -> impl Iterator<Item = &str> {
        self.words.iter().copied().filter(|word| !word.starts_with('-'))
    }
}

fn push(git: &Git<'_>) -> Option<Act> {
    let force = git.long("--force") || git.short('f') || git.long("--mirror");
    let plus = git.plain().skip(1).any(|refspec| refspec.starts_with('+'));
    let deletes = git.any(&["--delete", "--prune"])
        || git.short('d')
        || git.plain().skip(1).any(|refspec| refspec.starts_with(':') && refspec.len() > 1);
    match () {
        () if force || plus => Some(FORCE),
        () if deletes => Some(REMOTE),
        () if git.words.iter().any(|word| word.starts_with("--force-")) => Some(LEASE),
        () => None,
    }
}

fn checkout(git: &Git<'_>) -> Option<Act> {
    let makes = git.short('b') || git.short('B') || git.any(&["--orphan"]);
    let separated = git.words.iter().position(|word| *word == "--");
    match () {
        () if git.short('f') || git.long("--force") => Some(DISCARD),
        () if makes => None,
        () if git.plain().any(|path| matches!(path, "." | "*" | "./" | ":/")) => Some(DISCARD),
        () if separated.is_some_and(|at| at + 1 < git.words.len()) => Some(FILES),
        () => None,
    }
}

fn restore(git: &Git<'_>) -> Option<Act> {
    let staged = git.long("--staged") || git.short('S');
    let worktree = git.long("--worktree") || git.short('W') || !staged;
    let source = git.words.iter().any(|word| word.starts_with("--source") || word.starts_with("-s"));
    match () {
        () if !worktree || git.any(&["-p", "--patch"]) => None,
        () if git.plain().any(|path| matches!(path, "." | "*" | "./" | ":/" | "..")) => Some(DISCARD),
        () if git.plain().next().is_none() => None,
        () if source => Some(Act { score: 0.4, ..FILES }),
        () => Some(FILES),
    }
}

fn branch(git: &Git<'_>) -> Option<Act> {
    let deletes = git.short('d') || git.long("--delete");
    let force = git.short('f') || git.long("--force");
    (git.short('D') || deletes && force).then_some(BRANCH)
}

fn rm(git: &Git<'_>) -> Option<Act> {
    let kept = git.long("--cached");
    let wide = git.plain().any(|path| matches!(path, "." | "*" | "./"));
    (!kept && (git.short('r') && git.short('f') || wide)).then_some(FILES)
}
