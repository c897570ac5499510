//! The peers by themselves, no agent: where one of these fails, the peer is broken and not mcpgw.

use std::time::Duration;

use crate::support::{
    Client, Company, Driver, Peers, Session, Site, StdioServer, WebServer, descendants, eventually, is_alive,
    scenario, tiny,
};

/// For processes to end once they are told to.
const SOON: Duration = Duration::from_secs(20);

/// A session works, its server can be told from its wrappers, and closing leaves nothing behind.
fn stdio(pairs: &[(Client, StdioServer)]) {
    scenario(Company::Shared, || {
        for &(client, server) in pairs {
            let site = Site::new();
            let (mut driver, facts) = Driver::stdio(client, &site, &server.command(&site)?)?;
            assert!(facts.tools > 0 && facts.server.is_some(), "{client:?} {server:?}: {facts:?}");
            assert_eq!(driver.again().tools, facts.tools, "{client:?} {server:?}");
            let tree = descendants(driver.pid());
            let real = site.real_server(driver.pid());
            assert!(
                real.is_some_and(|pid| tree.contains(&pid)),
                "{client:?} {server:?}: {real:?} of {tree:?}"
            );
            driver.close();
            // Who is killed by another who ends is so a moment later.
            eventually(&format!("{client:?} {server:?} leave nobody behind"), SOON, || {
                (!tree.iter().any(|&pid| is_alive(pid))).then_some(())
            });
        }
        Ok(())
    });
}

#[test]
fn npm_servers() {
    stdio(&[
        (Client::Node, StdioServer::Everything),
        (Client::PyV1, StdioServer::Filesystem),
        (Client::Deno, StdioServer::Everything),
    ]);
}

#[test]
fn python_servers() {
    stdio(&[
        (Client::PyV1, StdioServer::PyV1),
        (Client::PyV2Legacy, StdioServer::PyV2),
        (Client::PyV2Auto, StdioServer::PyV2),
        (Client::PyV2Auto, StdioServer::PyV1),
        (Client::PyV1, StdioServer::UvRun),
        (Client::PyV1, StdioServer::Namespaces),
    ]);
}

#[test]
fn javascript_runtimes() {
    stdio(&[
        (Client::Node, StdioServer::Node),
        (Client::Bun, StdioServer::Bun),
        (Client::Deno, StdioServer::Deno),
    ]);
}

#[test]
fn static_programs() {
    stdio(&[
        (Client::Go, StdioServer::Go),
        (Client::Go, StdioServer::Tiny),
        (Client::Node, StdioServer::Shell),
    ]);
}

#[test]
fn listening_servers() {
    scenario(Company::Shared, || {
        let cases = [
            (Client::Node, WebServer::EverythingHttp, "http"),
            (Client::Bun, WebServer::EverythingHttp, "http"),
            (Client::Deno, WebServer::EverythingHttp, "http"),
            (Client::PyV1, WebServer::EverythingSse, "sse"),
            (Client::PyV1, WebServer::PyV1Http, "http"),
            (Client::Node, WebServer::PyV1Sse, "sse"),
            (Client::PyV2Legacy, WebServer::PyV2Http, "http"),
            (Client::PyV2Auto, WebServer::PyV2Http, "http"),
        ];
        for (client, server, transport) in cases {
            let site = Site::new();
            let process = server.start(&site)?;
            let url = format!("http://{}{}", process.address(), server.path());
            let (driver, facts) = Driver::web(client, &site, transport, &url)?;
            assert!(facts.tools > 0 && facts.server.is_some(), "{client:?} {server:?}: {facts:?}");
            assert!(site.real_server(process.pid()).is_some(), "{server:?}");
            drop(driver);
        }
        Ok(())
    });
}

#[test]
fn lookalikes() {
    scenario(Company::Shared, || {
        let python = |script: &str| Ok(vec![Peers::python("py2")?, Peers::script(script)]);
        let cases = [
            (
                "framed_client.py",
                "lsp",
                vec![Peers::npm_tool("typescript-language-server")?, "--stdio".into()],
            ),
            ("framed_client.py", "lsp", vec![Peers::npm_tool("bash-language-server")?, "start".into()]),
            ("framed_client.py", "lsp", vec![Peers::python_tool("pylsp")?]),
            ("framed_client.py", "dap", vec![Peers::python_tool("debugpy-adapter")?]),
            ("line_client.py", "calls", [python("jsonrpc_daemon.py")?, vec!["stdio".into()]].concat()),
            ("line_client.py", "acp", python("acp_agent.py")?),
        ];
        for (script, kind, server) in cases {
            let site = Site::new();
            let driver = Driver::lookalike(script, kind, &site, &server)?;
            assert!(!descendants(driver.pid()).is_empty(), "{server:?}");
        }
        Ok(())
    });
}

#[test]
fn sessions_of_our_own() {
    scenario(Company::Shared, || {
        let site = Site::new();
        let mut server =
            Session::start(&site, std::process::Command::new(tiny()).args(["serve", r"na\x1bme", "1"]));
        assert_eq!(server.initialize()["serverInfo"]["name"], "na\u{1b}me");
        Ok(())
    });
}
