//! Reading one file from its beginning, whatever others do with it meanwhile.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use zstd::stream::read::Decoder;

/// Bytes that are read at once.
const BUFFER_BYTES: usize = 256 << 10;
/// The most memory a compressed file may ask for, as a power of two: 8 MiB, more than what we write needs.
const WINDOW_LOG_MAX: u32 = 23;

/// The bytes of one file of a log, decompressed where it is compressed.
pub struct LogReader(Form);

enum Form {
    Plain(BufReader<At>),
    Compressed(Box<BufReader<Decoder<'static, BufReader<At>>>>),
}

impl LogReader {
    pub(super) fn plain(file: Arc<File>) -> Self {
        Self::plain_from(file, 0)
    }

    pub(in crate::audit) fn plain_from(file: Arc<File>, offset: u64) -> Self {
        Self(Form::Plain(BufReader::with_capacity(BUFFER_BYTES, At { file, offset })))
    }

    pub(in crate::audit) fn compressed(file: Arc<File>) -> io::Result<Self> {
        let mut decoder = Decoder::new(At { file, offset: 0 })?;
        decoder.window_log_max(WINDOW_LOG_MAX)?;
        Ok(Self(Form::Compressed(Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder)))))
    }
}

impl Read for LogReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            Form::Plain(reader) => reader.read(into),
            Form::Compressed(reader) => reader.read(into),
        }
    }
}

impl BufRead for LogReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match &mut self.0 {
            Form::Plain(reader) => reader.fill_buf(),
            Form::Compressed(reader) => reader.fill_buf(),
        }
    }

    fn consume(&mut self, amount: usize) {
        match &mut self.0 {
            Form::Plain(reader) => reader.consume(amount),
            Form::Compressed(reader) => reader.consume(amount),
        }
    }
}

impl std::fmt::Debug for LogReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let form = match &self.0 {
            Form::Plain(_) => "plain",
            Form::Compressed(_) => "compressed",
        };
        write!(f, "LogReader({form})")
    }
}

/// A file read from a place of this reader's own: others may read the same open file.
pub(in crate::audit) struct At {
    pub(in crate::audit) file: Arc<File>,
    pub(in crate::audit) offset: u64,
}

impl Read for At {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read_at(into, self.offset)?;
        self.offset = self.offset.saturating_add(u64::try_from(length).unwrap_or_default());
        Ok(length)
    }
}
