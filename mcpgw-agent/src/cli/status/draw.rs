//! The status as a person reads it: the table, then how many there are, then the agent's health.

use jiff::{SignedDuration, Timestamp};

use super::describe;
use super::table::{Share, Table};
use crate::admin::{AgentStatus, Gap, HookState, Mode, Status, Summary};
use crate::cli::text::{Line, Style};
use crate::inventory::{ClientView, ObserveMode, RemoteView, ServerState, ServerView, TlsView};

/// What to show, and to whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    /// Everything.
    pub(super) all: bool,
    /// Columns of the terminal, if it is one.
    pub(super) width: Option<u16>,
    /// When it is drawn.
    pub(super) now: Timestamp,
    /// The caller sees all users' servers.
    pub(super) root: bool,
}

/// Whether a server is shown without `--all`: not long ended, and more to it than its shape.
pub(super) fn is_shown(server: &ServerView, agent: &AgentStatus, now: Timestamp) -> bool {
    let keep = SignedDuration::from_secs(i64::try_from(agent.keep_ended_seconds).unwrap_or(i64::MAX));
    let ended = server.ended_at.is_some_and(|ended| now.duration_since(ended) > keep);
    !ended && !is_shape_only(server)
}

fn is_shape_only(server: &ServerView) -> bool {
    server.state == ServerState::Candidate && server.evidence.iter().all(|evidence| evidence.kind == "shape")
}

/// The whole picture.
pub(super) fn lines(status: &Status, view: &View) -> Vec<Line> {
    let mut shown: Vec<_> = status
        .servers
        .iter()
        .filter(|server| view.all || is_shown(server, &status.agent, view.now))
        .collect();
    shown.sort_by_key(|server| (server.ended_at.is_some(), server.state, server.start_time, server.pid));
    let mut lines = if shown.is_empty() { Vec::new() } else { table(&shown, view) };
    if !lines.is_empty() {
        lines.push(Line::default());
    }
    lines.push(summary(&status.summary));
    if let Some(line) = followed(&shown) {
        lines.push(line);
    }
    lines.extend(remotes(status));
    if let Some(line) = hidden(status, view) {
        lines.push(line);
    }
    if !view.root {
        lines.push(Line::styled(Style::Dim, "Only your own servers are shown; root sees all."));
    }
    let waiting = status.gateway.as_ref().map_or(0, |gateway| gateway.holds.waiting);
    if waiting > 0 {
        let text = format!("Waiting for approval: {waiting}; see `mcpgw-agent hold list`.");
        lines.push(Line::styled(Style::Warn, &text));
    }
    lines.push(health(&status.agent));
    let degraded = status.agent.degraded.iter();
    lines.extend(degraded.map(|what| Line::styled(Style::Warn, "degraded: ").and(Style::Plain, what)));
    lines
}

fn table(servers: &[&ServerView], view: &View) -> Vec<Line> {
    let header = ["STATE", "SERVER", "PID", "USER", "TRANSPORT", "CLIENT", "SINCE", "COMMAND"];
    let mut table = Table::new(&header);
    for server in servers {
        table.row(&[
            describe::state(server.state),
            &describe::name(server),
            &server.pid.to_string(),
            &server.user,
            describe::transport(server.transport),
            describe::client(server).as_deref().unwrap_or("-"),
            &describe::since(server, view.now),
            &describe::command(&server.command),
        ]);
    }
    let shares = [
        Share::Whole,
        Share::UpTo(view.width.map_or(0, |width| (width / 4).min(36))),
        Share::Whole,
        Share::UpTo(10),
        Share::Whole,
        Share::UpTo(view.width.map_or(0, |width| (width / 8).min(20))),
        Share::Whole,
        Share::Rest,
    ];
    let mut lines = table.cut(view.width, &shares).into_iter();
    let header = lines.next().map(|line| Line::styled(Style::Bold, &line));
    let rows = lines.zip(servers).map(|(line, server)| paint(&line, server));
    header.into_iter().chain(rows).collect()
}

/// Colours a row's state, or dims the row of one that ended.
fn paint(line: &str, server: &ServerView) -> Line {
    if server.ended_at.is_some() {
        return Line::styled(Style::Dim, line);
    }
    let state = describe::state(server.state);
    match line.strip_prefix(state) {
        Some(rest) => Line::styled(describe::style(server.state), state).and(Style::Plain, rest),
        None => Line::plain(line),
    }
}

