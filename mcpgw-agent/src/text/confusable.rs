//! Letters of other scripts that look like those of ASCII.

use std::sync::LazyLock;

/// Each character of ASCII with those that look like it: Cyrillic, Greek, Armenian, Cherokee and phonetic letters used to
/// deceive, dashes, dots, slashes and quotes. What NFKC folds already (full width, mathematical letters, ligatures) is not
/// listed.
const LOOK_ALIKES: [(char, &str); 56] = [
    ('a', "аαɑᴀ"),
    ('A', "АΑᎪ"),
    ('B', "ВΒ"),
    ('c', "сϲᴄ"),
    ('C', "СϹᏟ"),
    ('d', "ԁᴅ"),
    ('e', "еёєεᴇ"),
    ('E', "ЕЁΕᎬ"),
    ('h', "һհ"),
    ('H', "НΗᎻ"),
    ('i', "іїιıɩ"),
    ('I', "ІЇӀΙ"),
    ('j', "јᴊ"),
    ('J', "Ј"),
    ('k', "кκᴋ"),
    ('K', "КΚ"),
    ('l', "ӏ"),
    ('M', "МΜᎷ"),
    ('m', "мᴍ"),
    ('n', "пηո"),
    ('o', "оοσօᴏ"),
    ('O', "ОΟՕ"),
    ('p', "рρքᴘ"),
    ('P', "РΡᏢ"),
    ('q', "ԛ"),
    ('Q', "Ԛ"),
    ('r', "г"),
    ('s', "ѕꜱ"),
    ('S', "ЅᏚ"),
    ('t', "тτᴛ"),
    ('T', "ТΤ"),
    ('y', "уүγ"),
    ('Y', "УҮΥ"),
    ('v', "ѵνᴠ"),
    ('V', "Ѵ"),
    ('w', "ԝѡωᴡ"),
    ('W', "Ԝ"),
    ('x', "хχ"),
    ('X', "ХΧ"),
    ('Z', "Ζ"),
    ('N', "Νɴ"),
    ('u', "υսᴜ"),
    ('U', "Ս"),
    ('g', "ցɡ"),
    ('D', "Ꭰ"),
    ('R', "Ꮢʀ"),
    ('L', "ʟ"),
    ('z', "ᴢ"),
    ('-', "‐‑‒–—−﹣"),
    ('/', "∕⁄⧸╱"),
    ('\\', "∖⧵"),
    ('.', "․。·"),
    ('\'', "‘’ʼ"),
    ('"', "“”"),
    ('*', "∗"),
    ('|', "∣ǀ"),
];

/// More of them, for those who look a second time: what they read beside the text as it came is only another reading.
const MORE: [(char, &str); 56] = [
    ('a', "ɐ⍺"),
    ('b', "ьƀɓƅᏏᑲɞ"),
    ('B', "ꓐ𐊂ᏴƁ"),
    ('c', "ƈȼⲥ𐐽"),
    ('C', "Ⲥꓚ"),
    ('d', "ɖɗᏧᑯƌ"),
    ('D', "ᗞꓓ"),
    ('e', "ҽɇǝə℮"),
    ('E', "ꓰⴹƐ"),
    ('f', "ƒꜰẝ"),
    ('F', "ϜꓝᖴҒ"),
    ('g', "ɢǥɠᶃ"),
    ('G', "ᏀᏳԌꓖ"),
    ('h', "ʜɦᏂꮒ"),
    ('H', "ꓧⲎ"),
    ('i', "ɪɨᎥꙇ"),
    ('I', "Ɩⵏꓲ"),
    ('j', "ɉյϳʝ"),
    ('J', "ᎫꓙͿ"),
    ('k', "ĸƙꝁⲕ"),
    ('K', "ᏦꓗⲔ"),
    ('l', "ƚɫɭ"),
    ('L', "ᏞꓡԼ"),
    ('m', "ɱʍꮇ"),
    ('M', "ꓟⲘϺ"),
    ('n', "ɲŋռƞɳ"),
    ('N', "ꓠⲚ"),
    ('o', "ɵ๐ዐ೦൦०০੦૦௦ⲟ"),
    ('O', "ꓳⲞⵔ"),
    ('p', "ƥⲣꝑϸ"),
    ('P', "ꓑⲢ"),
    ('q', "ɋզգʠ"),
    ('Q', "ⵕ"),
    ('r', "ɍɼⲅꭇɾ"),
    ('R', "ꓣᖇ"),
    ('s', "ʂꮪ"),
    ('S', "ꓢՏ"),
    ('t', "ƭʈ"),
    ('T', "Ꭲꓔ"),
    ('u', "ʋʊ"),
    ('U', "ꓴᑌ"),
    ('V', "ꓦᏙᐯ"),
    ('w', "ɯաᏔ"),
    ('W', "Ꮃꓪ"),
    ('X', "ꓫⲬ"),
    ('y', "ʏɏƴ"),
    ('Y', "ꓬⲨᎩ"),
    ('z', "ʐƶ"),
    ('Z', "ᏃꓜƵ"),
    (':', "ː꞉˸׃"),
    ('<', "‹"),
    ('>', "›"),
    ('%', "٪"),
    ('&', "ꝸ"),
    ('-', "⁃➖"),
    ('\'', "′ꞌ"),
];

