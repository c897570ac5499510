//! What a follower sees of a log that is written, rotated, cut off, deleted and forged under it.

use std::io::Write;

use super::*;
use crate::audit::chain::{Chain, Signer};
use crate::audit::files::finished_name;
use crate::audit::key::Key;
use crate::audit::line::Line;

/// A log whose files the test moves about.
struct Scene {
    dir: tempfile::TempDir,
    chain: Chain,
}

impl Scene {
    fn new() -> Self {
        let key = Key::new(*b"0123456789abcdef", "test").unwrap();
        Self { dir: tempfile::tempdir().unwrap(), chain: Chain::new(Signer::new(&key), 0, [0; 32]) }
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("a.jsonl")
    }

    /// The next record's line.
    fn line(&mut self) -> Vec<u8> {
        let mut line = Line::new();
        line.text("event", "test");
        let mut bytes = line.into_bytes();
        self.chain.seal(&mut bytes);
        self.chain.added(bytes.clone());
        bytes
    }

    fn append(&self, bytes: &[u8]) {
        let mut file = fs::OpenOptions::new().append(true).create(true).open(self.log()).unwrap();
        file.write_all(bytes).unwrap();
    }

    fn write(&mut self, count: u64) {
        for _ in 0..count {
            let line = self.line();
            self.append(&line);
        }
    }

    /// Finishes the live file, which has the records from `first` on.
    fn rotate(&self, first: u64, compress: bool) {
        let last = self.chain.end().unwrap().0;
        let plain = finished_name(&self.log(), first, last);
        fs::rename(self.log(), &plain).unwrap();
        if compress {
            let bytes = zstd::encode_all(&*fs::read(&plain).unwrap(), 3).unwrap();
            fs::write(format!("{}.zst", plain.display()), bytes).unwrap();
            fs::remove_file(plain).unwrap();
        }
    }

    fn follow(&self, after: u64) -> Follower {
        Follower::new(&self.log(), after)
    }
}

fn numbers(batch: &Batch) -> Vec<u64> {
    for (seq, line) in batch.lines() {
        assert_eq!(Seal::of(line).unwrap().seq, seq);
    }
    batch.lines().map(|(seq, _)| seq).collect()
}

/// All there is now, in batches of about `max_bytes`.
fn drain(follower: &mut Follower, max_bytes: usize) -> Vec<u64> {
    let mut all = Vec::new();
    loop {
        let batch = follower.batch(max_bytes).unwrap();
        assert_eq!((&batch.missing, batch.unreadable, batch.rewound), (&None, 0, None));
        all.extend(numbers(&batch));
        if !batch.more {
            return all;
        }
    }
}

#[test]
fn records_come_in_order_across_rotation_from_any_number_on() {
    for max_bytes in [1, 500, 1 << 20] {
        let mut scene = Scene::new();
        let mut follower = scene.follow(0);
        assert!(follower.batch(max_bytes).unwrap().is_empty(), "there is no log yet");
        scene.write(3);
        assert_eq!(drain(&mut follower, max_bytes), [1, 2, 3]);
        scene.write(1);
        scene.rotate(1, true);
        assert_eq!(drain(&mut follower, max_bytes), [4], "the file it reads is not there any more");
        scene.write(2);
        scene.rotate(5, false);
        scene.write(1);
        assert_eq!(drain(&mut follower, max_bytes), [5, 6, 7]);
        assert!(drain(&mut follower, max_bytes).is_empty());
        for after in 0..8 {
            let expected: Vec<_> = (after + 1..8).collect();
            assert_eq!(drain(&mut scene.follow(after), max_bytes), expected);
        }
    }
}

#[test]
fn a_record_is_not_seen_before_it_is_whole() {
    let mut scene = Scene::new();
    scene.write(1);
    let mut follower = scene.follow(0);
    assert_eq!(drain(&mut follower, 1 << 20), [1]);
    let line = scene.line();
    let (start, end) = line.split_at(40);
    scene.append(start);
    assert!(follower.has_grown());
    assert!(drain(&mut follower, 1 << 20).is_empty());
    assert!(!follower.wait(Duration::ZERO), "half a record is not news twice");
    // The writer takes the half back, and writes another record in its place.
    let length = scene.log().metadata().unwrap().len() - 40;
    fs::OpenOptions::new().write(true).open(scene.log()).unwrap().set_len(length).unwrap();
    scene.append(start);
    scene.append(end);
    assert!(follower.wait(Duration::ZERO));
    assert_eq!(drain(&mut follower, 1 << 20), [2]);
}

#[test]
fn what_retention_deleted_is_told() {
    let mut scene = Scene::new();
    for first in [1, 4, 7] {
        scene.write(3);
        scene.rotate(first, first == 1);
    }
    scene.write(1);
    let mut follower = scene.follow(2);
    fs::remove_file(finished_name(&scene.log(), 4, 6)).unwrap();
    assert_eq!(numbers(&follower.batch(1).unwrap()), [3]);
    let batch = follower.batch(1 << 20).unwrap();
    assert_eq!((batch.missing.clone(), numbers(&batch)), (Some(4..=6), vec![7, 8, 9, 10]));
    let batch = scene.follow(0).batch(1 << 20).unwrap();
    assert_eq!(
        (numbers(&batch), batch.more),
        (vec![1, 2, 3], true),
        "what is missing is told with what follows it"
    );
}

#[test]
fn a_damaged_file_is_an_error_once() {
    let mut scene = Scene::new();
    for first in [1, 4] {
        scene.write(3);
        scene.rotate(first, true);
    }
    scene.write(1);
    let path = format!("{}.zst", finished_name(&scene.log(), 4, 6).display());
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes.truncate(middle);
    fs::write(&path, bytes).unwrap();
    let mut follower = scene.follow(0);
    let mut seen = Vec::new();
    let mut errors = 0;
    for _ in 0..10 {
        match follower.batch(1 << 20) {
            Err(_) => errors += 1,
            Ok(batch) => seen.extend(numbers(&batch)),
        }
    }
    assert!(errors <= 1 && seen.starts_with(&[1, 2, 3]) && seen.ends_with(&[7]), "{errors} {seen:?}");
}

#[test]
fn a_log_that_lost_its_end_is_told_and_waits_to_be_told_where_to_go_on() {
    let mut scene = Scene::new();
    scene.write(3);
    let mut follower = scene.follow(7);
    for _ in 0..2 {
        let batch = follower.batch(1 << 20).unwrap();
        assert_eq!((batch.rewound, batch.is_empty()), (Some(3), true));
    }
    follower.restart(2);
    assert_eq!(drain(&mut follower, 1 << 20), [3]);
    // Just rotated: the live file has nothing yet, but nothing is lost.
    scene.rotate(1, false);
    scene.append(b"");
    assert!(drain(&mut follower, 1 << 20).is_empty());
}

#[test]
fn what_is_no_record_is_passed_over_and_counted() {
    let mut scene = Scene::new();
    scene.write(2);
    scene.append(b"\n{\"seq\":3}\n\xff\x1b[2J\n");
    let forged = scene.line();
    scene.append(&forged);
    scene.append(&forged);
    scene.write(1);
    let batch = scene.follow(0).batch(1 << 20).unwrap();
    assert_eq!((numbers(&batch), batch.unreadable), (vec![1, 2, 3, 4], 4));
}
