//! What numbers look like, by the lengths of their groups.

use super::super::check::*;
use super::super::topic::Topics;
use super::layout;

/// One kind of number in one layout.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) kind: &'static str,
    pub(super) check: fn(&[u8]) -> bool,
    /// What may stand between all groups.
    pub(super) separators: &'static str,
    /// How sure, where nothing is said about it.
    pub(super) plain: f32,
    pub(super) topics: Topics,
    /// How sure, where one of the topics is spoken of.
    pub(super) named: f32,
    /// How sure, where the text is nothing else.
    pub(super) whole: f32,
}

const fn rule(
    kind: &'static str,
    check: fn(&[u8]) -> bool,
    separators: &'static str,
    topics: Topics,
    [plain, named, whole]: [f32; 3],
) -> Rule {
    Rule { kind, check, separators, plain, topics, named, whole }
}

const fn either(one: Topics, two: Topics) -> Topics {
    one.or(two)
}

/// Found by its form alone; a word makes it sure.
const STRONG: [f32; 3] = [0.6, 0.9, 0.7];
/// Found where it is all there is, or named.
const WEAK: [f32; 3] = [0.3, 0.8, 0.5];
/// Found only where it is named.
const NAMED: [f32; 3] = [0.0, 0.7, 0.0];

const ID: Topics = Topics::ID;
const fn id(topics: Topics) -> Topics {
    either(topics, ID)
}

macro_rules! groups {
    ($($name:ident = [$($length:literal),+];)+) => {
        $(const $name: u64 = layout(&[$($length),+]);)+
        const LAYOUTS: &[u64] = &[$($name),+];
    };
}

groups! {
    B9 = [9]; B10 = [10]; B11 = [11]; B12 = [12]; B13 = [13]; B14 = [14]; B15 = [15]; B16 = [16]; B17 = [17]; B18 = [18]; B19 = [19];
    G324 = [3, 2, 4]; G36 = [3, 6]; G54 = [5, 4]; G333 = [3, 3, 3]; G441 = [4, 4, 1]; G334 = [3, 3, 4]; G4444 = [4, 4, 4, 4];
    G465 = [4, 6, 5]; G464 = [4, 6, 4]; G44443 = [4, 4, 4, 4, 3]; G445 = [4, 4, 5]; G2333 = [2, 3, 3, 3]; G444 = [4, 4, 4];
    G451 = [4, 5, 1]; G67 = [6, 7]; G64 = [6, 4]; G84 = [8, 4]; G65 = [6, 5]; G3332 = [3, 3, 3, 2]; G23342 = [2, 3, 3, 4, 2];
    G3442 = [3, 4, 4, 2]; G22232 = [2, 2, 2, 3, 2]; G1222332 = [1, 2, 2, 2, 3, 3, 2]; G325 = [3, 2, 5]; G26621 = [2, 6, 6, 1];
    G224 = [2, 2, 4]; G422 = [4, 2, 2]; G114 = [1, 1, 4]; G124 = [1, 2, 4]; G214 = [2, 1, 4];
    G235 = [2, 3, 5]; G335 = [3, 3, 5]; G344 = [3, 4, 4]; G2262 = [2, 2, 6, 2];
    G3223 = [3, 2, 2, 3]; G3322 = [3, 3, 2, 2];
}

const CARD: Rule = rule("credit_card", card, " -.", Topics::CARD, [0.7, 0.95, 0.9]);

/// A bit for each hash of some layouts.
type Filter = [u64; 64];

/// Of the beginnings of layouts.
static BEGINNINGS: Filter = {
    let mut filter = [0; 64];
    let mut rest = LAYOUTS;
    while let [layout, more @ ..] = rest {
        let mut beginning = *layout >> 5;
        while beginning != 0 {
            put(&mut filter, beginning);
            beginning >>= 5;
        }
        rest = more;
    }
    filter
};

/// Of all layouts.
static WHOLE: Filter = {
    let mut filter = [0; 64];
    let mut rest = LAYOUTS;
    while let [layout, more @ ..] = rest {
        put(&mut filter, *layout);
        rest = more;
    }
    filter
};

#[expect(clippy::indexing_slicing, reason = "at compile time, and six bits are less than 64")]
const fn put(filter: &mut Filter, layout: u64) {
    let hash = hash(layout);
    filter[(hash >> 6) as usize] |= 1 << (hash & 63);
}

