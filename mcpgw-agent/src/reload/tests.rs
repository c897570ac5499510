//! Files that change under a store.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::policy::Policy;
use crate::tasks::Tasks;

/// A policy that has one rule, called `rule`.
fn policy(rule: &str) -> String {
    format!(
        "version: v1\nmode: enforce\nrules:\n  - {{name: {rule}, match: {{methods: ['*']}}, action: allow}}\n"
    )
}

struct Site {
    dir: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn store(&self, rule: &str) -> Arc<PolicyStore> {
        let path = self.path("policy.yaml");
        fs::write(&path, policy(rule)).unwrap();
        Arc::new(PolicyStore::load(&path).unwrap())
    }

    /// As editors and deployment tools write.
    fn rename_over(&self, text: &str) {
        fs::write(self.path("new"), text).unwrap();
        fs::rename(self.path("new"), self.path("policy.yaml")).unwrap();
    }
}

fn hash(rule: &str) -> String {
    Policy::parse(&policy(rule)).unwrap().hash().to_owned()
}

fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn eventually_in_force(store: &PolicyStore, rule: &str) {
    let hash = hash(rule);
    eventually(rule, || store.state().hash == hash);
}

/// What a watch does that has nothing else to do.
fn reloading(store: &Arc<PolicyStore>) -> impl Fn() + Send + 'static {
    let store = Arc::clone(store);
    move || drop(store.reload())
}

#[test]
fn a_bad_file_keeps_the_policy_before_and_says_so_until_it_is_mended() {
    let site = Site::new();
    let store = site.store("first");
    let before = store.state();
    assert_eq!((before.generation, before.rules, &*before.mode), (1, 1, "enforce"));
    assert_eq!((before.last_error, before.reloads), (None, ReloadCounts::default()));

    for bad in [
        "version: v1\nmode: enforce\nruels: []\n",
        "",
        "\u{1b}[2J: [",
        "version: v1\nmode: enforce\nrules: []\n",
    ] {
        fs::write(site.path("policy.yaml"), bad).unwrap();
        let error = store.reload().unwrap_err().to_string();
        assert!(error.contains("policy.yaml") && !error.contains('\u{1b}'), "{error}");
        let state = store.state();
        assert_eq!((state.generation, state.hash), (1, before.hash.clone()));
        assert_eq!(state.last_error.unwrap().message, error);
    }
    fs::remove_file(site.path("policy.yaml")).unwrap();
    assert!(matches!(store.reload(), Err(ReloadError::File(_))));
    assert_eq!(store.state().reloads, ReloadCounts { ok: 0, failed: 5 });

    fs::write(site.path("policy.yaml"), policy("second")).unwrap();
    assert_eq!(store.reload().unwrap(), Change::Replaced(2));
    assert_eq!(store.reload().unwrap(), Change::Same);
    let state = store.state();
    assert_eq!((state.generation, state.hash, state.last_error), (2, hash("second"), None));
    assert_eq!(state.reloads, ReloadCounts { ok: 2, failed: 5 });
    assert!(state.loaded_at >= before.loaded_at);
}

#[test]
fn a_file_others_may_write_is_refused_to_root() {
    let site = Site::new();
    let store = site.store("first");
    fs::write(site.path("policy.yaml"), policy("second")).unwrap();
    for mode in [0o666, 0o620] {
        fs::set_permissions(site.path("policy.yaml"), Permissions::from_mode(mode)).unwrap();
        if nix::unistd::geteuid().is_root() {
            let error = store.reload().unwrap_err().to_string();
            assert!(error.contains("is writable by others"), "{error}");
            assert_eq!(store.state().generation, 1);
            assert!(PolicyStore::load(&site.path("policy.yaml")).is_err(), "nor at the start");
        } else {
            store.reload().unwrap();
        }
    }
    fs::set_permissions(site.path("policy.yaml"), Permissions::from_mode(0o644)).unwrap();
    store.reload().unwrap();
    assert_eq!(store.state().generation, 2);
}

#[test]
fn the_built_in_policy_is_never_replaced() {
    let store = Arc::new(PolicyStore::new(Policy::built_in()));
    assert_eq!(store.reload().unwrap(), Change::Same);
    let watcher = Watcher::start(Arc::clone(&store), reloading(&store)).unwrap();
    let state = store.state();
    assert_eq!((state.path, &*state.hash, &*state.mode, state.watched), (None, "built-in", "observe", false));
    drop(watcher);
}

