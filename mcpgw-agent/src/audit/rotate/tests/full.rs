//! A disk that has no room for another file.

use std::process::Command;
use std::time::Instant;

use super::*;
use crate::tests::has_namespaces;

/// The variable that tells the second run where to write.
const PLACE: &str = "MCPGW_TEST_FULL";
const NAME: &str =
    "audit::rotate::tests::full::a_disk_without_room_for_another_file_leaves_the_one_there_is_in_use";

/// Runs itself again, with a file system that has room for five names.
#[test]
fn a_disk_without_room_for_another_file_leaves_the_one_there_is_in_use() {
    let Some(place) = std::env::var_os(PLACE).map(PathBuf::from) else {
        if !has_namespaces(NAME) {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let output = Command::new("unshare")
            .args(["--map-root-user", "--mount", "sh", "-euc"])
            .arg(format!("mount -t tmpfs -o nr_inodes=5 none \"${PLACE}\"; exec \"$@\""))
            .arg("sh")
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", NAME, "--nocapture"])
            .env(PLACE, dir.path())
            .output()
            .expect("unshare is installed");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{output:?}");
        return;
    };
    let path = place.join("a.jsonl");
    let began = Instant::now();
    let log = open(&path, SMALL);
    let ballast = place.join("ballast");
    fs::write(&ballast, "").unwrap();
    for _ in 0..40 {
        note(&log);
    }
    let kept = log.kept();
    // After ten seconds a turn that failed is tried again: no more often than that, however long this took.
    let tries = 1 + began.elapsed().as_secs() / 10;
    assert!(
        kept.rotations == 0 && (1..=tries).contains(&kept.rotation_failures),
        "it is not tried at every record: {kept:?}, at most {tries}"
    );
    assert_eq!(names(&path), ["a.jsonl", "audit.key", "ballast"]);
    drop(log);
    is_whole(&path);
    fs::remove_file(ballast).unwrap();
    let log = open(&path, SMALL);
    note(&log);
    assert_eq!(log.kept().rotations, 1);
    log.keep();
    drop(log);
    is_whole(&path);
}

#[test]
fn a_file_that_cannot_be_compressed_stays_as_it_is_and_is_tried_again() {
    let (_dir, path) = place();
    let log = open(&path, SMALL);
    let in_the_way = |last| PathBuf::from(format!("{}.zst.tmp", finished_name(&path, 1, last).display()));
    (2..20).for_each(|last| fs::create_dir(in_the_way(last)).unwrap());
    while log.kept().rotations == 0 {
        note(&log);
    }
    log.keep();
    let kept = log.kept();
    assert!(kept.compression_failures > 0 && kept.compressed == 0, "{kept:?}");
    is_whole_but_open(&path);
    (2..20).for_each(|last| fs::remove_dir(in_the_way(last)).unwrap());
    log.keep();
    assert_eq!(log.kept().compressed, 1);
    drop(log);
    is_whole(&path);
}

fn is_whole_but_open(path: &Path) {
    assert!(verify(path).iter().all(|report| report.findings_total == 0));
}
