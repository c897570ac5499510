//! The bytes: complete, in order, never held back, never hoarded.

use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::Stdio;
use std::thread;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::support::{Peer, direct, gone, python, within, wrapped};

#[test]
fn messages_pass_one_by_one() {
    let mut peer = Peer::start(wrapped(["cat"]));
    for i in 0..1000 {
        let message = format!("{{\"jsonrpc\":\"2.0\",\"id\":{i}}}");
        peer.send(&format!("{message}\n"));
        assert_eq!(peer.line(), message);
    }
    // Half a line waits for its end, and passes without one when none comes.
    peer.send("half");
    drop(peer.stdin.take());
    assert_eq!(peer.rest(), b"half");
}

#[test]
fn a_line_of_20_mb_passes_both_ways() {
    let mut peer = Peer::start(wrapped(["cat"]));
    let mut line: Vec<u8> = (0..20_000_000_u32).map(|i| b' ' + u8::try_from(i % 90).unwrap()).collect();
    line.push(b'\n');
    let mut stdin = peer.stdin.take().unwrap();
    let sent = line.clone();
    thread::spawn(move || stdin.write_all(&sent).unwrap());
    let got = peer.rest();
    assert!(got == line, "{} bytes sent, {} came back", line.len(), got.len());
    assert_eq!(peer.code(), 0);
}

#[test]
fn all_bytes_are_bytes() {
    let mut peer = Peer::start(wrapped(["cat"]));
    let all: Vec<u8> = (0..=255).chain([b'\r', b'\n', 0, b'\n', b'\n']).collect();
    peer.stdin.take().unwrap().write_all(&all).unwrap();
    assert_eq!(peer.rest(), all);
}

#[test]
fn end_of_input_passes_at_once_and_output_is_drained() {
    let mut peer = Peer::start(wrapped(python(
        "import sys; sys.stdin.read(); sys.stdout.write('x' * 3000000 + 'end'); sys.stdout.flush(); sys.exit(7)",
    )));
    drop(peer.stdin.take());
    let rest = peer.rest();
    assert_eq!(rest.len(), 3_000_003);
    assert!(rest.ends_with(b"end"));
    assert_eq!(peer.code(), 7);
}

#[test]
fn output_is_drained_though_the_server_is_dead() {
    let mut peer = Peer::start(wrapped(["sh", "-c", "head -c 60000 /dev/zero; echo $$ >&2"]));
    let pid = peer.stderr_line();
    gone(&pid);
    assert_eq!(peer.rest().len(), 60_000);
    assert_eq!(peer.code(), 0);
}

#[test]
fn a_client_that_stops_reading_is_noticed_by_a_silent_server() {
    // Exits 5 when poll reports that nobody reads its output; writes nothing itself.
    let server = python("import select, sys; p = select.poll(); p.register(1, 0); p.poll(); sys.exit(5)");
    for command in [direct(&server), wrapped(&server)] {
        let mut peer = Peer::start(command);
        drop(peer.stdout.take());
        assert_eq!(peer.code(), 5);
    }
}

#[test]
fn a_client_that_stops_reading_ends_a_writing_server() {
    // `yes` dies of SIGPIPE (13), which a Rust program ignores: the server must have got the default back.
    let mut peer = Peer::start(wrapped(["yes"]));
    assert_eq!(peer.line(), "y");
    drop(peer.stdout.take());
    assert_eq!(peer.code(), 128 + 13);
}

#[test]
fn a_server_that_closes_its_input_is_noticed_by_a_silent_client() {
    let server = python("import os, signal; os.close(0); print('closed'); signal.pause()");
    let mut peer = Peer::start(wrapped(server));
    assert_eq!(peer.line(), "closed");
    let stdin = peer.stdin.take().unwrap();
    let seen = within(move || {
        let mut fds = [PollFd::new(stdin.as_fd(), PollFlags::empty())];
        poll(&mut fds, PollTimeout::NONE).unwrap();
        fds[0].revents().unwrap()
    });
    assert!(seen.contains(PollFlags::POLLERR), "{seen:?}");
    assert!(peer.lives());
    peer.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(peer.code(), 128 + 15);
}

