//! What words look like, by which of their characters are digits.

use super::super::check;
use super::super::topic::Topics;

/// One kind of word in one shape.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) kind: &'static str,
    /// A bit for each character that is a digit.
    pub(super) mask: u32,
    /// Takes the word in upper case.
    pub(super) check: fn(&[u8]) -> bool,
    pub(super) topics: Topics,
    /// How sure, where nothing is said about it.
    pub(super) plain: f32,
    /// How sure, where one of the topics is spoken of.
    pub(super) named: f32,
    /// How sure, where the text is nothing else.
    pub(super) whole: f32,
}

/// The bits of a shape of `9` and `A`.
const fn mask(shape: &str) -> u32 {
    let mut rest = shape.as_bytes();
    let (mut mask, mut index) = (0, 0);
    while let [first, more @ ..] = rest {
        if *first == b'9' {
            mask |= 1 << index;
        }
        index += 1;
        rest = more;
    }
    mask
}

const fn rule(
    kind: &'static str,
    shape: &str,
    check: fn(&[u8]) -> bool,
    topics: Topics,
    [plain, named, whole]: [f32; 3],
) -> Rule {
    Rule { kind, mask: mask(shape), check, topics, plain, named, whole }
}

const PASSPORT: Topics = Topics::PASSPORT;
const STRONG: [f32; 3] = [0.7, 0.9, 0.8];
const WEAK: [f32; 3] = [0.3, 0.8, 0.5];
const NAMED: [f32; 3] = [0.0, 0.8, 0.0];

const fn id(topics: Topics) -> Topics {
    topics.or(Topics::ID)
}

fn any(_: &[u8]) -> bool {
    true
}

const WORDS_8: &[Rule] = &[
    rule("passport", "A9999999", any, PASSPORT, WEAK),
    rule("us_driver_license", "A9999999", any, Topics::LICENCE, WEAK),
];

const WORDS_9: &[Rule] = &[
    rule("es_nif", "99999999A", check::nif, id(Topics::ES), STRONG),
    rule("es_nie", "A9999999A", check::nif, id(Topics::ES), STRONG),
    rule("sg_nric_fin", "A9999999A", check::nric, id(Topics::SG), STRONG),
    rule("sg_nric_fin", "A9999999A", singapore, id(Topics::SG), WEAK),
    rule("uk_nino", "AA999999A", check::nino, Topics::UK, [0.6, 0.95, 0.8]),
    rule("medical_license", "AA9999999", check::dea, Topics::DEA.or(Topics::LICENCE), [0.5, 0.9, 0.6]),
    rule("us_passport", "A99999999", any, PASSPORT, [0.2, 0.8, 0.5]),
    rule("passport", "AA9999999", any, PASSPORT, [0.2, 0.8, 0.5]),
    rule("passport", "A999A9999", any, PASSPORT, WEAK),
    rule("sg_uen", "99999999A", check::uen_business, Topics::SG, [0.4, 0.9, 0.6]),
    rule("in_vehicle_registration", "AA99A9999", vehicle, Topics::IN, WEAK),
];

const WORDS_10: &[Rule] = &[
    rule("in_pan", "AAAAA9999A", check::pan, id(Topics::IN), [0.6, 0.95, 0.8]),
    rule("in_pan", "AAAAA9999A", any, Topics::IN, [0.2, 0.7, 0.5]),
    rule("in_voter", "AAA9999999", any, Topics::IN, [0.2, 0.8, 0.5]),
    rule("in_vehicle_registration", "AA99AA9999", vehicle, Topics::IN, [0.4, 0.8, 0.6]),
    rule("de_social_security", "A999999999", check::health_card, Topics::DE.or(Topics::MEDICAL), WEAK),
    rule("sg_uen", "A99AA9999A", any, Topics::SG, [0.4, 0.9, 0.6]),
    rule("sg_uen", "999999999A", check::uen_company, Topics::SG, [0.4, 0.9, 0.6]),
    rule("it_driver_license", "AA9999999A", any, Topics::LICENCE.or(Topics::IT), [0.3, 0.9, 0.5]),
    rule("it_driver_license", "A99999999A", any, Topics::LICENCE.or(Topics::IT), [0.0, 0.8, 0.0]),
];

const WORDS_11: &[Rule] = &[
    rule("de_vat_id", "AA999999999", check::ust_id, Topics::DE, STRONG),
    rule("us_mbi", "9AA9AA9AA99", any, Topics::MEDICAL, WEAK),
    rule("us_mbi", "9A99A99AA99", any, Topics::MEDICAL, [0.4, 0.9, 0.6]),
    rule("us_mbi", "9A99AA9AA99", any, Topics::MEDICAL, [0.4, 0.9, 0.6]),
    rule("fi_personal_identity_code", "999999A999A", finnish, id(Topics::FI), STRONG),
    rule("fi_personal_identity_code", "999999A9999", finnish, id(Topics::FI), STRONG),
];