/// By the look-alike, in order.
static TABLE: LazyLock<Vec<(char, char)>> = LazyLock::new(|| in_order(&LOOK_ALIKES));
/// Those of [`MORE`] too.
static WIDE: LazyLock<Vec<(char, char)>> =
    LazyLock::new(|| in_order(&[&LOOK_ALIKES[..], &MORE[..]].concat()));

fn in_order(pairs: &[(char, &str)]) -> Vec<(char, char)> {
    let pairs = pairs.iter().flat_map(|(ascii, alike)| alike.chars().map(|alike| (alike, *ascii)));
    let mut table: Vec<(char, char)> = pairs.collect();
    table.sort_unstable();
    table
}

/// The character of ASCII that `character` looks like.
pub(super) fn ascii(character: char) -> Option<char> {
    look_up(&TABLE, character)
}

/// What a look-alike is, and which character of ASCII it looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alike {
    /// A Latin letter that ordinary words have none of, or a picture of a letter.
    Latin(char),
    /// A letter of another script.
    Other(char),
    /// No letter.
    Sign(char),
}

/// The character of ASCII that `character` looks like, found in the larger table.
pub(super) fn alike(character: char) -> Option<Alike> {
    let ascii = match character {
        // White on black, in circles and squares; and the letters flags are made of. Case is not theirs.
        '\u{1f150}'..='\u{1f169}' => pictured(character, '\u{1f150}'),
        '\u{1f170}'..='\u{1f189}' => pictured(character, '\u{1f170}'),
        '\u{1f1e6}'..='\u{1f1ff}' => pictured(character, '\u{1f1e6}'),
        // Han, Hangul, and their company have none.
        '\u{3000}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7ff}' => None,
        _ => {
            let ascii = look_up(&WIDE, character)?;
            return Some(match character {
                _ if !ascii.is_ascii_alphabetic() => Alike::Sign(ascii),
                '\u{c0}'..='\u{2af}'
                | '\u{1d00}'..='\u{1d7f}'
                | '\u{1e00}'..='\u{1eff}'
                | '\u{a720}'..='\u{a7ff}'
                | '\u{ab30}'..='\u{ab6f}' => Alike::Latin(ascii),
                _ => Alike::Other(ascii),
            });
        }
    };
    ascii.map(Alike::Latin)
}

fn pictured(character: char, first: char) -> Option<char> {
    let nth = u32::from(character).checked_sub(u32::from(first))?;
    char::from_u32(u32::from('a') + nth)
}

fn look_up(table: &[(char, char)], character: char) -> Option<char> {
    if character.is_ascii() {
        return None;
    }
    let found = table.binary_search_by_key(&character, |(alike, _)| *alike).ok()?;
    table.get(found).map(|(_, ascii)| *ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_look_alike_is_listed_once_and_is_not_ascii() {
        for table in [&TABLE, &WIDE] {
            for pair in table.windows(2) {
                assert!(pair[0].0 < pair[1].0, "{pair:?}");
            }
            assert!(table.iter().all(|(alike, ascii)| !alike.is_ascii() && ascii.is_ascii()));
        }
        assert_eq!((ascii('о'), ascii('o'), ascii('ж')), (Some('o'), None, None));
    }
}
