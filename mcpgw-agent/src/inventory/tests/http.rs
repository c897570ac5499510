//! Network servers: one a listener, owners and clients by address.

use super::support::*;
use crate::inventory::*;
use crate::mcp::Peek;
use crate::wire::{HttpSign, NotMcp, Seen, Sighting};

fn listener(addr: &str) -> Listener {
    Listener { addr: addr.parse().unwrap(), net_ns: 1 }
}

fn listen(host: &mut Host, pid: u32, addr: &str) {
    let at = host.now;
    host.send(HostEvent::Listen { process: key(pid), listener: listener(addr), at });
}

fn tcp(host: &mut Host, server: &str, client: &str, from_server: bool, seen: Seen) {
    tcp_in(host, 1, server, client, from_server, seen);
}

fn tcp_in(host: &mut Host, cgroup_id: u64, server: &str, client: &str, from_server: bool, seen: Seen) {
    let addrs = SocketAddrs { local: server.parse().unwrap(), remote: client.parse().unwrap() };
    let source = StreamSource::Tcp { addrs, cgroup_id, from_server };
    let at = host.now;
    host.send(HostEvent::Sighted(Sighting { source, at, seen }));
}

fn says(host: &mut Host, server: &str, client: &str, from_server: bool, peek: Peek) {
    tcp(host, server, client, from_server, Seen::Message(Box::new(peek)));
}

fn post(path: &str, mcp_header: Option<&'static str>) -> Seen {
    let method = "POST".to_owned();
    Seen::Http(HttpSign::Request { method, path: path.to_owned(), host: None, user_agent: None, mcp_header })
}

fn connect(host: &mut Host, pid: u32, client: &str, server: &str) {
    let at = host.now;
    let addrs = SocketAddrs { local: client.parse().unwrap(), remote: server.parse().unwrap() };
    host.send(HostEvent::Connect { process: key(pid), addrs, net_ns: 0, at });
}

fn talk(host: &mut Host, server: &str, client: &str) {
    tcp(host, server, client, false, post("/mcp", None));
    says(host, server, client, false, initialize(0));
    says(host, server, client, true, named(0, "web"));
}

const HERE: &str = "127.0.0.1:8000";

#[test]
fn a_listener_is_watched_and_its_owner_asked_after() {
    let mut host = Host::new();
    host.exec(20, 1, "node app.js", vec![]);
    listen(&mut host, 20, HERE);
    assert_eq!(host.effects, [Effect::WatchPort(8000), Effect::Enrich(key(20))]);
    assert_eq!(host.view(), [], "a port alone is nothing");
    // A scan finds it again.
    listen(&mut host, 20, HERE);
    assert_eq!(host.effects, []);
}

#[test]
fn streamable_http_is_confirmed_with_endpoint_and_client() {
    // The client's connect may be heard of before or after its words.
    for early in [true, false] {
        let mut host = Host::new();
        host.exec(20, 1, "node app.js", vec![]).exec(10, 1, "client", vec![]);
        listen(&mut host, 20, "[::]:8000");
        if early {
            connect(&mut host, 10, "127.0.0.1:5000", HERE);
        }
        talk(&mut host, "[::ffff:127.0.0.1]:8000", "[::ffff:127.0.0.1]:5000");
        if !early {
            assert_eq!(host.only().client, None);
            connect(&mut host, 10, "127.0.0.1:5000", HERE);
        }
        let view = host.only();
        assert_eq!((view.pid, view.state, view.transport), (20, ServerState::Unproxied, Transport::Http));
        assert_eq!(view.endpoint.as_deref(), Some("http://127.0.0.1:8000/mcp"));
        assert_eq!(view.client.unwrap().pid, 10);
        assert_eq!(view.server_info.unwrap().name, "web");
    }
}

#[test]
fn a_listener_is_one_server_however_many_clients() {
    let mut host = Host::new();
    host.exec(20, 1, "node app.js", vec![]);
    listen(&mut host, 20, HERE);
    for port in 5000..5100 {
        talk(&mut host, HERE, &format!("127.0.0.1:{port}"));
    }
    assert_eq!(host.only().messages.c2s, 100);
}

