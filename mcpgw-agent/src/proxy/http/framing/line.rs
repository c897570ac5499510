//! One header line's say in how long the request is.

/// How long a request's body is, as far as its header lines told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Length {
    /// Nothing was said: there is none.
    #[default]
    None,
    /// `Content-Length`, in bytes.
    Bytes(u64),
    /// `Transfer-Encoding: chunked`.
    Chunks,
}

/// The line is not one, or says what another says already, or otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bad;

impl Length {
    /// What is known after `line`, a header without its line end.
    pub(super) fn after(self, line: &[u8]) -> Result<Self, Bad> {
        let colon = memchr::memchr(b':', line).ok_or(Bad)?;
        let (name, value) = line.split_at_checked(colon).ok_or(Bad)?;
        // A folded line starts with a blank; a blank before the colon makes the name another to some.
        if name.is_empty() || name.iter().any(|byte| !byte.is_ascii_graphic()) {
            return Err(Bad);
        }
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        let length = if name.eq_ignore_ascii_case(b"content-length") {
            Self::Bytes(number(value).ok_or(Bad)?)
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            value.eq_ignore_ascii_case(b"chunked").then_some(Self::Chunks).ok_or(Bad)?
        } else {
            return Ok(self);
        };
        if self == Self::None { Ok(length) } else { Err(Bad) }
    }
}

/// Digits, and only so many that the number fits.
fn number(digits: &[u8]) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.len() <= 19 && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| std::str::from_utf8(digits).ok()?.parse().ok()).flatten()
}

/// The size in the line before a chunk, whatever extensions follow it.
pub(super) fn chunk_size(line: &[u8]) -> Result<u64, Bad> {
    let digits = line.split(|byte| matches!(byte, b';' | b' ' | b'\t')).next().unwrap_or_default();
    let is_number = !digits.is_empty() && digits.len() <= 15 && digits.iter().all(u8::is_ascii_hexdigit);
    let size = is_number.then(|| u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()).flatten();
    size.ok_or(Bad)
}
