//! BTF made here, whole and damaged.

use proptest::prelude::*;

use super::*;

/// Writes BTF, type by type.
pub(crate) struct Builder {
    little: bool,
    types: Vec<u8>,
    strings: Vec<u8>,
    count: u32,
}

/// A member: name, type, place in bits, width in bits where it is a bit field.
pub(crate) type Member<'a> = (&'a str, u32, u32, u32);

impl Builder {
    pub(crate) fn new(little: bool) -> Self {
        Self { little, types: Vec::new(), strings: vec![0], count: 0 }
    }

    fn word(&self, value: u32) -> [u8; 4] {
        if self.little { value.to_le_bytes() } else { value.to_be_bytes() }
    }

    fn half(&self, value: u16) -> [u8; 2] {
        if self.little { value.to_le_bytes() } else { value.to_be_bytes() }
    }

    fn name(&mut self, name: &str) -> u32 {
        if name.is_empty() {
            return 0;
        }
        let at = u32::try_from(self.strings.len()).unwrap();
        self.strings.extend_from_slice(name.as_bytes());
        self.strings.push(0);
        at
    }

    /// Adds a type of `kind` with `extra` words behind it and returns its id.
    pub(crate) fn add(
        &mut self,
        name: &str,
        kind: u32,
        vlen: u32,
        flag: bool,
        size: u32,
        extra: &[u32],
    ) -> u32 {
        let name = self.name(name);
        let info = u32::from(flag) << 31 | kind << 24 | vlen;
        for value in [name, info, size].iter().chain(extra) {
            self.types.extend_from_slice(&self.word(*value));
        }
        self.count += 1;
        self.count
    }

    pub(crate) fn int(&mut self) -> u32 {
        self.add("int", kind::INT, 0, false, 4, &[32])
    }

