//! Tools.

use super::shapes::{ARGUMENT, CONTENT, NAME, STRUCTURED, TOOL, params, result};
use crate::mcp::method::{Method, Names, Sender};
use crate::mcp::shape::Shape;

pub(super) static METHODS: &[Method] = &[
    Method::request("tools/call", Sender::Client).naming(Names::Tool).params(&CALL).result(&CALL_RESULT),
    Method::request("tools/list", Sender::Client).result(&LIST_RESULT),
    Method::notification("notifications/tools/list_changed", Sender::Server),
];

static CALL: Shape = params(&[("name", NAME), ("arguments", ARGUMENT)]);
static CALL_RESULT: Shape = result(&[("content", &CONTENT), ("structuredContent", STRUCTURED)]);
static LIST_RESULT: Shape = result(&[("tools", &TOOL)]);
