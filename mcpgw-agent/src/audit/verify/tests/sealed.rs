//! The same, and more, against logs whose key goes one way, by those who took the key of some epoch.

use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::audit::event::{CHECKPOINT, EPOCH, Next, Own};
use crate::audit::seal::RootKey;

const START: &str = "2026-01-02T03:04:05Z";

/// A log as its writer made it: lines, and for each the key that signed it and what was before it.
#[derive(Clone)]
struct Made {
    lines: Vec<Vec<u8>>,
    keys: Vec<EpochKey>,
    /// The first key of each epoch and where it begins.
    epochs: Vec<(EpochKey, Anchor)>,
}

fn root() -> RootKey {
    let text = "mcpgw-audit:1:root:0123456789abcdef:0:";
    let text = format!("{text}{}", "5a".repeat(32));
    let check = crate::hex::encode(&<sha2::Sha256 as sha2::Digest>::digest(text.as_bytes())[..4]);
    match SealKey::parse(format!("{text}:{check}").as_bytes()) {
        Some(SealKey::Root(root)) => root,
        other => panic!("{other:?}"),
    }
}

/// Writes logs, as the writer does and as forgers do.
struct Maker {
    /// Seals have the signature that needs no secret.
    open: bool,
    key: EpochKey,
    chain: Chain,
    made: Made,
    now: Timestamp,
}

impl Maker {
    fn new() -> Self {
        let key = root().log_key();
        let made = Made { lines: vec![], keys: vec![], epochs: vec![(key.clone(), Anchor::default())] };
        let chain = Chain::new(key.signer(), 0, [0; 32]);
        Self { open: false, key, chain, made, now: START.parse().unwrap() }
    }

    fn add(&mut self, own: &Own<'_>, seals: bool) {
        let mut line = Line::new();
        own.write(&mut line);
        line.stamp(self.now);
        self.now += Duration::from_secs(1);
        let mut bytes = line.into_bytes();
        if seals && self.open {
            self.chain.seal_openly(&mut bytes, &self.key.open_signer());
        } else {
            self.chain.seal(&mut bytes);
        }
        self.chain.added(bytes.clone());
        self.made.lines.push(bytes);
        self.made.keys.push(self.key.clone());
    }

    fn opened(&mut self) {
        let id = self.chain.key_id().to_owned();
        let (key, continues) = (self.key.clone(), self.chain.end());
        let beat = Duration::from_secs(60);
        let own = Own::Opened { key_id: &id, key: Some(&key), beat, continues, replaces: false, torn: None };
        self.add(&own, false);
    }

    fn record(&mut self) {
        self.add(&Own::Gap { lost: 0, since: self.now }, false);
    }

    fn checkpoint(&mut self) {
        let key = self.key.clone();
        self.add(&Own::Checkpoint { key: Some(&key), beat: Duration::from_secs(60), records: 1 }, true);
    }

    fn end(&mut self, own: impl FnOnce(Option<Next>) -> Own<'static>) {
        let next = self.key.next();
        let public_key = self.open.then(|| next.public());
        let named = Next { epoch: next.epoch(), key_id: next.signer().key_id().into(), public_key };
        self.add(&own(Some(named)), true);
        self.evolve(next);
    }

    fn evolve(&mut self, next: EpochKey) {
        self.chain.evolve(next.signer());
        let (seq, head) = self.chain.end().unwrap_or_default();
        self.made.epochs.push((next.clone(), Anchor { seq, head }));
        self.key = next;
    }

    fn epoch(&mut self) {
        self.end(|next| Own::Epoch { records: 1, next });
    }

    fn closed(&mut self) {
        self.end(|next| Own::Closed { next });
    }
}

/// A closed log with as many records in each epoch, and a checkpoint after them.
fn made(epochs: &[usize]) -> Made {
    write(epochs, false)
}

/// One whose seals anybody can check.
fn made_openly(epochs: &[usize]) -> Made {
    write(epochs, true)
}

fn write(epochs: &[usize], open: bool) -> Made {
    let mut maker = Maker { open, ..Maker::new() };
    maker.opened();
    for (at, records) in epochs.iter().enumerate() {
        (0..*records).for_each(|_| maker.record());
        maker.checkpoint();
        if at + 1 < epochs.len() { maker.epoch() } else { maker.closed() }
    }
    maker.made
}

impl Made {
    fn read(&self, key: SealKey) -> Report {
        Verifier::with(key).read(&*self.lines.concat(), false).unwrap()
    }

    fn with_root(&self) -> Report {
        self.read(SealKey::Root(root()))
    }

