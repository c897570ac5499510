//! What a request is about, and which revision it speaks.

use crate::json::Value;
use crate::mcp::{Message, Revision};

/// The member of `_meta` that names the revision from 2026-07-28 on.
const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";

/// What a request names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// `tools/call`: the tool's name.
    Tool(Box<str>),
    /// `prompts/get`: the prompt's name.
    Prompt(Box<str>),
    /// `resources/read`, `…/subscribe`, `…/unsubscribe`: the URI.
    Resource(Box<str>),
    /// `tasks/…`: the task's id.
    Task(Box<str>),
}

impl Target {
    /// What `message` is about; `None` for methods that name nothing, and for answers.
    #[must_use]
    pub fn of(message: &Message) -> Option<Self> {
        let text = |key| Some(Box::from(&*message.params()?.get(key)?.as_str()?));
        match message.method()? {
            "tools/call" => text("name").map(Self::Tool),
            "prompts/get" => text("name").map(Self::Prompt),
            "resources/read" | "resources/subscribe" | "resources/unsubscribe" => {
                text("uri").map(Self::Resource)
            }
            "tasks/get" | "tasks/result" | "tasks/cancel" | "tasks/update" => text("taskId").map(Self::Task),
            _ => None,
        }
    }
}

/// The revision a request names in its own `_meta`.
pub(super) fn revision_of(message: &Message) -> Option<Revision> {
    let version = message.params()?.get("_meta")?.get(VERSION_KEY)?;
    Revision::named(&version.as_str()?)
}

/// The revision an answer to `initialize` settles on.
pub(super) fn negotiated(answer: &Message) -> Option<Revision> {
    answer
        .result()?
        .get("protocolVersion")
        .and_then(Value::as_str)
        .and_then(|version| Revision::named(&version))
}
