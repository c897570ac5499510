//! The keys, and what their values are.

/// What a value has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Is {
    Text,
    Bool,
    Object,
    Array,
    /// A request id.
    Id,
    /// A string or a number.
    Token,
    /// Whatever it likes: nothing rests on it.
    Any,
}

/// A key that decisions rest on.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) key: &'static str,
    /// How a refusal calls it.
    pub(super) path: &'static str,
    pub(super) is: Is,
}

const fn member(path: &'static str, key: &'static str, is: Is) -> Member {
    Member { key, path, is }
}

/// Entries of a list that are known by name, and hidden by it.
pub(super) struct Listed {
    pub(super) method: &'static str,
    pub(super) key: &'static str,
    pub(super) name: &'static str,
    pub(super) path: &'static str,
    pub(super) keys: &'static [&'static str],
}

/// Of every message.
pub(in crate::mcp) const ENVELOPE: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];
/// Of a body within another that requests may be in.
pub(super) const BODY: [&str; 5] = ["inputRequests", "error", "task", "tasks", "result"];
/// Of an error.
pub(super) const ERROR: [&str; 3] = ["code", "message", "data"];

/// Of the parameters of MCP's methods in any revision: a key has one type wherever it stands.
pub(super) const PARAMS: [Member; 39] = [
    member("params.name", "name", Is::Text),
    member("params.arguments", "arguments", Is::Object),
    member("params._meta", "_meta", Is::Object),
    member("params.uri", "uri", Is::Text),
    member("params.ref", "ref", Is::Object),
    member("params.argument", "argument", Is::Object),
    member("params.context", "context", Is::Object),
    member("params.cursor", "cursor", Is::Text),
    member("params.task", "task", Is::Object),
    member("params.taskId", "taskId", Is::Text),
    member("params.level", "level", Is::Text),
    member("params.requestId", "requestId", Is::Id),
    member("params.progressToken", "progressToken", Is::Token),
    member("params.protocolVersion", "protocolVersion", Is::Text),
    member("params.capabilities", "capabilities", Is::Object),
    member("params.clientInfo", "clientInfo", Is::Object),
    member("params.inputResponses", "inputResponses", Is::Object),
    member("params.inputRequests", "inputRequests", Is::Object),
    member("params.requestState", "requestState", Is::Text),
    member("params.notifications", "notifications", Is::Object),
    member("params.messages", "messages", Is::Array),
    member("params.systemPrompt", "systemPrompt", Is::Text),
    member("params.tools", "tools", Is::Array),
    member("params.message", "message", Is::Text),
    member("params.mode", "mode", Is::Text),
    member("params.url", "url", Is::Text),
    member("params.requestedSchema", "requestedSchema", Is::Object),
    member("params.elicitationId", "elicitationId", Is::Text),
    member("params.includeContext", "includeContext", Is::Any),
    member("params.stopSequences", "stopSequences", Is::Any),
    member("params.modelPreferences", "modelPreferences", Is::Any),
    member("params.metadata", "metadata", Is::Any),
    member("params.toolChoice", "toolChoice", Is::Any),
    member("params.reason", "reason", Is::Any),
    member("params.data", "data", Is::Any),
    member("params.logger", "logger", Is::Any),
    member("params.statusMessage", "statusMessage", Is::Any),
    member("params.result", "result", Is::Any),
    member("params.error", "error", Is::Any),
];

