//! Which processes the probes tell of.

use aya::maps::{HashMap, MapData};
use mcpgw_common::map::{TASK_EFFECTS, TaskState};

/// The processes that are [watched](super::Kernel::watch_effects).
pub struct Marked {
    pub(super) tasks: HashMap<MapData, u32, TaskState>,
}

impl std::fmt::Debug for Marked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Marked").finish_non_exhaustive()
    }
}

impl Marked {
    /// Processes of `group` that are there now.
    #[must_use]
    pub fn of(&self, group: u32) -> Vec<u32> {
        let tasks = self.tasks.iter().filter_map(Result::ok);
        tasks.filter(|(_, state)| is_of(state, group)).map(|(pid, _)| pid).collect()
    }

    /// Process `pid` is one of `group`.
    #[must_use]
    pub fn has(&self, pid: u32, group: u32) -> bool {
        self.tasks.get(&pid, 0).is_ok_and(|state| is_of(&state, group))
    }
}

fn is_of(state: &TaskState, group: u32) -> bool {
    state.bits & TASK_EFFECTS != 0 && state.group == group
}
