//! Servers that are confined as policy says, with no agent: what is prevented, and that ordinary servers work all the same.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::net::TcpListener;
use std::path::Path;

use serde_json::{Value, json};

use crate::sdk::{self, Client, Server, call, peers_dir, peers_with, request, scripts, servers, text_of};
use crate::site::Site;
use crate::support::Peer;

fn open<S: AsRef<OsStr>>(site: &Site, server: impl IntoIterator<Item = S>) -> Client {
    Client::open(site.command(server), "2025-06-18")
}

/// The server whose tools do more than they say.
fn effects_server() -> Option<[OsString; 2]> {
    let python = peers_dir().join("py2/bin/python");
    peers_with("py2", &python)
        .then(|| [python.into_os_string(), scripts().join("effects_server.py").into_os_string()])
}

/// What a call came to: its text, and whether that is an error.
fn outcome(client: &mut Client, tool: &str, arguments: &Value) -> (String, bool) {
    let answer = client.ask(&request("x", "tools/call", &json!({"name": tool, "arguments": arguments})));
    (text_of(&answer).to_owned(), answer["result"]["isError"] == true)
}

/// The tool fails. What it says of why is the library's to choose.
#[track_caller]
fn fails(client: &mut Client, tool: &str, arguments: &Value) {
    let (text, is_error) = outcome(client, tool, arguments);
    assert!(is_error, "{tool}: {text}");
}

/// What a file is tried for comes to this error.
#[track_caller]
fn attempt(client: &mut Client, act: &str, path: impl AsRef<Path>, expected: &str) {
    let path = path.as_ref();
    done(client, "attempt", &json!({"act": act, "path": path}), expected);
}

#[track_caller]
fn done(client: &mut Client, tool: &str, arguments: &Value, expected: &str) {
    assert_eq!(outcome(client, tool, arguments), (expected.to_owned(), false), "{tool}");
}

fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

#[test]
fn what_policy_forbids_is_prevented() {
    let Some(server) = effects_server() else { return };
    let ((_allowed, port), (_other, other)) = (listener(), listener());
    let site = Site::new(&format!(
        "  read: {{deny: ['~/.ssh/**']}}\n  write: {{deny: ['~/.ssh/**', '~/.cursor/mcp.json']}}\n  exec: deny\n  \
         connect: {{allow: ['tcp:*:{port}']}}\n"
    ));
    let mut client = open(&site, server);
    // A file of the user's, a program, another client's configuration.
    attempt(&mut client, "read", site.path("home/.ssh/id_ed25519"), "EACCES");
    attempt(&mut client, "run", "/bin/sh", "EACCES");
    attempt(&mut client, "write", site.path("home/.cursor/mcp.json"), "EACCES");
    attempt(&mut client, "read", site.path("home/.cursor/mcp.json"), "done");
    for (tool, arguments) in
        [("key", json!({})), ("shell", json!({"argument": "x"})), ("key_of_grandchild", json!({}))]
    {
        fails(&mut client, tool, &arguments);
    }
    assert_eq!(outcome(&mut client, "key_by_io_uring", &json!({})).0, "errno 1");
    // What is not forbidden works.
    let notes = site.path("work/notes.txt");
    done(&mut client, "read_file", &json!({"path": notes, "port": port}), "notes");
    done(&mut client, "phone", &json!({"way": "tcp4", "port": port}), "done");
    done(&mut client, "phone", &json!({"way": "tcp4", "port": other}), "[Errno 13] Permission denied");
    done(&mut client, "phone", &json!({"way": "udp6", "port": port}), "[Errno 1] Operation not permitted");
    let fresh = site.path("work/fresh").to_string_lossy().into_owned();
    done(&mut client, "touch", &json!({"path": fresh}), &fresh);
}

#[test]
fn programs_that_are_allowed_run_and_are_confined_too() {
    let Some(server) = effects_server() else { return };
    let site = Site::new("  read: {deny: ['~/.ssh/**']}\n  exec: {allow: [/bin/sh]}\n");
    let mut client = open(&site, &server);
    done(&mut client, "shell", &json!({"argument": "x"}), "hidden\n");
    // The shell runs, and `cat` does not.
    done(&mut client, "key_of_grandchild", &json!({}), "0");
    let site = Site::new("  read: {deny: ['~/.ssh/**']}\n  exec: {allow: [/bin/sh, /bin/cat]}\n");
    let mut client = open(&site, &server);
    // Both run, and neither reads it.
    done(&mut client, "key_of_grandchild", &json!({}), "0");
    let site = Site::new("  exec: {deny: [/bin/cat]}\n");
    let mut client = open(&site, &server);
    done(&mut client, "shell", &json!({"argument": "x"}), "hidden\n");
    done(&mut client, "key_of_grandchild", &json!({}), "0");
}

#[test]
fn a_program_that_is_not_the_one_that_is_meant_keeps_the_server_from_starting() {
    let Some(server) = effects_server() else { return };
    let hash = "0".repeat(64);
    let site = Site::new(&format!("  exec: {{allow: [{{path: /bin/sh, sha256: '{hash}'}}]}}\n"));
    let mut wrap = Peer::start(site.command(&server));
    assert_eq!(wrap.code(), 125);
    let said = wrap.stderr_rest();
    assert!(said.contains("`/bin/sh` is not the one policy allows"), "{said}");
}

