//! What the index finds is what a reader of the whole log finds, whatever happens to log and index.

mod same;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::*;
use crate::audit::query::tests::line;
use crate::audit::query::{Facet, Filter, Pattern, StoredRecord};

/// A log of records `seqs`, of server `server`.
fn log(dir: &Path, seqs: std::ops::Range<u64>, server: &str) -> PathBuf {
    let path = dir.join("audit.jsonl");
    let text: String = seqs.map(|seq| format!("{}\n", record(seq, server))).collect();
    fs::write(&path, text).unwrap();
    path
}

fn record(seq: u64, server: &str) -> String {
    let members = format!(
        r#""action":"pass","server":"{server}","decision_id":"d-{seq}","tool_args":{{"n":"w{seq}"}}"#
    );
    line(seq, &format!("2026-01-31T12:00:00.{seq:06}Z"), &members)
}

fn seqs(index: &Index, filter: &Filter, order: Order) -> Vec<u64> {
    let mut found = Vec::new();
    let each = &mut |record: StoredRecord| {
        found.push(record.seq());
        std::ops::ControlFlow::Continue(())
    };
    index.search(filter, order, each).unwrap();
    found
}

fn of_server(server: &str) -> Filter {
    Filter { facets: vec![(Facet::Server, vec![Pattern::new(server).unwrap()])], ..Filter::default() }
}

/// The index of `log`, and what was said about it.
fn fresh(log: &Path) -> (Index, Vec<Why>) {
    let mut whys = Vec::new();
    let index = Index::fresh(log, &mut |news| match news {
        News::Rebuilt(why) => whys.push(why),
        News::Added(_) => {}
    });
    (index.unwrap(), whys)
}

#[test]
fn it_is_for_its_owner_alone_and_grows_with_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let log = log(dir.path(), 1..10, "a");
    let (index, whys) = fresh(&log);
    assert_eq!((seqs(&index, &of_server("a"), Order::Oldest).len(), whys), (9, vec![]));
    for name in ["audit.index.sqlite", "audit.index.sqlite-wal"] {
        assert_eq!(
            fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o777,
            0o600,
            "{name}"
        );
    }
    let mut text = fs::read_to_string(&log).unwrap();
    text.push_str(&format!("rubbish\n{}\n{}", record(10, "b"), record(11, "b")));
    fs::write(&log, &text).unwrap();
    // The file is another's, with the same beginning; its last line is not whole yet.
    let (index, whys) = fresh(&log);
    assert_eq!((seqs(&index, &of_server("*"), Order::Newest), whys), ((1..11).rev().collect(), vec![]));
    assert_eq!(index.counts().unwrap(), (10, 1));
}

#[test]
fn a_log_that_is_another_is_read_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = log(dir.path(), 1..10, "a");
    fresh(&path);
    log(dir.path(), 1..10, "b");
    let (index, whys) = fresh(&path);
    assert_eq!((seqs(&index, &of_server("?"), Order::Oldest).len(), whys), (9, vec![Why::Replaced]));
    assert!(seqs(&index, &of_server("a"), Order::Oldest).is_empty());
    log(dir.path(), 1..4, "b");
    assert_eq!(fresh(&path).1, [Why::Replaced]);
    log(dir.path(), 100..110, "b");
    let (index, whys) = fresh(&path);
    assert_eq!(
        (seqs(&index, &Filter::default(), Order::Oldest), whys),
        ((100..110).collect(), vec![Why::Gone])
    );
}

#[test]
fn a_damaged_index_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let log = log(dir.path(), 1..2000, "a");
    let path = fresh(&log).0.path().to_owned();
    let whole = fs::read(&path).unwrap();
    let remove_wal = || {
        for suffix in ["-wal", "-shm"] {
            fs::remove_file(format!("{}{suffix}", path.display())).ok();
        }
    };
    remove_wal();
    for (what, bytes) in [
        ("rubbish", b"this is no database, and long enough to be taken for one ".repeat(200)),
        ("cut", whole[..whole.len() / 2].to_vec()),
    ] {
        fs::write(&path, bytes).unwrap();
        let (index, whys) = fresh(&log);
        let found = seqs(&index, &of_server("a"), Order::Oldest);
        assert_eq!((found.len(), whys), (1999, vec![Why::Damaged]), "{what}");
        drop(index);
        remove_wal();
    }
    fs::write(&path, b"").unwrap();
    assert_eq!(
        seqs(&fresh(&log).0, &of_server("a"), Order::Oldest).len(),
        1999,
        "an empty file is an empty index"
    );
}

