//! Files of baselines.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::effects::{Access, Ledger, Outcome, SideEffect};
use crate::inventory::{BootTime, ProcessKey};

fn done(path: &str) -> Collected {
    let mut ledger = Ledger::default();
    let process = ProcessKey { pid: 7, start_ticks: 1 };
    let act = crate::effects::Act::Open { path: path.to_owned(), access: Access::Read };
    let effect = SideEffect { group: 1, process, at: BootTime(0), act, outcome: Outcome::Done, cut: false };
    ledger.happened(&effect, &Measure::default());
    ledger.take_stray().unwrap().done
}

fn paths(known: &ServerBaseline, tool: &str) -> Vec<String> {
    known.with(|measure| {
        let usual = measure.usual.unwrap();
        let tool = usual.tools().find(|(name, _)| *name == tool).map(|(_, tool)| tool);
        tool.into_iter().flat_map(|tool| tool.paths().iter().map(|(path, _)| path.to_owned())).collect()
    })
}

#[test]
fn what_was_learned_is_there_after_a_restart_and_is_for_its_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("effects");
    let server = ServerId::new([&b"x"[..]], "files");
    let all = Baselines::open(&at, 3).unwrap();
    let known = all.server(&server).unwrap();
    known.learn("read", &done("/srv/a"), |_| false);
    all.flush(false).unwrap();
    let file = at.join(format!("{}.json", server.hash()));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&at).unwrap().permissions().mode() & 0o777, 0o700);
    let written = fs::read_to_string(&file).unwrap();
    known.learn("read", &done("/srv/a"), |_| false);
    all.flush(false).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), written, "a number of calls is no news");
    all.flush(true).unwrap();
    let again = Baselines::open(&at, 3).unwrap();
    let known = again.server(&server).unwrap();
    assert_eq!(paths(&known, "read"), ["/srv/a"]);
    assert_eq!(known.with(|measure| measure.usual.unwrap().calls()), 2);
    let listed: Vec<_> = again.list().unwrap().into_iter().map(|habits| habits.unwrap().server).collect();
    assert_eq!(listed, [server]);
}

#[test]
fn what_somebody_reset_is_forgotten_by_whoever_learns() {
    let dir = tempfile::tempdir().unwrap();
    let server = ServerId::new([&b"x"[..]], "files");
    let all = Baselines::open(dir.path(), 3).unwrap();
    let known = all.server(&server).unwrap();
    known.learn("read", &done("/srv/a"), |_| false);
    all.flush(false).unwrap();
    Baselines::open(dir.path(), 3).unwrap().reset(server.hash(), 7).unwrap();
    all.flush(false).unwrap();
    assert_eq!(paths(&known, "read"), [""; 0]);
    // Until a log has it, whoever uses it next is told who did it.
    let (of, act) = known.unrecorded().unwrap();
    assert_eq!((of, act.number, act.kind.as_str(), act.by), (server.clone(), 1, "reset-effects", 7));
    let again = Baselines::open(dir.path(), 3).unwrap();
    assert_eq!(again.server(&server).unwrap().unrecorded(), Some((server.clone(), act.clone())));
    known.recorded(&act);
    all.flush(false).unwrap();
    let again = Baselines::open(dir.path(), 3).unwrap();
    assert_eq!((known.unrecorded(), again.server(&server).unwrap().unrecorded()), (None, None));
    known.learn("read", &done("/srv/b"), |_| false);
    all.flush(false).unwrap();
    let habits = all.list().unwrap().remove(0).unwrap();
    assert_eq!(habits.generation, 1);
    let paths: Vec<_> =
        habits.usual.tools().flat_map(|(_, tool)| tool.paths().iter()).map(|(path, _)| path).collect();
    assert_eq!(paths, ["/srv/b"]);
    assert!(matches!(all.reset(&"0".repeat(64), 7), Err(PinsError::NoServer(_))));
}

#[test]
fn a_file_that_is_damaged_is_an_error_and_is_not_written_over() {
    let dir = tempfile::tempdir().unwrap();
    let server = ServerId::new([&b"x"[..]], "files");
    let all = Baselines::open(dir.path(), 3).unwrap();
    all.server(&server).unwrap().learn("read", &done("/srv/a"), |_| false);
    all.flush(true).unwrap();
    let file = dir.path().join(format!("{}.json", server.hash()));
    let whole = fs::read_to_string(&file).unwrap();
    for text in [
        whole.get(..whole.len() / 2).unwrap(),
        "",
        "{}",
        &whole.replace("\"version\":1", "\"version\":2"),
        &whole.replace("\"generation\":0,", "\"generation\":0,\"reset\":{\"by\":7},"),
    ] {
        fs::write(&file, text).unwrap();
        let again = Baselines::open(dir.path(), 3).unwrap();
        let error = again.server(&server).unwrap_err().to_string();
        assert!(error.contains("does not hold what a server usually does"), "{error}");
        assert!(again.list().unwrap()[0].is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    assert!(matches!(Baselines::open(dir.path(), 3).unwrap().server(&server), Err(PinsError::Unsafe { .. })));
}
