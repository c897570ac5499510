//! One conversation, many processes: listed once, as who really serves.

use super::support::*;

fn npx(host: &mut Host) {
    host.exec(10, 1, "claude", vec![]);
    host.fork(10, 20).exec_observed(20, 10, "npx server", sockets(100, 200, 10));
    host.fork(20, 21).exec_observed(21, 20, "sh -c mcp-server-x", sockets(100, 200, 10));
    host.fork(21, 22).exec_observed(22, 21, "node mcp-server-x", sockets(100, 200, 10));
}

#[test]
fn npx_sh_node_is_one_server_attributed_to_the_reader() {
    let mut host = Host::new();
    npx(&mut host);
    let before = host.only();
    assert_eq!(before.pid, 22, "the deepest until a reader shows");
    host.read(22, socket(100), initialize(0));
    host.wrote(22, socket(200), named(0, "x"));
    let server = host.only();
    assert_eq!((server.pid, server.client.as_ref().unwrap().pid), (22, 10));
    assert_eq!(server.id, before.id);
    assert_eq!(server.ancestors.iter().map(|above| above.pid).collect::<Vec<_>>(), [21, 20, 10, 1]);
}

#[test]
fn a_provisional_wrapper_gives_way_under_the_same_id() {
    let mut host = Host::new();
    host.exec(10, 1, "client", vec![]);
    host.exec_observed(20, 10, "uv run srv", pipes(1, 2));
    let id = host.only().id;
    assert_eq!(host.only().pid, 20);
    host.fork(20, 21).exec_observed(21, 20, "python srv", pipes(1, 2));
    assert_eq!((host.only().pid, host.only().id), (21, id.clone()));
    // The parent reads after all: who reads is the server.
    host.read(20, pipe(1), initialize(0));
    assert_eq!((host.only().pid, host.only().id), (20, id));
}

#[test]
fn wrappers_that_outlive_the_server_are_not_the_server() {
    let mut host = Host::new();
    npx(&mut host);
    host.read(22, socket(100), initialize(0)).wrote(22, socket(200), named(0, "x"));
    host.exit(22);
    assert_eq!(host.only().pid, 22);
    assert!(host.only().ended_at.is_some());
    host.exit(21).exit(20);
    assert_eq!(host.only().pid, 22);
    host.pass(11 * SECOND);
    assert_eq!(host.view(), []);
}

#[test]
fn a_supervisor_s_next_child_goes_on_under_the_same_row() {
    let mut host = Host::new();
    npx(&mut host);
    host.read(22, socket(100), initialize(0)).wrote(22, socket(200), named(0, "x"));
    let id = host.only().id;
    host.exit(22).pass(SECOND);
    host.fork(21, 23).exec_observed(23, 21, "node mcp-server-x", sockets(100, 200, 10));
    let server = host.only();
    assert_eq!((server.pid, server.ended_at, server.id), (23, None, id));
}

#[test]
fn a_shell_pipeline_around_a_server_is_one_server() {
    // sh -c "server | tee log": sh has (1,2), the server (1,3), tee (3,2).
    let mut host = Host::new();
    host.exec(10, 1, "client", vec![]);
    host.exec_observed(20, 10, "sh -c srv|tee", pipes(1, 2));
    host.exec_observed(21, 20, "srv", pipes(1, 3));
    host.exec_observed(22, 20, "tee log", pipes(3, 2));
    host.talk(21, pipe(1), pipe(3));
    host.read(22, pipe(3), named(0, "srv")).wrote(22, pipe(2), named(0, "srv"));
    let server = host.only();
    assert_eq!((server.pid, server.confirmed), (21, true));
    assert_eq!(server.client.unwrap().pid, 10);
    assert_eq!((server.messages.c2s, server.messages.s2c), (2, 2), "copies do not count twice");
}

#[test]
fn a_filter_in_front_of_a_server_is_not_the_server() {
    // sh -c "cat | server": sh (1,2), cat (1,3), server (3,2).
    let mut host = Host::new();
    host.exec(10, 1, "client", vec![]);
    host.exec_observed(20, 10, "sh -c cat|srv", pipes(1, 2));
    host.exec_observed(21, 20, "cat", pipes(1, 3));
    host.exec_observed(22, 20, "srv", pipes(3, 2));
    host.read(21, pipe(1), initialize(0)).wrote(21, pipe(3), initialize(0));
    host.read(22, pipe(3), initialize(0)).wrote(22, pipe(2), named(0, "srv"));
    assert_eq!(host.only().pid, 22);
}

#[test]
fn only_the_client_s_side_visible_the_deepest_holder_serves() {
    let mut host = Host::new();
    npx(&mut host);
    host.wrote(10, socket(101), initialize(0));
    host.read(10, socket(201), named(0, "x"));
    let server = host.only();
    assert_eq!((server.pid, server.confirmed), (22, true));
    assert_eq!(server.client.unwrap().pid, 10);
}

#[test]
fn a_worker_that_goes_on_serving_is_the_server() {
    let mut host = Host::new();
    host.exec(10, 1, "client", vec![]);
    host.exec_observed(20, 10, "srv", pipes(1, 2)).talk(20, pipe(1), pipe(2));
    host.fork(20, 21).exit(20);
    assert_eq!((host.only().pid, host.only().ended_at), (21, None));
    host.exit(21);
    assert!(host.only().ended_at.is_some());
}

#[test]
fn a_child_that_leaves_the_channels_is_no_holder() {
    let mut host = Host::new();
    host.exec(10, 1, "client", vec![]);
    host.exec_observed(20, 10, "srv", pipes(1, 2));
    host.fork(20, 21).exec(21, 20, "git status", vec![]);
    assert_eq!(host.only().pid, 20);
    host.exit(20);
    assert_eq!(host.view(), []);
}

#[test]
fn python_s_moved_descriptors_are_found_by_a_scan() {
    for parent_first in [true, false] {
        let mut host = Host::new();
        let at = host.now;
        let client = scanned(10, 1, "client", vec![writes(7, 1), reads(8, 2)], at);
        // stderr is the client's pipe as well, and descriptor 1 points there.
        let server =
            scanned(20, 10, "python srv.py", vec![writes(1, 9), writes(2, 9), reads(6, 1), writes(7, 2)], at);
        let events = if parent_first { vec![client, server] } else { vec![server, client] };
        host.sends(events).pass(SECOND);
        let view = host.only();
        assert_eq!((view.pid, view.client.unwrap().pid), (20, 10));
        host.talk(20, pipe(1), pipe(2));
        assert!(host.only().confirmed);
    }
}

#[test]
fn a_scan_of_plumbing_finds_nothing() {
    let mut host = Host::new();
    let at = host.now;
    // A self-pipe, and a child that inherited both ends of its parent's.
    host.send(scanned(10, 1, "a", vec![reads(3, 1), writes(4, 1), reads(5, 2), writes(6, 2)], at));
    host.send(scanned(11, 10, "b", vec![reads(3, 1), writes(4, 1), reads(5, 2), writes(6, 2)], at));
    host.pass(3 * SECOND);
    assert_eq!(host.view(), []);
}
