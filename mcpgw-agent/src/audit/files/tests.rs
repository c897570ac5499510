//! Which files are found, in which order, and what is read from them.

use std::io::Read;
use std::os::unix::fs::symlink;

use super::*;

fn compress(text: &str) -> Vec<u8> {
    zstd::encode_all(text.as_bytes(), 3).unwrap()
}

fn read(file: &LogFile) -> String {
    let mut text = String::new();
    file.open().unwrap().read_to_string(&mut text).unwrap();
    text
}

fn put(dir: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    fs::write(dir.join(name), bytes).unwrap();
}

#[test]
fn files_come_in_the_order_of_their_records() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    put(dir, "a.jsonl", "e\n");
    put(dir, "a.000000000004-000000000009.jsonl", "d\n");
    put(dir, "a.000000000002-000000000003.jsonl.zst", compress("c\n"));
    // A crash came between compressing and deleting: the one that is plain is taken.
    put(dir, "a.000000000001-000000000001.jsonl.zst", "half a file");
    put(dir, "a.000000000001-000000000001.jsonl", "b\n");
    for not_ours in ["b.000000000001-000000000002.jsonl", "a.1-2.jsonl", "a.jsonl.torn", "a.jsonl.zst.tmp"] {
        put(dir, not_ours, "x");
    }
    symlink(dir.join("a.jsonl"), dir.join("a.000000000010-000000000011.jsonl")).unwrap();
    fs::create_dir(dir.join("a.000000000012-000000000013.jsonl")).unwrap();
    let files = LogFiles::of(&dir.join("a.jsonl")).unwrap();
    let texts: Vec<_> = files.files().iter().map(read).collect();
    assert_eq!(texts, ["b\n", "c\n", "d\n", "e\n"]);
    let ranges: Vec<_> = files.files().iter().map(LogFile::range).collect();
    assert_eq!(ranges, [Some((1, 1)), Some((2, 3)), Some((4, 9)), None]);
    let logs = LogFiles::in_dir(dir).unwrap();
    let logs: Vec<_> = logs.iter().map(|files| files.log().file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(logs, ["a.1-2.jsonl", "a.jsonl", "b.jsonl"]);
}

#[test]
fn a_file_that_is_finished_or_compressed_meanwhile_is_still_read() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    put(dir, "a.jsonl", "live\n");
    put(dir, "a.000000000001-000000000002.jsonl", "first\n");
    let files = LogFiles::of(&dir.join("a.jsonl")).unwrap();
    fs::rename(dir.join("a.jsonl"), dir.join("a.000000000003-000000000003.jsonl")).unwrap();
    put(dir, "a.jsonl", "another\n");
    put(dir, "a.000000000001-000000000002.jsonl.zst", compress("first\n"));
    fs::remove_file(dir.join("a.000000000001-000000000002.jsonl")).unwrap();
    assert_eq!(files.files().iter().map(read).collect::<Vec<_>>(), ["first\n", "live\n"]);
}

#[test]
fn a_finished_file_is_a_log_of_its_own_when_it_is_named() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    put(dir, "a.000000000001-000000000002.jsonl.zst", compress("first\n"));
    let files = LogFiles::of(&dir.join("a.000000000001-000000000002.jsonl.zst")).unwrap();
    assert_eq!(files.files().iter().map(read).collect::<Vec<_>>(), ["first\n"]);
    // The log it is of has no live file.
    let files = LogFiles::of(&dir.join("a.jsonl")).unwrap();
    assert_eq!(files.files().iter().map(read).collect::<Vec<_>>(), ["first\n"]);
}

#[test]
fn what_is_no_file_is_refused_and_never_waited_for() {
    let temp = tempfile::tempdir().unwrap();
    let log = temp.path().join("a.jsonl");
    assert_eq!(LogFiles::of(&log).unwrap_err().kind(), io::ErrorKind::NotFound);
    nix::unistd::mkfifo(&log, nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert_eq!(LogFiles::of(&log).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    assert!(LogFiles::in_dir(temp.path()).unwrap().is_empty());
}

#[test]
fn a_compressed_file_that_asks_for_much_memory_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("a.000000000001-000000000002.jsonl.zst");
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    io::copy(&mut io::repeat(b'x').take(64 << 20), &mut encoder).unwrap();
    fs::write(&path, encoder.finish().unwrap()).unwrap();
    let files = LogFiles::of(&temp.path().join("a.jsonl")).unwrap();
    let error = files.files()[0].open().unwrap().read_to_end(&mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("memory"), "{error}");
}
