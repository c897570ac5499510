//! Debugging information out of the probes: the linker makes the kernel's type information from it, and nobody reads it
//! afterwards, but a loader looks at every section there is, in the agent's memory.

use anyhow::{Context as _, Result, ensure};

/// Of an ELF file of 64 bits, little endian: what it begins with.
const MAGIC: [u8; 6] = [0x7f, b'E', b'L', b'F', 2, 1];
/// Where it says where its section headers are.
const HEADERS: usize = 40;
/// How long each is, how many there are, and which has the names.
const HEADER_SIZE: usize = 58;
const COUNT: usize = 60;
const NAMES: usize = 62;
/// Within a header: type, offset and size.
const KIND: usize = 4;
const OFFSET: usize = 24;
const SIZE: usize = 32;

/// Makes sections of debugging information in `elf` empty. Nothing moves. Says how many bytes nobody will look at.
///
/// # Errors
/// It is no such file.
pub(super) fn empty(elf: &mut [u8]) -> Result<u64> {
    ensure!(elf.starts_with(&MAGIC), "not an ELF file of 64 bits, little endian");
    let first = usize::try_from(number::<8>(elf, HEADERS)?)?;
    let step = usize::try_from(number::<2>(elf, HEADER_SIZE)?)?;
    let count = usize::try_from(number::<2>(elf, COUNT)?)?;
    let names = first + step * usize::try_from(number::<2>(elf, NAMES)?)?;
    let names = usize::try_from(number::<8>(elf, names + OFFSET)?)?;
    let mut emptied = 0;
    for header in (0..count).map(|index| first + step * index) {
        let name =
            elf.get(names + usize::try_from(number::<4>(elf, header)?)?..).context("a name is missing")?;
        if !name.starts_with(b".debug_") && !name.starts_with(b".rel.debug_") {
            continue;
        }
        emptied += number::<8>(elf, header + SIZE)?;
        elf.get_mut(header + KIND..header + KIND + 4).context("a header is cut")?.fill(0);
        elf.get_mut(header + SIZE..header + SIZE + 8).context("a header is cut")?.fill(0);
    }
    Ok(emptied)
}

/// `N` bytes at `at` as a number.
fn number<const N: usize>(elf: &[u8], at: usize) -> Result<u64> {
    let bytes = elf.get(at..at + N).context("the file is cut")?;
    Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::empty;

    /// A file of three sections: names, debugging information and code.
    fn elf() -> Vec<u8> {
        let mut elf = vec![0; 64 + 3 * 64];
        elf[..6].copy_from_slice(&super::MAGIC);
        elf[40] = 64;
        elf[58] = 64;
        elf[60] = 3;
        let names = b"\0.debug_info\0.text\0";
        let at = u16::try_from(elf.len()).unwrap();
        elf[64 + 24..64 + 26].copy_from_slice(&at.to_le_bytes());
        for (section, (name, size)) in [(0, names.len() as u8), (1, 9), (13, 7)].into_iter().enumerate() {
            let header = 64 + section * 64;
            (elf[header], elf[header + 4], elf[header + 32]) = (name, 1, size);
        }
        elf.extend_from_slice(names);
        elf
    }

    #[test]
    fn only_debugging_information_is_emptied_and_once() {
        let mut elf = elf();
        assert_eq!(empty(&mut elf).unwrap(), 9);
        assert_eq!((elf[128 + 4], elf[128 + 32]), (0, 0));
        assert_eq!((elf[192 + 4], elf[192 + 32]), (1, 7));
        assert_eq!(empty(&mut elf).unwrap(), 0);
        assert!(empty(&mut elf[..200]).is_err());
        assert!(empty(&mut []).is_err());
    }
}
