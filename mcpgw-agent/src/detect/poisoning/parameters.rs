//! Parameters that ask for what the tool has no use for: the conversation, the model's own name, its prompt.

use std::ops::Range;
use std::sync::LazyLock;

use crate::detect::table::Table;
use crate::json::Value;

/// What a parameter is called, as words; what the rest of the definition would speak of if it had a use for it; how sure
/// a hit is.
type Ask = (&'static [&'static str], &'static [&'static str], f32);

const TALK: &[&str] = &[
    "conversation",
    "chat",
    "message",
    "thread",
    "dialog",
    "transcript",
    "prompt",
    "llm",
    "completion",
    "memory",
    "session",
];
const LLM: &[&str] = &[
    "llm",
    "language model",
    "completion",
    "inference",
    "openai",
    "anthropic",
    "prompt",
    "generate text",
    "chat",
    "ai model",
    "embedding",
    "agent",
];
const KEYS: &[&str] = &[
    "ssh",
    "key",
    "credential",
    "login",
    "auth",
    "password",
    "secret",
    "connect",
    "certificate",
    "token",
    "environment",
    "env",
    "deploy",
    "container",
    "variable",
];

const ASKS: [Ask; 5] = [
    (
        &[
            "conversation",
            "conversation history",
            "conversation so far",
            "conversation log",
            "conversation summary",
            "conversation context",
            "conversation transcript",
            "full conversation",
            "chat history",
            "chat log",
            "chat transcript",
            "message history",
            "previous messages",
            "prior messages",
            "all messages",
            "user messages",
            "dialog history",
            "dialogue history",
            "history of conversation",
            "recent messages",
            "last user message",
            "user message",
            "user query verbatim",
            "original user message",
            "user prompt",
            "original prompt",
            "raw prompt",
            "full prompt",
            "user input history",
            "session transcript",
            "chat context",
            "user request",
        ],
        TALK,
        0.55,
    ),
    (
        &[
            "system prompt",
            "sys prompt",
            "sysprompt",
            "system message",
            "system messages",
            "system instructions",
            "developer prompt",
            "hidden prompt",
            "initial prompt",
            "assistant instructions",
            "your instructions",
        ],
        LLM,
        0.6,
    ),
    (
        &[
            "llm name",
            "llm model",
            "llm model name",
            "model that calls",
            "calling model",
            "caller model",
            "agent model name",
            "assistant name",
            "assistant model",
            "llm identity",
            "model identity",
            "agent identity",
            "llm version",
            "client model",
            "llm provider",
            "available tools",
            "tool list",
            "tools list",
            "other tools",
            "all tools",
            "list of tools",
            "tool names",
            "other tool results",
            "previous tool results",
            "previous tool outputs",
            "tool call history",
            "tool history",
        ],
        LLM,
        0.55,
    ),
    (
        &[
            "sidenote",
            "side note",
            "sidenotes",
            "notes for model",
            "note to model",
            "context dump",
            "full context",
            "entire context",
            "complete context",
            "context window",
            "chain of thought",
            "internal thoughts",
            "hidden reasoning",
            "reasoning trace",
            "scratchpad",
            "internal monologue",
            "model notes",
            "hidden notes",
            "private notes for model",
            "memory dump",
            "model context",
            "llm context",
            "agent context",
            "agent memory",
            "assistant memory",
            "model memory",
            "user secrets",
        ],
        &["reasoning", "thinking", "thought", "memory", "scratchpad"],
        0.6,
    ),
    (
        &[
            "env dump",
            "environment dump",
            "environment variables",
            "env vars",
            "ssh key",
            "ssh private key",
            "private key",
            "id rsa",
            "user password",
            "master password",
            "api keys",
            "all credentials",
            "user credentials",
            "mcp config",
            "session cookie",
            "cookies",
            "auth tokens",
            "access tokens",
            "file contents of ssh",
            "etc passwd",
            "home directory listing",
            "browser cookies",
        ],
        KEYS,
        0.4,
    ),
];

