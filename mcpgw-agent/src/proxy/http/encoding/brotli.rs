//! Brotli.

use brotli::enc::StandardAlloc;
use brotli::{BrotliDecompressStream, BrotliResult, BrotliState};

use super::Fault;
use super::sink::Sink;

/// Bytes decoded at once.
const STEP_BYTES: usize = 16 << 10;

/// Decodes one stream.
pub(super) struct Unbrotli {
    state: Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>,
    ended: bool,
}

impl Unbrotli {
    /// Windows are those of RFC 7932, 16 MiB at most: a large one is a gigabyte.
    pub(super) fn new() -> Self {
        let alloc = StandardAlloc::default;
        Self { state: Box::new(BrotliState::new_strict(alloc(), alloc(), alloc())), ended: false }
    }

    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    pub(super) fn push(&mut self, input: &[u8], sink: &mut Sink) -> Result<(), Fault> {
        let mut step = vec![0; STEP_BYTES];
        let (mut left, mut at, mut total) = (input.len(), 0, 0);
        while !self.ended {
            let (mut room, mut written) = (step.len(), 0);
            let result = BrotliDecompressStream(
                &mut left,
                &mut at,
                input,
                &mut room,
                &mut written,
                &mut step,
                &mut total,
                &mut self.state,
            );
            sink.put(step.get(..written).unwrap_or_default())?;
            match result {
                BrotliResult::ResultSuccess => self.ended = true,
                BrotliResult::NeedsMoreOutput => {}
                BrotliResult::NeedsMoreInput => break,
                BrotliResult::ResultFailure => return Err(Fault::Corrupt),
            }
        }
        if left > 0 { Err(Fault::Trailing) } else { Ok(()) }
    }
}
