//! From record to record, keeping account of which numbers were seen.

use sha2::{Digest, Sha256};

use super::report::{FINDINGS_MAX, Finding, Kind, Outcome, Report};
use crate::audit::chain::{Seal, Signer, event, hex, key_id};
use crate::audit::event::{CLOSED, FINISHED, OPENED};

/// Ranges of missing numbers that are remembered; a log with more holes is not worth telling reordered from deleted.
const HOLES_MAX: usize = 1024;

/// What is known so far.
#[derive(Debug)]
pub(super) struct Walk<'k> {
    signer: &'k mut Signer,
    /// The end of the file before.
    before: Option<(u64, [u8; 32])>,
    /// The record with the greatest number.
    last: Option<(u64, [u8; 32])>,
    first_seq: Option<u64>,
    /// Lines since the last record that are none: the first one's number, and how many.
    bad: Option<(u64, u64)>,
    holes: Vec<Hole>,
    lines: u64,
    records: u64,
    closed: bool,
    /// The last record says that its file is finished: a process that begins after it has lost the beginning of the next.
    finished: bool,
    interrupted: u64,
    lost: u64,
    findings: Vec<Finding>,
    findings_total: u64,
    other_key: bool,
}

/// Numbers that were passed over: from, to (included), and at which line.
#[derive(Debug, Clone, Copy)]
struct Hole {
    from: u64,
    to: u64,
    line: u64,
}

impl<'k> Walk<'k> {
    pub(super) fn new(signer: &'k mut Signer, before: Option<(u64, [u8; 32])>, finished: bool) -> Self {
        Self {
            signer,
            before,
            last: None,
            first_seq: None,
            bad: None,
            holes: Vec::new(),
            lines: 0,
            records: 0,
            closed: false,
            finished,
            interrupted: 0,
            lost: 0,
            findings: Vec::new(),
            findings_total: 0,
            other_key: false,
        }
    }

    /// Takes the next line; `None` for one too long to be a record. Returns whether to go on.
    pub(super) fn line(&mut self, line: Option<&[u8]>) -> bool {
        self.lines += 1;
        let line = line.unwrap_or_default();
        let signer = &mut *self.signer;
        match Seal::of(line).filter(|seal| seal.is_of(signer)) {
            Some(seal) => self.record(line, &seal),
            None if self.lines == 1 && key_id(line).is_some_and(|id| id != self.signer.key_id()) => {
                self.other_key = true;
                self.find(1, None, 1, Kind::OtherKey);
                return false;
            }
            None => {
                let (first, count) = self.bad.unwrap_or((self.lines, 0));
                self.bad = Some((first, count + 1));
            }
        }
        true
    }

    fn record(&mut self, line: &[u8], seal: &Seal<'_>) {
        self.records += 1;
        let hash = Sha256::digest(line).into();
        match self.last {
            None => self.first(seal),
            Some(last) if seal.seq > last.0 => self.next(seal, last, Kind::Deleted),
            Some(_) => self.earlier(seal),
        }
        if self.last.is_none_or(|(seq, _)| seal.seq > seq) {
            self.last = Some((seal.seq, hash));
            self.note(line);
        }
    }

    fn first(&mut self, seal: &Seal<'_>) {
        self.first_seq = Some(seal.seq);
        let continued = self.before.filter(|(seq, _)| seal.seq > *seq);
        self.next(seal, continued.unwrap_or_default(), Kind::Beheaded);
    }

    /// A record with a greater number than `last`'s.
    fn next(&mut self, seal: &Seal<'_>, last: (u64, [u8; 32]), missing: Kind) {
        let (first_bad, bad) = self.bad.take().unwrap_or((self.lines, 0));
        let skipped = seal.seq - last.0 - 1;
        // A line that is no record stands for a number that was skipped, as long as there are any.
        let edited = bad.min(skipped);
        for at in 0..edited {
            self.find(first_bad + at, Some(last.0 + 1 + at), 1, Kind::Edited);
        }
        for at in edited..bad {
            self.find(first_bad + at, None, 1, Kind::Inserted);
        }
        let gone = skipped - edited;
        if gone == 0 {
            if skipped == 0 && seal.prev != last.1 {
                self.find(self.lines, Some(seal.seq), 1, Kind::Spliced);
            }
        } else if missing == Kind::Beheaded {
            self.find(self.lines, Some(seal.seq), gone, Kind::Beheaded);
        } else if self.holes.len() < HOLES_MAX {
            self.holes.push(Hole { from: last.0 + 1 + edited, to: seal.seq - 1, line: self.lines });
        } else {
            self.find(self.lines, Some(last.0 + 1 + edited), gone, Kind::Deleted);
        }
    }