#[test]
fn one_program_at_two_addresses_of_a_port_is_one_server() {
    let mut host = Host::new();
    host.exec(20, 1, "node app.js", vec![]);
    listen(&mut host, 20, HERE);
    listen(&mut host, 20, "[::1]:8000");
    talk(&mut host, HERE, "127.0.0.1:5000");
    talk(&mut host, "[::1]:8000", "[::1]:5000");
    let at = host.now;
    host.send(HostEvent::ListenClosed { listener: listener("[::1]:8000"), at });
    assert_eq!((host.only().pid, host.only().ended_at), (20, None));
    host.send(HostEvent::ListenClosed { listener: listener(HERE), at });
    let ended = host.only();
    assert!(ended.ended_at.is_some());
    // It opens again: another server, by another name.
    listen(&mut host, 20, HERE);
    talk(&mut host, HERE, "127.0.0.1:5000");
    assert_eq!(host.view().len(), 2);
    assert_ne!(host.view()[0].id, host.view()[1].id);
}

#[test]
fn headers_alone_are_evidence() {
    let mut host = Host::new();
    host.exec(20, 1, "node app.js", vec![]);
    listen(&mut host, 20, HERE);
    tcp(&mut host, HERE, "127.0.0.1:5000", false, post("/x", Some("MCP-Protocol-Version")));
    let view = host.only();
    assert_eq!((view.state, view.confirmed), (ServerState::Candidate, false));
    assert_eq!(
        view.evidence.iter().map(|entry| entry.kind.as_str()).collect::<Vec<_>>(),
        ["listener", "header"]
    );
    let answer = Seen::Http(HttpSign::Response { mcp_header: "Mcp-Session-Id" });
    tcp(&mut host, HERE, "127.0.0.1:5000", true, answer);
    assert_eq!(host.only().state, ServerState::Unproxied);
}

#[test]
fn the_older_transport_shows_by_its_endpoint() {
    let mut host = Host::new();
    host.exec(20, 1, "node app.js", vec![]);
    listen(&mut host, 20, HERE);
    let get = HttpSign::Request {
        method: "GET".into(),
        path: "/sse".into(),
        host: None,
        user_agent: None,
        mcp_header: None,
    };
    tcp(&mut host, HERE, "127.0.0.1:5000", false, Seen::Http(get));
    let endpoint = HttpSign::SseEndpoint { path: "/messages".into() };
    tcp(&mut host, HERE, "127.0.0.1:5000", true, Seen::Http(endpoint));
    tcp(&mut host, HERE, "127.0.0.1:5001", false, post("/messages", None));
    says(&mut host, HERE, "127.0.0.1:5001", false, initialize(0));
    says(&mut host, HERE, "127.0.0.1:5000", true, named(0, "old"));
    let view = host.only();
    assert_eq!((view.transport, view.confirmed), (Transport::Sse, true));
    assert_eq!(view.endpoint.as_deref(), Some("http://127.0.0.1:8000/sse"));
}

#[test]
fn a_probed_web_server_is_no_mcp_server() {
    let mut host = Host::new();
    host.exec(20, 1, "nginx", vec![]);
    listen(&mut host, 20, HERE);
    tcp(&mut host, HERE, "127.0.0.1:5000", false, post("/mcp", None));
    says(&mut host, HERE, "127.0.0.1:5000", false, initialize(0));
    tcp(&mut host, HERE, "127.0.0.1:5000", true, Seen::NotMcp(NotMcp::OtherHttp));
    let view = host.only();
    assert_eq!((view.state, view.confirmed), (ServerState::Candidate, false));
}

#[test]
fn other_http_is_let_go_and_looked_at_again() {
    let mut host = Host::new();
    host.exec(20, 1, "nginx", vec![]);
    listen(&mut host, 20, HERE);
    for port in 5000..5032 {
        tcp(&mut host, HERE, &format!("127.0.0.1:{port}"), true, Seen::NotMcp(NotMcp::OtherHttp));
    }
    host.pass(SECOND);
    assert_eq!(host.effects, [Effect::IgnorePort(8000)]);
    host.pass(590 * SECOND);
    assert_eq!(host.effects, []);
    host.pass(20 * SECOND);
    assert_eq!(host.effects, [Effect::WatchPort(8000)]);
    talk(&mut host, HERE, "127.0.0.1:5000");
    assert_eq!(host.only().state, ServerState::Unproxied);
}

#[test]
fn a_classified_port_is_let_go() {
    let mut host = Host::new();
    host.exec(20, 1, "node app.js", vec![]);
    listen(&mut host, 20, HERE);
    talk(&mut host, HERE, "127.0.0.1:5000");
    host.pass(11 * SECOND);
    assert!(host.effects.contains(&Effect::IgnorePort(8000)), "{:?}", host.effects);
    host.pass(700 * SECOND);
    assert_eq!(host.effects, []);
    assert_eq!(host.only().state, ServerState::Unproxied);
}

