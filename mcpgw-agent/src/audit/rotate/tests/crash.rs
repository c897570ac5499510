//! A crash at every step of a log's life, of the process alone and of the power: what is left is opened again, and what was
//! permitted is there, or its loss is seen.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use super::*;
use crate::audit::disk::journal::{Crash, Journal, Left, Op, left_by};
use crate::audit::lines::{Lines, Piece};
use crate::audit::tests::Case;

const ALL: [Crash; 5] = [Crash::Killed, Crash::KilledInWrite, Crash::Contents, Crash::Zeros, Crash::All];

/// A directory in memory, where there is one: what the disk would have is worked out, not tried.
fn quick_place() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Records messages `numbers`, and notes each that may go on.
fn pass(log: &AuditLog, numbers: std::ops::Range<u64>, journal: &Journal) {
    for number in numbers {
        let case = Case::call(&format!(r#"{{"number":{number}}}"#));
        assert!(case.record(log).unwrap().wait().unwrap().is_some());
        journal.note(Op::Permitted { seq: number });
    }
}

/// All that is done to the files of a log that is opened, rotated, compressed, perhaps shortened, closed and opened again.
fn life(durability: Durability, rotation: Rotation) -> (Vec<Op>, Vec<u8>) {
    let dir = quick_place();
    let path = dir.path().join("a.jsonl");
    let journal = Journal::start(dir.path());
    let options = Options { durability, ..options(&path, rotation) };
    for numbers in [0..7, 7..12] {
        let log = AuditLog::open(&options).unwrap();
        pass(&log, numbers, journal);
        log.keep();
    }
    let found: u64 = verify(&path).iter().map(|report| report.findings_total).sum();
    assert_eq!(found, 0, "what retention took is on record");
    (journal.ops(), fs::read(Key::beside(&path)).unwrap())
}

/// The directory a crash left.
fn disk(left: &[Left], key: &[u8]) -> tempfile::TempDir {
    let dir = quick_place();
    for (names, bytes) in left.iter().chain([&(vec!["audit.key".to_owned()], key.to_vec())]) {
        let paths: Vec<_> = names.iter().map(|name| dir.path().join(name)).collect();
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(&paths[0]).unwrap();
        file.write_all(bytes).unwrap();
        paths[1..].iter().for_each(|path| fs::hard_link(&paths[0], path).unwrap());
    }
    dir
}

/// Every line that is a record, whatever stands between them.
fn readable(log: &Path) -> Vec<Value> {
    let mut all = Vec::new();
    for file in LogFiles::of(log).unwrap().files() {
        let mut lines = Lines::new(file.open().unwrap());
        while let Some(piece) = lines.next_piece().unwrap() {
            if let Piece::Line(line) = piece {
                all.extend(serde_json::from_slice::<Value>(line));
            }
        }
    }
    all
}

/// Opens what `crash` left after `ops`, adds a record, and says what must hold.
fn survives(ops: &[Op], key: &[u8], crash: Crash, rotation: Rotation, nothing_is_lost: bool) {
    let at = format!("{crash:?} after {} of {:?}", ops.len(), ops.last());
    let left = left_by(ops, crash);
    let dir = disk(&left, key);
    // What is recorded now is not to be deleted at once.
    let rotation = Rotation { bytes: 1 << 20, ..rotation };
    let path = dir.path().join("a.jsonl");
    let log =
        AuditLog::open(&options(&path, rotation)).unwrap_or_else(|error| panic!("{at}: {error} {left:?}"));
    let _permit = Case::call(r#"{"number":999}"#).record(&log).unwrap();
    log.keep();
    drop(log);
    let reports = verify(&path);
    let found: u64 = reports.iter().map(|report| report.findings_total).sum();
    let all = readable(&path);
    let there: Vec<_> = all.iter().filter_map(|record| record["tool_args"]["number"].as_u64()).collect();
    assert_eq!(there.iter().filter(|number| **number == 999).count(), 1, "{at}");
    let deleted = all.iter().filter(|record| record["event"] == "log.deleted");
    let deleted = deleted.filter_map(|record| record["last_seq"].as_u64()).max().unwrap_or_default();
    let first = all[0]["seq"].as_u64().unwrap();
    assert!(first <= deleted + 1 || !nothing_is_lost, "{at}: {first} {deleted}");
    let expected = ops.iter().filter_map(|op| match op {
        Op::Permitted { seq } => Some(*seq),
        Op::Open { .. }
        | Op::Append { .. }
        | Op::Cut { .. }
        | Op::Sync { .. }
        | Op::SyncNames { .. }
        | Op::Link { .. }
        | Op::Rename { .. }
        | Op::Remove { .. } => None,
    });
    let lost: Vec<_> = expected.filter(|number| !there.contains(number)).collect();
    if nothing_is_lost {
        assert!(deleted > 0 || lost.is_empty(), "{at}: lost {lost:?} {left:?}");
        // Retention takes the beginning alone.
        let beginning = lost.iter().enumerate().all(|(index, number)| index as u64 == *number);
        assert!(beginning, "{at}: lost {lost:?}");
        assert_eq!(found, 0, "{at}: {reports:#?}");
    } else if !lost.is_empty() && deleted == 0 {
        let interrupted: u64 = reports.iter().map(|report| report.interrupted).sum();
        let begun_anew =
            all[0]["event"] == "log.opened" && all[0]["continues"].is_null() && all[0]["seq"] == 1;
        let opened = all.iter().filter(|record| record["event"] == "log.opened").count();
        // Where the disk had nothing yet, the log is a new one.
        let is_seen = found > 0 || interrupted > 0 || begun_anew && opened == 1;
        assert!(is_seen, "{at}: lost {lost:?} {left:?} {reports:#?}");
    }
    // Nothing is left that should not be.
    for name in names(&path) {
        let is_over = name.ends_with(".next") || name.ends_with(".tmp");
        assert!(!is_over, "{at}: {name}");
    }
}

fn every_crash(durability: Durability, rotation: Rotation) {
    let (ops, key) = life(durability, rotation);
    assert!(ops.iter().any(|op| matches!(op, Op::Link { .. })) && ops.len() > 80, "{ops:?}");
    for length in 0..=ops.len() {
        for crash in ALL {
            let is_kill = matches!(crash, Crash::Killed | Crash::KilledInWrite);
            let nothing_is_lost = is_kill || durability == Durability::Synced;
            survives(&ops[..length], &key, crash, rotation, nothing_is_lost);
        }
    }
}

#[test]
fn nothing_that_is_written_is_lost_by_a_kill_and_what_a_power_cut_takes_is_seen() {
    every_crash(Durability::Written, Rotation { bytes: 1500, ..SMALL });
}

#[test]
fn nothing_that_is_synced_is_lost_at_all() {
    every_crash(Durability::Synced, Rotation { bytes: 1500, ..SMALL });
}

#[test]
fn retention_that_is_interrupted_is_on_record() {
    let rotation = Rotation { bytes: 1000, keep_files: Some(1), ..SMALL };
    every_crash(Durability::Written, rotation);
    every_crash(Durability::Synced, rotation);
}

#[test]
fn a_compressed_form_that_is_damaged_is_made_again_from_the_plain_one() {
    let (_dir, path) = place();
    let log = open(&path, SMALL);
    (0..20).for_each(|_| note(&log));
    drop(log);
    let plain: Vec<_> =
        all_finished(&path).unwrap().into_iter().filter(|(_, found)| !found.compressed).collect();
    let Some((plain, found)) = plain.last() else { return };
    // Another's bytes under the compressed form's name, whole or not, never win against the plain form.
    let compressed = crate::audit::files::compressed(plain);
    let other = zstd::encode_all(&b"something else\n"[..], 3).unwrap();
    for bytes in [&other[..], &other[..other.len() / 2], b"", b"no zstd"] {
        fs::write(&compressed, bytes).unwrap();
        fs::set_permissions(&compressed, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(
            LogFiles::of(&path)
                .unwrap()
                .files()
                .iter()
                .filter(|file| file.range() == Some((found.first, found.last)))
                .count(),
            1
        );
        is_whole(&path);
    }
    let log = open(&path, SMALL);
    log.keep();
    drop(log);
    assert!(!plain.exists());
    is_whole(&path);
}
