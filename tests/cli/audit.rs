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
        log.note(&Event::PolicyLoaded { generation, hash: "cafe", mode: mcpgw_agent::policy::Mode::Observe })
            .unwrap();
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
    insta::assert_snapshot!(said(dir.path(), &["audit", "verify", "a.jsonl"]), @r###"
    exit 0
    --- stdout
    a.jsonl: valid: sequence 1 to 5, closed
    a.jsonl: head HASH
    "###);
    let mut moved = program(dir.path(), &["audit", "verify", "--key-file", "k", "a.jsonl"]);
    fs::rename(dir.path().join("audit.key"), dir.path().join("k")).unwrap();
    assert_eq!(moved.output().unwrap().status.code(), Some(0));
    let key = fs::read_to_string(dir.path().join("k")).unwrap();
    let mut given = program(dir.path(), &["audit", "verify", "a.jsonl"]);
    assert_eq!(given.env("MCPGW_AUDIT_SIGNING_KEY", key.trim()).output().unwrap().status.code(), Some(0));
    insta::assert_snapshot!(said(dir.path(), &["audit", "verify", "a.jsonl"]), @r###"
    exit 1
    --- stderr
    Error: cannot open the key file audit.key
    Caused by: No such file or directory (os error 2)
    Hint: --key-file names another; without the key nothing can be verified
    "###);
    assert!(path.exists());
}

#[test]
fn a_log_that_was_changed() {
    let dir = tempfile::tempdir().unwrap();
    change(&log(dir.path(), "a.jsonl"), |lines| {
        lines[1] = lines[1].replace("cafe", "cave");
        lines.remove(2);
    });
    insta::assert_snapshot!(said(dir.path(), &["audit", "verify", "a.jsonl"]), @r###"
    exit 9
    --- stdout
    a.jsonl:2: edited: the signature of sequence 2 does not match
    a.jsonl:3: deleted: sequence 3 is missing
    a.jsonl: tampered with: findings 2, signed records 3
    a.jsonl: head HASH
    "###);
    insta::assert_snapshot!(said(dir.path(), &["audit", "verify", "--json", "a.jsonl"]), @r###"
    exit 9
    --- stdout
    {
      "outcome": "tampered",
      "files": [
        {
          "file": "a.jsonl",
          "outcome": "tampered",
          "live": false,
          "lines": 4,
          "records": 3,
          "first_seq": 1,
          "last_seq": 5,
          "head": "HASH",
          "interrupted": 0,
          "lost": 0,
          "findings": [
            {
              "line": 2,
              "seq": 2,
              "count": 1,
              "kind": "edited"
            },
            {
              "line": 3,
              "seq": 3,
              "count": 1,
              "kind": "deleted"
            }
          ],
          "findings_total": 2
        }
      ]
    }
    "###);
}

#[test]
fn each_way_to_change_a_log_has_its_code() {
    type Change = fn(&mut Vec<String>);
    let ways: [(&str, i32, Change); 8] = [
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
    insta::assert_snapshot!(said(dir.path(), &["audit", "verify", "a.jsonl"]), @r###"
    exit 11
    --- stdout
    a.jsonl: valid to sequence 1, being written
    a.jsonl: head HASH
    "###);
    drop(log);
}

#[test]
fn a_key_everybody_can_read_is_none() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    log(dir.path(), "a.jsonl");
    fs::set_permissions(dir.path().join("audit.key"), fs::Permissions::from_mode(0o644)).unwrap();
    insta::assert_snapshot!(said(dir.path(), &["audit", "verify", "a.jsonl"]), @r###"
    exit 1
    --- stderr
    Error: the key file audit.key can be read by others: it must be for its owner alone (chmod 600)
    Hint: --key-file names another; without the key nothing can be verified
    "###);
}
