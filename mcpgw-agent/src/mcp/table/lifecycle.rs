//! Opening a session, keeping it, and what either side tells about requests.

use super::shapes::{IMPLEMENTATION, NAME, OPAQUE, PROSE, STRUCTURED, URI, params, result};
use crate::mcp::Revision;
use crate::mcp::method::{Method, Proof, Sender};
use crate::mcp::shape::{Role, Shape};

pub(super) static METHODS: &[Method] = &[
    Method::request("initialize", Sender::Client)
        .until(Revision::R2025_11_25)
        .proven_by(Proof::Handshake)
        .params(&INITIALIZE)
        .result(&INITIALIZE_RESULT),
    Method::notification("notifications/initialized", Sender::Client).until(Revision::R2025_11_25),
    Method::request("server/discover", Sender::Client).since(Revision::R2026_07_28).result(&DISCOVER_RESULT),
    Method::request("ping", Sender::Both).until(Revision::R2025_11_25).proven_by(Proof::Never),
    Method::notification("notifications/progress", Sender::Both)
        .proven_by(Proof::ProgressToken)
        .params(&PROGRESS),
    Method::notification("notifications/cancelled", Sender::Both)
        .proven_by(Proof::RequestId)
        .params(&CANCELLED),
    Method::request("logging/setLevel", Sender::Client)
        .until(Revision::R2025_11_25)
        .proven_by(Proof::Level)
        .params(&LEVEL),
    Method::notification("notifications/message", Sender::Server).proven_by(Proof::Level).params(&LOG),
    Method::request("subscriptions/listen", Sender::Client)
        .since(Revision::R2026_07_28)
        .params(&SUBSCRIPTIONS),
    Method::notification("notifications/subscriptions/acknowledged", Sender::Server)
        .since(Revision::R2026_07_28)
        .params(&SUBSCRIPTIONS),
];

static INITIALIZE: Shape =
    params(&[("protocolVersion", NAME), ("clientInfo", &IMPLEMENTATION), ("capabilities", STRUCTURED)]);
static INITIALIZE_RESULT: Shape = result(&[
    ("protocolVersion", NAME),
    ("serverInfo", &IMPLEMENTATION),
    ("capabilities", STRUCTURED),
    ("instructions", PROSE),
]);
static DISCOVER_RESULT: Shape = result(&[
    ("supportedVersions", NAME),
    ("serverInfo", &IMPLEMENTATION),
    ("capabilities", STRUCTURED),
    ("instructions", PROSE),
]);
static PROGRESS: Shape =
    params(&[("progressToken", OPAQUE), ("progress", NAME), ("total", NAME), ("message", PROSE)]);
static CANCELLED: Shape = params(&[("requestId", OPAQUE), ("reason", PROSE)]);
static LEVEL: Shape = params(&[("level", NAME)]);
static LOG: Shape = params(&[("level", NAME), ("logger", NAME), ("data", PROSE)]);
static SUBSCRIPTIONS: Shape = params(&[(
    "notifications",
    &Shape::object(&[("resourceSubscriptions", URI), ("taskIds", OPAQUE)], Role::Structured),
)]);
