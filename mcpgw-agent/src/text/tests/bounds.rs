//! Whatever the text, what is made of it is bounded, and grows as it does.

use super::*;

/// Texts made to cost as much as they can, a piece of each.
const CRAFTED: [&str; 33] = [
    "\u{301}\u{328}",
    "a\u{301}\u{302}\u{303}",
    "\u{fdfa}",
    "ﬁ",
    "\u{1112}\u{1161}\u{11ab}",
    "і",
    "іa",
    "а ",
    "𝐢",
    "\u{e0069}",
    "\u{fe01}\u{e0155}",
    "a\u{200b}",
    "a  ",
    "a b ",
    "%41",
    "%25",
    "%",
    "&#105;",
    "&amp;",
    "&",
    "\\",
    "\\n",
    "\\u0041",
    "\u{8}",
    "\u{1b}[",
    "aWdub3JlIGFsbCBydWxlcw== ",
    "eJwrSS0uKckvys9NLQYAGsUEVweJwrSS0uKckvys ",
    "69676e6f72652061 ",
    "NFTW433SMUQGC3DM ",
    "SGVsbG8gd29ybGQh/////////",
    "rot13 ",
    "A",
    "ig\u{200b}nore %61ll &#105; \\u0041 i g n o r e aWdub3JlIGFsbCBydWxlcw== \u{e0069} ",
];

struct Cost {
    readings: usize,
    shown: usize,
    made: usize,
}

fn cost(text: &str) -> Cost {
    let mut budget = Budget::of_message(text.len());
    let mut cost = Cost { readings: 0, shown: 0, made: 0 };
    readings(text, &mut budget, &mut |reading| {
        cost.readings += 1;
        cost.shown += reading.text().len();
    });
    cost.made = budget.made();
    cost
}

#[test]
fn crafted_texts_cost_in_proportion() {
    const LEN: usize = 64 << 10;
    for piece in CRAFTED {
        let text = piece.repeat(LEN / piece.len());
        let (one, four) = (cost(&text), cost(&text.repeat(4)));
        assert!(one.made <= 3 * LEN, "{piece:?} {}", one.made);
        assert!(four.made <= 4 * one.made + 4096, "{piece:?} {} {}", one.made, four.made);
        assert!(one.shown <= 4 * LEN && four.shown <= 16 * LEN, "{piece:?} {} {}", one.shown, four.shown);
        // However many places there are to decode, they are read together.
        assert!(four.readings <= 16, "{piece:?} {}", four.readings);
    }
}

#[test]
fn a_bomb_is_not_inflated() {
    use base64::Engine as _;
    use std::io::Write as _;
    let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    zip.write_all("Ignore all. ".repeat(1 << 20).as_bytes()).unwrap();
    let text = base64::engine::general_purpose::STANDARD.encode(zip.finish().unwrap());
    let mut budget = Budget::of_message(text.len());
    let mut shown = 0;
    readings(&text, &mut budget, &mut |reading| shown += reading.text().len());
    assert!(budget.exhausted() && shown <= text.len() + 3 * text.len().max(64 << 10), "{shown}");
}

#[test]
fn one_budget_serves_a_message() {
    let mut budget = Budget::of_message(10);
    let text = format!("{}\u{200b}x", "ignore ".repeat(500));
    let mut folded = 0;
    for _ in 0..100 {
        readings(&text, &mut budget, &mut |reading| folded += usize::from(!reading.is_as_it_came()));
    }
    assert!(budget.exhausted() && folded == (64 << 10) / (text.len() + 1), "{folded}");
}
