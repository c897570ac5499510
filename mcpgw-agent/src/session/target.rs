//! What a request is about, and which revision it speaks.

use crate::json::Value;
use crate::mcp::{Message, Method, Names, Revision};

/// The member of `_meta` that names the revision from 2026-07-28 on.
const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";

/// What a request names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// `tools/call`: the tool's name.
    Tool(Box<str>),
    /// `prompts/get`, `completion/complete`: the prompt's name.
    Prompt(Box<str>),
    /// `resources/read`, `…/subscribe`, `…/unsubscribe`, `notifications/resources/updated`, `completion/complete`: the
    /// URI, or the template of it.
    Resource(Box<str>),
    /// `tasks/…`, `notifications/tasks…`: the task's id.
    Task(Box<str>),
}

impl Target {
    /// What `message` is about; `None` for methods that name nothing, and for answers.
    #[must_use]
    pub fn of(message: &Message) -> Option<Self> {
        let names = Method::named(message.method()?)?.names()?;
        let params = message.params()?;
        let text = |of: Value<'_>, key| Some(Box::from(&*of.get(key)?.as_str()?));
        match names {
            Names::Tool => text(params, "name").map(Self::Tool),
            Names::Prompt => text(params, "name").map(Self::Prompt),
            Names::Resource => text(params, "uri").map(Self::Resource),
            Names::Task => text(params, "taskId").map(Self::Task),
            Names::Reference => {
                let reference = params.get("ref")?;
                match &*reference.get("type")?.as_str()? {
                    "ref/prompt" => text(reference, "name").map(Self::Prompt),
                    "ref/resource" => text(reference, "uri").map(Self::Resource),
                    _ => None,
                }
            }
        }
    }

    /// The name, URI or id.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Tool(text) | Self::Prompt(text) | Self::Resource(text) | Self::Task(text) => text,
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
