//! What processes of interest do to files: `sys_exit` for system calls, `io_uring_submit_req` for what never makes one,
//! and a word from [`exec`](crate::exec).
//!
//! Attached only while somebody's effects are wanted: like the [`tap`](crate::tap) it costs every system call of the host,
//! so the first test is one lookup of the process id.

use aya_ebpf::macros::raw_tracepoint;
use aya_ebpf::programs::RawTracePointContext;
use mcpgw_common::event::{EFFECT_IO_URING, FileEffect, act, kind};
use mcpgw_common::map::{TASK_EFFECTS, TaskState, lane};

use crate::count::add;
use crate::emit::Lane;
use crate::file::File;
use crate::globals::offset;
use crate::kread::{Kptr, get, put};
use crate::maps::{EFFECTS, UNTOLD};
use crate::path::{Entry, FIXED, Text, begin, bytes, directories, place, text};
use crate::syscall::{Touch, regs};
use crate::task::{Identity, Task, bits, current_tgid, state};

const EPERM: i64 = -1;
const EACCES: i64 = -13;
const EROFS: i64 = -30;
const BPF_NOEXIST: u64 = 1;

#[raw_tracepoint(tracepoint = "sys_exit")]
pub(crate) fn mcpgw_effects(ctx: RawTracePointContext) -> u32 {
    if bits(current_tgid()) & TASK_EFFECTS == 0 {
        return 0;
    }
    let result: i64 = ctx.arg(1);
    // What is not there was not touched; what is forbidden was reached for.
    if result < 0 && result != EPERM && result != EACCES && result != EROFS {
        return 0;
    }
    let Some(regs) = Kptr::new(ctx.arg::<u64>(0)) else { return 0 };
    let Some(number) = regs.read::<u64>(regs::NUMBER) else { return 0 };
    if let Some(touch) = Touch::of(number) {
        report(regs, number, touch, result);
    }
    0
}

#[inline(always)]
fn report(regs: Kptr, number: u64, touch: Touch, result: i64) -> Option<()> {
    let lane = claim(state(current_tgid()).group)?;
    let record: *mut FileEffect = lane.record();
    // SAFETY: the lane's memory, ours until it is released.
    let record = unsafe { &mut *record };
    blank(&lane, record, touch.act, number as u16, result as i32);
    if touch.act == act::OPEN && result >= 0 {
        opened(&lane, record, result.cast_unsigned() as u32);
    } else {
        let (fd, name) = touch.first.of(regs);
        place(&lane, record, 0, fd, Text::User(name));
        if touch.act == act::RENAME || touch.act == act::LINK {
            let (fd, name) = touch.second.of(regs);
            place(&lane, record, 2, fd, Text::User(name));
        }
    }
    send(&lane, record);
    None
}

/// Writes an open file's names and mode.
#[inline(always)]
fn opened(lane: &Lane, record: &mut FileEffect, fd: u32) {
    let file = Task::current().and_then(|task| File::of(task, fd));
    put(&mut record.mode, file.map_or(0, File::open_mode));
    directories(lane, record, 0, file.and_then(Entry::of));
}

/// Fills in what every record has, and no parts.
#[inline(always)]
fn blank(lane: &Lane, record: &mut FileEffect, act: u16, syscall: u16, result: i32) {
    begin(lane);
    record.lens = [0; 4];
    put(&mut record.flags, 0);
    put(&mut record.mode, 0);
    record.act = act;
    record.syscall = syscall;
    record.result = result;
    record.group = state(current_tgid()).group;
    record.reserved = 0;
}

/// Sends the record with the parts it has, and gives the lane back.
#[inline(always)]
fn send(lane: &Lane, record: &FileEffect) {
    let parts = record.lens.iter().fold(0, |sum, len| sum + get(len) as u64);
    let is_sent = lane.send(&EFFECTS, kind::FILE_EFFECT, FIXED + parts, &Identity::current());
    lane.release();
    if !is_sent {
        untold(record.group);
    }
}