#[inline(always)]
fn has(filter: &Filter, layout: u64) -> bool {
    let hash = hash(layout);
    let word = usize::try_from(hash >> 6).ok().and_then(|word| filter.get(word));
    word.is_some_and(|word| word >> (hash & 63) & 1 == 1)
}

/// Twelve bits.
const fn hash(layout: u64) -> u64 {
    layout.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 52
}

/// Whether more groups could make a layout that has rules. True for a few that cannot.
#[inline(always)]
pub(super) fn goes_on(layout: u64) -> bool {
    has(&BEGINNINGS, layout)
}

const OF_B9: &[Rule] = &[
    rule("us_ssn", ssn_like, "", either(Topics::SSN, Topics::TAX), [0.0, 0.7, 0.0]),
    rule("aba_routing_number", aba, "", Topics::ROUTING, [0.3, 0.9, 0.55]),
    rule("ca_sin", sin, "", Topics::CA, WEAK),
    rule("au_tfn", tfn, "", Topics::AU, WEAK),
    rule("au_acn", acn, "", Topics::AU, WEAK),
    rule("nl_bsn", bsn, "", id(Topics::NL), NAMED),
    rule("pt_nif", nif_pt, "", id(Topics::PT), NAMED),
    rule("hu_taj", taj, "", id(Topics::HU), NAMED),
];

const OF_B10: &[Rule] = &[
    rule("uk_nhs", nhs, "", Topics::UK, WEAK),
    rule("us_npi", npi, "", Topics::NPI, WEAK),
    rule("se_personnummer", personnummer, "", id(Topics::SE), [0.3, 0.9, 0.55]),
    rule("se_organisationsnummer", organisationsnummer, "", Topics::SE, [0.3, 0.8, 0.5]),
    rule("au_medicare", medicare, "", either(Topics::AU, Topics::MEDICAL), [0.2, 0.8, 0.5]),
    rule("kr_brn", brn, "", Topics::KR, NAMED),
    rule("pl_nip", nip, "", Topics::PL, NAMED),
    rule("dk_cpr", cpr, "", Topics::NORDIC, NAMED),
    rule("cz_birth_number", rodne_cislo, "", id(Topics::CZ), NAMED),
];

const OF_B11: &[Rule] = &[
    rule("pl_pesel", pesel, "", id(Topics::PL), [0.4, 0.9, 0.6]),
    rule("au_abn", abn, "", Topics::AU, [0.4, 0.9, 0.6]),
    rule("au_medicare", medicare, "", either(Topics::AU, Topics::MEDICAL), [0.2, 0.8, 0.5]),
    rule("de_tax_id", steuer_id, "", either(Topics::DE, Topics::TAX), [0.4, 0.9, 0.6]),
    rule("br_cpf", cpf, "", id(Topics::BR), [0.4, 0.9, 0.6]),
    rule("tr_national_id", tckn, "", id(Topics::TR), [0.4, 0.9, 0.6]),
    rule("ng_nin", nin, "", id(Topics::NG), WEAK),
    rule("it_vat_code", partita_iva, "", Topics::IT, WEAK),
    rule("no_birth_number", fodselsnummer, "", id(Topics::NORDIC), [0.4, 0.9, 0.6]),
    rule("be_national_number", rijksregister, "", id(Topics::BE), NAMED),
];

const OF_B12: &[Rule] = &[
    rule("in_aadhaar", aadhaar, "", id(Topics::IN), WEAK),
    rule("jp_my_number", my_number, "", id(Topics::JP), NAMED),
    rule("se_personnummer", personnummer, "", id(Topics::SE), [0.4, 0.9, 0.6]),
    rule("credit_card", card, "", Topics::CARD, [0.3, 0.9, 0.5]),
];

const OF_B13: &[Rule] = &[
    rule("th_tnin", tnin, "", id(Topics::TH), WEAK),
    rule("ro_cnp", cnp, "", id(Topics::RO), [0.4, 0.9, 0.6]),
    rule("kr_rrn", rrn, "", id(Topics::KR), [0.2, 0.8, 0.5]),
    rule("za_id_number", rsa_id, "", ID, [0.4, 0.8, 0.5]),
    rule("credit_card", card, "", Topics::CARD, [0.3, 0.9, 0.6]),
    rule("ch_ahv", ahv, "", Topics::NONE, STRONG),
];

