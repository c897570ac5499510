//! What is read, and what is remembered of it.

use std::fs::{File, Permissions, set_permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use super::super::tests::{Running, settled, sleep_as, sleeper};
use super::super::variable_of;
use super::*;
use crate::tests::skipped;

#[test]
fn a_hash_is_remembered_of_what_nobody_can_write_unseen() {
    let shm = tempfile::tempdir_in("/dev/shm").unwrap();
    let reader = ProcReader::new();
    let path = shm.path().join("program");
    sleep_as(&path);
    let open = || File::open(&path).unwrap();
    set_permissions(&path, Permissions::from_mode(0o777)).unwrap();
    let hash = reader.sha256_of(open(), std::process::id());
    assert!(hash.is_some());
    assert_eq!(reader.known_sha256(&open()), None, "writes through a mapping of tmpfs move no time");
    // Containers are given a `/dev/shm` nothing runs from.
    match Command::new(&path).arg("0").status() {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            skipped(&format!("a_hash_is_remembered_of_what_nobody_can_write_unseen, while it runs: {error}"));
        }
        runs => {
            runs.unwrap();
            let child = Running::start(Command::new(&path).arg("1000").stdin(Stdio::null()));
            assert_eq!(settled(&hash, || reader.sha256(child.key())), hash);
            assert_eq!(reader.known_sha256(&open()), None);
        }
    }
    set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    assert_eq!(reader.sha256_of(open(), std::process::id()), hash);
    let is_roots = nix::unistd::geteuid().is_root();
    assert_eq!(reader.known_sha256(&open()), hash.clone().filter(|_| is_roots));
}

#[test]
fn of_an_environment_the_first_part_is_read() {
    let mut command = sleeper();
    command.env_clear().env("A", "a").env("HOME", "/home/ann").env("Z", "z".repeat(100_000));
    let child = Running::start(&mut command);
    let pid = child.key().pid;
    assert_eq!(
        settled(&Some(b"/home/ann".to_vec()), || variable_of(pid, "HOME")),
        Some(b"/home/ann".to_vec())
    );
    assert_eq!(variable_of(pid, "Z"), None, "it does not end where reading does");
}
