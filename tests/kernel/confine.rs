//! Cgroups held to addresses, as the kernel does it: TCP, UDP, both versions of IP, children and io_uring.

use mcpgw_agent::policy::Policy;
use mcpgw_agent::policy::effects::{Confinement, Hosts, Surroundings};

use super::support::{Python, load};

/// Connects in every way to a port that is given, and says what came of each.
pub(crate) const TRIES: &str = r#"
import ctypes, errno, mmap, struct
libc = ctypes.CDLL(None, use_errno=True)

def word(act):
    try:
        act()
        return "ok"
    except ConnectionRefusedError:
        return "ok"
    except OSError as error:
        return errno.errorcode[error.errno]

def tcp(family, host, port):
    with socket.socket(family) as s:
        s.settimeout(5)
        s.connect((host, port))

def udp(family, host, port):
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.sendto(b"x", (host, port))

def fast_open(port):
    with socket.socket() as s:
        s.sendto(b"x", 0x20000000, ("127.0.0.1", port))

def uring(port):
    params = bytearray(120)
    ring = libc.syscall(425, 4, (ctypes.c_char * 120).from_buffer(params))
    if ring < 0:
        raise OSError(ctypes.get_errno(), "io_uring")
    at = lambda offset: struct.unpack_from("I", params, offset)[0]
    entries, tail, array, cqes = at(0), at(44), at(64), at(100)
    queue = mmap.mmap(ring, max(array + entries * 4, cqes + at(4) * 16))
    requests = mmap.mmap(ring, entries * 64, offset=0x10000000)
    with socket.socket() as s:
        address = ctypes.create_string_buffer(struct.pack("=HH4s8x", 2, socket.htons(port), socket.inet_aton("127.0.0.1")))
        # opcode CONNECT, flags, ioprio, fd, off (length), addr
        struct.pack_into("<BBHiQQ", requests, 0, 16, 0, 0, s.fileno(), 16, ctypes.addressof(address))
        struct.pack_into("I", queue, array, 0)
        struct.pack_into("I", queue, tail, 1)
        libc.syscall(426, ring, 1, 1, 1, None, 0)
        result = struct.unpack_from("i", queue, cqes + 8)[0]
    os.close(ring)
    if result < 0 and -result != errno.ECONNREFUSED:
        raise OSError(-result, "connect")

def child(port):
    script = f"import socket; s=socket.socket(); s.settimeout(5); r=s.connect_ex(('127.0.0.1',{port})); print(r)"
    command = f"({sys.executable} -c \"{script}\"; true)"
    result = int(subprocess.run(["/bin/sh", "-c", command], stdout=subprocess.PIPE, check=True).stdout)
    if result not in (0, errno.ECONNREFUSED):
        raise OSError(result, "connect")

def listen(port):
    with socket.socket() as s:
        s.bind(("127.0.0.1", port))

def tries(port):
    v4, v6 = socket.AF_INET, socket.AF_INET6
    ways = {
        "tcp4": lambda: tcp(v4, "127.0.0.1", port), "tcp6": lambda: tcp(v6, "::1", port),
        "mapped": lambda: tcp(v6, "::ffff:127.0.0.1", port),
        "udp4": lambda: udp(v4, "127.0.0.1", port), "udp6": lambda: udp(v6, "::1", port),
        "fast": lambda: fast_open(port), "uring": lambda: uring(port), "child": lambda: child(port),
        "listen": lambda: listen(0),
    }
    return " ".join(f"{name}={word(act)}" for name, act in ways.items())

import sys
hear()
while True:
    port = hear()
    if port == "end":
        break
    say(tries(int(port)))
"#;

pub(crate) fn confinement(effects: &str) -> Confinement {
    let text = format!(
        "version: v1\nmode: enforce\nrules: [{{name: a, action: allow, match: {{methods: ['*']}}}}]\neffects: {effects}"
    );
    let policy = Policy::parse(&text).unwrap_or_else(|error| panic!("{error}"));
    policy.effects("s", &Surroundings::default()).unwrap().confinement().unwrap()
}

#[tokio::test]
async fn a_process_and_all_it_starts_connect_where_they_may_and_nowhere_else() {
    let Some(mut host) = load().await else { return };
    let mut free = Python::start(TRIES);
    let mut held = Python::start(TRIES);
    let (hosts, limits) =
        (Hosts::default(), confinement("{connect: {allow: ['home.example:81', '10.0.0.0/8']}}"));
    host.kernel.fence(held.pid(), &limits, &hosts).unwrap();
    let within = std::fs::read_to_string(format!("/proc/{}/cgroup", held.pid())).unwrap();
    assert!(within.lines().any(|line| line.starts_with("0::") && line.contains("/mcpgw-")), "{within}");
    held.tell("go");
    let ask = |python: &mut Python, port: &str| {
        python.tell(port);
        python.hear()
    };
    let nothing = "tcp4=EPERM tcp6=EPERM mapped=EPERM udp4=EPERM udp6=EPERM fast=EPERM uring=EPERM child=EPERM listen=ok";
    assert_eq!(ask(&mut held, "81"), nothing);

    // What a name stands for is learnt later.
    hosts.learn("home.example", &["127.0.0.1".parse().unwrap()]);
    host.kernel.refresh_fences(&hosts).unwrap();
    let some = "tcp4=ok tcp6=EPERM mapped=ok udp4=ok udp6=EPERM fast=ok uring=ok child=ok listen=ok";
    assert_eq!(ask(&mut held, "81"), some);
    assert_eq!(ask(&mut held, "82"), nothing);

    // Nobody else is held.
    free.tell("go");
    let all = "tcp4=ok tcp6=ok mapped=ok udp4=ok udp6=ok fast=ok uring=ok child=ok listen=ok";
    assert_eq!(ask(&mut free, "82"), all);

    // The cgroup goes with the last process in it.
    host.kernel.sweep_fences();
    assert_eq!(host.kernel.fences(), 1);
    held.tell("end");
    held.end();
    host.kernel.sweep_fences();
    assert_eq!(host.kernel.fences(), 0);
    free.tell("end");
    free.end();
}

#[tokio::test]
async fn what_is_denied_is_denied_within_what_is_allowed_and_listeners_are_held_too() {
    let Some(mut host) = load().await else { return };
    let mut held = Python::start(TRIES);
    let limits = confinement("{connect: {deny: ['tcp:127.0.0.0/8:81-90']}, listen: deny}");
    host.kernel.fence(held.pid(), &limits, &Hosts::default()).unwrap();
    // A cgroup below does not lead out of it, whatever it lets.
    host.kernel.fence(held.pid(), &confinement("{connect: {allow: ['*']}}"), &Hosts::default()).unwrap();
    held.tell("go");
    held.tell("85");
    assert_eq!(
        held.hear(),
        "tcp4=EPERM tcp6=ok mapped=EPERM udp4=ok udp6=ok fast=EPERM uring=EPERM child=EPERM listen=EPERM"
    );
    held.tell("91");
    assert_eq!(
        held.hear(),
        "tcp4=ok tcp6=ok mapped=ok udp4=ok udp6=ok fast=ok uring=ok child=ok listen=EPERM"
    );
    held.tell("end");
    held.end();
    host.kernel.sweep_fences();
    assert_eq!(host.kernel.fences(), 0);
}
