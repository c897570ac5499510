//! Chunks from hostile peers, on a few streams at once.
//!
//! Each chunk is `kind, offset (2 bytes), length, bytes`. An offset of 0 continues the stream; any other repeats,
//! overlaps, overtakes or skips.
#![no_main]

use std::collections::HashMap;

use libfuzzer_sys::fuzz_target;
use mcpgw_agent::inventory::{BootTime, Channel, ChannelKind, ProcessKey, SocketAddrs, StreamSource};
use mcpgw_agent::wire::{Chunk, Limits, StreamTable};

const PORT: u16 = 8000;

fn source(kind: u8) -> StreamSource {
    let flag = kind & 1 != 0;
    if kind & 2 == 0 {
        let channel = Channel { kind: ChannelKind::Fifo, ino: u64::from(kind & 4) };
        let process = ProcessKey { pid: u32::from(kind & 8), start_ticks: 1 };
        return StreamSource::Channel { channel, process, wrote: flag };
    }
    let addrs = SocketAddrs {
        local: ([127, 0, 0, 1], PORT).into(),
        remote: ([127, 0, 0, 1], u16::from(kind & 12)).into(),
    };
    StreamSource::Tcp { addrs, cgroup_id: 1, from_server: flag }
}

fuzz_target!(|input: &[u8]| {
    let limits = Limits {
        streams: 4,
        message_bytes: 2048,
        head_bytes: 1024,
        reorder_bytes: 1024,
        total_bytes: 8192,
        ..Limits::default()
    };
    let mut table = StreamTable::new(limits);
    let mut next: HashMap<u8, u64> = HashMap::new();
    let mut rest = input;
    let mut at = 0;
    while let [kind, high, low, len, tail @ ..] = rest {
        let (bytes, after) = tail.split_at(usize::from(*len).min(tail.len()));
        rest = after;
        let stream = kind & 0b1111;
        let expected = next.entry(stream).or_insert(u64::from(u32::MAX) - 500);
        let jump = u64::from(u16::from_be_bytes([*high, *low]));
        let offset = expected.wrapping_add(jump).wrapping_sub(jump & 1024);
        let skipped = if kind & 0b0010_0000 != 0 { u32::from(*low) << 4 } else { 0 };
        *expected = offset.wrapping_add(bytes.len() as u64).wrapping_add(u64::from(skipped));
        let chunk = Chunk {
            source: source(*kind),
            at: BootTime(at),
            connection: u64::from(kind & 4),
            offset,
            bytes: bytes.to_vec(),
            skipped,
            end: kind & 0b0001_0000 != 0,
        };
        at += 100_000_000;
        let _sightings = table.push(chunk);
        assert!(table.len() <= limits.streams);
        assert!(table.buffered_bytes() <= limits.total_bytes);
        if kind & 0b0100_0000 != 0 {
            let _sightings = table.expire(BootTime(at));
        }
    }
    for ino in [0, 4] {
        table.forget(Channel { kind: ChannelKind::Fifo, ino });
    }
    table.forget_port(PORT);
    assert!(table.is_empty());
    assert_eq!(table.buffered_bytes(), 0);
});
