//! Ways out of what policy forbids that a confined server has on its own: what it moves away for the next session, its gateway,
//! and what no file's content is.

use std::collections::BTreeMap;
use std::path::Path;

use mcpgw_agent::confine::Abilities;

use crate::sdk::{peers_dir, peers_with};
use crate::site::Site;

/// Tries each of its arguments, an expression, and says on standard error what came of it.
const TRIES: &str = "
import ctypes, errno, os, socket, subprocess, sys
HOME, WORK, WRAP = os.environ['HOME'], os.getcwd(), os.getppid()
def run(*words): subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
def read(path): open(path).close()
def write(path): open(path, 'r+').close()
def make(path): open(path, 'w').close()
for tried in sys.argv[1:]:
    try:
        eval(tried)
        said = 'done'
    except OSError as error:
        said = errno.errorcode[error.errno]
    print(said, tried, sep='|', file=sys.stderr)
";

/// Each of `tries` comes to the error in its name; `done`: to none.
#[track_caller]
fn comes_to(site: &Site, tries: &[(&str, &str)]) {
    let python = peers_dir().join("py2/bin/python");
    if !peers_with("py2", &python) {
        return;
    }
    let words = [python.as_os_str(), "-uc".as_ref(), TRIES.as_ref()];
    let words = words.into_iter().chain(tries.iter().map(|(tried, _)| tried.as_ref()));
    let output = site.command(words).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    let said: BTreeMap<&str, &str> =
        told.lines().filter_map(|line| line.split_once('|')).map(|(said, tried)| (tried, said)).collect();
    for (tried, expected) in tries {
        assert_eq!(said.get(tried), Some(expected), "{tried}: {told}");
    }
}

#[test]
fn what_may_not_be_read_stays_where_it_is() {
    let site = Site::new("  read: {deny: ['~/.ssh/**', '~/.netrc', '~/.aws/**']}\n");
    comes_to(
        &site,
        &[
            ("read(HOME + '/.ssh/id_ed25519')", "EACCES"),
            // Away from its name, or from that of a directory above.
            ("os.rename(HOME + '/.ssh', HOME + '/.x')", "EACCES"),
            ("os.rename(HOME, HOME + '2')", "EACCES"),
            ("os.rename(HOME + '/.netrc', HOME + '/x')", "EACCES"),
            ("os.rename(HOME + '/.netrc', WORK + '/x')", "EACCES"),
            ("os.rename(WORK + '/../dotfiles', WORK + '/../d')", "EACCES"),
            // A link on the way, and another name.
            ("os.unlink(HOME + '/.aws')", "EACCES"),
            ("os.link(HOME + '/.netrc', HOME + '/x')", "EPERM"),
            ("os.symlink(HOME + '/.netrc', WORK + '/netrc')", "done"),
            ("read(WORK + '/netrc')", "EACCES"),
            // What stands beside it and below is the server's as before.
            ("read(HOME + '/notes')", "done"),
            ("os.rename(HOME + '/.cursor/mcp.json', HOME + '/.cursor/m')", "done"),
            ("os.rename(HOME + '/.ssh/id_ed25519', HOME + '/.ssh/k')", "done"),
            ("os.makedirs(WORK + '/a/b')", "done"),
            ("make(WORK + '/a/f')", "done"),
            ("os.rename(WORK + '/a/f', WORK + '/a/b/g')", "done"),
            ("os.rename(WORK + '/a', WORK + '/c')", "done"),
            ("os.unlink(WORK + '/c/b/g')", "done"),
            ("os.rmdir(WORK + '/c/b')", "done"),
        ],
    );
}

#[test]
fn nothing_takes_the_name_of_what_alone_may_be_read() {
    let site = Site::new("  read: {allow: ['~/open/**', '~/notes']}\n");
    comes_to(
        &site,
        &[
            ("read(HOME + '/notes')", "done"),
            ("read(HOME + '/.netrc')", "EACCES"),
            ("os.rename(HOME + '/.netrc', HOME + '/notes')", "EACCES"),
            ("os.rename(HOME + '/open', HOME + '/shut')", "EACCES"),
            ("make(HOME + '/open/f')", "done"),
            ("os.unlink(HOME + '/open/f')", "done"),
        ],
    );
}

#[test]
fn who_may_remove_only_some_files_moves_no_others_that_may_not_be_read() {
    let site = Site::new("  read: {deny: ['~/.ssh/**']}\n  delete: {allow: ['~/**']}\n");
    comes_to(
        &site,
        &[
            ("os.rename(HOME + '/.ssh', HOME + '/.x')", "EACCES"),
            ("os.unlink(HOME + '/.cursor/mcp.json')", "done"),
            ("os.unlink(HOME + '/.netrc')", "done"),
            ("make(WORK + '/f')", "done"),
            ("os.unlink(WORK + '/f')", "EACCES"),
        ],
    );
}

#[test]
fn a_gateway_is_out_of_its_servers_reach_whatever_is_limited() {
    if Abilities::here().landlock == 0 {
        return;
    }
    for effects in ["  listen: deny\n", "  read: {deny: ['**/.env', '~/.nothing/**']}\n"] {
        let site = Site::new(effects);
        comes_to(&site, &[("write('/proc/%d/mem' % WRAP)", "EACCES")]);
        if Abilities::here().landlock >= 6 {
            comes_to(&site, &[("os.kill(WRAP, 0)", "EPERM"), ("os.kill(os.getpid(), 0)", "done")]);
        }
    }
    // Nothing that Landlock could express is limited at all.
    comes_to(&Site::new("  read: {deny: ['**/.env']}\n"), &[("write('/proc/%d/mem' % WRAP)", "EACCES")]);
}

#[test]
fn who_may_not_listen_does_not_get_a_port_that_nobody_asked_for() {
    let site = Site::new("  listen: deny\n");
    let mounts = ["/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/unified/cgroup.procs"];
    if let Some(cgroup) = mounts.into_iter().find(|path| Path::new(path).exists()) {
        // Where its user may, it would leave the cgroup that holds it to addresses.
        comes_to(&site, &[(&format!("write('{cgroup}')"), "EACCES")]);
    }
    comes_to(
        &site,
        &[("socket.socket().listen()", "EPERM"), ("socket.socket().bind(('127.0.0.1', 0))", "EACCES")],
    );
}

#[test]
fn who_may_write_nothing_changes_no_modes_and_times_either() {
    let tries = |expected| {
        [
            ("os.chmod(HOME + '/notes', 0o777)", expected),
            ("os.chmod(HOME, 0o777)", expected),
            ("os.chown(HOME + '/notes', -1, -1)", expected),
            ("os.utime(HOME + '/notes', (0, 0))", expected),
            ("os.fchmod(os.open(HOME + '/notes', 0), 0o600)", expected),
        ]
    };
    let site = Site::new("  write: deny\n");
    comes_to(&site, &tries("EPERM"));
    comes_to(
        &site,
        &[("os.setxattr(HOME + '/notes', 'user.x', b'1')", "EPERM"), ("make(WORK + '/f')", "EACCES")],
    );
    comes_to(&Site::new("  write: {deny: ['~/.ssh/**']}\n"), &tries("done"));
}

#[test]
fn a_program_that_is_denied_is_not_run_by_its_loader_or_as_a_copy() {
    let site = Site::new("  exec: {deny: [/bin/cat]}\n");
    comes_to(
        &site,
        &[("run('/bin/true')", "done"), ("run('/bin/cat')", "EACCES"), ("read('/bin/cat')", "EACCES")],
    );
}
