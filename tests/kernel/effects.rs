//! What processes do to files and sockets, as the kernel tells it.

use std::collections::BTreeMap;

use mcpgw_agent::effects::{Access, Act, Outcome, Protocol, SideEffect};
use mcpgw_agent::kernel::{EffectReader, Hook, KernelEvent, KernelOptions};

use super::support::{Python, has_ipv6, load_all as load, load_with, skipped};

/// Everything in the ring, and how many records are missing.
fn drain(reader: &mut EffectReader) -> (Vec<SideEffect>, u64) {
    let (effects, untold) = drain_by_group(reader);
    (effects, untold.values().sum())
}

/// The same, by the number of whose they are.
fn drain_by_group(reader: &mut EffectReader) -> (Vec<SideEffect>, BTreeMap<u32, u64>) {
    let mut events = Vec::new();
    while reader.drain(&mut events) {}
    let (mut effects, mut untold) = (Vec::new(), BTreeMap::<u32, u64>::new());
    for event in events {
        match event {
            KernelEvent::SideEffect(effect) => effects.push(effect),
            KernelEvent::Untold { group, count } => *untold.entry(group).or_default() += count,
            other => panic!("{other:?}"),
        }
    }
    (effects, untold)
}

#[tokio::test]
async fn what_has_no_room_is_told_of_whose_it_is_before_anything_else_happens() {
    let options = KernelOptions { effects_bytes: 4096, ..KernelOptions::default() };
    let Some(mut host) = load_with(&options).await else { return };
    let mut reader = host.kernel.take_effect_reader().unwrap();
    let opens = "
say('ready')
hear()
for _ in range(500): open('/etc/hostname').close()
say('done')
hear()
";
    let (mut loud, mut quiet) = (Python::start(opens), Python::start(opens));
    assert_eq!((loud.hear(), quiet.hear()), ("ready".to_owned(), "ready".to_owned()));
    host.kernel.watch_effects(loud.pid(), 7).unwrap();
    host.kernel.watch_effects(quiet.pid(), 8).unwrap();
    host.kernel.attach_effects().unwrap();
    loud.tell("go");
    assert_eq!(loud.hear(), "done");
    let (effects, untold) = drain_by_group(&mut reader);
    let told = effects.iter().filter(|effect| effect.group == 7).count() as u64;
    assert_eq!(untold.keys().copied().collect::<Vec<_>>(), [7]);
    assert!(told > 0 && told + untold[&7] >= 500, "{told} told, {untold:?}");
    // Said once.
    assert!(drain_by_group(&mut reader).1.is_empty());
    quiet.tell("go");
    assert_eq!(quiet.hear(), "done");
    let untold = drain_by_group(&mut reader).1;
    assert_eq!(untold.keys().copied().collect::<Vec<_>>(), [8]);
    host.kernel.detach_effects().unwrap();
    for mut python in [loud, quiet] {
        python.tell("end");
        python.end();
    }
}

