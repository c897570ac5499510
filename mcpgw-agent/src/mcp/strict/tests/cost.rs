//! The worst texts, in this unoptimised build: time that grows faster than the text would show.

use std::time::Duration;

use super::*;
use crate::tests::own_time;

/// Of this thread's own time. Far above what is needed (1 to 5 s without optimisation on a slow machine), far below what a square costs.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of a text: enough for a square of its values to take minutes.
const TEXT: usize = 2 << 20;

fn repeated(open: &str, close: &str, part: impl Fn(usize) -> String) -> String {
    let room = TEXT - open.len() - close.len();
    let mut text = open.to_owned();
    for index in 0.. {
        let part = part(index);
        if text.len() + part.len() > room {
            break;
        }
        text.push_str(&part);
    }
    text.pop();
    text + close
}

#[test]
fn the_worst_texts_are_read_in_time_that_grows_with_their_size_only() {
    let begun = own_time();
    let params = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","#;
    let keys = |ends: &'static str| repeated(params, ends, |index| format!("\"{index:013}\":0,"));
    assert_eq!(code(keys("}}").as_bytes()), "ok");
    let foreign = repeated(params, "}}", |index| format!("\"\u{17f}\u{17f}{index:08}\":0,"));
    assert_eq!(code(foreign.as_bytes()), "ok");
    let escaped = repeated(params, "}}", |index| format!("\"\\u0061{index:08}\":0,"));
    assert_eq!(code(escaped.as_bytes()), "ok");
    assert_eq!(code(repeated("[", "]", |_| "[],".to_owned()).as_bytes()), "long-batch");
    assert_eq!(code(repeated("[", "]", |_| "[          ],".to_owned()).as_bytes()), "long-batch");
    let string =
        repeated(r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"x":""#, "\"}}", |_| "\\n".into());
    assert_eq!(code(string.replace("\\\"}}", "\"}}").as_bytes()), "ok");
    let took = own_time() - begun;
    assert!(took < PATIENCE, "{took:?}");
}

#[test]
fn taking_many_elements_out_is_no_square_of_them() {
    let text = format!("[{}]", vec!["0"; 500_000].join(","));
    let document = Document::parse(text.into(), &Limits::default()).unwrap();
    let positions: Vec<usize> = (0..500_000).rev().filter(|position| position % 2 == 1).collect();
    let begun = own_time();
    let left =
        crate::json::apply(document.bytes(), crate::json::remove_elements(document.root(), &positions));
    let took = own_time() - begun;
    assert!(took < PATIENCE, "{took:?}");
    assert_eq!(left.iter().filter(|byte| **byte == b'0').count(), 250_000);
}
