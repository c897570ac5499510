use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::super::tests::{Running, settled, sleeper};
use super::*;
use crate::inventory::{Channel, ChannelKind, Enriched, Exec};

const NOW: BootTime = BootTime(7);

fn poller() -> Poller {
    Poller::new(Arc::new(ProcReader::new()), ScanOptions::default())
}

fn process(pid: u32) -> ScannedProcess {
    let key = ProcessKey { pid, start_ticks: 1 };
    let exec = Exec {
        process: key,
        at: BootTime(1),
        parent: ProcessKey { pid: 1, start_ticks: 0 },
        uid: 0,
        cgroup_id: 0,
        exe: FileId { dev: 1, ino: u64::from(pid) },
        filename: String::new(),
        memfd: false,
        deleted: false,
        argv: Vec::new(),
        argv_truncated: false,
        namespaces: [1, 2, 3],
        stdio: Vec::new(),
        observed: false,
    };
    ScannedProcess { exec, facts: Enriched::default() }
}

fn end(fd: u32) -> ChannelEnd {
    let channel = Channel { kind: ChannelKind::Fifo, ino: 100 + u64::from(fd) };
    ChannelEnd { channel, fd, readable: true, writable: false, peer: None, creator: None }
}

fn scan(processes: Vec<(ScannedProcess, u64)>, listeners: Vec<(ProcessKey, Listener)>) -> Scan {
    let (processes, images) = processes.into_iter().unzip();
    Scan { processes, images, listeners, ..Scan::default() }
}

fn listener(port: u16) -> Listener {
    Listener { addr: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), net_ns: 3 }
}

/// Events in short: `+1` scanned, `*1` exec, `-1` exit, `L`/`C` listener opened or closed.
fn short(events: &[HostEvent]) -> Vec<String> {
    let mut short: Vec<String> = events
        .iter()
        .map(|event| match event {
            HostEvent::Scanned(process) => format!("+{}", process.exec.process.pid),
            HostEvent::Exec(exec) => format!("*{}", exec.process.pid),
            HostEvent::Exit { process, .. } => format!("-{}", process.pid),
            HostEvent::Listen { process, listener, .. } => {
                format!("L{}:{}", process.pid, listener.addr.port())
            }
            HostEvent::ListenClosed { listener, .. } => format!("C:{}", listener.addr.port()),
            HostEvent::Fork { .. }
            | HostEvent::Enriched { .. }
            | HostEvent::Connect { .. }
            | HostEvent::TlsNamed { .. }
            | HostEvent::TlsHello { .. }
            | HostEvent::TlsReadable { .. }
            | HostEvent::Sighted(_)
            | HostEvent::Stirred { .. }
            | HostEvent::ProxyRegistered(_)
            | HostEvent::ProxyGone { .. } => panic!("no scan can tell this: {event:?}"),
        })
        .collect();
    short.sort();
    short
}

#[test]
fn the_first_scan_reports_all_and_the_same_again_nothing() {
    let mut poller = poller();
    let one = process(1);
    let listeners = vec![(one.exec.process, listener(80))];
    let seen = scan(vec![(one, 5), (process(2), 5)], listeners);
    assert_eq!(short(&poller.apply(seen.clone(), NOW, |_| false)), ["+1", "+2", "L1:80"]);
    assert_eq!(poller.apply(seen, NOW, |_| false), []);
}

#[test]
fn ends_new_images_and_new_channels_are_told_apart() {
    let mut poller = poller();
    let before = scan(vec![(process(1), 5), (process(2), 5), (process(3), 5), (process(4), 5)], vec![]);
    poller.apply(before, NOW, |_| false);
    let (mut more_channels, mut other_file, other_stack) = (process(1), process(2), process(3));
    more_channels.exec.stdio.push(end(3));
    other_file.exec.exe.ino = 99;
    let mut after = scan(vec![(more_channels, 5), (other_file, 5), (other_stack, 6)], vec![]);
    let events = poller.apply(after.clone(), NOW, |_| false);
    assert_eq!(short(&events), ["*2", "*3", "+1", "+2", "+3", "-4"]);

    // The same channels in another order are the same.
    after.processes[0].exec.stdio.insert(0, end(9));
    assert_eq!(short(&poller.apply(after.clone(), NOW, |_| false)), ["+1"]);
    after.processes[0].exec.stdio.reverse();
    assert_eq!(poller.apply(after, NOW, |_| false), []);
}

