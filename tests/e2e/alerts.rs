//! The shipped alert rules in a real Prometheus with a real Alertmanager.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::support::{
    Agent, Company, Peers, Process, ServerQuery, Session, Site, Skipped, eventually, http_get, measured,
    reserved_port, scenario, tiny,
};

/// From the event to the alert, or its end, with intervals of a second.
const ALERTED: Duration = Duration::from_secs(90);
/// For a daemon to answer.
const UP: Duration = Duration::from_secs(60);

/// The rules as shipped, except that nothing waits longer than a test may.
fn shortened_rules() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/prometheus/rules.yml");
    let rules = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let shorten = |line: &str| match line.split_once("for:") {
        Some((indent, _)) if indent.trim().is_empty() => format!("{indent}for: 0s"),
        _ => line.to_owned(),
    };
    rules.lines().map(shorten).collect::<Vec<_>>().join("\n") + "\n"
}

/// A daemon of the monitoring kind, on a port found free.
fn daemon(site: &Site, ready: &str, command: impl Fn(u16) -> Vec<OsString>) -> Process {
    for _ in 0..5 {
        let port = reserved_port();
        let mut process = Process::start(site, &command(port), &[]);
        process.port = port;
        let up = eventually("the daemon is ready", UP, || {
            if !crate::support::is_alive(process.pid()) {
                return Some(false);
            }
            http_get(&process.address(), ready).is_ok_and(|(code, _)| code == 200).then_some(true)
        });
        if up {
            return process;
        }
    }
    panic!("no port: {}", fs::read_to_string(site.path().join("server.log")).unwrap_or_default())
}

fn start_alertmanager(site: &Site) -> Result<Process, Skipped> {
    let program = Peers::on_path("prometheus-alertmanager").or_else(|_| Peers::on_path("alertmanager"))?;
    let config = site.path().join("alertmanager.yml");
    fs::write(&config, "route:\n  receiver: none\nreceivers:\n  - name: none\n").unwrap();
    let data = site.path().join("alertmanager");
    Ok(daemon(site, "/-/ready", |port| {
        let options = [
            format!("--config.file={}", config.display()),
            format!("--storage.path={}", data.display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
            // No cluster: it would listen on every address.
            "--cluster.listen-address=".to_owned(),
        ];
        [vec![program.clone()], options.map(OsString::from).into()].concat()
    }))
}

fn start_prometheus(site: &Site, metrics: &str, alertmanager: &str) -> Result<Process, Skipped> {
    let program = Peers::on_path("prometheus")?;
    fs::write(site.path().join("rules.yml"), shortened_rules()).unwrap();
    let config = site.path().join("prometheus.yml");
    let text = format!(
        "global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\nrule_files: [rules.yml]\n\
         alerting:\n  alertmanagers:\n    - static_configs: [{{targets: ['{alertmanager}']}}]\n\
         scrape_configs:\n  - job_name: mcpgw\n    static_configs: [{{targets: ['{metrics}']}}]\n"
    );
    fs::write(&config, text).unwrap();
    let data = site.path().join("prometheus");
    Ok(daemon(site, "/-/ready", |port| {
        let options = [
            format!("--config.file={}", config.display()),
            format!("--storage.tsdb.path={}", data.display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
            // Not the default minute: an alert that came before the Alertmanager was known waits that long.
            "--rules.alert.resend-delay=1s".to_owned(),
        ];
        [vec![program.clone()], options.map(OsString::from).into()].concat()
    }))
}

/// Firing alerts about unproxied servers, as Alertmanager has them.
fn firing(alertmanager: &Process) -> Vec<Value> {
    let (code, body) = http_get(&alertmanager.address(), "/api/v2/alerts?active=true").expect("it answers");
    assert_eq!(code, 200, "{body}");
    let alerts: Vec<Value> = serde_json::from_str(&body).unwrap_or_else(|e| panic!("{e} in {body}"));
    alerts
        .into_iter()
        .filter(|a| a["labels"]["alertname"].as_str().is_some_and(|n| n.contains("Unproxied")))
        .collect()
}

/// Alone, because any unproxied server on the host fires the alert.
#[test]
fn an_unproxied_server_fires_an_alert_that_resolves_when_it_ends() {
    scenario(Company::Alone, || {
        let (agent, site) = (Agent::start(), Site::new());
        let status = agent.status();
        let metrics =
            status.agent["metrics_address"].as_str().unwrap_or_else(|| panic!("{}", status.agent)).to_owned();
        if status.summary["unproxied"] != 0 {
            return Err(Skipped(format!(
                "this host has unproxied servers of its own: {}",
                status.describe(&[])
            )));
        }
        let alertmanager = start_alertmanager(&site)?;
        let prometheus = start_prometheus(&site, &metrics, &alertmanager.address())?;
        eventually("Prometheus has scraped the agent", UP, || {
            let (_, body) = http_get(&prometheus.address(), "/api/v1/query?query=up").ok()?;
            let body: Value = serde_json::from_str(&body).ok()?;
            (body["data"]["result"][0]["value"][1] == "1").then_some(())
        });
        assert!(firing(&alertmanager).is_empty(), "before any server: {:?}", firing(&alertmanager));

        let start = std::time::Instant::now();
        let mut server =
            Session::start_seen(&agent, &site, Command::new(tiny()).args(["serve", "unwatched", "1"]));
        server.open();
        let alerts = eventually("the alert fires", ALERTED, || {
            Some(firing(&alertmanager)).filter(|alerts| !alerts.is_empty())
        });
        measured(&format!("server to alert {:?} (scrape and evaluation every second)", start.elapsed()));
        assert!(alerts.iter().all(|a| a["annotations"]["summary"].is_string()), "{alerts:#?}");
        assert!(agent.status().of(server.pid()).is_some());

        let start = std::time::Instant::now();
        drop(server);
        eventually("the alert resolves", ALERTED, || firing(&alertmanager).is_empty().then_some(()));
        measured(&format!("end of server to resolved {:?}", start.elapsed()));
        Ok(())
    });
}

#[test]
fn health_endpoints_answer() {
    scenario(Company::Shared, || {
        let agent = Agent::start();
        let status = agent.status();
        let address =
            status.agent["metrics_address"].as_str().unwrap_or_else(|| panic!("{}", status.agent)).to_owned();
        for path in ["/healthz", "/readyz", "/metrics"] {
            let (code, body) = http_get(&address, path).unwrap_or_else(|e| panic!("{path}: {e}"));
            assert_eq!(code, 200, "{path}: {body}");
        }
        assert_eq!(status.schema, 1);
        Ok(())
    });
}
