//! Connections that are denied and steered, below a cgroup of the test's own; and the gate before programs.

use std::fs;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use mcpgw_agent::kernel::{ExecGate, KernelOptions, Target, Turned};

use crate::install::install;
use crate::support::{has_ipv6, load_with, skipped, turn};

/// One of the test's own.
pub(crate) struct Cgroup {
    at: PathBuf,
    pub(crate) name: String,
}

impl Cgroup {
    pub(crate) fn new(of: &str) -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let mount = mounts.lines().find(|line| line.contains(" - cgroup2 "))?.split(' ').nth(4)?;
        let name = format!("mcpgw-kernel-test-{}-{of}", std::process::id());
        let at = Path::new(mount).join(&name);
        fs::create_dir(&at).ok()?;
        Some(Self { at, name })
    }

    /// What a client in the cgroup hears at an address, or the name of the error.
    fn ask(&self, host: &str, port: u16) -> String {
        let client = "import socket, sys, errno\ntry:\n  s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 60)\n  \
                      print(s.recv(16).decode())\nexcept OSError as e:\n  print(errno.errorcode.get(e.errno, e))\n";
        let script = format!("echo $$ > {}/cgroup.procs && exec python3 -c \"$0\" \"$@\"", self.at.display());
        let port = port.to_string();
        let out = Command::new("sh").args(["-c", &script, client, host, &port]).output().unwrap();
        assert!(out.stderr.is_empty(), "{out:?}");
        String::from_utf8(out.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        fs::remove_dir(&self.at).ok();
    }
}

/// Says `word` to everybody who connects.
fn serve(address: &str, word: &'static str) -> SocketAddr {
    let listener = TcpListener::bind(address).unwrap();
    let bound = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            stream.unwrap().write_all(word.as_bytes()).unwrap();
        }
    });
    bound
}

fn net_ns() -> u32 {
    fs::metadata("/proc/self/ns/net").unwrap().ino().try_into().unwrap()
}

#[tokio::test]
async fn connections_are_denied_and_steered_below_a_cgroup_alone() {
    let Some(cgroup) = Cgroup::new("guard") else { return skipped("no cgroup v2 of its own") };
    let options = KernelOptions { guard: Some(format!("/{}", cgroup.name)), ..Default::default() };
    let Some(mut host) = load_with(&options).await else { return };
    assert!(host.kernel.can_turn(), "{:?}", host.kernel.hooks());
    let server = serve("0.0.0.0:0", "server");
    let front = serve("127.0.0.1:0", "front");
    let sixes = has_ipv6().then(|| (serve("[::1]:0", "server six"), serve("[::1]:0", "front six")));
    // The last of them over a socket of IPv6.
    let as_ips = |ips: [&'static str; 3]| ips.into_iter().take(if sixes.is_some() { 3 } else { 2 });
    let target = |ip: &str, addr: SocketAddr, is_all_loopback| {
        let ip: IpAddr = ip.parse().unwrap();
        Target { addr: SocketAddr::new(ip, addr.port()), net_ns: net_ns(), is_all_loopback }
    };
    assert_eq!(cgroup.ask("127.0.0.1", server.port()), "server");

    let loopback = target("127.0.0.1", server, true);
    host.kernel.turn(&loopback, Turned::Deny).unwrap();
    for ip in as_ips(["127.0.0.1", "127.0.0.2", "::ffff:127.0.0.1"]) {
        assert_eq!(cgroup.ask(ip, server.port()), "EPERM", "{ip}");
    }
    assert_eq!(cgroup.ask("127.0.0.1", front.port()), "front", "another port");
    assert!(std::net::TcpStream::connect(("127.0.0.1", server.port())).is_ok(), "another cgroup");
    let (hits, last) = host.kernel.turned(&loopback).unwrap();
    assert!(hits == if sixes.is_some() { 3 } else { 2 } && last > 0, "{hits} {last}");

    host.kernel.turn(&loopback, Turned::Steer(front.port())).unwrap();
    for ip in as_ips(["127.0.0.1", "127.0.0.9", "::ffff:127.0.0.1"]) {
        assert_eq!(cgroup.ask(ip, server.port()), "front", "{ip}");
    }
    if let Some((six, front)) = sixes {
        host.kernel.turn(&target("::1", six, false), Turned::Steer(front.port())).unwrap();
        assert_eq!(cgroup.ask("::1", six.port()), "front six");
    }

    // Where another network namespace is meant, this one is not.
    host.kernel.let_be(&loopback).unwrap();
    let elsewhere = Target { net_ns: 1, ..loopback };
    host.kernel.turn(&elsewhere, Turned::Deny).unwrap();
    assert_eq!(cgroup.ask("127.0.0.1", server.port()), "server");
    host.kernel.let_be(&elsewhere).unwrap();
    if let Some((six, _)) = sixes {
        host.kernel.let_be(&target("::1", six, false)).unwrap();
        assert_eq!(cgroup.ask("::1", six.port()), "server six");
    }
}

#[tokio::test]
async fn a_program_waits_at_the_gate_and_a_gate_that_is_gone_lets_it_go() {
    // What others start meanwhile would have the gate open, too.
    let _turn = turn().await;
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("true");
    install(&program, fs::read("/bin/true").unwrap());
    // Before there is a gate: a process that waits at one it has itself inherited is not let go when others drop it.
    let mut waiting: Vec<Child> = (0..3)
        .map(|_| {
            let mut shell = Command::new("sh");
            shell
                .args(["-c", "read go; exec \"$0\""])
                .arg(&program)
                .stdin(Stdio::piped())
                .stderr(Stdio::null());
            shell.spawn().unwrap()
        })
        .collect();
    let mut run = || {
        let mut child = waiting.pop().unwrap();
        child.stdin.take().unwrap().write_all(b"go\n").unwrap();
        child
    };
    let Ok(gate) = ExecGate::open() else { return skipped("no fanotify here") };
    gate.watch_directory(dir.path()).unwrap();
    let asked = |gate: &ExecGate| loop {
        if let Some(asked) = gate.wait(Duration::from_millis(100)).unwrap().pop() {
            return asked;
        }
    };
    for may_run in [true, false] {
        let mut running = run();
        let one = asked(&gate);
        assert_eq!(one.path().as_deref(), program.canonicalize().unwrap().to_str());
        assert!(running.try_wait().unwrap().is_none());
        gate.answer(&one, may_run).unwrap();
        assert_eq!(running.wait().unwrap().success(), may_run);
    }
    let mut running = run();
    let one = asked(&gate);
    drop((gate, one));
    assert!(running.wait().unwrap().success());
}
