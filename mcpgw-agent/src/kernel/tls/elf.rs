//! Where a file's code begins for the functions we look for: the symbols of a 64-bit ELF file.
//!
//! The file is whatever a process runs. It is read piece by piece and never mapped, as one that shrinks while it is would
//! end the agent; nothing it says of itself is believed, and what is read of it is bounded.

use std::collections::HashMap;

use memchr::memmem;

/// Sections looked at, and symbols of one table.
const SECTIONS: u64 = 4096;
const SYMBOLS: usize = 4 << 20;
/// Bytes of names.
const NAMES: u64 = 256 << 20;
/// Bytes read at a time.
const PIECE: usize = 1 << 20;
/// Places at which one name may be found, as tables share the ends of names.
const PLACES: usize = 64;
const SYMTAB: u32 = 2;
const DYNSYM: u32 = 11;
const LOAD: u32 = 1;
const FUNCTION: u8 = 2;
const HEADER: usize = 64;
const SEGMENT: usize = 56;
const SECTION: usize = 64;
const SYMBOL: usize = 24;

/// A function of the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// `SSL_write`.
    Write,
    /// `SSL_read`.
    Read,
    /// `SSL_write_ex`.
    WriteEx,
    /// `SSL_read_ex`.
    ReadEx,
    /// `SSL_free`.
    Free,
    /// `SSL_ctrl`.
    Ctrl,
    /// `SSL_set_tlsext_host_name`.
    SetName,
}

/// All of them, by name.
const CALLS: [(Call, &[u8]); 7] = [
    (Call::Write, b"SSL_write\0"),
    (Call::Read, b"SSL_read\0"),
    (Call::WriteEx, b"SSL_write_ex\0"),
    (Call::ReadEx, b"SSL_read_ex\0"),
    (Call::Free, b"SSL_free\0"),
    (Call::Ctrl, b"SSL_ctrl\0"),
    (Call::SetName, b"SSL_set_tlsext_host_name\0"),
];

/// Where they begin in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calls(Vec<(Call, u64)>);

impl Calls {
    /// Each with its offset in the file.
    pub fn iter(&self) -> impl Iterator<Item = (Call, u64)> {
        self.0.iter().copied()
    }

    fn has(&self, call: Call) -> bool {
        self.0.iter().any(|(known, _)| *known == call)
    }
}

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// It has the library's functions.
    Tls(Calls),
    /// A Go program, whose stacks no probe may touch at a function's return.
    Go,
    /// Neither.
    Other,
}

/// Something to read at places: a file, or bytes.
pub(super) trait Source {
    /// Reads up to `into.len()` bytes at `offset` and says how many there were.
    fn read(&self, offset: u64, into: &mut [u8]) -> usize;
}

/// Finds out what `file` is; what cannot be read is [`Kind::Other`].
pub(super) fn kind(file: &dyn Source) -> Kind {
    look(file).unwrap_or(Kind::Other)
}

fn look(file: &dyn Source) -> Option<Kind> {
    let header = Field(exact(file, 0, HEADER)?);
    // 64 bits, lowest byte first: all that the probes are built for.
    if header.0.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let segments = segments(file, &header)?;
    let sections = sections(file, &header)?;
    if is_go(file, &header, &sections) {
        return Some(Kind::Go);
    }
    // What a file exports comes first; a program that was not stripped has the rest as well.
    for wanted in [DYNSYM, SYMTAB] {
        let of_kind = sections.iter().filter(|section| section.kind == wanted);
        for table in of_kind.take(1) {
            let Some(names) = sections.get(usize::try_from(table.link).ok()?) else { continue };
            let calls = calls(file, table, names, &segments);
            if calls.has(Call::Read) && calls.has(Call::Write) {
                return Some(Kind::Tls(calls));
            }
        }
    }
    Some(Kind::Other)
}

#[derive(Debug, Clone, Copy)]
struct Segment {
    offset: u64,
    address: u64,
    length: u64,
}

#[derive(Debug, Clone, Copy)]
struct Section {
    name: u32,
    kind: u32,
    offset: u64,
    length: u64,
    link: u32,
}

fn segments(file: &dyn Source, header: &Field) -> Option<Vec<Segment>> {
    let (at, count) = (header.long(32)?, usize::from(header.half(56)?));
    let table = exact(file, at, count.checked_mul(SEGMENT)?)?;
    let mut segments = Vec::new();
    for entry in table.chunks_exact(SEGMENT) {
        let entry = Field(entry.to_vec());
        if entry.word(0)? == LOAD {
            let (offset, address, length) = (entry.long(8)?, entry.long(16)?, entry.long(32)?);
            segments.push(Segment { offset, address, length });
        }
    }
    Some(segments)
}

