use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use bytes::Bytes;

use super::*;
use crate::detect::DefinitionKind;
use crate::json::{Document, Limits};
use crate::risk::{Behaviour, Decided};

fn id() -> ServerId {
    ServerId::new([&b"npx"[..], b"server"], "npx server")
}

/// Names and descriptions as a listing of tools.
fn listing(tools: &[(&str, &str)]) -> Document {
    let tools: Vec<_> = tools
        .iter()
        .map(|(name, description)| serde_json::json!({"name": name, "description": description, "inputSchema": {}}))
        .collect();
    Document::parse(Bytes::from(serde_json::json!(tools).to_string()), &Limits::default()).unwrap()
}

fn page(pins: &ServerPins, pass: &mut Pass, tools: &[(&str, &str)], is_first: bool, is_last: bool) -> Report {
    pins.check(pass, listing(tools).root().elements(), is_first, is_last)
}

/// A listing of one page, by a session of its own.
fn check(pins: &ServerPins, tools: &[(&str, &str)]) -> Report {
    page(pins, &mut Pass::new(DefinitionKind::Tool), tools, true, true)
}

fn words(report: &Report) -> Vec<&'static str> {
    let word = |entry: &Entry| match &entry.standing {
        Standing::Same => "same",
        Standing::Trusted => "trusted",
        Standing::Added => "added",
        Standing::Changed(changes) if changes.is_empty() => "changed in nothing",
        Standing::Changed(_) => "changed",
        Standing::Unpinned => "unpinned",
    };
    report.entries.iter().map(word).collect()
}

fn open(dir: &Path) -> Pins {
    Pins::open(dir, Trust::FirstUse).unwrap()
}

fn file(dir: &Path) -> std::path::PathBuf {
    dir.join(format!("{}.json", id().hash()))
}

#[test]
fn the_first_listing_is_trusted_and_later_ones_are_held_against_it() {
    let dir = tempfile::tempdir().unwrap();
    let pins = open(dir.path());
    let server = pins.server(&id()).unwrap();
    assert!(!pins.is_dirty());
    assert_eq!(words(&check(&server, &[("a", "A"), ("b", "B")])), ["trusted", "trusted"]);
    assert!(pins.is_dirty());
    let report = check(&server, &[("b", "B"), ("a", "Z"), ("c", "C")]);
    assert_eq!(words(&report), ["same", "changed", "added"]);
    assert!(report.removed.is_empty() && !report.is_clean());
    // It does not become clean by being listed again.
    assert_eq!(words(&check(&server, &[("a", "Z")])), ["changed"]);
    assert_eq!(check(&server, &[("a", "A")]).removed, ["b"]);
    assert_eq!(check(&server, &[("a", "A")]).removed, ["b"]);
    assert!(check(&server, &[("a", "A"), ("b", "B")]).is_clean());
}

#[test]
fn pins_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let pins = open(dir.path());
    check(&pins.server(&id()).unwrap(), &[("a", "A"), ("b", "B")]);
    check(&pins.server(&id()).unwrap(), &[("a", "Z")]);
    pins.flush().unwrap();
    assert!(!pins.is_dirty());
    assert_eq!(fs::metadata(file(dir.path())).unwrap().permissions().mode() & 0o777, 0o600);
    drop(pins);
    let pins = open(dir.path());
    let server = pins.server(&id()).unwrap();
    let report = check(&server, &[("a", "Z"), ("c", "C")]);
    assert_eq!((words(&report), &report.removed[..]), (vec!["changed", "added"], &["b".to_owned()][..]));
    // Nothing new was learned but `c`.
    pins.flush().unwrap();
    check(&server, &[("a", "Z"), ("c", "C")]);
    assert!(!pins.is_dirty());
}

