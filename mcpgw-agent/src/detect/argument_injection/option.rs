//! Values that are options.

use super::{has_word, hit};
use crate::detect::member::Member;
use crate::detect::{Hit, Severity};

/// Options by which programs run others, write files, or are told to trust: the name up to `=` or a blank.
const DANGEROUS: &[&str] = &[
    // git
    "--upload-pack",
    "--receive-pack",
    "--exec",
    "--output",
    "--open-files-in-pager",
    "--ext-diff",
    "--textconv",
    "--git-dir",
    "--work-tree",
    "--exec-path",
    "--config",
    "--config-env",
    "--template",
    "--no-index",
    "--pathspec-from-file",
    "--separate-git-dir",
    "--reference",
    "--super-prefix",
    // tar, zip, rsync, find, xargs, sort
    "--checkpoint",
    "--checkpoint-action",
    "--to-command",
    "--use-compress-program",
    "--rsh-command",
    "--rmt-command",
    "--unzip-command",
    "--info-script",
    "--new-volume-script",
    "--rsh",
    "--rsync-path",
    "--compress-program",
    "-exec",
    "-execdir",
    "-ok",
    "-delete",
    "-fprintf",
    "-fprint",
    "-fls",
    "--files0-from",
    "--null",
    // curl, wget
    "--post-file",
    "--upload-file",
    "--proxy",
    "--use-askpass",
    "--output-document",
    "--input-file",
    "--data-binary",
    "--data",
    "--next",
    "--remote-name",
    "--dump-header",
    "--cookie-jar",
    "--trace",
    "--unix-socket",
    "--doh-url",
    // interpreters, package managers, containers, browsers
    "--eval",
    "--require",
    "--import",
    "--loader",
    "--inspect",
    "--script-shell",
    "--index-url",
    "--extra-index-url",
    "--registry",
    "--node-options",
    "--privileged",
    "--volume",
    "--mount",
    "--cap-add",
    "--pid",
    "--security-opt",
    "--network",
    "--entrypoint",
    "--gpu-launcher",
    "--renderer-cmd-prefix",
    "--utility-cmd-prefix",
    "--no-sandbox",
    "--load-extension",
    "--remote-debugging-port",
    "--kubeconfig",
    "--as",
    "--preserve-status",
    "--to",
    "--command",
    "--init-command",
    "--defaults-file",
    "--load-data-local-dir",
    "--pager",
    "--ssh",
    "--ssh-extra-args",
    "--extra-vars",
    "--connection",
    "--become",
    "--filter",
    "--macro",
    "--run",
    "--shell",
];
/// The same, with their value right behind them.
const JOINED: &[&str] = &[
    "-oproxycommand",
    "-olocalcommand",
    "-opermitlocalcommand",
    "-oknownhosts",
    "-oidentityfile",
    "-ouserknownhostsfile",
    "-dproxy",
    "-wl,",
    "-fplugin",
];

pub(super) fn find(text: &str, member: Member, key: &str) -> Option<Hit> {
    let value = text.trim_start();
    if !value.starts_with('-') {
        return None;
    }
    let start = text.len() - value.len();
    let range = start..text.len();
    let known = is_dangerous(value);
    let is_name =
        matches!(member, Member::Path | Member::Host | Member::Address | Member::Name | Member::Pattern);
    if known && (is_name || member == Member::Other) {
        let why = "a value that a program would take for an option to run or write something";
        let score = if is_name { 0.9 } else { 0.6 };
        return Some(hit("dangerous_option", Severity::High, score, range, why));
    }
    if !is_name || !is_option(value) {
        return None;
    }
    // Ids are random letters, and some begin with a hyphen.
    let is_id = has_word(key, &["id", "ids", "key", "token", "cursor", "sha", "label", "tag"]);
    let is_long = value.starts_with("--") && value.as_bytes().get(2).is_some_and(u8::is_ascii_alphabetic);
    let score = match (is_long, is_id, member) {
        (_, _, Member::Pattern) => 0.3,
        (true, ..) => 0.7,
        (false, true, _) => 0.3,
        // The name of anything, or of somebody.
        (false, false, _) if key.eq_ignore_ascii_case("name") => 0.4,
        (false, false, _) => 0.6,
    };
    Some(hit(
        "option_injection",
        Severity::Medium,
        score,
        range,
        "a value that a program would take for an option",
    ))
}

fn is_dangerous(value: &str) -> bool {
    let name = value.split(['=', ' ', '\t', '\n']).next().unwrap_or_default();
    let begins =
        |begin: &&&str| value.get(..begin.len()).is_some_and(|here| here.eq_ignore_ascii_case(begin));
    DANGEROUS.iter().any(|other| other.eq_ignore_ascii_case(name)) || JOINED.iter().find(begins).is_some()
        // `ssh -o ProxyCommand=…`, `git -c core.sshCommand=…`
        || value.get(..3).is_some_and(|short| matches!(short, "-o " | "-c " | "-e " | "-K ")) && value.contains('=')
}

/// Not a number, a date, a dash or an item of a list.
fn is_option(value: &str) -> bool {
    let body = value.trim_start_matches('-');
    let hyphens = value.len() - body.len();
    hyphens <= 2 && body.starts_with(|letter: char| letter.is_ascii_alphabetic())
}
