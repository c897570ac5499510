//! A disk that does not take it, a file that is not there any more. Where the kernel has to play along, the test runs
//! itself again with a small file system or a small limit of its own.

use std::fs;
use std::io::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use super::*;
use crate::tests::has_namespaces;

/// The variable that tells the second run where to write.
const PLACE: &str = "MCPGW_TEST_PLACE";

/// Runs the test called `name` again, after `prepare`, a shell script that finds a directory in `$MCPGW_TEST_PLACE`;
/// returns that directory in the second run, `None` in the first, which is done, and where there can be no second.
fn again(name: &str, prepare: &str) -> Option<std::path::PathBuf> {
    if let Some(place) = std::env::var_os(PLACE) {
        return Some(place.into());
    }
    if !has_namespaces(name) {
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-euc"])
        .arg(format!("{prepare}; exec \"$@\""))
        .arg("sh")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("audit::tests::faults::{name}"), "--nocapture"])
        .env(PLACE, dir.path())
        .output()
        .expect("unshare is installed");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{output:?}");
    None
}

fn case(mode: Mode) -> Case {
    Case::new(&call(r#"{"a":"b"}"#), Effect::Allow, mode)
}

/// Records until that fails, in enforce mode.
fn fill(log: &AuditLog) -> std::io::ErrorKind {
    let error = (0..1000).find_map(|_| case(Mode::Enforce).record(log).err()).expect("it fills up");
    let AuditError::Io { source, .. } = error else { panic!("{error}") };
    source.kind()
}

#[test]
fn a_full_disk_denies_is_counted_and_heals() {
    let prepare = "mount -t tmpfs -o size=40k none \"$MCPGW_TEST_PLACE\"";
    let Some(place) = again("a_full_disk_denies_is_counted_and_heals", prepare) else { return };
    let (path, ballast) = (place.join("a.jsonl"), place.join("ballast"));
    fs::write(&ballast, [0; 16 << 10]).unwrap();
    let log = AuditLog::open(&Options::at(&path)).unwrap();
    assert_eq!(fill(&log), std::io::ErrorKind::StorageFull);
    let permit = case(Mode::Observe).record(&log).unwrap().wait().unwrap();
    assert!(permit.is_some(), "observing stops nothing");
    log.note(&Event::PolicyLoaded { generation: 1, hash: "h", mode: Mode::Enforce }).unwrap_err();
    let health = log.health();
    assert_eq!((health.writing, health.lost), (false, 3));
    assert!(health.last_error.unwrap().contains("No space left"));
    let report = verify(&path);
    assert_eq!((report.outcome, report.findings_total), (Outcome::NotClosed, 0), "no half record is left");
    let whole = report.records;
    fs::remove_file(ballast).unwrap();
    let _permit = case(Mode::Enforce).record(&log).unwrap();
    assert!(log.health().writing);
    drop(log);
    let report = verify(&path);
    assert_eq!((report.outcome, report.lost, report.records), (Outcome::Valid, 3, whole + 3));
    assert_eq!(events(&path).into_iter().rev().nth(2).unwrap(), "log.gap");
}

#[test]
fn a_file_that_is_removed_from_a_full_disk_is_opened_once_there_is_room() {
    let name = "a_file_that_is_removed_from_a_full_disk_is_opened_once_there_is_room";
    let prepare = "mount -t tmpfs -o size=32k none \"$MCPGW_TEST_PLACE\"";
    let Some(place) = again(name, prepare) else { return };
    let (path, ballast) = (place.join("a.jsonl"), place.join("ballast"));
    let log = AuditLog::open(&Options::at(&path)).unwrap();
    // As long as somebody has it open it keeps its room.
    let removed = fs::File::open(&path).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&ballast, [0; 64 << 10]).unwrap_err();
    for _ in 0..2 {
        case(Mode::Enforce).record(&log).unwrap_err();
        assert_eq!(path.metadata().unwrap().len(), 0);
    }
    fs::remove_file(ballast).unwrap();
    drop(removed);
    let _permit = case(Mode::Enforce).record(&log).unwrap();
    assert_eq!(events(&path), ["log.opened", "log.gap", "message"]);
}

#[test]
fn a_limit_on_the_length_of_files_does_not_end_the_process() {
    let name = "a_limit_on_the_length_of_files_does_not_end_the_process";
    let Some(place) = again(name, "ulimit -f 16") else { return };
    let path = place.join("a.jsonl");
    let log = AuditLog::open(&Options::at(&path)).unwrap();
    assert_eq!(fill(&log), std::io::ErrorKind::FileTooLarge);
    let report = verify(&path);
    assert_eq!((report.outcome, report.findings_total), (Outcome::NotClosed, 0));
}

#[test]
fn a_disk_that_is_read_only_is_an_error_at_the_start() {
    let name = "a_disk_that_is_read_only_is_an_error_at_the_start";
    let prepare = "mount -t tmpfs -o ro none \"$MCPGW_TEST_PLACE\"";
    let Some(place) = again(name, prepare) else { return };
    let error = AuditLog::open(&Options::at(place.join("a.jsonl"))).unwrap_err();
    let AuditError::Io { action: "open", source, .. } = error else { panic!("{error}") };
    assert_eq!(source.kind(), std::io::ErrorKind::ReadOnlyFilesystem);
}

#[test]
fn what_is_recorded_survives_the_writer_being_killed() {
    if let Some(place) = std::env::var_os(PLACE) {
        let log = AuditLog::open(&Options::at(place)).unwrap();
        loop {
            let _permit = case(Mode::Enforce).record(&log).unwrap();
            println!("recorded {}", log.health().written);
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl");
    for killed in 1..4 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "audit::tests::faults::what_is_recorded_survives_the_writer_being_killed"])
            .args(["--nocapture", "--quiet"])
            .env(PLACE, &path)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let said = std::io::BufReader::new(child.stdout.take().unwrap());
        let mut said = std::io::BufRead::lines(said).map_while(Result::ok);
        let recorded = said
            .by_ref()
            .filter_map(|line| line.strip_prefix("recorded ")?.parse::<u64>().ok())
            .find(|recorded| *recorded >= 100);
        child.kill().unwrap();
        child.wait().unwrap();
        // Not before: who has nobody to write to does not die of it but closes its log.
        drop(said);
        let report = verify(&path);
        assert!(report.records >= killed * (1 + recorded.unwrap()));
        assert_eq!((report.outcome, report.interrupted), (Outcome::NotClosed, killed - 1));
    }
    drop(AuditLog::open(&Options::at(&path)).unwrap());
    let report = verify(&path);
    assert_eq!((report.outcome, report.interrupted), (Outcome::Valid, 3));
}