#[test]
fn two_listeners_of_one_port_share_the_watch() {
    let mut host = Host::new();
    host.exec(20, 1, "a", vec![]).exec(30, 1, "b", vec![]);
    listen(&mut host, 20, "127.0.0.1:8000");
    listen(&mut host, 30, "127.0.0.2:8000");
    assert!(!host.effects.contains(&Effect::WatchPort(8000)));
    let at = host.now;
    host.send(HostEvent::ListenClosed { listener: listener("127.0.0.1:8000"), at });
    assert_eq!(host.effects, []);
    host.send(HostEvent::ListenClosed { listener: listener("127.0.0.2:8000"), at });
    assert_eq!(host.effects, [Effect::IgnorePort(8000)]);
}

#[test]
fn the_same_port_in_two_containers_is_told_apart_by_cgroup() {
    let mut host = Host::new();
    for (pid, cgroup_id) in [(20, 7), (30, 8)] {
        let mut exec = image(pid, 1, "app", vec![], host.now);
        exec.cgroup_id = cgroup_id;
        host.send(HostEvent::Exec(Box::new(exec)));
        let at = host.now;
        let listener = Listener { addr: "0.0.0.0:8000".parse().unwrap(), net_ns: pid };
        host.send(HostEvent::Listen { process: key(pid), listener, at });
    }
    for cgroup in [8, 7] {
        let message = |peek| Seen::Message(Box::new(peek));
        tcp_in(&mut host, cgroup, "10.0.0.2:8000", "10.0.0.1:5000", false, message(initialize(0)));
        tcp_in(&mut host, cgroup, "10.0.0.2:8000", "10.0.0.1:5000", true, message(named(0, "x")));
        let pid = if cgroup == 8 { 30 } else { 20 };
        assert!(host.by_pid(pid).confirmed);
    }
    assert_eq!(host.view().len(), 2);
}

#[test]
fn the_same_port_in_two_namespaces_is_told_apart_by_the_client() {
    let mut host = Host::new();
    for pid in [20, 30] {
        host.exec(pid, 1, "app", vec![]);
        let at = host.now;
        let listener = Listener { addr: "127.0.0.1:8000".parse().unwrap(), net_ns: pid };
        host.send(HostEvent::Listen { process: key(pid), listener, at });
    }
    for (server, client, from) in [(30, 40, "127.0.0.1:5000"), (20, 50, "127.0.0.1:5001")] {
        let addrs = SocketAddrs { local: from.parse().unwrap(), remote: HERE.parse().unwrap() };
        let at = host.now;
        host.send(HostEvent::Connect { process: key(client), addrs, net_ns: server, at });
        talk(&mut host, HERE, from);
        assert!(host.by_pid(server).confirmed);
    }
    assert_eq!(host.view().len(), 2);
}

#[test]
fn a_worker_that_exits_leaves_the_listener() {
    let mut host = Host::new();
    host.exec(20, 1, "gunicorn", vec![]);
    listen(&mut host, 20, HERE);
    host.fork(20, 21);
    talk(&mut host, HERE, "127.0.0.1:5000");
    host.exit(21);
    assert_eq!((host.only().pid, host.only().ended_at), (20, None));
    // The parent exits, a worker stays: it goes on.
    host.fork(20, 22).exit(20);
    assert_eq!((host.only().pid, host.only().ended_at), (22, None));
    let at = host.now;
    host.send(HostEvent::ListenClosed { listener: listener(HERE), at });
    assert!(host.only().ended_at.is_some());
}

#[test]
fn workers_with_sockets_of_their_own_are_one_server() {
    let mut host = Host::new();
    for pid in 20..24 {
        host.exec(pid, 1, "uvicorn", vec![]);
        listen(&mut host, pid, HERE);
    }
    talk(&mut host, HERE, "127.0.0.1:5000");
    let close = |host: &mut Host| {
        let at = host.now;
        host.send(HostEvent::ListenClosed { listener: listener(HERE), at });
    };
    close(&mut host);
    host.exit(20);
    assert_eq!((host.only().pid, host.only().ended_at), (21, None));
    for pid in 21..24 {
        close(&mut host);
        host.exit(pid);
    }
    assert!(host.only().ended_at.is_some());
}

