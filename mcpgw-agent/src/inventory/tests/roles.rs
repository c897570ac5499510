//! Who is the server and who the client: told by who does what.

use super::support::*;
use crate::inventory::*;
use crate::mcp::Peek;

#[test]
fn the_maker_of_the_sockets_is_the_client() {
    let mut host = Host::new();
    host.exec(9, 1, "ide", vec![]).exec(10, 9, "launcher", vec![]);
    host.exec_observed(20, 10, "srv", sockets(100, 200, 9));
    assert_eq!(host.only().client.unwrap().pid, 9);
    // Once it is gone the nearest ancestor will have to do.
    host.exit(9).exec(20, 10, "srv", sockets(100, 200, 9));
    assert_eq!(host.only().client.unwrap().pid, 10);
}

#[test]
fn for_pipes_the_holder_of_the_other_ends_is_the_client() {
    let mut host = Host::new();
    let at = host.now;
    host.send(scanned(9, 1, "ide", vec![writes(7, 1), reads(8, 2)], at));
    host.exec(10, 1, "unrelated", vec![]);
    host.send(scanned(20, 10, "srv", pipes(1, 2), at));
    assert_eq!(host.only().client.unwrap().pid, 9);
}

#[test]
fn who_is_seen_to_ask_is_the_client_whatever_the_lineage() {
    let mut host = Host::new();
    host.exec(10, 1, "parent", vec![]).exec(11, 1, "asker", vec![]);
    host.exec_observed(20, 10, "srv", pipes(1, 2));
    assert_eq!(host.only().client.unwrap().pid, 10);
    host.wrote(11, pipe(1), initialize(0));
    let client = host.only().client.unwrap();
    assert_eq!((client.pid, client.name.as_deref(), client.exe.as_str()), (11, Some("cli"), "/bin/asker"));
}

#[test]
fn init_is_nobody_s_client() {
    let mut host = Host::new();
    host.exec(1, 0, "init", vec![]);
    host.exec_observed(20, 1, "mcp-server-x", pipes(1, 2));
    assert_eq!(host.only().client, None);
}

#[test]
fn a_server_s_own_requests_do_not_turn_the_roles() {
    let mut host = Host::new();
    host.exec(10, 1, "client", vec![]);
    host.exec_observed(20, 10, "srv", pipes(1, 2)).talk(20, pipe(1), pipe(2));
    for method in ["sampling/createMessage", "elicitation/create", "roots/list"] {
        host.wrote(20, pipe(2), request(7, method)).read(10, pipe(2), request(7, method));
        host.wrote(10, pipe(1), plain(7)).read(20, pipe(1), plain(7));
    }
    host.wrote(20, pipe(2), ping(8)).read(10, pipe(2), ping(8)).read(20, pipe(1), plain(8));
    let server = host.only();
    assert_eq!((server.pid, server.client.unwrap().pid), (20, 10));
    assert_eq!((server.messages.c2s, server.messages.s2c), (6, 6));
}

#[test]
fn a_gateway_is_a_server_and_a_client() {
    let mut host = Host::new();
    host.exec(10, 1, "client", vec![]);
    host.exec_observed(20, 10, "gw", pipes(1, 2)).exec_observed(30, 20, "inner", pipes(3, 4));
    host.talk(20, pipe(1), pipe(2));
    host.wrote(20, pipe(3), initialize(0)).talk(30, pipe(3), pipe(4)).read(20, pipe(4), named(0, "srv"));
    assert_eq!(host.view().len(), 2);
    assert_eq!(host.by_pid(20).client.unwrap().pid, 10);
    assert_eq!(host.by_pid(30).client.unwrap().pid, 20);
    assert!(host.by_pid(20).confirmed && host.by_pid(30).confirmed);
}

#[test]
fn a_client_with_pipes_for_stdio_is_not_listed() {
    // mkfifo a b; server <a >b & client <b >a
    for client_first in [true, false] {
        let mut host = Host::new();
        host.exec(10, 1, "shell", vec![]);
        if client_first {
            host.exec_observed(21, 10, "client", pipes(2, 1)).exec_observed(20, 10, "srv", pipes(1, 2));
        } else {
            host.exec_observed(20, 10, "srv", pipes(1, 2)).exec_observed(21, 10, "client", pipes(2, 1));
        }
        host.wrote(21, pipe(1), initialize(0)).read(20, pipe(1), initialize(0));
        host.wrote(20, pipe(2), named(0, "s")).read(21, pipe(2), named(0, "s"));
        let server = host.only();
        assert_eq!((server.pid, server.client.unwrap().pid), (20, 21));
    }
}

#[test]
fn a_server_that_is_never_executed_in_sight_is_found_by_its_words() {
    // Only the client's fifo-crossed shape was seen.
    let mut host = Host::new();
    host.exec(10, 1, "shell", vec![]);
    host.exec_observed(21, 10, "client", pipes(2, 1));
    host.read(20, pipe(1), initialize(0)).wrote(20, pipe(2), named(0, "s"));
    let server = host.only();
    assert_eq!((server.pid, server.confirmed), (20, true));
}

#[test]
fn a_server_cannot_hide_by_talking_like_a_client() {
    let mut host = Host::new();
    host.exec(10, 1, "client", vec![]);
    host.exec_observed(20, 10, "srv", pipes(1, 2)).talk(20, pipe(1), pipe(2));
    host.wrote(20, pipe(2), request(5, "tools/list")).read(10, pipe(2), request(5, "tools/list"));
    host.wrote(10, pipe(1), failed(5));
    let server = host.only();
    assert_eq!((server.pid, server.state), (20, ServerState::Unproxied));
    // Nor by doing so first.
    let mut host = Host::new();
    host.exec_observed(20, 10, "srv", pipes(1, 2));
    host.wrote(20, pipe(2), request(5, "tools/list"));
    host.talk(20, pipe(1), pipe(2));
    assert_eq!(host.by_pid(20).state, ServerState::Unproxied);
}

#[test]
fn sockets_are_one_conversation_from_both_ends() {
    let mut host = Host::new();
    host.exec(10, 1, "client", vec![]);
    host.exec_observed(20, 10, "srv", vec![sock(0, 100, 101, 10), sock(1, 100, 101, 10)]);
    let both = |host: &mut Host, peek: Peek, to_server: bool| {
        let (writer, from, reader, into) = if to_server { (10, 101, 20, 100) } else { (20, 100, 10, 101) };
        host.wrote(writer, socket(from), peek.clone()).read(reader, socket(into), peek);
    };
    both(&mut host, initialize(0), true);
    both(&mut host, named(0, "s"), false);
    both(&mut host, request(1, "tools/list"), true);
    both(&mut host, tools(1, 4), false);
    let server = host.only();
    assert_eq!((server.pid, server.client.unwrap().pid, server.tools), (20, 10, Some(4)));
    assert_eq!((server.messages.c2s, server.messages.s2c), (2, 2), "seen at both ends, counted once");
}

#[test]
fn a_socket_s_peer_may_become_known_later() {
    let mut host = Host::new();
    let at = host.now;
    host.send(observed(exec(20, 10, "srv", vec![sock(0, 100, 0, 0), sock(1, 200, 0, 0)], at)));
    // What the client reads and writes fits nowhere yet.
    host.wrote(10, socket(101), initialize(0)).read(10, socket(201), named(0, "s"));
    assert!(!host.only().confirmed);
    host.send(scanned(10, 1, "client", vec![sock(5, 101, 100, 0), sock(6, 201, 200, 0)], at));
    let server = host.only();
    assert_eq!((server.confirmed, server.client.unwrap().pid), (true, 10));
}
