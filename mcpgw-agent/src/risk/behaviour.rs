//! What a server does, as far as it says something about the server itself. Pure.

use super::issue::{Issue, of_server};
use crate::detect::Severity;

/// Something a server did. It is kept until somebody resets what is known of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Behaviour {
    /// It asked for the client's model before any tool of it was called.
    AsksModel,
    /// It asked for the client's user before any tool of it was called.
    AsksUser,
    /// It asked what no revision of the protocol has.
    AsksUnknown,
    /// It sent what the gateway cannot read without doubt.
    Malformed,
    /// Lines of its output are no messages.
    Rubbish,
    /// It defines what cannot be pinned, and so was not judged.
    Unpinnable,
}

impl Behaviour {
    /// All there are.
    pub const ALL: [Self; 6] = [
        Self::AsksModel,
        Self::AsksUser,
        Self::AsksUnknown,
        Self::Malformed,
        Self::Rubbish,
        Self::Unpinnable,
    ];

    /// Its word: the rule of its issue.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AsksModel => "asks-model",
            Self::AsksUser => "asks-user",
            Self::AsksUnknown => "asks-unknown",
            Self::Malformed => "malformed",
            Self::Rubbish => "rubbish",
            Self::Unpinnable => "unpinnable",
        }
    }

    /// That a server asks `method` before anybody has called a tool; `None` where that says nothing.
    #[must_use]
    pub fn of_asking(method: &str) -> Option<Self> {
        match method {
            // Servers ask for these when a session starts, and mean nothing by it.
            "ping" | "roots/list" => None,
            "sampling/createMessage" => Some(Self::AsksModel),
            "elicitation/create" => Some(Self::AsksUser),
            _ => Some(Self::AsksUnknown),
        }
    }

    /// What is to be said of it.
    #[must_use]
    pub fn issue(self) -> Issue {
        let (severity, why, remedy) = match self {
            Self::AsksModel => (
                Severity::High,
                "it has the client's model work before any tool of it is called",
                "Refuse `sampling/createMessage` in the policy.",
            ),
            Self::AsksUser => (
                Severity::Medium,
                "it has the client question its user before any tool of it is called",
                "Refuse `elicitation/create` in the policy, or look at what it asks.",
            ),
            Self::AsksUnknown => (
                Severity::Low,
                "it asks the client what no revision of the protocol has",
                "Find out what the server wants by it.",
            ),
            Self::Malformed => (
                Severity::Medium,
                "it sent what the gateway refuses, because two readers may read it differently",
                "Have the server send what the protocol has.",
            ),
            Self::Rubbish => (
                Severity::Low,
                "lines of its output are no messages",
                "Have the server write its log to standard error.",
            ),
            Self::Unpinnable => (
                Severity::High,
                "it defines what is too large, too much or without a name, and so was not judged",
                "Not everything was looked at: do not take the rest for harmless.",
            ),
        };
        of_server(self.as_str(), severity, why, remedy)
    }
}

/// What is to be said of a server that asks `method` before anybody has called a tool.
pub(crate) fn asks(method: &str) -> Option<Issue> {
    Behaviour::of_asking(method).map(Behaviour::issue)
}
