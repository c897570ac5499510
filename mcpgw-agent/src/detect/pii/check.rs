//! Check digits.
//!
//! A function here takes the values of digits (0 to 9) or the ASCII bytes of a word, and says whether they hold together.
//! A random number passes most of them one time in ten or eleven: they turn a shape into evidence, not into proof.

mod europe;
mod world;

pub(super) use europe::*;
pub(super) use world::*;

/// The digit at `index`; 0 where there is none.
pub(super) fn at(digits: &[u8], index: usize) -> u32 {
    digits.get(index).map_or(0, |digit| u32::from(*digit))
}

/// The number the digits from `start` make, `length` of them (at most 9).
pub(super) fn number(digits: &[u8], start: usize, length: usize) -> u32 {
    (start..start + length).fold(0, |sum, index| sum * 10 + at(digits, index))
}

/// The sum of the digits, each times its weight.
pub(super) fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    weights.iter().zip(digits).map(|(weight, digit)| weight * u32::from(*digit)).sum()
}

/// All the same digit, or counting up or down by one: what people type when they need some number.
pub(super) fn is_typed(digits: &[u8]) -> bool {
    let step = |by: u8| digits.windows(2).all(|pair| matches!(pair, [a, b] if (*a + by) % 10 == *b));
    step(0) || step(1) || step(9)
}

/// Luhn (ISO/IEC 7812).
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| {
            let value = u32::from(*digit) << (index % 2);
            if value > 9 { value - 9 } else { value }
        })
        .sum();
    sum.is_multiple_of(10) && digits.iter().any(|digit| *digit != 0)
}

/// Verhoeff's dihedral check.
pub(super) fn verhoeff(digits: &[u8]) -> bool {
    let entry = |table: &[[u8; 10]], row: usize, column: u8| {
        table.get(row).and_then(|row| row.get(usize::from(column))).copied().unwrap_or(0)
    };
    let check = digits.iter().rev().enumerate().fold(0, |check, (index, digit)| {
        entry(&PRODUCTS, usize::from(check), entry(&PERMUTED, index % 8, *digit))
    });
    check == 0 && digits.iter().any(|digit| *digit != 0)
}

/// The multiplication of the group D5: below 5 are its rotations, from 5 on its reflections.
static PRODUCTS: [[u8; 10]; 10] = {
    let mut products = [[0; 10]; 10];
    let mut at = 0_u8;
    while at < 100 {
        let (a, b) = (at / 10, at % 10);
        #[expect(clippy::indexing_slicing, reason = "at compile time, of a table with all digits")]
        {
            products[a as usize][b as usize] = match (a < 5, b < 5) {
                (true, true) => (a + b) % 5,
                (true, false) => (a + b - 5) % 5 + 5,
                (false, true) => (a - b) % 5 + 5,
                (false, false) => (a + 5 - b) % 5,
            };
        }
        at += 1;
    }
    products
};

/// Each digit, permuted as often as the row says.
static PERMUTED: [[u8; 10]; 8] = {
    const ONCE: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let mut rows = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]; 8];
    let mut at = 10_usize;
    while at < 80 {
        #[expect(clippy::indexing_slicing, reason = "at compile time, of a table with all digits")]
        {
            rows[at / 10][at % 10] = ONCE[rows[at / 10 - 1][at % 10] as usize];
        }
        at += 1;
    }
    rows
};

