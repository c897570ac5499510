//! Nothing grows without bound, and full tables still work.

use super::support::*;
use crate::inventory::*;

fn small() -> InventoryConfig {
    let limits = Limits {
        processes: 64,
        servers: 16,
        history: 4,
        listeners: 8,
        connections: 8,
        orphans: 16,
        channels: 32,
    };
    InventoryConfig { limits, ..InventoryConfig::default() }
}

#[test]
fn processes_are_evicted_exited_first_and_servers_last() {
    let mut host = Host::with(small());
    host.exec(2, 1, "client", vec![]).exec(3, 2, "srv", pipes(1, 2)).talk(3, pipe(1), pipe(2));
    for pid in 100..1000 {
        host.exec(pid, 1, "true", vec![]);
        if pid % 2 == 0 {
            host.exit(pid);
        }
    }
    let stats = host.inventory.stats();
    assert!(stats.processes <= 64 && stats.evicted_processes > 800, "{stats:?}");
    assert_eq!(host.only().client.unwrap().pid, 2);
    assert_eq!(host.only().ancestors[0].exe, "/bin/client");
}

#[test]
fn exited_processes_are_kept_for_late_events_and_then_dropped() {
    let mut host = Host::new();
    for pid in 100..200 {
        host.exec(pid, 2, "true", vec![]).exit(pid);
    }
    host.pass(29 * SECOND);
    assert!(host.inventory.stats().processes >= 100);
    host.pass(2 * SECOND);
    assert_eq!(host.inventory.stats().processes, 0);
}

#[test]
fn servers_are_bounded_and_shapes_give_way() {
    let mut host = Host::with(small());
    host.exec(3, 2, "srv", pipes(1, 2)).talk(3, pipe(1), pipe(2));
    for pid in 100..200 {
        host.exec(pid, 2, "grep", pipes(u64::from(pid) * 2, u64::from(pid) * 2 + 1));
    }
    let stats = host.inventory.stats();
    assert_eq!((stats.records, stats.evicted_servers), (16, 85));
    assert_eq!(host.by_pid(3).state, ServerState::Unproxied);
    // Whom nobody has room for any more is not left under observation.
    assert!(stats.observed_channels <= 2 * 16, "{stats:?}");
    // A full table of real servers takes no more.
    let mut host = Host::with(small());
    for pid in 100..120 {
        let (input, output) = (u64::from(pid) * 2, u64::from(pid) * 2 + 1);
        host.exec(pid, 2, "srv", pipes(input, output)).talk(pid, pipe(input), pipe(output));
    }
    assert_eq!(host.view().len(), 16);
    let observed = observed(exec(300, 2, "srv", pipes(9001, 9002), host.now));
    host.send(observed);
    assert!(matches!(host.effects[..], [Effect::Release { .. }]), "{:?}", host.effects);
}

#[test]
fn history_holders_listeners_and_orphans_are_bounded() {
    let mut host = Host::with(small());
    for round in 0..10 {
        let (pid, ino) = (100 + round, 10 + 2 * u64::from(round));
        host.exec(pid, 2, "srv", pipes(ino, ino + 1)).talk(pid, pipe(ino), pipe(ino + 1)).exit(pid);
    }
    host.pass(11 * SECOND);
    assert_eq!(host.inventory.history(jiff::Timestamp::UNIX_EPOCH, ViewFilter::default()).len(), 4);
    host.exec(3, 2, "srv", pipes(1, 2));
    for pid in 1000..2000 {
        host.fork(3, pid);
        let at = host.now;
        let listener = Listener { addr: ([127, 0, 0, 1], u16::try_from(pid).unwrap()).into(), net_ns: 1 };
        host.send(HostEvent::Listen { process: key(3), listener, at });
        host.read(pid, pipe(u64::from(pid)), plain(1));
    }
    let stats = host.inventory.stats();
    assert!(stats.listeners == 8 && stats.refused_listeners == 992, "{stats:?}");
    assert!(stats.orphaned_sightings >= 980, "{stats:?}");
    assert!(stats.observed_processes <= 300, "{stats:?}");
}

#[test]
fn a_long_line_of_daemons_keeps_a_short_lineage() {
    let mut host = Host::new();
    for pid in 100..5000 {
        host.fork(pid, pid + 1).exit(pid);
    }
    host.exec(5001, 5000, "mcp-server-x", pipes(1, 2));
    assert_eq!(host.only().ancestors.len(), 8);
}

#[test]
fn two_hundred_servers_at_once() {
    let mut host = Host::new();
    host.exec(2, 1, "client", vec![]);
    for pid in 100..300 {
        let ino = u64::from(pid) * 10;
        host.exec_observed(pid, 2, "srv", pipes(ino, ino + 1));
    }
    for pid in 100..300 {
        let ino = u64::from(pid) * 10;
        host.talk(pid, pipe(ino), pipe(ino + 1));
    }
    let stats = host.inventory.stats();
    assert_eq!(stats.servers[&(ServerState::Unproxied, Transport::Stdio)], 200);
    assert_eq!(stats.first_seen[&(ServerState::Unproxied, Transport::Stdio)], 200);
    assert_eq!((stats.observed_channels, stats.observed_processes), (0, 0));
}