#[test]
fn approval_is_of_what_waits() {
    let dir = tempfile::tempdir().unwrap();
    let pins = open(dir.path());
    let server = pins.server(&id()).unwrap();
    check(&server, &[("a", "A"), ("b", "B"), ("c", "C")]);
    check(&server, &[("a", "Z"), ("b", "Y")]);
    // Another program approves, from what the file says.
    pins.flush().unwrap();
    let other = open(dir.path());
    assert_eq!(other.approve(id().hash(), Selection::Named("a"), 7).unwrap(), 1);
    assert!(matches!(other.approve(id().hash(), Selection::Named("a"), 7), Err(PinsError::NoDefinition(_))));
    assert_eq!(words(&check(&server, &[("a", "Z"), ("b", "Y")])), ["changed", "changed"]);
    pins.refresh().unwrap();
    assert_eq!(words(&check(&server, &[("a", "Z"), ("b", "Y")])), ["same", "changed"]);
    // The rest: `b` as it is now, and `c` is gone.
    assert_eq!(pins.approve(id().hash(), Selection::All, 7).unwrap(), 2);
    assert!(check(&server, &[("a", "Z"), ("b", "Y")]).is_clean());
    pins.reset(id().hash(), 7).unwrap();
    assert_eq!(words(&check(&server, &[("a", "X")])), ["trusted"]);
    assert!(matches!(pins.approve("f00d", Selection::All, 7), Err(PinsError::NoServer(_))));
}

#[test]
fn what_people_do_is_kept_until_it_is_on_record() {
    let dir = tempfile::tempdir().unwrap();
    let pins = open(dir.path());
    let server = pins.server(&id()).unwrap();
    check(&server, &[("a", "A")]);
    pins.flush().unwrap();
    let other = open(dir.path());
    other.approve(id().hash(), Selection::All, 7).unwrap();
    other.decide(id().hash(), false, 8).unwrap();
    other.reset(id().hash(), 9).unwrap();
    pins.refresh().unwrap();
    let acts = server.unrecorded();
    let told: Vec<_> = acts.iter().map(|act| (act.number, act.kind.as_str(), act.by)).collect();
    assert_eq!(told, [(1, "approve-pins", 7), (2, "block", 8), (3, "reset-pins", 9)]);
    server.recorded(&acts[1]);
    pins.flush().unwrap();
    // Another process does not tell of them again.
    assert_eq!(open(dir.path()).server(&id()).unwrap().unrecorded(), [acts[2].clone()]);
    for number in 4..40 {
        other.reset(id().hash(), number).unwrap();
    }
    let last = open(dir.path()).server(&id()).unwrap().unrecorded();
    assert_eq!((last.len(), last.last().unwrap().number), (16, 39), "the newest are kept");
    let text = fs::read_to_string(file(dir.path())).unwrap();
    for (from, to) in
        [("\"recorded\":2", "\"recorded\":-2"), ("reset-pins", "no-act"), ("\"by\":39", "\"by\":\"x\"")]
    {
        fs::write(file(dir.path()), text.replace(from, to)).unwrap();
        assert!(matches!(open(dir.path()).server(&id()), Err(PinsError::Malformed { .. })), "{from}");
    }
}

#[test]
fn where_nothing_is_trusted_all_waits() {
    let dir = tempfile::tempdir().unwrap();
    let pins = Pins::open(dir.path(), Trust::Approved).unwrap();
    let server = pins.server(&id()).unwrap();
    assert_eq!(words(&check(&server, &[("a", "A")])), ["added"]);
    assert_eq!(words(&check(&server, &[("a", "A")])), ["added"]);
    pins.approve(id().hash(), Selection::All, 7).unwrap();
    assert_eq!(words(&check(&server, &[("a", "A")])), ["same"]);
}

#[test]
fn only_a_whole_listing_says_what_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let pins = open(dir.path());
    let server = pins.server(&id()).unwrap();
    let mut pass = Pass::new(DefinitionKind::Tool);
    assert_eq!(words(&page(&server, &mut pass, &[("a", "A")], true, false)), ["trusted"]);
    assert_eq!(words(&page(&server, &mut pass, &[("b", "B")], false, true)), ["trusted"]);
    // Neither the first page alone, nor the last, nor one without a beginning.
    assert!(page(&server, &mut pass, &[("a", "A")], true, false).removed.is_empty());
    assert!(
        page(&server, &mut Pass::new(DefinitionKind::Tool), &[("b", "B")], false, true).removed.is_empty()
    );
    assert_eq!(page(&server, &mut pass, &[], false, true).removed, ["b"]);
    // Prompts are none of the tools' business.
    assert!(page(&server, &mut Pass::new(DefinitionKind::Prompt), &[("a", "P")], true, true).is_clean());
}

