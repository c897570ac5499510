use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use super::*;

fn temp() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("mcpgw").tempdir().unwrap()
}

#[test]
fn the_directory_and_the_socket_are_made_with_their_modes() {
    let temp = temp();
    let path = temp.path().join("run");
    let mut dir = RuntimeDir::lock(&path).unwrap();
    let _listener = dir.bind("no-such-group-here").unwrap();
    let mode = |path: &Path| path.metadata().unwrap().mode() & 0o7777;
    // Whatever the umask takes away, nothing is added.
    assert_eq!(mode(&path) & !0o755, 0);
    assert_eq!(mode(&path.join(SOCKET)), 0o660);
    UnixStream::connect(path.join(SOCKET)).unwrap();
    assert_eq!(std::fs::read_to_string(path.join(LOCK)).unwrap(), format!("{}\n", std::process::id()));
}

#[test]
fn a_second_agent_is_refused_by_pid_and_place() {
    let temp = temp();
    let first = RuntimeDir::lock(temp.path()).unwrap();
    let error = RuntimeDir::lock(temp.path()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("another mcpgw-agent (pid {}) is running on {}", std::process::id(), temp.path().display())
    );
    // As a process has that is being started.
    let copy = first.lock.try_clone().unwrap();
    drop(first);
    RuntimeDir::lock(temp.path()).unwrap();
    drop(copy);
}

#[test]
fn a_stale_socket_is_replaced_and_a_clean_stop_leaves_none() {
    let temp = temp();
    let socket = temp.path().join(SOCKET);
    drop(UnixListener::bind(&socket).unwrap());
    // A child that another test has just forked listens there, too, until it executes.
    let deadline = Instant::now() + Duration::from_secs(30);
    while UnixStream::connect(&socket).is_ok() && Instant::now() < deadline {
        thread::yield_now();
    }
    assert!(UnixStream::connect(&socket).is_err(), "nobody listens on a stale socket");
    let mut dir = RuntimeDir::lock(temp.path()).unwrap();
    let listener = dir.bind(GROUP).unwrap();
    UnixStream::connect(&socket).unwrap();
    drop(listener);
    drop(dir);
    assert!(!socket.exists());
}

#[test]
fn without_binding_the_socket_of_that_name_is_left_alone() {
    let temp = temp();
    let _other = UnixListener::bind(temp.path().join(SOCKET)).unwrap();
    drop(RuntimeDir::lock(temp.path()).unwrap());
    assert!(temp.path().join(SOCKET).exists());
}

#[test]
fn symlinks_and_foreign_files_are_refused() {
    let temp = temp();
    let real = temp.path().join("real");
    std::fs::create_dir(&real).unwrap();
    let link = temp.path().join("link");
    symlink(&real, &link).unwrap();
    let refused = |path: &Path| match RuntimeDir::lock(path) {
        Err(RuntimeDirError::Unsafe { why, .. }) => why,
        other => panic!("{other:?} should be refused"),
    };
    assert!(refused(&link).contains("symlinks"));
    symlink("nowhere", temp.path().join("dangling")).unwrap();
    assert!(refused(&temp.path().join("dangling")).contains("symlinks"));

    symlink("/etc/hostname", real.join(LOCK)).unwrap();
    assert_eq!(refused(&real), "is a symlink");
    std::fs::remove_file(real.join(LOCK)).unwrap();
    nix::unistd::mkfifo(&real.join(LOCK), Mode::S_IRWXU).unwrap();
    assert_eq!(refused(&real), "is not a regular file");
    std::fs::remove_file(real.join(LOCK)).unwrap();

    let mut dir = RuntimeDir::lock(&real).unwrap();
    std::fs::write(real.join(SOCKET), "precious").unwrap();
    assert!(matches!(dir.bind(GROUP), Err(RuntimeDirError::Unsafe { .. })));
    drop(dir);
    assert_eq!(std::fs::read_to_string(real.join(SOCKET)).unwrap(), "precious");
}

#[test]
fn a_directory_others_may_write_to_is_refused() {
    let temp = temp();
    std::fs::set_permissions(temp.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(
        RuntimeDir::lock(temp.path()),
        Err(RuntimeDirError::Unsafe { why: "can be written to by others", .. })
    ));
}
