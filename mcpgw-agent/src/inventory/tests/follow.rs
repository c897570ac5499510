//! Servers whose messages are wanted are not let go.

use super::support::*;
use crate::inventory::*;

fn following(spec: FollowSpec) -> Host {
    let all = spec == FollowSpec::default();
    let specs = if all { vec![] } else { vec![spec] };
    let follow = FollowList::compile(all, &specs).unwrap();
    Host::with(InventoryConfig { follow, ..InventoryConfig::default() })
}

fn all() -> Host {
    following(FollowSpec::default())
}

fn followed(effects: &[Effect]) -> Vec<&Followed> {
    let mut found = Vec::new();
    for effect in effects {
        if let Effect::Follow(followed) = effect {
            found.push(&**followed);
        }
    }
    found
}

fn unfollows(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Unfollow(_)))
}

fn releases(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Release { .. }))
}

#[test]
fn a_server_is_followed_from_its_confirmation_to_its_end() {
    let mut host = all();
    host.exec(10, 1, "client", vec![]);
    host.exec_observed(20, 10, "srv", sockets(100, 200, 10));
    host.read(20, socket(100), initialize(0));
    assert!(followed(&host.effects).is_empty(), "nothing has answered");
    host.wrote(20, socket(200), named(0, "s"));
    let [known] = followed(&host.effects)[..] else { panic!("{:?}", host.effects) };
    assert_eq!(
        (known.name.as_deref(), known.complete, known.server.as_ref().map(|server| server.process)),
        (Some("s"), false, Some(key(20)))
    );
    assert_eq!(known.client.as_ref().map(|client| client.process), Some(key(10)));
    let lane = |channel, wrote, to_server| Lane { channel, wrote, to_server };
    let lanes = [
        lane(socket(100), false, true),
        lane(socket(101), true, true),
        lane(socket(201), false, false),
        lane(socket(200), true, false),
    ];
    assert_eq!(known.lanes, lanes);
    host.read(20, socket(100), request(1, "tools/list")).wrote(20, socket(200), tools(1, 1));
    assert!(followed(&host.effects)[..].iter().all(|known| known.complete) && !releases(&host.effects));
    assert_eq!(host.only().observe, ObserveMode::Messages);
    host.pass(60 * SECOND);
    assert!(!releases(&host.effects) && !unfollows(&host.effects), "{:?}", host.effects);
    host.exit(20);
    assert!(releases(&host.effects) && unfollows(&host.effects), "{:?}", host.effects);
}

#[test]
fn what_is_proxied_or_not_named_is_let_go_as_ever() {
    let mut host = following(FollowSpec { name: Some("notes*".into()), ..FollowSpec::default() });
    host.exec_observed(20, 10, "srv", pipes(1, 2)).talk(20, pipe(1), pipe(2));
    assert!(followed(&host.effects).is_empty() && host.only().observe == ObserveMode::Inventory);

    let mut host = all();
    host.exec(10, 1, "mcpgw-agent wrap", vec![]).register(10, vec![pipe(1), pipe(2)]);
    host.exec_observed(20, 10, "srv", pipes(1, 2)).read(20, pipe(1), initialize(0));
    host.wrote(20, pipe(2), named(0, "s"));
    assert!(followed(&host.effects).is_empty(), "{:?}", host.effects);
    assert_eq!(host.only().state, ServerState::Proxied);
    host.read(20, pipe(1), request(1, "tools/list")).wrote(20, pipe(2), tools(1, 1));
    assert!(releases(&host.effects));
}

#[test]
fn a_gateway_that_comes_later_and_a_reload_end_it() {
    let mut host = all();
    host.exec_observed(20, 10, "srv", pipes(1, 2)).talk(20, pipe(1), pipe(2));
    assert_eq!(host.only().observe, ObserveMode::Messages);
    let now = host.now;
    let effects = host.inventory.reconfigure(now, InventoryConfig::default());
    assert!(unfollows(&effects), "{effects:?}");
    let follow = FollowList::compile(true, &[]).unwrap();
    let config = InventoryConfig { follow, ..InventoryConfig::default() };
    let effects = host.inventory.reconfigure(now, config);
    assert_eq!(followed(&effects).len(), 1, "{effects:?}");
    host.register(10, vec![pipe(1), pipe(2)]);
    assert!(unfollows(&host.effects), "{:?}", host.effects);
}
