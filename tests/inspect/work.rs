//! What crafted messages make the detectors do: in proportion to their length, counted and not timed.

use bytes::Bytes;
use mcpgw_agent::detect::{DetectorSet, Inspector, Subject, Work};
use mcpgw_agent::json::Limits;
use mcpgw_agent::mcp::{Decoded, decode};

use crate::crafted::{Crafted, crafted};

/// Long enough that no part of it is read as a whole because it is short.
const SHORT: usize = 32 << 10;
const LONG: usize = 8 * SHORT;
/// What each message may take, however short.
const ANY: usize = 256;

/// What it takes to inspect a message of about `bytes` bytes, and how many it has.
fn work(crafted: &Crafted, bytes: usize) -> (Work, usize) {
    let Ok(Decoded::One(message)) = decode(Bytes::from(crafted.message(bytes)), &Limits::default()) else {
        panic!("{}: no message", crafted.name);
    };
    let subject =
        Subject { direction: crafted.direction, server: "s", answers: crafted.answers, tool: Some("run") };
    let (_, work) = Inspector::shipped().measured(&message, &subject, DetectorSet::all());
    (work, message.bytes().len())
}

/// What grew more than the message did.
fn grown(crafted: &Crafted) -> Vec<String> {
    let ((short, short_len), (long, long_len)) = (work(crafted, SHORT), work(crafted, LONG));
    assert!(long_len > 6 * short_len, "{}: {short_len} and {long_len} bytes", crafted.name);
    assert!(long.bytes <= 8 * long_len, "{}: {} bytes of {long_len} were read", crafted.name, long.bytes);
    assert!(long.bytes > 0, "{}: nothing was read", crafted.name);
    let numbers = |work: Work| [work.readings, work.bytes, work.places, work.hits];
    let pairs = numbers(short).into_iter().zip(numbers(long)).zip(["readings", "bytes", "places", "hits"]);
    // A quarter for what begins and ends anew where a text is cut.
    let is_more = |short: usize, long: usize| 4 * long * short_len > 5 * (short + ANY) * long_len;
    let grown = pairs.filter(|((short, long), _)| is_more(*short, *long));
    grown.map(|((short, long), what)| format!("{}: {what}, {short} and {long}", crafted.name)).collect()
}

#[test]
fn work_is_linear_whatever_the_text() {
    let grown: Vec<String> = crafted().iter().flat_map(grown).collect();
    assert!(grown.is_empty(), "not linear:\n{}", grown.join("\n"));
}
