use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

const GOOD: [&str; 7] = [
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST / HTTP/1.1\r\ncontent-LENGTH:  5\t\r\n\r\na\nb\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\n\r\n\r\n1;x=\"y\"\r\n\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n00A \r\n0123456789\r\n0\r\nX: y\r\n\r\n",
    "GET / HTTP/1.1\r\nX:\r\nX: \x0b\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
];

const BAD: [&str; 28] = [
    "\r\nGET / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\n\n",
    "GET / HTTP/1.1\r\nX: a\rb\r\n\r\n",
    "GET / HTTP/1.1\r\nX: a\r\r\n\r\n",
    "GET / HTTP/1.1\r\nX: a\r\n folded\r\n\r\n",
    "GET / HTTP/1.1\r\nX: a\r\n\tfolded: x\r\n\r\n",
    "GET / HTTP/1.1\r\nContent-Length : 1\r\n\r\n",
    "GET / HTTP/1.1\r\nno colon\r\n\r\n",
    "GET / HTTP/1.1\r\n: x\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 0x1\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length:\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1000000000000000\r\n",
];

/// Reads `text` in two pieces; where it was refused.
fn refused(text: &str, cut: usize) -> Option<usize> {
    let (first, second) = text.as_bytes().split_at(cut.min(text.len()));
    let mut framing = Framing::default();
    let first_refused = framing.read(first).err();
    first_refused.or_else(|| framing.read(second).err().map(|at| at + first.len()))
}

#[test]
fn well_framed_requests_follow_one_another() {
    let all = GOOD.concat();
    for cut in 0..=all.len() {
        assert_eq!(refused(&all, cut), None, "cut at {cut}");
    }
}

#[test]
fn what_two_readers_could_frame_differently_is_refused_before_it_ends() {
    for text in BAD {
        let at = refused(text, 0).unwrap_or_else(|| panic!("{text:?} passes"));
        assert!(at < text.len());
        for cut in 0..=text.len() {
            assert!(refused(text, cut).is_some(), "{text:?} cut at {cut}");
        }
        let second = format!("{}{text}", GOOD[3]);
        assert!(refused(&second, 0).is_some_and(|at| at >= GOOD[3].len()), "{text:?} as the second request");
    }
}

#[test]
fn a_line_that_does_not_end_is_refused() {
    let mut framing = Framing::default();
    let piece = [b'x'; 1000];
    let refused = (0..200).find(|_| framing.read(&piece).is_err());
    assert_eq!(refused, Some(131));
}

proptest! {
    #[test]
    fn cuts_change_nothing(text in "[a\\r\\n:; 0-9]{0,60}", head in 0..GOOD.len(), cut in 0..200_usize) {
        let text = format!("{}{text}", GOOD[head]);
        prop_assert_eq!(refused(&text, cut).is_some(), refused(&text, 0).is_some());
    }
}

#[tokio::test]
async fn what_is_refused_is_not_read_and_ends_the_connection() {
    for (text, expected) in [
        ("GET / HTTP/1.1\r\nA: b\n\r\nGET /hidden", "GET / HTTP/1.1\r\nA: b\0\n\n"),
        (
            "GET / HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\nX : y\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\nX : y\r\0\n\n",
        ),
    ] {
        let (mut client, server) = tokio::io::duplex(1000);
        client.write_all(text.as_bytes()).await.unwrap();
        let mut read = String::new();
        Strict::new(server).read_to_string(&mut read).await.unwrap();
        assert_eq!(read, expected);
    }
}
