//! Where a file is: the names from its directory entry up to the root, over mount points, as `d_path` would go. A
//! directory entry has no symbolic link and no `..` in it, and nobody can change it between the check and the use.

use aya_ebpf::helpers::generated::{bpf_probe_read_kernel_str, bpf_probe_read_user, bpf_probe_read_user_str};
use mcpgw_common::event::{EFFECT_CUT, EFFECT_UNREADABLE, FileEffect};
use mcpgw_common::limit;

use crate::emit::{Cursor, Lane};
use crate::file::File;
use crate::globals::offset;
use crate::kread::{Kptr, at_most, get, put};
use crate::task::Task;

/// Fixed part of the record.
pub(crate) const FIXED: u64 = size_of::<FileEffect>() as u64;
/// Furthest the second place's directories may begin: behind the first place.
const SECOND: u64 = (limit::DIRECTORIES + limit::PLACE) as u64;
/// Furthest a text may begin: behind those.
const LAST: u64 = SECOND + limit::DIRECTORIES as u64;
/// Furthest from where they begin that one more name may.
const ROOM: u64 = (limit::DIRECTORIES - limit::NAME) as u64;
/// The directory a relative name begins at is the current one.
pub(crate) const AT_FDCWD: i32 = -100;

const _: () = assert!(
    FIXED as usize + 2 * limit::DIRECTORIES + 2 * limit::PLACE <= crate::emit::RECORD,
    "a record has room for two places"
);

/// A directory entry on a mount.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    dentry: Kptr,
    mount: Kptr,
}

impl Entry {
    /// The current directory.
    #[inline(always)]
    fn current() -> Option<Self> {
        let fs = Task::current()?.0.follow(offset!(task_fs))?;
        Some(Self { dentry: fs.follow(offset!(fs_pwd_dentry))?, mount: fs.follow(offset!(fs_pwd_mnt))? })
    }

    /// An open file.
    #[inline(always)]
    pub(crate) fn of(file: File) -> Option<Self> {
        let (dentry, mount) = file.path()?;
        Some(Self { dentry, mount })
    }

    /// What a relative name begins at.
    #[inline(always)]
    fn start(fd: i32) -> Option<Self> {
        if fd == AT_FDCWD {
            Self::current()
        } else {
            Self::of(File::of(Task::current()?, fd.cast_unsigned())?)
        }
    }
}

/// Text that somebody asked for.
#[derive(Clone, Copy)]
pub(crate) enum Text {
    /// In the memory of the process that runs.
    User(u64),
    /// In the kernel's.
    Kernel(u64),
}

/// Begins a record that has no parts yet.
#[inline(always)]
pub(crate) fn begin(lane: &Lane) {
    // SAFETY: the lane's memory, ours until it is released.
    let cursor = unsafe { &mut *lane.cursor() };
    cursor.start(0, 0, 0);
}

/// Appends the names of `entry` as part `which`.
#[inline(always)]
pub(crate) fn directories(lane: &Lane, record: &mut FileEffect, which: usize, entry: Option<Entry>) {
    // SAFETY: the lane's memory, ours until it is released.
    let cursor = unsafe { &mut *lane.cursor() };
    let from = at_most::<SECOND>(cursor.offset());
    match entry {
        Some(entry) => {
            cursor.set_base(entry.dentry.address());
            cursor.set_iovec(entry.mount.address());
            if !climb(lane, cursor, from) {
                add_flag(record, EFFECT_CUT);
            }
        }
        None => add_flag(record, EFFECT_UNREADABLE),
    }
    set_len(record, which, cursor.offset().wrapping_sub(from) as u32);
}

/// Appends names until the root is reached; says whether it was.
#[inline(always)]
fn climb(lane: &Lane, cursor: &mut Cursor, from: u64) -> bool {
    for _ in 0..limit::CLIMB {
        let (Some(dentry), Some(mount)) = (Kptr::new(cursor.base()), Kptr::new(cursor.iovec())) else {
            return false;
        };
        let Some(parent) = dentry.read::<u64>(offset!(dentry_parent)) else { return false };
        let root: u64 = mount.read(offset!(vfsmount_root)).unwrap_or(0);
        if dentry.address() == root || dentry.address() == parent {
            let Some(mount) = Kptr::new(mount.address() - offset!(mount_mnt) as u64) else { return false };
            let Some(up) = mount.follow(offset!(mount_parent)) else { return false };
            if up.address() == mount.address() {
                return true;
            }
            let Some(at) = mount.follow(offset!(mount_mountpoint)) else { return false };
            cursor.set_base(at.address());
            cursor.set_iovec(up.address() + offset!(mount_mnt) as u64);
            continue;
        }
        let at = at_most::<{ SECOND + ROOM }>(cursor.offset());
        if at.wrapping_sub(from) > ROOM {
            return false;
        }
        let Some(name) = dentry.follow(offset!(dentry_name)) else { return false };
        let Some(length) = append(lane, at, limit::NAME as u32, Text::Kernel(name.address())) else {
            return false;
        };
        cursor.set_offset(at + length);
        cursor.set_base(parent);
    }
    false
}

