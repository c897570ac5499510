//! A log whose key goes one way, as its users meet it: what is on the disk, what a crash leaves, what is refused.

use std::fs;
use std::time::Duration;

use super::*;
use crate::audit::files::LogFiles;

/// A directory with a root key; the initial key.
fn directory() -> (tempfile::TempDir, SealKey) {
    let dir = tempfile::tempdir().unwrap();
    let made = initialise(dir.path(), false).unwrap();
    assert!(made.replaced.is_none());
    (dir, made.initial)
}

/// An epoch ends after five records; nothing is sealed by the clock.
fn options(path: &Path) -> Options {
    let seal = SealOptions { epoch_records: 5, beat: Duration::from_secs(3600), ..SealOptions::default() };
    Options { seal, ..Options::at(path) }
}

fn open(path: &Path) -> AuditLog {
    AuditLog::open(&options(path)).unwrap()
}

fn note(log: &AuditLog, count: u64) {
    for generation in 0..count {
        log.note(&Event::PolicyLoaded { generation, hash: "h", mode: Mode::Observe }).unwrap();
    }
}

/// What verifying the log with its state beside it comes to.
fn verified(path: &Path, key: &SealKey) -> Report {
    let mut reports = Verifier::with(key.clone()).log(&LogFiles::of(path).unwrap(), &|_| ()).unwrap();
    reports.pop().unwrap()
}

fn state(path: &Path) -> std::path::PathBuf {
    super::super::seal::state_path(path)
}

/// The secret digits of a key's text.
fn secret(text: &str) -> &str {
    text.trim().rsplit(':').nth(1).unwrap()
}

#[test]
fn the_key_evolves_and_what_it_was_is_not_on_the_disk_any_more() {
    let (dir, initial) = directory();
    let path = dir.path().join("a.jsonl");
    let log = open(&path);
    let mut were = vec![initial.text().to_string()];
    for _ in 0..4 {
        were.push(fs::read_to_string(state(&path)).unwrap());
        note(&log, 5);
    }
    drop(log);
    let here: Vec<_> =
        fs::read_dir(dir.path()).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap()).collect();
    assert_eq!(here.len(), 3, "the log, its key, the root key");
    for was in &were {
        let gone = |bytes: &Vec<u8>| memchr::memmem::find(bytes, secret(was).as_bytes()).is_none();
        assert!(here.iter().all(gone));
    }
    let report = verified(&path, &initial);
    assert_eq!(
        (report.outcome, report.epoch, report.findings_total),
        (Outcome::Valid, Some(5), 0),
        "{report:?}"
    );
    // Every key that was, verifies from its epoch on, and what is before by its hashes.
    for was in were {
        let key = SealKey::parse(was.as_bytes()).unwrap();
        assert_eq!(verified(&path, &key).outcome, Outcome::Valid, "{was}");
    }
}

#[test]
fn each_log_of_a_directory_has_keys_of_its_own() {
    let (dir, initial) = directory();
    let paths: Vec<_> = (0..3).map(|at| dir.path().join(format!("{at}.jsonl"))).collect();
    std::thread::scope(|scope| {
        for path in &paths {
            scope.spawn(|| note(&open(path), 7));
        }
    });
    let mut numbers: Vec<_> = paths
        .iter()
        .map(|path| {
            let mut verifier = Verifier::with(initial.clone());
            let reports = verifier.log(&LogFiles::of(path).unwrap(), &|_| ()).unwrap();
            assert_eq!(reports[0].outcome, Outcome::Valid, "{reports:?}");
            verifier.number().unwrap().1
        })
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1, 2]);
    assert_eq!(Verifier::with(initial).logs_begun(dir.path()), Some(3));
}

/// The log's text and its key file's, before and after each record.
fn history(path: &Path, records: u64) -> Vec<(Vec<u8>, Vec<u8>)> {
    let log = open(path);
    let now = || (fs::read(path).unwrap(), fs::read(state(path)).unwrap());
    let mut history = vec![now()];
    for _ in 0..records {
        note(&log, 1);
        history.push(now());
    }
    history
}

