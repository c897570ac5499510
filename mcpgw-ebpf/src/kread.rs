//! Reading kernel memory: a pointer is a number until `bpf_probe_read_kernel` has fetched what it points to.

use aya_ebpf::helpers::bpf_probe_read_kernel;
use mcpgw_common::map::ABSENT;

/// An address in the kernel, never null.
#[derive(Clone, Copy)]
pub(crate) struct Kptr(u64);

impl Kptr {
    /// `None` for null.
    #[inline(always)]
    pub(crate) fn new(address: u64) -> Option<Self> {
        if address == 0 { None } else { Some(Self(address)) }
    }

    /// The number.
    #[inline(always)]
    pub(crate) fn address(self) -> u64 {
        self.0
    }

    /// The address of a member of this structure.
    #[inline(always)]
    pub(crate) fn member(self, offset: u32) -> Option<Self> {
        if offset == ABSENT { None } else { Some(Self(self.0 + offset as u64)) }
    }

    /// A member's value.
    #[inline(always)]
    pub(crate) fn read<T: Plain>(self, offset: u32) -> Option<T> {
        let address = self.member(offset)?.0;
        // SAFETY: the helper checks the address and fails where there is nothing; any bytes are a `T` (`Plain`).
        unsafe { bpf_probe_read_kernel(address as *const T) }.ok()
    }

    /// The structure a member points to.
    #[inline(always)]
    pub(crate) fn follow(self, offset: u32) -> Option<Self> {
        Self::new(self.read(offset)?)
    }
}

/// Types of which every bit pattern is a value.
///
/// # Safety
/// The implementor must be such a type.
pub(crate) unsafe trait Plain: Copy {}

// SAFETY: integers.
unsafe impl Plain for u8 {}
// SAFETY: integers.
unsafe impl Plain for u16 {}
// SAFETY: integers.
unsafe impl Plain for u32 {}
// SAFETY: integers.
unsafe impl Plain for u64 {}
// SAFETY: an array of integers.
unsafe impl<const N: usize> Plain for [u8; N] {}

/// `value`, of which the compiler knows nothing. A bound checked afterwards stays in the program, where the verifier
/// needs it, instead of being optimised away.
#[inline(always)]
pub(crate) fn opaque(value: u64) -> u64 {
    let mut value = value;
    // An instruction that does nothing, and not none: two source lines at one instruction make the kernel refuse the
    // program's line information.
    // SAFETY: the register keeps its value.
    unsafe { core::arch::asm!("{0} = {0}", inout(reg) value, options(pure, nomem, nostack)) };
    value
}

/// `value`, at most `MAX`, such that the verifier knows it too.
#[inline(always)]
pub(crate) fn at_most<const MAX: u64>(value: u64) -> u64 {
    let value = opaque(value);
    if value > MAX { MAX } else { value }
}

/// Writes into a record at once. With a plain assignment the compiler may keep the value in a register until later, and
/// the verifier, which knows registers exactly but not what is in a map, then follows every combination of values.
#[inline(always)]
pub(crate) fn put<T: Plain>(place: &mut T, value: T) {
    // SAFETY: a reference is valid to write.
    unsafe { core::ptr::from_mut(place).write_volatile(value) };
}

/// Reads back from a record, for the same reason.
#[inline(always)]
pub(crate) fn get<T: Plain>(place: &T) -> T {
    // SAFETY: a reference is valid to read.
    unsafe { core::ptr::from_ref(place).read_volatile() }
}
