//! Cgroups held to addresses, as the kernel does it: TCP, UDP, both versions of IP, children and io_uring.

use std::time::{Duration, Instant};

use mcpgw_agent::policy::Policy;
use mcpgw_agent::policy::effects::{Confinement, Hosts, Surroundings};

use super::support::{Host, PATIENCE, Python, has_ipv6, load};

/// Connects in every way to a port that is given, and says what came of each.
pub(crate) const TRIES: &str = concat!(include_str!("scripts/uring.py"), include_str!("scripts/tries.py"));

pub(crate) fn confinement(effects: &str) -> Confinement {
    let text = format!(
        "version: v1\nmode: enforce\nrules: [{{name: a, action: allow, match: {{methods: ['*']}}}}]\neffects: {effects}"
    );
    let policy = Policy::parse(&text).unwrap_or_else(|error| panic!("{error}"));
    policy.effects("s", &Surroundings::default()).unwrap().confinement().unwrap()
}

/// How many cgroups stay, however often they are swept. Since Linux 6.19 a process leaves its cgroup a moment after whoever waits
/// for it is told that it has ended.
fn left_after_sweeping(host: &mut Host) -> usize {
    let deadline = Instant::now() + PATIENCE;
    loop {
        host.kernel.sweep_fences();
        if host.kernel.fences() == 0 || Instant::now() > deadline {
            return host.kernel.fences();
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[tokio::test]
async fn a_process_and_all_it_starts_connect_where_they_may_and_nowhere_else() {
    let Some(mut host) = load().await else { return };
    if !has_ipv6() {
        return;
    }
    let mut free = Python::start(TRIES);
    let mut held = Python::start(TRIES);
    let (hosts, limits) =
        (Hosts::default(), confinement("{connect: {allow: ['home.example:81', '10.0.0.0/8']}}"));
    host.kernel.fence(held.pid(), &limits, &hosts).unwrap();
    let within = std::fs::read_to_string(format!("/proc/{}/cgroup", held.pid())).unwrap();
    assert!(within.lines().any(|line| line.starts_with("0::") && line.contains("/mcpgw-")), "{within}");
    held.tell("go");
    let ask = |python: &mut Python, port: &str| {
        python.tell(port);
        python.hear()
    };
    let nothing = "tcp4=EPERM tcp6=EPERM mapped=EPERM udp4=EPERM udp6=EPERM fast=EPERM uring=EPERM child=EPERM listen=ok";
    assert_eq!(ask(&mut held, "81"), nothing);

    // What a name stands for is learnt later.
    hosts.learn("home.example", &["127.0.0.1".parse().unwrap()]);
    host.kernel.refresh_fences(&hosts).unwrap();
    let some = "tcp4=ok tcp6=EPERM mapped=ok udp4=ok udp6=EPERM fast=ok uring=ok child=ok listen=ok";
    assert_eq!(ask(&mut held, "81"), some);
    assert_eq!(ask(&mut held, "82"), nothing);

    // Nobody else is held.
    free.tell("go");
    let all = "tcp4=ok tcp6=ok mapped=ok udp4=ok udp6=ok fast=ok uring=ok child=ok listen=ok";
    assert_eq!(ask(&mut free, "82"), all);

    // The cgroup goes with the last process in it.
    host.kernel.sweep_fences();
    assert_eq!(host.kernel.fences(), 1);
    held.tell("end");
    held.end();
    assert_eq!(left_after_sweeping(&mut host), 0);
    free.tell("end");
    free.end();
}

#[tokio::test]
async fn what_is_denied_is_denied_within_what_is_allowed_and_listeners_are_held_too() {
    let Some(mut host) = load().await else { return };
    if !has_ipv6() {
        return;
    }
    let mut held = Python::start(TRIES);
    let limits = confinement("{connect: {deny: ['tcp:127.0.0.0/8:81-90']}, listen: deny}");
    host.kernel.fence(held.pid(), &limits, &Hosts::default()).unwrap();
    // A cgroup below does not lead out of it, whatever it lets.
    host.kernel.fence(held.pid(), &confinement("{connect: {allow: ['*']}}"), &Hosts::default()).unwrap();
    held.tell("go");
    held.tell("85");
    assert_eq!(
        held.hear(),
        "tcp4=EPERM tcp6=ok mapped=EPERM udp4=ok udp6=ok fast=EPERM uring=EPERM child=EPERM listen=EPERM"
    );
    held.tell("91");
    assert_eq!(
        held.hear(),
        "tcp4=ok tcp6=ok mapped=ok udp4=ok udp6=ok fast=ok uring=ok child=ok listen=EPERM"
    );
    held.tell("end");
    held.end();
    assert_eq!(left_after_sweeping(&mut host), 0);
}
