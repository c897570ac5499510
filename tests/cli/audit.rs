//! `audit verify` on real logs that were left alone, and on such that were not.

use std::fs;
use std::path::{Path, PathBuf};

use mcpgw_agent::audit::{AuditLog, Event, Options};

use crate::program::{program, run, transcript};

/// A log of five records, closed.
fn log(dir: &Path, name: &str) -> PathBuf {
    let path = dir.join(name);
    let log = AuditLog::open(&Options::at(&path)).unwrap();
    for generation in 0..3 {
        log.note(&Event::PolicyLoaded { generation, hash: "cafe" }).unwrap();
    }
    path
}

/// The transcript with hashes and key ids written as `HASH`.
fn said(dir: &Path, arguments: &[&str]) -> String {
    let text = transcript(dir, arguments);
    let hash = |word: &str| word.len() >= 16 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    let word = |word: &str| {
        let bare = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        if hash(bare) { word.replace(bare, "HASH") } else { word.to_owned() }
    };
    words.map(word).collect()
}

/// Changes the lines of a log.
fn change(path: &Path, with: impl FnOnce(&mut Vec<String>)) {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.split_inclusive('\n').map(str::to_owned).collect();
    with(&mut lines);
    fs::write(path, lines.concat()).unwrap();
}

#[test]
fn a_log_that_was_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = log(dir.path(), "a.jsonl");
    insta::assert_snapshot!(said(dir.path(), &["audit", "verify", "a.jsonl"]), @"");
    let mut moved = program(dir.path(), &["audit", "verify", "--key-file", "k", "a.jsonl"]);
    fs::rename(dir.path().join("audit.key"), dir.path().join("k")).unwrap();
    assert_eq!(moved.output().unwrap().status.code(), Some(0));
    let key = fs::read_to_string(dir.path().join("k")).unwrap();
    let mut given = program(dir.path(), &["audit", "verify", "a.jsonl"]);
    assert_eq!(given.env("MCPGW_AUDIT_SIGNING_KEY", key.trim()).output().unwrap().status.code(), Some(0));
    insta::assert_snapshot!(said(dir.path(), &["audit", "verify", "a.jsonl"]), @"");
    assert!(path.exists());
}

#[test]
fn a_log_that_was_changed() {
    let dir = tempfile::tempdir().unwrap();
    change(&log(dir.path(), "a.jsonl"), |lines| {
        lines[1] = lines[1].replace("cafe", "cave");
        lines.remove(2);
    });
    insta::assert_snapshot!(said(dir.path(), &["audit", "verify", "a.jsonl"]), @"");
    insta::assert_snapshot!(said(dir.path(), &["audit", "verify", "--json", "a.jsonl"]), @"");
}

#[test]
fn each_way_to_change_a_log_has_its_code() {
    let ways: [(&str, i32, fn(&mut Vec<String>)); 8] = [
        ("nothing", 0, |_| ()),
        ("edited", 9, |lines| lines[3] = lines[3].replace('2', "3")),
        ("deleted", 9, |lines| drop(lines.remove(2))),
        ("inserted", 9, |lines| lines.insert(2, "{}\n".to_owned())),
        ("reordered", 9, |lines| lines.swap(1, 3)),
        ("beheaded", 9, |lines| drop(lines.remove(0))),
        ("cut at a line", 11, |lines| lines.truncate(4)),
        ("cut within a line", 11, |lines| lines[4].truncate(20)),
    ];
    for (way, code, with) in ways {
        let dir = tempfile::tempdir().unwrap();
        change(&log(dir.path(), "a.jsonl"), with);
        let output = run(dir.path(), &["audit", "verify", "a.jsonl"]);
        assert_eq!(output.status.code(), Some(code), "{way}: {output:?}");
        let said = String::from_utf8(output.stdout).unwrap();
        let word = if code == 9 { way } else { "a.jsonl" };
        assert!(said.contains(word), "{way}: {said}");
    }
}

#[test]
fn several_logs_end_as_the_worst_of_them() {
    let dir = tempfile::tempdir().unwrap();
    log(dir.path(), "a.jsonl");
    let other = dir.path().join("other");
    fs::create_dir(&other).unwrap();
    log(&other, "b.jsonl");
    log(dir.path(), "c.jsonl");
    change(&dir.path().join("c.jsonl"), |lines| lines.truncate(2));
    let code = |files: &[&str]| run(dir.path(), &[&["audit", "verify"], files].concat()).status.code();
    assert_eq!(code(&["a.jsonl", "a.jsonl"]), Some(0));
    assert_eq!(code(&["a.jsonl", "c.jsonl"]), Some(11));
    assert_eq!(code(&["c.jsonl", "other/b.jsonl", "a.jsonl"]), Some(10));
    change(&dir.path().join("a.jsonl"), |lines| lines.swap(1, 2));
    assert_eq!(code(&["c.jsonl", "other/b.jsonl", "a.jsonl"]), Some(9));
    assert_eq!(code(&["none.jsonl"]), Some(1));
    assert_eq!(code(&[]), Some(2));
}

#[test]
fn a_log_that_is_being_written() {
    let dir = tempfile::tempdir().unwrap();
    let log = AuditLog::open(&Options::at(dir.path().join("a.jsonl"))).unwrap();
    insta::assert_snapshot!(said(dir.path(), &["audit", "verify", "a.jsonl"]), @"");
    drop(log);
}

#[test]
fn a_key_everybody_can_read_is_none() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    log(dir.path(), "a.jsonl");
    fs::set_permissions(dir.path().join("audit.key"), fs::Permissions::from_mode(0o644)).unwrap();
    insta::assert_snapshot!(said(dir.path(), &["audit", "verify", "a.jsonl"]), @"");
}