#[test]
fn a_file_that_is_removed_is_followed_by_another() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl");
    let log = AuditLog::open(&Options::at(&path)).unwrap();
    let _permit = case(Mode::Enforce).record(&log).unwrap();
    let before = fs::read_to_string(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let _permit = case(Mode::Enforce).record(&log).unwrap();
    drop(log);
    let report = verify(&path);
    assert_eq!((report.outcome, report.first_seq), (Outcome::Beheaded, Some(3)));
    assert_eq!(report.findings[0].kind, Kind::Beheaded);
    assert_eq!(lines(&path)[0]["replaces"], "a file that was removed");
    // Whoever kept the first file can show that the second goes on from it.
    let kept = dir.path().join("kept.jsonl");
    fs::write(&kept, before).unwrap();
    let mut verifier = Verifier::new(&Key::read(&Key::beside(&path)).unwrap());
    assert_eq!(verifier.file(&kept).unwrap().outcome, Outcome::NotClosed);
    assert_eq!(verifier.file(&path).unwrap().outcome, Outcome::Valid);
}

#[test]
fn a_file_that_was_just_looked_at_and_is_removed_is_followed_by_another_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl");
    let log = AuditLog::open(&Options::at(&path)).unwrap();
    let _permit = case(Mode::Enforce).record(&log).unwrap();
    log.rest();
    fs::remove_file(&path).unwrap();
    let since = Instant::now();
    while !path.exists() && since.elapsed() < Duration::from_secs(10) {
        let _permit = case(Mode::Enforce).record(&log).unwrap();
        log.rest();
    }
    assert_eq!(lines(&path)[0]["replaces"], "a file that was removed");
    // What somebody adds is noticed as soon.
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"x").unwrap();
    let refused = std::iter::from_fn(|| {
        log.rest();
        (since.elapsed() < Duration::from_secs(20)).then(|| case(Mode::Enforce).record(&log))
    });
    assert!(refused.into_iter().any(|recorded| matches!(recorded, Err(AuditError::Changed { .. }))));
}

#[test]
fn a_file_somebody_else_takes_the_place_of_is_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl");
    let log = AuditLog::open(&Options::at(&path)).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, "theirs").unwrap();
    case(Mode::Enforce).record(&log).unwrap_err();
    assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
    fs::remove_file(&path).unwrap();
    let _permit = case(Mode::Enforce).record(&log).unwrap();
    assert_eq!(events(&path), ["log.opened", "log.gap", "message"]);
}

#[test]
fn a_file_somebody_else_changes_is_an_error() {
    for length in [0, 10, 100_000] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.jsonl");
        let log = AuditLog::open(&Options::at(&path)).unwrap();
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap();
        let error = case(Mode::Enforce).record(&log).unwrap_err();
        assert!(matches!(error, AuditError::Changed { found, .. } if found == length), "{error}");
        drop(log);
        assert_eq!(path.metadata().unwrap().len(), length, "it is left as it is");
    }
}
