//! Tasks: of both sides in 2025-11-25, an extension for servers in 2026-07-28.

use super::shapes::{PAYLOAD, TASK, result};
use crate::mcp::Revision;
use crate::mcp::method::{Method, Names, Proof, Sender};
use crate::mcp::shape::Shape;

pub(super) static METHODS: &[Method] = &[
    Method::request("tasks/get", Sender::Both)
        .since(Revision::R2025_11_25)
        .naming(Names::Task)
        .proven_by(Proof::TaskId)
        .result(&TASK),
    Method::request("tasks/result", Sender::Both)
        .since(Revision::R2025_11_25)
        .until(Revision::R2025_11_25)
        .naming(Names::Task)
        .proven_by(Proof::TaskId)
        .result(&PAYLOAD),
    Method::request("tasks/cancel", Sender::Both)
        .since(Revision::R2025_11_25)
        .naming(Names::Task)
        .proven_by(Proof::TaskId)
        .result(&TASK),
    Method::request("tasks/update", Sender::Client)
        .since(Revision::R2026_07_28)
        .naming(Names::Task)
        .proven_by(Proof::TaskId)
        .result(&TASK),
    Method::request("tasks/list", Sender::Both)
        .since(Revision::R2025_11_25)
        .until(Revision::R2025_11_25)
        .proven_by(Proof::Never)
        .result(&LIST_RESULT),
    Method::notification("notifications/tasks/status", Sender::Both)
        .since(Revision::R2025_11_25)
        .until(Revision::R2025_11_25)
        .naming(Names::Task)
        .proven_by(Proof::TaskId)
        .params(&TASK),
    Method::notification("notifications/tasks", Sender::Both)
        .since(Revision::R2026_07_28)
        .naming(Names::Task)
        .proven_by(Proof::TaskId)
        .params(&TASK),
];

static LIST_RESULT: Shape = result(&[("tasks", &TASK)]);
