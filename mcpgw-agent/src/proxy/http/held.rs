//! Bytes of a body that are held until there are enough of them.

use bytes::{Bytes, BytesMut};

/// The first `length` bytes of `held`. What is left does not keep the memory of what is taken.
pub(super) fn taken_from(held: &mut BytesMut, length: usize) -> Bytes {
    let taken = held.split_to(length.min(held.len())).freeze();
    if held.len() < taken.len() {
        *held = BytesMut::from(&**held);
    }
    taken
}