#[test]
fn a_server_that_dies_without_its_closing_being_heard_has_ended() {
    let mut host = Host::new();
    host.exec(20, 1, "app", vec![]);
    listen(&mut host, 20, HERE);
    talk(&mut host, HERE, "127.0.0.1:5000");
    host.exit(20);
    assert!(host.effects.contains(&Effect::IgnorePort(8000)));
    assert!(host.only().ended_at.is_some());
    // Another server on the same port is another row.
    host.exec(30, 1, "app", vec![]);
    listen(&mut host, 30, HERE);
    talk(&mut host, HERE, "127.0.0.1:5000");
    assert_eq!(host.view().len(), 2);
    host.pass(11 * SECOND);
    assert_eq!(host.only().pid, 30);
}

#[test]
fn a_named_listener_is_a_candidate() {
    let mut host = Host::new();
    host.facts.insert(key(20), Enriched { argv: vec!["mcp-server-x".into()], ..Enriched::default() });
    host.exec(20, 1, "prog", vec![]);
    listen(&mut host, 20, "0.0.0.0:8000");
    let view = host.only();
    assert_eq!((view.state, view.endpoint.as_deref()), (ServerState::Candidate, Some("http://0.0.0.0:8000")));
}

#[test]
fn a_process_with_both_ways_in_has_one_row_until_both_are_used() {
    let mut host = Host::new();
    host.exec(10, 1, "harness", vec![]);
    host.exec_observed(20, 10, "mcp-server-x streamableHttp", pipes(1, 2));
    listen(&mut host, 20, HERE);
    assert_eq!(host.only().transport, Transport::Stdio);
    talk(&mut host, HERE, "127.0.0.1:5000");
    assert_eq!(host.only().transport, Transport::Http);
    host.talk(20, pipe(1), pipe(2));
    assert_eq!(host.view().len(), 2);
    host.exit(20);
    assert!(host.view().iter().all(|server| server.ended_at.is_some()));

    // Its stdio turns out to be a log: the port is the row.
    let mut host = Host::new();
    host.exec_observed(20, 10, "mcp-server-x streamableHttp", pipes(1, 2));
    listen(&mut host, 20, HERE);
    host.not_mcp(20, pipe(1), false, NotMcp::NotJson);
    assert_eq!(host.only().transport, Transport::Http);
}

#[test]
fn a_server_all_of_whose_clients_are_gateways_is_proxied() {
    const GATEWAY: &str = "127.0.0.1:8080";
    let mut host = Host::new();
    host.exec(20, 1, "node app.js", vec![]).exec(30, 1, "mcpgw-agent proxy", vec![]).exec(40, 1, "c", vec![]);
    listen(&mut host, 20, HERE);
    listen(&mut host, 30, GATEWAY);
    host.register(30, vec![]);
    connect(&mut host, 40, "127.0.0.1:5000", GATEWAY);
    talk(&mut host, GATEWAY, "127.0.0.1:5000");
    connect(&mut host, 30, "127.0.0.1:5001", HERE);
    talk(&mut host, HERE, "127.0.0.1:5001");
    let behind = host.only();
    assert_eq!((behind.pid, behind.state), (20, ServerState::Proxied), "the gateway is no server of its own");
    assert!(behind.reason.contains("mcpgw proxy `box` (pid 30)"), "{}", behind.reason);
    host.pass(11 * SECOND);
    assert!(host.effects.contains(&Effect::IgnorePort(8000)), "{:?}", host.effects);

    // Somebody else connects: it is looked at again, and what it says tells.
    connect(&mut host, 40, "127.0.0.1:5002", HERE);
    assert_eq!(host.effects, [Effect::WatchPort(8000)]);
    host.pass(SECOND);
    assert_eq!((host.effects.as_slice(), host.only().state), (&[][..], ServerState::Proxied));
    says(&mut host, HERE, "127.0.0.1:5002", false, request(7, "tools/list"));
    let past = host.only();
    assert_eq!(past.state, ServerState::Unproxied);
    assert!(past.reason.contains("(pid 40) talks to it past the gateway"), "{}", past.reason);
    host.pass(11 * SECOND);
    assert_eq!(host.effects, [Effect::IgnorePort(8000)]);

    host.exit(40);
    assert_eq!(host.only().state, ServerState::Proxied, "it is gone");
    host.send(HostEvent::ProxyGone { proxy: key(30) });
    assert_eq!(host.by_pid(20).state, ServerState::Unproxied, "and so is the gateway");
    // The next one.
    host.exec(31, 1, "mcpgw-agent proxy", vec![]).register(31, vec![]);
    connect(&mut host, 31, "127.0.0.1:5003", HERE);
    host.exit(30);
    assert_eq!(host.by_pid(20).state, ServerState::Proxied);
}
