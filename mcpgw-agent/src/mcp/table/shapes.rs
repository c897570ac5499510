//! Shapes that several methods share.

use crate::mcp::shape::{Keys, Role, Shape};

pub(super) const PROSE: &Shape = Shape::all(Role::Prose);
pub(super) const DEFINITION: &Shape = Shape::all(Role::Definition);
pub(super) const ARGUMENT: &Shape = Shape::all(Role::Argument);
pub(super) const NAME: &Shape = Shape::all(Role::Name);
pub(super) const URI: &Shape = Shape::all(Role::Uri);
pub(super) const BLOB: &Shape = Shape::all(Role::Blob);
pub(super) const STRUCTURED: &Shape = Shape::all(Role::Structured);
pub(super) const META: &Shape = Shape::all(Role::Meta);
pub(super) const OPAQUE: &Shape = Shape::all(Role::Opaque);

/// What any request may have.
static PARAMS: Shape = Shape::object(
    &[
        ("_meta", META),
        ("cursor", OPAQUE),
        ("task", OPAQUE),
        ("taskId", OPAQUE),
        ("requestState", OPAQUE),
        ("inputResponses", &Shape::Map(ARGUMENT)),
    ],
    Role::Structured,
);

/// What any result may have.
static RESULT: Shape = Shape::object(
    &[
        ("_meta", META),
        ("nextCursor", OPAQUE),
        ("resultType", NAME),
        ("inputRequests", &Shape::Map(&Shape::Call)),
        ("requestState", OPAQUE),
        ("task", &TASK),
        ("taskId", OPAQUE),
        ("status", NAME),
        ("statusMessage", PROSE),
        ("createdAt", NAME),
        ("lastUpdatedAt", NAME),
        ("cacheScope", NAME),
    ],
    Role::Structured,
);

/// Parameters with these members beside the common ones.
pub(super) const fn params(keys: Keys) -> Shape {
    Shape::Object { keys, shared: Some(&PARAMS), rest: Role::Structured }
}

/// A result with these members beside the common ones.
pub(super) const fn result(keys: Keys) -> Shape {
    Shape::Object { keys, shared: Some(&RESULT), rest: Role::Structured }
}

/// Parameters with common members only; those of a method nobody knows.
pub(in crate::mcp) static NO_PARAMS: Shape = params(&[]);
/// A result with common members only.
pub(in crate::mcp) static NO_RESULT: Shape = result(&[]);
/// Of a method nobody knows.
pub(in crate::mcp) static UNKNOWN: Shape = Shape::object(&[("_meta", META)], Role::Structured);

/// `error`, also of a task. Code -32042 asks for URLs to be opened.
pub(in crate::mcp) static ERROR: Shape = Shape::object(
    &[("code", NAME), ("message", Shape::all(Role::Error)), ("data", &ERROR_DATA)],
    Role::Error,
);
static ERROR_DATA: Shape = Shape::object(&[("elicitations", &ELICITATION)], Role::Error);
static ELICITATION: Shape = Shape::object(
    &[("url", URI), ("message", PROSE), ("mode", NAME), ("elicitationId", OPAQUE)],
    Role::Error,
);

pub(super) static ICON: Shape =
    Shape::object(&[("src", URI), ("mimeType", NAME), ("sizes", NAME), ("theme", NAME)], Role::Structured);

/// `clientInfo` and `serverInfo`.
pub(super) static IMPLEMENTATION: Shape = Shape::object(
    &[
        ("name", NAME),
        ("version", NAME),
        ("title", PROSE),
        ("description", PROSE),
        ("websiteUrl", URI),
        ("icons", &ICON),
    ],
    Role::Structured,
);

/// A block of content of any kind.
pub(super) static CONTENT: Shape = Shape::object(
    &[
        ("type", NAME),
        ("text", PROSE),
        ("data", BLOB),
        ("mimeType", NAME),
        ("resource", &CONTENTS),
        ("uri", URI),
        ("name", NAME),
        ("title", PROSE),
        ("description", PROSE),
        ("icons", &ICON),
        ("annotations", STRUCTURED),
        ("_meta", META),
        // tool_use and tool_result, in sampling
        ("id", OPAQUE),
        ("input", ARGUMENT),
        ("toolUseId", OPAQUE),
        ("content", &CONTENT),
        ("structuredContent", STRUCTURED),
    ],
    Role::Structured,
);

/// What a resource holds.
pub(super) static CONTENTS: Shape = Shape::object(
    &[("uri", URI), ("mimeType", NAME), ("text", PROSE), ("blob", BLOB), ("_meta", META)],
    Role::Structured,
);

/// A message of a prompt or of sampling.
pub(super) static MESSAGE: Shape =
    Shape::object(&[("role", NAME), ("content", &CONTENT), ("_meta", META)], Role::Structured);

pub(super) static TOOL: Shape = Shape::object(
    &[
        ("name", NAME),
        ("title", DEFINITION),
        ("description", DEFINITION),
        ("inputSchema", DEFINITION),
        ("outputSchema", DEFINITION),
        ("annotations", DEFINITION),
        ("icons", &ICON),
        ("execution", NAME),
        ("_meta", META),
    ],
    Role::Definition,
);

/// A task as it is told; in 2026-07-28 with what became of it.
pub(super) static TASK: Shape = result(&[("result", &PAYLOAD), ("error", &ERROR)]);

/// The result of whatever request became a task.
pub(super) static PAYLOAD: Shape = result(&[
    ("content", &CONTENT),
    ("structuredContent", STRUCTURED),
    ("contents", &CONTENTS),
    ("description", PROSE),
    ("messages", &MESSAGE),
    ("role", NAME),
    ("model", NAME),
    ("stopReason", NAME),
    ("action", NAME),
]);
