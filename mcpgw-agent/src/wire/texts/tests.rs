use proptest::prelude::*;

use super::*;
use crate::inventory::ChannelKind;

const PIPE: Channel = Channel { kind: ChannelKind::Fifo, ino: 7 };
const LIMIT: usize = 1000;

fn process(pid: u32) -> ProcessKey {
    ProcessKey { pid, start_ticks: 1 }
}

fn chunk(pid: u32, wrote: bool, offset: usize, bytes: &[u8], skipped: usize) -> (Lane, Chunk) {
    let source = StreamSource::Channel { channel: PIPE, process: process(pid), wrote };
    let lane = Lane { channel: PIPE, wrote, to_server: true };
    let chunk = Chunk {
        source,
        at: BootTime(1),
        connection: 0,
        offset: offset as u64,
        bytes: bytes.to_vec(),
        skipped: skipped.try_into().unwrap(),
        end: false,
    };
    (lane, chunk)
}

/// Texts, `?N` where N bytes are missing, `+` where one is over the limit.
fn words(told: &[Told]) -> Vec<String> {
    let word = |told: &Told| match &told.what {
        Passing::Text { text, .. } => String::from_utf8(text.to_vec()).unwrap(),
        Passing::Gap { bytes } => format!("?{bytes}"),
        Passing::Long(_) => "+".to_owned(),
    };
    told.iter().map(word).collect()
}

fn tell(chunks: impl IntoIterator<Item = (Lane, Chunk)>) -> Vec<String> {
    let (mut conversation, mut told) = (Conversation::new(LIMIT), Vec::new());
    chunks.into_iter().for_each(|(lane, chunk)| conversation.push(lane, &chunk, &mut told));
    conversation.finish(BootTime(2), &mut told);
    words(&told)
}

#[test]
fn what_both_sides_show_is_told_once() {
    let text = b"one\ntwo\r\n\ntwo\n";
    assert_eq!(tell([chunk(1, true, 0, text, 0), chunk(2, false, 0, text, 0)]), ["one", "two", "two"]);
    assert_eq!(tell([chunk(2, false, 0, text, 0), chunk(1, true, 0, text, 0)]), ["one", "two", "two"]);
    assert_eq!(tell([chunk(2, false, 0, text, 0)]), ["one", "two", "two"]);
}

#[test]
fn what_one_side_misses_the_other_has() {
    // The writer shows the start of a long line and loses the one after; the reader has all of it.
    let long = "x".repeat(500);
    let text = format!("a\n{long}\nb\nc\n");
    let chunks = [
        chunk(1, true, 0, b"a\n", 0),
        chunk(1, true, 2, &text.as_bytes()[2..100], 403),
        chunk(2, false, 0, text.as_bytes(), 0),
        chunk(1, true, 503, b"b\nc\n", 0),
    ];
    assert_eq!(tell(chunks), ["a", &long, "b", "c"]);
    // The reader was looked at too late.
    let chunks =
        [chunk(1, true, 0, b"a\nb\n", 0), chunk(2, false, 0, b"b\nc\n", 0), chunk(1, true, 4, b"c\n", 0)];
    assert_eq!(tell(chunks), ["a", "b", "c"]);
}

#[test]
fn what_both_sides_miss_is_told_as_missing() {
    let both = |pid, wrote| [chunk(pid, wrote, 0, b"a\n", 0), chunk(pid, wrote, 10, b"rest\nd\n", 0)];
    let [a, b] = both(1, true);
    let [c, d] = both(2, false);
    assert_eq!(tell([a, c, b, d]), ["a", "d", "?13"]);
    // And with one side only at once.
    let [a, b] = both(1, true);
    assert_eq!(tell([a, b]), ["a", "?13", "d"]);
    // What is never completed is missing, too.
    assert_eq!(tell([chunk(2, false, 0, b"a\nbcd", 0)]), ["a", "?3"]);
    assert_eq!(tell([chunk(2, false, 0, b"a\n  ", 0)]), ["a"]);
}