const WORDS_12: &[Rule] = &[
    rule("de_social_security", "99999999A999", check::versicherungsnummer, Topics::DE, STRONG),
    rule("mx_rfc", "AAA999999999", dated::<3>, Topics::MX, WEAK),
    rule("mx_rfc", "AAA999999AA9", dated::<3>, Topics::MX, [0.5, 0.9, 0.7]),
];

const WORDS_13: &[Rule] = &[
    rule("it_vat_code", "AA99999999999", italian, Topics::IT, STRONG),
    rule("mx_rfc", "AAAA999999999", dated::<4>, Topics::MX, WEAK),
    rule("mx_rfc", "AAAA999999AA9", dated::<4>, Topics::MX, [0.6, 0.9, 0.7]),
    rule("mx_rfc", "AAAA999999A99", dated::<4>, Topics::MX, [0.5, 0.9, 0.7]),
];

const WORDS_15: &[Rule] = &[
    rule("in_gstin", "99AAAAA9999A9A9", check::gstin, Topics::IN, STRONG),
    rule("in_gstin", "99AAAAA9999A9AA", check::gstin, Topics::IN, STRONG),
];

const WORDS_16: &[Rule] = &[
    rule("it_fiscal_code", "AAAAAA99A99A999A", check::fiscal_code, id(Topics::IT), [0.9, 0.95, 0.95]),
    rule("it_fiscal_code", "AAAAAA99A99A999A", any, id(Topics::IT), [0.5, 0.9, 0.6]),
    rule("uk_driving_licence", "AAAAA999999AA9AA", any, Topics::LICENCE.or(Topics::UK), [0.5, 0.9, 0.7]),
    rule("uk_driving_licence", "AAAAA999999A99AA", any, Topics::LICENCE.or(Topics::UK), [0.5, 0.9, 0.7]),
];

const WORDS_18: &[Rule] = &[
    rule("cn_resident_id", "99999999999999999A", chinese, id(Topics::CN), STRONG),
    rule("mx_curp", "AAAA999999AAAAAA99", dated::<4>, id(Topics::MX), [0.8, 0.95, 0.9]),
    rule("mx_curp", "AAAA999999AAAAAAA9", dated::<4>, id(Topics::MX), [0.8, 0.95, 0.9]),
    rule("kr_rrn", "999999A99999999999", any, Topics::KR, NAMED),
];

/// The rules for words of a length.
pub(super) fn rules(length: usize) -> &'static [Rule] {
    match length {
        8 => WORDS_8,
        9 => WORDS_9,
        10 => WORDS_10,
        11 => WORDS_11,
        12 => WORDS_12,
        13 => WORDS_13,
        15 => WORDS_15,
        16 => WORDS_16,
        18 => WORDS_18,
        _ => &[],
    }
}

fn value(word: &[u8], start: usize, length: usize) -> u32 {
    (start..start + length)
        .fold(0, |sum, index| sum * 10 + word.get(index).map_or(0, |byte| u32::from(byte.wrapping_sub(b'0'))))
}

/// Six digits behind `AT` letters are year, month and day.
fn dated<const AT: usize>(word: &[u8]) -> bool {
    check::day(value(word, AT + 2, 2), value(word, AT + 4, 2))
}

fn finnish(word: &[u8]) -> bool {
    let mut digits = [0; 9];
    let from = word.iter().enumerate().filter(|(index, _)| *index != 6);
    digits.iter_mut().zip(from).for_each(|(to, (_, byte))| *to = byte.wrapping_sub(b'0'));
    let sign = word.get(6).is_some_and(|sign| b"ABCDEFYXWVU".contains(sign));
    sign && word.get(10).is_some_and(|last| check::hetu(&digits, *last))
}

fn singapore(word: &[u8]) -> bool {
    word.first().is_some_and(|kind| b"STFGM".contains(kind))
}

fn italian(word: &[u8]) -> bool {
    let mut digits = [0; 11];
    digits.iter_mut().zip(word.iter().skip(2)).for_each(|(to, byte)| *to = byte.wrapping_sub(b'0'));
    word.starts_with(b"IT") && check::partita_iva(&digits)
}

fn chinese(word: &[u8]) -> bool {
    let mut digits = [0; 17];
    digits.iter_mut().zip(word).for_each(|(to, byte)| *to = byte.wrapping_sub(b'0'));
    word.last().is_some_and(|last| check::resident(&digits, *last))
}

/// States and territories of India.
fn vehicle(word: &[u8]) -> bool {
    const STATES: &[u8] = b"AN AP AR AS BR CG CH DD DL GA GJ HP HR JH JK KA KL LA LD MH ML MN MP MZ NL OD OR PB PY RJ SK TN TR TS UK UP WB ";
    word.get(..2).is_some_and(|state| STATES.chunks(3).any(|known| known.starts_with(state)))
}
