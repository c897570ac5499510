//! From record to record, keeping account of which numbers were seen.

use super::clock::{Clock, Notices};
use super::report::{FINDINGS_MAX, Finding, Kind, Notice, NoticeKind, Outcome, Report};
use super::ring::{Judgement, Ring};
use crate::audit::chain::{Seal, event, hash, number};
use crate::audit::event::{CLOSED, DELETED, FINISHED, OPENED, is_seal};
use crate::audit::seal::Anchor;
use crate::hex;

/// Ranges of missing numbers that are remembered; a log with more holes is not worth telling reordered from deleted.
const HOLES_MAX: usize = 1024;

/// Where the files before ended.
#[derive(Debug, Clone, Default)]
pub(super) struct End {
    /// The last record's number and hash.
    pub(super) last: Option<(u64, [u8; 32])>,
    pub(super) clock: Clock,
    /// The last record closed the log.
    pub(super) closed: bool,
    /// The last record says that the log goes on in another file.
    pub(super) finished: bool,
    /// Records up to this one were deleted, as the log itself says.
    pub(super) deleted: u64,
}

impl End {
    /// The last record's number, 0 where there is none.
    pub(super) fn seq(&self) -> u64 {
        self.last.map_or(0, |(seq, _)| seq)
    }
}

/// What is known so far.
#[derive(Debug)]
pub(super) struct Walk<'k> {
    ring: &'k mut Ring,
    /// The end of the file before, and whether this one is of the same log for sure.
    before: End,
    is_part: bool,
    /// The record with the greatest number.
    last: Option<(u64, [u8; 32])>,
    /// Its line; where it is tied to the others by hashes alone.
    linked: Option<u64>,
    first_seq: Option<u64>,
    /// The epoch of the last record, where another is in force.
    strange: Option<u64>,
    /// Lines since the last record that are none: the first one's number, and how many.
    bad: Option<(u64, u64)>,
    holes: Vec<Hole>,
    lines: u64,
    records: u64,
    closed: bool,
    /// The last record says that its file is finished: a process that begins after it has lost the beginning of the next.
    finished: bool,
    sealed: Option<u64>,
    /// The last record that a key vouches for.
    vouched: Option<u64>,
    seals: u64,
    interrupted: u64,
    lost: u64,
    deleted: u64,
    findings: Vec<Finding>,
    findings_total: u64,
    beheaded: bool,
    other_key: bool,
    clock: Clock,
    notices: Notices,
}

/// Numbers that were passed over: from, to (included), and at which line.
#[derive(Debug, Clone, Copy)]
struct Hole {
    from: u64,
    to: u64,
    line: u64,
}

impl<'k> Walk<'k> {
    /// A walk through the file after the one that ended with `before`; `is_part` where both are of one log.
    pub(super) fn new(ring: &'k mut Ring, before: End, is_part: bool) -> Self {
        Self {
            ring,
            is_part,
            last: None,
            linked: None,
            strange: None,
            first_seq: None,
            bad: None,
            holes: Vec::new(),
            lines: 0,
            records: 0,
            closed: false,
            finished: before.finished,
            sealed: None,
            vouched: None,
            seals: 0,
            interrupted: 0,
            lost: 0,
            deleted: 0,
            findings: Vec::new(),
            findings_total: 0,
            beheaded: false,
            other_key: false,
            clock: Clock::default(),
            notices: Notices::default(),
            before,
        }
    }

    /// Takes the next line; `None` for one too long to be a record. Returns whether to go on.
    pub(super) fn line(&mut self, line: Option<&[u8]>) -> bool {
        self.lines += 1;
        let line = line.unwrap_or_default();
        let seal = Seal::of(line);
        if self.lines == 1
            && let Some(goes_on) = self.begin(line, seal.as_ref())
        {
            return goes_on;
        }
        let last = self.last.or(self.before.last).map_or(0, |(seq, _)| seq);
        match seal.map(|seal| (self.ring.judge(&seal, line, last), seal)) {
            Some((Judgement::Signed, seal)) => self.record(line, &seal, false),
            Some((Judgement::Linked, seal)) => self.record(line, &seal, true),
            Some((Judgement::WrongEpoch(epoch), seal)) => self.of_another_epoch(line, &seal, epoch),
            Some((Judgement::NotTheAnchor, seal)) => {
                self.flush_bad();
                self.find(self.lines, Some(seal.seq), 1, Kind::Spliced);
                self.record(line, &seal, true);
            }
            Some((Judgement::No, _)) | None => {
                let (first, count) = self.bad.unwrap_or((self.lines, 0));
                self.bad = Some((first, count + 1));
            }
        }
        true
    }