/// A lane for what a process of `group` did.
#[inline(always)]
pub(crate) fn claim(group: u32) -> Option<Lane> {
    let lane = Lane::claim(lane::EFFECT);
    if lane.is_none() {
        untold(group);
    }
    lane
}

/// Something a process of `group` did is not told.
#[inline(always)]
pub(crate) fn untold(group: u32) {
    // Two may be the first.
    if UNTOLD.get_ptr(group).is_none() && UNTOLD.insert(group, 1, BPF_NOEXIST).is_ok() {
        return;
    }
    if let Some(count) = UNTOLD.get_ptr_mut(group) {
        // SAFETY: a live map value, aligned to 8 bytes.
        unsafe { add(count, 1) }
    }
}

/// A process of interest runs another program; `filename` is the kernel's, `arguments` begin and end in its memory.
#[inline(always)]
pub(crate) fn executed(filename: u64, arguments: [u64; 2], tgid: u32) -> Option<()> {
    let TaskState { bits, group } = state(tgid);
    if bits & TASK_EFFECTS == 0 {
        return None;
    }
    let lane = claim(group)?;
    let record: *mut FileEffect = lane.record();
    // SAFETY: the lane's memory, ours until it is released.
    let record = unsafe { &mut *record };
    blank(&lane, record, act::EXEC, 0, 0);
    text(&lane, record, 1, Text::Kernel(filename));
    let [start, end] = arguments;
    bytes(&lane, record, 3, start, end.saturating_sub(start));
    send(&lane, record);
    None
}

/// `IORING_OP_*` of include/uapi/linux/io_uring.h.
mod op {
    pub(super) const OPENAT: u8 = 18;
    pub(super) const OPENAT2: u8 = 28;
    pub(super) const RENAMEAT: u8 = 35;
    pub(super) const UNLINKAT: u8 = 36;
}

#[raw_tracepoint(tracepoint = "io_uring_submit_req")]
pub(crate) fn mcpgw_uring(ctx: RawTracePointContext) -> u32 {
    if bits(current_tgid()) & TASK_EFFECTS != 0
        && let Some(request) = Kptr::new(ctx.arg::<u64>(0))
    {
        submitted(request);
    }
    0
}

#[inline(always)]
fn submitted(request: Kptr) -> Option<()> {
    let command = request.member(offset!(uring_cmd))?;
    let act = match request.read::<u8>(offset!(uring_opcode))? {
        op::OPENAT | op::OPENAT2 => act::OPEN,
        op::UNLINKAT => act::DELETE,
        op::RENAMEAT => act::RENAME,
        _ => return None,
    };
    let lane = claim(state(current_tgid()).group)?;
    let record: *mut FileEffect = lane.record();
    // SAFETY: the lane's memory, ours until it is released.
    let record = unsafe { &mut *record };
    blank(&lane, record, act, 0, 0);
    put(&mut record.flags, EFFECT_IO_URING);
    let (fd, name) = match act {
        act::OPEN => (offset!(uring_open_dfd), offset!(uring_open_filename)),
        act::DELETE => (offset!(uring_unlink_dfd), offset!(uring_unlink_filename)),
        _ => (offset!(uring_rename_old_dfd), offset!(uring_rename_old)),
    };
    asked(&lane, record, 0, command, fd, name);
    if act == act::RENAME {
        asked(&lane, record, 2, command, offset!(uring_rename_new_dfd), offset!(uring_rename_new));
    }
    send(&lane, record);
    None
}

/// Writes a name the kernel has copied from a request already (`struct filename`).
#[inline(always)]
fn asked(lane: &Lane, record: &mut FileEffect, which: usize, command: Kptr, fd: u32, name: u32) {
    let fd = command.read::<u32>(fd).unwrap_or(u32::MAX) as i32;
    let name = command.follow(name).and_then(|name| name.read::<u64>(offset!(filename_name))).unwrap_or(0);
    place(lane, record, which, fd, Text::Kernel(name));
}
