//! Calls that became tasks: what they read comes in answers and notices that name the task alone.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::call::Call;
use crate::json::Value;

/// Tasks that are told apart.
const MAX_TASKS: usize = 4_096;

/// What is known of tasks by the calls they were. Where there is no room for more, any task may be one of those that were
/// known.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    /// By the hashes of their ids. A server that gives one id to two calls has made them one.
    known: HashMap<u64, Call>,
    forgotten: Option<Call>,
}

impl Tasks {
    /// `call` was answered with `result`, which may say that it is a task now.
    pub(super) fn became(&mut self, call: Call, result: Value<'_>) {
        // In 2025-11-25 the task is a member of the result, in 2026-07-28 it is the result. Clients look at one of them.
        let inner = result.get("task").and_then(|task| task.get("taskId"));
        for id in [inner, result.get("taskId")].into_iter().flatten().filter_map(Value::as_str) {
            if self.known.len() >= MAX_TASKS {
                let calls = self.known.drain().map(|(_, call)| call);
                self.forgotten = calls.chain(self.forgotten).reduce(Call::or);
            }
            self.known.entry(hash(&id)).and_modify(|known| *known = known.or(call)).or_insert(call);
        }
    }

    /// The call that became the task `id`.
    pub(super) fn call(&self, id: &str) -> Option<Call> {
        self.known.get(&hash(id)).copied().or(self.forgotten)
    }
}

fn hash(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}
