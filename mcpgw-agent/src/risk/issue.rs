//! What is to be said of a server, and what to do about it. Pure.

use std::borrow::Cow;

use crate::detect::{DefinitionKind, Severity};

/// Something to be said of a server.
#[derive(Debug, Clone, PartialEq)]
pub struct Issue {
    /// Its word: `poisoning/concealment`, `changed`, `young-package`.
    pub rule: Cow<'static, str>,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub subject: Subject,
    /// Why, for a person: never a piece of a text of the server's.
    pub why: Cow<'static, str>,
    /// What to do about it.
    pub remedy: &'static str,
}

/// What an issue is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// All of the server.
    Server,
    /// What it is started from.
    Package,
    /// A definition: its kind, its name, and the place in it.
    Definition(DefinitionKind, String, String),
}

impl Subject {
    /// As people read it: `tool add inputSchema.properties.a`.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Server => "server".to_owned(),
            Self::Package => "package".to_owned(),
            Self::Definition(kind, name, path) => {
                let words = [kind.as_str(), name, path];
                words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
            }
        }
    }
}

/// An issue about all of a server.
pub(crate) fn of_server(
    rule: &'static str,
    severity: Severity,
    why: impl Into<Cow<'static, str>>,
    remedy: &'static str,
) -> Issue {
    Issue { rule: rule.into(), severity, subject: Subject::Server, why: why.into(), remedy }
}
