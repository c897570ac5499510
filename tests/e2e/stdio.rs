//! Every real server a client starts over stdio is listed once, for what it is; wrapped, as proxied.

use std::process::Command;
use std::time::Duration;

use mcpgw_agent::inventory::{ServerState, ServerView, Transport};

use crate::support::{
    Agent, Client, Company, Driver, Facts, ServerQuery, Session, Site, Skipped, StdioServer, exe_of,
    scenario, tiny,
};

/// From the client's `READY` to everything known.
const LISTED: Duration = Duration::from_secs(20);

macro_rules! cases {
    ($($name:ident: $client:ident starts $server:ident;)+) => {$(
        mod $name {
            use super::*;

            #[test]
            fn unproxied() {
                scenario(Company::Shared, || super::unproxied(Client::$client, StdioServer::$server));
            }

            #[test]
            fn wrapped() {
                scenario(Company::Shared, || super::wrapped(Client::$client, StdioServer::$server));
            }
        }
    )+};
}

cases! {
    everything_by_npx: Node starts Everything;
    filesystem_by_npx: PyV1 starts Filesystem;
    everything_by_npx_from_deno: Deno starts Everything;
    python_v1: PyV1 starts PyV1;
    python_v2_legacy_era: PyV2Legacy starts PyV2;
    python_v2_stateless_era: PyV2Auto starts PyV2;
    python_v2_probes_a_legacy_server: PyV2Auto starts PyV1;
    node: Node starts Node;
    bun: Bun starts Bun;
    deno: Deno starts Deno;
    bun_client: Bun starts PyV2;
    go: Go starts Go;
    go_client: Go starts Tiny;
    static_rust: Node starts Tiny;
    uv_run: PyV1 starts UvRun;
    shell: Node starts Shell;
    namespaces: PyV1 starts Namespaces;
}

fn unproxied(client: Client, server: StdioServer) -> Result<(), Skipped> {
    let (agent, site, other) = (Agent::start(), Site::new(), Site::new());
    // One to listen to: some of these servers have said all they ever say a millisecond after they were started.
    let _silent = Session::start_seen(&agent, &other, Command::new(tiny()).arg("hold"));
    let (mut driver, facts) = Driver::stdio(client, &site, &server.command(&site)?)?;
    let found = wait_complete(&agent, &site, &facts);
    assert_eq!(found.state, ServerState::Unproxied, "{found:#?}");
    let user = found.client.as_ref().unwrap_or_else(|| panic!("who launched it is known: {found:#?}"));
    assert_eq!(user.pid, driver.pid(), "the client is the driver: {found:#?}");
    assert_eq!(Some(user.exe.as_str()), exe_of(driver.pid()).as_deref().and_then(|p| p.to_str()));
    check(&agent, &site, driver.pid(), &facts, &found);
    driver.close();
    gone(&agent, &site);
    Ok(())
}

fn wrapped(client: Client, server: StdioServer) -> Result<(), Skipped> {
    let (agent, site) = (Agent::start(), Site::new());
    let (mut driver, facts) = Driver::wrapped(client, &site, &server.command(&site)?, &agent)?;
    let found = wait_complete(&agent, &site, &facts);
    assert_eq!(found.state, ServerState::Proxied, "{found:#?}");
    check(&agent, &site, driver.pid(), &facts, &found);
    driver.close();
    gone(&agent, &site);
    Ok(())
}

/// The one server of the site, once all that was on its wire is known.
fn wait_complete(agent: &Agent, site: &Site, facts: &Facts) -> ServerView {
    let complete = |s: &ServerView| {
        s.confirmed && s.tools == Some(facts.tools) && s.server_info.is_some() && s.client.is_some()
    };
    let what = "one confirmed server with name, tools and client";
    agent.wait_for(what, &[site.path()], LISTED, |status| match status.at(&site.server)[..] {
        [only] if complete(only) => Some(only.clone()),
        _ => None,
    })
}

/// What holds of every server, proxied or not.
fn check(agent: &Agent, site: &Site, driver: u32, facts: &Facts, found: &ServerView) {
    let real = site.real_server(driver).expect("the driver holds the session");
    assert_eq!(found.pid, real, "the process that reads the channel: {found:#?}");
    assert_eq!(Some(found.exe.as_str()), exe_of(real).as_deref().and_then(|p| p.to_str()));
    assert!(!found.command.is_empty(), "{found:#?}");
    assert_eq!(found.transport, Transport::Stdio);
    assert_eq!((found.user.as_str(), found.uid), ("root", 0));
    let (name, told) =
        (found.server_info.as_ref().unwrap(), facts.server.as_ref().expect("drivers report it"));
    assert_eq!((&name.name, &name.version), (&told.name, &told.version));
    if let Some(protocol) = &facts.protocol {
        assert_eq!(found.protocol_version.as_ref(), Some(protocol), "{found:#?}");
    }
    assert!(!found.evidence.is_empty() && found.messages.c2s > 0 && found.messages.s2c > 0, "{found:#?}");
    // The driver, a client with a pipe for stdin, is not taken for a server.
    let status = agent.status();
    assert!(status.flagged_at(&site.client).is_empty(), "{}", status.describe(&[site.path()]));
}

/// The server left the list after its client closed the session.
fn gone(agent: &Agent, site: &Site) {
    agent.wait_for("the server ends", &[site.path()], LISTED, |status| {
        status.at(&site.server).is_empty().then_some(())
    });
}