    /// The record at `at` as somebody writes it who has the key `key`.
    fn forge(&self, at: usize, key: &EpochKey) -> Vec<u8> {
        let (seq, head) = match at.checked_sub(1) {
            Some(before) => (before as u64 + 1, crate::audit::chain::hash(&self.lines[before])),
            None => (0, [0; 32]),
        };
        let chain = Chain::new(key.signer(), seq, head);
        let mut line = Line::new();
        line.text("event", "forged");
        line.stamp(START.parse().unwrap());
        let mut bytes = line.into_bytes();
        chain.seal(&mut bytes);
        bytes
    }

    fn event(&self, at: usize) -> Option<&str> {
        crate::audit::chain::event(&self.lines[at])
    }
}

fn plans() -> impl Strategy<Value = Vec<usize>> {
    vec(0_usize..4, 1..6)
}

fn found(report: &Report) -> Vec<(u64, Option<u64>, u64, Kind)> {
    report.findings.iter().map(|found| (found.line, found.seq, found.count, found.kind)).collect()
}

proptest! {
    // Without optimisation each signature that needs no secret takes milliseconds.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_was_not_changed_is_valid_by_every_key(plan in plans()) {
        let made = made_openly(&plan);
        let last = made.lines.len() as u64;
        let mut keys = vec![SealKey::Root(root())];
        for (key, anchor) in &made.epochs {
            keys.push(SealKey::Log(key.clone(), *anchor));
            keys.push(SealKey::Public(key.public(), *anchor));
        }
        for key in keys {
            let text = key.text();
            let read = SealKey::parse(text.to_uppercase().as_bytes()).unwrap();
            let report = made.read(read);
            let seen = (report.outcome, report.last_seq, report.findings_total, report.notices_total);
            // After the log was closed nothing more is signed by the key that comes next.
            let expected = if matches!(&key, SealKey::Public(_, anchor) if anchor.seq == last) { Outcome::NotClosed } else { Outcome::Valid };
            prop_assert_eq!(seen, (expected, Some(last), 0, 0), "{:?}", key);
        }
    }

    #[test]
    fn any_bit_that_flips_is_found(plan in plans(), at in any::<Index>(), bit in 0_u8..8, by in 0..3) {
        let made = made_openly(&plan);
        let mut bytes = made.lines.concat();
        let at = at.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        let (key, anchor) = made.epochs[made.epochs.len() / 2].clone();
        let key = match by {
            0 => SealKey::Root(root()),
            1 => SealKey::Log(key, anchor),
            _ => SealKey::Public(key.public(), anchor),
        };
        // The secret's signature of the very last record is nothing that can be checked without the secret.
        let end = bytes.len() - "\",\"sig\":\"".len() - 64 - 3;
        prop_assume!(by != 2 || at < end && anchor.seq < made.lines.len() as u64);
        prop_assume!(by != 1 || anchor.seq < made.lines.len() as u64);
        let report = Verifier::with(key).read(&*bytes, false).unwrap();
        prop_assert_ne!(report.outcome, Outcome::Valid);
        let line = made.lines.iter().scan(0, |end, line| { *end += line.len(); Some(*end) })
            .position(|end| at < end).unwrap() as u64 + 1;
        if by == 2 && report.outcome == Outcome::NotClosed {
            // A last record that says it is another kind is no seal any more: nobody says that it is valid.
            prop_assert_eq!(line, made.lines.len() as u64);
            prop_assert_eq!((report.valid_seq, report.sealed_seq), (Some(line - 1), Some(line - 1)));
            return Ok(());
        }
        prop_assert!(report.findings_total > 0);
        prop_assert!(report.findings.iter().any(|found| (line..=line + 1).contains(&found.line)),
            "line {}: {:?}", line, report.findings);
    }

    #[test]
    fn an_end_cut_off_at_any_byte_is_unsealed(plan in plans(), at in any::<Index>()) {
        let made = made_openly(&plan);
        let bytes = made.lines.concat();
        let cut = &bytes[..at.index(bytes.len())];
        let report = Verifier::with(SealKey::Root(root())).read(cut, false).unwrap();
        let whole = cut.iter().filter(|byte| **byte == b'\n').count();
        let expected = if whole == 0 { Outcome::Tampered } else { Outcome::NotClosed };
        prop_assert_eq!(report.outcome, expected);
        prop_assert_eq!(report.valid_seq, (whole > 0).then_some(whole as u64));
        let seal = (0..whole).rev().find(|at| matches!(made.event(*at), Some(EPOCH | CHECKPOINT)));
        prop_assert_eq!(report.sealed_seq, seal.map(|at| at as u64 + 1));
        let public = SealKey::Public(root().log_key().public(), Anchor::default());
        let report = Verifier::with(public).read(cut, false).unwrap();
        prop_assert_eq!((report.outcome, report.valid_seq), (expected, seal.map(|at| at as u64 + 1)));
    }

    #[test]
    fn any_lines_are_read_to_their_end_by_every_key(lines in vec((0_u64..50, any::<bool>(), ".{0,60}"), 0..20)) {
        let mut bytes = Vec::new();
        for (seq, own, text) in lines {
            let event = if own {
                format!(
                    r#""event":"log.opened","key_id":"0123456789abcdef","sealing":{{"root":"0123456789abcdef","log":0,"epoch":{seq}}},"#
                )
            } else {
                String::new()
            };
            let hex = "0".repeat(64);
            let text: String = text.chars().filter(|c| *c != '\n').collect();
            bytes.extend_from_slice(format!("{{\"timestamp\":\"2026-01-02T03:04:05.000006Z\",{event}{text},\"seq\":{seq},\"prev\":\"{hex}\",\"sig\":\"{hex}\"}}\n").as_bytes());
        }
        let (key, anchor) = (root().log_key(), Anchor { seq: 5, head: [7; 32] });
        for key in [SealKey::Root(root()), SealKey::Log(key.clone(), anchor), SealKey::Public(key.public(), anchor)] {
            let report = Verifier::with(key).read(&*bytes, false).unwrap();
            prop_assert_ne!(report.outcome, Outcome::Valid);
        }
    }
}

