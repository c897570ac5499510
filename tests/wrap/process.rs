//! What the server inherits, and how its end becomes ours.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::CommandExt;
use std::process::Stdio;

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::{getpgid, getsid, mkfifo};

use crate::install::install;
use crate::support::{Peer, direct, eventually, gone, python, state, wrapped};

#[test]
fn arguments_environment_and_directory_are_untouched() {
    let dir = tempfile::tempdir().unwrap();
    let mut server: Vec<OsString> =
        ["sh", "-c", r#"printf '%s\0' "$@"; pwd; env -0 | sort -z"#, "zero"].map(Into::into).into();
    server.extend(["a b", "", "--", "-c", "'q' \"d\" $X `y` \\"].map(Into::into));
    server.push(OsString::from_vec(b"not \xff utf-8".to_vec()));
    let outputs: Vec<_> = [direct(&server), wrapped(&server)]
        .map(|mut command| {
            command
                .current_dir(dir.path())
                .env("MCPGW_ODD", OsString::from_vec(b"\xfe =\n".to_vec()))
                .env("EMPTY", "");
            command.output().unwrap().stdout
        })
        .into();
    assert_eq!(String::from_utf8_lossy(&outputs[1]), String::from_utf8_lossy(&outputs[0]));
    assert!(outputs[0] == outputs[1]);
}

#[test]
fn the_server_has_no_descriptor_it_would_not_have_directly() {
    let server = ["sh", "-c", "cd /proc/$$/fd && echo *; readlink 2"];
    let outputs = [direct(server), wrapped(server)].map(|mut command| {
        let null = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = command.stdin(Stdio::null()).stderr(Stdio::from(null)).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    });
    assert!(outputs[0].starts_with("0 1 "), "{}", outputs[0]);
    assert_eq!(outputs[1], outputs[0], "descriptors, and what standard error is");
}

#[test]
fn signal_mask_and_dispositions_are_as_directly() {
    // A shell that ignores hang-ups, as nohup does, and starts the client's command.
    let signals = "trap '' HUP USR2; exec \"$@\"";
    let show = ["grep", "^Sig[BI]\\|^SigCgt", "/proc/self/status"];
    let mut plain = direct(["sh", "-c", signals, "sh"]);
    plain.args(show);
    let mut through = direct(["sh", "-c", signals, "sh", env!("CARGO_BIN_EXE_mcpgw-agent"), "wrap", "--"]);
    through.args(show);
    let [plain, through] =
        [plain, through].map(|mut c| String::from_utf8(c.output().unwrap().stdout).unwrap());
    assert_eq!(plain.lines().count(), 3, "{plain}");
    assert_eq!(through, plain);
}

#[test]
fn the_server_is_in_our_process_group_and_session() {
    let mut command = wrapped(python("import os; print(os.getpgid(0), os.getsid(0), os.getppid()); input()"));
    command.process_group(0);
    let mut peer = Peer::start(command);
    let pid = peer.pid();
    let expected = format!("{} {} {pid}", getpgid(Some(pid)).unwrap(), getsid(Some(pid)).unwrap());
    assert_eq!(peer.line(), expected);
}

#[test]
fn exit_codes_are_the_servers() {
    for (script, code) in [
        ("exit 0", 0),
        ("exit 7", 7),
        ("exit 255", 255),
        ("kill -9 $$", 128 + 9),
        ("kill -SEGV $$", 128 + 11),
    ] {
        let mut peer = Peer::start(wrapped(["sh", "-c", script]));
        assert_eq!(peer.code(), code, "{script}");
    }
}

#[test]
fn a_client_that_ignores_the_end_of_its_children_does_not_make_wrap_hang() {
    // The kernel then tells nobody how a child ended, wrap included.
    let ignoring = "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])";
    let mut command = direct(["python3", "-c", ignoring, env!("CARGO_BIN_EXE_mcpgw-agent"), "wrap", "--"]);
    command.args(["sh", "-c", "echo done; exit 3"]);
    let mut peer = Peer::start(command);
    assert_eq!(peer.rest(), b"done\n");
    assert_eq!(peer.code(), 255);
}

#[test]
fn standard_error_is_passed_raw() {
    let mut peer = Peer::start(wrapped(["sh", "-c", r"printf 'raw \377\376 bytes' >&2"]));
    let mut stderr = peer.stderr.take().unwrap();
    let mut got = Vec::new();
    std::io::Read::read_to_end(&mut stderr, &mut got).unwrap();
    assert_eq!(got, b"raw \xff\xfe bytes");
    assert!(peer.rest().is_empty());
}

#[test]
fn a_command_that_cannot_run_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("data");
    fs::write(&file, "no program\n").unwrap();
    let not_executable = file.to_str().unwrap().to_owned();
    let orphan = dir.path().join("orphan");
    install(&orphan, "#!/nonexistent/interpreter\n");
    for (command, code) in [
        ("/nonexistent/server", 127),
        ("mcpgw-no-such-command", 127),
        (orphan.to_str().unwrap(), 127),
        (&not_executable, 126),
        ("/", 126),
    ] {
        let mut peer = Peer::start(wrapped([command]));
        assert_eq!(peer.code(), code, "{command}");
        assert!(peer.rest().is_empty(), "nothing on standard output");
        let stderr = peer.stderr_rest();
        assert!(stderr.contains(command), "{stderr}");
    }
}

