//! A session of two hostile peers.
//!
//! Each line of the input is a message; the one before it, `c` or `s` and perhaps `b`, says whose it is and whether it
//! came in a batch. What is a violation is let through all the same, as where a policy only observes.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use mcpgw_agent::json::Limits;
use mcpgw_agent::mcp::{Decoded, Direction, MessageKind, decode};
use mcpgw_agent::session::{MAX_OPEN, Session};

fuzz_target!(|input: &[u8]| {
    let mut session = Session::new();
    let mut lines = input.split(|byte| *byte == b'\n');
    while let (Some(whose), Some(text)) = (lines.next(), lines.next()) {
        let direction = if whose.starts_with(b"s") { Direction::ToClient } else { Direction::ToServer };
        let Ok(Decoded::One(message)) = decode(Bytes::copy_from_slice(text), &Limits::default()) else {
            continue;
        };
        let standing = session.look(direction, &message, whose.ends_with(b"b"));
        assert!(standing.answers.is_none() || message.kind().is_response());
        session.passed(direction, &message, &[], "d", 0);
        if let (true, Some(id)) = (message.kind().is_response(), message.id()) {
            // Answered is answered.
            let again = session.look(direction, &message, false);
            assert!(again.answers.is_none(), "{id}");
        }
        if message.kind() == MessageKind::Request {
            assert!(session.look(direction, &message, false).violation.is_some(), "its id is taken");
        }
        for direction in [Direction::ToServer, Direction::ToClient] {
            assert!(session.unanswered(direction).count() <= MAX_OPEN);
        }
        let _known = session.offered("a");
    }
});
