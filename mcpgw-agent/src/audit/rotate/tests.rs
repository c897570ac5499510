//! Rotation as a log's readers meet it: what is in which file, what is deleted, what is in the way.

mod crash;
mod full;
mod killed;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::*;
use crate::audit::files::{LogFiles, all_finished, finished_name};
use crate::audit::lines::each_line;
use crate::audit::verify::{NoticeKind, Outcome, Report, Verifier};
use crate::audit::{AuditError, AuditLog, Durability, Event, Key, Options};

/// Files of about four records, and no limit to how many.
const SMALL: Rotation = Rotation {
    bytes: 1000,
    age: Duration::from_secs(3600),
    keep_files: None,
    keep_age: None,
    keep_bytes: None,
};

fn options(log: &Path, rotation: Rotation) -> Options {
    Options { rotation, ..Options::at(log) }
}

fn open(log: &Path, rotation: Rotation) -> AuditLog {
    AuditLog::open(&options(log, rotation)).unwrap()
}

/// Adds a record.
fn note(log: &AuditLog) {
    log.note(&Event::PolicyLoaded { generation: 1, hash: "h", mode: crate::policy::Mode::Observe }).unwrap();
}

/// Every record of a log, of all its files in order.
fn records(log: &Path) -> Vec<Value> {
    let mut all = Vec::new();
    for file in LogFiles::of(log).unwrap().files() {
        let torn = each_line(file.open().unwrap(), |line| {
            all.push(serde_json::from_slice(line.unwrap()).unwrap());
            true
        });
        assert_eq!(torn.unwrap(), 0, "{file:?}");
    }
    all
}

/// What is to be said of each of a log's files.
fn verify(log: &Path) -> Vec<Report> {
    let mut verifier = Verifier::new(&Key::read(&Key::beside(log)).unwrap());
    verifier.log(&LogFiles::of(log).unwrap(), &|_| ()).unwrap()
}

