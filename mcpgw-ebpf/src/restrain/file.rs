//! Files: opened, cut, made, moved, linked, removed; and run.

use aya_ebpf::macros::lsm;
use aya_ebpf::programs::LsmContext;
use mcpgw_common::map::{REFUSED_DELETE, REFUSED_EXEC, REFUSED_READ, REFUSED_WRITE, deed};

use super::place::refused;
use super::{GO_ON, Held, NO_ACCESS, REFUSE};
use crate::globals::offset;
use crate::kread::Kptr;

/// `f_mode`.
const FMODE_READ: u32 = 1 << 0;
const FMODE_WRITE: u32 = 1 << 1;
/// It is opened to be run, which is judged elsewhere.
const FMODE_EXEC: u32 = 1 << 5;
/// A file behind another one, as overlayfs opens them in the process' stead.
const FMODE_NOACCOUNT: u32 = 1 << 29;
/// `f_flags`.
const O_TRUNC: u32 = 0o1000;
const S_IFMT: u16 = 0o170_000;
const S_IFDIR: u16 = 0o040_000;

#[lsm(hook = "file_open")]
pub(crate) fn mcpgw_rules_open(ctx: LsmContext) -> i32 {
    judge(&ctx, 1, opened)
}

#[lsm(hook = "path_truncate")]
pub(crate) fn mcpgw_rules_cut(ctx: LsmContext) -> i32 {
    judge(&ctx, 1, |ctx, held| {
        may(held, Kptr::new(ctx.arg::<u64>(0))?.follow(offset!(path_dentry))?, deed::WRITE)
    })
}

#[lsm(hook = "inode_create")]
pub(crate) fn mcpgw_rules_create(ctx: LsmContext) -> i32 {
    judge(&ctx, 3, |ctx, held| may(held, Kptr::new(ctx.arg::<u64>(1))?, deed::WRITE))
}

#[lsm(hook = "inode_mknod")]
pub(crate) fn mcpgw_rules_mknod(ctx: LsmContext) -> i32 {
    judge(&ctx, 4, |ctx, held| may(held, Kptr::new(ctx.arg::<u64>(1))?, deed::WRITE))
}

#[lsm(hook = "inode_symlink")]
pub(crate) fn mcpgw_rules_symlink(ctx: LsmContext) -> i32 {
    judge(&ctx, 3, |ctx, held| may(held, Kptr::new(ctx.arg::<u64>(1))?, deed::WRITE))
}

#[lsm(hook = "inode_link")]
pub(crate) fn mcpgw_rules_link(ctx: LsmContext) -> i32 {
    judge(&ctx, 3, |ctx, held| {
        // By its second name it could be read, and written.
        may(held, Kptr::new(ctx.arg::<u64>(0))?, deed::READ | deed::WRITE)?;
        may(held, Kptr::new(ctx.arg::<u64>(2))?, deed::WRITE)
    })
}

#[lsm(hook = "inode_unlink")]
pub(crate) fn mcpgw_rules_unlink(ctx: LsmContext) -> i32 {
    judge(&ctx, 2, |ctx, held| may(held, Kptr::new(ctx.arg::<u64>(1))?, deed::DELETE))
}

#[lsm(hook = "inode_rmdir")]
pub(crate) fn mcpgw_rules_rmdir(ctx: LsmContext) -> i32 {
    judge(&ctx, 2, |ctx, held| may(held, Kptr::new(ctx.arg::<u64>(1))?, deed::DELETE))
}

#[lsm(hook = "inode_rename")]
pub(crate) fn mcpgw_rules_rename(ctx: LsmContext) -> i32 {
    judge(&ctx, 4, |ctx, held| {
        // Elsewhere it could be read.
        may(held, Kptr::new(ctx.arg::<u64>(1))?, deed::READ | deed::DELETE)?;
        may(held, Kptr::new(ctx.arg::<u64>(3))?, deed::WRITE)
    })
}

#[lsm(hook = "bprm_check_security")]
pub(crate) fn mcpgw_rules_exec(ctx: LsmContext) -> i32 {
    judge(&ctx, 1, |ctx, held| {
        let bprm = Kptr::new(ctx.arg::<u64>(0))?;
        // Who runs a script is let do so: the script was asked about before.
        if bprm.read::<u64>(offset!(binprm_interp))? != bprm.read::<u64>(offset!(binprm_filename))? {
            return Some(());
        }
        may(held, bprm.follow(offset!(binprm_file))?.follow(offset!(file_dentry))?, deed::EXEC)
    })
}

/// Asks `lets`, if the process that runs is held to anything; `None` refuses. `before` is the place of what the program
/// before this one said.
#[inline(always)]
fn judge(ctx: &LsmContext, before: usize, lets: impl Fn(&LsmContext, Held) -> Option<()>) -> i32 {
    if ctx.arg::<u64>(before) as i32 != GO_ON {
        return REFUSE;
    }
    let Some(held) = Held::current() else { return GO_ON };
    if lets(ctx, held).is_some() { GO_ON } else { NO_ACCESS }
}

/// `None` where one of `deeds` is refused.
#[inline(always)]
fn may(held: Held, dentry: Kptr, deeds: u32) -> Option<()> {
    tell(held, refused(held, dentry, deeds, true))
}

#[inline(always)]
fn opened(ctx: &LsmContext, held: Held) -> Option<()> {
    let file = Kptr::new(ctx.arg::<u64>(0))?;
    let mode: u32 = file.read(offset!(file_mode))?;
    if mode & FMODE_EXEC != 0 {
        return Some(());
    }
    let flags: u32 = file.read(offset!(file_flags))?;
    let mut deeds = 0;
    if mode & FMODE_READ != 0 {
        deeds |= deed::READ;
    }
    if mode & FMODE_WRITE != 0 || flags & O_TRUNC != 0 {
        deeds |= deed::WRITE;
    }
    let inode = file.follow(offset!(file_inode))?;
    let is_behind = mode & FMODE_NOACCOUNT != 0;
    let dentry = match file.follow(offset!(file_dentry))? {
        shown if is_behind && shown.follow(offset!(dentry_inode))?.address() != inode.address() => {
            name_of(inode)?
        }
        own => own,
    };
    // What is in a directory may be listed, unless that is denied. Nobody wrote a list of what is behind files.
    let is_directory = inode.read::<u16>(offset!(inode_mode))? & S_IFMT == S_IFDIR;
    tell(held, refused(held, dentry, deeds, !is_directory && !is_behind))
}

/// One of the directory entries of an inode: before Linux 6.5 a file behind another one shows the other's.
#[inline(always)]
fn name_of(inode: Kptr) -> Option<Kptr> {
    let first = inode.follow(offset!(inode_aliases))?.address();
    Kptr::new(first.wrapping_sub(offset!(dentry_alias) as u64))
}

/// Counts the first of the deeds that are refused.
#[inline(always)]
fn tell(held: Held, refused: u32) -> Option<()> {
    if refused == 0 {
        return Some(());
    }
    let first = if refused & deed::READ != 0 {
        REFUSED_READ
    } else if refused & deed::WRITE != 0 {
        REFUSED_WRITE
    } else if refused & deed::DELETE != 0 {
        REFUSED_DELETE
    } else {
        REFUSED_EXEC
    };
    held.refused(first);
    None
}
