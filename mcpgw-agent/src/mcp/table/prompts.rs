//! Prompts, and the completion of their arguments and of resource templates.

use super::shapes::{ARGUMENT, DEFINITION, ICON, MESSAGE, META, NAME, PROSE, URI, params, result};
use crate::mcp::method::{Method, Names, Sender};
use crate::mcp::shape::{Role, Shape};

pub(super) static METHODS: &[Method] = &[
    Method::request("prompts/get", Sender::Client).naming(Names::Prompt).params(&GET).result(&GET_RESULT),
    Method::request("prompts/list", Sender::Client).result(&LIST_RESULT),
    Method::notification("notifications/prompts/list_changed", Sender::Server),
    Method::request("completion/complete", Sender::Client)
        .naming(Names::Reference)
        .params(&COMPLETE)
        .result(&COMPLETE_RESULT),
];

static GET: Shape = params(&[("name", NAME), ("arguments", ARGUMENT)]);
static GET_RESULT: Shape = result(&[("description", PROSE), ("messages", &MESSAGE)]);
static LIST_RESULT: Shape = result(&[("prompts", &PROMPT)]);
static PROMPT: Shape = Shape::object(
    &[
        ("name", NAME),
        ("title", DEFINITION),
        ("description", DEFINITION),
        (
            "arguments",
            &Shape::object(
                &[("name", NAME), ("title", DEFINITION), ("description", DEFINITION)],
                Role::Definition,
            ),
        ),
        ("icons", &ICON),
        ("_meta", META),
    ],
    Role::Definition,
);
static COMPLETE: Shape = params(&[
    ("ref", &Shape::object(&[("type", NAME), ("name", NAME), ("uri", URI)], Role::Structured)),
    ("argument", &Shape::object(&[("name", NAME), ("value", ARGUMENT)], Role::Argument)),
    ("context", ARGUMENT),
]);
static COMPLETE_RESULT: Shape =
    result(&[("completion", &Shape::object(&[("values", PROSE)], Role::Structured))]);
