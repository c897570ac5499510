//! Servers that listen: Streamable HTTP and the older HTTP+SSE, on the host and in a network namespace.

use std::ffi::OsString;
use std::time::Duration;

use mcpgw_agent::inventory::{ServerState, ServerView, Transport};

use crate::support::{
    Agent, Client, Company, Driver, Facts, Peers, Process, ServerQuery, Site, Skipped, WebServer,
    agent_binary, eventually, scenario,
};

/// From the client's `READY` to everything known.
const LISTED: Duration = Duration::from_secs(20);

macro_rules! cases {
    ($($name:ident: $client:ident uses $server:ident by $transport:ident;)+) => {$(
        #[test]
        fn $name() {
            scenario(Company::Shared, || unproxied(Client::$client, WebServer::$server, Transport::$transport));
        }
    )+};
}

cases! {
    everything_http_node: Node uses EverythingHttp by Http;
    everything_http_bun: Bun uses EverythingHttp by Http;
    everything_http_deno: Deno uses EverythingHttp by Http;
    everything_sse_python: PyV1 uses EverythingSse by Sse;
    python_v1_http: PyV1 uses PyV1Http by Http;
    python_v1_sse_node: Node uses PyV1Sse by Sse;
    python_v2_http_legacy_era: PyV2Legacy uses PyV2Http by Http;
    python_v2_http_stateless_era: PyV2Auto uses PyV2Http by Http;
}

fn unproxied(client: Client, server: WebServer, transport: Transport) -> Result<(), Skipped> {
    let (agent, site) = (Agent::start(), Site::new());
    let mut process = server.start(&site)?;
    let url = format!("http://{}{}", process.address(), server.path());
    let name = if transport == Transport::Sse { "sse" } else { "http" };
    let (driver, facts) = Driver::web(client, &site, name, &url)?;
    let found = wait_complete(&agent, &site, &facts, driver.pid());
    check(&site, &process, &facts, &found);
    assert_eq!(found.transport, transport, "{found:#?}");
    let endpoint = found.endpoint.as_deref().unwrap_or_default();
    assert!(endpoint.contains(&format!(":{}", process.port)), "{found:#?}");
    let status = agent.status();
    assert!(status.flagged_at(&site.client).is_empty(), "{}", status.describe(&[site.path()]));
    process.end();
    agent.wait_for("the server ends", &[site.path()], LISTED, |status| {
        status.at(&site.server).is_empty().then_some(())
    });
    Ok(())
}

/// The one server of the site, once all that was on its wire is known and `client` is held to be its client.
fn wait_complete(agent: &Agent, site: &Site, facts: &Facts, client: u32) -> ServerView {
    let complete = |s: &ServerView| {
        s.confirmed
            && s.tools == Some(facts.tools)
            && s.server_info.is_some()
            && s.client.as_ref().is_some_and(|c| c.pid == client)
    };
    agent.wait_for("one confirmed server with name, tools and client", &[site.path()], LISTED, |status| {
        match status.at(&site.server)[..] {
            [only] if complete(only) => Some(only.clone()),
            _ => None,
        }
    })
}

fn check(site: &Site, process: &Process, facts: &Facts, found: &ServerView) {
    assert_eq!(found.state, ServerState::Unproxied, "{found:#?}");
    assert_eq!(Some(found.pid), site.real_server(process.pid()), "the process that listens: {found:#?}");
    let (name, told) =
        (found.server_info.as_ref().unwrap(), facts.server.as_ref().expect("drivers report it"));
    assert_eq!((&name.name, &name.version), (&told.name, &told.version));
}

/// The network namespace of a process.
fn of_network(pid: u32) -> Option<std::path::PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/ns/net")).ok()
}

