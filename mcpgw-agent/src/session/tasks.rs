//! Calls that became tasks: their results arrive in answers that name the task only.

use std::collections::{HashMap, VecDeque};

use crate::json::Value;

/// Tasks that are remembered.
pub(super) const MAX_TASKS: usize = 4_096;
/// Bytes of their ids and tools.
const MAX_BYTES: usize = 1 << 20;

/// Which tool's call became which task. The oldest is forgotten for the newest; of a forgotten task, as of one from
/// another session, the tool is not known.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    /// `None` where calls of two tools got the same task: whose result it is cannot be told.
    tools: HashMap<Box<str>, Option<Box<str>>>,
    /// Oldest first.
    order: VecDeque<Box<str>>,
    bytes: usize,
}

impl Tasks {
    /// A call of `tool` was answered with `result`, which may say that it is a task now.
    pub(super) fn answered(&mut self, tool: &str, result: Value<'_>) {
        let Some(id) = task_of(result) else { return };
        if let Some(known) = self.tools.get_mut(&*id) {
            if known.as_deref() != Some(tool)
                && let Some(former) = known.take()
            {
                self.bytes = self.bytes.saturating_sub(former.len());
            }
            return;
        }
        self.bytes += id.len() + tool.len();
        self.order.push_back(id.clone());
        self.tools.insert(id, Some(tool.into()));
        while self.tools.len() > MAX_TASKS || self.bytes > MAX_BYTES {
            let Some(oldest) = self.order.pop_front() else { return };
            let forgotten = self.tools.remove(&oldest).flatten();
            self.bytes = self.bytes.saturating_sub(oldest.len() + forgotten.map_or(0, |tool| tool.len()));
        }
    }

    /// The tool whose call became the task `id`.
    pub(super) fn tool(&self, id: &str) -> Option<&str> {
        self.tools.get(id)?.as_deref()
    }
}

/// In 2025-11-25 the task is a member of the result, in 2026-07-28 it is the result.
fn task_of(result: Value<'_>) -> Option<Box<str>> {
    let flat = || {
        let kind = result.get("resultType").and_then(Value::as_str);
        kind.filter(|kind| kind == "task").and_then(|_| result.get("taskId"))
    };
    let id = result.get("task").and_then(|task| task.get("taskId")).or_else(flat)?;
    id.as_str().map(|id| Box::from(&*id))
}
