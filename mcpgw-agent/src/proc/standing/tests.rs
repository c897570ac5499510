//! Against real processes, some of them in namespaces of their own.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::process::{Command, Stdio};

use super::super::exe_of;
use super::super::tests::{Running, settled, sleep_as, sleeper};
use super::*;
use crate::tests::{has_namespaces, skipped};

#[test]
fn a_programs_path_is_believed_where_the_file_is_there() {
    let sleep = std::fs::canonicalize("/bin/sleep").unwrap();
    let sleep = sleep.to_str().unwrap();
    let is_ours = std::fs::metadata(sleep).unwrap().uid() == 0;
    let child = Running::start(&mut sleeper());
    let believed = settled(&Some(sleep.to_owned()), || system_exe_of(child.key().pid, |_| true));
    assert_eq!(believed.as_deref(), Some(sleep).filter(|_| is_ours));

    // Somebody calls it so in a place of their own, where no more than a user namespace is needed for that.
    let script = format!("mount --bind {sleep} /usr/bin/env && echo there && exec /usr/bin/env 1000");
    let mut command = Command::new("unshare");
    command.args(["-Urm", "sh", "-c", &script]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = Running::start(&mut command);
    let mut line = String::new();
    BufReader::new(child.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    if line.is_empty() {
        skipped("a_programs_path_is_believed_where_the_file_is_there, needs user namespaces");
        return;
    }
    let pid = child.key().pid;
    assert_eq!(settled(&Some("/usr/bin/env".to_owned()), || exe_of(pid)).as_deref(), Some("/usr/bin/env"));
    assert_eq!(system_exe_of(pid, |_| true), None);
    assert!(!is_roots_for(pid, "/usr/bin/env"), "nor what it finds there");
}

#[test]
fn a_program_that_was_replaced_is_believed_where_only_root_can_have_put_it() {
    if !nix::unistd::geteuid().is_root() {
        skipped("a_program_that_was_replaced_is_believed_where_only_root_can_have_put_it, needs root");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap().join("daemon");
    sleep_as(&path);
    let child = Running::start(Command::new(&path).arg("1000").stdin(Stdio::null()));
    let text = path.to_str().unwrap().to_owned();
    let runs = |child: &Running| settled(&Some(text.clone()), || exe_of(child.key().pid));
    assert_eq!(runs(&child), Some(text.clone()));
    let name = "a_program_that_was_replaced_is_believed_where_only_root_can_have_put_it, by others";
    let elsewhere = has_namespaces(name).then(|| {
        let mut command = Command::new("unshare");
        command.args(["-Urm", "sh", "-c", "exec \"$0\" 1000"]).arg(&path).stdin(Stdio::null());
        Running::start(&mut command)
    });
    if let Some(elsewhere) = &elsewhere {
        assert_eq!(runs(elsewhere), Some(text.clone()));
    }
    std::fs::remove_file(&path).unwrap();
    assert_eq!(system_exe_of(child.key().pid, |_| true), Some(format!("{text} (deleted)")));
    if let Some(elsewhere) = elsewhere {
        let believed = system_exe_of(elsewhere.key().pid, |_| true);
        assert_eq!(believed, None, "there anybody could have called it so");
    }
}
