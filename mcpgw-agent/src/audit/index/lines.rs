//! Lines as the index keeps them: whole, compressed one by one, so that any can be had alone.

use std::io;

use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::CParameter;

use crate::audit::chain::LINE_MAX;

/// Fast, and what the dictionary has need not be found twice.
const LEVEL: i32 = 1;
/// What lines have in common. Whoever changes it changes the schema's version.
const DICTIONARY: &[u8] = include_bytes!("dictionary.txt");

/// Compresses lines.
pub(super) struct Packer(Compressor<'static>);

impl Packer {
    pub(super) fn new() -> io::Result<Self> {
        let mut compressor = Compressor::with_dictionary(LEVEL, DICTIONARY)?;
        compressor.set_parameter(CParameter::ChecksumFlag(true))?;
        Ok(Self(compressor))
    }

    pub(super) fn pack(&mut self, line: &[u8]) -> io::Result<Vec<u8>> {
        self.0.compress(line)
    }
}

/// Decompresses lines.
pub(super) struct Unpacker(Decompressor<'static>);

impl Unpacker {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(Decompressor::with_dictionary(DICTIONARY)?))
    }

    pub(super) fn unpack(&mut self, packed: &[u8]) -> io::Result<Vec<u8>> {
        self.0.decompress(packed, LINE_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_back_and_a_changed_one_does_not() {
        let (mut packer, mut unpacker) = (Packer::new().unwrap(), Unpacker::new().unwrap());
        let long = vec![b'x'; LINE_MAX];
        for line in [&b""[..], b"{\"timestamp\":1}", "\u{e4}\u{0}".as_bytes(), &long] {
            assert_eq!(unpacker.unpack(&packer.pack(line).unwrap()).unwrap(), line);
        }
        let packed = packer.pack(b"{\"timestamp\":1} and some more that is not in any dictionary").unwrap();
        for at in 0..packed.len() {
            let mut changed = packed.clone();
            changed[at] ^= 1;
            let read = unpacker.unpack(&changed);
            assert!(read.is_err(), "byte {at}: {:?}", read.map(String::from_utf8));
        }
    }
}
