//! Servers that run are held to rules: what of files, programs and addresses their processes may not have, the kernel
//! refuses. Processes are marked, by user space or because their parent is; nobody else is ever refused anything.
//!
//! Attached only where BPF is among the kernel's security modules and a policy asks for it.

mod address;
mod file;
mod place;

use aya_ebpf::helpers::generated::{bpf_get_current_task, bpf_ktime_get_boot_ns};
use aya_ebpf::macros::lsm;
use aya_ebpf::programs::LsmContext;
use mcpgw_common::limit;
use mcpgw_common::map::{REFUSED_FORK, RESTRAINED_BORN, Restrained, Restraint, RestraintCounts};

use crate::maps::{NEWBORN, RESTRAINED, RESTRAINT_COUNTS, RESTRAINTS};
use crate::task::current_tgid;

const GO_ON: i32 = 0;
/// `EPERM`, as connections that a cgroup may not make.
const REFUSE: i32 = -1;
/// `EACCES`, as what Landlock refuses.
const NO_ACCESS: i32 = -13;
/// `EAGAIN`, as where there are too many processes.
const TOO_MANY: i32 = -11;
const CLONE_THREAD: u64 = 0x10000;
const BPF_ANY: u64 = 0;
const BPF_NOEXIST: u64 = 1;
/// Where processes of all groups are counted.
const ALL: u32 = 0;

/// The rules the running process is held to.
#[derive(Clone, Copy)]
struct Held {
    group: u32,
    rules: *const Restraint,
}

impl Held {
    /// `None` for everybody else, and where user space has not said so for too long.
    #[inline(always)]
    fn current() -> Option<Self> {
        let held = Self::ever()?;
        if held.is_now() { Some(held) } else { None }
    }

    /// `None` for everybody else.
    #[inline(always)]
    fn ever() -> Option<Self> {
        let tgid = current_tgid();
        // SAFETY: read at once; who changes it replaces the whole value.
        if let Some(&Restrained { group, .. }) = unsafe { RESTRAINED.get(tgid) } {
            return Some(Self { group, rules: RESTRAINTS.get_ptr(group)? });
        }
        // SAFETY: a helper without arguments.
        let task = unsafe { bpf_get_current_task() };
        // SAFETY: read at once.
        let group = *unsafe { NEWBORN.get(task) }?;
        let held = Self { group, rules: RESTRAINTS.get_ptr(group)? };
        // From here on its threads are found as well: there are none before it has come by here.
        adopt(tgid, group);
        Some(held)
    }

    /// User space has said so lately.
    #[inline(always)]
    fn is_now(self) -> bool {
        // SAFETY: a helper without arguments.
        let now = unsafe { bpf_ktime_get_boot_ns() };
        now < self.rules().until_ns
    }

    #[inline(always)]
    fn rules(self) -> Restraint {
        // SAFETY: a live map value; a concurrent change gives the old or the new rules.
        unsafe { self.rules.read_volatile() }
    }

    /// Counts a refusal.
    #[inline(always)]
    fn refused(self, what: u32) {
        let Some(counts) = RESTRAINT_COUNTS.get_ptr_mut(self.group) else { return };
        // SAFETY: a live map value; user space reads it alone.
        let counts = unsafe { &mut *counts };
        counts.last_tgid = current_tgid();
        if let Some(count) = counts.refused.get_mut(what as usize) {
            *count = count.wrapping_add(1);
        }
    }
}

/// Process `parent` has started `child`, which has not run yet; `task` is the address of its first task.
#[inline(always)]
pub(crate) fn born(parent: u32, child: u32, task: u64) {
    // Whatever is still known of an earlier process of that id is void.
    ended(child);
    // SAFETY: read at once.
    let Some(&Restrained { group, .. }) = (unsafe { RESTRAINED.get(parent) }) else { return };
    if adopt(child, group) {
        let _ = NEWBORN.remove(task);
    }
}

/// Process `tgid` is held to the rules of a group from now on, because its parent is.
#[inline(always)]
fn adopt(tgid: u32, group: u32) -> bool {
    let mark = Restrained { group, flags: RESTRAINED_BORN };
    let is_new = RESTRAINED.insert(tgid, mark, BPF_NOEXIST).is_ok();
    if is_new {
        count(group, 1);
    }
    is_new
}

/// Process `tgid` has ended.
#[inline(always)]
pub(crate) fn ended(tgid: u32) {
    // SAFETY: read at once.
    let Some(&Restrained { group, flags }) = (unsafe { RESTRAINED.get(tgid) }) else { return };
    if RESTRAINED.remove(tgid).is_ok() && flags & RESTRAINED_BORN != 0 {
        count(group, u64::MAX);
    }
}

/// Adds to the processes of a group; `u64::MAX` takes one away.
#[inline(always)]
fn count(group: u32, more: u64) {
    add(group, more);
    add(ALL, more);
}

#[inline(always)]
fn add(group: u32, more: u64) {
    if let Some(processes) = processes(group) {
        // Others start and end processes at the same moment.
        // SAFETY: a live map value, aligned to 8 bytes.
        unsafe { crate::count::add(processes, more) }
    }
}

#[inline(always)]
fn processes(group: u32) -> Option<*mut u64> {
    let counts: *mut RestraintCounts = RESTRAINT_COUNTS.get_ptr_mut(group)?;
    // SAFETY: a live map value.
    Some(unsafe { &raw mut (*counts).processes })
}

#[inline(always)]
fn has_room(group: u32, most: u64) -> bool {
    // SAFETY: a live map value.
    processes(group).is_some_and(|processes| unsafe { processes.read_volatile() } < most)
}

/// A task is made. The probe at `fork`, which knows its process' id, may be missed where tracepoints can be preempted; this
/// is not (docs/kernels.md). A process that finds no room in the tables would be free.
#[lsm(hook = "task_alloc")]
pub(crate) fn mcpgw_rules_fork(ctx: LsmContext) -> i32 {
    if ctx.arg::<u64>(2) as i32 != GO_ON {
        return REFUSE;
    }
    let task = ctx.arg::<u64>(0);
    let is_thread = ctx.arg::<u64>(1) & CLONE_THREAD != 0;
    let Some(held) = Held::ever().filter(|_| !is_thread) else {
        // Whose address this was before is of no matter.
        let _ = NEWBORN.remove(task);
        return GO_ON;
    };
    let is_known = NEWBORN.insert(task, held.group, BPF_ANY).is_ok();
    let most = limit::RESTRAINED as u64 - limit::RESTRAINED_SPARE;
    let has_room = has_room(held.group, limit::RESTRAINED_EACH) && has_room(ALL, most);
    if (is_known && has_room) || !held.is_now() {
        return GO_ON;
    }
    held.refused(REFUSED_FORK);
    TOO_MANY
}

/// A task is no more, or was not made after all.
#[lsm(hook = "task_free")]
pub(crate) fn mcpgw_rules_free(ctx: LsmContext) -> i32 {
    let _ = NEWBORN.remove(ctx.arg::<u64>(0));
    GO_ON
}
