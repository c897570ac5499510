//! Who may write a file, and where one goes on that is there already.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

fn log(path: &Path) -> AuditLog {
    AuditLog::open(&Options::at(path)).unwrap()
}

fn refused(path: &Path) -> AuditError {
    AuditLog::open(&Options::at(path)).unwrap_err()
}

fn append(path: &Path, text: &str) {
    fs::OpenOptions::new().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn a_log_is_ours_alone_and_goes_on_where_it_ended() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl");
    for _ in 0..3 {
        let log = log(&path);
        let permit = Case::call("{}").record(&log).unwrap().wait().unwrap().unwrap();
        assert_eq!(permit.bytes(), call("{}").as_bytes());
        assert!(matches!(refused(&path), AuditError::Locked { .. }));
    }
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
    let report = verify(&path);
    assert_eq!((report.outcome, report.last_seq, report.interrupted), (Outcome::Valid, Some(9), 0));
    assert_eq!(lines(&path)[3]["continues"]["seq"], 3);
}

#[test]
fn several_that_were_told_one_place_have_a_file_each() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl");
    let first = AuditLog::open_or_beside(&Options::at(&path)).unwrap();
    let second = AuditLog::open_or_beside(&Options::at(&path)).unwrap();
    assert_eq!(first.path(), path);
    let theirs = second.path().to_owned();
    let name = theirs.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("a-20") && name.ends_with(&format!("-{}.jsonl", std::process::id())), "{name}");
    for log in [first, second] {
        let _permit = Case::call("{}").record(&log).unwrap();
    }
    for path in [path, theirs] {
        assert_eq!((verify(&path).outcome, verify(&path).records), (Outcome::Valid, 3));
    }
}

#[test]
fn a_torn_record_is_kept_aside_and_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl");
    for torn in [&"{\"timestamp\":\"20".to_owned(), &"x".repeat(100_000)] {
        drop(log(&path));
        append(&path, torn);
        assert_eq!(verify(&path).outcome, Outcome::NotClosed);
        drop(log(&path));
        let opened = lines(&path).into_iter().rev().nth(1).unwrap();
        assert_eq!(opened["torn"]["size"], torn.len());
        let aside = fs::read_to_string(dir.path().join("a.jsonl.torn")).unwrap();
        assert!(aside.ends_with(&format!("{torn}\n")));
        assert_eq!(verify(&path).outcome, Outcome::Valid);
    }
}

#[test]
fn what_cannot_be_continued_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl");
    drop(log(&path));
    let whole = fs::read_to_string(&path).unwrap();
    for (text, why) in [
        (whole.replace("log.closed", "log.clOsed"), "its last record was changed"),
        (format!("{whole}{{}}\n"), "its last line is no record"),
        (format!("{whole}{}", "x".repeat(3 << 20)), "its end is no record"),
    ] {
        fs::write(&path, &text).unwrap();
        let error = refused(&path);
        assert!(error.to_string().ends_with(why) && error.hint().is_some(), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    fs::write(&path, &whole).unwrap();
    let key = Key::new(*b"another key, long enough", "test").unwrap();
    let options = Options { key: KeySource::Given(key), ..Options::at(&path) };
    assert!(matches!(AuditLog::open(&options), Err(AuditError::OtherKey { .. })));
    fs::remove_file(Key::beside(&path)).unwrap();
    assert!(matches!(refused(&path), AuditError::Key(KeyError::Missing { .. })));
    assert!(!Key::beside(&path).exists(), "no key is made for a log that has another");
}

#[test]
fn a_log_in_the_hands_of_others_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl");
    drop(log(&path));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o620)).unwrap();
    assert!(matches!(refused(&path), AuditError::Unsafe { .. }));
    let link = dir.path().join("link.jsonl");
    symlink(&path, &link).unwrap();
    assert!(matches!(refused(&link), AuditError::Io { action: "open", .. }));
    assert!(matches!(refused(Path::new("/dev/null")), AuditError::Unsafe { .. }));
    let fifo = dir.path().join("fifo.jsonl");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert!(matches!(refused(&fifo), AuditError::Unsafe { .. }));
}

#[test]
fn many_write_one_log() {
    for durability in [Durability::Written, Durability::Synced] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.jsonl");
        let log = AuditLog::open(&Options { durability, ..Options::at(&path) }).unwrap();
        std::thread::scope(|scope| {
            for at in 0..8 {
                let log = &log;
                scope.spawn(move || {
                    let case = Case::call(&format!(r#"{{"thread":{at}}}"#));
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    for _ in 0..10 {
                        assert!(case.record(log).unwrap().wait().unwrap().is_some());
                        assert!(runtime.block_on(case.record(log).unwrap().ready()).unwrap().is_some());
                    }
                });
            }
        });
        assert_eq!(verify(&path).outcome, Outcome::NotClosed);
        assert!(verify(&path).live);
        log.close().unwrap();
        let error = Case::call("{}").record(&log).unwrap_err();
        assert!(matches!(error, AuditError::Closed { .. }));
        drop(log);
        let report = verify(&path);
        assert_eq!((report.outcome, report.records, report.live), (Outcome::Valid, 162, false));
    }
}