proptest! {

    #[test]
    fn deleted_lines_are_counted_across_epochs(plan in plans(), from in any::<Index>(), count in 1_usize..20) {
        let made = made(&plan);
        let from = 1 + from.index(made.lines.len() - 2);
        let to = (from + count).min(made.lines.len() - 1);
        let mut lines = made.lines.clone();
        lines.drain(from..to);
        let report = Made { lines, ..made }.with_root();
        prop_assert_eq!(report.outcome, Outcome::Tampered);
        prop_assert_eq!(found(&report),
            [(from as u64 + 1, Some(from as u64 + 1), (to - from) as u64, Kind::Deleted)]);
    }

    #[test]
    fn a_missing_beginning_is_found_whatever_epoch_is_left(plan in plans(), count in any::<Index>()) {
        let made = made(&plan);
        let count = 1 + count.index(made.lines.len() - 1);
        let mut lines = made.lines.clone();
        lines.drain(..count);
        let report = Made { lines, ..made.clone() }.with_root();
        prop_assert_eq!(report.outcome, Outcome::Beheaded);
        prop_assert_eq!(found(&report), [(1, Some(count as u64 + 1), count as u64, Kind::Beheaded)]);
        // A key that was exported there knows what was before.
        if let Some((key, anchor)) = made.epochs.iter().find(|(_, anchor)| anchor.seq == count as u64) {
            let lines = made.lines[count..].to_vec();
            let report = Made { lines, ..made.clone() }.read(SealKey::Log(key.clone(), *anchor));
            prop_assert_eq!(report.outcome, Outcome::Valid);
        }
    }

    #[test]
    fn swapped_lines_are_found_across_epochs(plan in plans(), one in any::<Index>(), other in any::<Index>()) {
        let mut made = made(&plan);
        let (one, other) = (one.index(made.lines.len()), other.index(made.lines.len()));
        prop_assume!(one != other);
        made.lines.swap(one, other);
        let report = made.with_root();
        prop_assert_eq!(report.outcome, Outcome::Tampered);
        prop_assert!(kinds(&report).iter().any(|kind| matches!(kind, Kind::Reordered | Kind::Beheaded)));
    }

    #[test]
    fn a_line_copied_from_another_epoch_is_inserted(plan in plans(), from in any::<Index>(), to in any::<Index>()) {
        let mut made = made(&plan);
        let from = from.index(made.lines.len());
        let to = from + 1 + to.index(made.lines.len() - from);
        made.lines.insert(to, made.lines[from].clone());
        let report = made.with_root();
        prop_assert_eq!(report.outcome, Outcome::Tampered);
        prop_assert_eq!(found(&report), [(to as u64 + 1, Some(from as u64 + 1), 1, Kind::Inserted)]);
    }

    #[test]
    fn a_line_made_with_a_key_that_is_past_or_to_come_is_named(
        plan in vec(0_usize..4, 2..6), at in any::<Index>(), with in any::<Index>(), replaces in any::<bool>()
    ) {
        let mut made = made(&plan);
        let at = 1 + at.index(made.lines.len() - 1);
        let (key, _) = made.epochs[with.index(made.epochs.len())].clone();
        prop_assume!(!key.is(&made.keys[at]));
        // What is in the place of an epoch's end is found by the epoch that follows, too.
        prop_assume!(!replaces || made.event(at) != Some(EPOCH));
        let forged = made.forge(at, &key);
        if replaces { made.lines[at] = forged } else { made.lines.insert(at, forged) }
        let report = made.with_root();
        prop_assert_eq!(report.outcome, Outcome::Tampered);
        prop_assert_eq!(found(&report)[0], (at as u64 + 1, Some(at as u64 + 1), 1, Kind::WrongEpoch));
    }

    #[test]
    fn who_has_the_last_key_cannot_take_out_the_end_of_the_epoch_before(plan in vec(0_usize..4, 2..5)) {
        // All of the last epoch is written anew, with its key, to follow what was before the epoch's end.
        let made = made(&plan);
        let (key, anchor) = made.epochs[made.epochs.len() - 2].clone();
        let kept = usize::try_from(anchor.seq).unwrap() - 1;
        let mut forger = Maker::new();
        forger.made.lines = made.lines[..kept].to_vec();
        forger.chain = Chain::new(key.signer(), kept as u64, crate::audit::chain::hash(&made.lines[kept - 1]));
        forger.key = key;
        (0..3).for_each(|_| forger.record());
        forger.closed();
        let report = forger.made.with_root();
        prop_assert_eq!(report.outcome, Outcome::Tampered);
        prop_assert_eq!(found(&report)[0], (kept as u64 + 1, Some(kept as u64 + 1), 1, Kind::WrongEpoch));
    }

}

