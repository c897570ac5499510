//! Effects: observe, classify, forget.

use super::support::*;
use crate::inventory::*;
use crate::wire::NotMcp;

fn observes(effects: &[Effect]) -> Vec<&Effect> {
    effects.iter().filter(|effect| matches!(effect, Effect::Observe { .. })).collect()
}

fn releases(effects: &[Effect]) -> Vec<(Vec<Channel>, Vec<u32>, bool)> {
    let release = |effect: &Effect| {
        if let Effect::Release { channels, processes, settled } = effect {
            let mut pids: Vec<u32> = processes.iter().map(|process| process.pid).collect();
            pids.sort_unstable();
            let mut channels = channels.clone();
            channels.sort_unstable();
            Some((channels, pids, *settled))
        } else {
            None
        }
    };
    effects.iter().filter_map(release).collect()
}

#[test]
fn a_candidate_is_observed_at_both_ends_and_enriched() {
    let mut host = Host::new();
    host.exec(10, 1, "client", vec![]);
    host.exec(20, 10, "srv", sockets(100, 200, 10));
    let [Effect::Observe { channels, processes }] = observes(&host.effects)[..] else {
        panic!("{:?}", host.effects)
    };
    assert_eq!(*channels, [socket(100), socket(101), socket(201), socket(200)]);
    let own = ObservedProcess { process: key(20), inherit: true };
    let client = ObservedProcess { process: key(10), inherit: false };
    assert_eq!(*processes, [own, client]);
    assert!(
        host.effects.contains(&Effect::Enrich(key(20))) && host.effects.contains(&Effect::Enrich(key(10)))
    );
}

#[test]
fn what_the_kernel_observes_already_is_not_asked_for_but_released() {
    let mut host = Host::new();
    host.exec(10, 1, "client", vec![]);
    host.exec_observed(20, 10, "srv", sockets(100, 200, 10));
    assert!(observes(&host.effects).is_empty(), "{:?}", host.effects);
    host.fork(20, 21);
    host.not_mcp(20, socket(100), false, NotMcp::NotJson);
    let all = vec![socket(100), socket(101), socket(200), socket(201)];
    assert_eq!(releases(&host.effects), [(all.clone(), vec![10, 20, 21], true)]);
    // The mark goes when the conversation does, for inodes are used again.
    host.exit(20).exit(21);
    assert_eq!(releases(&host.effects), [(all, vec![], false)]);
}

#[test]
fn nothing_happens_twice() {
    let mut host = Host::new();
    let at = host.now;
    host.exec(10, 1, "client", vec![]);
    host.exec(20, 10, "srv", pipes(1, 2));
    host.send(scanned(20, 10, "srv", pipes(1, 2), at));
    assert!(observes(&host.effects).is_empty());
    host.send(scanned(20, 10, "srv", pipes(1, 2), at));
    assert_eq!(host.effects, []);
    host.talk(20, pipe(1), pipe(2));
    host.read(20, pipe(1), request(9, "tools/call"));
    assert_eq!(host.effects, [], "a message more is no news");
}

#[test]
fn a_server_is_let_go_when_name_and_tools_are_known() {
    let mut host = Host::new();
    host.exec(10, 1, "client", vec![]);
    host.exec_observed(20, 10, "srv", pipes(1, 2));
    host.read(20, pipe(1), initialize(0)).wrote(20, pipe(2), named(0, "s"));
    assert!(releases(&host.effects).is_empty());
    host.read(20, pipe(1), request(1, "tools/list")).wrote(20, pipe(2), tools(1, 1));
    assert_eq!(releases(&host.effects), [(vec![pipe(1), pipe(2)], vec![10, 20], true)]);
    // Whoever is started on it before the kernel knows is let go as well.
    host.exec_observed(22, 20, "child", pipes(1, 2));
    assert_eq!(
        releases(&host.effects),
        [(vec![pipe(1), pipe(2)], vec![10, 20, 22], true)].map(|mut release| {
            release.1.retain(|pid| *pid != 10);
            release
        })
    );
    assert_eq!(host.only().pid, 20);
}

