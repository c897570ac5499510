//! Programs that do not run and Unix sockets that are not connected to, by their inode: user space has named them, and says
//! so again and again, or it is over. What is not certain is let go, by these programs in any case: user space decides too.
//!
//! Attached only where BPF is among the kernel's security modules.

use aya_ebpf::helpers::generated::{bpf_ktime_get_boot_ns, bpf_probe_read_kernel_str};
use aya_ebpf::macros::lsm;
use aya_ebpf::maps::HashMap;
use aya_ebpf::maps::lpm_trie::Key;
use aya_ebpf::programs::LsmContext;
use mcpgw_common::map::{FileId, ProgramName, Refused, SPARE_CHILDREN, SPARE_SELF, TASK_GATEWAY};

use crate::file::File;
use crate::globals::offset;
use crate::kread::Kptr;
use crate::maps::{REFUSED_FILES, REFUSED_SOCKETS, SCRATCH, SPARED, SPARED_NAMES, Scratch};
use crate::task::{Task, bits, current_tgid, ignored};

const GO_ON: i32 = 0;
const REFUSE: i32 = -1;
/// Process ids up to here are the host's own first processes.
const FIRST: u32 = 2;
/// Longest path of which the last name is looked at, with its NUL.
const SCRATCH_BYTES: u32 = size_of::<Scratch>() as u32;
/// Bits of a program's name.
const NAME_BITS: u32 = size_of::<ProgramName>() as u32 * 8;
const S_IFMT: u32 = 0o170_000;
const S_IFCHR: u32 = 0o020_000;
/// Where the kernel keeps the major number of a device.
const MINOR_BITS: u32 = 20;
/// Character devices of this major number are memory, as `/dev/null` is. Any other may be a terminal.
const MEMORY: u32 = 1;
/// What the kernel marks the nanoseconds with: not part of the time.
const NANOSECONDS: u32 = (1 << 30) - 1;

#[lsm(hook = "bprm_check_security")]
pub(crate) fn mcpgw_lsm_exec(ctx: LsmContext) -> i32 {
    if ctx.arg::<u64>(1) as i32 != GO_ON {
        return REFUSE;
    }
    match Kptr::new(ctx.arg::<u64>(0)).and_then(may_not_run) {
        Some(refused) => done(refused),
        None => GO_ON,
    }
}

#[lsm(hook = "unix_stream_connect")]
pub(crate) fn mcpgw_lsm_unix(ctx: LsmContext) -> i32 {
    if ctx.arg::<u64>(3) as i32 != GO_ON {
        return REFUSE;
    }
    match Kptr::new(ctx.arg::<u64>(1)).and_then(may_not_connect) {
        Some(refused) => done(refused),
        None => GO_ON,
    }
}

/// Counts it.
#[inline(always)]
fn done(refused: *mut Refused) -> i32 {
    // SAFETY: a live map value; user space reads the counts alone.
    let refused = unsafe { &mut *refused };
    refused.hits = refused.hits.wrapping_add(1);
    refused.last_tgid = current_tgid();
    REFUSE
}

/// What is said against a program that is about to run.
#[inline(always)]
fn may_not_run(bprm: Kptr) -> Option<*mut Refused> {
    let file = bprm.follow(offset!(binprm_file))?;
    let refused = said_of(&REFUSED_FILES, file.follow(offset!(file_inode))?)?;
    let asked = bprm.follow(offset!(binprm_filename))?;
    // Who runs a script is judged by the script: user space does that.
    if bprm.follow(offset!(binprm_interp))?.address() != asked.address() {
        return None;
    }
    if is_spared(asked_name(file, asked)?, SPARE_SELF) || is_spared(current_name()?, SPARE_CHILDREN) {
        return None;
    }
    if current_tgid() <= FIRST || is_ours() || has_terminal()? { None } else { Some(refused) }
}

/// What is said against a connection to the socket `other`.
#[inline(always)]
fn may_not_connect(other: Kptr) -> Option<*mut Refused> {
    let entry = other.follow(offset!(unix_dentry))?;
    let refused = said_of(&REFUSED_SOCKETS, entry.follow(offset!(dentry_inode))?)?;
    let tgid = current_tgid();
    if tgid <= FIRST || is_ours() || bits(tgid) & TASK_GATEWAY != 0 {
        return None;
    }
    if is_spared(current_name()?, SPARE_SELF) { None } else { Some(refused) }
}