/// ISO 7064 MOD 11,10, the last digit being the check.
pub(super) fn mod_11_10(digits: &[u8]) -> bool {
    let Some((check, rest)) = digits.split_last() else { return false };
    let product = rest.iter().fold(10, |product, digit| {
        let sum = (u32::from(*digit) + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10 == u32::from(*check)
}

/// A calendar day. Two-digit years are any.
pub(super) fn day(month: u32, day: u32) -> bool {
    (1..=12).contains(&month) && (1..=31).contains(&day)
}

/// The country's length of an IBAN, and 1 modulo 97. Letters in either case, no separators.
pub(super) fn iban(word: &[u8]) -> bool {
    let Some(length) = word.first_chunk().and_then(|country| iban_length(*country)) else { return false };
    word.len() == length && word.get(2..4).is_some_and(|check| check.iter().all(u8::is_ascii_digit)) && {
        let (head, tail) = word.split_at(4);
        tail.iter()
            .chain(head)
            .try_fold(0_u64, |rest, byte| {
                let (scale, value) = match byte {
                    b'0'..=b'9' => (10, byte - b'0'),
                    b'A'..=b'Z' => (100, byte - b'A' + 10),
                    b'a'..=b'z' => (100, byte - b'a' + 10),
                    _ => return None,
                };
                // Divided seldom: the largest rest still has room for a letter.
                let rest = if rest < 1 << 50 { rest } else { rest % 97 };
                Some(rest * scale + u64::from(value))
            })
            .map(|rest| rest % 97)
            == Some(1)
    }
}

/// Characters of a country's IBANs, by its two letters in either case.
pub(super) fn iban_length(country: [u8; 2]) -> Option<usize> {
    Some(match &country.map(|byte| byte.to_ascii_uppercase()) {
        b"NO" => 15,
        b"BE" => 16,
        b"DK" | b"FI" | b"FK" | b"FO" | b"GL" | b"NL" | b"SD" => 18,
        b"MK" | b"SI" => 19,
        b"AT" | b"BA" | b"EE" | b"KZ" | b"LT" | b"LU" | b"MN" | b"XK" => 20,
        b"CH" | b"CR" | b"HR" | b"LI" | b"LV" => 21,
        b"BG" | b"BH" | b"DE" | b"GB" | b"GE" | b"IE" | b"ME" | b"RS" => 22,
        b"AE" | b"GI" | b"IL" | b"IQ" | b"OM" | b"SO" | b"TL" => 23,
        b"AD" | b"CZ" | b"DZ" | b"ES" | b"MD" | b"PK" | b"RO" | b"SA" | b"SE" | b"SK" | b"TN" | b"VA"
        | b"VG" => 24,
        b"LY" | b"PT" | b"ST" => 25,
        b"IR" | b"IS" | b"TR" => 26,
        b"AO" | b"BF" | b"BI" | b"CF" | b"CG" | b"CM" | b"DJ" | b"EG" | b"FR" | b"GA" | b"GQ" | b"GR"
        | b"IT" | b"KM" | b"MC" | b"MG" | b"MR" | b"SM" | b"TG" | b"GW" => 27,
        b"AL" | b"AZ" | b"BJ" | b"BY" | b"CI" | b"CV" | b"CY" | b"DO" | b"GT" | b"HN" | b"HU" | b"LB"
        | b"ML" | b"MZ" | b"NE" | b"NI" | b"PL" | b"SN" | b"SV" | b"PS" | b"MA" => 28,
        b"BR" | b"QA" | b"UA" => 29,
        b"JO" | b"KW" | b"MU" | b"YE" => 30,
        b"MT" | b"SC" => 31,
        b"LC" => 32,
        b"RU" => 33,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(text: &str) -> Vec<u8> {
        text.bytes().filter(u8::is_ascii_digit).map(|byte| byte - b'0').collect()
    }

    #[test]
    fn general_checks_hold_for_published_examples_and_for_no_neighbour() {
        type Check = fn(&[u8]) -> bool;
        let cases: [(&str, Check, &str); 4] = [
            ("luhn", luhn, "4111111111111111"),
            ("verhoeff", verhoeff, "2363"),
            ("mod 11,10", mod_11_10, "86095742719"),
            ("luhn", luhn, "79927398713"),
        ];
        for (name, check, text) in cases {
            let right = digits(text);
            assert!(check(&right), "{name}");
            for wrong in 1..10 {
                let mut changed = right.clone();
                let last = changed.last_mut().unwrap();
                *last = (*last + wrong) % 10;
                assert!(!check(&changed), "{name} {changed:?}");
            }
        }
    }

    #[test]
    fn ibans_have_their_length_and_their_rest() {
        for right in [
            "GB82WEST12345698765432",
            "de89370400440532013000",
            "NO9386011117947",
            "MT84MALT011000012345MTLCAST001S",
        ] {
            assert!(iban(right.as_bytes()), "{right}");
        }
        for wrong in [
            "GB82WEST12345698765431",
            "GB82WEST123456987654",
            "XX82WEST12345698765432",
            "GBX2WEST12345698765432",
            "",
            "GB",
        ] {
            assert!(!iban(wrong.as_bytes()), "{wrong}");
        }
    }

    #[test]
    fn typed_numbers_are_known() {
        assert!(
            is_typed(&digits("1111111")) && is_typed(&digits("123456789")) && is_typed(&digits("987654321"))
        );
        assert!(!is_typed(&digits("482915037")));
    }
}
