//! Who descends from a process, as `/proc` shows it.

use std::collections::BTreeSet;
use std::fs;

/// Processes that descend from `pid`, without itself.
pub(super) fn descendants(pid: u32) -> BTreeSet<u32> {
    let all: Vec<(u32, u32)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, parent(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?)))
        .collect();
    let mut found = BTreeSet::from([pid]);
    loop {
        let before = found.len();
        found.extend(
            all.iter().filter(|(_, parent)| found.contains(parent)).map(|(pid, _)| *pid).collect::<Vec<_>>(),
        );
        if found.len() == before {
            break;
        }
    }
    found.remove(&pid);
    found
}

/// The parent in the text of a `stat`. A program's name may have anything in it, closing brackets too.
fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_is_behind_whatever_the_name_is() {
        assert_eq!(parent("7 (a) b) S 5 7 7 0"), Some(5));
        assert_eq!(parent("7 (x) R"), None);
        assert_eq!(parent(""), None);
    }

    #[test]
    fn children_and_theirs_are_found() {
        let mut shell = std::process::Command::new("/bin/sh")
            .args(["-c", "cat; true"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        // What it writes is read when it runs.
        let mut input = shell.stdin.take().unwrap();
        std::io::Write::write_all(&mut input, b"x").unwrap();
        let mut byte = [0];
        std::io::Read::read_exact(shell.stdout.as_mut().unwrap(), &mut byte).unwrap();
        assert!(descendants(std::process::id()).contains(&shell.id()));
        assert_eq!(descendants(shell.id()).len(), 1);
        drop(input);
        shell.wait().unwrap();
    }
}
