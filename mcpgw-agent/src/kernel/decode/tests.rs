//! Records as the probes write them, and as they must never be believed.

use mcpgw_common::event::{self, FdInfo, Header, kind};
use proptest::prelude::*;
use zerocopy::{FromZeros, IntoBytes};

use super::*;

fn header(kind: u16, len: usize) -> Header {
    Header {
        kind,
        version: event::VERSION,
        len: u32::try_from(len).unwrap(),
        seq: 7,
        time_ns: 5_000_000_123,
        start_ns: 1_234_567_890,
        cgroup_id: 99,
        cpu: 3,
        lane: 2,
        tgid: 41,
        tid: 42,
        uid: 1000,
    }
}

fn bytes<T: IntoBytes + zerocopy::Immutable>(record: &T, payload: &[u8]) -> Vec<u8> {
    [record.as_bytes(), payload].concat()
}

fn me() -> ProcessKey {
    ProcessKey { pid: 41, start_ticks: 123 }
}

fn host(bytes: &[u8]) -> HostEvent {
    match decode(bytes).unwrap().event {
        KernelEvent::Host(event) => event,
        other @ (KernelEvent::Chunk(_)
        | KernelEvent::SideEffect(_)
        | KernelEvent::Lost { .. }
        | KernelEvent::Untold { .. }) => {
            panic!("{other:?}")
        }
    }
}

fn chunk(bytes: &[u8]) -> Chunk {
    match decode(bytes).unwrap().event {
        KernelEvent::Chunk(chunk) => chunk,
        other @ (KernelEvent::Host(_)
        | KernelEvent::SideEffect(_)
        | KernelEvent::Lost { .. }
        | KernelEvent::Untold { .. }) => {
            panic!("{other:?}")
        }
    }
}

fn exec_record(argv: &[u8]) -> event::Exec {
    let mut record = event::Exec::new_zeroed();
    record.header = header(kind::EXEC, size_of::<event::Exec>() + argv.len());
    record.parent_tgid = 40;
    record.parent_start_ns = 1_000_000_000;
    record.flags = event::OBSERVED | event::EXE_DELETED;
    record.exe_ino = 77;
    record.exe_dev = 8 << 20 | 0x12345;
    (record.mnt_ns, record.pid_ns, record.net_ns) = (1, 2, 3);
    record.argv_len = u32::try_from(argv.len()).unwrap();
    record.filename[..9].copy_from_slice(b"/bin/node");
    record.filename[10..14].copy_from_slice(b"junk");
    record.stdio[0] = FdInfo {
        ino: 500,
        peer_ino: 501,
        creator_tgid: 40,
        dev: 9,
        mode: 0o140_777,
        f_mode: 3,
        family: 1,
        sock_type: 1,
    };
    record.stdio[1] = FdInfo { ino: 600, mode: 0o010_600, f_mode: 2, ..record.stdio[2] };
    record.stdio[2] = FdInfo { ino: 700, mode: 0o020_620, f_mode: 3, ..record.stdio[2] };
    record
}

#[test]
fn an_exec() {
    let argv = b"node\0server.js\0\0--x=\xff\0";
    let event = host(&bytes(&exec_record(argv), argv));
    let HostEvent::Exec(exec) = event else { panic!("{event:?}") };
    assert_eq!(exec.process, me());
    assert_eq!(exec.parent, ProcessKey { pid: 40, start_ticks: 100 });
    assert_eq!(exec.at, BootTime(5_000_000_123));
    assert_eq!((exec.uid, exec.cgroup_id), (1000, 99));
    assert_eq!(exec.filename, "/bin/node");
    assert_eq!(exec.argv, ["node", "server.js", "", "--x=\u{fffd}"]);
    assert_eq!((exec.memfd, exec.deleted, exec.observed, exec.argv_truncated), (false, true, true, false));
    assert_eq!(exec.namespaces, [1, 2, 3]);
    assert_eq!(exec.exe, FileId { dev: nix::sys::stat::makedev(8, 0x12345), ino: 77 });
    let channel = |kind, ino| Channel { kind, ino };
    assert_eq!(
        exec.stdio,
        [
            ChannelEnd {
                channel: channel(ChannelKind::Unix, 500),
                fd: 0,
                readable: true,
                writable: true,
                peer: Some(501),
                creator: Some(40),
            },
            ChannelEnd {
                channel: channel(ChannelKind::Fifo, 600),
                fd: 1,
                readable: false,
                writable: true,
                peer: None,
                creator: None,
            },
        ]
    );
}

