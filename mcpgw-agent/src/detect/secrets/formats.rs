//! The tokens that say what they are: a table for each stretch of the alphabet.

mod a_to_c;
mod d_to_g;
mod h_to_o;
mod p_to_s;
mod t_to_z;

use super::format::Format;

/// All of them.
pub(super) fn all() -> impl Iterator<Item = &'static Format> {
    [a_to_c::FORMATS, d_to_g::FORMATS, h_to_o::FORMATS, p_to_s::FORMATS, t_to_z::FORMATS]
        .into_iter()
        .flatten()
}
