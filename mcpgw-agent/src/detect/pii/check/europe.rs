//! Numbers of European countries.

use super::{at, day, luhn, mod_11_10, number, weighted};

/// NHS number of England, Wales and the Isle of Man.
pub(in super::super) fn nhs(digits: &[u8]) -> bool {
    weighted(digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11) && at(digits, 0) != 0
}

/// National Insurance number: the letters, not the digits, are restricted.
pub(in super::super) fn nino(word: &[u8]) -> bool {
    let &[first, second, .., last] = word else { return false };
    !b"DFIQUV".contains(&first)
        && !b"DFIQUVO".contains(&second)
        && !matches!(&[first, second], b"BG" | b"GB" | b"KN" | b"NK" | b"NT" | b"TN" | b"ZZ")
        && (b'A'..=b'D').contains(&last)
}

/// Spanish NIF or NIE; the letter is the number modulo 23.
pub(in super::super) fn nif(word: &[u8]) -> bool {
    let Some((letter, rest)) = word.split_last() else { return false };
    let value = rest.iter().enumerate().try_fold(0_u32, |sum, (index, byte)| {
        let digit = match (index, byte) {
            (0, b'X') => 0,
            (0, b'Y') => 1,
            (0, b'Z') => 2,
            (_, b'0'..=b'9') => u32::from(byte - b'0'),
            _ => return None,
        };
        Some(sum * 10 + digit)
    });
    value.and_then(|value| b"TRWAGMYFPDXBNJZSQVHLCKE".get(value as usize % 23)) == Some(letter)
}

