//! What rules say of a file: of its inode, of its name in its directory, and of all directories above, each known by
//! inode or by name in the one above it. No text of a path is compared, so that no link, mount or `..` leads around it.

use aya_ebpf::helpers::generated::bpf_probe_read_kernel_str;
use mcpgw_common::limit;
use mcpgw_common::map::{PlaceKey, PlaceRule, deed};

use super::Held;
use crate::globals::offset;
use crate::kread::{Kptr, get, put};
use crate::maps::PLACES;

/// A file system nobody can name anything in: pipes, sockets, memory.
const SB_NOUSER: u32 = 1 << 31;
const NAME: usize = limit::PLACE_NAME;

/// Which of `deeds` the rules do not let be done to what is at this directory entry.
#[inline(always)]
pub(super) fn refused(held: Held, dentry: Kptr, deeds: u32, is_listed: bool) -> u32 {
    let rules = held.rules();
    let deeds = deeds & rules.limited;
    if deeds == 0 {
        return 0;
    }
    // What cannot be followed to its root is refused.
    let Some((said, is_nowhere)) = said_of(held, dentry) else { return deeds };
    let listed = match (is_listed, is_nowhere) {
        (false, _) => 0,
        (true, false) => rules.listed,
        // No list can name it. What is in memory alone is the process' own, but a list of programs is one of all there are.
        (true, true) => rules.listed & deed::EXEC,
    };
    deeds & (said >> deed::DENIED | listed & !said)
}

/// All that is said of it, and whether it is on no file system that has names.
#[inline(always)]
fn said_of(held: Held, dentry: Kptr) -> Option<(u32, bool)> {
    let root = dentry.follow(offset!(dentry_sb))?;
    let is_nowhere = root.read::<u32>(offset!(super_flags))? & SB_NOUSER != 0;
    let mut key =
        PlaceKey { group: held.group, dev: root.read(offset!(super_dev))?, ino: 0, name: [0; NAME] };
    let dev = key.dev;
    let mut said = 0_u32;
    let mut at = dentry;
    let mut is_first = true;
    for _ in 0..limit::PLACE_LEVELS {
        let parent = at.follow(offset!(dentry_parent))?;
        key.name = [0; NAME];
        put(&mut key.dev, dev);
        if let Some(inode) = at.follow(offset!(dentry_inode)) {
            put(&mut key.ino, inode.read(offset!(inode_ino))?);
            said |= of(&key, is_first);
        }
        if parent.address() == at.address() {
            return Some((said, is_nowhere));
        }
        put(&mut key.ino, parent.follow(offset!(dentry_inode))?.read(offset!(inode_ino))?);
        if is_named(at.follow(offset!(dentry_name))?, &mut key.name) {
            said |= of(&key, is_first);
            put(&mut key.ino, 0);
            put(&mut key.dev, 0);
            said |= of(&key, is_first);
        }
        is_first = false;
        at = parent;
    }
    None
}

/// Reads a name; not where it is longer than any in a rule.
#[inline(always)]
fn is_named(from: Kptr, name: &mut [u8; NAME]) -> bool {
    // SAFETY: the helper writes at most that many bytes and checks the address it reads from.
    let length = unsafe {
        bpf_probe_read_kernel_str(name.as_mut_ptr().cast(), NAME as u32, from.address() as *const _)
    };
    // One that fills the place may be cut.
    length > 1 && length < i64::from(NAME as u32)
}

#[inline(always)]
fn of(key: &PlaceKey, is_here: bool) -> u32 {
    let Some(rule) = PLACES.get_ptr(key) else { return 0 };
    // SAFETY: a live map value; a concurrent change gives the old or the new rule.
    let PlaceRule { here, below } = unsafe { &*rule };
    if is_here { get(here) } else { get(below) }
}
