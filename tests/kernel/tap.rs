//! Bytes over stdio channels, by every system call that moves them.

use mcpgw_agent::inventory::{Channel, ChannelKind, Effect, ObservedProcess, StreamSource};

use crate::support::{Host, Python, load, process};

/// A client that starts a server over pipes; both do as told, a line at a time.
const PIPES: &str = "
to_server, from_client = os.pipe()
to_client, from_server = os.pipe()
server = subprocess.Popen([sys.executable, '-I', '-u', '-c', SERVER], stdin=to_server, stdout=from_server)
say(server.pid, os.fstat(to_server).st_ino, os.fstat(to_client).st_ino)
def read_all(fd, n):
    got = b''
    while len(got) < n:
        part = os.read(fd, n - len(got))
        if not part: raise EOFError(got)
        got += part
    return got
";

/// The same over a socketpair.
const SOCKETS: &str = "
near, far = socket.socketpair()
server = subprocess.Popen([sys.executable, '-I', '-u', '-c', SERVER], stdin=far, stdout=far)
say(server.pid, os.fstat(near.fileno()).st_ino, os.fstat(far.fileno()).st_ino)
";

fn fifo(ino: u64) -> Channel {
    Channel { kind: ChannelKind::Fifo, ino }
}

fn unix(ino: u64) -> Channel {
    Channel { kind: ChannelKind::Unix, ino }
}

fn pid(number: u64) -> u32 {
    u32::try_from(number).unwrap()
}

/// How many records there are of what anybody moved over these channels.
fn records_over(host: &Host, channels: [Channel; 2]) -> usize {
    let sources = host.seen.chunks.iter().map(|chunk| chunk.source);
    let over = sources.filter(
        |source| matches!(source, StreamSource::Channel { channel, .. } if channels.contains(channel)),
    );
    over.count()
}

async fn expect(host: &mut Host, channel: Channel, pid: u32, wrote: bool, expected: &[u8]) {
    let what = format!("{} bytes of {pid} over {channel:?}, wrote: {wrote}", expected.len());
    let got = host
        .until(&what, |seen| seen.flow(channel, pid, wrote).filter(|got| got.len() >= expected.len()))
        .await;
    assert!(got == expected, "{what}: got {:?}", String::from_utf8_lossy(&got[..got.len().min(200)]));
}

#[tokio::test]
async fn pipes_by_read_write_and_vectors() {
    let Some(mut host) = load().await else { return };
    host.kernel.attach_tap().unwrap();
    let mut driver = Python::start(&format!(
        "
SERVER = '''
import os
os.write(1, os.read(0, 100).upper())
buffers = [bytearray(3), bytearray(4), bytearray(50)]
n = os.readv(0, buffers)
os.writev(1, [b'one ', b'', b'two ', b'three'])
os.read(0, 1)
os.preadv(0, [bytearray(2), bytearray(50)], -1)
os.pwritev(1, [b' four', b' five'], -1)
os.read(0, 1)
'''
{PIPES}
hear()
os.write(from_client, b'hello'); read_all(to_client, 5)
os.writev(from_client, [b'scattered ', b'and gathered']); read_all(to_client, 13)
os.write(from_client, b', at no position'); read_all(to_client, 10)
say('done'); hear()
"
    ));
    let [server, input, output] = driver.numbers()[..] else { panic!() };
    let (server, client) = (pid(server), driver.pid());
    assert!(host.exec_of(server).await.observed);
    driver.tell("go");
    assert_eq!(driver.hear(), "done");
    for (pid, wrote) in [(client, true), (server, false)] {
        expect(&mut host, fifo(input), pid, wrote, b"helloscattered and gathered, at no position").await;
    }
    for (pid, wrote) in [(server, true), (client, false)] {
        expect(&mut host, fifo(output), pid, wrote, b"HELLOone two three four five").await;
    }
    driver.end();
}