/// The same port on the host and in a network namespace: two servers, each with its own client.
#[test]
fn one_port_in_two_namespaces() {
    scenario(Company::Shared, || {
        let (agent, host, inner) = (Agent::start(), Site::new(), Site::new());
        let server = WebServer::PyV1Http.start(&host)?;
        let url = format!("http://{}/mcp", server.address());

        let mut command: Vec<OsString> = vec![Peers::on_path("unshare")?];
        command
            .extend(["--net", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c"].map(Into::into));
        command.extend([r#""$0" link set lo up && exec "$@""#.into(), Peers::on_path("ip")?]);
        command.extend(WebServer::PyV1Http.command(server.port)?);
        let namespaced = Process::start(&inner, &command, &[]);
        let leaf = eventually("the namespaced server runs", LISTED, || {
            let leaf = inner.real_server(namespaced.pid())?;
            // Before it has a namespace of its own, the host's server listens there.
            if of_network(leaf)? == of_network(std::process::id())? {
                return None;
            }
            let listens = std::fs::read_to_string(format!("/proc/{leaf}/net/tcp")).ok()?;
            listens.contains(&format!(":{:04X} 00000000:0000 0A", server.port)).then_some(leaf)
        });

        let enter = [Peers::on_path("nsenter")?, format!("--net=/proc/{leaf}/ns/net").into(), "--".into()];
        let (one, facts) = Driver::web(Client::PyV1, &host, "http", &url)?;
        let (two, _) = Driver::web_in(Client::PyV1, &inner, "http", &url, &enter)?;
        let outside = wait_complete(&agent, &host, &facts, one.pid());
        let inside = wait_complete(&agent, &inner, &facts, two.pid());
        check(&host, &server, &facts, &outside);
        check(&inner, &namespaced, &facts, &inside);
        assert_ne!(outside.id, inside.id);
        Ok(())
    });
}

/// Behind `proxy` it is proxied and `proxy` is no server of its own; a client past it is noticed.
#[test]
fn behind_the_gateway_and_past_it() {
    scenario(Company::Shared, || {
        let (agent, site, gate) = (Agent::start(), Site::new(), Site::new());
        let server = WebServer::PyV1Http.start(&site)?;
        let upstream = format!("http://{}/mcp", server.address());
        let command: Vec<OsString> = [
            agent_binary().into_os_string(),
            "proxy".into(),
            "--upstream".into(),
            upstream.clone().into(),
            "--listen".into(),
            "127.0.0.1:0".into(),
        ]
        .into();
        let (runtime, state) = (agent.runtime_dir(), gate.path().join("state"));
        let env = [
            ("MCPGW_RUNTIME_DIR", runtime.to_str().expect("it is text")),
            ("XDG_STATE_HOME", state.to_str().expect("it is text")),
        ];
        let gateway = Process::start(&gate, &command, &env);
        let url = eventually("the gateway listens", LISTED, || {
            let log = std::fs::read_to_string(gate.path().join("server.log")).ok()?;
            Some(log.lines().find_map(|line| line.strip_prefix("listening on "))?.to_owned())
        });

        let (through, facts) = Driver::web(Client::PyV1, &gate, "http", &url)?;
        let found =
            agent.wait_for(
                "the server is proxied",
                &[site.path(), gate.path()],
                LISTED,
                |status| match status.at(&site.server)[..] {
                    // That it is proxied is known from the connection, the rest from what is said on it.
                    [only] if only.state == ServerState::Proxied && only.tools.is_some() => {
                        Some(only.clone())
                    }
                    _ => None,
                },
            );
        assert!(found.reason.contains(&format!("(pid {})", gateway.pid())), "{found:#?}");
        assert_eq!(found.tools, Some(facts.tools));
        let status = agent.status();
        assert!(status.at(&gate.server).is_empty(), "{}", status.describe(&[gate.path()]));

        let (past, _) = Driver::web(Client::PyV1, &site, "http", &upstream)?;
        // Until it is known which process has the connection, the reason is that nobody knows.
        let who = format!("(pid {})", past.pid());
        agent.wait_for("a client past it", &[site.path(), gate.path()], LISTED, |status| {
            match status.at(&site.server)[..] {
                [only] => (only.state == ServerState::Unproxied && only.reason.contains(&who)).then_some(()),
                _ => None,
            }
        });
        drop(through);
        Ok(())
    });
}
