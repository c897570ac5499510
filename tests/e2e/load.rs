//! Many servers at once, and as many unrelated processes as the machine can start.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mcpgw_agent::inventory::{ServerState, ServerView};

use crate::support::{Agent, Company, ServerQuery, Session, Site, measured, resident_kib, scenario, tiny};

const SERVERS: usize = 200;
/// For all of them to be complete.
const LISTED: Duration = Duration::from_secs(30);
/// "Memory under 40 MB", resident.
const RESIDENT_KIB: u64 = 40 * 1024;

fn complete(server: &ServerView) -> bool {
    server.confirmed && server.state == ServerState::Unproxied && server.tools == Some(2)
}

#[test]
fn two_hundred_servers_at_once() {
    scenario(Company::Alone, || {
        let (agent, site) = (Agent::start(), Site::new());
        let (idle, _) = resident_kib(agent.pid());
        let start = Instant::now();
        let serve = |i: usize| {
            Session::start(&site, Command::new(tiny()).args(["serve", &format!("server-{i}"), "1"]))
        };
        let mut servers: Vec<Session> = (0..SERVERS).map(serve).collect();
        // From the first on all are listened to.
        agent.wait_for("the first server", &[site.path()], LISTED, |s| s.of(servers[0].pid()).map(|_| ()));
        servers.iter_mut().for_each(Session::open);
        let opened = start.elapsed();
        agent.wait_for("all 200 servers, complete", &[site.path()], LISTED, |status| {
            servers.iter().all(|s| status.of(s.pid()).is_some_and(complete)).then_some(())
        });
        let listed = start.elapsed();
        let status = agent.status();
        for (i, server) in servers.iter().enumerate() {
            let found = status.of(server.pid()).expect("listed a moment ago");
            assert_eq!(found.server_info.as_ref().map(|info| info.name.clone()), Some(format!("server-{i}")));
            assert_eq!(found.client.as_ref().map(|c| c.pid), Some(std::process::id()));
        }
        assert_eq!(status.at(&site.server).len(), SERVERS, "each once");
        let (now, highest) = resident_kib(agent.pid());
        measured(&format!("{SERVERS} servers opened in {opened:?}, all listed after {listed:?}"));
        measured(&format!(
            "resident {idle} KiB idle, {now} KiB with {SERVERS} servers, {highest} KiB at its highest"
        ));
        assert!(highest < RESIDENT_KIB, "{highest} KiB");
        Ok(())
    });
}

/// Ten seconds of execs; meanwhile servers come up and must be found, unless the agent says it lost events.
#[test]
fn exec_storm() {
    const STORM: Duration = Duration::from_secs(10);
    const BATCH: u64 = 100;
    scenario(Company::Alone, || {
        let (agent, site) = (Agent::start(), Site::new());
        // One to listen to, so that what the others say first is heard however late the agent hears of them.
        let _silent = Session::start_seen(&agent, &site, Command::new(tiny()).arg("hold"));
        let (read_before, lost_before) = agent.status().lifecycle();
        let (stop, execs) = (AtomicBool::new(false), AtomicU64::new(0));
        let mut servers = Vec::new();
        let threads = std::thread::available_parallelism().expect("known on Linux").get();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        let mut spin = Command::new(tiny());
                        let done = spin.args(["spin", &BATCH.to_string()]).stdin(Stdio::null()).status();
                        assert!(done.is_ok_and(|s| s.success()), "the machine can start processes");
                        execs.fetch_add(BATCH + 1, Ordering::Relaxed);
                    }
                });
            }
            let start = Instant::now();
            while start.elapsed() < STORM {
                let mut server =
                    Session::start(&site, Command::new(tiny()).args(["serve", "in-the-storm", "1"]));
                server.open();
                servers.push(server);
                std::thread::park_timeout(Duration::from_millis(250));
            }
            stop.store(true, Ordering::Relaxed);
        });
        let execs = execs.load(Ordering::Relaxed);
        let (seen, read, lost) =
            agent.wait_for("every server, or lost records counted", &[site.path()], LISTED, |status| {
                let seen = servers.iter().filter(|s| status.of(s.pid()).is_some_and(complete)).count();
                let (read, lost) = status.lifecycle();
                let (read, lost) = (read - read_before, lost - lost_before);
                // Every exec left a record, and every record was either read or counted as lost.
                (read + lost >= execs && (seen == servers.len() || lost > 0)).then_some((seen, read, lost))
            });
        let rate = execs / STORM.as_secs();
        measured(&format!(
            "{rate} execs a second, {read} records read, {lost} lost, {seen} of {} servers found",
            servers.len()
        ));

        // And it is as good as new afterwards.
        let mut after =
            Session::start_seen(&agent, &site, Command::new(tiny()).args(["serve", "after", "1"]));
        after.open();
        agent.wait_for("a server after the storm", &[site.path()], LISTED, |s| {
            s.of(after.pid()).filter(|s| complete(s)).map(|_| ())
        });
        Ok(())
    });
}