/// The numbers follow one another from 1, each file is as it was written, and begins and ends as it should.
fn is_whole(log: &Path) {
    let reports = verify(log);
    assert!(reports.iter().all(|report| report.outcome == Outcome::Valid), "{reports:#?}");
    let numbers: Vec<_> = records(log).iter().map(|record| record["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    for (file, report) in LogFiles::of(log).unwrap().files().iter().zip(reports) {
        if let Some((first, last)) = file.range() {
            assert_eq!((Some(first), Some(last)), (report.first_seq, report.last_seq), "{file:?}");
        }
    }
}

fn names(log: &Path) -> Vec<String> {
    let dir = fs::read_dir(log.parent().unwrap()).unwrap();
    let mut names: Vec<_> = dir.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("a.jsonl");
    (dir, log)
}

#[test]
fn a_file_that_is_full_is_finished_and_compressed_and_the_chain_goes_on() {
    let (_dir, path) = place();
    let log = open(&path, SMALL);
    for _ in 0..20 {
        note(&log);
    }
    log.keep();
    let kept = log.kept();
    assert!(
        kept.rotations > 2 && kept.files == kept.rotations + 1 && kept.compressed == kept.rotations,
        "{kept:?}"
    );
    assert_eq!((kept.rotation_failures, kept.compression_failures, kept.deleted), (0, 0, 0));
    drop(log);
    is_whole(&path);
    for (file, finished) in all_finished(&path).unwrap() {
        assert!(finished.compressed);
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
    }
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
    let all = records(&path);
    let second = all.iter().position(|record| record["event"] == "log.rotated").unwrap();
    assert_eq!(all[second - 1]["event"], "log.finished");
    assert_eq!(all[second]["continues"]["seq"], all[second - 1]["seq"]);
    assert_eq!(all[second]["continues"]["sha256"], all[second]["prev"]);
    // Another process goes on in the same files.
    drop(open(&path, SMALL));
    is_whole(&path);
}

#[test]
fn a_log_whose_last_file_is_gone_does_not_end_where_the_one_before_does() {
    let (_dir, path) = place();
    let log = open(&path, SMALL);
    for _ in 0..20 {
        note(&log);
    }
    log.keep();
    drop(log);
    fs::remove_file(&path).unwrap();
    let last = |path: &Path| verify(path).pop().unwrap();
    let report = last(&path);
    assert_eq!(report.outcome, Outcome::NotClosed);
    assert_eq!(report.notices.last().unwrap().kind, NoticeKind::GoesOn);
    // By itself a finished file is what it was.
    let (file, _) = all_finished(&path).unwrap().pop().unwrap();
    let mut verifier = Verifier::new(&Key::read(&Key::beside(&path)).unwrap());
    let alone = verifier.log(&LogFiles::of(&file).unwrap(), &|_| ()).unwrap();
    assert_eq!(alone.len(), 1);
    assert!(alone[0].outcome <= Outcome::Beheaded && alone[0].notices.is_empty(), "{alone:?}");
}

#[test]
fn a_file_that_is_old_is_finished_by_its_first_records_time() {
    let (_dir, path) = place();
    let hourly = Rotation { bytes: 1 << 20, ..SMALL };
    let log = open(&path, hourly);
    note(&log);
    assert_eq!(log.kept().rotations, 0);
    drop(log);
    let log = open(&path, Rotation { age: Duration::ZERO, ..hourly });
    note(&log);
    assert_eq!(log.kept().rotations, 1, "its age is that of the process before, too");
    drop(log);
    is_whole(&path);
}

#[test]
fn a_clock_that_was_set_neither_finishes_a_file_nor_holds_it_up() {
    let day = Rotation { age: Duration::from_secs(86_400), ..SMALL };
    let now = jiff::Timestamp::now();
    let hours = |hours: i64| Some(now + jiff::SignedDuration::from_hours(hours));
    assert!(!Turn::new(day, 1, hours(24 * 365)).is_due(0, 5), "it seems to be written next year");
    assert!(!Turn::new(day, 1, hours(-23)).is_due(0, 5));
    assert!(Turn::new(day, 1, hours(-25)).is_due(0, 5));
    assert!(!Turn::new(day, 1, hours(-25)).is_due(0, 1), "it has only its beginning");
    let mut turn = Turn::new(day, 1, None);
    assert!(turn.is_due(1000, 5));
    turn.failed();
    assert!(!turn.is_due(1000, 5), "it is not tried at every record");
}

#[test]
fn too_many_files_go_the_oldest_first_and_the_log_says_so_before() {
    let (_dir, path) = place();
    let log = open(&path, Rotation { keep_files: Some(2), bytes: 4000, ..SMALL });
    // Some go while records come, and what says so goes with later ones.
    for _ in 0..4 {
        (0..50).for_each(|_| note(&log));
        log.keep();
    }
    // What says that files are deleted fills files, too; and the thread of the log's own takes turns with this one. After a
    // pass that had nothing to do there is nothing left for either.
    let mut kept = Kept::default();
    while kept != log.kept() {
        kept = log.kept();
        log.keep();
    }
    assert!(kept.deleted > 0 && kept.files == 3 && kept.rotations == kept.deleted + 2, "{kept:?}");
    drop(log);
    let left = all_finished(&path).unwrap();
    let all = records(&path);
    let deleted: Vec<_> = all.iter().filter(|record| record["event"] == "log.deleted").collect();
    // That the first went was said in a file that is gone, too.
    let mut next = deleted[0]["first_seq"].as_u64().unwrap();
    for record in deleted {
        assert_eq!(
            (&record["first_seq"], &record["limit"]),
            (&Value::from(next), &Value::from("keep-files"))
        );
        next = record["last_seq"].as_u64().unwrap() + 1;
    }
    assert!(left[0].1.first <= next, "what is gone is on record");
    let numbers: Vec<_> = all.iter().map(|record| record["seq"].as_u64().unwrap()).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "no holes");
}

