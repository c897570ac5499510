//! What a tool is to a session: a source of untrusted text, a source of private data, a way out.
//!
//! Told from what the server is (GitHub, a mailbox, a browser), from the words of the tool's name, from its parameters,
//! and from its annotations, which may only add: a server's own word takes nothing away. Policy may.

use super::kind::Kind;
use super::words::{self, Words};
use crate::json::Value;

/// What a tool is to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Labels {
    /// What it says was written by whoever likes.
    pub untrusted: bool,
    /// What it says is not for everybody.
    pub private: bool,
    /// What it is told reaches others.
    pub out: bool,
}

impl Labels {
    /// No label.
    pub const NONE: Self = Self { untrusted: false, private: false, out: false };
    const UNTRUSTED: Self = Self { untrusted: true, ..Self::NONE };
    const PRIVATE: Self = Self { private: true, ..Self::NONE };
    const SOURCE: Self = Self { untrusted: true, private: true, out: false };
    const OUT: Self = Self { out: true, ..Self::NONE };

    /// Those of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            untrusted: self.untrusted || other.untrusted,
            private: self.private || other.private,
            out: self.out || other.out,
        }
    }
}

/// What a tool's definition says, as far as its labels go.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hints {
    /// A parameter is an address to go to.
    has_address: bool,
    /// A parameter is somebody to send to.
    has_recipient: bool,
    /// `openWorldHint` is there and true.
    is_open: bool,
    /// `readOnlyHint` is there and true.
    only_reads: bool,
}

const ADDRESSES: [&str; 7] = ["url", "uri", "urls", "endpoint", "webhook", "webhook_url", "href"];
const RECIPIENTS: [&str; 12] = [
    "to",
    "recipient",
    "recipients",
    "cc",
    "bcc",
    "phone_number",
    "chat_id",
    "chatId",
    "channel",
    "channel_id",
    "channelId",
    "webhook",
];

impl Hints {
    /// Of a definition.
    pub(super) fn of(tool: Value<'_>) -> Self {
        let parameters = tool.get("inputSchema").and_then(|schema| schema.get("properties"));
        let has =
            |names: &[&str]| parameters.is_some_and(|of| names.iter().any(|name| of.get(name).is_some()));
        let annotations = tool.get("annotations");
        let hint = |name| annotations.and_then(|of| of.get(name)).and_then(Value::as_bool) == Some(true);
        Self {
            has_address: has(&ADDRESSES),
            has_recipient: has(&RECIPIENTS),
            is_open: hint("openWorldHint"),
            only_reads: hint("readOnlyHint"),
        }
    }
}

/// The labels of a tool of this kind, by the words of its name.
pub(super) fn of_tool(kind: Kind, tool: &Words, hints: Hints) -> Labels {
    let verb = tool.verb();
    let reads = verb.is_some_and(|verb| verb.reads);
    let writes = verb.is_some_and(|verb| !verb.reads);
    let has = |list: &[&str]| tool.has_any(list);
    match kind {
        Kind::Forge if writes => Labels::OUT,
        Kind::Forge if has(words::TALK) => Labels::UNTRUSTED,
        Kind::Forge if has(&["search"]) && !has(words::CODE) => Labels::UNTRUSTED,
        Kind::Forge if has(&["me", "user", "team", "tool", "tag", "release"]) => Labels::NONE,
        Kind::Chat if writes => Labels::OUT,
        Kind::Chat
            if has(&["user", "users", "contact", "channel", "channels", "member"]) && !has(words::TALK) =>
        {
            Labels::PRIVATE
        }
        Kind::Mail if writes => {
            Labels { out: has(words::SEND) || has(&["filter", "forwarding"]), ..Labels::NONE }
        }
        Kind::Chat | Kind::Mail => Labels::SOURCE,
        Kind::Tracker if writes => Labels::OUT,
        Kind::Tracker if has(words::TALK) => Labels::SOURCE,
        Kind::Hosted if writes => Labels::OUT,
        Kind::Hosted => Labels::SOURCE,
        Kind::Web => {
            Labels { untrusted: true, private: false, out: hints.has_address || writes || has(words::GO) }
        }
        Kind::Drive if writes => {
            Labels { out: has(&["share", "upload", "permission", "publish", "invite"]), ..Labels::NONE }
        }
        Kind::Git if has(&["push"]) => Labels::OUT,
        Kind::Git if has(&["fetch", "pull", "clone", "init", "add", "commit", "checkout", "reset"]) => {
            Labels::NONE
        }
        Kind::Files | Kind::Memory | Kind::Database | Kind::Git if writes => Labels::NONE,
        Kind::Files if has(&["allowed"]) => Labels::NONE,
        Kind::Forge
        | Kind::Tracker
        | Kind::Drive
        | Kind::Files
        | Kind::Memory
        | Kind::Database
        | Kind::Git
        | Kind::Shell => Labels::PRIVATE,
        Kind::Unknown => unknown(tool, reads, writes, hints),
    }
}

