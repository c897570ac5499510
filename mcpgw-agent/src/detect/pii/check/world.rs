//! Numbers of the rest of the world, and of no country.

use super::{at, day, is_typed, luhn, number, verhoeff, weighted};

/// A payment card: a network's first digits and length, and Luhn.
pub(in super::super) fn card(digits: &[u8]) -> bool {
    let (two, three, four) = (number(digits, 0, 2), number(digits, 0, 3), number(digits, 0, 4));
    let length = digits.len();
    let network = match two {
        40..=49 => matches!(length, 13 | 16 | 18 | 19),
        51..=55 => length == 16,
        // Mastercard, and Mir.
        22..=27 => length == 16 && matches!(four, 2221..=2720 | 2200..=2204),
        34 | 37 => length == 15,
        30 | 36 | 38 | 39 => matches!(length, 14 | 16..=19) && (two != 30 || three <= 305 || three == 309),
        35 => matches!(length, 16..=19) && (3528..=3589).contains(&four),
        // UATP, and old JCB.
        10..=19 => length == 15,
        21 => length == 15 && four == 2131,
        60 | 64 | 65 => matches!(length, 12..=19),
        62 | 81 => matches!(length, 16..=19),
        50 | 56..=59 | 61 | 63 | 66..=69 => matches!(length, 12..=19),
        // RuPay, Troy.
        82 => length == 16,
        97 => length == 16 && four == 9792,
        _ => false,
    };
    network && luhn(digits)
}

/// US social security number.
pub(in super::super) fn ssn(digits: &[u8]) -> bool {
    let (area, group, serial) = (number(digits, 0, 3), number(digits, 3, 2), number(digits, 5, 4));
    // The two are printed in advertisements.
    !matches!(area, 0 | 666 | 900..)
        && group != 0
        && serial != 0
        && !matches!((area, group, serial), (78, 5, 1120) | (123, 45, 6789))
}

/// The number of an advertisement, or one that was never given out, which people use in examples.
pub(in super::super) fn ssn_like(digits: &[u8]) -> bool {
    number(digits, 0, 3) != 0 && number(digits, 3, 2) != 0 && number(digits, 5, 4) != 0
}

/// US taxpayer number of someone without a social security number.
pub(in super::super) fn itin(digits: &[u8]) -> bool {
    at(digits, 0) == 9 && matches!(number(digits, 3, 2), 50..=65 | 70..=88 | 90..=92 | 94..=99)
}

