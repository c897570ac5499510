//! How much may be made of a message's texts.

/// Bytes that may be made of any message, however small.
const LEAST: usize = 64 << 10;
/// Bytes that may be made for each byte of a larger one.
const TIMES: usize = 3;
/// Readings that may be made of any message, and bytes of a larger one for each more.
const READINGS: usize = 4096;
const BYTES_A_READING: usize = 16;

/// What may still be made of a message's texts. One budget serves all texts of a message.
#[derive(Debug, Clone)]
pub struct Budget {
    bytes: usize,
    readings: usize,
    made: usize,
    exhausted: bool,
}

impl Budget {
    /// For a message of `bytes` bytes: three times that may be made, and 64 KiB of any message.
    #[must_use]
    pub fn of_message(bytes: usize) -> Self {
        let readings = READINGS.max(bytes / BYTES_A_READING);
        Self { bytes: bytes.saturating_mul(TIMES).max(LEAST), readings, made: 0, exhausted: false }
    }

    /// Bytes made so far, those of attempts included that came to nothing.
    #[must_use]
    pub fn made(&self) -> usize {
        self.made
    }

    /// Bytes that may still be made.
    #[must_use]
    pub fn left(&self) -> usize {
        self.bytes.saturating_sub(self.made)
    }

    /// Something was not made because the budget did not suffice: there may be readings nobody has seen.
    #[must_use]
    pub fn exhausted(&self) -> bool {
        self.exhausted
    }

    /// Takes `bytes`, or says that they are not there.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        if bytes > self.left() {
            self.exhausted = true;
            return false;
        }
        self.made += bytes;
        true
    }

    /// Takes a reading, or says that it is one too many.
    pub(super) fn take_reading(&mut self) -> bool {
        match self.readings.checked_sub(1) {
            Some(left) => self.readings = left,
            None => self.exhausted = true,
        }
        !self.exhausted
    }

    /// Something was left out for another reason: it is nested too deep, or too long.
    pub(super) fn exhaust(&mut self) {
        self.exhausted = true;
    }
}
