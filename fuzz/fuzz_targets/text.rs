//! Any text, in all its readings.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcpgw_agent::text::{Budget, join, leet, readings};

fuzz_target!(|text: &str| {
    let mut budget = Budget::of_message(text.len());
    let mut first = true;
    readings(text, &mut budget, &mut |reading| {
        assert_eq!(first, reading.is_as_it_came());
        first = false;
        let read = reading.text();
        let half = read.floor_char_boundary(read.len() / 2);
        let (one, other, whole) =
            (reading.origin(0..half), reading.origin(half..read.len()), reading.origin(0..read.len()));
        for range in [&one, &other, &whole] {
            assert!(text.get(range.clone()).is_some());
        }
        assert!(whole.start <= one.start && one.start <= other.start && other.end <= whole.end);
    });
    assert!(budget.made() <= (3 * text.len()).max(64 << 10));
    assert!(leet(text).is_none_or(|read| read.len() == text.len()));
    let mut budget = Budget::of_message(text.len());
    if let Some(joined) = join(text.split('\n'), &mut budget) {
        let parts: Vec<_> = text.split('\n').collect();
        for joined in [Some(joined.spaced), joined.tight].into_iter().flatten() {
            let read: String = joined
                .origin(0..joined.text().len())
                .filter_map(|(part, range)| parts[part].get(range))
                .collect();
            assert_eq!(read, parts.concat());
        }
    }
});