/// US bank routing number.
pub(in super::super) fn aba(digits: &[u8]) -> bool {
    matches!(number(digits, 0, 2), 1..=12 | 21..=32 | 61..=72 | 80)
        && weighted(digits, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
}

/// US national provider identifier: Luhn with the prefix 80840.
pub(in super::super) fn npi(digits: &[u8]) -> bool {
    let mut all = [8, 0, 8, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    all.iter_mut().skip(5).zip(digits).for_each(|(to, from)| *to = *from);
    matches!(at(digits, 0), 1 | 2) && luhn(&all)
}

/// US medical licence of the Drug Enforcement Administration: two letters and seven digits.
pub(in super::super) fn dea(word: &[u8]) -> bool {
    let digit = |index: usize| word.get(index).map_or(0, |byte| u32::from(byte.wrapping_sub(b'0')));
    word.first().is_some_and(|letter| b"ABCDEFGHJKLMPRSTUX".contains(letter))
        && (digit(2) + digit(4) + digit(6) + 2 * (digit(3) + digit(5) + digit(7))) % 10 == digit(8)
}

/// Canadian social insurance number.
pub(in super::super) fn sin(digits: &[u8]) -> bool {
    luhn(digits) && !matches!(at(digits, 0), 0 | 8)
}

/// Australian business number.
pub(in super::super) fn abn(digits: &[u8]) -> bool {
    at(digits, 0) != 0 && (weighted(digits, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]) - 10).is_multiple_of(89)
}

/// Australian company number.
pub(in super::super) fn acn(digits: &[u8]) -> bool {
    (10 - weighted(digits, &[8, 7, 6, 5, 4, 3, 2, 1]) % 10) % 10 == at(digits, 8) && number(digits, 0, 9) != 0
}

/// Australian tax file number.
pub(in super::super) fn tfn(digits: &[u8]) -> bool {
    weighted(digits, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11) && number(digits, 0, 9) != 0
}

/// Australian Medicare number.
pub(in super::super) fn medicare(digits: &[u8]) -> bool {
    matches!(at(digits, 0), 2..=6) && weighted(digits, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == at(digits, 8)
}

/// Indian Aadhaar: Verhoeff, not beginning with 0 or 1, no palindrome.
pub(in super::super) fn aadhaar(digits: &[u8]) -> bool {
    at(digits, 0) > 1 && verhoeff(digits) && !digits.iter().eq(digits.iter().rev())
}

/// Indian permanent account number: its fourth letter is the kind of holder.
pub(in super::super) fn pan(word: &[u8]) -> bool {
    word.get(3).is_some_and(|holder| b"ABCFGHJKLPTE".contains(holder))
}

/// Indian goods and services tax number: state, permanent account number, entity, Z, check.
pub(in super::super) fn gstin(word: &[u8]) -> bool {
    word.get(2..12).is_some_and(pan) && word.get(13) == Some(&b'Z')
}

/// Singaporean NRIC or FIN.
pub(in super::super) fn nric(word: &[u8]) -> bool {
    let [kind, digits @ .., check] = word else { return false };
    let sum: u32 = digits
        .iter()
        .zip([2, 7, 6, 5, 4, 3, 2])
        .map(|(byte, weight)| u32::from(byte.wrapping_sub(b'0')) * weight)
        .sum();
    let (letters, offset) = match kind {
        b'S' => (b"JZIHGFEDCBA", 0),
        b'T' => (b"JZIHGFEDCBA", 4),
        b'F' => (b"XWUTRQPNMLK", 0),
        b'G' => (b"XWUTRQPNMLK", 4),
        b'M' => (b"XWUTRQPNJLK", 3),
        _ => return false,
    };
    letters.get((sum as usize + offset) % 11) == Some(check)
}

/// Korean resident registration number: a date and the century.
pub(in super::super) fn rrn(digits: &[u8]) -> bool {
    day(number(digits, 2, 2), number(digits, 4, 2)) && matches!(at(digits, 6), 1..=8) && !is_typed(digits)
}

/// Korean business registration number.
pub(in super::super) fn brn(digits: &[u8]) -> bool {
    let sum = weighted(digits, &[1, 3, 7, 1, 3, 7, 1, 3]) + at(digits, 8) * 5 / 10 + at(digits, 8) * 5 % 10;
    (10 - sum % 10) % 10 == at(digits, 9) && at(digits, 0) != 0
}

/// Thai national identity number.
pub(in super::super) fn tnin(digits: &[u8]) -> bool {
    let sum = weighted(digits, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
    // The second and third digits are the province.
    let province =
        matches!(number(digits, 1, 2), 10..=27 | 30..=49 | 50..=58 | 60..=67 | 70..=77 | 80..=86 | 90..=96);
    (11 - sum % 11) % 10 == at(digits, 12) && matches!(at(digits, 0), 1..=8) && province && !is_typed(digits)
}

/// Brazilian tax number of a person.
pub(in super::super) fn cpf(digits: &[u8]) -> bool {
    let check = |rest: u32| if rest < 2 { 0 } else { 11 - rest };
    check(weighted(digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) == at(digits, 9)
        && check(weighted(digits, &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) == at(digits, 10)
        && !is_typed(digits)
}

/// Brazilian tax number of a company.
pub(in super::super) fn cnpj(digits: &[u8]) -> bool {
    let check = |rest: u32| if rest < 2 { 0 } else { 11 - rest };
    check(weighted(digits, &[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) == at(digits, 12)
        && check(weighted(digits, &[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) == at(digits, 13)
        && !is_typed(digits)
}

/// Chinese resident identity number, its check character apart.
pub(in super::super) fn resident(digits: &[u8], check: u8) -> bool {
    let sum = weighted(digits, &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
    matches!(number(digits, 0, 2), 11..=82)
        && matches!(number(digits, 6, 2), 18..=20)
        && day(number(digits, 10, 2), number(digits, 12, 2))
        && b"10X98765432".get(sum as usize % 11) == Some(&check.to_ascii_uppercase())
}

/// Japanese individual number.
pub(in super::super) fn my_number(digits: &[u8]) -> bool {
    let rest = weighted(digits, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    (if rest < 2 { 0 } else { 11 - rest }) == at(digits, 11) && !is_typed(digits)
}

/// Turkish identity number.
pub(in super::super) fn tckn(digits: &[u8]) -> bool {
    let odd: u32 = [0, 2, 4, 6, 8].iter().map(|index| at(digits, *index)).sum();
    let even: u32 = [1, 3, 5, 7].iter().map(|index| at(digits, *index)).sum();
    at(digits, 0) != 0
        && (odd * 7 + 10 * 9 - even) % 10 == at(digits, 9)
        && (odd + even + at(digits, 9)) % 10 == at(digits, 10)
}

/// Nigerian national identity number.
pub(in super::super) fn nin(digits: &[u8]) -> bool {
    verhoeff(digits) && !is_typed(digits)
}

/// South African identity number.
pub(in super::super) fn rsa_id(digits: &[u8]) -> bool {
    luhn(digits) && day(number(digits, 2, 2), number(digits, 4, 2)) && at(digits, 10) < 2
}

/// Singaporean number of a business: eight digits and a letter.
pub(in super::super) fn uen_business(word: &[u8]) -> bool {
    letter(word, &[10, 4, 9, 3, 8, 2, 7, 1], b"XMKECAWLJDB")
}

/// Singaporean number of a company: nine digits and a letter.
pub(in super::super) fn uen_company(word: &[u8]) -> bool {
    letter(word, &[10, 8, 6, 4, 9, 7, 5, 3, 1], b"ZKCMDNERGWH")
}

fn letter(word: &[u8], weights: &[u32], letters: &[u8; 11]) -> bool {
    let Some((last, digits)) = word.split_last() else { return false };
    let sum: u32 =
        digits.iter().zip(weights).map(|(byte, weight)| u32::from(byte.wrapping_sub(b'0')) * weight).sum();
    letters.get(sum as usize % 11) == Some(last)
}

/// A mobile phone's own number.
pub(in super::super) fn imei(digits: &[u8]) -> bool {
    luhn(digits) && matches!(number(digits, 0, 2), 1 | 10 | 30..=35 | 44 | 45 | 49..=54 | 86 | 91 | 97..=99)
}