#[test]
fn a_listing_nobody_comes_to_the_end_of_is_not_trusted_again() {
    let dir = tempfile::tempdir().unwrap();
    let pins = open(dir.path());
    let server = pins.server(&id()).unwrap();
    let mut pass = Pass::new(DefinitionKind::Tool);
    assert_eq!(words(&page(&server, &mut pass, &[("a", "A")], true, false)), ["trusted"]);
    // In the same session and in another, after a restart: the first page is known, and there is more of it.
    assert_eq!(words(&page(&server, &mut pass, &[("a", "A"), ("b", "B")], true, false)), ["same", "added"]);
    pins.flush().unwrap();
    let again = open(dir.path());
    let server = again.server(&id()).unwrap();
    let mut pass = Pass::new(DefinitionKind::Tool);
    let report = page(&server, &mut pass, &[("a", "A"), ("c", "C")], true, false);
    assert_eq!(words(&report), ["same", "added"]);
    // Whoever goes on for the first time sees the rest for the first time.
    assert_eq!(words(&page(&server, &mut pass, &[("d", "D")], false, true)), ["trusted"]);
    assert_eq!(words(&page(&server, &mut pass, &[("e", "E")], false, true)), ["added"]);
}

#[test]
fn a_name_twice_is_held_against_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let pins = open(dir.path());
    let server = pins.server(&id()).unwrap();
    assert_eq!(words(&check(&server, &[("a", "A"), ("a", "B")])), ["trusted", "changed"]);
}