/// What user space says of a file, if that still holds and the file is what it was.
#[inline(always)]
fn said_of(map: &HashMap<FileId, Refused>, inode: Kptr) -> Option<*mut Refused> {
    let dev = inode.follow(offset!(inode_sb))?.read(offset!(super_dev))?;
    let found = map.get_ptr_mut(FileId { ino: inode.read(offset!(inode_ino))?, dev, reserved: 0 })?;
    // SAFETY: a live map value.
    let Refused { until_ns, changed_s, changed_ns, .. } = unsafe { found.read_volatile() };
    // SAFETY: a helper without arguments.
    let now = unsafe { bpf_ktime_get_boot_ns() };
    let is_it = inode.read::<u64>(offset!(inode_ctime_s))? == changed_s
        && inode.read::<u32>(offset!(inode_ctime_ns))? & NANOSECONDS == changed_ns;
    if is_it && now < until_ns { Some(found) } else { None }
}

/// The agent, whom it descends from, and what it said is its own.
#[inline(always)]
fn is_ours() -> bool {
    let tgid = current_tgid();
    // SAFETY: nothing of the value is read.
    ignored(tgid) || unsafe { SPARED.get(tgid) }.is_some()
}

/// Name of the program the running process runs.
#[inline(always)]
fn current_name() -> Option<ProgramName> {
    let program = Task::current()?.0.follow(offset!(task_mm))?.follow(offset!(mm_exe_file))?;
    name_at(program.follow(offset!(file_dentry))?.follow(offset!(dentry_name))?.address())
}

/// Name of a program that is about to run, where it was asked for by that name: by another, as a link gives it, it may be
/// something else altogether.
#[inline(always)]
fn asked_name(file: Kptr, path: Kptr) -> Option<ProgramName> {
    let name = file.follow(offset!(file_dentry))?.follow(offset!(dentry_name))?.address();
    let start = (path.address() + length(path.address())?).wrapping_sub(length(name)?);
    let before = Kptr::new(start.wrapping_sub(1))?.read::<u8>(0)?;
    let name = name_at(name)?;
    if before == b'/' && words(name_at(start)?) == words(name) { Some(name) } else { None }
}

/// As two numbers: compared at once, and not byte by byte.
#[inline(always)]
fn words(name: ProgramName) -> u128 {
    u128::from_ne_bytes(name)
}

/// Length of a text of the kernel's, with its NUL.
#[inline(always)]
fn length(text: u64) -> Option<u64> {
    let place = SCRATCH.get_ptr_mut(0)?;
    // What is written there is read by nobody: another task on this CPU may write there, too.
    // SAFETY: the helper writes at most that many bytes, the last of them NUL, and checks the address it reads from.
    let length = unsafe { bpf_probe_read_kernel_str(place.cast(), SCRATCH_BYTES, text as *const _) };
    if length > 0 && length < i64::from(SCRATCH_BYTES) { Some(length.cast_unsigned()) } else { None }
}

#[inline(always)]
fn name_at(address: u64) -> Option<ProgramName> {
    let mut name: ProgramName = [0; 16];
    // SAFETY: as above.
    let length = unsafe {
        bpf_probe_read_kernel_str(
            name.as_mut_ptr().cast(),
            size_of::<ProgramName>() as u32,
            address as *const _,
        )
    };
    if length > 0 { Some(name) } else { None }
}

/// User space has said so of a program of this name, or of all whose names begin so.
#[inline(always)]
fn is_spared(name: ProgramName, how: u32) -> bool {
    SPARED_NAMES.get(Key::new(NAME_BITS, name)).is_some_and(|bits| bits & how != 0)
}

/// Standard input of the process that runs is, or may be, a terminal.
#[inline(always)]
fn has_terminal() -> Option<bool> {
    let Some(input) = File::of(Task::current()?, 0) else { return Some(false) };
    Some(input.mode() & S_IFMT == S_IFCHR && input.device()? >> MINOR_BITS != MEMORY)
}