#[test]
fn a_message_sees_one_generation_while_others_come() {
    let site = Site::new();
    let store = site.store("even");
    let (even, done) = (hash("even"), Arc::new(AtomicBool::new(false)));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (store, done, even) = (Arc::clone(&store), Arc::clone(&done), even.clone());
            thread::spawn(move || {
                let mut last = 0;
                while !done.load(Ordering::Relaxed) {
                    let loaded = store.current();
                    // Odd generations hold the one text, even ones the other.
                    assert_eq!(loaded.generation % 2 == 1, loaded.policy.hash() == even);
                    assert!(loaded.generation >= last);
                    last = loaded.generation;
                }
            })
        })
        .collect();
    for round in 0..100 {
        site.rename_over(&policy(if round % 2 == 0 { "odd" } else { "even" }));
        assert_eq!(store.reload().unwrap(), Change::Replaced(round + 2));
    }
    done.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.join().unwrap();
    }
}

#[test]
fn changes_of_every_kind_are_noticed() {
    let site = Site::new();
    let store = site.store("first");
    let watcher = Watcher::start(Arc::clone(&store), reloading(&store)).unwrap();
    eventually("watched", || store.state().watched);

    site.rename_over(&policy("renamed"));
    eventually_in_force(&store, "renamed");
    fs::write(site.path("policy.yaml"), policy("written")).unwrap();
    eventually_in_force(&store, "written");

    site.rename_over("mode: neither");
    eventually("the error is seen", || store.state().last_error.is_some());
    fs::remove_file(site.path("policy.yaml")).unwrap();
    fs::write(site.path("policy.yaml"), policy("made anew")).unwrap();
    eventually_in_force(&store, "made anew");

    let generation = store.state().generation;
    let looked = store.state().reloads.ok;
    fs::write(site.path("policy.yaml"), policy("made anew")).unwrap();
    eventually("it looked", || store.state().reloads.ok > looked);
    assert_eq!(store.state().generation, generation, "the same text is the same policy");
    drop(watcher);
    assert!(!store.state().watched);
}

#[test]
fn a_link_that_is_swapped_is_noticed() {
    let site = Site::new();
    for (version, rule) in [("v1", "one"), ("v2", "two")] {
        fs::create_dir(site.path(version)).unwrap();
        fs::write(site.path(version).join("policy.yaml"), policy(rule)).unwrap();
    }
    let swap = |to: &str| {
        symlink(to, site.path("new")).unwrap();
        fs::rename(site.path("new"), site.path("current")).unwrap();
    };
    swap("v1");
    fs::create_dir(site.path("etc")).unwrap();
    let named = site.path("etc/policy.yaml");
    symlink("../current/policy.yaml", &named).unwrap();
    let store = Arc::new(PolicyStore::load(&named).unwrap());
    let _watcher = Watcher::start(Arc::clone(&store), reloading(&store)).unwrap();
    swap("v2");
    eventually_in_force(&store, "two");
    // What it leads to now is what is watched now.
    fs::write(site.path("v2/policy.yaml"), policy("three")).unwrap();
    eventually_in_force(&store, "three");
}

#[test]
fn a_directory_that_is_replaced_is_noticed() {
    let site = Site::new();
    let made = |dir: &Path, rule: &str| {
        fs::create_dir(dir).unwrap();
        fs::write(dir.join("policy.yaml"), policy(rule)).unwrap();
    };
    made(&site.path("etc"), "first");
    let store = Arc::new(PolicyStore::load(&site.path("etc/policy.yaml")).unwrap());
    let _watcher = Watcher::start(Arc::clone(&store), reloading(&store)).unwrap();
    fs::remove_dir_all(site.path("etc")).unwrap();
    eventually("it is missed", || store.state().last_error.is_some());
    made(&site.path("etc"), "second");
    eventually_in_force(&store, "second");
    fs::rename(site.path("etc"), site.path("old")).unwrap();
    made(&site.path("etc"), "third");
    eventually_in_force(&store, "third");
}

#[tokio::test]
async fn as_a_task_it_ends_with_the_others() {
    let site = Site::new();
    let store = site.store("first");
    let tasks = Tasks::new();
    tasks.spawn("policy watch", watch(Arc::clone(&store), reloading(&store), tasks.token().clone()));
    let look = Arc::clone(&store);
    tokio::task::spawn_blocking(move || eventually("watched", || look.state().watched)).await.unwrap();
    let report = tasks.shutdown(Duration::from_secs(30)).await;
    assert!(report.aborted.is_empty(), "{report:?}");
    assert!(!store.state().watched);
}
