//! Processes: who runs now, who is that, and who is of interest.

use aya_ebpf::helpers::generated::{bpf_get_current_cgroup_id, bpf_get_current_task};
use aya_ebpf::helpers::{bpf_get_current_pid_tgid, bpf_get_current_uid_gid};
use mcpgw_common::map::{TASK_IGNORE, TaskState};

use crate::globals::{offset, setting};
use crate::kread::Kptr;
use crate::maps::TASKS;

/// What a record's header says of a process.
#[derive(Clone, Copy)]
pub(crate) struct Identity {
    /// Process id in the initial namespace.
    pub(crate) tgid: u32,
    /// Thread id there.
    pub(crate) tid: u32,
    /// Real user id.
    pub(crate) uid: u32,
    /// `start_boottime` of the group leader.
    pub(crate) start_ns: u64,
    /// cgroup v2 id.
    pub(crate) cgroup_id: u64,
}

impl Identity {
    /// Whoever runs now.
    #[inline(always)]
    pub(crate) fn current() -> Self {
        let pid_tgid = bpf_get_current_pid_tgid();
        Self {
            tgid: (pid_tgid >> 32) as u32,
            tid: pid_tgid as u32,
            uid: bpf_get_current_uid_gid() as u32,
            start_ns: Task::current().and_then(Task::start_ns).unwrap_or(0),
            // SAFETY: a helper without arguments.
            cgroup_id: unsafe { bpf_get_current_cgroup_id() },
        }
    }

    /// Whoever runs now, where only the process id is known to be needed.
    #[inline(always)]
    pub(crate) fn nobody() -> Self {
        Self { tgid: 0, tid: 0, uid: 0, start_ns: 0, cgroup_id: 0 }
    }
}

/// Process id of whoever runs now.
#[inline(always)]
pub(crate) fn current_tgid() -> u32 {
    (bpf_get_current_pid_tgid() >> 32) as u32
}

/// Process `tgid` is one of ours.
#[inline(always)]
pub(crate) fn ignored(tgid: u32) -> bool {
    tgid == setting!(self_tgid) || bits(tgid) & TASK_IGNORE != 0
}

/// What is known of process `tgid` in `TASKS`.
#[inline(always)]
pub(crate) fn bits(tgid: u32) -> u32 {
    state(tgid).bits
}

/// All that is known of process `tgid` in `TASKS`.
#[inline(always)]
pub(crate) fn state(tgid: u32) -> TaskState {
    // SAFETY: the value is read at once; a concurrent change gives the old or the new bits.
    unsafe { TASKS.get(tgid) }.map_or(TaskState { bits: 0, group: 0 }, |state| *state)
}

/// Adds to what is known of process `tgid`.
#[inline(always)]
pub(crate) fn mark(tgid: u32, more: u32) {
    let TaskState { bits, group } = state(tgid);
    if bits & more != more {
        // An LRU map always finds room.
        let _ = TASKS.insert(tgid, TaskState { bits: bits | more, group }, 0);
    }
}

/// A `task_struct`.
#[derive(Clone, Copy)]
pub(crate) struct Task(pub(crate) Kptr);

impl Task {
    /// The running one.
    #[inline(always)]
    pub(crate) fn current() -> Option<Self> {
        // SAFETY: a helper without arguments.
        Kptr::new(unsafe { bpf_get_current_task() }).map(Self)
    }

    /// Process id in the initial namespace.
    #[inline(always)]
    pub(crate) fn tgid(self) -> Option<u32> {
        self.0.read(offset!(task_tgid))
    }

    /// Thread id there.
    #[inline(always)]
    pub(crate) fn pid(self) -> Option<u32> {
        self.0.read(offset!(task_pid))
    }

    /// The thread group's leader.
    #[inline(always)]
    pub(crate) fn leader(self) -> Option<Self> {
        self.0.follow(offset!(task_group_leader)).map(Self)
    }

    /// Start time of the process, in nanoseconds since boot.
    #[inline(always)]
    pub(crate) fn start_ns(self) -> Option<u64> {
        self.leader()?.0.read(offset!(task_start_boottime))
    }

    /// The parent, as the kernel sees it now.
    #[inline(always)]
    pub(crate) fn parent(self) -> Option<Self> {
        self.0.follow(offset!(task_real_parent)).map(Self)
    }

    /// Its mount and network namespaces.
    #[inline(always)]
    pub(crate) fn namespaces(self) -> Namespaces {
        Namespaces(self.0.follow(offset!(task_nsproxy)))
    }

    /// Inode of the pid namespace the process itself is in, not that of its future children (`pid_ns_for_children`).
    #[inline(always)]
    pub(crate) fn pid_namespace(self) -> Option<u32> {
        let pid = self.0.follow(offset!(task_thread_pid))?;
        let level: u32 = pid.read(offset!(pid_level))?;
        // 32 is the kernel's own limit of nesting (MAX_PID_NS_LEVEL).
        if level > 32 {
            return None;
        }
        let upid = pid.member(offset!(pid_numbers))?.member(level * offset!(upid_size))?;
        upid.follow(offset!(upid_ns))?.read(offset!(pid_ns_inum))
    }
}

/// A `struct nsproxy`, where there is one. Namespaces are told by their inode; 0 where it is unknown.
#[derive(Clone, Copy)]
pub(crate) struct Namespaces(Option<Kptr>);

impl Namespaces {
    /// The mount namespace.
    #[inline(always)]
    pub(crate) fn mount(self) -> u32 {
        self.0.and_then(|proxy| proxy.follow(offset!(nsproxy_mnt))?.read(offset!(mnt_ns_inum))).unwrap_or(0)
    }

    /// The network namespace.
    #[inline(always)]
    pub(crate) fn network(self) -> u32 {
        self.0.and_then(|proxy| proxy.follow(offset!(nsproxy_net))?.read(offset!(net_ns_inum))).unwrap_or(0)
    }
}

/// Process id in the initial namespace of a `struct pid`.
#[inline(always)]
pub(crate) fn pid_number(pid: Kptr) -> Option<u32> {
    pid.member(offset!(pid_numbers))?.read(offset!(upid_nr))
}