const OF_B14: &[Rule] = &[
    rule("credit_card", card, "", Topics::CARD, [0.4, 0.9, 0.8]),
    rule("br_cnpj", cnpj, "", Topics::BR, STRONG),
];

const OF_B15: &[Rule] = &[
    rule("credit_card", card, "", Topics::CARD, [0.6, 0.95, 0.9]),
    rule("imei", imei, "", Topics::IMEI, [0.3, 0.9, 0.5]),
    rule("fr_nir", nir, "", id(Topics::FR), STRONG),
];

const OF_B16: &[Rule] = &[rule("credit_card", card, "", Topics::CARD, [0.6, 0.95, 0.9])];

const OF_B17: &[Rule] = &[rule("credit_card", card, "", Topics::CARD, [0.3, 0.9, 0.6])];

const OF_B18: &[Rule] = &[
    rule("cn_resident_id", resident_digits, "", id(Topics::CN), [0.7, 0.95, 0.8]),
    rule("credit_card", card, "", Topics::CARD, [0.3, 0.9, 0.6]),
];

const OF_G4444: &[Rule] = &[CARD];

const OF_G324: &[Rule] = &[
    rule("us_ssn", ssn, "- .", either(Topics::SSN, Topics::TAX), [0.7, 0.95, 0.8]),
    rule("us_itin", itin, "- .", either(Topics::TAX, Topics::SSN), [0.6, 0.9, 0.7]),
    rule("us_ssn", ssn_like, "- .", either(Topics::SSN, Topics::TAX), [0.3, 0.6, 0.4]),
];

const OF_G36: &[Rule] = &[
    rule("us_ssn", ssn, "- ", either(Topics::SSN, Topics::TAX), [0.3, 0.8, 0.5]),
    rule("us_itin", itin, "- ", either(Topics::TAX, Topics::SSN), [0.3, 0.8, 0.5]),
];

const OF_G333: &[Rule] = &[
    rule("ca_sin", sin, "- ", Topics::CA, [0.4, 0.9, 0.7]),
    rule("au_tfn", tfn, "- ", Topics::AU, [0.4, 0.9, 0.6]),
    rule("au_acn", acn, "- ", Topics::AU, [0.4, 0.9, 0.5]),
    rule("hu_taj", taj, "- ", id(Topics::HU), [0.3, 0.8, 0.3]),
    rule("pt_nif", nif_pt, "- .", id(Topics::PT), [0.3, 0.8, 0.5]),
    rule("nl_bsn", bsn, "- .", id(Topics::NL), [0.3, 0.8, 0.5]),
];

const OF_G441: &[Rule] = &[rule("aba_routing_number", aba, "-", Topics::ROUTING, [0.55, 0.9, 0.7])];

const OF_G334: &[Rule] = &[rule("uk_nhs", nhs, " -", Topics::UK, [0.5, 0.95, 0.6])];

const OF_G2333: &[Rule] = &[
    rule("au_abn", abn, " -", Topics::AU, [0.7, 0.9, 0.8]),
    rule("de_tax_id", steuer_id, " ", either(Topics::DE, Topics::TAX), [0.6, 0.9, 0.7]),
];

const OF_G444: &[Rule] = &[
    rule("in_aadhaar", aadhaar, " -:", id(Topics::IN), [0.6, 0.95, 0.7]),
    rule("jp_my_number", my_number, " -", id(Topics::JP), [0.5, 0.9, 0.6]),
];

const OF_G451: &[Rule] = &[rule("au_medicare", medicare, " -", either(Topics::AU, Topics::MEDICAL), STRONG)];

const OF_G67: &[Rule] = &[rule("kr_rrn", rrn, "-", id(Topics::KR), [0.6, 0.9, 0.6])];

const OF_G64: &[Rule] = &[
    rule("se_personnummer", personnummer, "-", id(Topics::SE), [0.6, 0.9, 0.7]),
    rule("fi_personal_identity_code", hetu_digits, "-", id(Topics::FI), [0.6, 0.9, 0.7]),
    rule("se_organisationsnummer", organisationsnummer, "-", Topics::SE, [0.5, 0.9, 0.6]),
    rule("dk_cpr", cpr, "-", Topics::NORDIC, [0.4, 0.9, 0.5]),
    rule("cz_birth_number", rodne_cislo, "/", id(Topics::CZ), [0.7, 0.9, 0.7]),
];

const OF_G84: &[Rule] = &[rule("se_personnummer", personnummer, "-", id(Topics::SE), [0.6, 0.9, 0.7])];