fn sections(file: &dyn Source, header: &Field) -> Option<Vec<Section>> {
    let (at, count) = (header.long(40)?, u64::from(header.half(60)?));
    let length = usize::try_from(count.min(SECTIONS)).ok()?.checked_mul(SECTION)?;
    let table = exact(file, at, length)?;
    let section = |entry: &[u8]| {
        let entry = Field(entry.to_vec());
        Some(Section {
            name: entry.word(0)?,
            kind: entry.word(4)?,
            offset: entry.long(24)?,
            length: entry.long(32)?,
            link: entry.word(40)?,
        })
    };
    table.chunks_exact(SECTION).map(section).collect()
}

/// It has the tables that only Go's linker makes.
fn is_go(file: &dyn Source, header: &Field, sections: &[Section]) -> bool {
    let names = header.half(62).and_then(|index| sections.get(usize::from(index)));
    let Some(names) = names else { return false };
    sections.iter().any(|section| {
        let mut name = [0; 16];
        let read = file.read(names.offset.saturating_add(u64::from(section.name)), &mut name);
        let name = name.get(..read).unwrap_or_default();
        name.starts_with(b".gopclntab\0") || name.starts_with(b".go.buildinfo\0")
    })
}

fn calls(file: &dyn Source, table: &Section, names: &Section, segments: &[Segment]) -> Calls {
    let wanted = places(file, names);
    let mut calls: Vec<(Call, u64)> = Vec::new();
    let mut left = usize::try_from(table.length).unwrap_or(usize::MAX).min(SYMBOLS * SYMBOL);
    let mut at = table.offset;
    // A whole number of symbols.
    let mut piece = vec![0; PIECE - PIECE % SYMBOL];
    while left >= SYMBOL && !wanted.is_empty() {
        let read = file.read(at, &mut piece).min(left);
        let whole = read - read % SYMBOL;
        if whole == 0 {
            break;
        }
        for symbol in piece.get(..whole).unwrap_or_default().chunks_exact(SYMBOL) {
            if let Some((call, address)) = wanted_symbol(symbol, &wanted)
                && let Some(offset) = offset_of(address, segments)
                && !calls.iter().any(|(known, _)| *known == call)
            {
                calls.push((call, offset));
            }
        }
        left = left.saturating_sub(whole);
        at = at.saturating_add(u64::try_from(whole).unwrap_or(u64::MAX));
    }
    calls.sort_unstable();
    Calls(calls)
}

/// The call a symbol is, and its address, where it is one that is defined here.
fn wanted_symbol(symbol: &[u8], wanted: &HashMap<u32, Call>) -> Option<(Call, u64)> {
    let name = u32::from_le_bytes(*symbol.first_chunk()?);
    let call = *wanted.get(&name)?;
    let symbol = Field(symbol.to_vec());
    let is_function = symbol.0.get(4)? & 15 == FUNCTION;
    let address = symbol.long(8)?;
    (is_function && symbol.half(6)? != 0 && address != 0).then_some((call, address))
}

/// Where the wanted names are in a table of names.
fn places(file: &dyn Source, names: &Section) -> HashMap<u32, Call> {
    let mut found: HashMap<u32, Call> = HashMap::new();
    let longest = CALLS.iter().map(|(_, name)| name.len()).max().unwrap_or(0);
    let length = names.length.min(NAMES);
    let mut piece = vec![0; PIECE];
    let mut at = 0_u64;
    while at < length {
        let read = file.read(names.offset.saturating_add(at), &mut piece);
        let left = usize::try_from(length.saturating_sub(at)).unwrap_or(usize::MAX);
        let bytes = piece.get(..read.min(left)).unwrap_or_default();
        for (call, name) in CALLS {
            for place in memmem::find_iter(bytes, name).take(PLACES) {
                let place = u64::try_from(place).unwrap_or(u64::MAX).saturating_add(at);
                if let Ok(place) = u32::try_from(place) {
                    found.insert(place, call);
                }
            }
        }
        // A name may go on in the next piece.
        let step = bytes.len().saturating_sub(longest);
        if step == 0 || bytes.len() < PIECE || found.len() > PLACES * CALLS.len() {
            break;
        }
        at = at.saturating_add(u64::try_from(step).unwrap_or(u64::MAX));
    }
    found
}

/// Where the code at `address` is in the file.
fn offset_of(address: u64, segments: &[Segment]) -> Option<u64> {
    segments.iter().find_map(|segment| {
        let within = address.checked_sub(segment.address).filter(|within| *within < segment.length)?;
        segment.offset.checked_add(within)
    })
}

/// `length` bytes at `offset`, all of them.
fn exact(file: &dyn Source, offset: u64, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    (file.read(offset, &mut bytes) == length).then_some(bytes)
}

/// A structure of the file.
struct Field(Vec<u8>);

impl Field {
    fn half(&self, at: usize) -> Option<u16> {
        self.0.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
    }

    fn word(&self, at: usize) -> Option<u32> {
        self.0.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
    }

    fn long(&self, at: usize) -> Option<u64> {
        self.0.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
    }
}

#[cfg(test)]
mod tests;
