//! Commands that send away what is kept secret.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use memchr::memmem::Finder;

use super::hit;
use crate::detect::{Hit, Severity};
use crate::text::seek::seek;

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
pub(super) const SENDERS: &[&str] = &[
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

/// Each sender has four bytes, or three, of these.
pub(super) fn may_send(text: &str) -> bool {
    let is_sender = |[a, b, c, d]: [u8; 4]| {
        let blank = d == b' ';
        let fetch =
            blank & (((a == b'u') & (b == b'r') & (c == b'l')) | ((a == b'g') & (b == b'e') & (c == b't')));
        let cat = blank & (a == b'c') & (b == b'a') & (c == b't');
        let copy = blank & (c == b'p') & (((a == b's') & (b == b'c')) | ((a == b'f') & (b == b't')));
        let mail = blank & (a == b'a') & (b == b'i') & (c == b'l');
        let net = (a == b'n') & (b == b'c') & (c == b' ');
        let device = (a == b'/') & (b == b't') & (c == b'c') & (d == b'p');
        let invoke = (a == b'I') & (b == b'n') & (c == b'v') & (d == b'o');
        fetch | cat | copy | mail | net | device | invoke
    };
    seek(text.as_bytes(), 0, is_sender).is_some()
}

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

/// How a program is told what to prove itself with.
const PROVES: &[&str] =
    &["-i ", "--key ", "--cert ", "--cacert ", "IdentityFile", "-e ssh", "--netrc", "-o "];

/// Each of those words, ready to be looked for: a line may be as long as its text.
struct Finders {
    kept: Vec<Finder<'static>>,
    senders: Vec<Finder<'static>>,
    sent: Vec<Finder<'static>>,
    proves: Vec<Finder<'static>>,
}

static FINDERS: LazyLock<Finders> = LazyLock::new(|| {
    let [kept, senders, sent, proves] =
        [KEPT, SENDERS, SENT, PROVES].map(|words| words.iter().map(Finder::new).collect());
    Finders { kept, senders, sent, proves }
});

/// Something secret and a program that sends, on one line.
pub(super) fn find(text: &str) -> Option<Hit> {
    if text.len() < MIN_LINE {
        return None;
    }
    let has_kept = || FINDERS.kept.iter().any(|kept| kept.find(text.as_bytes()).is_some());
    if !(may_send(text) && SENDING.is_match(text) && has_kept()) {
        return None;
    }
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let range = start..start + line.len();
        start = range.end;
        if line.len() < MIN_LINE {
            continue;
        }
        let Some(kept) = FINDERS.kept.iter().filter_map(|kept| kept.find(line.as_bytes())).min() else {
            continue;
        };
        let senders = SENDERS.iter().zip(&FINDERS.senders);
        let found = senders.filter_map(|(sender, finder)| Some((sender, sender_at(line, finder)?))).next();
        let Some((sender, at)) = found else { continue };
        let copies = matches!(
            *sender,
            "nc " | "ncat " | "netcat " | "socat " | "/dev/tcp/" | "ftp " | "mail " | "sendmail "
        );
        let behind = line.as_bytes().get(at..).unwrap_or_default();
        let told = FINDERS.sent.iter().any(|sent| sent.find(behind).is_some());
        let piped = kept < at && line.get(kept..at).is_some_and(|between| between.contains(['|', '>']));
        // Keys that a program proves itself with are not what it sends.
        let proves = FINDERS.proves.iter().any(|option| option.find(line.as_bytes()).is_some());
        let copied = matches!(*sender, "scp " | "rsync ") && kept > at && line.contains(':');
        if !proves && (piped || copied || kept > at && (told || copies)) {
            let why = "a command that sends away what is kept secret";
            return hit("secrets_sent", Severity::Critical, 0.85, range, why);
        }
    }
    None
}

/// Where a program begins, as a word.
fn sender_at(line: &str, sender: &Finder<'_>) -> Option<usize> {
    let at = sender.find(line.as_bytes())?;
    let before = at.checked_sub(1).and_then(|at| line.as_bytes().get(at));
    before.is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'-').then_some(at)
}
