//! HTML's character references.

/// Bytes of the longest name or number that is looked at.
const LONGEST: usize = 10;

/// The common names; all others stand for what no detector goes by.
const NAMES: [(&str, char); 48] = [
    ("AMP", '&'),
    ("GT", '>'),
    ("LT", '<'),
    ("NewLine", '\n'),
    ("QUOT", '"'),
    ("Tab", '\t'),
    ("amp", '&'),
    ("apos", '\''),
    ("ast", '*'),
    ("bsol", '\\'),
    ("bull", '•'),
    ("colon", ':'),
    ("comma", ','),
    ("commat", '@'),
    ("copy", '©'),
    ("dollar", '$'),
    ("equals", '='),
    ("excl", '!'),
    ("grave", '`'),
    ("gt", '>'),
    ("hellip", '…'),
    ("hyphen", '-'),
    ("laquo", '«'),
    ("lbrace", '{'),
    ("lbrack", '['),
    ("lcub", '{'),
    ("ldquo", '“'),
    ("lowbar", '_'),
    ("lpar", '('),
    ("lsqb", '['),
    ("lsquo", '‘'),
    ("lt", '<'),
    ("mdash", '—'),
    ("nbsp", ' '),
    ("ndash", '–'),
    ("num", '#'),
    ("percnt", '%'),
    ("period", '.'),
    ("plus", '+'),
    ("quest", '?'),
    ("quot", '"'),
    ("raquo", '»'),
    ("rdquo", '”'),
    ("rsquo", '\''),
    ("semi", ';'),
    ("shy", '\u{ad}'),
    ("sol", '/'),
    ("vert", '|'),
];

/// What the reference at the start of `bytes`, its `&`, stands for, and how long it is.
pub(super) fn reference(bytes: &[u8]) -> Option<(char, usize)> {
    match bytes {
        [b'&', b'#', b'x' | b'X', rest @ ..] => number(rest, 16).map(|(found, len)| (found, len + 3)),
        [b'&', b'#', rest @ ..] => number(rest, 10).map(|(found, len)| (found, len + 2)),
        [b'&', rest @ ..] => {
            let len = rest.iter().take(LONGEST).position(|byte| *byte == b';')?;
            let name = str::from_utf8(rest.get(..len)?).ok()?;
            let found = NAMES.binary_search_by_key(&name, |(name, _)| name).ok()?;
            NAMES.get(found).map(|(_, character)| (*character, len + 2))
        }
        _ => None,
    }
}

/// Browsers do not ask for the semicolon.
fn number(bytes: &[u8], radix: u32) -> Option<(char, usize)> {
    let digits = bytes.iter().take(LONGEST).take_while(|byte| char::from(**byte).is_digit(radix)).count();
    let text = str::from_utf8(bytes.get(..digits)?).ok()?;
    let found = u32::from_str_radix(text, radix).ok().and_then(char::from_u32)?;
    let closed = bytes.get(digits) == Some(&b';');
    Some((found, digits + usize::from(closed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_names_and_numbers() {
        assert!(NAMES.is_sorted_by_key(|(name, _)| name));
        for (text, found) in [
            ("&lt;", Some(('<', 4))),
            ("&#105;g", Some(('i', 6))),
            ("&#x69g", Some(('i', 5))),
            ("&#X0000069;", Some(('i', 11))),
            ("&#xd800;", None),
            ("&#;", None),
            ("&nothing;", None),
            ("&amp", None),
            ("& lt;", None),
        ] {
            assert_eq!(reference(text.as_bytes()), found, "{text}");
        }
    }
}
