//! What a server is for, as far as its names say.

use super::words::Words;

/// What a server is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Where code is kept with strangers' issues: GitHub, GitLab.
    Forge,
    /// Messages between people.
    Chat,
    /// A mailbox.
    Mail,
    /// Tickets and pages of a team, which customers may write to.
    Tracker,
    /// A browser, a fetcher, a search engine.
    Web,
    /// Files of this machine.
    Files,
    /// Files elsewhere, which can be shared.
    Drive,
    /// A database of one's own.
    Database,
    /// A database an application's users write to.
    Hosted,
    /// What a model wants to remember.
    Memory,
    /// A repository on this machine.
    Git,
    /// Commands.
    Shell,
    /// Nothing known.
    Unknown,
}

/// Names that mean a kind wherever they stand, in a server's name and in a tool's.
const BRANDS: [(Kind, &[&str]); 9] = [
    (Kind::Forge, &["github", "gitlab", "bitbucket", "gitea", "forgejo", "codeberg"]),
    (
        Kind::Chat,
        &["slack", "discord", "telegram", "whatsapp", "mattermost", "rocketchat", "imessage", "zulip"],
    ),
    (
        Kind::Mail,
        &[
            "gmail",
            "outlook",
            "imap",
            "smtp",
            "postmark",
            "sendgrid",
            "mailgun",
            "protonmail",
            "fastmail",
            "mailchimp",
        ],
    ),
    (
        Kind::Tracker,
        &[
            "jira",
            "linear",
            "atlassian",
            "confluence",
            "notion",
            "asana",
            "trello",
            "zendesk",
            "intercom",
            "hubspot",
            "salesforce",
            "freshdesk",
            "clickup",
            "servicenow",
        ],
    ),
    (Kind::Web, &["browser", "playwright", "puppeteer", "firecrawl", "tavily", "browserbase", "chromium"]),
    (Kind::Hosted, &["supabase", "firebase", "airtable", "planetscale", "appwrite", "pocketbase"]),
    (Kind::Drive, &["gdrive", "dropbox", "onedrive", "sharepoint", "nextcloud"]),
    (Kind::Files, &["filesystem"]),
    (Kind::Database, &["sqlite", "postgres", "postgresql", "mysql", "mariadb", "mongodb", "duckdb", "redis"]),
];

/// Names that mean a kind only where they are the server's.
const PLAIN: [(Kind, &[&str]); 8] = [
    (Kind::Mail, &["mail", "email", "inbox", "resend", "mailbox"]),
    (Kind::Chat, &["teams", "matrix", "signal", "messages", "sms", "twilio"]),
    (Kind::Web, &["fetch", "web", "crawl", "scrape", "exa", "brave", "http", "url"]),
    (Kind::Files, &["files", "file", "fs"]),
    (Kind::Drive, &["drive", "box"]),
    (Kind::Memory, &["memory", "remember"]),
    (Kind::Git, &["git"]),
    (Kind::Shell, &["shell", "terminal", "bash", "ssh", "commander", "cli"]),
];

/// The kind of what has the tool `tool`: by the tool's name, else by the server's names.
pub(super) fn kind(server: &[Words], tool: &Words) -> Kind {
    let brand = |words: &Words| BRANDS.iter().find(|(_, names)| words.has_any(names)).map(|(kind, _)| *kind);
    let plain = |words: &Words| PLAIN.iter().find(|(_, names)| words.has_any(names)).map(|(kind, _)| *kind);
    brand(tool)
        .or_else(|| server.iter().find_map(brand))
        .or_else(|| server.iter().find_map(plain))
        .unwrap_or(Kind::Unknown)
}
