//! What user space fills in before the programs are loaded. Read-only afterwards: the verifier sees constants.

use mcpgw_common::map::{Offsets, Settings};

/// Where the members of kernel structures are.
#[unsafe(no_mangle)]
pub(crate) static OFFSETS: Offsets = zero_offsets();

/// Budgets and our own process id.
#[unsafe(no_mangle)]
pub(crate) static SETTINGS: Settings =
    Settings { stream_budget: 0, tcp_budget: 0, self_tgid: 0, reserved: 0 };

const fn zero_offsets() -> Offsets {
    // SAFETY: `Offsets` is integers only, for which zero bytes are a value.
    unsafe { core::mem::zeroed() }
}

/// The offset of a kernel structure member, by its field name in [`Offsets`].
macro_rules! offset {
    ($field:ident) => {{
        // SAFETY: a read of an initialised static; volatile, because the loader replaces the bytes.
        unsafe { core::ptr::read_volatile(&raw const $crate::globals::OFFSETS.$field) }
    }};
}
pub(crate) use offset;

/// A setting, by its field name in [`Settings`].
macro_rules! setting {
    ($field:ident) => {{
        // SAFETY: as for `offset`.
        unsafe { core::ptr::read_volatile(&raw const $crate::globals::SETTINGS.$field) }
    }};
}
pub(crate) use setting;