/// What each of those names asks for, by its place.
static NAMES: LazyLock<Table<usize>> = LazyLock::new(|| {
    let asks = ASKS.iter().enumerate();
    Table::new(asks.flat_map(|(ask, (names, _, _))| names.iter().map(move |name| (*name, ask))))
});

/// How sure it is that the tool has no use for the parameter called `name`.
pub(super) fn asks_for(name: &str, tool: Value<'_>) -> Option<f32> {
    let (_, uses, score) = ASKS.get(NAMES.get(words(name).as_bytes())?)?;
    (!speaks_of(tool, uses, name)).then_some(*score)
}

/// The definition speaks of conversations or prompts, so that its parameters may.
pub(super) fn is_about_talk(tool: Value<'_>) -> bool {
    speaks_of(tool, TALK, "") || speaks_of(tool, LLM, "")
}

/// Name or description hold one of `words`, but for the lines that are about the parameter itself.
fn speaks_of(tool: Value<'_>, uses: &[&str], parameter: &str) -> bool {
    let name = tool.get("name").and_then(Value::as_str).unwrap_or_default().to_lowercase();
    let description = tool.get("description").and_then(Value::as_str).unwrap_or_default().to_lowercase();
    let about = |line: &str| parameter.is_empty() || !line.contains(&parameter.to_lowercase());
    uses.iter().any(|word| {
        name.contains(word) || description.lines().filter(|line| about(line)).any(|line| line.contains(word))
    })
}

/// `llmModelName`, `llm-model-name` and `LLM_model_name` are `llm model name`.
fn words(name: &str) -> String {
    let mut words = String::new();
    let mut before = None;
    for character in name.chars().take(64) {
        let is_next = character.is_uppercase() && before.is_some_and(char::is_lowercase);
        if (is_next || !character.is_alphanumeric()) && !words.ends_with(' ') && !words.is_empty() {
            words.push(' ');
        }
        if character.is_alphanumeric() {
            words.extend(character.to_lowercase());
        }
        before = Some(character);
    }
    words.truncate(words.trim_end().len());
    words
}

/// Words behind which the name of an argument stands.
const INTO: [&str; 8] = ["in", "into", "as", "via", "through", "inside", "within", "under"];

/// Characters before an argument's name that are looked at.
const BEFORE: usize = 64;
/// Behind what is called so stands no argument.
const NO_ARGUMENT: [&str; 14] = [
    "header",
    "tool",
    "endpoint",
    "function",
    "command",
    "file",
    "table",
    "column",
    "format",
    "mode",
    "method",
    "directory",
    "folder",
    "tag",
];

/// Where `text` has something put into an argument in back quotes that `tool` does not have.
pub(super) fn unknown_argument(text: &str, tool: Value<'_>) -> Option<Range<usize>> {
    let has = |name| {
        let properties = tool.get("inputSchema").and_then(|schema| schema.get("properties"));
        properties.and_then(|properties| properties.get(name)).is_some()
    };
    let mut quotes = text.match_indices('`');
    while let (Some((open, _)), Some((close, _))) = (quotes.next(), quotes.next()) {
        let name = text.get(open + 1..close)?;
        let is_name = (2..40).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        let before = text.get(..open).unwrap_or_default();
        let near = before.char_indices().rev().nth(BEFORE).map_or(0, |(at, _)| at);
        let before = before.get(near..).unwrap_or_default();
        let mut words = before
            .rsplit(|character: char| character.is_whitespace())
            .filter(|word| !word.is_empty())
            .take(2);
        // `in the `X-Token` header`, `as `x` tool`: it is something else.
        let after = text.get(close + 1..).unwrap_or_default().trim_start();
        let is_other = NO_ARGUMENT.iter().any(|word| after.starts_with(word));
        let is_into = words.any(|word| INTO.contains(&word));
        if is_name && is_into && !is_other && !has(name) {
            return Some(open..close + 1);
        }
    }
    None
}
