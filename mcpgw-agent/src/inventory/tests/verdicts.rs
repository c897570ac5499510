//! Confirmation and state.

use super::support::*;
use crate::inventory::*;
use crate::wire::{NotMcp, Seen};

fn server(host: &mut Host) -> &mut Host {
    host.exec(10, 1, "client", vec![]).exec_observed(20, 10, "srv", pipes(1, 2))
}

#[test]
fn confirmed_takes_both_directions() {
    let cases: [(&[_], bool); 7] = [
        (&[(true, initialize(1))], false),
        (&[(false, named(1, "s"))], false),
        (&[(true, initialize(1)), (false, named(1, "s"))], true),
        (&[(true, request(4, "tools/call")), (false, plain(4))], true),
        (&[(true, request(4, "tools/call")), (false, plain(5))], false),
        // "Method not found" is what any JSON-RPC server says.
        (&[(true, request(4, "tools/list")), (false, failed(4))], false),
        (&[(true, ping(4)), (false, plain(4))], false),
    ];
    for (messages, confirmed) in cases {
        let mut host = Host::new();
        server(&mut host);
        for (inbound, peek) in messages {
            if *inbound {
                host.read(20, pipe(1), peek.clone());
            } else {
                host.wrote(20, pipe(2), peek.clone());
            }
        }
        assert_eq!(host.only().confirmed, confirmed, "{messages:?}");
        let state = if confirmed { ServerState::Unproxied } else { ServerState::Candidate };
        assert_eq!(host.only().state, state, "{messages:?}");
    }
}

#[test]
fn what_was_said_is_recorded() {
    let mut host = Host::new();
    server(&mut host).talk(20, pipe(1), pipe(2));
    let view = host.only();
    assert_eq!(view.server_info, Some(ServerInfo { name: "srv".into(), version: "2.0".into() }));
    assert_eq!((view.protocol_version.as_deref(), view.tools), (Some("2025-06-18"), Some(3)));
    let kinds: Vec<&str> = view.evidence.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(kinds, ["shape", "request", "response", "request", "response"]);
    assert_eq!(view.client.unwrap().name.as_deref(), Some("cli"));
}

#[test]
fn the_modern_era_needs_no_initialize() {
    let mut host = Host::new();
    server(&mut host).read(20, pipe(1), request(1, "server/discover")).wrote(20, pipe(2), named(1, "m"));
    assert_eq!(host.only().state, ServerState::Unproxied);
}

#[test]
fn other_protocols_disappear() {
    // A language server answers in its own framing; a filter reads what is no JSON.
    for (channel, wrote, why) in [
        (pipe(2), true, NotMcp::ContentLength),
        (pipe(1), false, NotMcp::NotJson),
        (pipe(1), false, NotMcp::OtherJson),
    ] {
        let mut host = Host::new();
        server(&mut host).not_mcp(20, channel, wrote, why);
        assert_eq!(host.view(), [], "{why:?}");
        // A child on the same channels does not start it anew.
        host.exec_observed(21, 20, "child", pipes(1, 2));
        assert_eq!(host.view(), []);
    }
}

#[test]
fn a_banner_before_the_first_request_is_forgiven() {
    let mut host = Host::new();
    server(&mut host).not_mcp(20, pipe(2), true, NotMcp::NotJson);
    assert_eq!(host.view().len(), 1);
    host.talk(20, pipe(1), pipe(2));
    assert_eq!(host.only().state, ServerState::Unproxied);
}

#[test]
fn many_foreign_messages_are_another_protocol() {
    let mut host = Host::new();
    server(&mut host);
    for n in 0..300 {
        host.read(20, pipe(1), foreign(n, "textDocument/hover"));
    }
    assert_eq!(host.view(), []);
}

#[test]
fn lost_bytes_make_a_named_candidate_unknown() {
    let mut host = Host::new();
    host.exec_observed(20, 10, "mcp-server-x", pipes(1, 2));
    host.sees(20, pipe(1), false, Seen::Gap { bytes: 70_000 });
    let view = host.only();
    assert_eq!(view.state, ServerState::Unknown);
    assert!(view.reason.contains("70000 bytes"), "{}", view.reason);
    assert_eq!(host.inventory.stats().lost_bytes, 70_000);
    // What is confirmed later is confirmed.
    host.talk(20, pipe(1), pipe(2));
    assert_eq!(host.only().state, ServerState::Unproxied);
}

#[test]
fn one_direction_only_is_unknown_in_the_end() {
    let mut host = Host::new();
    server(&mut host).read(20, pipe(1), initialize(0));
    assert_eq!(host.only().state, ServerState::Candidate);
    host.pass(121 * SECOND);
    let view = host.only();
    assert_eq!(view.state, ServerState::Unknown);
    assert!(view.reason.contains("no answers"), "{}", view.reason);
}

#[test]
fn without_a_tap_the_reason_says_so() {
    let mut host = Host::with(InventoryConfig { wire: false, ..InventoryConfig::default() });
    let at = host.now;
    host.send(scanned(20, 10, "mcp-server-x", pipes(1, 2), at));
    host.send(scanned(30, 10, "grep", pipes(3, 4), at));
    assert_eq!(host.by_pid(20).state, ServerState::Unknown);
    assert_eq!(host.by_pid(30).state, ServerState::Candidate);
    assert!(host.by_pid(20).reason.starts_with("no wire view"));
    host.pass(200 * SECOND);
    assert_eq!(host.view().len(), 2);
    let taps =
        |effect: &Effect| matches!(effect, Effect::Observe { .. } | Effect::Doze(_) | Effect::Release { .. });
    assert!(!host.effects.iter().any(taps), "{:?}", host.effects);
}

