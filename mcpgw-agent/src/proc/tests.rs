//! Against real processes: each test starts what it looks at, and ends it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::memfd::{MFdFlags, memfd_create};

use super::*;
use crate::inventory::{Channel, ChannelEnd, ChannelKind, Enriched, FileId, ProcessKey, ScannedProcess};
use crate::tests::skipped;

/// A process of a test's own, ended with it.
pub(super) struct Running(pub(super) Child);

impl Running {
    /// As it stands when it runs: the standard library is told of an `exec` before the child has let go of this program, what
    /// was to be closed is closed and the arguments are in their place.
    pub(super) fn start(command: &mut Command) -> Self {
        let running = Self(command.spawn().unwrap());
        let own = std::fs::read("/proc/self/cmdline").unwrap();
        let has_started = || match process::ProcessDir::open_key(running.key()) {
            Some(process) => {
                process.read("cmdline", own.len() + 1).is_some_and(|read| !read.is_empty() && read != own)
            }
            // It has ended already.
            None => true,
        };
        assert!(settled(&true, has_started), "it never ran");
        running
    }

    pub(super) fn key(&self) -> ProcessKey {
        key_of(self.0.id()).unwrap()
    }

    pub(super) fn end(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already ended is just as well.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// `sleep`, with nothing of ours but standard error.
pub(super) fn sleeper() -> Command {
    let mut command = Command::new("sleep");
    command.arg("1000").stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// A copy of `sleep` that a test may name and delete. Another process makes it: what this one has open for writing another test
/// may just be forking into a child, and then it does not start ("text file busy").
pub(super) fn sleep_as(path: &Path) {
    let found = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .map(|dir| dir.join("sleep"))
        .find(|path| path.exists());
    let done = Command::new("cp").arg("--").arg(found.unwrap()).arg(path).status().unwrap();
    assert!(done.success(), "cp: {done}");
}

fn scanned(child: &Running) -> ScannedProcess {
    let scan = ProcReader::new().scan(&ScanOptions::default());
    find(&scan, child.key()).clone()
}

/// What `read` gives once that is `expected`, or after 20 s. For what a child that another test has just
/// forked may hold a copy of until it executes.
pub(super) fn settled<T: PartialEq>(expected: &T, read: impl Fn() -> T) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let value = read();
        if value == *expected || Instant::now() > deadline {
            return value;
        }
    }
}

/// Who owns the listening socket at `addr`.
fn owners(addr: SocketAddr) -> Vec<ProcessKey> {
    let scan = ProcReader::new().scan(&ScanOptions::default());
    scan.listeners.iter().filter(|(_, listener)| listener.addr == addr).map(|(key, _)| *key).collect()
}

fn find(scan: &Scan, key: ProcessKey) -> &ScannedProcess {
    scan.processes.iter().find(|process| process.exec.process == key).unwrap()
}

fn end_at(process: &ScannedProcess, fd: u32) -> ChannelEnd {
    *process.exec.stdio.iter().find(|end| end.fd == fd).unwrap()
}

fn inode(fd: impl AsFd) -> u64 {
    rustix::fs::fstat(fd).unwrap().st_ino
}

#[test]
fn pipes_are_channel_ends_with_their_direction() {
    let child = Running::start(
        Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()),
    );
    let process = scanned(&child);
    let (stdin, stdout) = (end_at(&process, 0), end_at(&process, 1));
    assert_eq!(
        (stdin.channel.kind, stdin.channel.ino),
        (ChannelKind::Fifo, inode(child.0.stdin.as_ref().unwrap()))
    );
    assert_eq!((stdin.readable, stdin.writable), (true, false));
    assert_eq!(
        (stdout.channel.kind, stdout.channel.ino),
        (ChannelKind::Fifo, inode(child.0.stdout.as_ref().unwrap()))
    );
    assert_eq!((stdout.readable, stdout.writable), (false, true));
    assert!(!process.exec.stdio.iter().any(|end| end.fd == 2));