#[test]
fn a_server_that_closes_its_output_and_lives() {
    let server = python("import os, sys; print('bye'); os.close(1); sys.stdin.read(); os._exit(3)");
    let mut peer = Peer::start(wrapped(server));
    assert_eq!(peer.rest(), b"bye\n");
    assert!(peer.lives());
    drop(peer.stdin.take());
    assert_eq!(peer.code(), 3);
}

/// A line to fill pipes with; written whole or not at all.
const LINE: [u8; 4096] = {
    let mut line = [b'x'; 4096];
    line[4095] = b'\n';
    line
};

/// What can be written to `sink` before it has stayed full for a while.
fn fill(sink: &OwnedFd) -> usize {
    fcntl(sink, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    let mut total = 0;
    loop {
        match nix::unistd::write(sink, &LINE) {
            Err(Errno::EAGAIN) => {
                let mut fds = [PollFd::new(sink.as_fd(), PollFlags::POLLOUT)];
                if poll(&mut fds, 300_u16).unwrap() == 0 {
                    return total;
                }
            }
            written => total += written.unwrap(),
        }
    }
}

/// Two pipes and the chunk between them, nothing more.
const IN_FLIGHT: usize = 3 * 64 * 1024;

#[test]
fn a_server_that_ignores_its_input_stops_the_client() {
    let mut peer = Peer::start(wrapped(python("import signal; print('up'); signal.pause()")));
    assert_eq!(peer.line(), "up");
    let stdin = OwnedFd::from(peer.stdin.take().unwrap());
    let accepted = fill(&stdin);
    assert!(accepted <= IN_FLIGHT, "{accepted} bytes were taken for a server that reads none");
    // And it still ends like any other.
    peer.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(peer.code(), 128 + 15);
}

#[test]
fn a_client_that_does_not_read_stops_the_server() {
    let server = "
import os, select, sys
os.set_blocking(1, False)
total, room = 0, select.poll()
room.register(1, select.POLLOUT)
while True:
    try: total += os.write(1, b'x' * 4095 + b'\\n')
    except BlockingIOError:
        if not room.poll(300): break
print(total, file=sys.stderr)
";
    let mut peer = Peer::start(wrapped(python(server)));
    let written: usize = peer.stderr_line().parse().unwrap();
    assert!(written <= IN_FLIGHT, "the server wrote {written} bytes that nobody read");
    assert_eq!(peer.rest().len(), written);
    assert_eq!(peer.code(), 0);
}

#[test]
fn inherited_descriptors_stay_blocking() {
    let (input, mut client) = std::io::pipe().unwrap();
    let (mut answers, output) = std::io::pipe().unwrap();
    let mut command = wrapped(["cat"]);
    command.stdin(Stdio::from(OwnedFd::from(input.try_clone().unwrap())));
    command.stdout(Stdio::from(OwnedFd::from(output.try_clone().unwrap())));
    let mut child = command.spawn().unwrap();
    drop(command);
    client.write_all(b"ping\n").unwrap();
    let (answer, _answers) = within(move || {
        let mut answer = [0; 5];
        answers.read_exact(&mut answer).unwrap();
        (answer, answers)
    });
    assert_eq!(&answer, b"ping\n");
    for fd in [OwnedFd::from(input), OwnedFd::from(output)] {
        let flags = OFlag::from_bits_retain(fcntl(&fd, FcntlArg::F_GETFL).unwrap());
        assert!(!flags.contains(OFlag::O_NONBLOCK));
    }
    drop(client);
    assert!(within(move || child.wait().unwrap()).success());
}

#[test]
fn works_on_socketpairs_too() {
    // Node.js gives its children socketpairs.
    let (mut client, server_end) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut command = wrapped(["cat"]);
    command.stdin(Stdio::from(OwnedFd::from(server_end.try_clone().unwrap())));
    command.stdout(Stdio::from(OwnedFd::from(server_end)));
    let mut child = command.spawn().unwrap();
    drop(command);
    client.write_all(b"over a socket").unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    let got = within(move || {
        let mut got = String::new();
        client.read_to_string(&mut got).unwrap();
        got
    });
    assert_eq!(got, "over a socket");
    assert!(within(move || child.wait().unwrap()).success());
}
