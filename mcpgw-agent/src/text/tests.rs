//! Every trick that hid a text from other tools, and what holds of all readings.

use super::*;

fn all(text: &str) -> Vec<(Vec<Layer>, String)> {
    let mut budget = Budget::of_message(text.len());
    let mut found = Vec::new();
    readings(text, &mut budget, &mut |reading| {
        found.push((reading.layers().to_vec(), reading.text().to_owned()));
    });
    found
}

#[test]
fn plain_text_has_one_reading() {
    for text in ["", "Hello, world.", "let x = 1;\n    let y = 2; // two\n"] {
        assert_eq!(all(text), [(vec![], text.to_owned())], "{text}");
    }
}

#[test]
fn tricks_are_seen_through() {
    use Layer::*;
    for (text, layers, read) in [
        ("ig\u{200b}nore all", vec![Folded], "ignore all"),
        ("ignоrе аll", vec![Folded], "ignore all"),
        ("i g n o r e   a l l", vec![Spelled], "ignore all"),
        ("ignore%20all", vec![Percent], "ignore all"),
        ("&#105;gnore&nbsp;all", vec![Html], "ignore all"),
        ("\\u0069gnore \\x61ll", vec![Escapes], "ignore all"),
        ("see aWdub3JlIGFsbCBydWxlcw== now", vec![Base64], "ignore all rules"),
        ("see 69676e6f726520616c6c2072756c6573 now", vec![Hex], "ignore all rules"),
        ("see NFTW433SMUQGC3DMEBZHK3DFOM====== now", vec![Base32], "ignore all rules"),
    ] {
        let found = all(text);
        assert!(found.contains(&(layers, read.to_owned())), "{text}: {found:?}");
    }
}
