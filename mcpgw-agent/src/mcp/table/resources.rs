//! Resources.

use super::shapes::{CONTENTS, DEFINITION, ICON, META, NAME, URI, params, result};
use crate::mcp::Revision;
use crate::mcp::method::{Method, Names, Sender};
use crate::mcp::shape::{Role, Shape};

pub(super) static METHODS: &[Method] = &[
    Method::request("resources/read", Sender::Client)
        .naming(Names::Resource)
        .params(&ONE)
        .result(&READ_RESULT),
    Method::request("resources/list", Sender::Client).result(&LIST_RESULT),
    Method::request("resources/templates/list", Sender::Client).result(&TEMPLATES_RESULT),
    Method::request("resources/subscribe", Sender::Client)
        .until(Revision::R2025_11_25)
        .naming(Names::Resource)
        .gone()
        .params(&ONE),
    Method::request("resources/unsubscribe", Sender::Client)
        .until(Revision::R2025_11_25)
        .naming(Names::Resource)
        .gone()
        .params(&ONE),
    Method::notification("notifications/resources/list_changed", Sender::Server),
    Method::notification("notifications/resources/updated", Sender::Server)
        .naming(Names::Resource)
        .params(&ONE),
];

static ONE: Shape = params(&[("uri", URI)]);
static READ_RESULT: Shape = result(&[("contents", &CONTENTS)]);
static LIST_RESULT: Shape = result(&[("resources", &RESOURCE)]);
static TEMPLATES_RESULT: Shape = result(&[("resourceTemplates", &RESOURCE)]);

/// A resource or a template of them.
static RESOURCE: Shape = Shape::object(
    &[
        ("uri", URI),
        ("uriTemplate", URI),
        ("name", NAME),
        ("title", DEFINITION),
        ("description", DEFINITION),
        ("mimeType", NAME),
        ("annotations", DEFINITION),
        ("size", NAME),
        ("icons", &ICON),
        ("_meta", META),
    ],
    Role::Definition,
);
