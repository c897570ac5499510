//! Programs and Unix sockets the kernel refuses by their inode, where BPF is among its security modules.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mcpgw_agent::config::{Config, Dirs};
use mcpgw_agent::daemon::{RunOptions, run};
use mcpgw_agent::inventory::BootTime;
use mcpgw_agent::kernel::{Denials, Inode, KernelOptions, Refusable, SparedName};
use mcpgw_agent::proc::boot_now;

use crate::install::install;
use crate::support::{Host, Python, load_with, skipped_without, turn, without_effects};

/// Longest wait for an agent in an emulated machine: reached only by a test that fails.
const PATIENCE: Duration = Duration::from_secs(300);
/// Devices that may be a terminal; one of them can be opened.
const TERMINALS: [&str; 4] = ["/dev/ptmx", "/dev/ttyS0", "/dev/console", "/dev/tty"];

async fn load(what: Refusable) -> Option<(Host, Denials)> {
    let options = KernelOptions { refuse_programs: true, refuse_sockets: true, ..without_effects() };
    let mut host = load_with(&options).await?;
    let Some(denials) = host.kernel.take_denials().filter(|denials| denials.can(what)) else {
        skipped_without(&host, |name| ["guard-exec", "guard-unix"].contains(&name));
        return None;
    };
    Some((host, denials))
}

/// Long enough for any machine.
fn later() -> BootTime {
    boot_now().after(Duration::from_secs(600))
}

/// A program of the test's own.
fn copy_of(from: &str, to: &Path) -> PathBuf {
    install(to, fs::read(from).unwrap());
    to.to_owned()
}

/// Whether it runs; it does not only where the kernel says `EPERM`.
fn runs(command: &mut Command) -> bool {
    match command.stdin(Stdio::null()).stderr(Stdio::null()).status() {
        Ok(status) => status.success(),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
            assert_eq!(error.raw_os_error(), Some(nix::errno::Errno::EPERM as i32));
            false
        }
    }
}

#[tokio::test]
async fn a_program_is_refused_by_its_file_as_long_as_it_is_that_file() {
    let Some((host, mut denials)) = load(Refusable::Program).await else { return };
    let dir = tempfile::tempdir().unwrap();
    let program = copy_of("/bin/true", &dir.path().join("program"));
    let other = copy_of("/bin/true", &dir.path().join("other"));
    let inode = Inode::at(&program).unwrap();
    assert!(runs(&mut Command::new(&program)));

    denials.refuse(Refusable::Program, &inode, later()).unwrap();
    assert!(!runs(&mut Command::new(&program)));
    assert!(runs(&mut Command::new(&other)));
    let elsewhere = tempfile::tempdir().unwrap();
    let link = |name: &str| {
        let link = elsewhere.path().join(name);
        std::os::unix::fs::symlink(&program, &link).unwrap();
        link
    };
    assert!(!runs(&mut Command::new(link("program"))), "another way there");
    assert!(runs(&mut Command::new(link("name"))), "by another name it may be meant to be something else");
    let (hits, last) = denials.refused(Refusable::Program, &inode).unwrap();
    assert!(hits == 2 && last > 0, "{hits} {last}");

    // Whoever says it again says it longer, and what is counted is counted on.
    denials.refuse(Refusable::Program, &inode, later()).unwrap();
    assert_eq!(denials.refused(Refusable::Program, &inode), Some((2, last)));
    denials.refuse(Refusable::Program, &inode, boot_now()).unwrap();
    assert!(runs(&mut Command::new(&program)), "its time is over");
    denials.refuse(Refusable::Program, &inode, later()).unwrap();
    // By another process, as where it was made.
    let grown = Command::new("sh").args(["-c", "echo >> \"$0\""]).arg(&program).status().unwrap();
    assert!(grown.success(), "sh: {grown}");
    assert!(runs(&mut Command::new(&program)), "it is not what it was");

    let inode = Inode::at(&program).unwrap();
    denials.refuse(Refusable::Program, &inode, later()).unwrap();
    assert!(!runs(&mut Command::new(&program)));
    denials.let_be(Refusable::Program, &inode).unwrap();
    assert!(runs(&mut Command::new(&program)));
    denials.refuse(Refusable::Program, &inode, later()).unwrap();
    drop((denials, host));
    assert!(runs(&mut Command::new(&program)), "nobody is left to refuse it");
}