const OF_G65: &[Rule] = &[rule("no_birth_number", fodselsnummer, " -", id(Topics::NORDIC), [0.6, 0.9, 0.7])];

const OF_G235: &[Rule] = &[rule("de_tax_number", any, "/", Topics::DE.or(Topics::TAX), [0.5, 0.9, 0.6])];

const OF_G2262: &[Rule] =
    &[rule("kr_driver_license", any, "-", Topics::KR.or(Topics::LICENCE), [0.5, 0.9, 0.6])];

const OF_G325: &[Rule] = &[rule("kr_brn", brn, "-", Topics::KR, [0.5, 0.9, 0.6])];

const OF_G3332: &[Rule] = &[rule("br_cpf", cpf, "\u{1}.- ", id(Topics::BR), [0.8, 0.95, 0.9])];

const OF_G23342: &[Rule] = &[rule("br_cnpj", cnpj, "\u{1}", Topics::BR, [0.8, 0.95, 0.9])];

const OF_G3442: &[Rule] = &[rule("ch_ahv", ahv, ". ", Topics::NONE, [0.8, 0.9, 0.9])];

const OF_G22232: &[Rule] =
    &[rule("be_national_number", rijksregister, "\u{1}. -", id(Topics::BE), [0.7, 0.9, 0.8])];

const OF_G1222332: &[Rule] = &[rule("fr_nir", nir, " ", id(Topics::FR), [0.8, 0.95, 0.9])];

const OF_G3223: &[Rule] = &[rule("pl_nip", nip, "-", Topics::PL, [0.5, 0.9, 0.6])];

const OF_G26621: &[Rule] = &[rule("imei", imei, " -", Topics::IMEI, [0.5, 0.9, 0.7])];

const OF_G224: &[Rule] = &[rule("date_of_birth", date, "/-. ", Topics::BIRTH, [0.0, 0.8, 0.0])];

/// The rules for a layout: most have none.
#[inline(always)]
pub(super) fn rules(layout: u64) -> &'static [Rule] {
    if has(&WHOLE, layout) { known(layout) } else { &[] }
}

fn known(layout: u64) -> &'static [Rule] {
    match layout {
        B9 => OF_B9,
        B10 => OF_B10,
        B11 => OF_B11,
        B12 => OF_B12,
        B13 => OF_B13,
        B14 => OF_B14,
        B15 => OF_B15,
        B16 => OF_B16,
        B17 | B19 => OF_B17,
        B18 => OF_B18,
        G4444 | G465 | G464 | G44443 | G445 => OF_G4444,
        G324 => OF_G324,
        G36 | G54 => OF_G36,
        G333 => OF_G333,
        G441 => OF_G441,
        G334 => OF_G334,
        G2333 => OF_G2333,
        G444 => OF_G444,
        G451 => OF_G451,
        G67 => OF_G67,
        G64 => OF_G64,
        G84 => OF_G84,
        G65 => OF_G65,
        G235 | G335 | G344 => OF_G235,
        G2262 => OF_G2262,
        G325 => OF_G325,
        G3332 => OF_G3332,
        G23342 => OF_G23342,
        G3442 => OF_G3442,
        G22232 => OF_G22232,
        G1222332 => OF_G1222332,
        G3223 | G3322 => OF_G3223,
        G26621 => OF_G26621,
        G224 | G422 | G114 | G124 | G214 => OF_G224,
        _ => &[],
    }
}

fn any(digits: &[u8]) -> bool {
    !is_typed(digits)
}

fn date(digits: &[u8]) -> bool {
    let count = digits.len();
    let years = (number(digits, 0, 4), number(digits, count.saturating_sub(4), 4));
    matches!(years.0, 1900..=2099) || matches!(years.1, 1900..=2099)
}

fn hetu_digits(digits: &[u8]) -> bool {
    hetu(digits, digits.last().map_or(0, |last| last + b'0'))
}

fn resident_digits(digits: &[u8]) -> bool {
    resident(digits, digits.last().map_or(0, |last| last + b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_is_found_and_so_are_its_beginnings() {
        for layout in LAYOUTS {
            assert!(!rules(*layout).is_empty(), "{layout:x}");
            let mut beginning = layout >> 5;
            while beginning != 0 {
                assert!(goes_on(beginning), "{layout:x}");
                beginning >>= 5;
            }
        }
    }
}
