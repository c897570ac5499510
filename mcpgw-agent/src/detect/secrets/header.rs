//! Where secrets stand in commands, manifests and members' names.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use memchr::memmem::Finder;

use super::alphabet::{self, B64, EQUALS};
use super::grammar::{Value, Via};
use super::value;
use super::vendor::{VENDORS, Vendor};
use super::word::{self, WORDS, Word};

/// An options list is no longer.
const COMMAND_MAX: usize = 400;
/// A manifest's data is looked at so far.
pub(super) const MANIFEST_MAX: usize = 1200;

/// Addresses that let whoever has them write, and how many bytes follow at least.
pub(super) static WEBHOOKS: &[(&str, usize)] = &[
    ("hooks.slack.com/services/", 30),
    ("hooks.slack.com/workflows/", 30),
    ("hooks.slack.com/triggers/", 30),
    ("discord.com/api/webhooks/", 60),
    ("discordapp.com/api/webhooks/", 60),
    ("webhook.office.com/webhookb2/", 60),
    ("outlook.office.com/webhook/", 60),
    ("hooks.zapier.com/hooks/catch/", 10),
    ("ifttt.com/trigger/", 30),
    ("chat.googleapis.com/v1/spaces/", 60),
    ("logic.azure.com:443/workflows/", 60),
    ("logic.azure.com/workflows/", 60),
    ("oapi.dingtalk.com/robot/send?access_token=", 30),
    ("feishu.cn/open-apis/bot/v2/hook/", 30),
    ("larksuite.com/open-apis/bot/v2/hook/", 30),
    ("qyapi.weixin.qq.com/cgi-bin/webhook/send?key=", 30),
    ("events.pagerduty.com/integration/", 30),
    ("hooks.chime.aws/incomingwebhooks/", 30),
];

/// Ends of the schemes whose addresses have logins.
pub(super) static SCHEMES: &[&str] = &[
    "http://",
    "https://",
    "ftp://",
    "sftp://",
    "postgres://",
    "postgresql://",
    "mysql://",
    "mariadb://",
    "mongodb://",
    "+srv://",
    "redis://",
    "rediss://",
    "amqp://",
    "amqps://",
    "smtp://",
    "smtps://",
    "imap://",
    "imaps://",
    "ldap://",
    "ldaps://",
    "mssql://",
    "sqlserver://",
    "oracle://",
    "clickhouse://",
    "cassandra://",
    "couchdb://",
    "neo4j://",
    "bolt://",
    "mqtt://",
    "mqtts://",
    "+asyncpg://",
    "+psycopg2://",
    "+psycopg://",
    "+pymysql://",
    "+aiomysql://",
    "+mysqlconnector://",
    "+pyodbc://",
    "+s://",
    "+ssc://",
    "nats://",
    "kafka://",
    "socks5://",
    "socks5h://",
    "ssh://",
    "smb://",
    "rtsp://",
    "svn://",
    "cockroachdb://",
    "snowflake://",
    "elasticsearch://",
    "influxdb://",
    "vnc://",
    "rdp://",
    "sentry://",
    "kafka+ssl://",
    "valkey://",
    "wss://",
    "ws://a",
    "s3://",
    "git://",
];

/// One of these is in every member's name that promises a secret.
static HINTS: LazyLock<AhoCorasick> =
    LazyLock::new(|| AhoCorasick::new(WITHIN).expect("a few short words make a small automaton"));

const WITHIN: [&str; 10] =
    ["pass", "pwd", "ecret", "oken", "key", "auth", "redential", "salt", "nonce", "pw"];

/// By the first of two neighbours, a bit for each second; of both, the low five bits. Each hint has such a pair, and few
/// other words do.
const PAIRS: [u32; 32] = {
    let mut pairs = [0_u32; 32];
    let mut rest: &[&[u8; 2]] = &[b"ss", b"pw", b"cr", b"ke", b"ut", b"ia", b"lt", b"nc"];
    while let [[one, two], more @ ..] = rest {
        #[expect(clippy::indexing_slicing, reason = "at compile time, and five bits are less than 32")]
        {
            pairs[(*one & 31) as usize] |= 1 << (*two & 31);
        }
        rest = more;
    }
    pairs
};