#[test]
fn a_gap_that_nobody_fills_is_told_after_a_while() {
    let (mut conversation, mut told) = (Conversation::new(LIMIT), Vec::new());
    for (lane, chunk) in [
        chunk(1, true, 0, b"a\n", 0),
        chunk(2, false, 0, b"a\n", 0),
        chunk(1, true, 9, b"\n", 0),
        chunk(2, false, 9, b"\n", 0),
    ] {
        conversation.push(lane, &chunk, &mut told);
    }
    conversation.expire(BootTime(2), &mut told);
    assert_eq!(words(&told), ["a"]);
    conversation.expire(BootTime(3_000_000_000), &mut told);
    assert_eq!(words(&told), ["a", "?8"]);
}

#[test]
fn each_side_misses_something_else_and_only_what_both_miss_is_missing() {
    let line = |number: usize| format!("{number:03}\n");
    let text: String = (0..100).map(line).collect();
    let lines = |pid, wrote, from: usize, to: usize| {
        chunk(pid, wrote, 4 * from, &text.as_bytes()[4 * from..4 * to], 0)
    };
    // The writer is forty lines ahead when nothing is told for a while; the line after a gap may be the rest of one.
    let chunks =
        [lines(1, true, 0, 50), lines(2, false, 0, 10), lines(1, true, 80, 100), lines(2, false, 40, 100)];
    let told = tell(chunks);
    let missing = told.iter().position(|word| word.starts_with('?')).map(|at| told[at].clone());
    assert_eq!(missing, None, "what the writer showed nobody misses: {told:?}");
    assert_eq!(told.len(), 100, "each is told once: {told:?}");
    // Here both miss lines 50 to 69, and 70, which may be the end of one.
    let chunks =
        [lines(1, true, 0, 50), lines(2, false, 0, 10), lines(1, true, 80, 100), lines(2, false, 70, 100)];
    let told = tell(chunks);
    assert_eq!(
        told.iter().filter(|word| word.starts_with('?')).collect::<Vec<_>>(),
        [&format!("?{}", 21 * 4)]
    );
    assert_eq!(told.len(), 100 - 21 + 1, "{told:?}");
}

#[test]
fn a_line_over_the_limit_is_told_once_and_not_held() {
    let text = [vec![b'x'; 3 * LIMIT], b"\nb\n".to_vec()].concat();
    let halves = |pid, wrote| {
        let (head, tail) = text.split_at(2 * LIMIT);
        [chunk(pid, wrote, 0, head, 0), chunk(pid, wrote, 2 * LIMIT, tail, 0)]
    };
    let [a, b] = halves(1, true);
    let [c, d] = halves(2, false);
    assert_eq!(tell([a, c, b, d]), ["+", "b"]);
}

#[test]
fn what_is_held_is_bounded_and_given_up_as_missing() {
    let (mut conversation, mut told) = (Conversation::new(LIMIT), Vec::new());
    for pid in 0..100 {
        let (lane, chunk) = chunk(pid, false, 0, &[b'x'; LIMIT], 0);
        conversation.push(lane, &chunk, &mut told);
    }
    assert!(conversation.buffered() <= 10 * LIMIT, "{}", conversation.buffered());
    conversation.shed();
    assert_eq!(conversation.buffered(), 0);
    conversation.finish(BootTime(2), &mut told);
    assert_eq!(words(&told), [format!("?{}", 8 * LIMIT)]);
}

#[test]
fn a_count_that_begins_anew_is_another_stream() {
    let chunks = [chunk(2, false, 0, b"a\nha", 0), chunk(2, false, 0, b"b\n", 0)];
    assert_eq!(tell(chunks), ["a", "b"]);
}

