//! Signals reach the server once, and job control works.

use std::os::unix::process::CommandExt;

use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

use crate::support::{Peer, direct, eventually, python, state, within, wrapped};

/// Names each signal it receives, and ends with code 3 on SIGTERM.
const REPORTER: &str = "
import os, signal, sys
def report(number, frame):
    print(signal.Signals(number).name)
    if number == signal.SIGTERM: os._exit(3)
for name in 'HUP INT QUIT USR1 USR2 WINCH CONT TERM'.split():
    signal.signal(getattr(signal, 'SIG' + name), report)
print(os.getpid())
while True: signal.pause()
";

#[test]
fn every_signal_of_the_list_reaches_the_server() {
    let mut peer = Peer::start(wrapped(python(REPORTER)));
    peer.line();
    for signal in [
        Signal::SIGHUP,
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGUSR1,
        Signal::SIGUSR2,
        Signal::SIGWINCH,
        Signal::SIGCONT,
        Signal::SIGTERM,
    ] {
        peer.signal(signal);
        assert_eq!(peer.line(), signal.as_str());
    }
    assert_eq!(peer.code(), 3);
}

#[test]
fn a_signal_during_the_start_leaves_no_server_behind() {
    // Before the start wrap dies of it alone, later both end.
    for _ in 0..50 {
        let mut peer = Peer::start(wrapped(["sleep", "1000"]));
        peer.signal(Signal::SIGTERM);
        let status = eventually("wrap ends", || peer.child.try_wait().unwrap());
        assert!(status.code().is_none_or(|code| code == 128 + 15), "{status:?}");
        // Standard error ends only when nobody holds it: no server is left.
        assert!(peer.stderr_rest().is_empty());
    }
}

#[test]
fn suspending_wrap_suspends_the_server_and_continuing_wakes_it() {
    let mut command = wrapped(python("import os\nprint(os.getpid())\nwhile True: print(input())"));
    // A group of its own whose parent is in another: the kernel suspends only such.
    command.process_group(0);
    let mut peer = Peer::start(command);
    let server = peer.line();
    peer.signal(Signal::SIGTSTP);
    let wrap = peer.pid();
    let stopped = within(move || waitpid(wrap, Some(WaitPidFlag::WUNTRACED)).unwrap());
    assert!(matches!(stopped, WaitStatus::Stopped(_, _)), "{stopped:?}");
    assert_eq!(state(&server), Some('T'));
    peer.signal(Signal::SIGCONT);
    peer.send("awake\n");
    assert_eq!(peer.line(), "awake");
}

#[test]
fn wrap_does_not_stop_where_nobody_could_wake_it() {
    // A new session: its group is orphaned, and the kernel does not suspend the server there.
    let mut command = direct(["setsid", env!("CARGO_BIN_EXE_mcpgw-agent"), "wrap", "--"]);
    command.args(python(REPORTER));
    let mut peer = Peer::start(command);
    peer.line();
    peer.signal(Signal::SIGTSTP);
    // Signals are taken in the order of their numbers, so the suspension has been dealt with when this one arrives.
    peer.signal(Signal::SIGWINCH);
    assert_eq!(peer.line(), "SIGWINCH");
    peer.signal(Signal::SIGTERM);
    assert_eq!(peer.line(), "SIGTERM");
    assert_eq!(peer.code(), 3);
}

#[test]
fn control_c_on_a_terminal_reaches_the_server_once() {
    // A terminal of its own for wrap, which is held until the server has had its Ctrl-C, so that a second one could
    // not melt into the first. The server's standard error is the terminal.
    let on_terminal = "
import os, pty, signal, sys
pid, terminal = pty.fork()
if pid == 0: os.execv(sys.argv[1], sys.argv[1:])
seen = b''
def until(text):
    global seen
    while text not in seen: seen += os.read(terminal, 4096)
until(b'ready')
os.kill(pid, signal.SIGSTOP)
os.waitpid(pid, os.WUNTRACED)
os.write(terminal, b'\\x03')
until(b'interrupted 1')
os.kill(pid, signal.SIGUSR1)
os.kill(pid, signal.SIGCONT)
until(b'total')
until(b'.')
print(seen.decode().split('total ')[1].split('.')[0])
";
    let server = "
import os, signal, sys
count = 0
def say(text): print(text, file=sys.stderr)
def interrupted(number, frame):
    global count
    count += 1
    say(f'interrupted {count}')
def total(number, frame):
    say(f'total {count}.')
    os._exit(0)
signal.signal(signal.SIGINT, interrupted)
signal.signal(signal.SIGUSR1, total)
say('ready')
while True: signal.pause()
";
    let mut command =
        direct(["python3", "-uc", on_terminal, env!("CARGO_BIN_EXE_mcpgw-agent"), "wrap", "--"]);
    command.args(python(server));
    let mut peer = Peer::start(command);
    assert_eq!(peer.line(), "1");
}
