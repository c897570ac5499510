//! One JSON text from a hostile peer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcpgw_agent::mcp::{PeekKind, read};

fuzz_target!(|text: &[u8]| {
    let reading = read(text);
    assert!(reading.end <= text.len());
    assert!(reading.messages.len() <= 256);
    for message in &reading.messages {
        let (PeekKind::Request { method, .. } | PeekKind::Notification { method }) = &message.kind else {
            continue;
        };
        assert!(method.len() <= 64);
    }
});