/// The odd places of the Italian fiscal code and of its check letter.
const ITALIAN_ODD: [u32; 26] =
    [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

/// Italian fiscal code.
pub(in super::super) fn fiscal_code(word: &[u8]) -> bool {
    let Some((last, rest)) = word.split_last() else { return false };
    let sum: u32 = rest
        .iter()
        .enumerate()
        .map(|(index, byte)| {
            let value = if byte.is_ascii_digit() { byte - b'0' } else { byte.saturating_sub(b'A') };
            if index % 2 == 0 {
                ITALIAN_ODD.get(usize::from(value)).copied().unwrap_or(0)
            } else {
                u32::from(value)
            }
        })
        .sum();
    u32::from(last.wrapping_sub(b'A')) == sum % 26
}

/// Italian VAT number.
pub(in super::super) fn partita_iva(digits: &[u8]) -> bool {
    luhn(digits) && number(digits, 0, 7) != 0
}

/// PESEL of Poland: a date with the century in its month.
pub(in super::super) fn pesel(digits: &[u8]) -> bool {
    day(number(digits, 2, 2) % 20, number(digits, 4, 2))
        && weighted(digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
}

/// Finnish personal identity code, without its century sign: DDMMYY, three digits, a check character.
pub(in super::super) fn hetu(digits: &[u8], check: u8) -> bool {
    day(number(digits, 2, 2), number(digits, 0, 2))
        && b"0123456789ABCDEFHJKLMNPRSTUVWXY".get(number(digits, 0, 9) as usize % 31)
            == Some(&check.to_ascii_uppercase())
}

/// Swedish personal number, with a date or with a day 60 higher.
pub(in super::super) fn personnummer(digits: &[u8]) -> bool {
    let digits = digits.get(digits.len().saturating_sub(10)..).unwrap_or_default();
    let born = number(digits, 4, 2);
    luhn(digits) && day(number(digits, 2, 2), if born > 60 { born - 60 } else { born })
}

/// Swedish organisation number: its third digit is 2 or more, so it is no date.
pub(in super::super) fn organisationsnummer(digits: &[u8]) -> bool {
    luhn(digits) && at(digits, 2) >= 2 && matches!(at(digits, 0), 1..=3 | 5..=9)
}

/// German tax identification number: one of its first ten digits stands two or three times.
pub(in super::super) fn steuer_id(digits: &[u8]) -> bool {
    let count = |wanted: u8| digits.iter().take(10).filter(|digit| **digit == wanted).count();
    let more = (0..10).map(count).filter(|count| *count > 1);
    at(digits, 0) != 0 && more.clone().count() == 1 && more.max() <= Some(3) && mod_11_10(digits)
}

/// German pension insurance number: area, date of birth, letter, serial, check.
pub(in super::super) fn versicherungsnummer(word: &[u8]) -> bool {
    let digits: [u32; 8] =
        std::array::from_fn(|index| word.get(index).map_or(0, |byte| u32::from(byte.wrapping_sub(b'0'))));
    let [a, b, c, d, e, f, g, h] = digits;
    let Some([letter, i, j, check]) = word.get(8..12) else { return false };
    let letter = u32::from(letter.wrapping_sub(b'A')) + 1;
    let (i, j, check) = (
        u32::from(i.wrapping_sub(b'0')),
        u32::from(j.wrapping_sub(b'0')),
        u32::from(check.wrapping_sub(b'0')),
    );
    let all = [a, b, c, d, e, f, g, h, letter / 10, letter % 10, i, j];
    let sum: u32 = all
        .iter()
        .zip([2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1])
        .map(|(digit, weight)| {
            let product = digit * weight;
            product / 10 + product % 10
        })
        .sum();
    // 50 is added to the day where two people would have the same number.
    day(e * 10 + f, (c * 10 + d) % 50) && sum % 10 == check && (1..=26).contains(&letter)
}

/// German health card: a letter as two digits, then digits, alternating weights 1 and 2.
pub(in super::super) fn health_card(word: &[u8]) -> bool {
    let Some((first, rest)) = word.split_first() else { return false };
    let letter = first.wrapping_sub(b'A') + 1;
    let mut digits = [letter / 10, letter % 10, 0, 0, 0, 0, 0, 0, 0, 0];
    digits.iter_mut().skip(2).zip(rest).for_each(|(to, byte)| *to = byte.wrapping_sub(b'0'));
    let sum: u32 = digits
        .iter()
        .enumerate()
        .map(|(index, digit)| {
            let product = u32::from(*digit) << (index % 2);
            product / 10 + product % 10
        })
        .sum();
    rest.last().is_some_and(|check| sum % 10 == u32::from(check.wrapping_sub(b'0')))
}

/// German identity card or passport: letters that cannot be read as others, and with ten characters a check digit of
/// the weights 7, 3, 1.
pub(in super::super) fn document(word: &[u8]) -> bool {
    let (body, check) = word.split_at(word.len().min(9));
    let sum: u32 = body
        .iter()
        .zip([7, 3, 1].iter().cycle())
        .map(|(byte, weight)| char::from(*byte).to_digit(36).unwrap_or(0) * weight)
        .sum();
    word.first().is_some_and(|first| b"CFGHJKLMNPRTVWXYZ".contains(first))
        && body.iter().all(|byte| byte.is_ascii_digit() || b"CFGHJKLMNPRTVWXYZ".contains(byte))
        && body.iter().filter(|byte| byte.is_ascii_digit()).count() >= 3
        && check.first().is_none_or(|check| u32::from(check.wrapping_sub(b'0')) == sum % 10)
}

/// German VAT number.
pub(in super::super) fn ust_id(word: &[u8]) -> bool {
    let mut digits = [0; 9];
    digits.iter_mut().zip(word.iter().skip(2)).for_each(|(to, byte)| *to = byte.wrapping_sub(b'0'));
    word.starts_with(b"DE") && mod_11_10(&digits)
}

/// French social security number with its key.
pub(in super::super) fn nir(digits: &[u8]) -> bool {
    let month = number(digits, 3, 2);
    let body = u64::from(number(digits, 0, 7)) * 1_000_000 + u64::from(number(digits, 7, 6));
    matches!(at(digits, 0), 1 | 2 | 7 | 8)
        && ((1..=12).contains(&month) || (20..=42).contains(&month) || month >= 50)
        && 97 - body % 97 == u64::from(number(digits, 13, 2))
}

/// Dutch citizen service number.
pub(in super::super) fn bsn(digits: &[u8]) -> bool {
    let sum = weighted(digits, &[9, 8, 7, 6, 5, 4, 3, 2]);
    sum % 11 == at(digits, 8) && sum != 0
}

/// Belgian national number.
pub(in super::super) fn rijksregister(digits: &[u8]) -> bool {
    let (body, check) = (u64::from(number(digits, 0, 9)), u64::from(number(digits, 9, 2)));
    number(digits, 2, 2) <= 12
        && number(digits, 4, 2) <= 31
        && (97 - body % 97 == check || 97 - (2_000_000_000 + body) % 97 == check)
}

/// Portuguese tax number.
pub(in super::super) fn nif_pt(digits: &[u8]) -> bool {
    let rest = weighted(digits, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    (if rest < 2 { 0 } else { 11 - rest }) == at(digits, 8) && matches!(at(digits, 0), 1..=3 | 5..=9)
}

/// Czech and Slovak birth number of ten digits.
pub(in super::super) fn rodne_cislo(digits: &[u8]) -> bool {
    let month = number(digits, 2, 2) % 50;
    day(if month > 20 { month - 20 } else { month }, number(digits, 4, 2))
        && (u64::from(number(digits, 0, 9)) * 10 + u64::from(at(digits, 9))).is_multiple_of(11)
}

/// Romanian personal number.
pub(in super::super) fn cnp(digits: &[u8]) -> bool {
    let rest = weighted(digits, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
    at(digits, 0) != 0
        && day(number(digits, 3, 2), number(digits, 5, 2))
        && (if rest == 10 { 1 } else { rest }) == at(digits, 12)
}

/// Hungarian social security number.
pub(in super::super) fn taj(digits: &[u8]) -> bool {
    weighted(digits, &[3, 7, 3, 7, 3, 7, 3, 7]) % 10 == at(digits, 8)
}

/// Norwegian birth number.
pub(in super::super) fn fodselsnummer(digits: &[u8]) -> bool {
    let born = number(digits, 0, 2);
    day(number(digits, 2, 2) % 40, if born > 40 { born - 40 } else { born })
        && weighted(digits, &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]).is_multiple_of(11)
        && weighted(digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}

/// Danish civil number: only its date can be checked.
pub(in super::super) fn cpr(digits: &[u8]) -> bool {
    day(number(digits, 2, 2), number(digits, 0, 2))
}

/// Polish tax number.
pub(in super::super) fn nip(digits: &[u8]) -> bool {
    weighted(digits, &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == at(digits, 9) && at(digits, 0) != 0
}

/// Swiss social insurance number: an EAN-13 of the country prefix 756.
pub(in super::super) fn ahv(digits: &[u8]) -> bool {
    number(digits, 0, 3) == 756
        && weighted(digits, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10)
}