#[test]
fn any_byte_that_is_changed_is_found_or_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let log = log(dir.path(), 1..60, "a");
    let path = fresh(&log).0.path().to_owned();
    let whole = fs::read(&path).unwrap();
    let suffixed = |suffix: &str| format!("{}{suffix}", path.display());
    for at in (0..whole.len()).step_by(whole.len() / 100) {
        let mut changed = whole.clone();
        changed[at] ^= 0x55;
        for suffix in ["-wal", "-shm"] {
            fs::remove_file(suffixed(suffix)).ok();
        }
        fs::write(&path, changed).unwrap();
        // No panic, no hang, and never a record that is not in the log.
        let Ok(index) = Index::fresh(&log, &mut |_| ()) else { continue };
        let mut wrong = 0;
        let searched = index.search(&of_server("a"), Order::Oldest, &mut |found| {
            wrong += u64::from(found.line() != record(found.seq(), "a"));
            std::ops::ControlFlow::Continue(())
        });
        assert_eq!(wrong, 0, "byte {at}: {searched:?}");
    }
}

#[test]
fn another_version_is_made_anew_and_a_newer_one_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let log = log(dir.path(), 1..10, "a");
    let is_now = |version: i32| {
        Connection::open(index_path(&log)).unwrap().pragma_update(None, "user_version", version).unwrap();
    };
    fresh(&log);
    is_now(open::VERSION - 1);
    let (index, whys) = fresh(&log);
    assert_eq!((index.counts().unwrap().0, whys), (9, vec![Why::Version(open::VERSION - 1)]));
    drop(index);
    is_now(open::VERSION + 1);
    assert!(matches!(Index::fresh(&log, &mut |_| ()), Err(IndexError::Newer { .. })));
}

#[test]
fn what_is_not_ours_is_not_used() {
    let dir = tempfile::tempdir().unwrap();
    let log = log(dir.path(), 1..10, "a");
    let path = index_path(&log);
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(Index::fresh(&log, &mut |_| ()), Err(IndexError::Foreign { .. })));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(Index::fresh(&log, &mut |_| ()), Err(IndexError::Unsafe { .. })));
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(dir.path().join("elsewhere"), &path).unwrap();
    assert!(matches!(Index::fresh(&log, &mut |_| ()), Err(IndexError::Unsafe { .. })));
    assert!(!dir.path().join("elsewhere").exists());
}

#[test]
fn what_retention_deleted_leaves_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = log(dir.path(), 1..20, "a");
    fs::rename(&path, dir.path().join("audit.000000000001-000000000019.jsonl")).unwrap();
    log(dir.path(), 20..40, "b");
    let (index, _) = fresh(&path);
    assert_eq!(seqs(&index, &Filter::default(), Order::Oldest), (1..40).collect::<Vec<_>>());
    fs::remove_file(dir.path().join("audit.000000000001-000000000019.jsonl")).unwrap();
    let (index, whys) = fresh(&path);
    assert_eq!((seqs(&index, &Filter::default(), Order::Newest), whys), ((20..40).rev().collect(), vec![]));
    assert!(seqs(&index, &of_server("a"), Order::Oldest).is_empty());
    let words =
        Filter { words: Some(crate::audit::query::Wording::parse("w5").unwrap()), ..Filter::default() };
    assert!(seqs(&index, &words, Order::Oldest).is_empty());
    let decision = Filter { decision: Some("d-5".to_owned()), ..Filter::default() };
    assert!(seqs(&index, &decision, Order::Oldest).is_empty());
}

#[test]
fn two_at_once_make_one() {
    let dir = tempfile::tempdir().unwrap();
    // More than a set has that is written number by number.
    let all = 1..1500;
    let path = log(dir.path(), all.clone(), "a");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let index = Index::fresh(&path, &mut |_| ()).unwrap();
                let found = seqs(&index, &of_server("a"), Order::Oldest);
                assert_eq!(found, all.clone().collect::<Vec<_>>());
                Index::rebuild(&path, &mut |_| ()).unwrap();
            });
        }
    });
    let (index, whys) = fresh(&path);
    assert_eq!((seqs(&index, &of_server("a"), Order::Oldest).len(), whys), (1499, vec![]));
}

#[test]
fn an_indexer_keeps_it_and_ends() {
    let dir = tempfile::tempdir().unwrap();
    let path = log(dir.path(), 1..100, "a");
    let indexer = Indexer::start(&path).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    // A look that made the file would make it for others, too.
    let look = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    while !Connection::open_with_flags(index_path(&path), look)
        .and_then(|index| {
            index.query_row("SELECT count(*) = 99 FROM records", [], |row| row.get::<_, bool>(0))
        })
        .unwrap_or_default()
    {
        assert!(std::time::Instant::now() < deadline, "it is not kept");
        std::thread::yield_now();
    }
    drop(indexer);
}