#[tokio::test]
async fn files_are_named_as_the_kernel_knows_them_whatever_was_asked_for() {
    let Some(mut host) = load().await else { return };
    let mut reader = host.kernel.take_effect_reader().unwrap();
    let mut python = Python::start(
        "
import tempfile
hear()
base = os.path.realpath(tempfile.mkdtemp())
os.mkdir(base + '/secret'); open(base + '/secret/key', 'w').close()
os.symlink(base + '/secret', base + '/innocent')
os.chdir(base)
say(base)
hear()
open('innocent/../innocent/key').close()
open('innocent/key', 'a').close()
os.rename('innocent/key', 'secret/other')
os.link('secret/other', 'second')
os.truncate('second', 0)
os.unlink(base + '/second')
fd = os.open('secret', os.O_RDONLY); os.unlink('other', dir_fd=fd)
subprocess.run(['/bin/cat', '/etc/hostname'], stdout=subprocess.DEVNULL, check=False)
say('done')
hear()
",
    );
    host.kernel.watch_effects(python.pid(), 7).unwrap();
    host.kernel.attach_effects().unwrap();
    python.tell("go");
    let base = python.hear();
    drain(&mut reader);
    python.tell("go");
    assert_eq!(python.hear(), "done");
    let (effects, lost) = drain(&mut reader);
    host.kernel.detach_effects().unwrap();
    assert_eq!(lost, 0);
    let own: Vec<_> = effects.iter().filter(|effect| effect.process.pid == python.pid()).collect();
    assert!(own.iter().all(|effect| !effect.cut && effect.outcome == Outcome::Done), "{own:#?}");
    let acts: Vec<_> = own.iter().map(|effect| effect.act.clone()).collect();
    let at = |name: &str| format!("{base}/{name}");
    let open = |name: &str, access| Act::Open { path: at(name), access };
    let expected = [
        open("secret/key", Access::Read),
        open("secret/key", Access::Write),
        Act::Rename { from: at("innocent/key"), to: at("secret/other") },
        Act::Link { from: at("secret/other"), to: at("second") },
        Act::Truncate { path: at("second") },
        Act::Delete { path: at("second") },
        open("secret", Access::Read),
        Act::Delete { path: at("secret/other") },
    ];
    assert_eq!(acts.get(..expected.len()), Some(&expected[..]), "{acts:#?}");
    assert!(effects.iter().all(|effect| effect.group == 7), "{effects:#?}");
    let child: Vec<_> = effects.iter().filter(|effect| effect.process.pid != python.pid()).collect();
    let run = Act::Exec {
        path: "/bin/cat".to_owned(),
        arguments: vec!["/bin/cat".to_owned(), "/etc/hostname".to_owned()],
    };
    assert!(child.iter().any(|effect| effect.act == run), "{child:#?}");
    let read = Act::Open { path: "/etc/hostname".to_owned(), access: Access::Read };
    assert!(child.iter().any(|effect| effect.act == read), "{child:#?}");
    python.end();
}

#[tokio::test]
async fn what_is_forbidden_is_told_and_what_is_not_there_is_not() {
    let Some(mut host) = load().await else { return };
    let mut reader = host.kernel.take_effect_reader().unwrap();
    let mut python = Python::start(
        "
hear()
os.setuid(65534)
for path in ['/etc/shadow', '/nowhere/at/all']:
    try: open(path).close()
    except OSError: pass
say('done')
hear()
",
    );
    host.kernel.watch_effects(python.pid(), 7).unwrap();
    host.kernel.attach_effects().unwrap();
    python.tell("go");
    assert_eq!(python.hear(), "done");
    let (effects, _) = drain(&mut reader);
    host.kernel.detach_effects().unwrap();
    let paths: Vec<_> = effects
        .iter()
        .filter_map(|effect| match &effect.act {
            Act::Open { path, .. } => Some((path.as_str(), effect.outcome)),
            _ => None,
        })
        .collect();
    assert!(paths.contains(&("/etc/shadow", Outcome::Refused)), "{paths:?}");
    assert!(!paths.iter().any(|(path, _)| path.starts_with("/nowhere")), "{paths:?}");
    python.end();
}

#[tokio::test]
async fn addresses_are_told_before_they_are_used() {
    let Some(mut host) = load().await else { return };
    if !has_ipv6() {
        return;
    }
    let mut reader = host.kernel.take_effect_reader().unwrap();
    let mut python = Python::start(
        "
hear()
listener = socket.socket(); listener.bind(('127.0.0.1', 0)); listener.listen()
port = listener.getsockname()[1]
socket.create_connection(('127.0.0.1', port)).close()
udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); udp.sendto(b'x', ('::1', port))
say(port)
hear()
",
    );
    host.kernel.watch_effects(python.pid(), 7).unwrap();
    host.kernel.attach_effects().unwrap();
    python.tell("go");
    let port = python.hear();
    let (effects, _) = drain(&mut reader);
    host.kernel.detach_effects().unwrap();
    let acts: Vec<_> = effects.iter().map(|effect| effect.act.clone()).collect();
    let tcp = |text: &str| (text.parse().unwrap(), Protocol::Tcp);
    let (at, protocol) = tcp("127.0.0.1:0");
    assert!(acts.contains(&Act::Bind { at, protocol }), "{acts:#?}");
    let (to, protocol) = tcp(&format!("127.0.0.1:{port}"));
    assert!(acts.contains(&Act::Connect { to, protocol }), "{acts:#?}");
    let to = format!("[::1]:{port}").parse().unwrap();
    assert!(acts.contains(&Act::Send { to, protocol: Protocol::Udp }), "{acts:#?}");
    python.end();
}