/// Appends a name somebody asked for, relative to `fd`, as parts `which` and `which + 1`.
#[inline(always)]
pub(crate) fn place(lane: &Lane, record: &mut FileEffect, which: usize, fd: i32, text: Text) {
    let first = match text {
        // SAFETY: the helper checks the address.
        Text::User(address) => unsafe { aya_ebpf::helpers::bpf_probe_read_user(address as *const u8) }.ok(),
        Text::Kernel(address) => Kptr::new(address).and_then(|text| text.read::<u8>(0)),
    };
    set_len(record, which, 0);
    if first != Some(b'/') {
        directories(lane, record, which, Entry::start(fd));
    }
    self::text(lane, record, which + 1, text);
}

/// Appends a text as part `which`.
#[inline(always)]
pub(crate) fn text(lane: &Lane, record: &mut FileEffect, which: usize, text: Text) {
    // SAFETY: the lane's memory, ours until it is released.
    let cursor = unsafe { &mut *lane.cursor() };
    let at = at_most::<LAST>(cursor.offset());
    let length = append(lane, at, limit::PLACE as u32, text);
    if length.is_none() {
        add_flag(record, EFFECT_UNREADABLE);
    }
    let length = length.unwrap_or(0);
    if length == limit::PLACE as u64 {
        add_flag(record, EFFECT_CUT);
    }
    set_len(record, which, length as u32);
    cursor.set_offset(at + length);
}

/// Appends `length` bytes of the memory of the process that runs as part `which`, or as many as there is room for.
#[inline(always)]
pub(crate) fn bytes(lane: &Lane, record: &mut FileEffect, which: usize, address: u64, length: u64) {
    // SAFETY: the lane's memory, ours until it is released.
    let cursor = unsafe { &mut *lane.cursor() };
    let at = at_most::<LAST>(cursor.offset());
    if length > limit::PLACE as u64 {
        add_flag(record, EFFECT_CUT);
    }
    let length = at_most::<{ limit::PLACE as u64 }>(length);
    let to = lane.record::<[u8; crate::emit::RECORD]>();
    // SAFETY: `LAST + PLACE` bytes are within the record's memory.
    let to = unsafe { to.cast::<u8>().add(FIXED as usize + at as usize) };
    // SAFETY: as above; the helper checks the address it reads from.
    if unsafe { bpf_probe_read_user(to.cast(), length as u32, address as *const _) } != 0 {
        return add_flag(record, EFFECT_UNREADABLE);
    }
    set_len(record, which, length as u32);
    cursor.set_offset(at + length);
}

/// Copies a text to byte `at` behind the fixed part; returns its length with the NUL.
#[inline(always)]
fn append(lane: &Lane, at: u64, most: u32, text: Text) -> Option<u64> {
    let to = lane.record::<[u8; crate::emit::RECORD]>();
    // SAFETY: callers keep `at + most` within the record's memory.
    let to = unsafe { to.cast::<u8>().add(FIXED as usize + at as usize) };
    let length = match text {
        // SAFETY: as above; the helper writes at most that many bytes, and checks the address it reads from.
        Text::User(address) => unsafe { bpf_probe_read_user_str(to.cast(), most, address as *const _) },
        // SAFETY: as for the process' memory.
        Text::Kernel(address) => unsafe { bpf_probe_read_kernel_str(to.cast(), most, address as *const _) },
    };
    if length <= 0 { None } else { Some(at_most::<{ limit::PLACE as u64 }>(length.cast_unsigned())) }
}

/// Says how long part `which` is; there are four.
#[inline(always)]
fn set_len(record: &mut FileEffect, which: usize, length: u32) {
    if let Some(place) = record.lens.get_mut(which) {
        put(place, length);
    }
}

/// Adds one of the flags.
#[inline(always)]
fn add_flag(record: &mut FileEffect, bit: u32) {
    let flags = get(&record.flags);
    put(&mut record.flags, flags | bit);
}
