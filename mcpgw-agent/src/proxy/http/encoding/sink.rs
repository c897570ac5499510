//! Where decoded bytes go: so many and no more.

use super::Fault;

/// A buffer with a limit.
#[derive(Debug)]
pub(super) struct Sink {
    bytes: Vec<u8>,
    limit: usize,
}

impl Sink {
    pub(super) fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), limit }
    }

    /// Takes `bytes`, all or none.
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if bytes.len() > self.limit.saturating_sub(self.bytes.len()) {
            return Err(Fault::TooLong);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// What came since the last time.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }
}