    assert_eq!(process.exec.parent, key_of(std::process::id()).unwrap());
    assert_eq!(process.exec.argv, ["cat"]);
    assert_eq!(process.exec.uid, nix::unistd::getuid().as_raw());
    assert!(!process.exec.observed && !process.exec.memfd && !process.exec.deleted);
    let file = std::fs::metadata(&process.facts.exe).unwrap();
    assert_eq!(process.exec.exe, FileId { dev: file.dev(), ino: file.ino() });
}

#[test]
fn named_fifos_are_found_on_any_descriptor() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in\n(deleted)");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    // Opened for both, so that opening waits for nobody.
    let fifo = File::options().read(true).write(true).open(&path).unwrap();
    let child = Running::start(sleeper().stdout(fifo.try_clone().unwrap()));
    let end = end_at(&scanned(&child), 1);
    assert_eq!((end.channel.kind, end.channel.ino), (ChannelKind::Fifo, inode(&fifo)));
    assert_eq!((end.readable, end.writable), (true, true));
}

#[test]
fn a_socketpair_names_its_other_end() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let their_inode = inode(&theirs);
    let child = Running::start(sleeper().stdin(OwnedFd::from(theirs)));
    let process = scanned(&child);
    let end = end_at(&process, 0);
    assert_eq!((end.channel.kind, end.channel.ino), (ChannelKind::Unix, their_inode));
    assert_eq!(end.peer, Some(inode(&ours)));
    assert_eq!((end.readable, end.writable, end.creator), (true, true, None));

    drop(ours);
    assert_eq!(settled(&None, || end_at(&scanned(&child), 0).peer), None);
}

#[test]
fn datagram_sockets_and_listeners_are_no_channels() {
    let (_ours, theirs) = std::os::unix::net::UnixDatagram::pair().unwrap();
    let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let child = Running::start(sleeper().stdin(OwnedFd::from(theirs)).stdout(OwnedFd::from(tcp)));
    let fds: Vec<u32> = scanned(&child).exec.stdio.iter().map(|end| end.fd).collect();
    assert!(!fds.contains(&0) && !fds.contains(&1), "{fds:?}");
}

#[test]
fn a_deleted_executable_keeps_its_path() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap().join("server (deleted)");
    sleep_as(&path);
    let child = Running::start(Command::new(&path).arg("1000").stdin(Stdio::null()));
    let text = path.to_str().unwrap();
    let process = scanned(&child);
    assert_eq!((process.facts.exe.as_str(), process.exec.deleted), (text, false));

    std::fs::remove_file(&path).unwrap();
    let process = scanned(&child);
    assert_eq!((process.facts.exe.as_str(), process.exec.deleted, process.exec.memfd), (text, true, false));
    assert_eq!(ProcReader::new().enrich(child.key()).unwrap().exe, text);
}

#[test]
fn an_executable_that_never_had_a_name_is_told() {
    let mut memory = File::from(memfd_create("/usr/bin/node", MFdFlags::empty()).unwrap());
    let dir = tempfile::tempdir().unwrap();
    sleep_as(&dir.path().join("sleep"));
    memory.write_all(&std::fs::read(dir.path().join("sleep")).unwrap()).unwrap();
    let path = format!("/proc/{}/fd/{}", std::process::id(), std::os::fd::AsRawFd::as_raw_fd(&memory));
    let child = Running::start(Command::new(path).arg("1000").stdin(Stdio::null()));
    let process = scanned(&child);
    assert_eq!(process.facts.exe, "/memfd:/usr/bin/node");
    assert!(process.exec.memfd && process.exec.deleted);
}