#[test]
fn an_epochs_end_that_names_another_key_is_found() {
    let mut maker = Maker::new();
    maker.opened();
    let (other, public_key) = ("0123456789abcdef".into(), None);
    maker.add(&Own::Epoch { records: 1, next: Some(Next { epoch: 1, key_id: other, public_key }) }, true);
    // The forger goes on with a key of their own.
    maker.evolve(root().next().log_key());
    maker.record();
    let report = maker.made.with_root();
    assert_eq!(found(&report), [(2, Some(2), 1, Kind::WrongNext), (3, Some(3), 1, Kind::Edited)]);
}

#[test]
fn a_clock_that_goes_back_and_a_silence_are_noticed() {
    let mut maker = Maker::new();
    maker.opened();
    maker.record();
    maker.now -= Duration::from_secs(3600);
    maker.record();
    maker.now += Duration::from_secs(200);
    maker.checkpoint();
    maker.closed();
    maker.now += Duration::from_secs(86_400);
    maker.opened();
    maker.closed();
    let report = maker.made.with_root();
    assert_eq!(report.outcome, Outcome::Valid);
    let notices: Vec<_> = report.notices.iter().map(|n| (n.line, n.seq, n.millis, n.kind)).collect();
    assert_eq!(
        notices,
        [
            (Some(3), Some(3), 3_599_000, NoticeKind::ClockBack),
            (Some(4), Some(4), 201_000, NoticeKind::Silence)
        ]
    );
}

#[test]
fn a_key_of_another_directory_or_log_is_told_from_tampering() {
    let made = made(&[1, 1]);
    let other = {
        let text = root().next().log_key();
        SealKey::Log(text, Anchor::default())
    };
    assert_eq!(made.read(other).outcome, Outcome::OtherKey);
    let fixed = Verifier::new(&key()).read(&*made.lines.concat(), false).unwrap();
    assert_eq!(fixed.outcome, Outcome::OtherKey);
    let fixed_log = super::log(&["a".to_owned()]);
    let report = Verifier::with(SealKey::Root(root())).read(&*fixed_log.concat(), false).unwrap();
    assert_eq!(report.outcome, Outcome::OtherKey);
}

#[test]
fn keys_are_text_that_is_checked_and_that_debug_does_not_show() {
    let secret = "5a".repeat(32);
    let key = SealKey::Root(root());
    assert!(key.text().contains(&secret));
    for at in 0..key.text().len() {
        let mut text = key.text().as_bytes().to_vec();
        text[at] = if text[at] == b'x' { b'y' } else { b'x' };
        assert!(SealKey::parse(&text).is_none(), "{at}");
    }
    let log = SealKey::Log(root().log_key(), Anchor::default());
    let shown = format!("{key:?} {log:?} {:?}", Verifier::with(log.clone()));
    let hidden = log.text();
    let hidden = hidden.rsplit(':').nth(1).unwrap();
    assert!(!shown.contains(&secret) && !shown.contains(hidden), "{shown}");
    assert!(!shown.contains("90, 90"), "{shown}");
}
