//! Names of machines that are data.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::data::{is_text, unhex};
use super::{hit, host};
use crate::detect::{Hit, Severity};
use crate::text::seek::seek;

/// A label that is no word, in bytes.
const LONG: usize = 40;
/// One of several.
const HALF: usize = 24;
/// Bytes of a command that are looked at.
const MAX_COMMAND: usize = 1024;
/// Domains that give their customers long names.
const GIVEN: &[&str] = &[
    "amazonaws.com",
    "on.aws",
    "cloudfront.net",
    "awsapps.com",
    "windows.net",
    "azure.com",
    "azure-api.net",
    "azurewebsites.net",
    "azurecontainerapps.io",
    "azurestaticapps.net",
    "cloudapp.net",
    "googleusercontent.com",
    "run.app",
    "web.app",
    "appspot.com",
    "cloudfunctions.net",
    "r2.dev",
    "cloudflarestorage.com",
    "pages.dev",
    "workers.dev",
    "cloudflare-dns.com",
    "vercel.app",
    "netlify.app",
    "herokuapp.com",
    "onrender.com",
    "fly.dev",
    "sentry.io",
    "dweb.link",
    "ipfs.io",
    "onion",
    "i2p",
    "supabase.co",
    "neon.tech",
    "firebaseio.com",
    "github.dev",
    "app.github.dev",
    "gitpod.io",
    "githubpreview.dev",
    "pinata.cloud",
    "arweave.net",
    "azuredatabricks.net",
    "elastic-cloud.com",
    "es.io",
    "found.io",
    "local",
    "mongodb.net",
    "snowflakecomputing.com",
    "codesandbox.io",
    "csb.app",
    "stackblitz.io",
    "webcontainer.io",
    "usercontent.goog",
    "replit.dev",
    "repl.co",
];
/// Programs that look up the names they are given.
pub(super) const RESOLVERS: &[&str] = &[
    "dig ",
    "nslookup ",
    "host ",
    "ping ",
    "getent ",
    "resolvectl ",
    "drill ",
    "curl ",
    "wget ",
    "Resolve-DnsName ",
];

/// How much `name` looks like data; nothing for one like those of other machines.
pub(super) fn judge(name: &str) -> Option<f32> {
    if name.len() < 20 || name.len() > 253 {
        return None;
    }
    // The registered name is somebody's word.
    let (labels, top) = name.rsplit_once('.')?;
    if top.len() < 2 || !top.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    let (labels, _) = labels.rsplit_once('.')?;
    let (mut long, mut half, mut text) = (false, 0, false);
    for label in labels.split('.') {
        let digits = label.bytes().filter(u8::is_ascii_digit).count();
        let is_hex = label.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_word = digits < 3 || label.contains('-');
        text |= is_hex && label.len() >= 20 && is_text(&unhex(label)) || is_base32_text(label);
        long |= label.len() >= LONG && !is_word;
        half += usize::from(label.len() >= HALF && !is_word);
    }
    if !(text || long || half >= 2) || GIVEN.iter().any(|domain| host::is_in(name, domain)) {
        return None;
    }
    match () {
        () if text => Some(0.85),
        () if half >= 2 => Some(0.7),
        () if long => Some(0.6),
        () => None,
    }
}

fn is_base32_text(label: &str) -> bool {
    if label.len() < 20
        || label.bytes().any(|byte| matches!(byte, b'0' | b'1' | b'8' | b'9'))
        || !label.bytes().any(|byte| byte.is_ascii_digit())
    {
        return false;
    }
    let (mut bits, mut held, mut bytes) = (0_u32, 0_u32, Vec::with_capacity(label.len()));
    for byte in label.bytes() {
        let value = match byte.to_ascii_lowercase() {
            letter @ b'a'..=b'z' => letter - b'a',
            digit @ b'2'..=b'7' => digit - b'2' + 26,
            _ => return false,
        };
        bits = (bits & 0xff) << 5 | u32::from(value);
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.extend(u8::try_from(bits >> held & 0xff));
        }
    }
    is_text(&bytes)
}

/// Looks for all of them at once: most texts have none.
static RESOLVING: LazyLock<AhoCorasick> =
    LazyLock::new(|| AhoCorasick::new(RESOLVERS).expect("a few short words make a small automaton"));

/// Each resolver has five bytes, or four, of these.
pub(super) fn may_resolve(text: &str) -> bool {
    let is_resolver = |[a, b, c, d, e]: [u8; 5]| {
        let dig = (a == b'd') & (b == b'i') & (c == b'g') & (d == b' ');
        let blank = e == b' ';
        let ping = blank & (a == b'p') & (b == b'i') & (c == b'n') & (d == b'g');
        let host = blank & (a == b'h') & (b == b'o') & (c == b's') & (d == b't');
        let lookup = blank & (a == b'o') & (b == b'k') & (c == b'u') & (d == b'p');
        let ent = blank & (a == b't') & (b == b'e') & (c == b'n') & (d == b't');
        let fetch =
            blank & (((b == b'u') & (c == b'r') & (d == b'l')) | ((b == b'g') & (c == b'e') & (d == b't')));
        let ctl = blank & (b == b'c') & (c == b't') & (d == b'l');
        let drill = blank & (a == b'r') & (b == b'i') & (c == b'l') & (d == b'l');
        let name = (a == b'-') & (b == b'D') & (c == b'n') & (d == b's');
        dig | ping | host | lookup | ent | fetch | ctl | drill | name
    };
    seek(text.as_bytes(), 0, is_resolver).is_some()
}

/// A command that looks up what another prints, or a name that is data.
pub(super) fn in_command(text: &str) -> Option<Hit> {
    let begins = |at: usize| {
        at.checked_sub(1).and_then(|at| text.as_bytes().get(at)).is_none_or(|byte| b" \n;|&(`".contains(byte))
    };
    if !(may_resolve(text) && RESOLVING.is_match(text)) {
        return None;
    }
    let resolver =
        RESOLVERS.iter().filter_map(|program| text.find(program).filter(|at| begins(*at))).min()?;
    let end = text.ceil_char_boundary(text.len().min(resolver + MAX_COMMAND));
    let rest = text.get(resolver..end)?.lines().next()?;
    let printed = [").", "`.", "}."].iter().filter_map(|end| rest.find(end)).any(|at| {
        let before = rest.get(..at).unwrap_or_default();
        let is_opened = ["$(", "`", "${"].iter().any(|opens| before.contains(opens));
        is_opened && rest.as_bytes().get(at + 2).is_some_and(u8::is_ascii_alphanumeric)
    });
    let range = resolver..resolver + rest.len();
    let why = "a look-up of a name that a command makes out of data";
    if printed && !rest.starts_with("curl") && !rest.starts_with("wget") {
        return hit("dns_data", Severity::High, 0.7, range, why);
    }
    let names =
        rest.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '.' || letter == '-'));
    let score = names.filter(|name| name.contains('.')).find_map(judge)?;
    hit("dns_data", Severity::High, score, range, why)
}
