//! `sched_process_fork`: a process has a child. What is known of a server is true of its children.

use aya_ebpf::macros::raw_tracepoint;
use aya_ebpf::programs::RawTracePointContext;
use aya_log_ebpf::debug;
use mcpgw_common::event::{self, kind};
use mcpgw_common::map::{TASK_BREEDS_EFFECTS, TASK_EFFECTS, TASK_SERVER, TaskState, lane};

use crate::emit::Lane;
use crate::kread::Kptr;
use crate::maps::{LIFECYCLE, TASKS};
use crate::restrain::born;
use crate::task::{Identity, Task, ignored, state};

#[raw_tracepoint(tracepoint = "sched_process_fork")]
pub(crate) fn mcpgw_fork(ctx: RawTracePointContext) -> u32 {
    let Some(child) = Kptr::new(ctx.arg::<u64>(1)).map(Task) else { return 0 };
    let (Some(tgid), Some(pid)) = (child.tgid(), child.pid()) else { return 0 };
    if tgid != pid {
        return 0;
    }
    let who = Identity::current();
    // Whatever is still known of an earlier process of that id is void.
    let _ = TASKS.remove(tgid);
    let TaskState { bits, group } = state(who.tgid);
    let mut inherited = bits & (TASK_SERVER | TASK_EFFECTS);
    if bits & TASK_BREEDS_EFFECTS != 0 {
        inherited |= TASK_EFFECTS;
    }
    if inherited != 0 {
        let _ = TASKS.insert(tgid, TaskState { bits: inherited, group }, 0);
    }
    born(who.tgid, tgid, ctx.arg::<u64>(1));
    if ignored(who.tgid) {
        return 0;
    }
    if let Some(lane) = Lane::claim(lane::TASK) {
        let record: *mut event::Fork = lane.record();
        // SAFETY: the lane's memory, ours until it is released.
        let record = unsafe { &mut *record };
        record.child_tgid = tgid;
        record.reserved = 0;
        record.child_start_ns = child.start_ns().unwrap_or(0);
        debug!(&ctx, "fork {} -> {}", who.tgid, tgid);
        lane.send(&LIFECYCLE, kind::FORK, size_of::<event::Fork>() as u64, &who);
        lane.release();
    }
    0
}