#[test]
fn killing_wrap_leaves_the_server_an_end_of_input() {
    let server = python("import sys; print('up'); sys.stdin.read(); print('end of input', file=sys.stderr)");
    let mut peer = Peer::start(wrapped(server));
    assert_eq!(peer.line(), "up");
    peer.signal(Signal::SIGKILL);
    assert_eq!(peer.stderr_line(), "end of input");
    assert!(peer.rest().is_empty(), "and the client the end of output");
}

#[test]
fn a_descendant_with_the_servers_output_is_heard_to_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("go");
    mkfifo(&fifo, Mode::S_IRWXU).unwrap();
    let script = format!("echo $$; (read x < {}; echo late) & exit 4", fifo.display());
    let mut peer = Peer::start(wrapped(["sh", "-c", &script]));
    let pid = peer.line();
    gone(&pid);
    fs::File::options().write(true).open(&fifo).unwrap().write_all(b"go\n").unwrap();
    assert_eq!(peer.line(), "late");
    assert_eq!(peer.code(), 4);
}

#[test]
fn a_descendant_with_the_servers_output_does_not_hold_up_a_termination() {
    let mut peer = Peer::start(wrapped(["sh", "-c", "sleep 1000 & echo $$ $!; exit 4"]));
    let line = peer.line();
    let (server, sleeper) = line.split_once(' ').unwrap();
    gone(server);
    eventually("the sleeper sleeps, holding the output", || (state(sleeper) == Some('S')).then_some(()));
    peer.signal(Signal::SIGTERM);
    assert_eq!(peer.code(), 4);
    let sleeper = nix::unistd::Pid::from_raw(sleeper.parse().unwrap());
    nix::sys::signal::kill(sleeper, Signal::SIGKILL).unwrap();
}

#[test]
fn nothing_is_left_when_the_client_closes_and_terminates() {
    // The sequence of the official clients: close, then terminate a server that does not end.
    let server =
        python("import os, sys, signal; print(os.getpid()); sys.stdin.read(); print('eof'); signal.pause()");
    let mut peer = Peer::start(wrapped(server));
    let pid = peer.line();
    drop(peer.stdin.take());
    assert_eq!(peer.line(), "eof");
    peer.signal(Signal::SIGTERM);
    assert_eq!(peer.code(), 128 + 15);
    eventually("the server is reaped", || state(&pid).is_none().then_some(()));
}