#[test]
fn a_process_the_scan_missed_has_not_ended() {
    let mut poller = poller();
    poller.apply(scan(vec![(process(1), 5)], vec![]), NOW, |_| false);
    assert_eq!(poller.apply(Scan::default(), NOW, |_| true), []);
    assert_eq!(short(&poller.apply(Scan::default(), NOW, |_| false)), ["-1"]);
    assert_eq!(poller.apply(Scan::default(), NOW, |_| false), []);
}

#[test]
fn listeners_close_move_and_hide() {
    let mut poller = poller();
    let (one, two) = (process(1).exec.process, process(2).exec.process);
    let both = || vec![(process(1), 5), (process(2), 5)];
    poller.apply(scan(both(), vec![(one, listener(80)), (one, listener(81))]), NOW, |_| false);

    let moved = poller.apply(scan(both(), vec![(two, listener(80))]), NOW, |_| false);
    assert_eq!(short(&moved), ["C:81", "L2:80"]);

    let mut hidden = scan(both(), vec![]);
    hidden.unseen_namespaces.insert(3);
    assert_eq!(poller.apply(hidden.clone(), NOW, |_| false), []);
    // A namespace nobody can look into any more must not keep the dead.
    hidden.processes.pop();
    hidden.images.pop();
    assert_eq!(short(&poller.apply(hidden, NOW, |_| false)), ["-2", "C:80"]);
}

#[test]
fn slow_scans_are_made_rarely() {
    let mut poller = poller();
    assert_eq!(poller.pause(Duration::from_secs(2)), Duration::from_secs(2));
    poller.took = Duration::from_millis(400);
    assert_eq!(poller.pause(Duration::from_secs(2)), Duration::from_secs(8));
}

#[test]
fn a_real_process_comes_execs_listens_and_goes() {
    let mut poller = poller();
    assert!(!poller.poll().is_empty());

    let mut command = Command::new("sh");
    command.args(["-c", "read go; exec sleep 1000"]).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = Running::start(&mut command);
    let key = child.key();
    let scanned = |events: &[HostEvent]| {
        events.iter().any(|event| matches!(event, HostEvent::Scanned(process) if process.exec.process == key))
    };
    assert!(scanned(&poller.poll()));

    child.0.stdin.take().unwrap().write_all(b"\n").unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    let exec = loop {
        assert!(Instant::now() < deadline, "the exec was never seen");
        let found = poller.poll().into_iter().find_map(|event| {
            if let HostEvent::Exec(exec) = event {
                // In the middle of an exec there are no arguments yet; once they are there it is told again.
                Some(exec).filter(|exec| exec.process == key && !exec.argv.is_empty())
            } else {
                None
            }
        });
        if let Some(exec) = found {
            break exec;
        }
    };
    assert_eq!(exec.argv, ["sleep", "1000"]);

    child.end();
    let gone = |event: &HostEvent| matches!(event, HostEvent::Exit { process, .. } if *process == key);
    assert!(poller.poll().iter().any(gone));
}

#[test]
fn real_listeners_and_channels_come_and_go() {
    let mut poller = poller();
    poller.poll();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    let (_ours, theirs) = UnixStream::pair().unwrap();
    let child = Running::start(sleeper().stdin(OwnedFd::from(listener)).stdout(OwnedFd::from(theirs)));
    let key = child.key();
    let poller = std::cell::RefCell::new(poller);
    let opened = |event: &HostEvent| matches!(event, HostEvent::Listen { process, listener, .. } if *process == key && listener.addr == addr);
    assert!(settled(&true, || poller.borrow_mut().poll().iter().any(opened)));
    child.end();
    let closed = |event: &HostEvent| matches!(event, HostEvent::ListenClosed { listener, .. } if listener.addr == addr);
    assert!(settled(&true, || poller.borrow_mut().poll().iter().any(closed)));
}