    /// A record whose number was passed: one that is missing, or one there was.
    fn earlier(&mut self, seal: &Seal<'_>) {
        self.flush_bad();
        let found = self.holes.iter().position(|hole| (hole.from..=hole.to).contains(&seal.seq));
        let Some(hole) = found.map(|at| self.holes.swap_remove(at)) else {
            return self.find(self.lines, Some(seal.seq), 1, Kind::Inserted);
        };
        self.find(self.lines, Some(seal.seq), 1, Kind::Reordered);
        let parts = [Hole { to: seal.seq - 1, ..hole }, Hole { from: seal.seq + 1, ..hole }];
        self.holes.extend(parts.into_iter().filter(|part| part.from <= part.to));
    }

    fn note(&mut self, line: &[u8]) {
        let event = event(line);
        let unclosed = self.finished || self.records > 1 && !self.closed;
        self.interrupted += u64::from(event == Some(OPENED) && unclosed);
        self.closed = event == Some(CLOSED);
        self.finished = event == Some(FINISHED);
        if event == Some("log.gap") {
            self.lost = self.lost.saturating_add(lost_in(line).unwrap_or_default());
        }
    }

    fn flush_bad(&mut self) {
        let (first, count) = self.bad.take().unwrap_or_default();
        for at in 0..count {
            let seq = self.last.and_then(|(seq, _)| seq.checked_add(1 + at));
            self.find(first + at, seq, 1, Kind::Edited);
        }
    }

    fn find(&mut self, line: u64, seq: Option<u64>, count: u64, kind: Kind) {
        self.findings_total += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { line, seq, count, kind });
        }
    }

    /// The file is over, with `torn` bytes after its last line. Returns the end of its chain, too, and whether that says
    /// that the log goes on in another file.
    pub(super) fn end(mut self, torn: u64, live: bool) -> (Report, Option<(u64, [u8; 32])>, bool) {
        self.flush_bad();
        for Hole { from, to, line } in std::mem::take(&mut self.holes) {
            self.find(line, Some(from), to - from + 1, Kind::Deleted);
        }
        let mut tampered = self.findings_total > 0;
        // Whoever writes it may be in the middle of a record.
        if torn > 0 && !live || self.records == 0 && !tampered {
            tampered |= self.records == 0;
            self.find(self.lines + 1, None, 1, Kind::Truncated);
        }
        self.findings.sort_by_key(|finding| (finding.line, finding.kind));
        let outcome = match () {
            () if self.other_key => Outcome::OtherKey,
            () if tampered => Outcome::Tampered,
            () if !(self.closed || self.finished) || torn > 0 => Outcome::NotClosed,
            () => Outcome::Valid,
        };
        let report = Report {
            file: std::path::PathBuf::new(),
            outcome,
            live,
            lines: self.lines,
            records: self.records,
            first_seq: self.first_seq,
            last_seq: self.last.map(|(seq, _)| seq),
            head: self.last.map(|(_, hash)| hex(&hash)),
            interrupted: self.interrupted,
            lost: self.lost,
            findings: self.findings,
            findings_total: self.findings_total,
        };
        (report, self.last, self.finished)
    }
}

/// The number of records a `log.gap` says are missing.
fn lost_in(line: &[u8]) -> Option<u64> {
    const KEY: &[u8] = br#","lost":"#;
    let digits = line.get(memchr::memmem::find(line, KEY)? + KEY.len()..)?;
    let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(digits.get(..length)?).ok()?.parse().ok()
}