#[tokio::test]
async fn a_socketpair_by_send_recv_sendmsg_and_recvmsg() {
    let Some(mut host) = load().await else { return };
    host.kernel.attach_tap().unwrap();
    let mut driver = Python::start(&format!(
        "
SERVER = '''
import os, socket
s = socket.socket(fileno=os.dup(0))
s.recv(2, socket.MSG_PEEK)
s.recvmsg(1, 0, socket.MSG_PEEK)
s.send(s.recv(100).upper())
data, _, _, _ = s.recvmsg(100)
s.sendmsg([b'four ', b'five'])
os.write(1, b' six')
s.recv(1)
'''
{SOCKETS}
hear()
near.send(b'hello'); near.recv(100)
near.sendmsg([b'by ', b'message'])
got = b''
while len(got) < 13:
    part = near.recvmsg(100)[0]
    if not part: raise EOFError(got)
    got += part
say('done'); hear()
"
    ));
    let [server, near, far] = driver.numbers()[..] else { panic!() };
    let (server, client) = (pid(server), driver.pid());
    assert!(host.exec_of(server).await.observed);
    driver.tell("go");
    assert_eq!(driver.hear(), "done");
    // What was only peeked at is not counted twice.
    expect(&mut host, unix(far), server, false, b"helloby message").await;
    expect(&mut host, unix(near), client, true, b"helloby message").await;
    expect(&mut host, unix(far), server, true, b"HELLOfour five six").await;
    expect(&mut host, unix(near), client, false, b"HELLOfour five six").await;
    driver.end();
}

#[tokio::test]
async fn a_large_message_is_whole_at_the_reader_and_cut_at_the_writer() {
    let Some(mut host) = load().await else { return };
    host.kernel.attach_tap().unwrap();
    let mut driver = Python::start(&format!(
        "
SERVER = '''
import os
left = 1000000
while left: left -= len(os.read(0, 8192))
os.write(1, b'got it')
os.read(0, 1)
'''
{PIPES}
hear()
data = b''.join(b'%09d\\n' % n for n in range(100000))
assert os.write(from_client, data) == 1000000
read_all(to_client, 6)
say('done'); hear()
"
    ));
    let [server, input, _] = driver.numbers()[..] else { panic!() };
    let (server, client) = (pid(server), driver.pid());
    driver.tell("go");
    assert_eq!(driver.hear(), "done");
    let expected: Vec<u8> = (0..100_000).flat_map(|n| format!("{n:09}\n").into_bytes()).collect();
    expect(&mut host, fifo(input), server, false, &expected).await;
    let written = host.seen.flow_chunks(fifo(input), client, true);
    let (last, copied) = written.split_last().unwrap();
    assert_eq!(copied.iter().map(|chunk| chunk.bytes.len()).sum::<usize>(), 16 * 4096);
    assert!(copied.iter().all(|chunk| chunk.skipped == 0));
    assert_eq!((last.bytes.len(), last.offset, last.skipped), (0, 16 * 4096, 1_000_000 - 16 * 4096));
    driver.end();
}

#[tokio::test]
async fn the_budget_ends_a_flow_and_settling_ends_the_channel() {
    let Some(mut host) = load().await else { return };
    host.kernel.attach_tap().unwrap();
    let mut driver = Python::start(&format!(
        "
SERVER = '''
import os, subprocess
left = 2 << 20
while left: left -= len(os.read(0, 8000))
os.write(1, b'1')
os.read(0, 1)
child = subprocess.Popen(['/bin/true']); child.wait()
os.write(1, b'%07d' % child.pid)
os.read(0, 1)
'''
{PIPES}
hear()
left = 2 << 20
while left: left -= os.write(from_client, b'x' * min(left, 4000))
read_all(to_client, 1); say('flooded')
hear()
os.write(from_client, b'?'); say(read_all(to_client, 7).decode()); hear()
"
    ));
    let [server, input, output] = driver.numbers()[..] else { panic!() };
    let (server, client) = (pid(server), driver.pid());
    driver.tell("go");
    assert_eq!(driver.hear(), "flooded");
    host.marker().await;
    for (pid, wrote) in [(server, false), (client, true)] {
        let chunks = host.seen.flow_chunks(fifo(input), pid, wrote);
        assert_eq!(chunks.iter().map(|chunk| chunk.bytes.len()).sum::<usize>(), 1 << 20);
        let skipped: Vec<_> = chunks.iter().filter(|chunk| chunk.skipped > 0).collect();
        assert_eq!(skipped.len(), 1, "said once");
        assert_eq!(skipped[0].offset, 1 << 20);
    }
    let release = Effect::Release {
        channels: vec![fifo(input), fifo(output)],
        processes: vec![process(server), process(client)],
        settled: true,
    };
    host.kernel.apply(&release).unwrap();
    let before = records_over(&host, [fifo(input), fifo(output)]);
    driver.tell("more");
    let child = pid(driver.numbers()[0]);
    let exec = host.exec_of(child).await;
    assert!(!exec.observed, "a settled channel starts nothing over");
    host.marker().await;
    assert_eq!(records_over(&host, [fifo(input), fifo(output)]), before);
    driver.end();
}