#[test]
fn a_key_behind_its_log_catches_up_and_one_ahead_shows_a_log_that_was_rolled_back() {
    let (dir, initial) = directory();
    let path = dir.path().join("a.jsonl");
    let history = history(&path, 12);
    for (at, (text, _)) in history.iter().enumerate() {
        // Each line is an end a crash may leave.
        let ends: Vec<_> = memchr::memchr_iter(b'\n', text).map(|end| end + 1).collect();
        for (of, (_, key)) in history.iter().enumerate() {
            let Some(end) = ends.last().filter(|_| at == of || at.abs_diff(of) > 3) else { continue };
            fs::write(&path, &text[..*end]).unwrap();
            fs::write(state(&path), key).unwrap();
            let SealKey::Log(_, anchor) = SealKey::parse(key).unwrap() else { panic!("{at} {of}") };
            let ahead = anchor.seq > ends.len() as u64;
            let opened = AuditLog::open(&options(&path));
            assert_eq!(opened.is_err(), ahead, "log {at}, key {of}: {opened:?}");
            if let Ok(log) = opened {
                note(&log, 1);
                drop(log);
                assert_eq!(verified(&path, &initial).findings_total, 0, "log {at}, key {of}");
            } else {
                let report = verified(&path, &initial);
                assert_eq!(report.findings.last().unwrap().kind, Kind::RolledBack, "log {at}, key {of}");
            }
        }
    }
}

#[test]
fn a_crash_right_after_the_end_of_an_epoch_leaves_which_key_is_due() {
    let (dir, initial) = directory();
    let path = dir.path().join("a.jsonl");
    let history = history(&path, 6);
    let (before, (text, after)) = (&history[3].1, &history[6]);
    assert_ne!(before, after);
    let epoch = memchr::memmem::find(text, b"log.epoch").unwrap();
    let line = memchr::memrchr(b'\n', &text[..epoch]).unwrap() + 1;
    let end = epoch + memchr::memchr(b'\n', &text[epoch..]).unwrap() + 1;
    // At any byte of the record: torn, and the old key goes on; whole, and the new one does.
    for cut in [line, line + 1, (line + end) / 2, end - 1, end] {
        fs::write(&path, &text[..cut]).unwrap();
        fs::write(state(&path), before).unwrap();
        note(&open(&path), 1);
        let report = verified(&path, &initial);
        assert_eq!(
            (report.outcome, report.findings_total, report.interrupted),
            (Outcome::Valid, 0, 1),
            "{cut}"
        );
    }
}

#[test]
fn what_a_crash_leaves_of_a_key_file_is_wiped() {
    let (dir, initial) = directory();
    let path = dir.path().join("a.jsonl");
    drop(open(&path));
    let key = fs::read(state(&path)).unwrap();
    let beside = |suffix: &str| dir.path().join(format!("a.jsonl.seal.{suffix}"));
    for length in [0, 1, key.len() / 2, key.len()] {
        fs::write(beside("new"), &key[..length]).unwrap();
        fs::write(beside("old"), &key[..length]).unwrap();
        drop(open(&path));
        assert!(!beside("new").exists() && !beside("old").exists());
    }
    // The second name of a file that was not replaced yet is only a name.
    fs::hard_link(state(&path), beside("old")).unwrap();
    drop(open(&path));
    assert!(!beside("old").exists());
    let report = verified(&path, &initial);
    assert_eq!((report.outcome, report.interrupted), (Outcome::Valid, 0));
}

#[test]
fn an_end_that_was_cut_off_is_seen_by_the_key_that_went_on() {
    let (dir, initial) = directory();
    let path = dir.path().join("a.jsonl");
    let (first, whole) = {
        let log = open(&path);
        note(&log, 1);
        drop(log);
        let first = fs::read(&path).unwrap();
        note(&open(&path), 20);
        (first, fs::read(&path).unwrap())
    };
    assert_eq!(verified(&path, &initial).outcome, Outcome::Valid);
    // An older whole copy, closed as it should be.
    fs::write(&path, &first).unwrap();
    let report = verified(&path, &initial);
    assert_eq!((report.outcome, report.findings[0].kind), (Outcome::Tampered, Kind::RolledBack));
    assert!(matches!(AuditLog::open(&options(&path)), Err(AuditError::Broken { .. })));
    // Without the key's file there is nothing it could be compared with, and that is said.
    fs::write(&path, &whole).unwrap();
    fs::remove_file(state(&path)).unwrap();
    let report = verified(&path, &initial);
    assert_eq!((report.outcome, report.notices[0].kind), (Outcome::NotClosed, NoticeKind::NoState));
    assert!(matches!(AuditLog::open(&options(&path)), Err(AuditError::Key(KeyError::Missing { .. }))));
}

