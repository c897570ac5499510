//! The kernel's own description of its types (BTF), as far as finding members takes.
//!
//! The bytes come from the kernel, but the parser trusts none of them: every read is checked, every walk is bounded,
//! and what does not fit is an error. It allocates in proportion to the input and to nothing the input says.

use std::fs::File;
use std::io::Read;
use std::path::Path;

#[cfg(test)]
pub(crate) mod tests;

/// Where the running kernel shows its BTF.
pub const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

/// More than any block glibc learns from, in bytes.
const MAPPED: usize = 33 << 20;
/// More than any kernel's BTF has been (about 6 MB); beyond it the file is refused.
const MAX_BYTES: u64 = 64 << 20;
/// Modifiers (`const`, `typedef`, ...) followed before giving up.
const MAX_MODIFIERS: usize = 32;
/// Anonymous structures entered within one another.
const MAX_NESTING: usize = 16;
/// Members looked at in the search for one.
const MAX_MEMBERS: usize = 1 << 16;

const MAGIC: u16 = 0xeb9f;
const HEADER: usize = 24;
const TYPE: usize = 12;
const MEMBER: usize = 12;

mod kind {
    pub(super) const INT: u32 = 1;
    pub(super) const PTR: u32 = 2;
    pub(super) const ARRAY: u32 = 3;
    pub(super) const STRUCT: u32 = 4;
    pub(super) const UNION: u32 = 5;
    pub(super) const ENUM: u32 = 6;
    pub(super) const FWD: u32 = 7;
    pub(super) const TYPEDEF: u32 = 8;
    pub(super) const VOLATILE: u32 = 9;
    pub(super) const CONST: u32 = 10;
    pub(super) const RESTRICT: u32 = 11;
    pub(super) const FUNC: u32 = 12;
    pub(super) const FUNC_PROTO: u32 = 13;
    pub(super) const VAR: u32 = 14;
    pub(super) const DATASEC: u32 = 15;
    pub(super) const FLOAT: u32 = 16;
    pub(super) const DECL_TAG: u32 = 17;
    pub(super) const TYPE_TAG: u32 = 18;
    pub(super) const ENUM64: u32 = 19;
}

/// Why BTF could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BtfError {
    /// No file, or unreadable.
    #[error("cannot read the kernel's BTF at `{path}`")]
    Read {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Longer than any kernel's.
    #[error("BTF of more than {MAX_BYTES} bytes")]
    TooLong,
    /// Not BTF, or of a version that has not been invented yet.
    #[error("not BTF")]
    NotBtf,
    /// It ends within something.
    #[error("BTF is cut short or inconsistent at byte {at}")]
    Malformed {
        /// Position in the file.
        at: usize,
    },
    /// A kind of type whose length is unknown, so that what follows cannot be found.
    #[error("BTF type {id} is of unknown kind {kind}")]
    UnknownKind {
        /// Type id.
        id: u32,
        /// Its kind.
        kind: u32,
    },
    /// No structure of that name.
    #[error("this kernel's BTF has no structure `{name}`")]
    NoStructure {
        /// Name.
        name: String,
    },
    /// The structure has no such member.
    #[error("this kernel's BTF has no member `{path}`")]
    NoMember {
        /// `structure.member`.
        path: String,
    },
    /// The member does not begin at a byte.
    #[error("`{path}` is a bit field in this kernel")]
    BitField {
        /// `structure.member`.
        path: String,
    },
}

/// Parsed BTF.
#[derive(Debug)]
pub struct Btf {
    data: Vec<u8>,
    little: bool,
    strings: std::ops::Range<usize>,
    /// Where in `data` each type begins; type id 1 first.
    types: Vec<u32>,
    /// Ids of the structures and unions that have a name and members. Their names stay in `data`: there are thousands,
    /// and a few dozen are asked for, once.
    structures: Vec<u32>,
}

/// A type's fixed part.
#[derive(Debug, Clone, Copy)]
struct Type {
    at: usize,
    name: u32,
    kind: u32,
    members: usize,
    bit_fields: bool,
    size_or_type: u32,
}

/// A member found.
#[derive(Debug, Clone, Copy)]
struct Found {
    bits: u64,
    type_id: u32,
    bit_field: bool,
}