/// Whether [`member`] may know `key`: it certainly does not where this is false.
pub(super) fn may_be_secret(key: &str) -> bool {
    let mut before = 0_u32;
    key.bytes().take(KEY_MAX).fold(false, |may, byte| {
        let is_pair = before >> (byte & 31) & 1 == 1;
        before = PAIRS.get(usize::from(byte & 31)).copied().unwrap_or(0);
        may | is_pair
    })
}

/// Bytes of a name that are looked at.
const KEY_MAX: usize = 64;

/// What a member's name says of its value.
pub(super) enum Member {
    Word(Word),
    Vendor(&'static Vendor),
}

/// Vendors' names, and behind them the words, without the signs around them: what stands first counts.
static NAMES: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let vendors = VENDORS.iter().map(|vendor| vendor.needle);
    let words = WORDS.iter().map(|(needle, _)| needle.trim_matches(['=', ':', '"', '\'', ' ', '/']));
    AhoCorasick::new(vendors.chain(words)).expect("a few hundred words make a small automaton")
});

/// What the member `key` promises of its value.
pub(super) fn member(key: &str) -> Option<Member> {
    let mut lower = [0_u8; KEY_MAX];
    let count = key.len().min(lower.len());
    let (head, from) = (lower.get_mut(..count)?, key.as_bytes().get(..count)?);
    head.copy_from_slice(from);
    head.make_ascii_lowercase();
    let name = lower.get(..count)?;
    if !HINTS.is_match(name) {
        return None;
    }
    let (mut vendor, mut word) = (usize::MAX, usize::MAX);
    for found in NAMES.find_overlapping_iter(name) {
        let number = found.pattern().as_usize();
        match number.checked_sub(VENDORS.len()) {
            None => vendor = vendor.min(number),
            // A word of three letters is one only where the name ends.
            Some(number) if found.len() > 3 || found.end() == name.len() => word = word.min(number),
            Some(_) => {}
        }
    }
    let vendor = VENDORS.get(vendor);
    let word = WORDS.get(word).map(|(_, word)| *word);
    let word = word.filter(|word| !word::is_about(name, *word));
    word.map(Member::Word).or(vendor.map(Member::Vendor))
}

static CURL: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("curl "));

/// The user and password a `curl` command names, behind `-u`.
pub(super) fn curl(bytes: &[u8], at: usize, found: &mut impl FnMut(Range<usize>)) {
    let Some(window) = bytes.get(at..bytes.len().min(at + COMMAND_MAX)) else { return };
    // The next command has options of its own.
    let window = window.get(..CURL.find(window).unwrap_or(window.len())).unwrap_or_default();
    if memchr::memchr(b'-', window).is_none() {
        return;
    }
    for option in [&b"-u"[..], b"--user", b"--proxy-user", b"-U"] {
        let Some(index) = memchr::memmem::find(window, option) else { continue };
        let behind = window.get(index + option.len()..).unwrap_or_default();
        let led = index
            .checked_sub(1)
            .and_then(|before| window.get(before))
            .is_some_and(|byte| byte.is_ascii_whitespace())
            || index == 0;
        let gap = behind
            .iter()
            .take(4)
            .take_while(|byte| matches!(byte, b' ' | b'=' | b'"' | b'\'' | b'\\'))
            .count();
        let login = behind.get(gap..).unwrap_or_default();
        let length = login
            .iter()
            .take(200)
            .take_while(|byte| **byte > b' ' && !matches!(byte, b'"' | b'\'' | b'\\'))
            .count();
        let login = login.get(..length).unwrap_or_default();
        if led && gap > 0 && is_login(login) {
            let start = at + index + option.len() + gap;
            found(start..start + length);
        }
    }
}

/// Whether a name and a password stand there, and neither stands for one.
fn is_login(login: &[u8]) -> bool {
    let Some(split) = login.iter().position(|byte| *byte == b':') else { return false };
    let (user, password) =
        (login.get(..split).unwrap_or_default(), login.get(split + 1..).unwrap_or_default());
    let plain: [&[u8]; 8] =
        [b"password", b"pass", b"pwd", b"token", b"test", b"passwd", b"changeme", b"secret"];
    let secret = if password.is_empty() { user } else { password };
    let least = if password.is_empty() { 12 } else { 3 };
    secret.len() >= least
        && !value::stands_for(secret)
        && secret.first() != Some(&b'$')
        && !plain.contains(&secret)
}

