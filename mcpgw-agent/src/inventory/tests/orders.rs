//! Order must not show: whatever way one conversation's events arrive, the same row is the result. And
//! nothing whatever makes it panic or outgrow its bounds.

use proptest::prelude::*;

use super::support::*;
use crate::inventory::*;
use crate::mcp::{Id, Likeness, Peek, PeekKind};
use crate::wire::{HttpSign, NotMcp, Seen, Sighting};

/// What must come out the same. The id is left out: it names whoever was heard of first.
fn picture(host: &Host) -> Vec<ServerView> {
    let mut view = host.view();
    for server in &mut view {
        server.id = String::new();
    }
    view
}

/// The rings: each keeps its own order, and any may run ahead of the others.
fn interleave(rings: Vec<Vec<HostEvent>>, choices: &[usize]) -> Vec<HostEvent> {
    let mut rings: Vec<_> = rings.into_iter().map(Vec::into_iter).map(Iterator::peekable).collect();
    let mut out = Vec::new();
    let mut choices = choices.iter().cycle();
    loop {
        let ready: Vec<usize> = (0..rings.len()).filter(|&ring| rings[ring].peek().is_some()).collect();
        if ready.is_empty() {
            return out;
        }
        let ring = ready[choices.next().unwrap() % ready.len()];
        out.extend(rings[ring].next());
    }
}

fn at(step: u64) -> BootTime {
    BootTime(999_000_000_000 + step * 1_000_000)
}

fn forked(parent: u32, child: u32, step: u64) -> HostEvent {
    HostEvent::Fork { parent: key(parent), child: key(child), at: at(step) }
}

fn exited(pid: u32, step: u64) -> HostEvent {
    HostEvent::Exit { process: key(pid), at: at(step), status: 0 }
}

fn said(pid: u32, channel: Channel, wrote: bool, peek: Peek, step: u64) -> HostEvent {
    moved(pid, channel, wrote, Seen::Message(Box::new(peek)), at(step))
}