impl Btf {
    /// Reads and parses a file such as [`VMLINUX`].
    ///
    /// # Errors
    /// [`BtfError`].
    pub fn read(path: &Path) -> Result<Self, BtfError> {
        let failed = |source| BtfError::Read { path: path.display().to_string(), source };
        let mut data = Vec::new();
        // glibc maps a block of this size, and gives it back to the system as a whole, without taking from it that the next
        // block of a few megabytes is better had from the heap, which keeps what it cannot cut off (mallopt(3), the
        // dynamic threshold, up to DEFAULT_MMAP_THRESHOLD_MAX). Pages that are not written to are no memory.
        if data.try_reserve_exact(MAPPED).is_err() {
            tracing::debug!("no room is set aside for the kernel's type information");
        }
        File::open(path).map_err(failed)?.take(MAX_BYTES + 1).read_to_end(&mut data).map_err(failed)?;
        if u64::try_from(data.len()).is_ok_and(|len| len > MAX_BYTES) {
            return Err(BtfError::TooLong);
        }
        Self::parse(data)
    }

    /// Parses BTF of either byte order.
    ///
    /// # Errors
    /// [`BtfError`].
    pub fn parse(data: Vec<u8>) -> Result<Self, BtfError> {
        let little = match data.first_chunk::<2>() {
            Some(magic) if u16::from_le_bytes(*magic) == MAGIC => true,
            Some(magic) if u16::from_be_bytes(*magic) == MAGIC => false,
            _ => return Err(BtfError::NotBtf),
        };
        if data.get(2) != Some(&1) {
            return Err(BtfError::NotBtf);
        }
        let mut btf = Self { data, little, strings: 0..0, types: Vec::new(), structures: Vec::new() };
        let header = btf.size(4)?;
        if header < HEADER {
            return Err(BtfError::Malformed { at: 4 });
        }
        let types = btf.section(header, 8)?;
        btf.strings = btf.section(header, 16)?;
        btf.index(types)?;
        Ok(btf)
    }

    /// Byte offset of `structure.member`, `structure.member.inner` and so on. Members of anonymous structures and
    /// unions count as the enclosing one's, as in C.
    ///
    /// # Errors
    /// [`BtfError::NoStructure`], [`BtfError::NoMember`], [`BtfError::BitField`], or damage met on the way.
    pub fn offset(&self, path: &str) -> Result<u32, BtfError> {
        let missing = || BtfError::NoMember { path: path.to_owned() };
        let mut names = path.split('.');
        let mut id = self.structure(names.next().unwrap_or_default())?;
        let mut bits = 0_u64;
        let mut bit_field = false;
        for name in names {
            let mut left = MAX_MEMBERS;
            let found = self.member(id, name.as_bytes(), MAX_NESTING, &mut left)?.ok_or_else(missing)?;
            bits = bits.saturating_add(found.bits);
            bit_field = found.bit_field;
            id = found.type_id;
        }
        if bit_field || !bits.is_multiple_of(8) {
            return Err(BtfError::BitField { path: path.to_owned() });
        }
        u32::try_from(bits / 8).map_err(|_overflow| missing())
    }

    /// Size of a structure in bytes.
    ///
    /// # Errors
    /// [`BtfError::NoStructure`], or damage.
    pub fn size_of(&self, structure: &str) -> Result<u32, BtfError> {
        Ok(self.type_at(self.structure(structure)?)?.size_or_type)
    }

    fn structure(&self, name: &str) -> Result<u32, BtfError> {
        for id in &self.structures {
            if self.string(self.type_at(*id)?.name)? == name.as_bytes() {
                return Ok(*id);
            }
        }
        Err(BtfError::NoStructure { name: name.to_owned() })
    }

    /// Looks for a member in structure or union `id`, entering anonymous ones.
    fn member(
        &self,
        id: u32,
        name: &[u8],
        nesting: usize,
        left: &mut usize,
    ) -> Result<Option<Found>, BtfError> {
        let Some(structure) = self.resolve(id)? else { return Ok(None) };
        for number in 0..structure.members {
            let Some(fewer) = left.checked_sub(1) else { return Ok(None) };
            *left = fewer;
            let at = structure.at + TYPE + number * MEMBER;
            let (name_at, type_id, packed) = (self.word(at)?, self.word(at + 4)?, self.word(at + 8)?);
            // With bit fields, the top byte is the field's width and the rest its place.
            let (bits, width) =
                if structure.bit_fields { (packed & 0xff_ffff, packed >> 24) } else { (packed, 0) };
            let own = self.string(name_at)?;
            if own == name && !name.is_empty() {
                return Ok(Some(Found { bits: u64::from(bits), type_id, bit_field: width != 0 }));
            }
            if own.is_empty()
                && nesting > 0
                && let Some(found) = self.member(type_id, name, nesting - 1, left)?
            {
                return Ok(Some(Found { bits: found.bits.saturating_add(u64::from(bits)), ..found }));
            }
        }
        Ok(None)
    }

