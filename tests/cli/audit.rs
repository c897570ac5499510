//! `audit verify` on real logs that were left alone, and on such that were not.

use std::fs;
use std::path::{Path, PathBuf};

use std::io::Write;
use std::process::Stdio;

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
          "valid_seq": 5,
          "sealed_seq": 5,
          "seals": 1,
          "epoch": null,
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
          "findings_total": 2,
          "notices": [],
          "notices_total": 0
        }
      ],
      "missing": []
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
        ("beheaded", 13, |lines| drop(lines.remove(0))),
        ("cut at a line", 11, |lines| lines.truncate(4)),
        ("cut within a line", 11, |lines| lines[4].truncate(20)),
    ];
    for (way, code, with) in ways {
        let dir = tempfile::tempdir().unwrap();
        change(&log(dir.path(), "a.jsonl"), with);
        let output = run(dir.path(), &["audit", "verify", "a.jsonl"]);
        assert_eq!(output.status.code(), Some(code), "{way}: {output:?}");
        let said = String::from_utf8(output.stdout).unwrap();
        let word = if code == 9 || code == 13 { way } else { "a.jsonl" };
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
    a.jsonl: valid to sequence 1, unsealed: being written
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

/// Runs `audit init` in `dir`; the initial key is in `initial`.
fn init(dir: &Path) {
    let output = run(dir, &["audit", "init", ".", "--output", "initial"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let key = fs::read_to_string(dir.join("initial")).unwrap();
    let secret = key.trim().rsplit(':').nth(1).unwrap();
    assert!(!said.contains(secret) && said.contains("mcpgw-audit:1:public:"), "{said}");
}

#[test]
fn a_key_that_goes_one_way_is_shown_once_and_verifies_from_the_start() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(said(dir.path(), &["audit", "init", "."]), @r###"
    exit 2
    --- stderr
    Error: a key is shown to a terminal alone, and standard output is none
    Hint: --output writes it to a file only you can read
    "###);
    assert!(!dir.path().join("audit.seal").exists(), "nothing is made that nobody was shown");
    init(dir.path());
    for file in ["initial", "audit.seal"] {
        assert_eq!(dir.path().join(file).metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    log(dir.path(), "a.jsonl");
    log(dir.path(), "b.jsonl");
    let verify = |more: &[&str]| said(dir.path(), &[&["audit", "verify"], more].concat());
    insta::assert_snapshot!(verify(&["--key-file", "initial", "."]), @r###"
    exit 0
    --- stdout
    ./a.jsonl: valid: sequence 1 to 5, closed
    ./a.jsonl: head HASH
    ./b.jsonl: valid: sequence 1 to 5, closed
    ./b.jsonl: head HASH
    "###);
    insta::assert_snapshot!(verify(&["a.jsonl"]), @r###"
    exit 1
    --- stderr
    Error: cannot open the key file audit.key
    Caused by: No such file or directory (os error 2)
    Hint: these logs are sealed: give --key-file the initial key that `audit init` showed, or one of `audit export-key`
    "###);
    insta::assert_snapshot!(said(dir.path(), &["audit", "init", ".", "--output", "other"]), @r###"
    exit 1
    --- stderr
    Error: ./audit.seal is there already
    Hint: --replace makes another: logs begun from then on have another initial key, those there are keep theirs, and whoever lost it cannot verify them any more
    Hint: The 2 logs begun under it stay verifiable with the initial key that was shown then, and with no other: keep that one, or what they say is lost as evidence
    "###);
    fs::remove_file(dir.path().join("a.jsonl")).unwrap();
    insta::assert_snapshot!(verify(&["--key-file", "initial", "."]), @r###"
    exit 13
    --- stdout
    ./b.jsonl: valid: sequence 1 to 5, closed
    ./b.jsonl: head HASH
    .: logs that were begun here are missing: 1 (numbers 0): removed, or their writers ended before the first record
    "###);
}

#[test]
fn a_third_party_verifies_seals_without_the_secret() {
    let dir = tempfile::tempdir().unwrap();
    init(dir.path());
    let path = log(dir.path(), "a.jsonl");
    // The first epoch's, as `init` shows it, is not kept: what is exported now is that of the epoch after the end.
    let exported = run(dir.path(), &["audit", "export-key", "--public", "a.jsonl"]);
    let key = String::from_utf8(exported.stdout).unwrap();
    let verify = |key: &str| run(dir.path(), &["audit", "verify", "--public-key", key.trim(), "a.jsonl"]);
    assert_eq!(verify(&key).status.code(), Some(11), "its place is the end: nothing after it is sealed");
    let output = run(dir.path(), &["audit", "init", ".", "--output", "again", "--replace"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("The 1 logs begun under it"), "{said}");
    let public = said.lines().find(|line| line.starts_with("mcpgw-audit:1:public:")).unwrap().to_owned();
    log(dir.path(), "b.jsonl");
    let code = run(dir.path(), &["audit", "verify", "--public-key", &public, "b.jsonl"]).status.code();
    assert_eq!(code, Some(0));
    change(&dir.path().join("b.jsonl"), |lines| lines[1] = lines[1].replace("cafe", "cave"));
    let output = run(dir.path(), &["audit", "verify", "--public-key", &public, "b.jsonl"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.code() == Some(9) && said.contains("b.jsonl:2: edited"), "{said}");
    assert_eq!(verify("mcpgw-audit:1:public:x").status.code(), Some(2));
    assert!(path.exists());
}

#[test]
fn a_stream_is_verified_as_a_file_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = log(dir.path(), "a.jsonl");
    let text = fs::read(&path).unwrap();
    for (text, code) in [(&text[..], 0), (&text[..text.len() / 2], 11), (&text[400..], 9)] {
        let mut command = program(dir.path(), &["audit", "verify", "--key-file", "audit.key", "-"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains("-: "), "{said}");
    }
}
