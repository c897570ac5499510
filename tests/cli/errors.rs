//! What goes wrong, what is said, and the exit code.

use std::os::unix::net::UnixListener;
use std::process::Stdio;

use crate::program::{program, run, transcript};

#[test]
fn status_without_an_agent() {
    let dir = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(transcript(dir.path(), &["status"]), @r###"
    exit 4
    --- stderr
    Error: no mcpgw-agent is running on DIR/control.sock
    Hint: start it with `systemctl start mcpgw-agent`, or `mcpgw-agent run` in the foreground; MCPGW_RUNTIME_DIR says where to look for it
    "###);
    // A socket left behind by an agent that was killed is no agent either.
    drop(UnixListener::bind(dir.path().join("control.sock")).unwrap());
    assert_eq!(run(dir.path(), &["status", "--json"]).status.code(), Some(4));
}

#[test]
fn a_wrong_command_line() {
    let dir = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(transcript(dir.path(), &["status", "--jsn"]), @r###"
    exit 2
    --- stderr
    error: unexpected argument '--jsn' found

      tip: a similar argument exists: '--json'

    Usage: mcpgw-agent status --json

    For more information, try '--help'.
    "###);
    for arguments in [
        &[][..],
        &["stauts"],
        &["status", "--fail-on", "proxied"],
        &["status", "--watch", "--fail-on", "unproxied"],
        &["status", "extra"],
        &["config"],
        &["policy"],
        &["policy", "validate"],
        &["policy", "test"],
        &["policy", "diff", "one.yaml"],
        &["policy", "explain", "one.yaml"],
        &["policy", "explain", "one.yaml", "--message", "{}", "--direction", "up"],
        &["wrap"],
        &["wrap", "--"],
        &["wrap", "cat"],
        &["wrap", "--name", "", "--", "cat"],
        &["wrap", "--name", "a\u{1b}[2J", "--", "cat"],
    ] {
        let output = run(dir.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}: {output:?}");
    }
}

#[test]
fn a_relative_runtime_directory() {
    let dir = tempfile::tempdir().unwrap();
    let output = program(dir.path(), &["status"]).env("MCPGW_RUNTIME_DIR", "run").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "Error: `MCPGW_RUNTIME_DIR` is set to `run`, which is no absolute path\n");
}

#[test]
fn a_configuration_that_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(transcript(dir.path(), &["config", "check", "--config", "none.yaml"]), @r###"
    exit 6
    --- stderr
    Error: cannot read `none.yaml`
    Caused by: No such file or directory (os error 2)
    "###);
    assert_eq!(run(dir.path(), &["run", "--config", "none.yaml"]).status.code(), Some(6));
}

#[test]
fn a_configuration_that_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("agent.yaml"), "no-such-setting: 1\n").unwrap();
    for arguments in [&["config", "check", "--config", "agent.yaml"][..], &["run", "--config", "agent.yaml"]]
    {
        let output = run(dir.path(), arguments);
        assert_eq!(output.status.code(), Some(6), "{output:?}");
        assert!(output.stderr.starts_with(b"Error: "), "{output:?}");
    }
}

#[test]
fn output_that_nobody_reads_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    let mut child =
        program(dir.path(), &["--help"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn output_that_cannot_be_written_is_one() {
    let dir = tempfile::tempdir().unwrap();
    let agent = crate::agent::Agent::start(dir.path().to_owned(), crate::agent::status(vec![]));
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = program(dir.path(), &["status"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stderr.starts_with(b"Error: cannot write the output\nCaused by: "), "{output:?}");
    drop(agent);
}