#[test]
fn what_is_only_observed_or_left_to_detection_is_not_prevented() {
    let Some(server) = effects_server() else { return };
    for effects in [
        "  mode: observe\n  read: {deny: ['~/.ssh/**']}\n",
        "  prevent: false\n  read: {deny: ['~/.ssh/**']}\n",
    ] {
        let site = Site::new(effects);
        let mut client = open(&site, &server);
        done(&mut client, "key", &json!({}), "5");
    }
    // What cannot be prevented is said.
    let site = Site::new("  read: {deny: ['**/.env']}\n");
    let mut client = open(&site, &server);
    done(&mut client, "key", &json!({}), "5");
    let said = client.peer.stderr_line();
    assert!(said.contains("not prevented: `read` of `**/.env` is detected only"), "{said}");
}

#[test]
fn reading_can_be_limited_to_what_a_server_is_for() {
    let Some(server) = effects_server() else { return };
    let scripts = scripts();
    let site = Site::new(&format!(
        "  read: {{allow: ['./**', '{}/**']}}\n  write: {{allow: ['./**']}}\n",
        scripts.display()
    ));
    let (_listener, port) = listener();
    let mut client = open(&site, server);
    done(&mut client, "read_file", &json!({"path": site.path("work/notes.txt"), "port": port}), "notes");
    attempt(&mut client, "read", site.path("home/.ssh/id_ed25519"), "EACCES");
    attempt(&mut client, "read", "/etc/passwd", "EACCES");
    attempt(&mut client, "write", site.path("home/.cursor/mcp.json"), "EACCES");
    let fresh = site.path("work/fresh").to_string_lossy().into_owned();
    done(&mut client, "touch", &json!({"path": fresh}), &fresh);
}

/// What an ordinary user would have.
const ORDINARY: &str = "  open: {deny: ['~/.ssh/**', '**/.env']}\n  exec: deny\n  connect: deny\n";

#[test]
fn ordinary_servers_work_confined() {
    for server in servers() {
        let site = Site::new(ORDINARY);
        // Its ledger must be where files may be made.
        let mut client = open(&site, Server::command(&server));
        let answer = client.ask(&call("e", "echo", "said"));
        assert!(text_of(&answer).contains("said"), "{}: {answer}", server.name);
    }
}

#[test]
fn the_reference_servers_work_confined() {
    let bin = peers_dir().join("node_modules/.bin");
    let files = bin.join("mcp-server-filesystem");
    if !peers_with("filesystem", &files) {
        return;
    }
    let site = Site::new(ORDINARY);
    let work = site.path("work").canonicalize().unwrap();
    let mut client = open(&site, [files.as_os_str(), work.as_os_str()]);
    let (text, is_error) = outcome(&mut client, "read_text_file", &json!({"path": work.join("notes.txt")}));
    assert!(!is_error && text == "notes", "{text}");
    let fresh = work.join("fresh.txt");
    let written = outcome(&mut client, "write_file", &json!({"path": fresh, "content": "new"}));
    assert!(!written.1 && fs::read_to_string(&fresh).unwrap() == "new", "{written:?}");
    let (text, is_error) = outcome(&mut client, "list_directory", &json!({"path": work}));
    assert!(!is_error && text.contains("fresh.txt"), "{text}");
    let everything = bin.join("mcp-server-everything");
    if peers_with("everything", &everything) {
        let mut client = open(&site, [everything]);
        let answer = client.ask(&request(
            "e",
            "tools/call",
            &json!({"name": "echo", "arguments": {"message": "said"}}),
        ));
        assert!(sdk::text_of(&answer).contains("said"), "{answer}");
    }
}

#[test]
fn a_command_that_is_not_there_or_not_allowed_ends_as_in_a_shell() {
    let site = Site::new("  exec: deny\n");
    let mut missing = Peer::start(site.command(["/no/such/command"]));
    assert_eq!(missing.code(), 127);
    let mut absent = Peer::start(site.command(["no-such-command-anywhere"]));
    assert_eq!(absent.code(), 127);
    let mut plain = Peer::start(site.command([site.path("work/notes.txt")]));
    assert_eq!(plain.code(), 126);
    let mut seven = Peer::start(site.command(["/bin/sh", "-c", "exit 7"]));
    assert_eq!(seven.code(), 7);
}

#[test]
fn sockets_that_no_rule_could_judge_cannot_be_made() {
    let python = peers_dir().join("py2/bin/python");
    if !peers_with("py2", &python) {
        return;
    }
    let site = Site::new("  connect: {allow: ['127.0.0.1:1']}\n");
    let script = "import errno, socket, sys\n\
                  for kind in sys.argv[1:]:\n  \
                    try:\n    socket.socket(*map(int, kind.split(','))).close(); said = 'made'\n  \
                    except OSError as error:\n    said = errno.errorcode[error.errno]\n  \
                    print(kind, said, file=sys.stderr)\n";
    let made = ["2,1,0", "2,1,6", "10,1,0", "1,1,0", "1,2,0", "16,3,0"];
    // Raw, SCTP in both kinds, DCCP, multipath TCP; packets, the kernel's ciphers, machines' own sockets, Bluetooth.
    let refused =
        ["2,3,1", "2,5,0", "10,5,0", "2,1,132", "2,6,0", "2,1,262", "17,3,0", "38,5,0", "40,1,0", "31,3,1"];
    let command = [python.as_os_str(), "-c".as_ref(), script.as_ref()];
    let kinds = made.iter().chain(&refused).map(OsStr::new);
    let output = site.command(command.into_iter().chain(kinds)).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    let said =
        |kind: &str| told.lines().find_map(|line| line.strip_prefix(&format!("{kind} "))).map(str::to_owned);
    for kind in made {
        assert_eq!(said(kind).as_deref(), Some("made"), "{kind}: {told}");
    }
    for kind in refused {
        assert_eq!(said(kind).as_deref(), Some("EPERM"), "{kind}: {told}");
    }
}
