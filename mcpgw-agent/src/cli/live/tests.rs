use super::*;
use crate::admin::status::tests::{agent, server};
use crate::inventory::ServerState;

fn line(server: &ServerView, change: Change) -> String {
    styled(server, change).render(false)
}

#[test]
fn a_change_is_one_line() {
    let mut server = server("1", ServerState::Unproxied);
    assert_eq!(
        line(&server, Change::Confirmed),
        "confirmed  unproxied  everything 1.0.0  pid 4242 (lucy) stdio  from claude-code  \
         node /opt/everything/dist/index.js stdio"
    );
    server.client = None;
    server.server_info = None;
    server.state = ServerState::Candidate;
    server.command = vec!["sh".to_owned(), "-c".to_owned(), "\u{1b}]0;owned\u{7}\n".to_owned()];
    let line = line(&server, Change::Appeared);
    assert_eq!(line, r"appeared   candidate  sh?  pid 4242 (lucy) stdio  sh -c '\u{1b}]0;owned\u{7}\n'");
}

#[test]
fn what_was_attached_is_said_first() {
    let text: Vec<_> = ready(&agent()).iter().map(|line| line.render(false)).collect();
    insta::assert_snapshot!(text.join("\n"), @r###"
    mcpgw-agent 0.1.0 watches by kernel probes.
      attached  exec
      failed    http-in  no cgroup v2 hierarchy is mounted
      degraded: HTTP servers are not confirmed: http-in failed
    Metrics are at http://127.0.0.1:9464/metrics.
    MCP servers, as they come and go (Ctrl-C ends):
    "###);
}

#[test]
fn a_stopped_terminal_stops_nothing_and_losses_are_counted() {
    let (sender, receiver) = sync_channel(1);
    let live = Live { sender, dropped: Arc::default() };
    let server = server("1", ServerState::Proxied);
    for _ in 0..5 {
        live.change(&server, Change::Gone);
    }
    assert_eq!(live.dropped.load(Ordering::Relaxed), 4);
    assert!(receiver.try_recv().is_ok());
}