#[test]
fn sockets_of_other_kinds_are_no_channels() {
    for (family, sock_type) in [(1, 2), (2, 1), (0, 0), (1, 5)] {
        let mut record = exec_record(b"");
        record.stdio[0].family = family;
        record.stdio[0].sock_type = sock_type;
        let HostEvent::Exec(exec) = host(&bytes(&record, b"")) else { panic!() };
        assert!(exec.stdio.iter().all(|end| end.fd != 0), "{family} {sock_type}");
    }
}

#[test]
fn a_command_line_cut_or_empty() {
    for (argv, expected) in [
        (&b""[..], vec![]),
        (b"\0", vec![]),
        (b"a", vec!["a"]),
        (b"a\0b", vec!["a", "b"]),
        (b"a\0\0", vec!["a", ""]),
    ] {
        let HostEvent::Exec(exec) = host(&bytes(&exec_record(argv), argv)) else { panic!() };
        assert_eq!(exec.argv, expected, "{argv:?}");
    }
}

#[test]
fn a_fork_and_an_exit() {
    let mut fork = event::Fork::new_zeroed();
    fork.header = header(kind::FORK, size_of::<event::Fork>());
    (fork.child_tgid, fork.child_start_ns) = (50, 2_000_000_000);
    let child = ProcessKey { pid: 50, start_ticks: 200 };
    let at = BootTime(5_000_000_123);
    assert_eq!(host(&bytes(&fork, b"")), HostEvent::Fork { parent: me(), child, at });
    let mut exit = event::Exit::new_zeroed();
    exit.header = header(kind::EXIT, size_of::<event::Exit>());
    exit.status = 256;
    assert_eq!(host(&bytes(&exit, b"")), HostEvent::Exit { process: me(), at, status: 256 });
}

#[test]
fn listeners_come_and_go() {
    let mut record = event::Listen::new_zeroed();
    record.header = header(kind::LISTEN, size_of::<event::Listen>());
    (record.family, record.port, record.open, record.net_ns) = (AF_INET, 8080, 1, 9);
    record.addr[..4].copy_from_slice(&[127, 0, 0, 1]);
    let listener = Listener { addr: "127.0.0.1:8080".parse().unwrap(), net_ns: 9 };
    let at = BootTime(5_000_000_123);
    assert_eq!(host(&bytes(&record, b"")), HostEvent::Listen { process: me(), listener, at });
    record.open = 0;
    record.family = AF_INET6;
    record.addr = std::net::Ipv6Addr::LOCALHOST.octets();
    let listener = Listener { addr: "[::1]:8080".parse().unwrap(), net_ns: 9 };
    assert_eq!(host(&bytes(&record, b"")), HostEvent::ListenClosed { listener, at });
    record.family = 1;
    assert_eq!(decode(&bytes(&record, b"")), Err(DecodeError::Field { field: "address family" }));
}

#[test]
fn a_connection_over_ipv4_made_by_an_ipv6_socket_is_ipv4() {
    let mut record = event::Connect::new_zeroed();
    record.header = header(kind::CONNECT, size_of::<event::Connect>());
    (record.family, record.local_port, record.remote_port) = (AF_INET6, 40_000, 80);
    record.local_addr = "::ffff:10.0.0.1".parse::<std::net::Ipv6Addr>().unwrap().octets();
    record.remote_addr = "::ffff:10.0.0.2".parse::<std::net::Ipv6Addr>().unwrap().octets();
    let addrs =
        SocketAddrs { local: "10.0.0.1:40000".parse().unwrap(), remote: "10.0.0.2:80".parse().unwrap() };
    let at = BootTime(5_000_000_123);
    assert_eq!(
        host(&bytes(&record, b"")),
        HostEvent::Connect { process: me(), addrs, net_ns: record.net_ns, at }
    );
}

