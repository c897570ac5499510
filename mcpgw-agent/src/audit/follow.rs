//! Reading a log while it is written, from any number on, across rotation: the log is the queue of whoever ships, indexes
//! or shows records, and the writer knows nothing of them.
//!
//! ```text
//! Follower::new(log, after) ─▶ batch() ─▶ lines … ─▶ batch() ─▶ nothing new ─▶ wait() ─▶ batch() …
//! ```

#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io;
use std::ops::RangeInclusive;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::chain::{LINE_MAX, Seal};
use super::files::{LogFile, LogFiles, LogReader, is_still};
use super::lines::{Lines, Piece};

/// How often a file is looked at while nothing is added to it. Being told of each record instead would cost the writer more
/// than it costs to look.
const BEAT: Duration = Duration::from_millis(100);
/// Bytes that are passed over in one call, at most, on the way to the number asked for.
const SKIP_BYTES: u64 = 64 << 20;
/// Files that are looked into in one call, at most.
const FILES: usize = 16;

/// Whole records that follow one another.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Batch {
    text: Vec<u8>,
    /// Each line's number, and where it ends in `text`, its line feed included.
    ends: Vec<(u64, usize)>,
    /// Numbers there should have been before the first line, and that are not there any more: retention deleted them, or
    /// somebody else did.
    pub missing: Option<RangeInclusive<u64>>,
    /// Lines that are no records, and were passed over.
    pub unreadable: u64,
    /// The log ends with this number, which is smaller than that of a record it had: its end was cut off, by hand or
    /// because the power failed, or it is another log. Nothing comes until [`Follower::restart`] says where to go on.
    pub rewound: Option<u64>,
    /// There is, or may be, more: ask again at once.
    pub more: bool,
}

impl Batch {
    /// Each line's number, and the line without its line feed.
    pub fn lines(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|(_, end)| *end));
        self.ends.iter().zip(starts).map(|((seq, end), start)| {
            (*seq, self.text.get(start..end.saturating_sub(1)).unwrap_or_default())
        })
    }

    /// The lines as they stand in the log, each with its line feed.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The last line's number: what to save once the lines are dealt with.
    #[must_use]
    pub fn last(&self) -> Option<u64> {
        self.ends.last().map(|(seq, _)| *seq)
    }

    /// There are no lines in it. It may still say that records are missing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

/// A reader of a log that others write.
#[derive(Debug)]
pub struct Follower {
    log: PathBuf,
    /// The last number that was given out.
    after: u64,
    /// The last number of the finished files that were read to their end.
    done: u64,
    at: Option<Position>,
}

/// Where it reads.
#[derive(Debug)]
struct Position {
    lines: Lines<LogReader>,
    /// The last number of a finished file, by its name.
    last: Option<u64>,
    live: Option<Live>,
    /// A record that was read and belongs into the next batch.
    held: Option<(u64, Vec<u8>)>,
    /// The last number there is before what was not read yet.
    seen: u64,
}

/// A file that may grow.
#[derive(Debug)]
struct Live {
    file: Arc<File>,
    /// Where the last whole line ends. What stands after it is read again, since the writer may take it back.
    offset: u64,
    /// Bytes there were when it was last read to its end.
    looked: u64,
    /// Another file has its name, so that nothing is added any more.
    replaced: bool,
}

/// What ended a look into one file.
#[derive(Debug, PartialEq, Eq)]
enum Stop {
    /// What comes next belongs into another batch.
    Full,
    /// There is no more in the file now.
    End,
}

impl Follower {
    /// Follows the log at `log` after record `after`; 0 for all of it. The log need not be there yet.
    #[must_use]
    pub fn new(log: &Path, after: u64) -> Self {
        Self { log: log.to_owned(), after, done: 0, at: None }
    }

    /// The last number that was given out.
    #[must_use]
    pub fn after(&self) -> u64 {
        self.after
    }