#[test]
fn a_confirmed_server_is_let_go_after_ten_seconds_anyway() {
    let mut host = Host::new();
    host.exec_observed(20, 10, "srv", pipes(1, 2));
    host.read(20, pipe(1), initialize(0)).wrote(20, pipe(2), named(0, "s"));
    host.pass(9 * SECOND);
    assert!(releases(&host.effects).is_empty());
    host.pass(2 * SECOND);
    assert!(matches!(releases(&host.effects)[..], [(_, _, true)]), "{:?}", host.effects);
    assert_eq!(host.only().state, ServerState::Unproxied);
    host.pass(60 * SECOND);
    assert_eq!(host.effects, []);
}

#[test]
fn traffic_without_mcp_is_given_up_after_thirty_seconds() {
    let mut host = Host::new();
    host.exec_observed(20, 10, "srv", pipes(1, 2)).read(20, pipe(1), ping(1));
    host.pass(31 * SECOND);
    assert!(matches!(releases(&host.effects)[..], [(_, _, true)]), "{:?}", host.effects);
    assert_eq!(host.view(), []);
}

#[test]
fn a_silent_candidate_dozes_until_it_stirs() {
    let mut host = Host::new();
    host.exec(10, 1, "client", vec![]);
    host.exec_observed(20, 10, "mcp-server-x", pipes(1, 2));
    host.pass(31 * SECOND);
    assert_eq!(releases(&host.effects), [(vec![pipe(1), pipe(2)], vec![10, 20], false)]);
    assert!(host.effects.contains(&Effect::Doze(key(20))));
    assert_eq!(host.inventory.stats().dozing, 1);
    host.pass(60 * SECOND);
    assert_eq!(host.effects, []);
    let at = host.now;
    host.send(HostEvent::Stirred { process: key(20), at });
    assert!(host.effects.contains(&Effect::Wake(key(20))));
    assert_eq!(observes(&host.effects).len(), 1);
    host.talk(20, pipe(1), pipe(2));
    assert_eq!(host.only().state, ServerState::Unproxied);
}

#[test]
fn a_child_started_late_gets_its_own_chance() {
    // The client asked at once; the package took minutes to install.
    let mut host = Host::new();
    host.exec_observed(20, 10, "npx slow", pipes(1, 2)).wrote(10, pipe(1), initialize(0));
    host.pass(125 * SECOND);
    assert_eq!(host.only().state, ServerState::Unknown);
    host.exec(21, 20, "node slow", pipes(1, 2));
    assert_eq!(observes(&host.effects).len(), 1, "{:?}", host.effects);
    host.pass(SECOND).talk(21, pipe(1), pipe(2));
    assert_eq!((host.only().pid, host.only().state), (21, ServerState::Unproxied));
}

#[test]
fn a_wrapper_that_dozed_wakes_for_its_child() {
    let mut host = Host::new();
    host.exec_observed(20, 10, "npx slow", pipes(1, 2)).pass(31 * SECOND);
    host.exec_observed(21, 20, "node slow", pipes(1, 2));
    assert!(host.effects.contains(&Effect::Wake(key(20))), "{:?}", host.effects);
    host.talk(21, pipe(1), pipe(2));
    assert_eq!(host.only().pid, 21);
}

#[test]
fn a_client_of_two_servers_is_released_with_the_second() {
    let mut host = Host::new();
    host.exec(10, 1, "client", vec![]);
    host.exec_observed(20, 10, "a", pipes(1, 2)).exec_observed(30, 10, "b", pipes(3, 4));
    host.talk(20, pipe(1), pipe(2));
    assert_eq!(releases(&host.effects), [(vec![pipe(1), pipe(2)], vec![20], true)]);
    host.talk(30, pipe(3), pipe(4));
    assert_eq!(releases(&host.effects), [(vec![pipe(3), pipe(4)], vec![10, 30], true)]);
}

#[test]
fn an_observed_exec_of_no_server_s_shape_is_declined() {
    let mut host = Host::new();
    let both = ChannelEnd { writable: true, ..reads(0, 1) };
    host.exec_observed(20, 10, "odd", vec![both, ChannelEnd { fd: 1, ..both }]);
    assert_eq!(releases(&host.effects), [(vec![pipe(1), pipe(1)], vec![10, 20], true)]);
}

#[test]
fn an_outer_wrap_is_released_at_once() {
    let mut host = Host::new();
    host.exec_observed(15, 10, "mcpgw-agent wrap", pipes(8, 9)).register(15, vec![]);
    assert_eq!(releases(&host.effects), [(vec![pipe(8), pipe(9)], vec![10, 15], true)]);
    assert_eq!(host.view(), []);
}
