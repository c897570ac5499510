//! One record of a ring buffer, as a hostile or broken kernel side would write it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcpgw_agent::kernel::KernelEvent;
use mcpgw_agent::kernel::decode::decode;

fuzz_target!(|bytes: &[u8]| {
    // What is understood carries no more than it came with.
    if let Ok(record) = decode(bytes)
        && let KernelEvent::Chunk(chunk) = record.event
    {
        assert!(chunk.bytes.len() <= bytes.len());
    }
});