    pub(crate) fn structure(&mut self, name: &str, size: u32, members: &[Member<'_>]) -> u32 {
        self.composite(kind::STRUCT, name, size, members)
    }

    pub(crate) fn composite(&mut self, kind: u32, name: &str, size: u32, members: &[Member<'_>]) -> u32 {
        let fields = members.iter().any(|(.., width)| *width != 0);
        let mut extra = Vec::new();
        for (name, type_id, bits, width) in members {
            let place = if fields { width << 24 | bits } else { *bits };
            extra.extend([self.name(name), *type_id, place]);
        }
        self.add(name, kind, u32::try_from(members.len()).unwrap(), fields, size, &extra)
    }

    pub(crate) fn finish(&self) -> Vec<u8> {
        let mut out = self.half(MAGIC).to_vec();
        out.extend([1, 0]);
        let (types, strings) =
            (u32::try_from(self.types.len()).unwrap(), u32::try_from(self.strings.len()).unwrap());
        for value in [24, 0, types, types, strings] {
            out.extend(self.word(value));
        }
        out.extend(&self.types);
        out.extend(&self.strings);
        out
    }
}

fn nested(little: bool) -> Vec<u8> {
    let mut builder = Builder::new(little);
    let int = builder.int();
    let inner = builder.structure("", 8, &[("deep", int, 0, 0), ("deeper", int, 32, 0)]);
    let union = builder.composite(kind::UNION, "", 8, &[("flat", int, 0, 0), ("", inner, 0, 0)]);
    let fixed = builder.add("", kind::CONST, 0, false, union, &[]);
    let named = builder.structure("named", 8, &[("first", int, 0, 0), ("second", int, 32, 0)]);
    let alias = builder.add("named_t", kind::TYPEDEF, 0, false, named, &[]);
    let pointer = builder.add("", kind::PTR, 0, false, named, &[]);
    builder.structure(
        "outer",
        40,
        &[("start", int, 0, 0), ("", fixed, 64, 0), ("by_name", alias, 128, 0), ("pointer", pointer, 192, 0)],
    );
    builder.finish()
}

#[test]
fn members_are_found_in_either_byte_order() {
    for little in [true, false] {
        let btf = Btf::parse(nested(little)).unwrap();
        for (path, offset) in [
            ("outer.start", 0),
            ("outer.flat", 8),
            ("outer.deep", 8),
            ("outer.deeper", 12),
            ("outer.by_name", 16),
            ("outer.by_name.second", 20),
            ("outer.pointer", 24),
            ("named.second", 4),
        ] {
            assert_eq!(btf.offset(path).unwrap(), offset, "{path}, little endian: {little}");
        }
        assert_eq!(btf.size_of("outer").unwrap(), 40);
    }
}

#[test]
fn what_is_not_there_is_named() {
    let btf = Btf::parse(nested(true)).unwrap();
    assert!(matches!(btf.offset("nothing.x"), Err(BtfError::NoStructure { name }) if name == "nothing"));
    assert!(matches!(btf.offset("outer.x"), Err(BtfError::NoMember { path }) if path == "outer.x"));
    // Through a pointer there is no offset, and an anonymous member has no name to be asked for by.
    assert!(matches!(btf.offset("outer.pointer.first"), Err(BtfError::NoMember { .. })));
    assert!(matches!(btf.offset("outer."), Err(BtfError::NoMember { .. })));
    assert!(matches!(btf.offset(""), Err(BtfError::NoStructure { .. })));
    assert!(matches!(btf.size_of("int"), Err(BtfError::NoStructure { .. })));
}

#[test]
fn a_bit_field_has_no_offset_but_its_neighbours_do() {
    let mut builder = Builder::new(true);
    let int = builder.int();
    builder.structure(
        "s",
        12,
        &[("plain", int, 0, 0), ("bits", int, 32, 3), ("more", int, 35, 5), ("last", int, 64, 0)],
    );
    let btf = Btf::parse(builder.finish()).unwrap();
    assert_eq!(btf.offset("s.plain").unwrap(), 0);
    assert_eq!(btf.offset("s.last").unwrap(), 8);
    assert!(matches!(btf.offset("s.bits"), Err(BtfError::BitField { .. })));
    assert!(matches!(btf.offset("s.more"), Err(BtfError::BitField { .. })));
}

#[test]
fn a_forward_declaration_does_not_hide_the_definition() {
    let mut builder = Builder::new(true);
    let int = builder.int();
    builder.add("s", kind::FWD, 0, false, 0, &[]);
    builder.structure("s", 0, &[]);
    builder.structure("s", 8, &[("member", int, 32, 0)]);
    let btf = Btf::parse(builder.finish()).unwrap();
    assert_eq!(btf.offset("s.member").unwrap(), 4);
}

#[test]
fn every_kind_has_its_length() {
    let mut builder = Builder::new(true);
    let int = builder.int();
    for (kind, vlen, extra) in [
        (kind::ARRAY, 0, 3),
        (kind::ENUM, 2, 4),
        (kind::VOLATILE, 0, 0),
        (kind::RESTRICT, 0, 0),
        (kind::FUNC, 1, 0),
        (kind::FUNC_PROTO, 2, 4),
        (kind::VAR, 0, 1),
        (kind::DATASEC, 2, 6),
        (kind::FLOAT, 0, 0),
        (kind::DECL_TAG, 0, 1),
        (kind::TYPE_TAG, 0, 0),
        (kind::ENUM64, 2, 6),
    ] {
        builder.add("x", kind, vlen, false, 0, &vec![0; extra]);
    }
    builder.structure("after", 4, &[("all", int, 8, 0)]);
    assert_eq!(Btf::parse(builder.finish()).unwrap().offset("after.all").unwrap(), 1);
}

#[test]
fn an_unknown_kind_is_refused() {
    let mut builder = Builder::new(true);
    builder.add("x", 31, 0, false, 0, &[]);
    assert!(matches!(Btf::parse(builder.finish()), Err(BtfError::UnknownKind { id: 1, kind: 31 })));
}

#[test]
fn circles_end() {
    let mut builder = Builder::new(true);
    // 1 and 2 are typedefs of one another; 3 holds itself, anonymously, more than once.
    builder.add("a", kind::TYPEDEF, 0, false, 2, &[]);
    builder.add("b", kind::TYPEDEF, 0, false, 1, &[]);
    builder.structure("self", 8, &[("", 3, 0, 0), ("", 3, 0, 0), ("", 1, 0, 0)]);
    let btf = Btf::parse(builder.finish()).unwrap();
    assert!(matches!(btf.offset("self.member"), Err(BtfError::NoMember { .. })));
}

#[test]
fn places_that_add_up_beyond_32_bits_are_refused() {
    let mut builder = Builder::new(true);
    let int = builder.int();
    let inner = builder.structure("", 4, &[("far", int, u32::MAX - 7, 0)]);
    let middle = builder.structure("", 4, &[("", inner, u32::MAX - 7, 0)]);
    builder.structure("outer", 4, &[("", middle, u32::MAX - 7, 0)]);
    let btf = Btf::parse(builder.finish()).unwrap();
    assert_eq!(btf.offset("outer.far").unwrap(), (u32::MAX / 8) * 3);
    assert!(btf.offset("outer.nothing").is_err());
}

#[test]
fn no_cut_is_taken_for_the_whole() {
    let whole = nested(true);
    for len in 0..whole.len() {
        assert!(Btf::parse(whole[..len].to_vec()).is_err(), "{len} of {} bytes", whole.len());
    }
}

#[test]
fn not_btf() {
    for bytes in
        [&b""[..], b"\x9f", b"\x9f\xeb", b"\x9f\xeb\x02\x00", b"ELF and more bytes than a header has"]
    {
        assert!(Btf::parse(bytes.to_vec()).is_err(), "{bytes:?}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Btf::read(Path::new("/nonexistent/btf")).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/btf"));
}

proptest! {
    #[test]
    fn damage_never_panics(places in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8), little: bool) {
        let mut bytes = nested(little);
        for (place, value) in places {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if let Ok(btf) = Btf::parse(bytes) {
            for path in ["outer.deep", "outer.by_name.second", "outer.nothing", "named.first"] {
                drop(btf.offset(path));
            }
        }
    }

    #[test]
    fn noise_never_panics(mut bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        drop(Btf::parse(bytes.clone()));
        for (place, value) in [0x9f, 0xeb, 1, 0, 24, 0, 0, 0].iter().enumerate() {
            if let Some(byte) = bytes.get_mut(place) {
                *byte = *value;
            }
        }
        drop(Btf::parse(bytes));
    }
}
