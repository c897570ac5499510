//! Commands that send away what is kept secret.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::hit;
use crate::detect::{Hit, Severity};

/// Longest line that is read as one command, in bytes.
const MAX_LINE: usize = 4 << 10;
/// Shortest line that sends something.
const MIN_LINE: usize = 12;
/// What is nobody else's.
const KEPT: &[&str] = &[
    ".ssh/",
    "id_rsa",
    "id_ed25519",
    ".aws/",
    ".env",
    ".netrc",
    ".npmrc",
    ".git-credentials",
    ".pgpass",
    ".kube/config",
    ".docker/config",
    ".gnupg",
    "/etc/passwd",
    "/etc/shadow",
    "/proc/self/environ",
    "printenv",
    "$(env)",
    "`env`",
    "_history",
    "credentials",
    "wallet.dat",
    "keychain",
    ".pem",
    "$(set)",
    "env |",
    "env|",
    "env >",
    ".config/gcloud",
    "secrets.",
];
/// Programs that send, with what follows their name.
const SENDERS: &[&str] = &[
    "curl ",
    "wget ",
    "nc ",
    "ncat ",
    "netcat ",
    "socat ",
    "/dev/tcp/",
    "scp ",
    "rsync ",
    "ftp ",
    "sftp ",
    "Invoke-WebRequest",
    "Invoke-RestMethod",
    "mail ",
    "sendmail ",
];
/// Looks for all of them at once: most texts have none.
static SENDING: LazyLock<AhoCorasick> =
    LazyLock::new(|| AhoCorasick::new(SENDERS).expect("a few short words make a small automaton"));

/// How a sender is told what to send.
const SENT: &[&str] = &[
    "-d",
    "--data",
    "-F",
    "--form",
    "-T",
    "--upload-file",
    "--post-file",
    "--post-data",
    "--body",
    "-Body",
    "-InFile",
    "$(",
    "`",
    "|",
    "<",
    "-X POST",
    "-XPOST",
    "?",
];

/// Something secret and a program that sends, on one line.
pub(super) fn find(text: &str) -> Option<Hit> {
    let has = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
    if !(SENDING.is_match(text) && has(KEPT)) {
        return None;
    }
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let range = start..start + line.len();
        start = range.end;
        if !(MIN_LINE..=MAX_LINE).contains(&line.len()) {
            continue;
        }
        let Some(kept) = KEPT.iter().filter_map(|kept| line.find(kept)).min() else { continue };
        let Some((sender, at)) = SENDERS.iter().find_map(|sender| Some((sender, sender_at(line, sender)?)))
        else {
            continue;
        };
        let copies = matches!(
            *sender,
            "nc " | "ncat " | "netcat " | "socat " | "/dev/tcp/" | "ftp " | "mail " | "sendmail "
        );
        let told = line.get(at..).is_some_and(|behind| SENT.iter().any(|sent| behind.contains(sent)));
        let piped = kept < at && line.get(kept..at).is_some_and(|between| between.contains(['|', '>']));
        // Keys that a program proves itself with are not what it sends.
        let proves = ["-i ", "--key ", "--cert ", "--cacert ", "IdentityFile", "-e ssh", "--netrc", "-o "]
            .iter()
            .any(|option| line.contains(option));
        let copied = matches!(*sender, "scp " | "rsync ") && kept > at && line.contains(':');
        if !proves && (piped || copied || kept > at && (told || copies)) {
            let why = "a command that sends away what is kept secret";
            return hit("secrets_sent", Severity::Critical, 0.85, range, why);
        }
    }
    None
}

/// Where a program begins, as a word.
fn sender_at(line: &str, sender: &str) -> Option<usize> {
    let at = line.find(sender)?;
    let before = at.checked_sub(1).and_then(|at| line.as_bytes().get(at));
    before.is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'-').then_some(at)
}