#[test]
fn a_log_that_was_moved_away_is_followed_by_another_number() {
    let (dir, initial) = directory();
    let path = dir.path().join("a.jsonl");
    note(&open(&path), 1);
    let kept = dir.path().join("kept.jsonl");
    fs::rename(&path, &kept).unwrap();
    note(&open(&path), 1);
    assert_eq!(verified(&path, &initial).outcome, Outcome::Valid);
    // Its key goes with it.
    assert_eq!(verified(&kept, &initial).outcome, Outcome::NotClosed);
    fs::rename(dir.path().join("a.jsonl.000000.seal"), state(&kept)).unwrap();
    assert_eq!(verified(&kept, &initial).outcome, Outcome::Valid);
    assert_eq!(Verifier::with(initial).logs_begun(dir.path()), Some(2));
}

#[test]
fn a_root_key_is_not_replaced_by_accident() {
    let (dir, initial) = directory();
    drop(open(&dir.path().join("a.jsonl")));
    assert!(matches!(initialise(dir.path(), false), Err(KeyError::Exists { logs: 1, .. })));
    let again = initialise(dir.path(), true).unwrap();
    assert_eq!(again.replaced, Some(1));
    let path = dir.path().join("b.jsonl");
    drop(open(&path));
    assert_eq!(verified(&path, &initial).outcome, Outcome::OtherKey);
    assert_eq!(verified(&path, &again.initial).outcome, Outcome::Valid);
    // The log that was there goes on with its own keys.
    let path = dir.path().join("a.jsonl");
    drop(open(&path));
    assert_eq!(verified(&path, &initial).outcome, Outcome::Valid);
}

#[test]
fn a_log_does_not_change_from_one_kind_of_key_to_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl");
    let required =
        Options { seal: SealOptions { required: true, ..SealOptions::default() }, ..Options::at(&path) };
    assert!(matches!(AuditLog::open(&required), Err(AuditError::Key(KeyError::NoRoot { .. }))));
    fs::remove_file(&path).unwrap();
    drop(AuditLog::open(&Options::at(&path)).unwrap());
    let initial = initialise(dir.path(), false).unwrap().initial;
    let error = AuditLog::open(&Options::at(&path)).unwrap_err();
    assert!(matches!(error, AuditError::Key(KeyError::NotEvolving { .. })) && error.hint().is_some());
    assert_eq!(verify(&path).outcome, Outcome::Valid, "its own key still verifies it");
    fs::rename(&path, dir.path().join("b.jsonl")).unwrap();
    drop(AuditLog::open(&required).unwrap());
    assert_eq!(verified(&path, &initial).outcome, Outcome::Valid);
    let key = Key::new(initial.text().as_bytes(), "test").unwrap();
    let options = Options { key: KeySource::Given(key), ..Options::at(dir.path().join("c.jsonl")) };
    assert!(matches!(AuditLog::open(&options), Err(AuditError::Key(KeyError::Verifies))));
}

#[test]
fn an_idle_log_is_sealed_at_a_steady_beat_and_epochs_end_by_the_clock() {
    let (dir, initial) = directory();
    let path = dir.path().join("a.jsonl");
    let beat = Duration::from_millis(5);
    let seal = SealOptions { beat, epoch_age: Duration::from_millis(40), ..SealOptions::default() };
    for durability in [Durability::Written, Durability::Synced] {
        let log = AuditLog::open(&Options { seal, durability, ..Options::at(&path) }).unwrap();
        let began = std::time::Instant::now();
        let count = |name: &str| {
            let text = fs::read_to_string(&path).unwrap();
            text.matches(&format!("\"event\":\"{name}\"")).count()
        };
        let before = (count("log.checkpoint"), count("log.epoch"));
        while count("log.checkpoint") < before.0 + 3 || count("log.epoch") < before.1 + 2 {
            assert!(began.elapsed() < Duration::from_secs(60), "nothing is sealed");
            std::thread::yield_now();
        }
        log.close().unwrap();
        assert!(log.health().writing);
    }
    let report = verified(&path, &initial);
    assert_eq!((report.outcome, report.findings_total), (Outcome::Valid, 0), "{report:?}");
    assert!(report.seals >= 12);
}

#[test]
fn a_disk_that_takes_no_key_lets_the_epoch_go_on() {
    let (dir, initial) = directory();
    let path = dir.path().join("a.jsonl");
    let log = open(&path);
    // A directory in the place of what the next key is written to.
    let draft = dir.path().join("a.jsonl.seal.new");
    fs::create_dir(&draft).unwrap();
    note(&log, 20);
    assert_eq!(log.health().lost, 0);
    assert!(!fs::read_to_string(&path).unwrap().contains("log.epoch"));
    fs::remove_dir(&draft).unwrap();
    // It is tried more and more rarely.
    note(&log, 20);
    assert!(fs::read_to_string(&path).unwrap().contains("log.epoch"));
    drop(log);
    assert_eq!(verified(&path, &initial).outcome, Outcome::Valid);
}

