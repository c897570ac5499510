//! `sched_process_exec`: a process has a new image. Reports it, and where descriptors 0 and 1 have the shape of a stdio
//! server puts its channels under observation at once, so that not one message is missed while user space thinks.

use aya_ebpf::helpers::bpf_get_current_comm;
use aya_ebpf::helpers::generated::{bpf_ktime_get_boot_ns, bpf_probe_read_kernel_str, bpf_probe_read_user};
use aya_ebpf::macros::raw_tracepoint;
use aya_ebpf::programs::RawTracePointContext;
use aya_log_ebpf::debug;
use mcpgw_common::event::{self, ARGV_TRUNCATED, EXE_DELETED, EXE_MEMFD, FdInfo, OBSERVED, kind};
use mcpgw_common::limit;
use mcpgw_common::map::{CHANNEL_SETTLED, ChannelKey, ChannelState, TASK_CLIENT, TASK_SERVER, lane};

use crate::effects::executed;
use crate::emit::Lane;
use crate::file::{File, channel_of, describe};
use crate::globals::{offset, setting};
use crate::kread::{Kptr, at_most, get, put};
use crate::maps::{CHANNELS, LIFECYCLE};
use crate::task::{Identity, Task, ignored, mark};

/// Fixed part of the record.
const FIXED: u64 = size_of::<event::Exec>() as u64;

#[raw_tracepoint(tracepoint = "sched_process_exec")]
pub(crate) fn mcpgw_exec(ctx: RawTracePointContext) -> u32 {
    if let Some(lane) = Lane::claim(lane::TASK) {
        report(&ctx, &lane);
        lane.release();
    }
    0
}

#[inline(always)]
fn report(ctx: &RawTracePointContext, lane: &Lane) {
    let Some(task) = Task::current() else { return };
    let who = Identity::current();
    let record: *mut event::Exec = lane.record();
    // SAFETY: the lane's memory, ours until it is released; every field is written below before it is sent.
    let record = unsafe { &mut *record };
    let parent = task.parent();
    put(&mut record.parent_tgid, parent.and_then(Task::tgid).unwrap_or(0));
    put(&mut record.parent_start_ns, parent.and_then(Task::start_ns).unwrap_or(0));
    put(&mut record.flags, 0);
    let proxy = task.namespaces();
    put(&mut record.mnt_ns, proxy.mount());
    put(&mut record.net_ns, proxy.network());
    put(&mut record.pid_ns, task.pid_namespace().unwrap_or(0));
    record.comm = bpf_get_current_comm().unwrap_or([0; limit::COMM]);
    executable(task, record);
    filename(ctx, record);
    describe(task, 0, &mut record.stdio[0]);
    describe(task, 1, &mut record.stdio[1]);
    describe(task, 2, &mut record.stdio[2]);
    if !ignored(who.tgid) {
        observe(who.tgid, record);
    }
    let argv = command_line(task, lane, record);
    told(ctx, task, who.tgid);
    debug!(ctx, "exec {} parent {} argv {} bytes", who.tgid, record.parent_tgid, argv);
    lane.send(&LIFECYCLE, kind::EXEC, FIXED + argv, &who);
}

/// The same, for whoever wants to know what that process does.
#[inline(always)]
fn told(ctx: &RawTracePointContext, task: Task, tgid: u32) -> Option<()> {
    let filename = Kptr::new(ctx.arg::<u64>(2))?.follow(offset!(binprm_filename))?;
    let memory = task.0.follow(offset!(task_mm))?;
    let arguments = [memory.read(offset!(mm_arg_start))?, memory.read(offset!(mm_arg_end))?];
    executed(filename.address(), arguments, tgid)
}

#[inline(always)]
fn executable(task: Task, record: &mut event::Exec) {
    let file =
        task.0.follow(offset!(task_mm)).and_then(|mm| mm.follow(offset!(mm_exe_file))).and_then(File::new);
    put(&mut record.exe_ino, file.map_or(0, File::ino));
    put(&mut record.exe_dev, file.map_or(0, File::dev));
    put(&mut record.exe_nlink, file.map_or(0, File::nlink));
    let Some(file) = file else { return };
    if get(&record.exe_nlink) == 0 {
        flag(record, EXE_DELETED);
        if file.is_memfd() {
            flag(record, EXE_MEMFD);
        }
    }
}