#[test]
fn a_cgroup_has_its_path_and_its_id() {
    let mounts = std::fs::read("/proc/self/mountinfo").unwrap();
    let Some(root) = text::cgroup2_mount(&mounts) else {
        skipped("a_cgroup_has_its_path_and_its_id, no unified cgroup hierarchy");
        return;
    };
    let name = format!("mcpgw-test-{}.service", std::process::id());
    let dir = Path::new(&root).join(&name);
    if let Err(error) = std::fs::create_dir(&dir) {
        skipped(&format!("a_cgroup_has_its_path_and_its_id, {error}"));
        return;
    }
    let child = Running::start(&mut sleeper());
    std::fs::write(dir.join("cgroup.procs"), child.0.id().to_string()).unwrap();
    let process = scanned(&child);
    let id = std::fs::metadata(&dir).unwrap().ino();
    child.end();
    assert!(settled(&true, || std::fs::remove_dir(&dir).is_ok()), "{dir:?} stays");
    assert_eq!((process.exec.cgroup_id, process.facts.cgroup), (id, format!("/{name}")));
    assert_eq!((process.facts.unit, process.facts.container), (Some(name), None));
}

#[test]
fn a_process_may_call_itself_anything() {
    let dir = tempfile::tempdir().unwrap();
    let name = OsStr::from_bytes(b"a) R 1 (\n\x1b[31m\xff");
    let path = dir.path().canonicalize().unwrap().join(name);
    sleep_as(&path);
    let arg0 = OsStr::from_bytes(b"\x1b]0;x\x07node\nserver\xff");
    let child = Running::start(Command::new(&path).arg0(arg0).arg("1000").stdin(Stdio::null()));
    let process = scanned(&child);
    assert_eq!(process.exec.parent.pid, std::process::id());
    assert_eq!(process.facts.argv, [arg0.to_string_lossy(), "1000".into()]);
    assert_eq!(process.facts.exe, path.to_string_lossy());
}

#[test]
fn long_command_lines_are_cut_and_say_so() {
    let arguments: Vec<String> = (0..40).map(|index| format!("{index:0>2000}")).collect();
    let mut command = Command::new("sh");
    command.args(["-c", "read wait"]).args(&arguments).stdin(Stdio::piped());
    let child = Running::start(&mut command);
    let process = scanned(&child);
    let bytes: usize = process.facts.argv.iter().map(|argument| argument.len() + 1).sum();
    assert!(bytes <= reader::ARGV_BYTES + 1 && bytes > reader::ARGV_BYTES / 2, "{bytes}");
    assert_eq!(process.facts.argv[..4], ["sh", "-c", "read wait", &arguments[0]]);
    assert_eq!(process.exec.argv, ["sh", "-c", "read wait"]);
    assert!(process.exec.argv_truncated);
}

#[test]
fn listeners_belong_to_whoever_holds_them() {
    let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let v4_addr = v4.local_addr().unwrap();
    let mut held = vec![(v4_addr, Running::start(sleeper().stdin(OwnedFd::from(v4))))];
    match TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) {
        Ok(v6) => {
            let addr = v6.local_addr().unwrap();
            held.push((addr, Running::start(sleeper().stdin(OwnedFd::from(v6)))));
        }
        Err(error) => skipped(&format!("IPv6 listener, no IPv6 here: {error}")),
    }
    for (addr, child) in &held {
        let expected = vec![child.key()];
        assert_eq!(settled(&expected, || owners(*addr)), expected, "{addr}");
    }
    let own = ProcReader::new().scan(&ScanOptions::default());
    assert!(own.listeners.iter().all(|(_, listener)| listener.net_ns != 0));
}

#[test]
fn a_socket_handed_down_belongs_to_the_parent() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    let _child = Running::start(sleeper().stdin(OwnedFd::from(listener.try_clone().unwrap())));
    assert_eq!(owners(addr), [key_of(std::process::id()).unwrap()]);
}

