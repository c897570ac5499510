//! Deflate, in the frames of zlib and gzip or in none.

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::Fault;
use super::sink::Sink;

/// Bytes decoded at once.
const STEP_BYTES: usize = 16 << 10;
/// Bytes of names, comments and extra fields in front of a gzip member.
const HEAD_MAX_BYTES: usize = 4 << 10;
/// Members of a gzip body: each costs more than its bytes.
const MEMBERS_MAX: usize = 1000;

/// Decodes one deflate stream.
pub(super) struct Inflate {
    state: Decompress,
    ended: bool,
}

impl Inflate {
    /// With the frame of zlib, whose check sum is verified, or without.
    pub(super) fn new(zlib: bool) -> Self {
        Self { state: Decompress::new(zlib), ended: false }
    }

    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Decodes `input` up to the stream's end; what is left of it follows the end. `seen` is told what is decoded.
    pub(super) fn push<'i>(
        &mut self,
        mut input: &'i [u8],
        sink: &mut Sink,
        seen: &mut dyn FnMut(&[u8]),
    ) -> Result<&'i [u8], Fault> {
        let mut step = vec![0; STEP_BYTES];
        while !self.ended {
            let (read, written) = (self.state.total_in(), self.state.total_out());
            let status = self.state.decompress(input, &mut step, FlushDecompress::None);
            let count = |now: u64, before: u64| usize::try_from(now.saturating_sub(before)).unwrap_or(0);
            input = input.get(count(self.state.total_in(), read)..).unwrap_or_default();
            let decoded = step.get(..count(self.state.total_out(), written)).unwrap_or_default();
            seen(decoded);
            sink.put(decoded)?;
            match status {
                Err(_) => return Err(Fault::Corrupt),
                Ok(Status::StreamEnd) => self.ended = true,
                // All is read, and nothing more comes out of it.
                Ok(Status::Ok | Status::BufError) if input.is_empty() && decoded.len() < STEP_BYTES => break,
                // A decoder that neither reads nor writes never will.
                Ok(Status::BufError) if decoded.is_empty() => return Err(Fault::Corrupt),
                Ok(Status::Ok | Status::BufError) => {}
            }
        }
        Ok(input)
    }
}

/// Decodes gzip: members one after the other.
pub(super) struct Gunzip {
    part: Part,
    inflate: Inflate,
    crc: Crc,
    /// The head or tail at hand, as far as it came.
    held: Vec<u8>,
    members: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Head,
    Body,
    Tail,
    /// Behind a member: the end, or another one.
    Between,
}

impl Gunzip {
    pub(super) fn new() -> Self {
        Self { part: Part::Head, inflate: Inflate::new(false), crc: Crc::new(), held: Vec::new(), members: 0 }
    }

    /// The body may end here.
    pub(super) fn ended(&self) -> bool {
        self.part == Part::Between
    }

    pub(super) fn push(&mut self, mut input: &[u8], sink: &mut Sink) -> Result<(), Fault> {
        while let Some((first, rest)) = input.split_first() {
            match self.part {
                Part::Body => {
                    let crc = &mut self.crc;
                    input = self.inflate.push(input, sink, &mut |decoded| crc.update(decoded))?;
                    if self.inflate.ended() {
                        self.part = Part::Tail;
                    }
                }
                Part::Head | Part::Between => {
                    self.part = Part::Head;
                    self.held.push(*first);
                    input = rest;
                    if head_is_whole(&self.held)? {
                        self.begin()?;
                    }
                }
                Part::Tail => {
                    self.held.push(*first);
                    input = rest;
                    if self.held.len() == 8 {
                        self.check()?;
                        self.held.clear();
                        self.part = Part::Between;
                    }
                }
            }
        }
        Ok(())
    }

    /// A member's head is whole.
    fn begin(&mut self) -> Result<(), Fault> {
        self.members += 1;
        if self.members > MEMBERS_MAX {
            return Err(Fault::Corrupt);
        }
        self.held.clear();
        self.crc.reset();
        self.inflate.state.reset(false);
        self.inflate.ended = false;
        self.part = Part::Body;
        Ok(())
    }

    fn check(&self) -> Result<(), Fault> {
        let expected = [self.crc.sum().to_le_bytes(), self.crc.amount().to_le_bytes()].concat();
        if self.held == expected { Ok(()) } else { Err(Fault::Corrupt) }
    }
}

/// Whether `held` is a member's head; it is asked after each byte.
fn head_is_whole(held: &[u8]) -> Result<bool, Fault> {
    let wrong = |at: usize, of: &[u8]| held.get(at).is_some_and(|byte| !of.contains(byte));
    // The upper three flags are reserved: RFC 1952 2.3.1.2 has them refused.
    let flags = held.get(3).copied().unwrap_or(0);
    if wrong(0, &[0x1f]) || wrong(1, &[0x8b]) || wrong(2, &[8]) || flags & 0xe0 != 0 {
        return Err(Fault::Corrupt);
    }
    if held.len() > HEAD_MAX_BYTES {
        return Err(Fault::Corrupt);
    }
    Ok(head_length(held, flags).is_some_and(|length| held.len() == length))
}

/// The head's length, where it can be told yet.
fn head_length(held: &[u8], flags: u8) -> Option<usize> {
    let mut at = 10;
    if flags & 4 != 0 {
        let extra = [*held.get(at)?, *held.get(at + 1)?];
        at += 2 + usize::from(u16::from_le_bytes(extra));
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            at += memchr::memchr(0, held.get(at..)?)? + 1;
        }
    }
    if flags & 2 != 0 {
        at += 2;
    }
    Some(at)
}