    /// The structure or union behind type `id` and its modifiers.
    fn resolve(&self, mut id: u32) -> Result<Option<Type>, BtfError> {
        for _ in 0..MAX_MODIFIERS {
            if id == 0 {
                return Ok(None);
            }
            let found = self.type_at(id)?;
            match found.kind {
                kind::STRUCT | kind::UNION => return Ok(Some(found)),
                kind::TYPEDEF | kind::VOLATILE | kind::CONST | kind::RESTRICT | kind::TYPE_TAG => {
                    id = found.size_or_type;
                }
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Finds where each type begins, and the structures by name.
    fn index(&mut self, section: std::ops::Range<usize>) -> Result<(), BtfError> {
        let mut at = section.start;
        while at < section.end {
            let id = u32::try_from(self.types.len() + 1).map_err(|_overflow| BtfError::TooLong)?;
            let found = self.type_header(at)?;
            let extra = extra(id, &found)?;
            let next = at + TYPE + extra;
            if next > section.end {
                return Err(BtfError::Malformed { at });
            }
            if matches!(found.kind, kind::STRUCT | kind::UNION) && found.members > 0 && found.name != 0 {
                self.structures.push(id);
            }
            self.types.push(u32::try_from(at).map_err(|_overflow| BtfError::TooLong)?);
            at = next;
        }
        Ok(())
    }

    fn type_at(&self, id: u32) -> Result<Type, BtfError> {
        let index = usize::try_from(id).ok().and_then(|id| id.checked_sub(1));
        let at = index.and_then(|index| self.types.get(index)).ok_or(BtfError::Malformed { at: 0 })?;
        self.type_header(usize::try_from(*at).map_err(|_overflow| BtfError::TooLong)?)
    }

    fn type_header(&self, at: usize) -> Result<Type, BtfError> {
        let info = self.word(at + 4)?;
        Ok(Type {
            at,
            name: self.word(at)?,
            kind: (info >> 24) & 0x1f,
            members: usize::from(u16::try_from(info & 0xffff).unwrap_or(u16::MAX)),
            bit_fields: info >> 31 != 0,
            size_or_type: self.word(at + 8)?,
        })
    }

    fn string(&self, at: u32) -> Result<&[u8], BtfError> {
        let bad = BtfError::Malformed { at: self.strings.start };
        let section = self.data.get(self.strings.clone());
        let tail = usize::try_from(at).ok().and_then(|at| section?.get(at..));
        let Some(tail) = tail else { return Err(bad) };
        tail.split(|byte| *byte == 0).next().ok_or(bad)
    }

    /// A section whose offset and length are in the header at `field`.
    fn section(&self, header: usize, field: usize) -> Result<std::ops::Range<usize>, BtfError> {
        let bad = BtfError::Malformed { at: field };
        let start = header.checked_add(self.size(field)?);
        let end = start.and_then(|start| start.checked_add(self.size(field + 4).ok()?));
        match (start, end) {
            (Some(start), Some(end)) if end <= self.data.len() => Ok(start..end),
            _ => Err(bad),
        }
    }

    fn size(&self, at: usize) -> Result<usize, BtfError> {
        usize::try_from(self.word(at)?).map_err(|_overflow| BtfError::Malformed { at })
    }

    fn word(&self, at: usize) -> Result<u32, BtfError> {
        let bytes = self.data.get(at..).and_then(|tail| tail.first_chunk::<4>());
        let bytes = *bytes.ok_or(BtfError::Malformed { at })?;
        Ok(if self.little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }
}

/// Bytes that follow a type's fixed part.
fn extra(id: u32, found: &Type) -> Result<usize, BtfError> {
    Ok(match found.kind {
        kind::PTR
        | kind::FWD
        | kind::TYPEDEF
        | kind::VOLATILE
        | kind::CONST
        | kind::RESTRICT
        | kind::FUNC
        | kind::FLOAT
        | kind::TYPE_TAG => 0,
        kind::INT | kind::VAR | kind::DECL_TAG => 4,
        kind::ARRAY => 12,
        kind::STRUCT | kind::UNION => found.members * MEMBER,
        kind::ENUM | kind::FUNC_PROTO => found.members * 8,
        kind::DATASEC | kind::ENUM64 => found.members * 12,
        kind => return Err(BtfError::UnknownKind { id, kind }),
    })
}
