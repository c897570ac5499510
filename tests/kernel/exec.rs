//! exec records against what `/proc` and the caller know.

use std::os::linux::fs::MetadataExt as _;
use std::process::{Command, Stdio};

use mcpgw_agent::inventory::{Channel, ChannelKind, FileId};

use crate::support::{Python, load, process, python, reap};

#[tokio::test]
async fn a_process_is_described() {
    let Some(mut host) = load().await else { return };
    let child = Command::new(python())
        .args(["-I", "-c", "import sys; sys.stdin.read()", "an argument", "", "\u{e9}"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let pid = child.id();
    let exec = host.exec_of(pid).await;
    assert_eq!(exec.process, process(pid));
    assert_eq!(exec.parent, process(std::process::id()));
    assert_eq!(exec.uid, nix::unistd::getuid().as_raw());
    let file = std::fs::metadata(python()).unwrap();
    assert_eq!(exec.exe, FileId { dev: file.st_dev(), ino: file.st_ino() });
    assert_eq!(exec.filename, python());
    assert_eq!(
        exec.argv,
        [python(), "-I", "-c", "import sys; sys.stdin.read()", "an argument", "", "\u{e9}"]
    );
    assert!(!exec.argv_truncated && !exec.memfd && !exec.deleted && !exec.observed);
    let namespace = |kind| {
        let inode = std::fs::metadata(format!("/proc/{pid}/ns/{kind}")).unwrap().st_ino();
        u32::try_from(inode).unwrap()
    };
    assert_eq!(exec.namespaces, ["mnt", "pid", "net"].map(namespace));
    let stdin = std::fs::metadata(format!("/proc/{pid}/fd/0")).unwrap().st_ino();
    assert_eq!(exec.stdio.len(), 1, "{:?}", exec.stdio);
    assert_eq!(exec.stdio[0].channel, Channel { kind: ChannelKind::Fifo, ino: stdin });
    assert_eq!((exec.stdio[0].fd, exec.stdio[0].readable, exec.stdio[0].writable), (0, true, false));
    assert_eq!((exec.stdio[0].peer, exec.stdio[0].creator), (None, None));
    reap(child);
}

#[tokio::test]
async fn the_cgroup_is_the_version_2_one() {
    let Some(mut host) = load().await else { return };
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let root = mounts.lines().find(|line| line.contains(" - cgroup2 ")).unwrap().split(' ').nth(4).unwrap();
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap();
    let own = own.lines().find_map(|line| line.strip_prefix("0::")).unwrap();
    let child = Command::new("/bin/true").spawn().unwrap();
    let exec = host.exec_of(child.id()).await;
    assert_eq!(exec.cgroup_id, std::fs::metadata(format!("{root}{own}")).unwrap().st_ino());
    reap(child);
}

#[tokio::test]
async fn a_long_command_line_is_cut_and_says_so() {
    let Some(mut host) = load().await else { return };
    for (length, truncated) in [(1000, false), (1500, true), (100_000, true)] {
        let child = Command::new("/bin/true").arg("x".repeat(length)).spawn().unwrap();
        let exec = host.exec_of(child.id()).await;
        reap(child);
        assert_eq!(exec.argv_truncated, truncated, "{length}");
        let whole = exec.argv.iter().map(|argument| argument.len() + 1).sum::<usize>();
        assert!(exec.argv[1].starts_with("xxxx") && whole <= 1025, "{length}: {whole}");
    }
}

#[tokio::test]
async fn an_executable_without_a_name_is_seen_as_such() {
    let Some(mut host) = load().await else { return };
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("memfd:not");
    for (program, memfd) in [
        ("fd = os.memfd_create('server'); os.write(fd, open('/bin/true', 'rb').read())".to_owned(), true),
        (
            // A name that looks like it is not enough.
            format!(
                "import shutil; shutil.copy('/bin/true', {copy:?}); fd = os.open({copy:?}, os.O_RDONLY); os.unlink({copy:?})"
            ),
            false,
        ),
    ] {
        let driver =
            Python::start(&format!("{program}\nos.execv('/proc/self/fd/%d' % fd, ['renamed', 'x'])"));
        let pid = driver.pid();
        let exec = host
            .until("the second exec", |seen| {
                seen.execs().find(|e| e.process.pid == pid && e.argv[0] == "renamed").cloned()
            })
            .await;
        driver.end();
        assert!(exec.deleted);
        assert_eq!(exec.memfd, memfd);
    }
}

#[tokio::test]
async fn a_socketpair_names_who_made_it() {
    let Some(mut host) = load().await else { return };
    let mut driver = Python::start(
        "
a, b = socket.socketpair()
child = subprocess.Popen(['/bin/cat'], stdin=b, stdout=b, stderr=subprocess.DEVNULL)
say(child.pid, os.fstat(a.fileno()).st_ino, os.fstat(b.fileno()).st_ino)
hear()
",
    );
    let [child, near, far] = driver.numbers()[..] else { panic!() };
    let exec = host.exec_of(u32::try_from(child).unwrap()).await;
    assert!(exec.observed);
    assert_eq!(exec.stdio.len(), 2);
    for end in &exec.stdio {
        assert_eq!(end.channel, Channel { kind: ChannelKind::Unix, ino: far });
        assert_eq!((end.peer, end.creator), (Some(near), Some(driver.pid())));
        assert!(end.readable && end.writable);
    }
    driver.end();
}

#[tokio::test]
async fn a_connected_socket_has_a_peer_but_no_creator() {
    let Some(mut host) = load().await else { return };
    let mut driver = Python::start(
        "
listener = socket.socket(socket.AF_UNIX); listener.bind('\\0mcpgw-test-%d' % os.getpid()); listener.listen()
client = socket.socket(socket.AF_UNIX); client.connect(listener.getsockname())
server, _ = listener.accept()
children = [subprocess.Popen(['/bin/cat'], stdin=end, stdout=end) for end in (client, server)]
say(*[child.pid for child in children], *[os.fstat(s.fileno()).st_ino for s in (client, server)])
hear()
for child in children: child.kill(); child.wait()
",
    );
    let [first, second, client, server] = driver.numbers()[..] else { panic!() };
    for (child, own, peer) in [(first, client, server), (second, server, client)] {
        let exec = host.exec_of(u32::try_from(child).unwrap()).await;
        assert_eq!(exec.stdio[0].channel.ino, own);
        assert_eq!((exec.stdio[0].peer, exec.stdio[0].creator), (Some(peer), None));
    }
    driver.tell("end");
    driver.end();
}

#[tokio::test]
async fn datagram_and_other_sockets_are_no_channels() {
    let Some(mut host) = load().await else { return };
    let mut driver = Python::start(
        "
pairs = [socket.socketpair(socket.AF_UNIX, kind) for kind in (socket.SOCK_DGRAM, socket.SOCK_SEQPACKET)]
tcp = socket.socket()
children = [subprocess.Popen(['/bin/true'], stdin=s, stdout=s) for s in [pair[0] for pair in pairs] + [tcp]]
say(*[child.pid for child in children])
hear()
",
    );
    for child in driver.numbers() {
        let exec = host.exec_of(u32::try_from(child).unwrap()).await;
        assert!(!exec.observed);
        assert!(exec.stdio.iter().all(|end| end.fd == 2), "{:?}", exec.stdio);
    }
    driver.end();
}
