//! `sched_process_exit`: the last thread of a process is going. Everything known of the process goes with it.

use aya_ebpf::macros::raw_tracepoint;
use aya_ebpf::programs::RawTracePointContext;
use aya_log_ebpf::debug;
use mcpgw_common::event::{self, kind};
use mcpgw_common::map::{ProcessId, lane};

use crate::emit::Lane;
use crate::globals::offset;
use crate::kread::Kptr;
use crate::maps::{EXITED, LIFECYCLE, TASKS};
use crate::restrain::ended;
use crate::task::{Identity, Task};

const EEXIST: i32 = -17;
const BPF_NOEXIST: u64 = 1;
const SIGNAL_GROUP_EXIT: u32 = 4;

#[raw_tracepoint(tracepoint = "sched_process_exit")]
pub(crate) fn mcpgw_exit(ctx: RawTracePointContext) -> u32 {
    let Some(task) = Kptr::new(ctx.arg::<u64>(0)).map(Task) else { return 0 };
    let Some(signal) = task.0.follow(offset!(task_signal)) else { return 0 };
    if signal.read::<u32>(offset!(signal_live)) != Some(0) {
        return 0;
    }
    let who = Identity::current();
    // Two threads that leave at the same moment both see zero: the first to get here reports.
    let id = ProcessId { start_ns: who.start_ns, tgid: who.tgid, reserved: 0 };
    if EXITED.insert(id, 0, BPF_NOEXIST) == Err(EEXIST) {
        return 0;
    }
    let _ = TASKS.remove(who.tgid);
    ended(who.tgid);
    if let Some(lane) = Lane::claim(lane::TASK) {
        let record: *mut event::Exit = lane.record();
        // SAFETY: the lane's memory, ours until it is released.
        let record = unsafe { &mut *record };
        record.status = status(task, signal).unwrap_or(0);
        record.reserved = 0;
        debug!(&ctx, "exit {} status {}", who.tgid, record.status);
        lane.send(&LIFECYCLE, kind::EXIT, size_of::<event::Exit>() as u64, &who);
        lane.release();
    }
    0
}

/// What the parent's `wait` will be told.
#[inline(always)]
fn status(task: Task, signal: Kptr) -> Option<u32> {
    if signal.read::<u32>(offset!(signal_flags))? & SIGNAL_GROUP_EXIT != 0 {
        return signal.read(offset!(signal_group_exit_code));
    }
    task.leader()?.0.read(offset!(task_exit_code))
}