#[tokio::test]
async fn who_starts_servers_is_not_told_of_but_they_are() {
    let Some(mut host) = load().await else { return };
    let mut reader = host.kernel.take_effect_reader().unwrap();
    let mut python = Python::start(
        "
hear()
open('/etc/hostname').close()
subprocess.run(['/bin/sh', '-c', '(cat /etc/hostname; true)'], stdout=subprocess.DEVNULL, check=True)
say('done')
hear()
",
    );
    host.kernel.watch_effects_of_children(python.pid(), 3).unwrap();
    host.kernel.attach_effects().unwrap();
    python.tell("go");
    assert_eq!(python.hear(), "done");
    let (effects, _) = drain(&mut reader);
    host.kernel.detach_effects().unwrap();
    assert!(
        effects.iter().all(|effect| effect.group == 3 && effect.process.pid != python.pid()),
        "{effects:#?}"
    );
    let read = Act::Open { path: "/etc/hostname".to_owned(), access: Access::Read };
    assert_eq!(effects.iter().filter(|effect| effect.act == read).count(), 1, "a grandchild's: {effects:#?}");
    python.end();
}

#[tokio::test]
async fn nobody_else_is_told_of() {
    let Some(mut host) = load().await else { return };
    let mut reader = host.kernel.take_effect_reader().unwrap();
    let mut python = Python::start("open('/etc/hostname').close(); say('done'); hear()");
    host.kernel.attach_effects().unwrap();
    assert_eq!(python.hear(), "done");
    assert_eq!(drain(&mut reader), (Vec::new(), 0));
    assert!(host.kernel.effects_attached());
    host.kernel.detach_effects().unwrap();
    assert!(!host.kernel.effects_attached());
    python.end();
}

/// Opens `/etc/hostname` through io_uring, by hand: nothing of Python's does.
const URING: &str = "
import ctypes, mmap, struct
SETUP, ENTER, OPENAT, AT_FDCWD, GET_EVENTS, SQES = 425, 426, 18, -100, 1, 0x10000000
libc = ctypes.CDLL(None, use_errno=True)
params = ctypes.create_string_buffer(120)
ring = libc.syscall(SETUP, 1, params)
if ring < 0: say('none'); sys.exit(0)
entries, = struct.unpack_from('<I', params)
_, tail, _, _, _, _, array = struct.unpack_from('<7I', params, 40)
queue = mmap.mmap(ring, array + entries * 4)
requests = mmap.mmap(ring, entries * 64, offset=SQES)
name = ctypes.create_string_buffer(b'/etc/hostname')
say('ready')
hear()
requests[0:40] = struct.pack('<BBHiQQIIQ', OPENAT, 0, 0, AT_FDCWD, 0, ctypes.addressof(name), 0, os.O_RDONLY, 0)
struct.pack_into('<I', queue, array, 0)
struct.pack_into('<I', queue, tail, 1)
assert libc.syscall(ENTER, ring, 1, 1, GET_EVENTS, None, 0) == 1, ctypes.get_errno()
say('done')
hear()
";

#[tokio::test]
async fn what_goes_through_io_uring_is_told_where_its_hook_works() {
    let Some(mut host) = load().await else { return };
    let works = |hook: &Hook| hook.name == "io-uring-effects" && hook.state.is_attached();
    if !host.kernel.hooks().iter().any(works) {
        skipped("this kernel refuses the hook io-uring-effects");
        return;
    }
    let mut reader = host.kernel.take_effect_reader().unwrap();
    let mut python = Python::start(URING);
    if python.hear() == "none" {
        skipped("no io_uring here");
        return;
    }
    host.kernel.watch_effects(python.pid(), 7).unwrap();
    host.kernel.attach_effects().unwrap();
    python.tell("go");
    assert_eq!(python.hear(), "done");
    let (effects, _) = drain(&mut reader);
    host.kernel.detach_effects().unwrap();
    let opened = |effect: &&SideEffect| {
        matches!(&effect.act, Act::Open { path, .. } if path == "/etc/hostname")
            && effect.process.pid == python.pid()
    };
    assert_eq!(effects.iter().filter(opened).count(), 1, "{effects:#?}");
    python.end();
}