    /// Goes on behind the line that ends at `offset` of the live file, without reading what stands before it. Says whether
    /// that line is there, is that of the last number that was given out, and `is_it`; otherwise nothing changes.
    pub fn resume(&mut self, offset: u64, is_it: impl Fn(&[u8]) -> bool) -> bool {
        let Ok(files) = LogFiles::of(&self.log) else { return false };
        let Some(file) = files.files().last().and_then(LogFile::live) else { return false };
        let most = u64::try_from(LINE_MAX + 2).unwrap_or(u64::MAX);
        for window in [most / 64, most].map(|window| window.min(offset)) {
            let mut bytes = vec![0; usize::try_from(window).unwrap_or_default()];
            if file.read_exact_at(&mut bytes, offset.saturating_sub(window)).is_err() {
                return false;
            }
            let Some(lines) = bytes.strip_suffix(b"\n") else { return false };
            let start = match memchr::memrchr(b'\n', lines) {
                Some(at) => at + 1,
                None if window == offset => 0,
                None => continue,
            };
            let line = lines.get(start..).unwrap_or_default();
            if Seal::of(line).is_none_or(|seal| seal.seq != self.after) || !is_it(line) {
                return false;
            }
            let live = Live { file: Arc::clone(file), offset, looked: offset, replaced: false };
            let lines = Lines::new(LogReader::plain_from(Arc::clone(file), offset));
            self.at = Some(Position { lines, last: None, live: Some(live), held: None, seen: self.after });
            return true;
        }
        false
    }

    /// Where the line of the last number that was given out ends in the live file, for [`resume`](Self::resume); `None`
    /// where it is in another.
    #[must_use]
    pub fn offset(&self) -> Option<u64> {
        let Position { live, held, .. } = self.at.as_ref()?;
        let held = held
            .as_ref()
            .map_or(0, |(_, line)| u64::try_from(line.len()).unwrap_or(u64::MAX).saturating_add(1));
        live.as_ref().map(|live| live.offset.saturating_sub(held))
    }

    /// Goes on after record `after`, wherever it was.
    pub fn restart(&mut self, after: u64) {
        (self.after, self.done, self.at) = (after, 0, None);
    }

    /// The whole lines there are, about `max_bytes` of them and at least one. It does not wait: an empty batch that does
    /// not ask for [`more`](Batch::more) means that nothing is new.
    ///
    /// # Errors
    /// A file cannot be read; the next call tries again. A compressed file that is damaged is an error once, and then
    /// passed over: what was in it is reported as missing.
    pub fn batch(&mut self, max_bytes: usize) -> io::Result<Batch> {
        let mut batch = Batch::default();
        let filled = self.fill(&mut batch, max_bytes);
        if let Some(last) = batch.last() {
            self.after = last;
        }
        let Err(error) = filled else { return Ok(batch) };
        let damaged = self.at.take().and_then(|at| at.last).filter(|_| error.raw_os_error().is_none());
        self.done = self.done.max(damaged.unwrap_or_default());
        // What was read before the error is given out.
        if batch.is_empty() {
            return Err(error);
        }
        tracing::warn!(log = %self.log.display(), %error, "a file of the audit log cannot be read to its end");
        batch.more = true;
        Ok(batch)
    }

    /// Waits until there may be more, `most` at the longest, blocking the thread; says whether there may be.
    pub fn wait(&self, most: Duration) -> bool {
        let until = Instant::now().checked_add(most);
        while !self.has_grown() {
            let left = until.map_or(BEAT, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return false;
            }
            thread::sleep(left.min(BEAT));
        }
        true
    }

    /// There may be more than was read. Where nothing was read yet, or what was read is not live, there always may be.
    #[must_use]
    pub fn has_grown(&self) -> bool {
        match &self.at {
            None => fs::metadata(&self.log).is_ok(),
            Some(Position { live: Some(live), held: None, .. }) => {
                let length = live.file.metadata().map_or(0, |metadata| metadata.size());
                length != live.looked || !is_still(&self.log, &live.file)
            }
            Some(_) => true,
        }
    }

    fn fill(&mut self, batch: &mut Batch, max_bytes: usize) -> io::Result<()> {
        let mut passed = 0;
        for _ in 0..FILES {
            let mut at = match self.at.take() {
                Some(at) => at,
                None => match self.open()? {
                    Some(at) => at,
                    None => return Ok(()),
                },
            };
            at.read_anew();
            let stop = at.read(batch, self.after, max_bytes, &mut passed);
            let at = self.at.insert(at);
            if stop? == Stop::Full {
                batch.more = true;
                return Ok(());
            }
            if let Some(live) = &mut at.live {
                if is_still(&self.log, &live.file) {
                    let last = batch.last().unwrap_or(self.after);
                    batch.rewound = Some(at.seen).filter(|seen| (1..last).contains(seen));
                    return Ok(());
                }
                // Something may have been added between reading to its end and its being replaced.
                if !std::mem::replace(&mut live.replaced, true) {
                    continue;
                }
            }
            self.done = self.done.max(at.last.unwrap_or_default());
            self.after = batch.last().unwrap_or(self.after);
            self.at = None;
        }
        batch.more = true;
        Ok(())
    }