fn stream_record(payload: usize) -> event::StreamChunk {
    let mut record = event::StreamChunk::new_zeroed();
    record.header = header(kind::STREAM, size_of::<event::StreamChunk>() + payload);
    (record.ino, record.offset, record.chunk_len) = (600, 8192, u32::try_from(payload).unwrap());
    (record.channel, record.side, record.skipped) = (event::CHANNEL_FIFO, event::SIDE_WRITE, 17);
    record
}

#[test]
fn a_chunk_of_a_stream() {
    let record = stream_record(5);
    let decoded = decode(&bytes(&record, b"hello")).unwrap();
    assert_eq!((decoded.cpu, decoded.lane, decoded.seq), (3, 2, 7));
    let source = StreamSource::Channel {
        channel: Channel { kind: ChannelKind::Fifo, ino: 600 },
        process: me(),
        wrote: true,
    };
    let expected = Chunk {
        source,
        at: BootTime(5_000_000_123),
        connection: 0,
        offset: 8192,
        bytes: b"hello".to_vec(),
        skipped: 17,
        end: false,
    };
    assert_eq!(decoded.event, KernelEvent::Chunk(expected));
}

#[test]
fn a_stream_of_no_known_kind_is_refused() {
    let mut record = stream_record(0);
    record.channel = 3;
    assert_eq!(decode(&bytes(&record, b"")), Err(DecodeError::Field { field: "channel" }));
    record.channel = event::CHANNEL_UNIX;
    record.side = 2;
    assert_eq!(decode(&bytes(&record, b"")), Err(DecodeError::Field { field: "side" }));
}

#[test]
fn a_segment_of_tcp() {
    let mut record = event::TcpChunk::new_zeroed();
    record.header = header(kind::TCP, size_of::<event::TcpChunk>() + 3);
    (record.cookie, record.tcp_seq, record.chunk_len) = (1234, u32::MAX, 3);
    (record.family, record.local_port, record.remote_port) = (AF_INET, 80, 40_000);
    record.local_addr[..4].copy_from_slice(&[10, 0, 0, 2]);
    record.remote_addr[..4].copy_from_slice(&[10, 0, 0, 1]);
    (record.side, record.tcp_flags) = (event::SIDE_READ, 0x18);
    let got = chunk(&bytes(&record, b"GET"));
    let addrs =
        SocketAddrs { local: "10.0.0.2:80".parse().unwrap(), remote: "10.0.0.1:40000".parse().unwrap() };
    assert_eq!(got.source, StreamSource::Tcp { addrs, cgroup_id: 99, from_server: false });
    assert_eq!((got.connection, got.offset, got.end), (1234, u64::from(u32::MAX), false));
    for flags in [1, 4] {
        record.tcp_flags = 0x10 | flags;
        assert!(chunk(&bytes(&record, b"GET")).end);
    }
}

#[test]
fn a_device_number_is_what_stat_shows() {
    use std::os::linux::fs::MetadataExt as _;
    let dev = std::fs::metadata("/proc/self/exe").unwrap().st_dev();
    let kernel = u32::try_from(nix::sys::stat::major(dev) << 20 | nix::sys::stat::minor(dev)).unwrap();
    assert_eq!(user_dev(kernel), dev);
    assert_eq!(user_dev(0xfff_fffff), nix::sys::stat::makedev(0xfff, 0xf_ffff));
}

