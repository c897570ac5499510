//! Payload at watched server ports.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use mcpgw_agent::inventory::{Effect, SocketAddrs, StreamSource};
use mcpgw_agent::wire::Chunk;

use crate::support::{Host, Python, has_ipv6, load};

/// An HTTP server of Python's own on this address; says its port.
fn server(address: &str, family: &str) -> (Python, SocketAddr) {
    let mut server = Python::start(&format!(
        "
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers['content-length']))
        answer = b'answer:' + body
        self.send_response(200); self.send_header('content-length', str(len(answer))); self.end_headers()
        self.wfile.write(answer)
    def log_message(self, *_): pass
class Server(http.server.ThreadingHTTPServer): address_family = socket.{family}
server = Server(('{address}', 0), Handler)
say(server.server_address[1])
threading.Thread(target=server.serve_forever, daemon=True).start()
hear()
"
    ));
    let port = u16::try_from(server.numbers()[0]).unwrap();
    (server, SocketAddr::new(address.parse().unwrap(), port))
}

/// Posts `body` and returns the addresses, the request and the response.
fn post(addr: SocketAddr, body: &[u8]) -> (SocketAddrs, Vec<u8>, Vec<u8>) {
    let mut stream = TcpStream::connect(addr).unwrap();
    let addrs = SocketAddrs { local: addr, remote: stream.local_addr().unwrap() };
    let mut request = format!("POST /mcp HTTP/1.0\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
    request.extend_from_slice(body);
    stream.write_all(&request).unwrap();
    let mut response = Vec::new();
    stream.read_to_end(&mut response).unwrap();
    (addrs, request, response)
}

fn direction(chunks: &[Chunk], wanted: SocketAddrs, server: bool) -> Vec<&Chunk> {
    chunks
        .iter()
        .filter(|chunk| {
            matches!(chunk.source, StreamSource::Tcp { addrs, from_server, .. }
                if addrs == wanted && from_server == server)
        })
        .collect()
}

/// The bytes of one direction, put in order by sequence number; what comes twice (retransmitted) counts once.
fn assemble(chunks: &[&Chunk]) -> Vec<u8> {
    let Some(first) = chunks.first() else { return Vec::new() };
    // Places are counted, round the 32 bits of a sequence number, from well before the first record seen, which need
    // not be the first of the stream.
    let base = first.offset + (1 << 31);
    let mut placed: Vec<_> = chunks
        .iter()
        .map(|chunk| ((chunk.offset + (1 << 32) - base % (1 << 32)) % (1 << 32), &chunk.bytes))
        .collect();
    placed.sort_by_key(|(place, _)| *place);
    let start = placed[0].0;
    let mut whole = Vec::new();
    for (place, bytes) in placed {
        let known = whole.len().checked_sub(usize::try_from(place - start).unwrap());
        whole.extend_from_slice(known.and_then(|known| bytes.get(known..)).unwrap_or_default());
    }
    whole
}

async fn expect(host: &mut Host, addrs: SocketAddrs, from_server: bool, bytes: &[u8]) {
    let what = format!("{} bytes, from server: {from_server}", bytes.len());
    let got = host
        .until(&what, |seen| {
            let chunks = direction(&seen.chunks, addrs, from_server);
            let got = assemble(&chunks);
            // The server closes first, so its end is always seen. The client's may find no socket any more to be seen at.
            let ended = !from_server || chunks.iter().any(|chunk| chunk.end);
            (got.len() >= bytes.len() && ended).then_some(got)
        })
        .await;
    assert!(got == bytes, "{what}: got {:?}", String::from_utf8_lossy(&got[..got.len().min(200)]));
}

#[tokio::test]
async fn an_exchange_over_ipv4_and_ipv6() {
    let Some(mut host) = load().await else { return };
    for (address, family) in [("127.0.0.1", "AF_INET"), ("::1", "AF_INET6")] {
        if family == "AF_INET6" && !has_ipv6() {
            return;
        }
        let (server, addr) = server(address, family);
        let (unwatched, ..) = post(addr, b"before");
        host.kernel.apply(&Effect::WatchPort(addr.port())).unwrap();
        let (addrs, request, response) = post(addr, br#"{"jsonrpc":"2.0"}"#);
        assert!(response.ends_with(br#"answer:{"jsonrpc":"2.0"}"#));
        expect(&mut host, addrs, false, &request).await;
        expect(&mut host, addrs, true, &response).await;
        let cookies: std::collections::BTreeSet<u64> = host
            .seen
            .chunks
            .iter()
            .filter(|chunk| matches!(chunk.source, StreamSource::Tcp { addrs: a, .. } if a == addrs))
            .map(|chunk| chunk.connection)
            .collect();
        assert_eq!(cookies.len(), 1, "both directions are of one connection");
        host.kernel.apply(&Effect::IgnorePort(addr.port())).unwrap();
        let (after, ..) = post(addr, b"after");
        host.marker().await;
        for silent in [unwatched, after] {
            assert!(direction(&host.seen.chunks, silent, false).is_empty());
            assert!(direction(&host.seen.chunks, silent, true).is_empty());
        }
        server.end();
    }
}

#[tokio::test]
async fn a_large_body_arrives_until_the_budget_ends() {
    let Some(mut host) = load().await else { return };
    let (server, addr) = server("127.0.0.1", "AF_INET");
    host.kernel.apply(&Effect::WatchPort(addr.port())).unwrap();
    let body: Vec<u8> = (0..50_000).flat_map(|n| format!("{n:09}\n").into_bytes()).collect();
    let (addrs, request, response) = post(addr, &body);
    expect(&mut host, addrs, false, &request).await;
    expect(&mut host, addrs, true, &response).await;
    let body = vec![b'x'; 3 << 20];
    let (addrs, ..) = post(addr, &body);
    host.until("the end", |seen| {
        direction(&seen.chunks, addrs, true).iter().any(|chunk| chunk.end).then_some(())
    })
    .await;
    for from_server in [false, true] {
        let chunks = direction(&host.seen.chunks, addrs, from_server);
        assert_eq!(chunks.iter().map(|chunk| chunk.bytes.len()).sum::<usize>(), 1 << 20);
        assert!(chunks.iter().any(|chunk| chunk.skipped > 0));
    }
    server.end();
}