    /// The file that has what comes next, or will have.
    fn open(&self) -> io::Result<Option<Position>> {
        let files = match LogFiles::of(&self.log) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            files => files?,
        };
        let (after, mut before) = (self.after.max(self.done), 0);
        for file in files.files() {
            match file.range() {
                Some((_, last)) if last <= after => before = last,
                Some(_) | None => return Position::at_start(file, before).map(Some),
            }
        }
        Ok(None)
    }
}

impl Position {
    fn at_start(file: &LogFile, seen: u64) -> io::Result<Self> {
        let live =
            file.live().map(|file| Live { file: Arc::clone(file), offset: 0, looked: 0, replaced: false });
        let last = file.range().map(|(_, last)| last);
        Ok(Self { lines: Lines::new(file.open()?), last, live, held: None, seen })
    }

    /// Forgets what was read after the last whole line of a file that may grow.
    fn read_anew(&mut self) {
        if let Some(live) = &self.live {
            self.lines = Lines::new(LogReader::plain_from(Arc::clone(&live.file), live.offset));
        }
    }

    /// Adds to `batch` what comes after record `after`.
    fn read(
        &mut self,
        batch: &mut Batch,
        after: u64,
        max_bytes: usize,
        passed: &mut u64,
    ) -> io::Result<Stop> {
        if let Some((seq, line)) = self.held.take()
            && !batch.add(seq, &line, after, max_bytes)
        {
            self.held = Some((seq, line));
            return Ok(Stop::Full);
        }
        loop {
            if *passed > SKIP_BYTES {
                return Ok(Stop::Full);
            }
            let (line, length) = match self.lines.next_piece()? {
                None => return Ok(self.end(batch, 0)),
                Some(Piece::Torn(length)) => return Ok(self.end(batch, length)),
                Some(Piece::TooLong(length)) => (None, length),
                Some(Piece::Line(line)) => (Some(line), u64::try_from(line.len()).unwrap_or_default()),
            };
            *passed = passed.saturating_add(length);
            if let Some(live) = &mut self.live {
                live.offset = live.offset.saturating_add(length).saturating_add(1);
            }
            let Some((line, seal)) = line.and_then(|line| Some((line, Seal::of(line)?))) else {
                batch.unreadable += 1;
                continue;
            };
            self.seen = self.seen.max(seal.seq);
            if seal.seq > after && !batch.add(seal.seq, line, after, max_bytes) {
                self.held = Some((seal.seq, line.to_vec()));
                return Ok(Stop::Full);
            }
        }
    }

    /// The file ends, for now, with the `torn` beginning of a line, which its writer may be about to complete.
    fn end(&mut self, batch: &mut Batch, torn: u64) -> Stop {
        if let Some(live) = &mut self.live {
            live.looked = live.offset.saturating_add(torn);
        }
        let is_over = self.live.as_ref().is_none_or(|live| live.replaced);
        batch.unreadable += u64::from(is_over && torn > 0);
        Stop::End
    }
}

impl Batch {
    /// Adds record `seq`, unless it belongs into the next batch: this one is full, or records between the two are missing.
    /// One whose number was passed already is left out.
    fn add(&mut self, seq: u64, line: &[u8], after: u64, max_bytes: usize) -> bool {
        let last = self.last().unwrap_or(after);
        if seq <= last {
            self.unreadable += 1;
            return true;
        }
        let is_next = seq == last.saturating_add(1);
        if !self.is_empty() && (!is_next || self.text.len().saturating_add(line.len()) >= max_bytes) {
            return false;
        }
        if !is_next {
            self.missing = Some(last.saturating_add(1)..=seq.saturating_sub(1));
        }
        self.text.extend_from_slice(line);
        self.text.push(b'\n');
        self.ends.push((seq, self.text.len()));
        true
    }
}