/// What a call falls back to: the literal behind its first argument.
pub(super) fn fallback(bytes: &[u8], at: usize) -> Option<Value> {
    let window = bytes.get(at..bytes.len().min(at + 160))?;
    let line = window.iter().position(|byte| *byte == b'\n').unwrap_or(window.len());
    let window = window.get(..line)?;
    let comma = memchr::memmem::find(window, b"\",").or_else(|| memchr::memmem::find(window, b"',"))?;
    let behind = window.get(comma + 2..)?;
    let blanks = behind.iter().take(3).take_while(|byte| **byte == b' ').count();
    let mark = *behind.get(blanks)?;
    let start = comma + 2 + blanks + 1;
    let length = window.get(start..)?.iter().position(|byte| *byte == mark)?;
    let range = at + start..at + start + length;
    matches!(mark, b'"' | b'\'').then_some(Value { range, quoted: true, via: Via::Sign, call: false })
}

/// The values of a Kubernetes secret, around the needle at `at`: base64 behind names, under `data`.
pub(super) fn manifest(bytes: &[u8], at: &Range<usize>, found: &mut impl FnMut(Range<usize>)) {
    let from = at.start.saturating_sub(MANIFEST_MAX);
    let until = bytes.len().min(at.end + MANIFEST_MAX);
    let Some(window) = bytes.get(from..until) else { return };
    let Some(data) =
        memchr::memmem::find(window, b"data:").or_else(|| memchr::memmem::find(window, b"\"data\""))
    else {
        return;
    };
    let mut offset = from + data + 5;
    for line in bytes.get(offset..until).unwrap_or_default().split(|byte| matches!(byte, b'\n' | b',')) {
        if let Some(colon) = line.iter().rposition(|byte| *byte == b':') {
            let behind = line.get(colon + 1..).unwrap_or_default();
            let gap = behind.iter().take_while(|byte| matches!(byte, b' ' | b'"' | b'\'')).count();
            let start = offset + colon + 1 + gap;
            let length = alphabet::run(bytes, start, B64 | EQUALS, 4096);
            let given = bytes.get(start..start + length).unwrap_or_default();
            let indented = line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'"' | b'\r'));
            if indented && length >= 10 && length.is_multiple_of(4) && !value::stands_for(given) {
                found(start..start + length);
            }
        }
        offset += line.len() + 1;
    }
}

/// The private members of a JSON web key around the needle at `at`: `k` of a symmetric key, `d` of others.
pub(super) fn web_key(bytes: &[u8], at: usize, found: &mut impl FnMut(Range<usize>)) {
    let from = at.saturating_sub(MANIFEST_MAX);
    let until = bytes.len().min(at + MANIFEST_MAX);
    let Some(window) = bytes.get(from..until) else { return };
    for member in [&b"\"k\""[..], b"\"d\""] {
        let Some(index) = memchr::memmem::find(window, member) else { continue };
        let behind = window.get(index + member.len()..).unwrap_or_default();
        let gap = behind.iter().take(8).take_while(|byte| matches!(byte, b':' | b' ' | b'"' | b'\n')).count();
        let start = from + index + member.len() + gap;
        let length = alphabet::run(bytes, start, alphabet::URL64P, 2048);
        if gap >= 2 && length >= 20 {
            found(start..start + length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hint_has_a_pair() {
        assert!(WITHIN.iter().all(|hint| may_be_secret(hint) && may_be_secret(&hint.to_uppercase())));
        assert!(!["id", "title", "state", "labels"].into_iter().any(may_be_secret));
    }

    proptest::proptest! {
        #[test]
        fn what_has_no_pair_is_no_secret(
            key in "[a-zA-Z_]{0,6}(pass|Pwd|ecret|oken|KEY|auth|redential|salt|nonce|pw)?[a-z\\-]{0,70}",
        ) {
            proptest::prop_assert!(may_be_secret(&key) || member(&key).is_none(), "{}", key);
        }
    }
}
