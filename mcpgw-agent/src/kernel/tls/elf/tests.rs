//! Files of this host, and files that lie.

use proptest::prelude::*;

use super::*;

impl Source for Vec<u8> {
    fn read(&self, offset: u64, into: &mut [u8]) -> usize {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.len());
        let rest = &self[start..];
        let length = rest.len().min(into.len());
        into[..length].copy_from_slice(&rest[..length]);
        length
    }
}

/// A file with `names` as symbols, the first at address 0x1010, the next 16 bytes on; its code begins 0x1000 bytes into memory
/// and 0x800 into the file.
fn file(names: &[&str], section: &str) -> Vec<u8> {
    let mut strings = vec![0];
    let mut symbols = vec![0; SYMBOL];
    for (number, name) in names.iter().enumerate() {
        let mut symbol = [0; SYMBOL];
        symbol[..4].copy_from_slice(&u32::try_from(strings.len()).unwrap().to_le_bytes());
        symbol[4] = 0x12;
        symbol[6] = 1;
        symbol[8..16].copy_from_slice(&(0x1010 + 16 * u64::try_from(number).unwrap()).to_le_bytes());
        symbols.extend(symbol);
        strings.extend(name.bytes().chain([0]));
    }
    let section_name = u32::try_from(strings.len()).unwrap();
    strings.extend(section.bytes().chain([0]));
    let mut file = vec![0; HEADER + SEGMENT + 3 * SECTION];
    file[..6].copy_from_slice(b"\x7fELF\x02\x01");
    let long = |file: &mut Vec<u8>, at: usize, value: usize| {
        file[at..at + 8].copy_from_slice(&u64::try_from(value).unwrap().to_le_bytes());
    };
    let (segments, sections) = (HEADER, HEADER + SEGMENT);
    long(&mut file, 32, segments);
    long(&mut file, 40, sections);
    (file[56], file[60], file[62]) = (1, 3, 2);
    file[segments] = 1;
    long(&mut file, segments + 8, 0x800);
    long(&mut file, segments + 16, 0x1000);
    long(&mut file, segments + 32, 0x10000);
    let (table, names) = (sections + SECTION, sections + 2 * SECTION);
    file[table + 4] = 11;
    file[table..table + 4].copy_from_slice(&section_name.to_le_bytes());
    let end = file.len();
    long(&mut file, table + 24, end);
    long(&mut file, table + 32, symbols.len());
    file[table + 40] = 2;
    long(&mut file, names + 24, end + symbols.len());
    long(&mut file, names + 32, strings.len());
    file.extend(symbols);
    file.extend(strings);
    file
}

#[test]
fn functions_are_found_where_they_are_in_the_file() {
    let found = kind(&file(&["main", "SSL_read", "SSL_write", "SSL_free"], ".dynsym"));
    let calls = vec![(Call::Write, 0x830), (Call::Read, 0x820), (Call::Free, 0x840)];
    assert_eq!(found, Kind::Tls(Calls(calls)));
}

#[test]
fn half_a_library_is_none_and_go_is_left_alone() {
    assert_eq!(kind(&file(&["SSL_read", "SSL_writer", "my_SSL_write"], ".dynsym")), Kind::Other);
    assert_eq!(kind(&file(&["SSL_read", "SSL_write"], ".gopclntab")), Kind::Go);
    assert_eq!(kind(&b"#!/bin/sh\n".to_vec()), Kind::Other);
}

proptest! {
    #[test]
    fn hostile_files_are_survived(at in 0_usize..700, with: Vec<u8>, bytes: Vec<u8>) {
        drop(kind(&bytes));
        let mut file = file(&["SSL_read", "SSL_write"], ".dynsym");
        let at = at.min(file.len());
        let end = (at + with.len()).min(file.len());
        file.splice(at..end, with);
        drop(kind(&file));
    }

    #[test]
    fn cut_files_are_survived(at in 0_usize..700) {
        let mut file = file(&["SSL_read", "SSL_write"], ".dynsym");
        file.truncate(at);
        drop(kind(&file));
    }
}