#[test]
fn the_server_itself_is_pinned() {
    let dir = tempfile::tempdir().unwrap();
    let pins = open(dir.path());
    let server = pins.server(&id()).unwrap();
    let check = |text: &str| {
        let document = Document::parse(Bytes::copy_from_slice(text.as_bytes()), &Limits::default()).unwrap();
        words(&server.check(&mut Pass::new(DefinitionKind::Server), [document.root()], true, true))
    };
    assert_eq!(check(r#"{"serverInfo":{"name":"s","version":"1"},"instructions":"i"}"#), ["trusted"]);
    assert_eq!(check(r#"{"serverInfo":{"name":"s","version":"2"},"instructions":"i"}"#), ["same"]);
    assert_eq!(check(r#"{"serverInfo":{"name":"s","version":"2"},"instructions":"j"}"#), ["changed"]);
}

#[test]
fn what_is_too_much_is_not_pinned() {
    let dir = tempfile::tempdir().unwrap();
    let pins = open(dir.path());
    let server = pins.server(&id()).unwrap();
    let long = "x".repeat(300 << 10);
    assert_eq!(words(&check(&server, &[("a", &long), ("b", "B")])), ["unpinned", "trusted"]);
    let names: Vec<_> = (0..5000).map(|number| number.to_string()).collect();
    let many: Vec<_> = names.iter().map(|name| (&**name, "d")).collect();
    let other = pins.server(&ServerId::new([&b"other"[..]], "other")).unwrap();
    let report = check(&other, &many);
    assert_eq!(
        report.entries.iter().filter(|entry| entry.standing == Standing::Unpinned).count(),
        5000 - 4096
    );
    let nameless = Document::parse(Bytes::from_static(b"[{},7]"), &Limits::default()).unwrap();
    let report = server.check(&mut Pass::new(DefinitionKind::Tool), nameless.root().elements(), true, true);
    assert_eq!(words(&report), ["unpinned", "unpinned"]);
}

#[test]
fn two_that_learn_at_once_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (one, other) = (open(dir.path()), open(dir.path()));
    check(&one.server(&id()).unwrap(), &[("a", "A")]);
    check(&other.server(&id()).unwrap(), &[("a", "B"), ("b", "B")]);
    one.flush().unwrap();
    other.flush().unwrap();
    // Who came first was trusted; what the other saw of it waits.
    let server = other.server(&id()).unwrap();
    assert_eq!(words(&check(&server, &[("a", "A"), ("b", "B")])), ["same", "same"]);
    assert_eq!(words(&check(&server, &[("a", "B"), ("b", "B")])), ["changed", "same"]);
}

#[test]
fn many_at_once_write_whole_files() {
    let dir = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let path = dir.path();
            scope.spawn(move || {
                let pins = open(path);
                let server = pins.server(&id()).unwrap();
                let name = format!("tool{number}");
                page(&server, &mut Pass::new(DefinitionKind::Tool), &[(&name, "D")], true, false);
                pins.flush().unwrap();
            });
        }
    });
    let book: Book = Directory::open(dir.path()).unwrap().read(id().hash()).unwrap().unwrap();
    assert_eq!(book.pins.len(), 8);
}

#[test]
fn a_file_that_is_not_what_was_written_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let pins = open(dir.path());
    check(&pins.server(&id()).unwrap(), &[("a", "A")]);
    pins.flush().unwrap();
    let text = fs::read_to_string(file(dir.path())).unwrap();
    let refused = |text: &str| {
        fs::write(file(dir.path()), text).unwrap();
        match open(dir.path()).server(&id()) {
            Err(PinsError::Malformed { why, .. }) => why,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused("not"), "it is not JSON, or too large");
    assert_eq!(refused("{}"), "it is of another version");
    assert_eq!(refused(&text.replace("\"A\"", "\"B\"")), "a definition is not what its hash says");
    assert_eq!(refused(&text.replace("\"kind\":\"tool\"", "\"kind\":\"fool\"")), "a kind is not known");
    assert_eq!(refused(&text.replace(id().hash(), &"0".repeat(64))), "it is of another server");
    assert_eq!(refused(&text.replace("\"generation\":0", "\"generation\":-1")), "it has no generation");
    assert!(pins.list().unwrap().iter().all(Result::is_err));
    fs::write(file(dir.path()), &text).unwrap();
    assert_eq!(words(&check(&open(dir.path()).server(&id()).unwrap(), &[("a", "A")])), ["same"]);
}

#[test]
fn a_decision_is_kept_and_one_that_is_not_whole_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let pins = open(dir.path());
    let server = pins.server(&id()).unwrap();
    check(&server, &[("a", "A")]);
    server.behaved(Behaviour::Rubbish);
    pins.flush().unwrap();
    let (decision, assessment) = pins.decide(id().hash(), true, 7).unwrap();
    assert_eq!(decision.basis, assessment.basis);
    assert!(assessment.issues.iter().any(|issue| issue.rule == "rubbish"));
    let decided = || open(dir.path()).server(&id()).unwrap().assess().1.decided;
    assert_eq!(open(dir.path()).server(&id()).unwrap().assess().2, Some(decision));
    assert_eq!(decided(), Some(Decided::Approved));
    let text = fs::read_to_string(file(dir.path())).unwrap();
    // What a session learns takes no decision away, and makes it one of something else.
    check(&server, &[("a", "B")]);
    pins.flush().unwrap();
    assert_eq!(decided(), Some(Decided::Outdated));
    pins.decide(id().hash(), false, 7).unwrap();
    pins.reset(id().hash(), 7).unwrap();
    assert_eq!(decided(), Some(Decided::Blocked));
    for (from, to, why) in [
        ("\"rubbish\"", "\"bliss\"", "a behaviour is not known"),
        ("\"rubbish\"", "1", "a behaviour is no text"),
        ("\"approved\":true", "\"approved\":1", "a decision is not whole"),
        ("\"by\":7", "\"by\":-7", "a decision is not whole"),
        ("\"at\":\"", "\"at\":\"x", "a decision is not whole"),
        ("\"basis\":\"", "\"basis\":\"0", "a decision is not whole"),
    ] {
        assert!(text.contains(from), "{from}");
        fs::write(file(dir.path()), text.replacen(from, to, 1)).unwrap();
        let refused = open(dir.path()).server(&id()).map(|_| ());
        assert!(matches!(refused, Err(PinsError::Malformed { why: said, .. }) if said == why), "{to}");
    }
}

#[test]
fn what_others_could_have_written_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let pins = open(dir.path());
    check(&pins.server(&id()).unwrap(), &[("a", "A")]);
    pins.flush().unwrap();
    let path = file(dir.path());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o622)).unwrap();
    assert!(matches!(open(dir.path()).server(&id()), Err(PinsError::Unsafe { .. })));
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    assert!(matches!(open(dir.path()).server(&id()), Err(PinsError::Io { action: "open", .. })));
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(Pins::open(dir.path(), Trust::FirstUse), Err(PinsError::Unsafe { .. })));
}

#[test]
fn an_identity_is_only_kept_as_a_hash() {
    let one = ServerId::new([&b"npx"[..], b"--key=hunter2"], "npx");
    assert_ne!(one.hash(), ServerId::new([&b"npx"[..]], "npx").hash());
    assert_ne!(ServerId::new([&b"ab"[..], b"c"], "x").hash(), ServerId::new([&b"a"[..], b"bc"], "x").hash());
    assert!(!format!("{one:?}").contains("hunter2"));
}