#[test]
fn allow_rules_apply_and_are_applied_anew() {
    let rule = AllowSpec { name: "ours".into(), exe: Some("/opt/*".into()), ..AllowSpec::default() };
    let allow = AllowList::compile(&[rule]).unwrap();
    let mut host = Host::new();
    host.facts.insert(key(20), Enriched { exe: "/opt/srv".into(), ..Enriched::default() });
    server(&mut host).talk(20, pipe(1), pipe(2));
    assert_eq!(host.only().state, ServerState::Unproxied);
    let effects =
        host.inventory.reconfigure(host.now, InventoryConfig { allow, ..InventoryConfig::default() });
    assert!(matches!(effects[..], [Effect::Changed(_)]), "{effects:?}");
    let view = host.only();
    assert_eq!((view.state, view.reason.as_str()), (ServerState::Allowed, "allow rule `ours`"));
    let effects = host.inventory.reconfigure(host.now, InventoryConfig::default());
    assert_eq!(effects.len(), 1);
    assert_eq!(host.only().state, ServerState::Unproxied);
}

#[test]
fn a_registered_wrap_proxies_its_child_and_is_none_itself() {
    // Registration before the child's exec, after it, and after its traffic.
    for when in 0..3 {
        let mut host = Host::new();
        host.exec(10, 1, "claude", vec![]);
        host.exec_observed(15, 10, "mcpgw-agent wrap", sockets(100, 200, 10));
        host.register(15, vec![]);
        let inner = vec![pipe(1), pipe(2)];
        if when == 0 {
            host.register(15, inner.clone());
        }
        host.fork(15, 20).exec_observed(20, 15, "npx srv", pipes(1, 2));
        if when == 1 {
            host.register(15, inner.clone());
        }
        host.exec_observed(21, 20, "node srv", pipes(1, 2));
        host.wrote(15, pipe(1), initialize(0)).talk(21, pipe(1), pipe(2)).read(15, pipe(2), named(0, "srv"));
        if when == 2 {
            assert_eq!(host.only().state, ServerState::Unproxied);
            host.register(15, inner);
        }
        let view = host.only();
        assert_eq!((view.pid, view.state, view.confirmed), (21, ServerState::Proxied, true), "{when}");
        assert_eq!(view.client.unwrap().pid, 10, "the wrap's client is the client");
        assert!(view.reason.contains("pid 15") && view.reason.contains("box"), "{}", view.reason);
        // The connection ends while the server goes on.
        host.send(HostEvent::ProxyGone { proxy: key(15) });
        assert_eq!(host.only().state, ServerState::Unproxied, "{when}");
        host.exit(15).exit(21).exit(20);
        assert!(host.only().ended_at.is_some());
    }
}

#[test]
fn a_dead_wrap_vouches_for_nobody() {
    let mut host = Host::new();
    host.exec(15, 10, "wrap", pipes(8, 9)).exit(15);
    host.register(15, vec![pipe(1), pipe(2)]);
    host.exec(20, 15, "srv", pipes(1, 2)).talk(20, pipe(1), pipe(2));
    assert_eq!(host.by_pid(20).state, ServerState::Unproxied);
    let mut host = Host::new();
    host.exec(15, 10, "wrap", pipes(8, 9)).register(15, vec![pipe(1), pipe(2)]);
    host.exec(20, 15, "srv", pipes(1, 2)).talk(20, pipe(1), pipe(2));
    assert_eq!(host.only().state, ServerState::Proxied);
    host.exit(15);
    assert_eq!(host.by_pid(20).state, ServerState::Unproxied);
}

/// Kernel records may say anything. Of a server that has ended, whose parent is not known any more, the client was looked for
/// beyond the wrap anew each time: here around in a circle.
#[test]
fn wraps_that_started_each_other_are_no_storm() {
    let mut host = Host::new();
    host.exec(20, 15, "mcp-server-x", pipes(1, 2))
        .exec(15, 16, "wrap", sockets(5, 5, 3))
        .exit(20)
        .fork(15, 16);
    for wrap in [15, 16, 15, 16] {
        host.register(wrap, vec![]);
        assert!(host.effects.len() < 20, "{:?}", host.effects);
        host.effects.clear();
    }
}

#[test]
fn what_was_behind_a_gateway_to_its_end_stays_so() {
    let mut host = Host::new();
    host.exec(15, 10, "wrap", pipes(8, 9)).register(15, vec![pipe(1), pipe(2)]);
    host.exec(20, 15, "srv", pipes(1, 2)).talk(20, pipe(1), pipe(2));
    host.exit(20);
    host.send(HostEvent::ProxyGone { proxy: key(15) }).exit(15);
    let view = host.by_pid(20);
    assert!(view.ended_at.is_some());
    assert_eq!(view.state, ServerState::Proxied, "{}", view.reason);

    let mut host = Host::new();
    host.exec(15, 10, "wrap", pipes(8, 9)).register(15, vec![pipe(1), pipe(2)]);
    host.exec(20, 15, "srv", pipes(1, 2)).talk(20, pipe(1), pipe(2));
    host.send(HostEvent::ProxyGone { proxy: key(15) });
    assert_eq!(host.by_pid(20).state, ServerState::Unproxied, "it went on without");
    host.exit(15).exit(20);
    assert_eq!(host.by_pid(20).state, ServerState::Unproxied);
}

#[test]
fn a_declared_server_is_listed_whatever_it_says() {
    let mut host = Host::new();
    host.exec(15, 10, "wrap", pipes(8, 9)).register(15, vec![pipe(1), pipe(2)]);
    host.exec(20, 15, "srv", pipes(1, 2)).not_mcp(20, pipe(1), false, NotMcp::NotJson);
    assert_eq!(host.only().state, ServerState::Proxied);
}