    /// The first line. `Some` where it says all there is to say of it: then, whether to go on.
    fn begin(&mut self, line: &[u8], seal: Option<&Seal<'_>>) -> Option<bool> {
        let before = self.before.last.map(|(seq, _)| seq);
        if let (true, Some(seal), Some(before)) = (self.is_part, seal, before)
            && seal.seq <= before
        {
            self.find(1, Some(seal.seq), 1, Kind::Replayed);
            self.last = self.before.last;
            return Some(false);
        }
        let goes_on = seal.is_some_and(|seal| before.is_some_and(|before| seal.seq > before));
        if !self.is_part && !goes_on {
            self.before = End::default();
            self.finished = false;
            self.ring.another_log();
        }
        if self.before.last.is_none() && self.ring.is_foreign(line) {
            self.other_key = true;
            self.find(1, None, 1, Kind::OtherKey);
            return Some(false);
        }
        self.clock = std::mem::take(&mut self.before.clock);
        None
    }

    fn record(&mut self, line: &[u8], seal: &Seal<'_>, linked: bool) {
        self.records += 1;
        let hash = hash(line);
        match self.last {
            None => self.first(seal),
            Some(last) if seal.seq > last.0 => self.next(seal, last, Kind::Deleted),
            Some(_) => self.earlier(seal),
        }
        if self.last.is_none_or(|(seq, _)| seal.seq > seq) {
            self.last = Some((seal.seq, hash));
            self.linked = linked.then_some(self.lines);
            self.strange = None;
            if !linked {
                self.vouched = Some(seal.seq);
            }
            self.note(line, seal.seq);
        }
    }

