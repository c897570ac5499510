//! Servers that run before the agent does are found, with their clients, as soon as something passes on
//! their wire.

use std::time::Duration;

use mcpgw_agent::inventory::{ServerState, ServerView};

use crate::support::{
    Agent, Client, Company, Driver, ServerQuery, Site, Skipped, StdioServer, WebServer, scenario,
};

/// From the exchange to the line.
const LISTED: Duration = Duration::from_secs(20);

macro_rules! cases {
    ($($name:ident: $client:ident starts $server:ident;)+) => {$(
        #[test]
        fn $name() {
            scenario(Company::Shared, || stdio(Client::$client, StdioServer::$server));
        }
    )+};
}

cases! {
    everything_by_npx: Node starts Everything;
    python_v1: PyV1 starts PyV1;
    python_v2_off_descriptors_0_and_1: PyV2Auto starts PyV2;
    bun: Bun starts Bun;
    deno: Deno starts Deno;
    go: Go starts Go;
    uv_run: PyV1 starts UvRun;
    namespaces: PyV1 starts Namespaces;
}

fn stdio(client: Client, server: StdioServer) -> Result<(), Skipped> {
    let site = Site::new();
    let (mut driver, _) = Driver::stdio(client, &site, &server.command(&site)?)?;
    let agent = Agent::start();
    let facts = driver.again();
    let real = site.real_server(driver.pid()).expect("the driver holds the session");
    expect(&agent, &site, real, driver.pid(), facts.tools);
    Ok(())
}

#[test]
fn everything_http() {
    scenario(Company::Shared, || web(Client::Node, WebServer::EverythingHttp, "http"));
}

#[test]
fn everything_sse() {
    scenario(Company::Shared, || web(Client::PyV1, WebServer::EverythingSse, "sse"));
}

#[test]
fn python_v2_http() {
    scenario(Company::Shared, || web(Client::PyV2Auto, WebServer::PyV2Http, "http"));
}

fn web(client: Client, server: WebServer, transport: &str) -> Result<(), Skipped> {
    let site = Site::new();
    let process = server.start(&site)?;
    let url = format!("http://{}{}", process.address(), server.path());
    let (mut driver, _) = Driver::web(client, &site, transport, &url)?;
    let agent = Agent::start();
    let facts = driver.again();
    let real = site.real_server(process.pid()).expect("it runs");
    expect(&agent, &site, real, driver.pid(), facts.tools);
    Ok(())
}

fn expect(agent: &Agent, site: &Site, server: u32, client: u32, tools: u32) {
    let fits = |s: &ServerView| {
        s.pid == server
            && s.confirmed
            && s.state == ServerState::Unproxied
            && s.tools == Some(tools)
            && s.client.as_ref().is_some_and(|c| c.pid == client)
    };
    agent.wait_for(
        "the one server, confirmed, with its client and tools",
        &[site.path()],
        LISTED,
        |status| match status.at(&site.server)[..] {
            [only] if fits(only) => Some(()),
            _ => None,
        },
    );
    let status = agent.status();
    assert!(status.flagged_at(&site.client).is_empty(), "{}", status.describe(&[site.path()]));
}