#[test]
fn hostile_names_are_left_as_they_are() {
    let (dir, path) = place();
    let victim = dir.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    let hostile = [finished_name(&path, 1, 4), finished_name(&path, 90, 99)];
    for name in &hostile {
        symlink(&victim, name).unwrap();
    }
    let theirs = finished_name(&path, 200, 300);
    fs::write(&theirs, "x").unwrap();
    fs::set_permissions(&theirs, fs::Permissions::from_mode(0o666)).unwrap();
    symlink(&victim, dir.path().join("a.jsonl.next")).unwrap();
    let refused = AuditLog::open(&options(&path, SMALL));
    assert!(
        matches!(refused, Err(AuditError::Unsafe { .. })),
        "a file others can write is not continued: {refused:?}"
    );
    fs::remove_file(&theirs).unwrap();
    let log = open(&path, Rotation { keep_files: Some(1), ..SMALL });
    for _ in 0..20 {
        note(&log);
    }
    assert_eq!(log.kept().rotations, 0, "what is in the way is not replaced");
    assert!(log.kept().rotation_failures > 0 && log.health().writing);
    drop(log);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    assert!(hostile.iter().all(|name| name.is_symlink()));
    fs::remove_file(dir.path().join("a.jsonl.next")).unwrap();
    let log = open(&path, Rotation { keep_files: Some(1), ..SMALL });
    for _ in 0..20 {
        note(&log);
    }
    log.keep();
    assert!(log.kept().rotations > 0);
    drop(log);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    assert!(hostile.iter().all(|name| name.is_symlink()), "they are no files of ours: not deleted");
}

#[test]
fn a_file_somebody_writes_is_not_deleted() {
    let (_dir, path) = place();
    let log = open(&path, Rotation { keep_files: Some(1), ..SMALL });
    for _ in 0..10 {
        note(&log);
    }
    log.keep();
    drop(log);
    // By its number: the log's own thread may have compressed it, or deleted it, at any moment before.
    assert!(all_finished(&path).unwrap()[0].1.first > 1);
    let (second, _) = all_finished(&path).unwrap().remove(0);
    let held = fs::File::open(&second).unwrap();
    held.lock().unwrap();
    let log = open(&path, Rotation { keep_files: Some(1), ..SMALL });
    for _ in 0..20 {
        note(&log);
    }
    log.keep();
    assert!(second.exists() && log.kept().deletion_failures > 0);
    // Closing it would leave the lock to a child that another test is just forking.
    held.unlock().unwrap();
    log.keep();
    assert!(!second.exists());
}

#[test]
fn a_log_cannot_have_the_name_of_a_finished_file() {
    let (dir, path) = place();
    let name = finished_name(&path, 1, 2);
    let error = AuditLog::open(&Options::at(&name)).unwrap_err();
    assert!(matches!(error, AuditError::Unsafe { .. }), "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_log_whose_live_file_is_gone_goes_on_after_its_finished_ones() {
    let (_dir, path) = place();
    for compress in [true, false] {
        let log = open(&path, SMALL);
        for _ in 0..20 {
            note(&log);
        }
        if compress {
            log.keep();
        }
        drop(log);
        let last = all_finished(&path).unwrap().last().unwrap().1.last;
        fs::remove_file(&path).unwrap();
        drop(open(&path, SMALL));
        let all = records(&path);
        let opened = all.iter().rev().find(|record| record["event"] == "log.opened").unwrap();
        assert_eq!(opened["seq"], last + 1);
        is_whole(&path);
    }
}

#[test]
fn two_that_turn_at_the_same_time_never_write_one_log() {
    let (_dir, path) = place();
    let log = open(&path, SMALL);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            (0..200).all(|_| matches!(AuditLog::open(&options(&path, SMALL)), Err(AuditError::Locked { .. })))
        });
        for _ in 0..200 {
            note(&log);
        }
        assert!(other.join().unwrap());
    });
    drop(log);
    is_whole(&path);
}

#[test]
fn many_write_one_log_while_it_is_rotated() {
    for durability in [Durability::Written, Durability::Synced] {
        let (_dir, path) = place();
        let log = AuditLog::open(&Options { durability, ..options(&path, SMALL) }).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..50).for_each(|_| note(&log)));
            }
        });
        drop(log);
        is_whole(&path);
        assert!(records(&path).iter().filter(|record| record["event"] == "policy.loaded").count() == 200);
    }
}
