//! One line on the control socket.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcpgw_agent::admin::Request;
use mcpgw_agent::admin::protocol::{CHANNELS_MAX, NAME_MAX, parse};

fuzz_target!(|line: &[u8]| {
    if let Ok(Request::Register(request)) = parse(line) {
        assert!(request.channels.len() <= CHANNELS_MAX);
        assert!(request.name.is_none_or(|name| name.len() <= NAME_MAX && !name.chars().any(char::is_control)));
    }
});