/// client -> npx -> sh -> node over sockets; wrapped or not; alive or ended.
fn scenario(wrapped: bool, ends: bool) -> Vec<Vec<HostEvent>> {
    let inner = || sockets(100, 200, if wrapped { 15 } else { 10 });
    let top = if wrapped { 15 } else { 10 };
    let mut life = vec![exec(10, 1, "claude", vec![], at(1))];
    if wrapped {
        life.push(forked(10, 15, 2));
        life.push(observed(exec(15, 10, "mcpgw-agent wrap", sockets(300, 400, 10), at(3))));
    }
    life.extend([
        forked(top, 20, 10),
        observed(exec(20, top, "npx mcp-server-x", inner(), at(11))),
        forked(20, 21, 12),
        observed(exec(21, 20, "sh -c mcp-server-x", inner(), at(13))),
        forked(21, 22, 14),
        observed(exec(22, 21, "node mcp-server-x", inner(), at(15))),
        forked(22, 23, 16),
        exec(23, 22, "git status", vec![], at(17)),
        exited(23, 18),
    ]);
    if ends {
        life.extend([exited(22, 40), exited(21, 41), exited(20, 42)]);
    }
    let both = |peek: Peek, to_server: bool, step: u64| {
        let (writer, from, reader, into) = if to_server { (top, 101, 22, 100) } else { (22, 200, top, 201) };
        [
            said(writer, socket(from), true, peek.clone(), step),
            said(reader, socket(into), false, peek, step + 1),
        ]
    };
    let stream: Vec<HostEvent> = [
        both(initialize(0), true, 20),
        both(named(0, "x"), false, 22),
        both(request(1, "tools/list"), true, 24),
        both(tools(1, 3), false, 26),
        both(request(2, "roots/list"), false, 28),
        both(plain(2), true, 30),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut rings = vec![life, stream];
    if wrapped {
        rings.push(vec![registration(15, vec![]), registration(15, vec![socket(100), socket(200)])]);
    }
    rings
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_interleaving_of_the_rings_gives_one_view(
        wrapped: bool,
        ends: bool,
        choices in prop::collection::vec(0_usize..6, 1..60),
    ) {
        let mut straight = Host::new();
        straight.sends(interleave(scenario(wrapped, ends), &[0]));
        let expected = picture(&straight);
        prop_assert_eq!(expected.len(), 1);
        prop_assert_eq!(expected[0].pid, 22);
        prop_assert_eq!(expected[0].ended_at.is_some(), ends);
        prop_assert_eq!(expected[0].client.as_ref().map(|client| client.pid), Some(10));
        let state = if wrapped { ServerState::Proxied } else { ServerState::Unproxied };
        prop_assert_eq!(expected[0].state, state);
        prop_assert_eq!(expected[0].messages, MessageCounts { c2s: 3, s2c: 3 });

        let mut host = Host::new();
        host.sends(interleave(scenario(wrapped, ends), &choices));
        prop_assert_eq!(picture(&host), expected);
        host.pass(SECOND);
        prop_assert_eq!(host.inventory.stats().observed_channels, 0, "classified, then let go");
    }

    #[test]
    fn neighbours_may_swap_within_the_life_cycle(swaps in prop::collection::vec(0_usize..10, 0..6)) {
        let mut straight = Host::new();
        straight.sends(interleave(scenario(false, false), &[0]));
        let mut rings = scenario(false, false);
        for swap in swaps {
            // Exec before fork and the like: records of different processors a moment apart.
            let last = rings[0].len() - 1;
            rings[0].swap(swap.min(last - 1), swap.min(last - 1) + 1);
        }
        let mut host = Host::new();
        host.sends(interleave(rings, &[0]));
        prop_assert_eq!(picture(&host), picture(&straight));
    }

    #[test]
    fn no_sequence_of_events_panics_or_outgrows_the_bounds(
        events in prop::collection::vec((any_event(), 0_u64..40_000), 1..200),
        tiny: bool,
    ) {
        let processes = if tiny { 6 } else { 64 };
        let limits = Limits {
            processes, servers: 6, history: 3, listeners: 4, connections: 4, orphans: 4, channels: 12,
        };
        let config = InventoryConfig { limits, ..InventoryConfig::default() };
        let mut host = Host::with(config);
        for (event, pause) in events {
            host.send(event);
            prop_assert!(host.effects.len() < 200, "storm: {:?}", host.effects);
            if pause > 39_000 {
                host.pass(std::time::Duration::from_millis(pause));
            }
            let stats = host.inventory.stats();
            prop_assert!(stats.processes <= processes && stats.records <= 6 && stats.listeners <= 4);
            let view = host.view();
            // Never two rows of one server.
            let mut ids: Vec<_> = view.iter().map(|server| &server.id).collect();
            ids.sort_unstable();
            ids.dedup();
            prop_assert_eq!(ids.len(), view.len());
            for server in &view {
                prop_assert!(server.confirmed || server.state != ServerState::Unproxied);
            }
        }
        if tiny {
            // Whose end was evicted, of that nothing can be said.
            return Ok(());
        }
        // When all have ended, nothing is left behind.
        for pid in 0..8 {
            for ticks in 0..2 {
                let process = ProcessKey { pid, start_ticks: ticks };
                let at = host.now;
                host.send(HostEvent::Exit { process, at, status: 0 });
                host.send(HostEvent::ProxyGone { proxy: process });
            }
        }
        host.pass(200 * SECOND);
        let stats = host.inventory.stats();
        prop_assert_eq!((stats.records, stats.observed_channels, stats.observed_processes), (0, 0, 0));
        prop_assert_eq!((stats.watched_ports, stats.dozing, stats.processes), (0, 0, 0));
    }
}

fn any_key() -> impl Strategy<Value = ProcessKey> {
    (0_u32..8, 0_u64..2).prop_map(|(pid, start_ticks)| ProcessKey { pid, start_ticks })
}

fn any_channel() -> impl Strategy<Value = Channel> {
    (any::<bool>(), 0_u64..8).prop_map(|(unix, ino)| if unix { socket(ino) } else { pipe(ino) })
}

fn any_end() -> impl Strategy<Value = ChannelEnd> {
    let peer = prop::option::of(0_u64..8);
    let creator = prop::option::of(0_u32..8);
    (any_channel(), 0_u32..4, any::<bool>(), any::<bool>(), peer, creator).prop_map(
        |(channel, fd, readable, writable, peer, creator)| ChannelEnd {
            channel,
            fd,
            readable,
            writable,
            peer,
            creator,
        },
    )
}

fn any_exec() -> impl Strategy<Value = Exec> {
    let line = prop::sample::select(vec!["mcp-server-x", "node mcp-server-y", "cat", "", "sh -c \u{1b}[2J"]);
    let stdio = prop_oneof![
        prop::collection::vec(any_end(), 0..4),
        (0_u64..8, 0_u64..8).prop_map(|(input, output)| pipes(input, output)),
        (0_u64..4, 0_u64..4).prop_map(|(input, output)| sockets(2 * input, 2 * output, 3)),
    ];
    (any_key(), any_key(), line, stdio, any::<bool>(), 0_u64..2_000).prop_map(
        |(process, parent, line, stdio, observed, step)| Exec {
            process,
            parent,
            observed,
            ..image(1, 1, line, stdio, at(step))
        },
    )
}

fn any_peek() -> impl Strategy<Value = Peek> {
    let methods = ["initialize", "tools/list", "roots/list", "ping", "x", "notifications/message"];
    let method = prop::sample::select(methods.to_vec());
    let likeness = prop::sample::select(vec![Likeness::Foreign, Likeness::Neutral, Likeness::Strong]);
    (0_u8..3, method, 0_u32..4, likeness, any::<bool>()).prop_map(|(kind, method, number, mcp, flag)| {
        let method = method.to_owned();
        let kind = match kind {
            0 => PeekKind::Request { id: id(number), method },
            1 => PeekKind::Notification { method },
            _ => PeekKind::Response { id: Id::String("x".repeat(300 * number as usize)), error: flag },
        };
        let server_info = flag.then(|| ("\u{202e}".repeat(900), String::new()));
        Peek { kind, mcp, protocol_version: None, server_info, client_info: None, tools: flag.then_some(1) }
    })
}

fn any_seen() -> impl Strategy<Value = Seen> {
    let not = vec![NotMcp::ContentLength, NotMcp::NotJson, NotMcp::OtherJson, NotMcp::OtherHttp];
    prop_oneof![
        6 => any_peek().prop_map(|peek| Seen::Message(Box::new(peek))),
        1 => prop::sample::select(not).prop_map(Seen::NotMcp),
        1 => any::<u64>().prop_map(|bytes| Seen::Gap { bytes }),
        1 => Just(Seen::Http(HttpSign::Response { mcp_header: "Mcp-Session-Id" })),
        1 => Just(Seen::Http(HttpSign::SseEndpoint { path: "/\n".into() })),
    ]
}

fn any_listener() -> impl Strategy<Value = Listener> {
    let addrs = ["0.0.0.0:1", "127.0.0.1:1", "[::]:1", "[::1]:2", "10.0.0.1:2", "[::ffff:1.2.3.4]:3"];
    (prop::sample::select(addrs.to_vec()), 0_u32..2)
        .prop_map(|(addr, net_ns)| Listener { addr: addr.parse().unwrap(), net_ns })
}

fn any_source() -> impl Strategy<Value = StreamSource> {
    prop_oneof![
        (any_channel(), any_key(), any::<bool>())
            .prop_map(|(channel, process, wrote)| StreamSource::Channel { channel, process, wrote }),
        (any_listener(), any_listener(), 0_u64..2, any::<bool>()).prop_map(
            |(a, b, cgroup_id, from_server)| {
                let addrs = SocketAddrs { local: a.addr, remote: b.addr };
                StreamSource::Tcp { addrs, cgroup_id, from_server }
            }
        ),
    ]
}

fn any_event() -> impl Strategy<Value = HostEvent> {
    let step = 0_u64..2_000;
    let facts = || Box::new(Enriched { argv: vec!["mcp-server-z".into()], ..Enriched::default() });
    prop_oneof![
        4 => any_exec().prop_map(|exec| HostEvent::Exec(Box::new(exec))),
        2 => any_exec().prop_map(move |exec| HostEvent::Scanned(Box::new(ScannedProcess { exec, facts: *facts() }))),
        2 => (any_key(), any_key(), step.clone())
            .prop_map(|(parent, child, step)| HostEvent::Fork { parent, child, at: at(step) }),
        2 => (any_key(), step.clone())
            .prop_map(|(process, step)| HostEvent::Exit { process, at: at(step), status: 0 }),
        1 => any_key().prop_map(move |process| HostEvent::Enriched { process, facts: facts() }),
        1 => (any_key(), any_listener(), step.clone())
            .prop_map(|(process, listener, step)| HostEvent::Listen { process, listener, at: at(step) }),
        1 => (any_listener(), step.clone())
            .prop_map(|(listener, step)| HostEvent::ListenClosed { listener, at: at(step) }),
        1 => (any_key(), any_listener(), any_listener(), step.clone()).prop_map(|(process, a, b, step)| {
            let addrs = SocketAddrs { local: a.addr, remote: b.addr };
            HostEvent::Connect { process, addrs, net_ns: 0, at: at(step) }
        }),
        8 => (any_source(), any_seen(), step.clone())
            .prop_map(|(source, seen, step)| HostEvent::Sighted(Sighting { source, at: at(step), seen })),
        1 => (any_key(), step).prop_map(|(process, step)| HostEvent::Stirred { process, at: at(step) }),
        1 => (any_key(), prop::collection::vec(any_channel(), 0..3)).prop_map(|(proxy, channels)| {
            HostEvent::ProxyRegistered(ProxyRegistration { proxy, child: None, channels, name: None })
        }),
        1 => any_key().prop_map(|proxy| HostEvent::ProxyGone { proxy }),
    ]
}
