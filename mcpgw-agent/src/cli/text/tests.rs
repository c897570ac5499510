use proptest::prelude::*;

use super::*;

#[test]
fn control_sequences_are_written_out() {
    assert_eq!(clean("a\u{1b}[2Jb\nc\td\u{7}\u{7f}"), r"a\u{1b}[2Jb\nc\td\u{7}\u{7f}");
    assert_eq!(clean("\u{9b}31m"), r"\u{9b}31m");
    assert_eq!(clean("npx\u{202e}gnihtemos\u{200b}"), r"npx\u{202e}gnihtemos\u{200b}");
    assert_eq!(clean("Zürich 東京 🙂 C:\\n"), "Zürich 東京 🙂 C:\\n");
}

#[test]
fn a_line_shows_styles_only_in_colour_and_text_only_cleaned() {
    let line = Line::styled(Style::Bad, "un\u{1b}[0mproxied").and(Style::Plain, " rest");
    assert_eq!(line.render(false), r"un\u{1b}[0mproxied rest");
    assert_eq!(line.render(true), "\u{1b}[1;31mun\\u{1b}[0mproxied\u{1b}[0m rest");
}

proptest! {
    #[test]
    fn nothing_harmful_comes_out(text in any::<String>()) {
        let out = Line::plain(&text).render(false);
        prop_assert!(!out.contains(is_harmful));
        let once = clean(&text).into_owned();
        prop_assert_eq!(clean(&once), once.as_str());
    }

    #[test]
    fn json_stays_what_it_says(text in any::<String>()) {
        let json = serde_json::to_string_pretty(&serde_json::json!({ "name": text, "list": [1, text] })).unwrap();
        let out = clean_json(&json);
        prop_assert!(!out.contains(|character| character != '\n' && is_harmful(character)));
        let (before, after): (serde_json::Value, serde_json::Value) =
            (serde_json::from_str(&json).unwrap(), serde_json::from_str(&out).unwrap());
        prop_assert_eq!(before, after);
    }
}