#[test]
fn a_wrong_version_kind_or_length_is_refused() {
    let mut fork = event::Fork::new_zeroed();
    let len = size_of::<event::Fork>();
    fork.header = header(kind::FORK, len);
    fork.header.version = 2;
    assert_eq!(decode(&bytes(&fork, b"")), Err(DecodeError::Version { version: 2 }));
    fork.header = header(6, len);
    assert_eq!(decode(&bytes(&fork, b"")), Err(DecodeError::Kind { kind: 6 }));
    fork.header = header(kind::FORK, len);
    assert_eq!(decode(&bytes(&fork, b"x")), Err(DecodeError::Length { said: 72, len: 73 }));
    fork.header = header(kind::FORK, len + 1);
    assert_eq!(decode(&bytes(&fork, b"x")), Err(DecodeError::Length { said: 72, len: 73 }));
    assert_eq!(decode(b""), Err(DecodeError::Short { len: 0 }));
    let mut chunk = stream_record(5);
    chunk.chunk_len = u32::MAX;
    assert!(matches!(decode(&bytes(&chunk, b"hello")), Err(DecodeError::Length { .. })));
    // A kind whose struct is longer than the record.
    let exec = header(kind::EXEC, size_of::<Header>());
    assert_eq!(decode(&bytes(&exec, b"")), Err(DecodeError::Short { len: 56 }));
}

proptest! {
    #[test]
    fn noise_never_panics(noise in proptest::collection::vec(any::<u8>(), 0..700)) {
        drop(decode(&noise));
    }

    #[test]
    fn noise_behind_a_true_header_never_panics(
        kind in prop_oneof![1_u16..=5, 16_u16..=17],
        noise in proptest::collection::vec(any::<u8>(), 0..700),
    ) {
        let record = bytes(&header(kind, 56 + noise.len()), &noise);
        if let Ok(record) = decode(&record) {
            prop_assert_eq!((record.cpu, record.lane, record.seq), (3, 2, 7));
        }
    }

    #[test]
    fn a_payload_arrives_whole(payload in proptest::collection::vec(any::<u8>(), 0..4096)) {
        prop_assert_eq!(chunk(&bytes(&stream_record(payload.len()), &payload)).bytes, payload);
    }
}

#[test]
fn plaintext_of_tls_and_the_host_it_is_for() {
    let mut record = event::TlsChunk::new_zeroed();
    record.header = header(kind::TLS, size_of::<event::TlsChunk>() + 4);
    (record.object, record.since_ns, record.offset, record.chunk_len) = (0x7f00, 9, 100, 4);
    (record.side, record.end) = (event::SIDE_READ, 1);
    let found = chunk(&bytes(&record, b"data"));
    assert_eq!(found.source, StreamSource::Tls { process: me(), object: 0x7f00, from_server: true });
    assert_eq!((found.connection, found.offset, found.end), (9, 100, true));
    record.side = 2;
    assert_eq!(decode(&bytes(&record, b"data")), Err(DecodeError::Field { field: "side" }));
    assert!(matches!(decode(&bytes(&record, b"dat")), Err(DecodeError::Length { .. })));

    let mut record = event::TlsName::new_zeroed();
    record.header = header(kind::TLS_NAME, size_of::<event::TlsName>() + 6);
    (record.object, record.name_len) = (0x7f00, 6);
    let HostEvent::TlsNamed { object, host: name, .. } = host(&bytes(&record, b"a.b\0cd")) else {
        panic!("another event")
    };
    assert_eq!((object, name.as_str()), (0x7f00, "a.b"));
}

#[test]
fn a_hello_is_of_the_process_that_connected() {
    let mut record = event::TlsHello::new_zeroed();
    record.header = header(kind::TLS_HELLO, size_of::<event::TlsHello>() + 3);
    (record.header.tgid, record.header.start_ns) = (0, 0);
    (record.tgid, record.start_ns, record.hello_len) = (41, 1_234_567_890, 3);
    (record.family, record.remote_port) = (2, 443);
    record.remote_addr[..4].copy_from_slice(&[192, 0, 2, 1]);
    let event = host(&bytes(&record, &[22, 3, 1]));
    let HostEvent::TlsHello { process, remote, host: name, .. } = event else { panic!("another event") };
    assert_eq!((process, remote.to_string().as_str(), name), (me(), "192.0.2.1:443", None));
}