#[inline(always)]
fn flag(record: &mut event::Exec, bit: u32) {
    let flags = get(&record.flags);
    put(&mut record.flags, flags | bit);
}

#[inline(always)]
fn filename(ctx: &RawTracePointContext, record: &mut event::Exec) {
    record.filename[0] = 0;
    let bprm = Kptr::new(ctx.arg::<u64>(2));
    let Some(name) = bprm.and_then(|bprm| bprm.follow(offset!(binprm_filename))) else { return };
    let to = record.filename.as_mut_ptr().cast();
    // SAFETY: the helper writes at most that many bytes, the last of them NUL, and checks the address.
    unsafe { bpf_probe_read_kernel_str(to, limit::FILENAME as u32, name.address() as *const _) };
}

/// Puts both stdio channels under observation if neither is settled.
#[inline(always)]
fn observe(tgid: u32, record: &mut event::Exec) {
    let (Some(input), Some(output)) = (channel_of(&record.stdio[0]), channel_of(&record.stdio[1])) else {
        return;
    };
    if settled(&input) || settled(&output) {
        return;
    }
    // SAFETY: a helper without arguments.
    let since_ns = unsafe { bpf_ktime_get_boot_ns() };
    open(&input, since_ns);
    open(&output, since_ns);
    other_end(&record.stdio[0], &input, since_ns);
    other_end(&record.stdio[1], &output, since_ns);
    mark(tgid, TASK_SERVER);
    client(get(&record.parent_tgid));
    client(get(&record.stdio[0].creator_tgid));
    client(get(&record.stdio[1].creator_tgid));
    flag(record, OBSERVED);
}

#[inline(always)]
fn client(tgid: u32) {
    if tgid != 0 {
        mark(tgid, TASK_CLIENT);
    }
}

#[inline(always)]
fn other_end(info: &FdInfo, own: &ChannelKey, since_ns: u64) {
    let ino = get(&info.peer_ino);
    if ino != 0 {
        open(&ChannelKey { ino, kind: own.kind, reserved: 0 }, since_ns);
    }
}

#[inline(always)]
fn settled(channel: &ChannelKey) -> bool {
    // SAFETY: read at once.
    unsafe { CHANNELS.get(channel) }.is_some_and(|state| state.flags & CHANNEL_SETTLED != 0)
}

#[inline(always)]
fn open(channel: &ChannelKey, since_ns: u64) {
    let state = ChannelState { since_ns, budget: setting!(stream_budget), flags: 0, reserved: 0 };
    // One that is observed already (a wrapper's child) goes on as it is: BPF_NOEXIST.
    let _ = CHANNELS.insert(channel, state, 1);
}

/// Copies the command line behind the record and says how many bytes it is.
#[inline(always)]
fn command_line(task: Task, lane: &Lane, record: &mut event::Exec) -> u64 {
    put(&mut record.argv_len, 0);
    let Some(mm) = task.0.follow(offset!(task_mm)) else { return 0 };
    let start: u64 = mm.read(offset!(mm_arg_start)).unwrap_or(0);
    let end: u64 = mm.read(offset!(mm_arg_end)).unwrap_or(0);
    let whole = end.saturating_sub(start);
    if whole > limit::ARGV as u64 {
        flag(record, ARGV_TRUNCATED);
    }
    let len = at_most::<{ limit::ARGV as u64 }>(whole);
    let to = lane.record::<[u8; FIXED as usize + limit::ARGV]>();
    // SAFETY: `FIXED + ARGV` bytes are the lane's memory.
    let to = unsafe { to.cast::<u8>().add(FIXED as usize) };
    // SAFETY: as above, and `len` is at most `ARGV`; the helper checks the address it reads from.
    if unsafe { bpf_probe_read_user(to.cast(), len as u32, start as *const _) } != 0 {
        return 0;
    }
    put(&mut record.argv_len, len as u32);
    len
}