/// A log of three files or more, and its live one.
fn rotated(path: &Path) -> Vec<std::path::PathBuf> {
    let rotation = Rotation { bytes: 1000, keep_files: None, keep_bytes: None, ..Rotation::default() };
    let seal = SealOptions { beat: Duration::from_secs(3600), ..SealOptions::default() };
    let log = AuditLog::open(&Options { rotation, seal, ..Options::at(path) }).unwrap();
    note(&log, 12);
    drop(log);
    let files: Vec<_> =
        LogFiles::of(path).unwrap().files().iter().map(|file| file.path().to_owned()).collect();
    assert!(files.len() > 3, "{files:?}");
    files
}

/// What the files of a log come to: the worst outcome, and what was found in which file.
fn verified_set(path: &Path, key: &SealKey) -> (Outcome, Vec<(usize, Kind)>) {
    let reports = Verifier::with(key.clone()).log(&LogFiles::of(path).unwrap(), &|_| ()).unwrap();
    let found = reports.iter().enumerate();
    let found = found.flat_map(|(at, report)| report.findings.iter().map(move |found| (at, found.kind)));
    (reports.iter().map(|report| report.outcome).max().unwrap(), found.collect())
}

#[test]
fn an_end_cut_off_at_a_files_end_is_found() {
    let (dir, initial) = directory();
    let path = dir.path().join("a.jsonl");
    let mut files = rotated(&path);
    while files.len() > 1 {
        fs::remove_file(files.pop().unwrap()).unwrap();
        let (outcome, found) = verified_set(&path, &initial);
        assert_eq!(
            (outcome, found.last().map(|(_, kind)| *kind)),
            (Outcome::Tampered, Some(Kind::RolledBack))
        );
    }
}

#[test]
fn files_of_a_set_that_are_gone_or_were_put_in_anothers_place_are_named() {
    let (dir, initial) = directory();
    let path = dir.path().join("a.jsonl");
    let files = rotated(&path);
    assert_eq!(verified_set(&path, &initial), (Outcome::Valid, vec![]));
    let last = files.len() - 1;
    for (at, file) in files.iter().enumerate() {
        let was = LogFiles::of(&path).unwrap();
        let bytes = {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut was.files()[at].open().unwrap(), &mut bytes).unwrap();
            bytes
        };
        let here = was.files()[at].path().to_owned();
        let kept = fs::read(&here).unwrap();
        fs::remove_file(&here).unwrap();
        let expected = match at {
            0 => (Outcome::Beheaded, vec![(0, Kind::Beheaded)]),
            _ if at == last => (Outcome::NotClosed, vec![]),
            _ => (Outcome::Tampered, vec![(at, Kind::Removed)]),
        };
        if at != last {
            assert_eq!(verified_set(&path, &initial), expected, "{file:?} is gone");
        }
        // An older whole file in its place.
        if at > 0 {
            let older = LogFiles::of(&files[0]).unwrap();
            let mut text = Vec::new();
            std::io::Read::read_to_end(&mut older.files()[0].open().unwrap(), &mut text).unwrap();
            let plain = if at == last { path.clone() } else { files[at].clone() };
            if plain.extension().is_some_and(|extension| extension == "jsonl") {
                fs::write(&plain, text).unwrap();
                let (outcome, found) = verified_set(&path, &initial);
                assert_eq!((outcome, found[0]), (Outcome::Tampered, (at, Kind::Replayed)), "{plain:?}");
                fs::remove_file(&plain).unwrap();
            }
        }
        fs::write(&here, kept).unwrap();
        assert!(!bytes.is_empty());
        assert_eq!(verified_set(&path, &initial), (Outcome::Valid, vec![]));
    }
    // One file of the middle, alone: it goes on from what is not there, and ends in a seal.
    assert_eq!(verified_set(&files[1], &initial).0, Outcome::Beheaded);
}

#[test]
fn what_the_log_says_it_deleted_is_no_beheading() {
    let (dir, initial) = directory();
    let path = dir.path().join("a.jsonl");
    let rotation = Rotation { bytes: 1000, keep_files: Some(2), ..Rotation::default() };
    let log = AuditLog::open(&Options { rotation, ..Options::at(&path) }).unwrap();
    note(&log, 20);
    log.keep();
    drop(log);
    assert!(fs::read_to_string(&path).unwrap().contains("log.deleted"));
    assert_eq!(verified_set(&path, &initial), (Outcome::Valid, vec![]));
}