#[tokio::test]
async fn observation_on_request_and_its_end() {
    let Some(mut host) = load().await else { return };
    host.kernel.attach_tap().unwrap();
    // The server is started by a file descriptor shuffle: its wire is not on 0 and 1, so the probe does not see it.
    let mut driver = Python::start(
        "
a, b = os.pipe()
child = os.fork()
if child == 0:
    os.close(b)
    while os.read(a, 100): os.write(2, b'ack\\n')
    os._exit(0)
say(child, os.fstat(a).st_ino)
while True: os.write(b, hear().encode())
",
    );
    let [child, ino] = driver.numbers()[..] else { panic!() };
    let reader = process(pid(child));
    driver.tell("unseen");
    assert_eq!(driver.hear(), "ack");
    let observe = Effect::Observe {
        channels: vec![fifo(ino)],
        processes: vec![ObservedProcess { process: reader, inherit: true }],
    };
    host.kernel.apply(&observe).unwrap();
    driver.tell("first");
    assert_eq!(driver.hear(), "ack");
    // Observing what is observed already changes nothing: offsets go on.
    host.kernel.apply(&observe).unwrap();
    driver.tell("second");
    assert_eq!(driver.hear(), "ack");
    expect(&mut host, fifo(ino), reader.pid, false, b"firstsecond").await;
    let release = |settled| Effect::Release { channels: vec![fifo(ino)], processes: vec![reader], settled };
    host.kernel.apply(&release(false)).unwrap();
    host.kernel.apply(&release(false)).unwrap();
    driver.tell("unseen again");
    assert_eq!(driver.hear(), "ack");
    host.kernel.apply(&observe).unwrap();
    driver.tell("third");
    assert_eq!(driver.hear(), "ack");
    host.marker().await;
    let chunks = host.seen.flow_chunks(fifo(ino), reader.pid, false);
    let texts: Vec<_> =
        chunks.iter().map(|chunk| (chunk.offset, String::from_utf8_lossy(&chunk.bytes))).collect();
    assert_eq!(
        texts,
        [(0, "first".into()), (0, "third".into()), (5, "second".into())],
        "a new observation counts from 0"
    );
    host.kernel.ignore(reader.pid).unwrap();
    driver.tell("ignored");
    assert_eq!(driver.hear(), "ack");
    host.marker().await;
    assert_eq!(host.seen.flow_chunks(fifo(ino), reader.pid, false).len(), 3);
    driver.end();
}

#[tokio::test]
async fn children_of_a_server_are_followed_and_those_of_a_client_are_not() {
    let Some(mut host) = load().await else { return };
    host.kernel.attach_tap().unwrap();
    // `sh` runs the real server as its child without exec; the client forks a child that writes in its place.
    let mut driver = Python::start(&format!(
        "
SERVER = 'import os; os.write(2, b\"%d\\\\n\" % os.getpid()); os.write(1, os.read(0, 100)); os.read(0, 1)'
{}
hear()
os.write(from_client, b'ping'); read_all(to_client, 4)
helper = os.fork()
if helper == 0:
    os.write(from_client, b'x'); os._exit(0)
os.waitpid(helper, 0)
say(helper); hear()
",
        PIPES.replace(
            "[sys.executable, '-I', '-u', '-c', SERVER]",
            "['/bin/sh', '-c', '\"$0\" -I -u -c \"$1\"; true', sys.executable, SERVER]"
        )
    ));
    let [shell, input, output] = driver.numbers()[..] else { panic!() };
    assert!(host.exec_of(pid(shell)).await.observed);
    let server = pid(driver.numbers()[0]);
    assert_ne!(server, pid(shell));
    driver.tell("go");
    let helper = pid(driver.numbers()[0]);
    expect(&mut host, fifo(input), server, false, b"pingx").await;
    expect(&mut host, fifo(output), server, true, b"ping").await;
    host.marker().await;
    assert_eq!(host.seen.flow_chunks(fifo(input), helper, true).len(), 0);
    driver.end();
}

#[tokio::test]
async fn attaching_is_fast() {
    let Some(mut host) = load().await else { return };
    let mut times = Vec::new();
    for _ in 0..20 {
        let start = std::time::Instant::now();
        host.kernel.attach_tap().unwrap();
        times.push(start.elapsed());
        host.kernel.attach_tap().unwrap();
        host.kernel.detach_tap().unwrap();
        host.kernel.detach_tap().unwrap();
        assert!(!host.kernel.tap_attached());
    }
    times.sort();
    println!("attaching sys_exit: fastest {:?}, median {:?}, slowest {:?}", times[0], times[10], times[19]);
}