    fn first(&mut self, seal: &Seal<'_>) {
        self.first_seq = Some(seal.seq);
        let continued = self.before.last.filter(|(seq, _)| seal.seq > *seq);
        let anchored = self.ring.anchor().filter(|Anchor { seq, .. }| *seq > 0 && seal.seq > *seq);
        match (continued, anchored) {
            (Some(last), _) => {
                self.next(seal, last, if self.is_part { Kind::Removed } else { Kind::Beheaded })
            }
            (None, Some(Anchor { seq, head })) => self.next(seal, (seq, head), Kind::Beheaded),
            (None, None) => self.next(seal, (0, [0; 32]), Kind::Beheaded),
        }
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
                match self.linked {
                    // What comes after says what it should have been.
                    Some(line) => self.find(line, Some(last.0), 1, Kind::Edited),
                    None => self.find(self.lines, Some(seal.seq), 1, Kind::Spliced),
                }
            }
            return;
        }
        if missing == Kind::Deleted && self.holes.len() < HOLES_MAX {
            self.holes.push(Hole { from: last.0 + 1 + edited, to: seal.seq - 1, line: self.lines });
        } else if missing == Kind::Beheaded {
            self.beheaded = true;
            self.find(self.lines, Some(seal.seq), gone, Kind::Beheaded);
        } else {
            self.find(self.lines, Some(last.0 + 1 + edited), gone, missing);
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

    /// A record that a key signed which was not in force. One that follows the last shows that the end of an epoch was taken
    /// out and the numbers written anew; any other was put there.
    fn of_another_epoch(&mut self, line: &[u8], seal: &Seal<'_>, epoch: u64) {
        self.flush_bad();
        self.find(self.lines, Some(seal.seq), 1, Kind::WrongEpoch);
        let last = self.last.or(self.before.last).unwrap_or_default();
        if (seal.seq, seal.prev) == (last.0.saturating_add(1), last.1) {
            // One can be a record put in another's place; after two in a row that is how the log goes on.
            if self.strange == Some(epoch) {
                self.ring.jump(epoch, seal.seq);
            }
            self.record(line, seal, false);
            self.strange = Some(epoch);
        }
    }

    fn note(&mut self, line: &[u8], seq: u64) {
        let event = event(line);
        let unclosed = self.finished || self.has_begun() && !self.was_closed();
        self.interrupted += u64::from(event == Some(OPENED) && unclosed);
        self.closed = event == Some(CLOSED);
        self.finished = event == Some(FINISHED);
        if event == Some(DELETED) {
            self.deleted = self.deleted.max(number(line, br#","last_seq":"#).unwrap_or_default());
        }
        if event.is_some_and(is_seal) {
            self.sealed = Some(seq);
            self.seals += 1;
        }
        if event == Some("log.gap") {
            self.lost = self.lost.saturating_add(number(line, br#","lost":"#).unwrap_or_default());
        }
        self.clock.tick(line, self.lines, seq, &mut self.notices);
        if !self.ring.passed(seq, line) {
            self.find(self.lines, Some(seq), 1, Kind::WrongNext);
        }
    }

    fn has_begun(&self) -> bool {
        self.records > 1 || self.is_part && self.before.last.is_some()
    }

    fn was_closed(&self) -> bool {
        if self.records > 1 { self.closed } else { self.before.closed }
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

    /// The file is over, with `torn` bytes after its last line; `live` where somebody writes it, who was to be heard of by
    /// `now`, in milliseconds. Returns the end of its chain, too.
    pub(super) fn end(mut self, torn: u64, live: Option<u64>) -> (Report, End) {
        self.flush_bad();
        for Hole { from, to, line } in std::mem::take(&mut self.holes) {
            self.find(line, Some(from), to - from + 1, Kind::Deleted);
        }
        let only_beheaded = self.beheaded && self.findings_total == 1;
        let mut tampered = self.findings_total > 0 && !only_beheaded;
        // Whoever writes it may be in the middle of a record.
        if torn > 0 && live.is_none() || self.records == 0 && !tampered {
            tampered |= self.records == 0;
            self.find(self.lines + 1, None, 1, Kind::Truncated);
        }
        if let Some(millis) = live.and_then(|now| self.clock.is_silent(now)) {
            let (line, seq) = (Some(self.lines), self.last.map(|(seq, _)| seq.saturating_add(1)));
            self.notices.add(Notice { line, seq, millis, kind: NoticeKind::Silence });
        }
        self.findings.sort_by_key(|finding| (finding.line, finding.kind));
        let last_seq = self.last.map(|(seq, _)| seq).filter(|_| self.records > 0);
        let vouched = if self.ring.signs_all() { last_seq } else { self.vouched };
        let ended = (self.closed || self.finished) && torn == 0 && vouched == last_seq;
        let outcome = match () {
            () if self.other_key => Outcome::OtherKey,
            () if tampered => Outcome::Tampered,
            () if only_beheaded => Outcome::Beheaded,
            () if ended => Outcome::Valid,
            () => Outcome::NotClosed,
        };
        let report = Report {
            file: std::path::PathBuf::new(),
            outcome,
            ended,
            live: live.is_some(),
            lines: self.lines,
            records: self.records,
            first_seq: self.first_seq,
            last_seq,
            head: self.last.map(|(_, hash)| hex::encode(&hash)).filter(|_| self.records > 0),
            sealed_seq: self.sealed,
            valid_seq: vouched,
            seals: self.seals,
            epoch: self.ring.key_now().map(|key| key.epoch),
            interrupted: self.interrupted,
            lost: self.lost,
            findings: self.findings,
            findings_total: self.findings_total,
            notices: self.notices.list,
            notices_total: self.notices.total,
        };
        let last = self.last.or(self.before.last);
        let deleted = self.deleted.max(self.before.deleted);
        (report, End { last, clock: self.clock, closed: self.closed, finished: self.finished, deleted })
    }
}
