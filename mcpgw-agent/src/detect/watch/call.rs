//! A call, as far as the session remembers it until it is answered: what it is, and where what it reads belongs.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::Labels;
use super::kind::Kind;
use crate::json::Value;

/// Where data belongs: a repository, a conversation. What goes back there does not leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Home(u32);

/// Arguments that name a repository.
const REPOSITORY: [&str; 6] = ["owner", "repo", "repository", "project_id", "projectId", "workspace"];
/// Arguments that name a conversation.
const CONVERSATION: [&str; 8] =
    ["channel", "channel_id", "channelId", "chat_id", "chatId", "chat_jid", "conversation_id", "recipient"];

impl Home {
    /// Not known: nothing else is the same.
    pub(super) const UNKNOWN: Self = Self(0);

    /// Called by these names.
    pub(super) fn of<'t>(names: impl Iterator<Item = &'t str>) -> Self {
        let mut hasher = DefaultHasher::new();
        for name in names {
            name.to_lowercase().hash(&mut hasher);
        }
        Self(u32::try_from(hasher.finish() >> 32).unwrap_or(1).max(1))
    }

    /// What a call of a tool of this kind is about. Only of forges and chats: what is written into a shared database goes
    /// to whoever reads it there, wherever it came from.
    pub(super) fn of_call(kind: Kind, arguments: Option<Value<'_>>) -> Self {
        match kind {
            Kind::Forge => Self::named(arguments, &REPOSITORY, |found| {
                found.contains(&"repo") == found.contains(&"owner")
            }),
            Kind::Chat => Self::named(arguments, &CONVERSATION, |found| found.len() == 1),
            Kind::Mail
            | Kind::Tracker
            | Kind::Web
            | Kind::Files
            | Kind::Drive
            | Kind::Database
            | Kind::Hosted
            | Kind::Memory
            | Kind::Git
            | Kind::Shell
            | Kind::Unknown => Self::UNKNOWN,
        }
    }

    fn named(
        arguments: Option<Value<'_>>,
        keys: &[&'static str],
        is_whole: impl Fn(&[&str]) -> bool,
    ) -> Self {
        let Some(arguments) = arguments else { return Self::UNKNOWN };
        let value = |key: &'static str| Some((key, arguments.get(key)?.as_str()?));
        let found: Vec<_> = keys.iter().copied().filter_map(value).collect();
        let names: Vec<&str> = found.iter().map(|(key, _)| *key).collect();
        if found.is_empty() || !is_whole(&names) {
            return Self::UNKNOWN;
        }
        Self::of(found.iter().map(|(_, value)| &**value))
    }

    /// Both are known to be the same.
    pub(super) fn is_same(self, other: Self) -> bool {
        self != Self::UNKNOWN && self == other
    }
}

/// A call that was let through.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    pub(super) labels: Labels,
    pub(super) home: Home,
    /// It names a file that holds secrets.
    pub(super) is_secret: bool,
    /// It asks to become a task (2025-11-25).
    pub(super) as_task: bool,
}

impl Call {
    /// One that may be either.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            labels: self.labels.and(other.labels),
            home: if self.home == other.home { self.home } else { Home::UNKNOWN },
            is_secret: self.is_secret || other.is_secret,
            as_task: self.as_task || other.as_task,
        }
    }
}
