use super::*;
use crate::admin::status::tests::{agent, server};
use crate::inventory::{ServerInfo, ServerState, ServerView, Transport};

const NOW: &str = "2026-11-20T12:00:05Z";

fn at(width: Option<u16>) -> View {
    View { all: false, width, now: NOW.parse().unwrap(), root: true }
}

fn text(status: &Status, view: &View) -> String {
    draw::lines(status, view).iter().map(|line| line.render(false) + "\n").collect()
}

/// A host with some of everything.
fn host() -> Vec<ServerView> {
    let mut filesystem = server("2", ServerState::Unproxied);
    filesystem.pid = 1_234_567;
    filesystem.server_info = None;
    filesystem.start_time = "2026-11-20T11:58:00Z".parse().unwrap();
    filesystem.command =
        ["npx", "-y", "@modelcontextprotocol/server-filesystem", "/home/lucy/a very long path"]
            .map(str::to_owned)
            .to_vec();
    let mut web = server("3", ServerState::Proxied);
    web.transport = Transport::Http;
    web.server_info = Some(ServerInfo { name: "気象サーバー".to_owned(), version: "2.3".to_owned() });
    web.client = None;
    let mut declared = server("4", ServerState::Candidate);
    declared.evidence[0].kind = "command".to_owned();
    declared.server_info = None;
    let mut shape = server("5", ServerState::Candidate);
    shape.evidence[0].kind = "shape".to_owned();
    let mut just_ended = server("6", ServerState::Unproxied);
    just_ended.ended_at = Some("2026-11-20T12:00:02Z".parse().unwrap());
    let mut long_ended = server("7", ServerState::Unproxied);
    long_ended.ended_at = Some("2026-11-20T11:00:00Z".parse().unwrap());
    vec![shape, web, long_ended, declared, just_ended, server("1", ServerState::Unproxied), filesystem]
}

#[test]
fn the_table_fits_a_hundred_columns() {
    let status = Status::new(agent(), host());
    let text = text(&status, &at(Some(100)));
    insta::assert_snapshot!(text, @r###"
    STATE      SERVER              PID      USER  TRANSPORT  CLIENT       SINCE     COMMAND
    unproxied  everything 1.0.0    4242     lucy  stdio      claude-code  2h        node /opt/everythin…
    unproxied  server-filesystem?  1234567  lucy  stdio      claude-code  2m        npx -y @modelcontex…
    candidate  everything?         4242     lucy  stdio      claude-code  2h        node /opt/everythin…
    proxied    気象サーバー 2.3    4242     lucy  http       -            2h        node /opt/everythin…
    unproxied  everything 1.0.0    4242     lucy  stdio      claude-code  ended 3s  node /opt/everythin…

    3 MCP servers: 2 unproxied, 1 proxied; 2 candidates.
    1 process only looks like a server by shape; --all shows them.
    Agent 0.1.0 (pid 77): kernel probes; hooks 1/2 attached; 6 of 30 events lost.
    degraded: HTTP servers are not confirmed: http-in failed
    "###);
}

#[test]
fn the_table_fits_any_terminal() {
    let status = Status::new(agent(), host());
    for width in 60..=240 {
        let lines = draw::lines(&status, &View { all: true, ..at(Some(width)) });
        // The wide characters of the one Japanese name take two columns each.
        let columns = |line: &str| line.chars().map(|c| if c > '\u{3000}' { 2 } else { 1 }).sum::<usize>();
        for line in lines.iter().take(8).map(|line| line.render(false)) {
            assert!(columns(&line) <= usize::from(width), "{} > {width}: {line}", columns(&line));
        }
    }
}

#[test]
fn a_pipe_gets_everything_uncut() {
    let status = Status::new(agent(), host());
    let text = text(&status, &at(None));
    assert!(
        text.contains("npx -y @modelcontextprotocol/server-filesystem '/home/lucy/a very long path'\n"),
        "{text}"
    );
    assert!(!text.contains('…'), "{text}");
}

#[test]
fn all_shows_what_is_hidden_otherwise() {
    let status = Status::new(agent(), host());
    let rows = |view: &View| {
        text(&status, view).lines().filter(|line| line.contains(" stdio ") || line.contains(" http ")).count()
    };
    assert_eq!(rows(&at(None)), 5);
    assert_eq!(rows(&View { all: true, ..at(None) }), 7);
}

#[test]
fn unproxied_comes_first_and_ended_last() {
    let status = Status::new(agent(), host());
    let states: Vec<String> = text(&status, &View { all: true, ..at(None) })
        .lines()
        .skip(1)
        .take(7)
        .map(|line| {
            line.split_whitespace().next().unwrap().to_owned() + if line.contains("ended") { "!" } else { "" }
        })
        .collect();
    let expected =
        ["unproxied", "unproxied", "candidate", "candidate", "proxied", "unproxied!", "unproxied!"];
    assert_eq!(states, expected);
}

#[test]
fn an_empty_host_is_told_so() {
    insta::assert_snapshot!(text(&Status::new(agent(), vec![]), &View { root: false, ..at(Some(100)) }), @r###"
    No MCP servers are running. Start one any way you like, and it will be listed here.
    Only your own servers are shown; root sees all.
    Agent 0.1.0 (pid 77): kernel probes; hooks 1/2 attached; 6 of 30 events lost.
    degraded: HTTP servers are not confirmed: http-in failed
    "###);
}

#[test]
fn what_a_process_calls_itself_cannot_touch_the_terminal() {
    let evil = "\u{1b}[2J\u{1b}]0;x\u{7}\nunproxied  FORGED\r\u{202e}\u{9b}31m";
    let mut server = server("1", ServerState::Unproxied);
    server.user = evil.to_owned();
    server.exe = evil.to_owned();
    server.command = vec![evil.to_owned()];
    server.server_info = Some(ServerInfo { name: evil.to_owned(), version: evil.to_owned() });
    let client = server.client.as_mut().unwrap();
    client.name = Some(evil.to_owned());
    let mut agent = agent();
    agent.degraded = vec![evil.to_owned()];
    let status = Status::new(agent, vec![server]);
    for width in [None, Some(60), Some(100), Some(200)] {
        let lines = draw::lines(&status, &at(width));
        for line in lines.iter().map(|line| line.render(false)) {
            assert!(!line.contains(|c: char| c.is_control() || c == '\u{202e}'), "{line:?}");
        }
        assert_eq!(lines.len(), 6, "no line is forged");
    }
}

#[test]
fn json_shows_what_the_table_shows_and_counts_all() {
    let mut servers = host();
    for server in &mut servers {
        // `json` looks at the real clock.
        server.ended_at = server.ended_at.map(|_| "2020-01-01T00:00:00Z".parse().unwrap());
    }
    let status = Status::new(agent(), servers);
    let read = |all| serde_json::from_str::<Status>(&json(&status, all, false).unwrap()).unwrap();
    assert_eq!(read(false).servers.len(), 4);
    assert_eq!(read(true).servers.len(), 7);
    assert_eq!(read(false).summary, status.summary);
    assert_eq!(json(&status, true, false).unwrap().lines().count(), 1);
}
