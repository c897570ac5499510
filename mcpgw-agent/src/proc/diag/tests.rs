use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::net::UnixStream;

use proptest::prelude::*;

use super::super::tests::settled;
use super::*;

fn inode(fd: impl std::os::fd::AsFd) -> u64 {
    rustix::fs::fstat(fd).unwrap().st_ino
}

#[test]
fn a_socketpair_is_listed_at_both_ends() {
    let (a, b) = UnixStream::pair().unwrap();
    let peers = || {
        let streams = Diag::open().unwrap().unix_streams().unwrap();
        let peer_of = |ino| streams.iter().find(|socket| socket.ino == ino).and_then(|socket| socket.peer);
        (peer_of(inode(&a)), peer_of(inode(&b)))
    };
    let expected = (Some(inode(&b)), Some(inode(&a)));
    // One may be passed over while other tests close sockets of theirs.
    assert_eq!(settled(&expected, peers), expected);
}

#[test]
fn more_sockets_than_fit_one_datagram_all_come() {
    let pairs: Vec<_> = (0..2000).map(|_| UnixStream::pair().unwrap()).collect();
    let all_come = || {
        let streams = Diag::open().unwrap().unix_streams().unwrap();
        let known: std::collections::HashSet<u64> = streams.iter().map(|socket| socket.ino).collect();
        pairs.iter().all(|(a, b)| known.contains(&inode(a)) && known.contains(&inode(b)))
    };
    // One may be passed over while other tests close sockets of theirs.
    assert!(settled(&true, all_come));
}

#[test]
fn one_socket_serves_many_questions() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    let diag = Diag::open().unwrap();
    for _ in 0..3 {
        let found = diag.listeners().unwrap();
        assert!(found.iter().any(|socket| socket.ino == inode(&listener) && socket.addrs.local == addr));
        assert_eq!(diag.connections(addr.port()).unwrap(), []);
    }
}

proptest! {
    #[test]
    fn no_datagram_makes_it_panic_or_hang(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(messages(&bytes).count() <= bytes.len() / HEADER_BYTES);
    }

    #[test]
    fn nor_do_headers_around_rubbish(bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..120), 0..5)) {
        let mut bytes = Vec::new();
        for body in &bodies {
            let length = u32::try_from(HEADER_BYTES + body.len()).unwrap();
            bytes.extend(length.to_ne_bytes());
            bytes.extend(20_u16.to_ne_bytes());
            bytes.extend([0; 10]);
            bytes.extend(body);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        prop_assert!(messages(&bytes).count() <= bodies.len());
    }
}
