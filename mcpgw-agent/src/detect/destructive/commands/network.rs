//! Firewalls, interfaces, routes.

use super::arguments::Arguments;
use super::rows::{Row, row, with};
use crate::detect::destructive::act::Act;

const OPEN: Act = Act::high("firewall_flush", "takes a firewall's rules away or turns it off");
const CUT: Act = Act::medium("network_down", "cuts a machine off");

/// Rows of this kind.
pub(super) const ROWS: &[Row] = &[
    with(
        "iptables|ip6tables|iptables-legacy|ebtables|arptables",
        "",
        "-F|-X|--flush|--delete-chain|-Z",
        OPEN,
    ),
    row("nft", "flush|delete ruleset|table|chain", OPEN),
    row("ufw", "disable|reset", OPEN),
    with("ufw", "disable|reset", "--force", OPEN),
    with("firewall-cmd", "", "--panic-on|--remove-*", OPEN),
    with("pfctl", "", "-d|-F", OPEN),
    with("ipfw", "", "flush|-f", OPEN),
    with("ip", "", "link|l set down", CUT),
    with("ip", "", "route|r|addr|a|address|rule|neigh flush", CUT),
    with("ip", "", "route|r del|delete default", CUT),
    with("ip", "", "link|netns delete|del", CUT),
    with("ifconfig", "", "down", CUT),
    row("ifdown", "*", CUT),
    with("route", "", "del|delete|flush|-f", CUT),
    row("nmcli", "networking|n off", CUT),
    row("nmcli", "con|connection|c|radio delete|down|off|wifi", CUT),
    with("networksetup", "", "-setnetworkserviceenabled|-setairportpower", CUT),
    row("tailscale", "down|logout", Act::low("network_down", "cuts a machine off a network")),
    row("wg-quick", "down", Act::low("network_down", "cuts a machine off a network")),
    row("resolvectl", "revert|reset-*", Act::low("network_down", "changes how names are found")),
];

/// `iptables -P INPUT DROP`.
pub(super) fn policy(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let sets = arguments.any(&["-P", "--policy"]) && arguments.any(&["DROP", "REJECT"]);
    sets.then_some(Act { kind: "network_down", ..CUT })
}