#[tokio::test]
async fn who_is_never_touched_runs_whatever_is_refused() {
    let Some((_host, mut denials)) = load(Refusable::Program).await else { return };
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let program = copy_of("/bin/true", &at("program"));
    let shells = ["plain", "login-like", "front-end"].map(|name| copy_of("/bin/sh", &at(name)));
    let named = copy_of("/bin/true", &at("precious"));
    for path in [&program, &named] {
        denials.refuse(Refusable::Program, &Inode::at(path).unwrap(), later()).unwrap();
    }
    let names = [("login-", true), ("front-end", true), ("precious", false)];
    let spare = names.into_iter().map(|(name, with_children)| SparedName { name, with_children });
    denials.spare_names(spare).unwrap();
    let by = |shell: &Path| {
        let mut command = Command::new(shell);
        command.args(["-c", "exec \"$0\""]).arg(&program);
        command
    };
    assert!(!runs(&mut by(&shells[0])), "a shell like any other");
    assert!(runs(&mut by(&shells[1])), "of the family of those who log people in");
    assert!(runs(&mut by(&shells[2])), "one of them by its name");
    assert!(runs(&mut Command::new(&named)), "spared by its own name");

    // At a terminal somebody sits who may have to mend what is wrong.
    let open = |path: &&str| OpenOptions::new().read(true).write(true).open(path).ok();
    let terminal: File = TERMINALS.iter().find_map(open).expect("a terminal");
    assert!(Command::new(&program).stdin(terminal).status().unwrap().success());

    // Who runs a script is not known by its own file.
    let script = at("script");
    install(&script, format!("#!{}\n", program.display()));
    assert!(runs(&mut Command::new(&script)));
    denials.refuse(Refusable::Program, &Inode::at(&script).unwrap(), later()).unwrap();
    assert!(!runs(&mut Command::new(&script)), "the script is");

    let mut waiting = Command::new(&shells[0])
        .args(["-c", "read go; exec \"$0\" <&-"])
        .arg(&program)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    denials.spare_processes(std::iter::once(waiting.id())).unwrap();
    waiting.stdin.take().unwrap().write_all(b"go\n").unwrap();
    assert!(waiting.wait().unwrap().success(), "whom the agent descends from");
}

/// Connects where it is told to, and says what came of it.
const CLIENT: &str = "
import errno
say('ready')
while True:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.connect(hear()); say('connected')
    except OSError as error:
        say(errno.errorcode[error.errno])
    sock.close()
";

#[tokio::test]
async fn a_unix_socket_is_not_connected_to_by_whatever_name() {
    let Some((mut host, mut denials)) = load(Refusable::Socket).await else { return };
    let dir = tempfile::tempdir().unwrap();
    let (path, other) = (dir.path().join("server"), dir.path().join("other"));
    let listener = UnixListener::bind(&path).unwrap();
    let _other = UnixListener::bind(&other).unwrap();
    let mut client = Python::start(CLIENT);
    assert_eq!(client.hear(), "ready");
    let mut ask = |path: &Path| {
        client.tell(path.to_str().unwrap());
        client.hear()
    };
    assert_eq!(ask(&path), "connected");
    let inode = Inode::at(&path).unwrap();
    denials.refuse(Refusable::Socket, &inode, later()).unwrap();
    let (link, linked) = (dir.path().join("link"), dir.path().join("linked"));
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert_eq!(ask(&path), "EPERM");
    assert_eq!(ask(&link), "EPERM");
    assert_eq!(ask(&other), "connected");
    let (hits, last) = denials.refused(Refusable::Socket, &inode).unwrap();
    assert_eq!(hits, 2);
    assert!(UnixStream::connect(&path).is_ok(), "the agent itself");
    // Another name of the same file changes it; who refuses it looks again.
    fs::hard_link(&path, &linked).unwrap();
    denials.refuse(Refusable::Socket, &Inode::at(&path).unwrap(), later()).unwrap();
    assert_eq!(ask(&linked), "EPERM");

    host.kernel.trust(last).unwrap();
    assert_eq!(ask(&path), "connected", "a gateway");
    client.end();
    let mut client = Python::start(CLIENT);
    assert_eq!(client.hear(), "ready");
    let mut ask = |path: &Path| {
        client.tell(path.to_str().unwrap());
        client.hear()
    };
    assert_eq!(ask(&path), "EPERM");
    drop(listener);
    fs::remove_file(&path).unwrap();
    let _again = UnixListener::bind(&path).unwrap();
    assert_eq!(ask(&path), "connected", "another socket at the same place");
    denials.refuse(Refusable::Socket, &Inode::at(&path).unwrap(), boot_now()).unwrap();
    assert_eq!(ask(&path), "connected", "its time is over");
    client.end();
}

/// Runs programs, also where one is mounted in another place, which only this process sees.
const MOUNTER: &str = "
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def mount(what, where, flags):
    if libc.mount(what.encode(), where.encode(), None, flags, None): sys.exit(os.strerror(ctypes.get_errno()))
