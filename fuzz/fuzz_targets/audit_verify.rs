//! Any bytes at all as an audit log: read to their end, and never valid without the key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcpgw_agent::audit::{Key, Outcome, Verifier};

fuzz_target!(|bytes: &[u8]| {
    let key = Key::new(*b"0123456789abcdef", "fuzz").expect("it is long enough");
    let report = Verifier::new(&key).read(bytes, false).expect("memory can be read");
    assert_ne!(report.outcome, Outcome::Valid);
});