/// Cuts `text` at `cuts`, as a process that moves it in so many calls.
fn cut(pid: u32, wrote: bool, text: &[u8], cuts: &[usize]) -> Vec<(Lane, Chunk)> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
    at.extend([0, text.len()]);
    at.sort_unstable();
    at.dedup();
    at.windows(2).map(|pair| chunk(pid, wrote, pair[0], &text[pair[0]..pair[1]], 0)).collect()
}

proptest! {
    /// However the bytes are cut on either side, and whichever side is ahead, the same texts are told, in order.
    #[test]
    fn any_split_gives_the_same_texts(
        lines in prop::collection::vec("[a-c ]{0,12}", 0..20),
        mine in prop::collection::vec(any::<usize>(), 0..12),
        theirs in prop::collection::vec(any::<usize>(), 0..12),
        order in prop::collection::vec(any::<bool>(), 64),
    ) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let expected: Vec<&String> = lines.iter().filter(|line| !line.trim().is_empty()).collect();
        let mut sides = [cut(1, true, text.as_bytes(), &mine).into_iter(), cut(2, false, text.as_bytes(), &theirs).into_iter()];
        let mut chunks = Vec::new();
        for first in order {
            chunks.extend(sides[usize::from(first)].next());
        }
        let [a, b] = sides;
        chunks.extend(a.chain(b));
        let told = tell(chunks);
        prop_assert_eq!(told.iter().collect::<Vec<_>>(), expected);
    }

    /// Whatever chunks come, nothing panics, and what is held stays within its bound.
    #[test]
    fn nothing_that_comes_is_too_much(
        chunks in prop::collection::vec(
            (0_u32..12, any::<bool>(), 0_usize..5000, prop::collection::vec(any::<u8>(), 0..600), 0_usize..3000),
            0..60,
        ),
    ) {
        let (mut conversation, mut told) = (Conversation::new(LIMIT), Vec::new());
        for (pid, wrote, offset, bytes, skipped) in chunks {
            let (lane, chunk) = chunk(pid, wrote, offset, &bytes, skipped);
            conversation.push(lane, &chunk, &mut told);
            prop_assert!(conversation.buffered() <= 16 * 2 * (LIMIT + 600));
        }
        conversation.finish(BootTime(9), &mut told);
    }
    /// Whatever each side misses, once both have shown something: every line is told once, or in a gap.
    #[test]
    fn what_is_told_and_what_is_missing_are_all_there_was(
        count in 1_usize..60,
        mine in prop::collection::vec(prop::bool::weighted(0.2), 60),
        theirs in prop::collection::vec(prop::bool::weighted(0.2), 60),
        order in prop::collection::vec(any::<bool>(), 64),
    ) {
        let text: String = (0..count).map(|number| format!("{number:03}\n")).collect();
        let shown = |pid, wrote, missed: &[bool]| -> Vec<_> {
            // Begin and end are seen, so that both sides meet there.
            let is_seen = |at: &usize| *at == 0 || *at + 2 >= count || !missed[*at];
            let seen = (0..count).filter(is_seen);
            seen.map(|at| chunk(pid, wrote, 4 * at, &text.as_bytes()[4 * at..4 * at + 4], 0)).collect()
        };
        let mut sides = [shown(1, true, &mine).into_iter(), shown(2, false, &theirs).into_iter()];
        let mut chunks: Vec<_> = sides.iter_mut().filter_map(Iterator::next).collect();
        for first in order {
            chunks.extend(sides[usize::from(first)].next());
        }
        let [a, b] = sides;
        chunks.extend(a.chain(b));
        let told = tell(chunks);
        let missing: usize = told.iter().filter_map(|word| word.strip_prefix('?')?.parse::<usize>().ok()).sum();
        let mut lines: Vec<&String> = told.iter().filter(|word| !word.starts_with('?')).collect();
        let before = lines.len();
        lines.sort_unstable();
        lines.dedup();
        prop_assert_eq!(lines.len(), before, "told twice: {:?}", &told);
        prop_assert_eq!(4 * lines.len() + missing, 4 * count, "{:?}", &told);
    }
}
