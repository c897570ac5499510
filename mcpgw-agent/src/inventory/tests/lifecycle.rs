//! Processes: identity, order, lineage, ends.

use super::support::*;
use crate::inventory::*;

#[test]
fn several_execs_under_one_pid_replace_the_image() {
    let mut host = Host::new();
    host.exec(10, 1, "client", vec![]);
    host.exec(20, 10, "env node mcp-server-x", pipes(1, 2));
    host.exec(20, 10, "node mcp-server-x", pipes(1, 2));
    let server = host.only();
    assert_eq!(server.command[0], "node");
    // An older image that arrives late changes nothing.
    let old = exec(20, 10, "env", pipes(1, 2), BootTime(5));
    host.send(old);
    assert_eq!(host.only().command[0], "node");
}

#[test]
fn a_pid_used_again_is_another_process() {
    let mut host = Host::new();
    host.exec(20, 10, "mcp-server-x", pipes(1, 2)).exit(20);
    let mut again = image(20, 10, "cat", pipes(1, 2), host.now);
    again.process.start_ticks += 500;
    host.exec(10, 1, "client", vec![]);
    host.send(HostEvent::Exec(Box::new(again)));
    let server = host.only();
    assert_eq!((server.pid, server.command[0].as_str()), (20, "cat"));
}

#[test]
fn lineage_survives_reparenting() {
    let mut host = Host::new();
    host.exec(10, 1, "client", vec![]);
    host.fork(10, 11).fork(11, 12).exit(11);
    // The kernel says the parent is init by now; the fork knew better.
    host.exec(12, 1, "mcp-server-x", pipes(1, 2));
    host.pass(40 * SECOND);
    let server = host.only();
    assert_eq!(server.ancestors.iter().map(|above| above.pid).collect::<Vec<_>>(), [11, 10, 1]);
    assert_eq!(server.client.unwrap().pid, 10);
}

#[test]
fn exec_before_fork_and_exit_before_exec() {
    let mut host = Host::new();
    host.exec(10, 1, "client", vec![]);
    host.exec(12, 10, "mcp-server-x", pipes(1, 2));
    host.fork(10, 12);
    assert_eq!(host.only().command, ["mcp-server-x"]);

    let mut host = Host::new();
    let at = host.now;
    host.exit(12);
    host.send(exec(12, 10, "mcp-server-x", pipes(1, 2), at));
    let server = host.only();
    assert!(server.ended_at.is_some());
    host.pass(12 * SECOND);
    assert_eq!(host.view(), []);
}

#[test]
fn an_ended_server_stays_for_a_grace_and_then_in_history() {
    let mut host = Host::new();
    host.exec(10, 1, "client", vec![]);
    host.exec(20, 10, "srv", pipes(1, 2)).talk(20, pipe(1), pipe(2));
    let id = host.only().id;
    host.exit(20);
    assert!(host.effects.iter().any(|effect| matches!(effect, Effect::Changed(_))));
    let server = host.only();
    assert!(server.ended_at.is_some() && server.id == id);
    host.pass(9 * SECOND);
    assert_eq!(host.view().len(), 1);
    host.pass(2 * SECOND);
    assert_eq!(host.view(), []);
    let history = host.inventory.history(jiff::Timestamp::UNIX_EPOCH, ViewFilter::default());
    assert_eq!(history.len(), 1);
    assert_eq!((history[0].id.as_str(), history[0].state), (id.as_str(), ServerState::Unproxied));
    assert_eq!(history[0].client.as_ref().unwrap().pid, 10);
    assert_eq!(host.inventory.stats().ended, 1);
}

#[test]
fn a_filter_in_a_pipeline_leaves_no_trace() {
    let mut host = Host::new();
    host.exec(20, 10, "grep x", pipes(1, 2));
    let server = host.only();
    assert_eq!(server.state, ServerState::Candidate);
    assert_eq!(server.evidence.iter().map(|entry| entry.kind.as_str()).collect::<Vec<_>>(), ["shape"]);
    assert!(!host.effects.iter().any(|effect| matches!(effect, Effect::Changed(_))));
    host.exit(20);
    assert_eq!(host.view(), []);
    host.pass(3 * SECOND);
    assert_eq!(host.inventory.stats().records, 0);
    assert_eq!(host.inventory.history(jiff::Timestamp::UNIX_EPOCH, ViewFilter::default()), []);
}

#[test]
fn a_server_that_was_over_before_its_bytes_were_read_is_still_told() {
    let mut host = Host::new();
    host.exec(10, 1, "client", vec![]);
    host.exec_observed(20, 10, "srv", pipes(1, 2)).exit(20);
    host.talk(20, pipe(1), pipe(2));
    let server = host.only();
    assert!(server.confirmed && server.ended_at.is_some());
}

#[test]
fn untrusted_text_is_escaped_and_bounded() {
    let mut host = Host::new();
    let line = format!("mcp-server-\x1b[31m\u{202e}x {}", "y".repeat(9000));
    host.exec(20, 10, &line, pipes(1, 2));
    host.read(20, pipe(1), initialize(1));
    host.wrote(20, pipe(2), named(1, &"n\n".repeat(4000)));
    let server = host.only();
    let text = format!("{:?}", server.command);
    assert!(!text.contains('\x1b') && !text.contains('\u{202e}'));
    assert!(server.command.iter().map(String::len).sum::<usize>() <= 4200);
    let name = server.server_info.unwrap().name;
    assert!(name.len() <= 270 && !name.contains('\n'), "{name}");
}

#[test]
fn a_view_can_be_limited_to_one_user() {
    let mut host = Host::new();
    host.exec(20, 10, "mcp-server-x", pipes(1, 2));
    let view = |uid| host.inventory.view(jiff::Timestamp::UNIX_EPOCH, ViewFilter { uid: Some(uid) }).len();
    assert_eq!((view(1000), view(1)), (1, 0));
}
