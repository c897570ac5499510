//! What numbers the countries have.

/// How many digits follow a country's code, as a pair.
fn lengths(code: u32) -> Option<(usize, usize)> {
    Some(match code {
        1 => (10, 10),
        7 => (10, 10),
        20 => (8, 10),
        27 => (9, 9),
        30 => (10, 10),
        31 => (9, 9),
        32 => (8, 9),
        33 => (9, 9),
        34 => (9, 9),
        36 => (8, 9),
        39 => (6, 11),
        40 => (9, 9),
        41 => (9, 9),
        43 => (6, 13),
        44 => (9, 10),
        45 => (8, 8),
        46 => (7, 10),
        47 => (8, 8),
        48 => (9, 9),
        49 => (6, 11),
        51 => (8, 9),
        52 => (10, 11),
        53 => (8, 8),
        54 => (10, 11),
        55 => (10, 11),
        56 => (9, 9),
        57 => (8, 10),
        58 => (10, 10),
        60 => (8, 10),
        61 => (9, 9),
        62 => (8, 12),
        63 => (8, 10),
        64 => (8, 10),
        65 => (8, 8),
        66 => (8, 9),
        81 => (9, 10),
        82 => (8, 10),
        84 => (9, 10),
        86 => (10, 11),
        90 => (10, 10),
        91 => (10, 10),
        92 => (9, 10),
        93 => (9, 9),
        94 => (9, 9),
        95 => (7, 10),
        98 => (10, 10),
        211..=213 | 216 | 218 | 220..=269 | 290 | 291 | 297..=299 => (6, 10),
        350..=359 | 370..=378 | 380..=383 | 385..=387 | 389 => (6, 12),
        420 | 421 => (9, 9),
        423 => (7, 9),
        500..=509 | 590..=599 => (5, 11),
        670 | 672..=683 | 685..=692 => (5, 9),
        850 | 852 | 853 | 855 | 856 | 880 | 886 => (7, 10),
        960..=968 | 970..=977 | 992..=996 | 998 => (7, 10),
        800 | 808 | 870 | 878 | 881..=883 | 888 | 979 => (6, 12),
        _ => return None,
    })
}

/// Whether the digits, written behind a `+`, are a country's code and a number as long as the country's are.
pub(super) fn is_international(digits: &[u8]) -> bool {
    (1..=3).any(|length| {
        let (code, rest) = digits.split_at(length.min(digits.len()));
        let code = code.iter().fold(0, |code, digit| code * 10 + u32::from(*digit));
        // A trunk zero is often left in: +44 (0)20.
        let rest = if code == 39 { rest } else { rest.strip_prefix(&[0]).unwrap_or(rest) };
        let fits = lengths(code).is_some_and(|(least, most)| (least..=most).contains(&rest.len()));
        fits && (code != 1 || rest.first().is_some_and(|digit| *digit > 1))
    })
}

/// Area and exchange begin with 2 to 9, and no area ends in 11.
pub(super) fn is_american(digits: &[u8]) -> bool {
    matches!(digits, [2..=9, ten, one, 2..=9, ..] if (*ten, *one) != (1, 1))
}

/// Areas that cost the caller nothing, or that a business pays for.
pub(super) fn is_free(digits: &[u8]) -> bool {
    matches!(digits, [8, 0, 0, ..] | [9, 0, 0, ..])
        || matches!(digits, [8, one, same, ..] if one == same && *one > 2)
}

/// Mobile networks and areas of Turkey, where ten digits are written without the zero.
pub(super) fn is_turkish(digits: &[u8]) -> bool {
    let area = digits.iter().take(3).fold(0, |area, digit| area * 10 + u32::from(*digit));
    digits.len() == 10
        && matches!(area, 212 | 216 | 222..=488 | 501 | 505..=507 | 530..=549 | 551..=559 | 561)
        && area % 2 == if area < 500 { 0 } else { area % 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(text: &str) -> Vec<u8> {
        text.bytes().map(|byte| byte - b'0').collect()
    }

    #[test]
    fn plans_know_how_long_numbers_are() {
        for right in
            ["442079460958", "4402079460958", "14155552671", "33612345678", "8613812345678", "351912345678"]
        {
            assert!(is_international(&digits(right)), "{right}");
        }
        for wrong in ["", "1", "4420", "11155552671", "99912345678", "3361234567890"] {
            assert!(!is_international(&digits(wrong)), "{wrong}");
        }
    }

    #[test]
    fn areas_are_known() {
        assert!(
            is_american(&digits("4155552671"))
                && !is_american(&digits("4151552671"))
                && !is_american(&digits("9115552671"))
        );
        assert!(
            is_free(&digits("8005550199"))
                && is_free(&digits("8885550199"))
                && !is_free(&digits("8225550199"))
        );
        assert!(
            is_turkish(&digits("5429876543"))
                && is_turkish(&digits("3124567890"))
                && !is_turkish(&digits("9187654321"))
        );
    }
}
