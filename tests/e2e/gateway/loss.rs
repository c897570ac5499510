//! The daemon goes away; many sessions come and go.

use std::fs;
use std::time::Instant;

use serde_json::json;

use super::wrapped::{Wrapped, hello};
use super::{SOON, open_sessions, wait_sessions};
use crate::support::{Agent, Company, Site, eventually, measured, scenario, tiny};

/// Sessions open when the daemon is killed.
const OPEN: usize = 20;
/// Sessions opened and closed.
const MANY: usize = 200;
/// Exit code of a wrap whose daemon went away.
const GATEWAY_GONE: i32 = 124;

/// Answers `initialize` and then nothing more; some of them do not even end.
const SILENT: &str = r#"trap "" TERM; read line; echo '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"s","version":"1"}}}'; exec sleep 600"#;

fn open(agent: &Agent, site: &Site, stubborn: bool) -> Wrapped {
    let script = if stubborn {
        SILENT.to_owned()
    } else {
        SILENT.replace("exec sleep 600", "while read line; do :; done")
    };
    let mut wrap = Wrapped::start(agent, site, &["sh", "-c", &script]);
    assert!(wrap.call("initialize", &hello())["result"].is_object());
    wrap
}

/// Each of the open requests, `count` of them, is answered with an error, and the wrap ends.
fn is_told(wrap: &mut Wrapped, ids: &[usize]) {
    let mut told: Vec<usize> = Vec::new();
    for _ in ids {
        let error = wrap.hear();
        assert_eq!(error["error"]["code"], 50201, "{error}");
        told.push(usize::try_from(error["id"].as_u64().expect("a number")).unwrap());
    }
    told.sort_unstable();
    assert_eq!(told, ids);
    assert_eq!(wrap.wait().code(), Some(GATEWAY_GONE), "{}", wrap.errors());
}

#[test]
fn a_killed_daemon_leaves_nobody_waiting() {
    scenario(Company::Alone, || {
        let (mut agent, site) = (Agent::start(), Site::new());
        let mut wraps: Vec<(Wrapped, Vec<usize>)> = Vec::new();
        for number in 0..OPEN {
            let mut wrap = open(&agent, &site, number % 2 == 0);
            let ids = (0..number % 4).map(|_| wrap.ask("tools/list", &json!({}))).collect();
            wraps.push((wrap, ids));
        }
        wait_sessions(&agent, OPEN);
        // All that was asked has been let through.
        let asked: u64 = wraps.iter().map(|(_, ids)| ids.len() as u64 + 1).sum();
        eventually("all requests are open", SOON, || {
            let status = agent.status();
            let views = status.gateway["sessions"].as_array().unwrap().clone();
            let passed: u64 = views.iter().map(|view| view["messages"]["c2s"].as_u64().unwrap()).sum();
            (passed == asked).then_some(())
        });
        let start = Instant::now();
        agent.kill_hard();
        for (wrap, ids) in &mut wraps {
            is_told(wrap, ids);
        }
        measured(&format!("{OPEN} sessions were told and ended in {:?}", start.elapsed()));
        agent.restart();
        let mut wrap = open(&agent, &site, false);
        wait_sessions(&agent, 1);
        assert_eq!(wrap.close(), Some(0));
        Ok(())
    });
}

#[test]
fn a_daemon_that_stops_says_so_to_every_client() {
    scenario(Company::Shared, || {
        let (mut agent, site) = (Agent::start(), Site::new());
        let mut wrap = open(&agent, &site, true);
        let ids = vec![wrap.ask("tools/list", &json!({})), wrap.ask("ping", &json!({}))];
        let passed = || agent.status().gateway["sessions"][0]["messages"]["c2s"] == 3;
        eventually("all requests are open", SOON, || passed().then_some(()));
        let (ended, _) = agent.stop();
        assert!(ended.success(), "{ended}");
        is_told(&mut wrap, &ids);
        Ok(())
    });
}

#[test]
fn sessions_leave_nothing_behind_in_the_daemon() {
    scenario(Company::Alone, || {
        let (agent, site) = (Agent::start(), Site::new());
        let count = |what: &str| fs::read_dir(format!("/proc/{}/{what}", agent.pid())).unwrap().count();
        let session = || {
            let mut wrap = Wrapped::start(
                &agent,
                &site,
                &[tiny().as_os_str(), "serve".as_ref(), "t".as_ref(), "1".as_ref()],
            );
            assert!(wrap.call("initialize", &hello())["result"].is_object());
            assert_eq!(wrap.close(), Some(0));
        };
        session();
        wait_sessions(&agent, 0);
        let settled = || {
            eventually("descriptors and threads settle", SOON, || {
                let before = (count("fd"), count("task"));
                std::thread::park_timeout(std::time::Duration::from_millis(300));
                ((count("fd"), count("task")) == before && open_sessions(&agent) == 0).then_some(before)
            })
        };
        let before = settled();
        for _ in 0..MANY {
            session();
        }
        // What lingers for a moment is not a leak: the tap goes some seconds after the last server.
        let leaked = |now: (usize, usize)| now.0 > before.0 + 2 || now.1 > before.1;
        let after =
            eventually("nothing is left behind", SOON, || Some(settled()).filter(|&now| !leaked(now)));
        measured(&format!("descriptors and threads before {before:?}, after {MANY} sessions {after:?}"));
        Ok(())
    });
}
