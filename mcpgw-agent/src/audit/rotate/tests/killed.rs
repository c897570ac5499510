//! A real process that is killed while it writes, rotates, compresses and deletes.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::*;

/// The variable that tells the second run where to write.
const PLACE: &str = "MCPGW_TEST_ROTATE";
const NAME: &str = "audit::rotate::tests::killed::a_process_that_is_killed_again_and_again_loses_nothing";

#[test]
fn a_process_that_is_killed_again_and_again_loses_nothing() {
    if let Some(place) = std::env::var_os(PLACE) {
        let log = open(Path::new(&place), SMALL);
        // It ends by itself if nobody kills it.
        for _ in 0..20_000 {
            note(&log);
            println!("recorded {}", log.health().written);
        }
        return;
    }
    let (_dir, path) = place();
    let mut all = 0;
    for round in 0..8 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME, "--nocapture", "--quiet"])
            .env(PLACE, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        let mut said = said.lines().map_while(Result::ok);
        // A different moment each time.
        let until = 40 + 17 * round;
        let recorded = said
            .by_ref()
            .filter_map(|line| line.strip_prefix("recorded ")?.parse::<u64>().ok())
            .find(|recorded| *recorded >= until);
        child.kill().unwrap();
        child.wait().unwrap();
        // It went on until it was killed.
        let last = said.filter_map(|line| line.strip_prefix("recorded ")?.parse::<u64>().ok()).last();
        all += last.or(recorded).unwrap();
        let there = records_there(&path);
        assert!(there >= all, "{there} of {all}");
        all = there;
    }
    drop(open(&path, SMALL));
    let reports = verify(&path);
    assert!(reports.iter().all(|report| report.findings_total == 0), "{reports:#?}");
    assert!(reports.len() > 20);
}

/// Records of policies; what is torn at the end is passed over.
fn records_there(path: &Path) -> u64 {
    let mut count = 0;
    for file in LogFiles::of(path).unwrap().files() {
        each_line(file.open().unwrap(), |line| {
            let record: Value = serde_json::from_slice(line.unwrap()).unwrap();
            count += u64::from(record["event"] == "policy.loaded");
            true
        })
        .unwrap();
    }
    count
}
