//! Counters that programs on several CPUs share.

/// Adds to a counter in one step; `u64::MAX` takes one away.
///
/// # Safety
/// `count` is a live map value, aligned to 8 bytes.
#[inline(always)]
pub(crate) unsafe fn add(count: *mut u64, more: u64) {
    // SAFETY: the caller's word.
    unsafe {
        core::arch::asm!("lock *(u64 *)({0} + 0) += {1}", in(reg) count, in(reg) more, options(nostack));
    }
}