/// Of a server nobody has heard of: only what the tool itself says.
fn unknown(tool: &Words, reads: bool, writes: bool, hints: Hints) -> Labels {
    let has = |list: &[&str]| tool.has_any(list);
    let goes = hints.has_address && has(words::GO);
    let sends = has(words::SEND) && (has(words::SENT) || hints.has_recipient);
    Labels {
        untrusted: goes || reads && (has(words::TALK) || has(words::WEB) || hints.is_open),
        private: !goes && reads && has(words::HELD),
        out: goes || sends || writes && hints.is_open && !hints.only_reads,
    }
}

/// What the arguments of a call of a tool of this kind add: a statement that writes, a command that sends.
pub(super) fn of_call(kind: Kind, arguments: Option<Value<'_>>) -> Labels {
    let Some(arguments) = arguments else { return Labels::NONE };
    let text = |keys: &[&str]| keys.iter().find_map(|key| arguments.get(key)?.as_str());
    match kind {
        Kind::Hosted => {
            let writes = text(&["query", "sql", "statement"]).is_some_and(|sql| {
                let mut words = sql.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
                words.any(|word| words::SQL_WRITES.iter().any(|write| word.eq_ignore_ascii_case(write)))
            });
            Labels { out: writes, ..Labels::NONE }
        }
        Kind::Shell => {
            text(&["command", "cmd", "script", "code"]).map_or(Labels::NONE, |line| command(&line))
        }
        Kind::Forge
        | Kind::Chat
        | Kind::Mail
        | Kind::Tracker
        | Kind::Web
        | Kind::Files
        | Kind::Drive
        | Kind::Database
        | Kind::Memory
        | Kind::Git
        | Kind::Unknown => Labels::NONE,
    }
}

fn command(line: &str) -> Labels {
    let parts = line.split([';', '|', '&', '(', ')', '`', '\n']);
    parts.fold(Labels::NONE, |labels, part| labels.and(simple_command(part)))
}

/// Words that stand before a command's name.
const BEFORE: [&str; 11] =
    ["sudo", "env", "nohup", "time", "exec", "xargs", "command", "then", "bash", "sh", "-c"];

/// One command: what its name and its flags say.
fn simple_command(part: &str) -> Labels {
    let mut labels = Labels::NONE;
    let words = part.split(|letter: char| letter.is_whitespace() || letter == '"' || letter == '\'');
    let words = words.filter(|word| !word.is_empty());
    let mut words = words.skip_while(|word| BEFORE.contains(word) || word.contains('=')).peekable();
    let mut fetches = false;
    while let Some(word) = words.next() {
        let word = word.rsplit('/').next().unwrap_or(word);
        let next = words.peek().copied().unwrap_or_default();
        match word {
            "curl" | "wget" | "http" | "lynx" => (fetches, labels.untrusted) = (true, true),
            "nc" | "ncat" | "socat" | "telnet" | "scp" | "sftp" | "ftp" | "rclone" | "sendmail" | "mail" => {
                labels.out = true;
            }
            "ssh" => labels = labels.and(Labels { untrusted: true, private: false, out: true }),
            "git" if next == "push" => labels.out = true,
            "gh" if matches!(next, "gist" | "issue" | "pr" | "api") => {
                labels = labels.and(Labels { untrusted: true, private: false, out: true });
            }
            _ if fetches && is_upload(word) => labels.out = true,
            // The words of another command.
            _ if !fetches => return labels,
            _ => {}
        }
    }
    labels
}

fn is_upload(word: &str) -> bool {
    const LONG: [&str; 7] =
        ["--data", "--form", "--upload-file", "--post-data", "--post-file", "--body-data", "--json"];
    const SHORT: [&str; 5] = ["-d", "-F", "-T", "-X", "-sd"];
    SHORT.iter().any(|flag| word.starts_with(flag)) || LONG.iter().any(|flag| word.starts_with(flag))
}
