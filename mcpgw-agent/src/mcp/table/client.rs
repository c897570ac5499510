//! What clients offer: sampling, elicitation, roots. In 2026-07-28 these are no requests of their own any more, but
//! stand in `inputRequests` of a result.

use super::shapes::{
    ARGUMENT, CONTENT, DEFINITION, MESSAGE, NAME, OPAQUE, PROSE, STRUCTURED, TOOL, URI, params, result,
};
use crate::mcp::Revision;
use crate::mcp::method::{Method, Sender};
use crate::mcp::shape::{Role, Shape};

pub(super) static METHODS: &[Method] = &[
    Method::request("sampling/createMessage", Sender::Server).params(&SAMPLE).result(&SAMPLE_RESULT),
    Method::request("elicitation/create", Sender::Server)
        .since(Revision::R2025_06_18)
        .params(&ELICIT)
        .result(&ELICIT_RESULT),
    Method::notification("notifications/elicitation/complete", Sender::Server)
        .since(Revision::R2025_11_25)
        .until(Revision::R2025_11_25)
        .params(&ELICITED),
    Method::request("roots/list", Sender::Server).result(&ROOTS_RESULT),
    Method::notification("notifications/roots/list_changed", Sender::Client).until(Revision::R2025_11_25),
];

static SAMPLE: Shape = params(&[
    ("messages", &MESSAGE),
    ("systemPrompt", PROSE),
    ("modelPreferences", NAME),
    ("includeContext", NAME),
    ("stopSequences", PROSE),
    ("metadata", STRUCTURED),
    ("tools", &TOOL),
    ("toolChoice", NAME),
]);
static SAMPLE_RESULT: Shape =
    result(&[("role", NAME), ("content", &CONTENT), ("model", NAME), ("stopReason", NAME)]);
static ELICIT: Shape = params(&[
    ("message", PROSE),
    ("requestedSchema", DEFINITION),
    ("mode", NAME),
    ("url", URI),
    ("elicitationId", OPAQUE),
]);
static ELICIT_RESULT: Shape = result(&[("action", NAME), ("content", ARGUMENT)]);
static ELICITED: Shape = params(&[("elicitationId", OPAQUE)]);
static ROOTS_RESULT: Shape =
    result(&[("roots", &Shape::object(&[("uri", URI), ("name", ARGUMENT)], Role::Argument))]);
