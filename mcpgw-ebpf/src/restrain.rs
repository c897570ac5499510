//! Servers that run are held to rules: what of files, programs and addresses their processes may not have, the kernel
//! refuses. Processes are marked, by user space or because their parent is; nobody else is ever refused anything.
//!
//! Attached only where BPF is among the kernel's security modules and a policy asks for it.

mod address;
mod file;
mod place;

use aya_ebpf::helpers::generated::bpf_ktime_get_boot_ns;
use aya_ebpf::macros::lsm;
use aya_ebpf::programs::LsmContext;
use mcpgw_common::limit;
use mcpgw_common::map::{REFUSED_FORK, RESTRAINED_BORN, Restrained, Restraint, RestraintCounts};

use crate::maps::{RESTRAINED, RESTRAINT_COUNTS, RESTRAINTS};
use crate::task::current_tgid;

const GO_ON: i32 = 0;
/// `EPERM`, as connections that a cgroup may not make.
const REFUSE: i32 = -1;
/// `EACCES`, as what Landlock refuses.
const NO_ACCESS: i32 = -13;
/// `EAGAIN`, as where there are too many processes.
const TOO_MANY: i32 = -11;
const CLONE_THREAD: u64 = 0x10000;
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
        // SAFETY: read at once; who changes it replaces the whole value.
        let Restrained { group, .. } = *unsafe { RESTRAINED.get(current_tgid()) }?;
        let held = Self { group, rules: RESTRAINTS.get_ptr(group)? };
        // SAFETY: a helper without arguments.
        let now = unsafe { bpf_ktime_get_boot_ns() };
        if now < held.rules().until_ns { Some(held) } else { None }
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

/// Process `parent` has started `child`, which has not run yet.
#[inline(always)]
pub(crate) fn born(parent: u32, child: u32) {
    // Whatever is still known of an earlier process of that id is void.
    ended(child);
    // SAFETY: read at once.
    let Some(&Restrained { group, .. }) = (unsafe { RESTRAINED.get(parent) }) else { return };
    let mark = Restrained { group, flags: RESTRAINED_BORN };
    if RESTRAINED.insert(child, mark, BPF_NOEXIST).is_ok() {
        count(group, 1);
    }
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
        // In one step: others start and end processes at the same moment.
        // SAFETY: a live map value, aligned to 8 bytes.
        unsafe {
            core::arch::asm!("lock *(u64 *)({0} + 0) += {1}", in(reg) processes, in(reg) more, options(nostack));
        }
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

/// A process that finds no room in the table would be free.
#[lsm(hook = "task_alloc")]
pub(crate) fn mcpgw_rules_fork(ctx: LsmContext) -> i32 {
    if ctx.arg::<u64>(2) as i32 != GO_ON {
        return REFUSE;
    }
    if ctx.arg::<u64>(1) & CLONE_THREAD != 0 {
        return GO_ON;
    }
    let Some(held) = Held::current() else { return GO_ON };
    let most = limit::RESTRAINED as u64 - limit::RESTRAINED_SPARE;
    if has_room(held.group, limit::RESTRAINED_EACH) && has_room(ALL, most) {
        return GO_ON;
    }
    held.refused(REFUSED_FORK);
    TOO_MANY
}