/// Of the results of MCP's methods, likewise.
pub(super) const RESULT: [Member; 33] = [
    member("result.content", "content", Is::Any),
    member("result.structuredContent", "structuredContent", Is::Any),
    member("result.isError", "isError", Is::Bool),
    member("result._meta", "_meta", Is::Object),
    member("result.tools", "tools", Is::Array),
    member("result.nextCursor", "nextCursor", Is::Text),
    member("result.contents", "contents", Is::Array),
    member("result.messages", "messages", Is::Array),
    member("result.prompts", "prompts", Is::Array),
    member("result.resources", "resources", Is::Array),
    member("result.resourceTemplates", "resourceTemplates", Is::Array),
    member("result.instructions", "instructions", Is::Text),
    member("result.serverInfo", "serverInfo", Is::Object),
    member("result.capabilities", "capabilities", Is::Object),
    member("result.protocolVersion", "protocolVersion", Is::Text),
    member("result.supportedVersions", "supportedVersions", Is::Array),
    member("result.completion", "completion", Is::Object),
    member("result.resultType", "resultType", Is::Text),
    member("result.inputRequests", "inputRequests", Is::Object),
    member("result.requestState", "requestState", Is::Text),
    member("result.task", "task", Is::Object),
    member("result.taskId", "taskId", Is::Text),
    member("result.tasks", "tasks", Is::Array),
    member("result.roots", "roots", Is::Array),
    member("result.action", "action", Is::Text),
    member("result.description", "description", Is::Any),
    member("result.statusMessage", "statusMessage", Is::Any),
    member("result.result", "result", Is::Any),
    member("result.error", "error", Is::Any),
    member("result.role", "role", Is::Any),
    member("result.model", "model", Is::Any),
    member("result.stopReason", "stopReason", Is::Any),
    member("result.cacheScope", "cacheScope", Is::Any),
];

/// Of `_meta`: which rules the message is read by, and what it belongs to.
pub(super) const META: [Member; 7] = [
    member("_meta.progressToken", "progressToken", Is::Token),
    member("_meta.protocolVersion", "io.modelcontextprotocol/protocolVersion", Is::Text),
    member("_meta.clientInfo", "io.modelcontextprotocol/clientInfo", Is::Any),
    member("_meta.clientCapabilities", "io.modelcontextprotocol/clientCapabilities", Is::Any),
    member("_meta.logLevel", "io.modelcontextprotocol/logLevel", Is::Any),
    member("_meta.subscriptionId", "io.modelcontextprotocol/subscriptionId", Is::Token),
    member("_meta.related-task", "io.modelcontextprotocol/related-task", Is::Any),
];

pub(super) const REF: [Member; 3] = [
    member("params.ref.type", "type", Is::Text),
    member("params.ref.name", "name", Is::Text),
    member("params.ref.uri", "uri", Is::Text),
];
pub(super) const ARGUMENT: [Member; 2] =
    [member("params.argument.name", "name", Is::Text), member("params.argument.value", "value", Is::Text)];
pub(super) const CONTEXT: [Member; 1] = [member("params.context.arguments", "arguments", Is::Object)];

/// Of a block of content and of what a resource holds.
pub(super) const CONTENT: [&str; 15] = [
    "type",
    "text",
    "data",
    "mimeType",
    "resource",
    "uri",
    "blob",
    "name",
    "title",
    "description",
    "annotations",
    "_meta",
    "input",
    "content",
    "structuredContent",
];

pub(super) const LISTS: [Listed; 6] = [
    Listed {
        method: "tools/list",
        key: "tools",
        name: "name",
        path: "result.tools[].name",
        keys: &[
            "name",
            "title",
            "description",
            "inputSchema",
            "outputSchema",
            "annotations",
            "icons",
            "execution",
            "_meta",
        ],
    },
    Listed {
        method: "prompts/list",
        key: "prompts",
        name: "name",
        path: "result.prompts[].name",
        keys: &["name", "title", "description", "arguments", "icons", "_meta"],
    },
    Listed {
        method: "resources/list",
        key: "resources",
        name: "uri",
        path: "result.resources[].uri",
        keys: &["uri", "name", "title", "description", "mimeType", "annotations", "icons", "size", "_meta"],
    },
    Listed {
        method: "resources/templates/list",
        key: "resourceTemplates",
        name: "uriTemplate",
        path: "result.resourceTemplates[].uriTemplate",
        keys: &["uriTemplate", "name", "title", "description", "mimeType", "annotations", "icons", "_meta"],
    },
    Listed {
        method: "tasks/list",
        key: "tasks",
        name: "taskId",
        path: "result.tasks[].taskId",
        keys: &["taskId", "status", "statusMessage", "_meta"],
    },
    Listed {
        method: "roots/list",
        key: "roots",
        name: "uri",
        path: "result.roots[].uri",
        keys: &["uri", "name", "_meta"],
    },
];