fn summary(summary: &Summary) -> Line {
    let Summary { servers, proxied, unproxied, allowed, unknown, candidates } = *summary;
    if servers + candidates == 0 {
        return Line::plain(
            "No MCP servers are running. Start one any way you like, and it will be listed here.",
        );
    }
    let mut line = Line::plain(&counted(servers, "MCP server", "MCP servers"));
    let states = [
        (unproxied, ServerState::Unproxied),
        (unknown, ServerState::Unknown),
        (allowed, ServerState::Allowed),
        (proxied, ServerState::Proxied),
    ];
    let mut between = ": ";
    for (count, state) in states.into_iter().filter(|(count, _)| *count > 0) {
        let text = format!("{count} {}", describe::state(state));
        line = line.and(Style::Plain, between).and(describe::style(state), &text);
        between = ", ";
    }
    if candidates > 0 {
        line = line.and(Style::Plain, &format!("; {}", counted(candidates, "candidate", "candidates")));
    }
    line.and(Style::Plain, ".")
}

/// Says whose messages are followed.
fn followed(shown: &[&ServerView]) -> Option<Line> {
    let followed = shown.iter().filter(|server| server.observe == ObserveMode::Messages);
    let named: Vec<_> =
        followed.map(|server| format!("{} (pid {})", describe::name(server), server.pid)).collect();
    (!named.is_empty()).then(|| Line::plain(&format!("Messages are recorded of: {}.", named.join(", "))))
}

/// Says which servers elsewhere are talked to, and where that cannot be read.
fn remotes(status: &Status) -> Vec<Line> {
    let running = status.remote.iter().filter(|remote| remote.ended_at.is_none());
    let line = |remote: &RemoteView| {
        let place = format!("{}{}", remote.host, remote.path.as_deref().unwrap_or_default());
        let said = match remote.tls {
            TlsView::Read => {
                let name = remote.server_info.as_ref().map(|info| format!("{}, ", info.name));
                let tools =
                    remote.tools.map(|tools| counted(usize::try_from(tools).unwrap_or(0), "tool", "tools"));
                format!("{}{}", name.unwrap_or_default(), tools.as_deref().unwrap_or("tools not seen"))
            }
            TlsView::Opaque => format!("opaque, {}", remote.reason),
        };
        let address = remote.address.as_ref().map(|address| format!(" at {address}")).unwrap_or_default();
        let ClientView { pid, exe, .. } = &remote.client;
        Line::plain(&format!("Elsewhere: {place}{address}: {said}; by {exe} (pid {pid})."))
    };
    running.map(line).collect()
}

/// Says what `--all` would add.
fn hidden(status: &Status, view: &View) -> Option<Line> {
    if view.all {
        return None;
    }
    let running = |server: &&ServerView| server.ended_at.is_none() && is_shape_only(server);
    let shape = status.servers.iter().filter(running).count();
    (shape > 0).then(|| {
        let what = counted(shape, "process only looks", "processes only look");
        Line::styled(Style::Dim, &format!("{what} like a server by shape; --all shows them."))
    })
}

fn health(agent: &AgentStatus) -> Line {
    let (mode, mode_style) = match agent.mode {
        Mode::Ebpf => ("kernel probes", Style::Plain),
        Mode::Procfs => ("polling /proc, no kernel probes", Style::Warn),
    };
    let line = Line::plain(&format!("Agent {} (pid {}): ", agent.version, agent.pid)).and(mode_style, mode);
    let (attached, all) = (hooks(agent, HookState::Attached), agent.hooks.len());
    let hooks_style = if hooks(agent, HookState::Failed) > 0 { Style::Warn } else { Style::Plain };
    let line = line.and(Style::Plain, "; ").and(hooks_style, &format!("hooks {attached}/{all} attached"));
    let untold = |gap: &Gap| gap.lost.saturating_add(gap.missed).saturating_add(gap.undecodable);
    let missed: u64 = agent.gaps.values().map(untold).fold(0, u64::saturating_add);
    let line = line.and(Style::Plain, "; ");
    if missed == 0 {
        line.and(Style::Plain, "no events lost.")
    } else {
        let records = agent.gaps.values().fold(0_u64, |sum, gap| sum.saturating_add(gap.records));
        line.and(Style::Warn, &format!("{missed} of {records} events lost")).and(Style::Plain, ".")
    }
}

fn hooks(agent: &AgentStatus, state: HookState) -> usize {
    agent.hooks.iter().filter(|hook| hook.state == state).count()
}

fn counted(count: usize, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}