#[test]
fn the_owner_of_a_connection_is_found() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let server = listener.local_addr().unwrap();
    let stream = TcpStream::connect(server).unwrap();
    let client = stream.local_addr().unwrap();
    let (accepted, _) = listener.accept().unwrap();
    let child = Running::start(sleeper().stdin(OwnedFd::from(stream)));
    let key = Some(child.key());
    assert_eq!(settled(&key, || owner_of(client, None)), key);
    assert_eq!(settled(&key, || owner_of(client, Some(server))), key);
    assert_eq!(owner_of(server, Some(client)), key_of(std::process::id()));
    let mapped = SocketAddr::from((Ipv4Addr::LOCALHOST.to_ipv6_mapped(), client.port()));
    assert_eq!(settled(&key, || owner_of(mapped, None)), key);
    let elsewhere = SocketAddr::from((Ipv4Addr::new(127, 9, 9, 9), server.port()));
    assert_eq!(owner_of(client, Some(elsewhere)), None);
    drop(accepted);
}

#[test]
fn other_network_namespaces_are_looked_into() {
    if !nix::unistd::geteuid().is_root() {
        skipped("other_network_namespaces_are_looked_into, needs root");
        return;
    }
    // Loopback is down in there, which keeps nobody from listening on every address.
    let script = "import os, socket, sys\n\
        listener = socket.socket(); listener.bind(('0.0.0.0', 0)); listener.listen()\n\
        pair = socket.socketpair()\n\
        print(listener.getsockname()[1], *(os.fstat(s.fileno()).st_ino for s in pair), flush=True)\n\
        sys.stdin.read()\n";
    let mut command = Command::new("unshare");
    command.args(["-n", "python3", "-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = Running::start(&mut command);
    let mut line = String::new();
    BufReader::new(child.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let numbers: Vec<u64> = line.split_whitespace().map(|word| word.parse().unwrap()).collect();

    let own = netns::own();
    let scan = ProcReader::new().scan(&ScanOptions::default());
    let process = find(&scan, child.key());
    let net_ns = process.exec.namespaces[2];
    assert!(net_ns != own && net_ns != 0);
    let listening: Vec<SocketAddr> = scan
        .listeners
        .iter()
        .filter(|(key, listener)| *key == child.key() && listener.net_ns == net_ns)
        .map(|(_, listener)| listener.addr)
        .collect();
    assert_eq!(listening, [SocketAddr::from((Ipv4Addr::UNSPECIFIED, u16::try_from(numbers[0]).unwrap()))]);
    let peers: Vec<(u64, Option<u64>)> = process
        .exec
        .stdio
        .iter()
        .filter(|end| end.channel.kind == ChannelKind::Unix)
        .map(|end| (end.channel.ino, end.peer))
        .collect();
    assert!(
        peers.contains(&(numbers[1], Some(numbers[2]))) && peers.contains(&(numbers[2], Some(numbers[1]))),
        "{peers:?}"
    );
    assert_eq!(netns::own(), own, "the calling thread went along");

    let none = ScanOptions { max_namespaces: 0, ..ScanOptions::default() };
    let blind = ProcReader::new().scan(&none);
    assert!(!blind.listeners.iter().any(|(key, _)| *key == child.key()));
    assert!(blind.problems.namespaces >= 1 && !blind.problems.is_complete());
}

#[test]
fn enrichment_tells_where_a_process_stands() {
    let dir = tempfile::tempdir().unwrap();
    let cwd = dir.path().canonicalize().unwrap();
    let child = Running::start(sleeper().current_dir(&cwd));
    let reader = ProcReader::new();
    let facts = reader.enrich(child.key()).unwrap();
    let Enriched { exe, exe_sha256, argv, cwd: seen, user, container: _, unit: _, cgroup } = &facts;
    assert_eq!(argv, &["sleep", "1000"]);
    assert_eq!(Path::new(seen), cwd);
    let name = nix::unistd::User::from_uid(nix::unistd::getuid()).unwrap().map(|user| user.name);
    assert_eq!((user, exe_sha256), (&name, &None));
    assert!(cgroup.starts_with('/'));
    assert!(Path::new(exe).is_absolute());

    let hash = reader.sha256(child.key()).unwrap();
    let mut file = File::open(exe).unwrap();
    assert_eq!(hash, hash::hash(&mut file, hash::MAX_BYTES).unwrap().hex);
    assert_eq!(reader.sha256(child.key()), Some(hash));
}

#[test]
fn what_is_gone_or_another_is_nothing() {
    let child = Running::start(&mut sleeper());
    let key = child.key();
    let reader = ProcReader::new();
    let earlier = ProcessKey { start_ticks: key.start_ticks - 1, ..key };
    assert_eq!((reader.enrich(earlier), io_bytes(earlier)), (None, None));
    let held = process::ProcessDir::open_key(key).unwrap();
    child.end();
    assert_eq!(
        (reader.enrich(key), reader.sha256(key), io_bytes(key), key_of(key.pid)),
        (None, None, None, None)
    );
    assert_eq!((held.read("cmdline", 10), held.link("exe"), held.namespace("net")), (None, None, 0));
    assert!(reader.facts(&held, 10).is_none());
}

#[test]
fn zombies_are_no_processes() {
    let mut child = Running::start(Command::new("true").stdin(Stdio::null()).stdout(Stdio::piped()));
    let key = child.key();
    // Its end of the pipe closes when it exits; until it is waited for, it is a zombie.
    let mut rest = String::new();
    BufReader::new(child.0.stdout.take().unwrap()).read_line(&mut rest).unwrap();
    assert!(!settled(&false, || process::ProcessDir::open_key(key).is_some()), "it never exited");
    assert!(key_of(key.pid).is_some(), "already reaped");
    let scan = ProcReader::new().scan(&ScanOptions::default());
    assert!(!scan.processes.iter().any(|process| process.exec.process == key));
    assert_eq!(ProcReader::new().enrich(key), None);
}

#[test]
fn io_counts_move_when_bytes_do() {
    let mut child = Running::start(Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()));
    let before = io_bytes(child.key()).unwrap();
    child.0.stdin.as_mut().unwrap().write_all(b"a line of thirty-two characters\n").unwrap();
    let mut line = String::new();
    BufReader::new(child.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert!(io_bytes(child.key()).unwrap() >= before + 32);
}

#[test]
fn bounds_hold_and_are_told() {
    let children: Vec<Running> = (0..3).map(|_| Running::start(&mut sleeper())).collect();
    let reader = ProcReader::new();
    let scan = reader.scan(&ScanOptions { max_processes: 2, ..ScanOptions::default() });
    assert_eq!(scan.processes.len(), 2);
    assert!(scan.problems.left_out >= 2 && !scan.problems.is_complete());
    drop(children);

    let (ours, theirs) = UnixStream::pair().unwrap();
    let child = Running::start(sleeper().stdout(OwnedFd::from(theirs)));
    let scan = reader.scan(&ScanOptions { max_fds_per_process: 1, ..ScanOptions::default() });
    assert!(find(&scan, child.key()).exec.stdio.is_empty());
    assert!(scan.problems.cut >= 1);
    // Past the budget for all, the first few are still looked at.
    let scan = reader.scan(&ScanOptions { max_fds: 0, ..ScanOptions::default() });
    assert_eq!(end_at(find(&scan, child.key()), 1).peer, Some(inode(&ours)));
}

#[test]
fn what_a_process_holds_can_be_asked() {
    // Not of this process, which holds whatever other tests do as well.
    let mut child = Running::start(
        Command::new("sh")
            .args(["-c", "read go; exec >&-; read go"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped()),
    );
    let ino = inode(child.0.stdout.as_ref().unwrap());
    let pipe = Channel { kind: ChannelKind::Fifo, ino };
    assert!(holds(child.key(), &[pipe]));
    assert!(holds(child.key(), &[]));
    assert!(!holds(child.key(), &[pipe, Channel { kind: ChannelKind::Unix, ino }]), "of that kind");
    let other = Running::start(Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()));
    assert!(!holds(other.key(), &[pipe]), "another process does not");
    child.0.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    assert!(!settled(&false, || holds(child.key(), &[pipe])), "no longer");
    assert!(holds(child.key(), &[]), "it still runs");
}
