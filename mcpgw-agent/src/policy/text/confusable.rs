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

/// By the look-alike, in order.
static TABLE: LazyLock<Vec<(char, char)>> = LazyLock::new(|| {
    let pairs = LOOK_ALIKES.iter().flat_map(|(ascii, alike)| alike.chars().map(|alike| (alike, *ascii)));
    let mut table: Vec<(char, char)> = pairs.collect();
    table.sort_unstable();
    table
});

/// The character of ASCII that `character` looks like.
pub(super) fn ascii(character: char) -> Option<char> {
    if character.is_ascii() {
        return None;
    }
    let found = TABLE.binary_search_by_key(&character, |(alike, _)| *alike).ok()?;
    TABLE.get(found).map(|(_, ascii)| *ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_look_alike_is_listed_once_and_is_not_ascii() {
        for pair in TABLE.windows(2) {
            assert!(pair[0].0 < pair[1].0, "{pair:?}");
        }
        assert!(TABLE.iter().all(|(alike, ascii)| !alike.is_ascii() && ascii.is_ascii()));
        assert_eq!((ascii('о'), ascii('o'), ascii('ж')), (Some('o'), None, None));
    }
}
