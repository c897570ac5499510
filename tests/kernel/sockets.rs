//! Listeners and connections, with their owners.

use std::net::SocketAddr;

use mcpgw_agent::inventory::HostEvent;

use crate::support::{Python, has_ipv6, load, process};

#[tokio::test]
async fn a_listener_and_a_connection_belong_to_who_made_them() {
    let Some(mut host) = load().await else { return };
    for (family, loopback) in [("AF_INET", "127.0.0.1"), ("AF_INET6", "::1")] {
        if family == "AF_INET6" && !has_ipv6() {
            return;
        }
        let mut server = Python::start(&format!(
            "
s = socket.socket(socket.{family}); s.bind(('{loopback}', 0)); s.listen()
say(s.getsockname()[1])
c, _ = s.accept()
hear(); c.close(); s.close(); say('closed'); hear()
"
        ));
        let port = u16::try_from(server.numbers()[0]).unwrap();
        let addr = SocketAddr::new(loopback.parse().unwrap(), port);
        let owner = process(server.pid());
        let net_ns = host
            .until("listen", |seen| {
                seen.host.iter().find_map(|event| match event {
                    HostEvent::Listen { process, listener, .. }
                        if *process == owner && listener.addr == addr =>
                    {
                        Some(listener.net_ns)
                    }
                    _ => None,
                })
            })
            .await;
        let link = std::fs::read_link("/proc/self/ns/net").unwrap();
        assert_eq!(link.to_str().unwrap(), format!("net:[{net_ns}]"));
        let mut client = Python::start(&format!(
            "s = socket.create_connection(('{loopback}', {port})); say(s.getsockname()[1]); hear()"
        ));
        let from = SocketAddr::new(addr.ip(), u16::try_from(client.numbers()[0]).unwrap());
        let caller = process(client.pid());
        host.until("connect", |seen| {
            seen.host.iter().find_map(|event| match event {
                HostEvent::Connect { process, addrs, .. } if *process == caller => {
                    assert_eq!((addrs.local, addrs.remote), (from, addr));
                    Some(())
                }
                _ => None,
            })
        })
        .await;
        server.tell("close");
        assert_eq!(server.hear(), "closed");
        client.end();
        server.end();
        host.until("the server's end", |seen| {
            let ended =
                |event: &HostEvent| matches!(event, HostEvent::Exit { process, .. } if *process == owner);
            seen.host.iter().any(ended).then_some(())
        })
        .await;
        // Once, though a connection's socket starts as a copy of the listener's and leaves LISTEN, too.
        let closed = |event: &&HostEvent| matches!(event, HostEvent::ListenClosed { listener, .. } if listener.addr == addr);
        assert_eq!(host.seen.host.iter().filter(closed).count(), 1);
    }
}

#[tokio::test]
async fn a_mapped_address_and_a_refused_connection() {
    let Some(mut host) = load().await else { return };
    if !has_ipv6() {
        return;
    }
    // A dual-stack listener, a client that reaches it by IPv4 through an IPv6 socket, and a port where nobody is.
    let mut driver = Python::start(
        "
s = socket.socket(socket.AF_INET6); s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
s.bind(('::', 0)); s.listen()
port = s.getsockname()[1]
spare = socket.socket(); spare.bind(('127.0.0.1', 0))
refused = socket.socket()
try: refused.connect(spare.getsockname())
except ConnectionRefusedError: pass
c = socket.socket(socket.AF_INET6); c.connect(('::ffff:127.0.0.1', port))
say(port, spare.getsockname()[1])
hear()
",
    );
    let [port, nobody] = driver.numbers()[..] else { panic!() };
    let caller = process(driver.pid());
    let remote = host
        .until("connect", |seen| {
            seen.host.iter().find_map(|event| match event {
                HostEvent::Connect { process, addrs, .. } if *process == caller => Some(addrs.remote),
                _ => None,
            })
        })
        .await;
    assert_eq!(remote, SocketAddr::new("127.0.0.1".parse().unwrap(), u16::try_from(port).unwrap()));
    host.marker().await;
    let refused = host.seen.host.iter().any(
        |event| matches!(event, HostEvent::Connect { addrs, .. } if u64::from(addrs.remote.port()) == nobody),
    );
    assert!(!refused, "a connection that was never made");
    driver.end();
}

#[tokio::test]
async fn our_own_sockets_are_not_reported() {
    let Some(mut host) = load().await else { return };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let stream = std::net::TcpStream::connect(addr).unwrap();
    drop((stream, listener));
    host.marker().await;
    let ours = host.seen.host.iter().any(|event| match event {
        HostEvent::Listen { listener, .. } | HostEvent::ListenClosed { listener, .. } => {
            listener.addr == addr
        }
        HostEvent::Connect { addrs, .. } => addrs.remote == addr,
        _ => false,
    });
    assert!(!ours);
}