NEWNS, BIND, PRIVATE, RECURSIVE = 0x20000, 0x1000, 0x40000, 0x4000
if libc.unshare(NEWNS): sys.exit('unshare')
mount('none', '/', PRIVATE | RECURSIVE)
say('ready')
mount(hear(), hear(), BIND)
say('mounted')
while place := hear():
    try:
        say(subprocess.run([place], stdin=subprocess.DEVNULL).returncode)
    except OSError as error:
        say(error.errno)
";

/// The whole agent with rules of the guard, as [`start_agent_of`]. An emulated machine is slow to decide, and a test asks again
/// and again: the agent has the most time and the most kills that it may have.
fn start_agent(dir: &Path, rules: &str) -> std::thread::JoinHandle<()> {
    let text = format!(
        "host:\n  client-files: off\n  guard:\n    mode: enforce\n    decide-within: 1s\n    kills-per-minute: 1000\n    rules:\n{rules}\
         admin:\n  metrics-address: off\n"
    );
    start_agent_of(dir, &text)
}

/// The whole agent, in a thread of this process; ended as systemd would.
pub(crate) fn start_agent_of(dir: &Path, text: &str) -> std::thread::JoinHandle<()> {
    let config = dir.join("agent.yaml");
    fs::write(&config, text).unwrap();
    let dirs = Dirs { runtime: dir.join("run"), state: dir.join("state") };
    fs::create_dir(&dirs.state).unwrap();
    fs::set_permissions(&dirs.state, fs::Permissions::from_mode(0o700)).unwrap();
    let config = Config::load(Some(&config)).unwrap();
    std::thread::spawn(move || {
        let options = RunOptions { config, config_path: None, dirs, observer: None };
        tokio::runtime::Runtime::new().unwrap().block_on(run(options)).unwrap();
    })
}

/// Asks again until the answer is the one that is waited for.
pub(crate) fn until(wanted: &str, mut ask: impl FnMut() -> String) {
    let begun = Instant::now();
    loop {
        let answer = ask();
        if answer == wanted {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{answer} instead of {wanted}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// All that is below a directory, as text.
pub(crate) fn texts(dir: &Path) -> String {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| {
            if path.is_dir() {
                texts(&path)
            } else {
                String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()).into_owned()
            }
        })
        .collect()
}

#[tokio::test]
async fn the_agent_has_the_kernel_refuse_what_its_rules_name() {
    // Whether there is anything to see.
    if load(Refusable::Program).await.is_none() || load(Refusable::Socket).await.is_none() {
        return;
    }
    let _turn = turn().await;
    let dir = tempfile::tempdir().unwrap();
    let (program, elsewhere) = (dir.path().join("a/program"), dir.path().join("b/program"));
    for path in [&program, &elsewhere] {
        fs::create_dir(path.parent().unwrap()).unwrap();
        fs::write(path, b"").unwrap();
    }
    copy_of("/bin/true", &program);
    let socket = dir.path().join("server");
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || listener.incoming().for_each(drop));

    let mut mounter = Python::start(MOUNTER);
    assert_eq!(mounter.hear(), "ready");
    mounter.tell(program.to_str().unwrap());
    mounter.tell(elsewhere.to_str().unwrap());
    assert_eq!(mounter.hear(), "mounted");
    let mut client = Python::start(CLIENT);
    assert_eq!(client.hear(), "ready");
    let mut run_at = |path: &Path| {
        mounter.tell(path.to_str().unwrap());
        mounter.hear()
    };
    let mut connect = || {
        client.tell(socket.to_str().unwrap());
        client.hear()
    };
    assert_eq!((run_at(&elsewhere).as_str(), connect().as_str()), ("0", "connected"));

    let rules = format!(
        "      - {{name: no program, action: hold, exe: {}/*, evidence: nothing}}\n      - {{name: no socket, action: deny, socket: {}}}\n",
        program.parent().unwrap().display(),
        socket.display()
    );
    let agent = start_agent(dir.path(), &rules);
    until("EPERM", &mut connect);
    // Refused once at its own path. No rule is about a program at the other: there it is the file that is refused.
    until("1", || run_at(&program));
    until("1", || run_at(&elsewhere));
    let state = dir.path().join("state");
    let is_told = || {
        let log = texts(&state);
        let is_whole = log.contains("by its file") && log.contains("no program") && log.contains("no socket");
        if is_whole { "told".to_owned() } else { log }
    };
    until("told", is_told);

    nix::sys::signal::raise(nix::sys::signal::Signal::SIGTERM).unwrap();
    agent.join().unwrap();
    assert_eq!((run_at(&elsewhere).as_str(), connect().as_str()), ("0", "connected"));
    mounter.end();
    client.end();
}
