//! How soon a server is in the list: within 100 ms of its exec as a candidate, within 500 ms of its first
//! exchange as confirmed.

use std::process::Command;
use std::time::{Duration, Instant};

use mcpgw_agent::inventory::{ServerState, ServerView};

use crate::support::{Agent, Company, ServerQuery, Session, Site, measured, scenario, tiny};

/// Exec to line.
const CANDIDATE: Duration = Duration::from_millis(100);
/// First exchange to confirmed.
const CONFIRMED: Duration = Duration::from_millis(500);
/// Servers measured, one after another.
const ROUNDS: usize = 20;
/// Of these, how many must be that soon. Starting a server and asking for the status are in the numbers, too, and anybody on
/// the machine may come between.
const SOON: usize = 17;
/// For each of them.
const LATEST: Duration = Duration::from_secs(2);
/// How often all of it is measured: another time where something else kept the machine from it.
const ATTEMPTS: usize = 3;
/// When to give up on one.
const DEADLINE: Duration = Duration::from_secs(10);

#[test]
fn exec_to_candidate_to_confirmed() {
    scenario(Company::Alone, || {
        let (agent, site) = (Agent::start(), Site::new());
        let mut late = Vec::new();
        for _ in 0..ATTEMPTS {
            let times = measure(&agent, &site);
            let is_soon = |(times, bound, _): &Times| times[SOON - 1] < *bound && times[ROUNDS - 1] < LATEST;
            if times.iter().all(is_soon) {
                return Ok(());
            }
            late.push(times);
        }
        panic!("{late:?}");
    });
}

/// So many times, sorted; what most of them have to be below; and of what.
type Times = (Vec<Duration>, Duration, &'static str);

/// Starts servers, one after another.
fn measure(agent: &Agent, site: &Site) -> [Times; 2] {
    let (mut candidate, mut confirmed) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let mut server = Session::start(site, Command::new(tiny()).args(["serve", "tiny", "1.0"]));
        let line = |accept: fn(&ServerView) -> bool| {
            let pid = server.pid();
            agent.wait_for("the server's line", &[site.path()], DEADLINE, |status| {
                status.of(pid).filter(|s| accept(s)).cloned()
            })
        };
        line(|_| true);
        candidate.push(started.elapsed());
        server.initialize();
        let exchanged = Instant::now();
        let line = agent.wait_for("the server is confirmed", &[site.path()], DEADLINE, |status| {
            status.of(server.pid()).filter(|s| s.confirmed).cloned()
        });
        confirmed.push(exchanged.elapsed());
        assert_eq!(line.state, ServerState::Unproxied, "{line:#?}");
    }
    measured(&format!("exec to candidate {}", spread(&mut candidate)));
    measured(&format!("first exchange to confirmed {}", spread(&mut confirmed)));
    [(candidate, CANDIDATE, "exec to candidate"), (confirmed, CONFIRMED, "first exchange to confirmed")]
}

/// Sorts, and says median and maximum. What polling adds (about 5 ms) is in the numbers.
fn spread(times: &mut [Duration]) -> String {
    times.sort();
    format!("median {:?}, maximum {:?} of {}", times[times.len() / 2], times.last().unwrap(), times.len())
}

/// A server that stays silent for long after its exec is still confirmed by its first exchange.
#[test]
fn a_late_first_exchange_is_seen() {
    scenario(Company::Shared, || {
        let agent = Agent::start_with("observe:\n  silent-after: 2s\n");
        let site = Site::new();
        let mut server = Session::start(&site, Command::new(tiny()).args(["serve", "late", "1"]));
        agent.wait_for("the candidate", &[site.path()], DEADLINE, |s| s.of(server.pid()).map(|_| ()));
        // The silence itself is what is tested: longer than observation of a silent candidate lasts.
        std::thread::sleep(Duration::from_secs(6));
        server.open();
        let found = agent.wait_for("the server is confirmed", &[site.path()], DEADLINE, |status| {
            // The very first bytes may have passed while it dozed: more must be enough.
            server.call("tools/list", &serde_json::json!({}));
            status.of(server.pid()).filter(|s| s.confirmed).cloned()
        });
        assert_eq!(found.state, ServerState::Unproxied, "{found:#?}");
        Ok(())
    });
}
