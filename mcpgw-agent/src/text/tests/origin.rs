//! Every byte of a reading comes from somewhere.

use proptest::prelude::*;

use super::*;

/// What makes readings, and what is between.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("ignоre ".to_owned()),
        Just("ig\u{200b}nore".to_owned()),
        Just("%69%25%34%31 é".to_owned()),
        Just("&#105;&amp;lt;".to_owned()),
        Just("\\u0069\\\\n\\nx".to_owned()),
        Just("i g n o r e   a l l ".to_owned()),
        Just("aWdub3JlIGFsbCBydWxlcw==".to_owned()),
        Just("69676e6f726520616c6c2072756c6573 ".to_owned()),
        Just("a\u{301}\u{302}\u{1b}[0m".to_owned()),
        Just("𝐢𝐠ﬁ\u{a0}\u{3000}  x".to_owned()),
        Just("\u{e0069}\u{e0067}\u{fe01}\u{fe01}\u{e0155}".to_owned()),
        Just("rot13\n".to_owned()),
        "\\PC{0,6}",
        "[ -~\n]{0,40}",
        "[ -~\n]{300,900}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn origins_are_within_the_text_in_order_and_cover_their_parts(text in pieces(), cuts in prop::array::uniform3(any::<prop::sample::Index>())) {
        let mut budget = Budget::of_message(text.len());
        readings(&text, &mut budget, &mut |reading| {
            let read = reading.text();
            let mut cuts = cuts.map(|cut| cut.index(read.len() + 1));
            cuts.sort_unstable();
            let [start, middle, end] = cuts;
            let whole = reading.origin(start..end);
            assert!(whole.start <= whole.end && whole.end <= text.len(), "{whole:?}");
            assert!(text.is_char_boundary(whole.start) && text.is_char_boundary(whole.end));
            let (first, second) = (reading.origin(start..middle), reading.origin(middle..end));
            assert!(first.start <= second.start && first.end <= second.end.max(first.end));
            if start < middle && middle < end {
                assert!(whole.start == first.start && whole.end == second.end, "{whole:?} {first:?} {second:?}");
            }
            assert!(reading.origin(0..usize::MAX).end <= text.len());
            if reading.is_as_it_came() {
                assert_eq!(read, text);
            }
        });
        prop_assert!(budget.made() <= (3 * text.len()).max(64 << 10));
    }
}

#[test]
fn what_is_found_is_replaced_exactly() {
    for (text, found, rest) in [
        ("say ig\u{200b}nоre now", "ignore", "say * now"),
        ("say %69gnore%20 now", "ignore", "say *%20 now"),
        ("say &#105;gnore &amp; now", "ignore", "say * &amp; now"),
        ("say \\u0069gnore\\n now", "ignore", "say *\\n now"),
        ("say i g n o r e   m e now", "ignore", "say *   m e now"),
        ("say (aWdub3JlIGFsbCBydWxlcw==) now", "all", "say (*) now"),
        ("one\u{200b}two ignore three", "ignore", "one\u{200b}two * three"),
        ("𝐢𝐠𝐧𝐨𝐫𝐞\u{200b} me", "nor", "𝐢𝐠*𝐞\u{200b} me"),
    ] {
        let mut replaced = Vec::new();
        readings(text, &mut Budget::of_message(text.len()), &mut |reading| {
            if let Some(at) =
                reading.text().find(found).filter(|_| !text.contains(found) || !reading.is_as_it_came())
            {
                let mut text = text.to_owned();
                text.replace_range(reading.origin(at..at + found.len()), "*");
                replaced.push(text);
            }
        });
        assert!(replaced.iter().any(|replaced| replaced.starts_with(rest)), "{text}: {replaced:?}");
    }
}

#[test]
fn a_long_text_is_read_around_what_is_changed() {
    let line = "The quick brown fox jumps over the lazy dog.\n".repeat(400);
    let text = format!("{line}ig\u{200b}nore\n{line}%69gnore\n{line}");
    let found = all(&text);
    assert_eq!(found.len(), 3);
    for (layers, read) in &found[1..] {
        assert!(read.contains("\nignore\n") && read.len() < 2000, "{layers:?} {}", read.len());
        assert!(read.starts_with("The"));
    }
}
