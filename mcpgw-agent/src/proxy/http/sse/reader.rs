//! Finding where events end, in whatever chunks they come.

use bytes::{Buf, Bytes, BytesMut};

use super::super::held::taken_from;
use super::line::{BOM, Line};
use super::{Event, Fault};

/// What a stream holds beyond the data of one event: names, ids, comments within it.
const OVERHEAD_BYTES: usize = 64 << 10;

/// Reads one stream from its start.
#[derive(Debug)]
pub struct Reader {
    /// What no event was made of yet.
    held: BytesMut,
    /// Where the line at hand starts.
    line: usize,
    /// Where to go on looking for its end.
    scanned: usize,
    /// The line before ended with a CR: an LF now belongs to it.
    after_cr: bool,
    /// What is held has a field: it is an event once a blank line comes.
    in_event: bool,
    /// Nothing was taken out yet: a byte order mark may stand here.
    at_start: bool,
    limit: usize,
    /// The stream is not read on.
    fault: Option<Fault>,
}

impl Reader {
    /// A reader of events whose data takes at most `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            held: BytesMut::new(),
            line: 0,
            scanned: 0,
            after_cr: false,
            in_event: false,
            at_start: true,
            limit: limit.saturating_add(OVERHEAD_BYTES),
            fault: None,
        }
    }

    /// Takes what came; the iterator gives the events that are complete with it, and those an earlier iterator was not asked
    /// for. After a [`Fault`] there are none.
    pub fn push(&mut self, chunk: &[u8]) -> Events<'_> {
        if self.fault.is_none() {
            self.held.extend_from_slice(chunk);
        }
        Events { reader: self }
    }

    /// Bytes held: what an event is still to be made of.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.held.len()
    }

    /// The stream ended. What is returned was no whole event, and is not to be forwarded.
    #[must_use]
    pub fn finish(self) -> Bytes {
        self.held.freeze()
    }

    fn next(&mut self) -> Result<Option<Event>, Fault> {
        loop {
            if self.after_cr {
                match self.held.get(self.line) {
                    None => return Ok(self.outside()),
                    Some(b'\n') => self.line += 1,
                    Some(_) => {}
                }
                self.after_cr = false;
                self.scanned = self.line;
            }
            let rest = self.held.get(self.scanned..).unwrap_or_default();
            let Some(found) = memchr::memchr2(b'\n', b'\r', rest) else {
                self.scanned = self.held.len();
                let outside = self.outside();
                let is_too_long = outside.is_none() && self.held.len() > self.limit;
                return if is_too_long { Err(Fault::TooLong) } else { Ok(outside) };
            };
            let end = self.scanned.saturating_add(found);
            let (is_blank, is_outside) = self.kind(end);
            if !self.in_event && !is_outside {
                // What stands before the event goes ahead of it.
                if let Some(outside) = self.outside() {
                    return Ok(Some(outside));
                }
                self.in_event = true;
            }
            let ends = self.in_event && is_blank;
            self.end_line(end);
            if self.in_event && self.line > self.limit {
                return Err(Fault::TooLong);
            }
            if ends {
                self.in_event = false;
                return Ok(self.outside());
            }
        }
    }

    /// Whether the line that ends at `end` is blank, and whether it belongs to no event.
    fn kind(&self, end: usize) -> (bool, bool) {
        let line = self.held.get(self.line..end).unwrap_or_default();
        let is_first = self.at_start && self.line == 0;
        let line = Line::of(if is_first { line.strip_prefix(BOM).unwrap_or(line) } else { line });
        (line == Line::Blank, line.is_outside())
    }

    /// Goes behind the line end at `end`. An LF that belongs to a CR and is not here yet is taken later: whoever waits for
    /// the event must not wait for it.
    fn end_line(&mut self, end: usize) {
        let next = end.saturating_add(1);
        let is_cr = self.held.get(end) == Some(&b'\r');
        let has_lf = is_cr && self.held.get(next) == Some(&b'\n');
        self.after_cr = is_cr && self.held.len() == next;
        self.line = if has_lf { next.saturating_add(1) } else { next };
        self.scanned = self.line;
    }

    /// Takes out the whole lines held, unless an event they belong to is still to end.
    fn outside(&mut self) -> Option<Event> {
        if self.in_event || self.line == 0 {
            return None;
        }
        let raw = taken_from(&mut self.held, self.line);
        self.scanned = self.scanned.saturating_sub(self.line);
        self.line = 0;
        Some(Event::of(raw, std::mem::take(&mut self.at_start)))
    }
}

/// The events that are complete.
#[derive(Debug)]
pub struct Events<'r> {
    reader: &'r mut Reader,
}

impl Iterator for Events<'_> {
    type Item = Result<Event, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.reader.fault.is_some() {
            return None;
        }
        let checked = match self.reader.next() {
            Ok(Some(event)) if event.is_ambiguous() => Err(Fault::Ambiguous),
            Ok(event) => return event.map(Ok),
            Err(fault) => Err(fault),
        };
        if let Err(fault) = checked {
            self.reader.fault = Some(fault);
            let held = self.reader.held.len();
            self.reader.held.advance(held);
        }
        Some(checked)
    }
}
