//! What `run` prints on a terminal: what it attached, then a line for every server that appears, is confirmed,
//! changes or ends.
//!
//! Printing has a thread of its own behind a bounded queue: a terminal that is stopped (Ctrl-S) must not stop the
//! agent. Lines that find the queue full are dropped, counted, and the count is printed when there is room again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::error::CliError;
use super::output::Output;
use super::status::describe;
use super::text::{Line, Style};
use crate::admin::{AgentStatus, HookState, Mode};
pub use crate::daemon::Change;
use crate::inventory::ServerView;

#[cfg(test)]
mod tests;

/// Lines that may wait for the terminal.
const QUEUE: usize = 1024;

fn word(change: Change) -> &'static str {
    match change {
        Change::Appeared => "appeared",
        Change::Confirmed => "confirmed",
        Change::Changed => "changed",
        Change::Gone => "gone",
    }
}

/// Prints the live list. Dropping it lets what is queued be printed and does not wait for it.
#[derive(Debug)]
pub struct Live {
    sender: SyncSender<Line>,
    dropped: Arc<AtomicU64>,
}

impl Live {
    /// Starts printing.
    pub(super) fn start(output: Output) -> Result<Self, CliError> {
        let (sender, receiver) = sync_channel(QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&dropped);
        thread::Builder::new()
            .name("live list".to_owned())
            .spawn(move || print(output, &receiver, &count))
            .map_err(CliError::failure)?;
        Ok(Self { sender, dropped })
    }

    /// Says what was attached and where the agent can be asked. Call it once, when the agent is ready.
    pub fn ready(&self, agent: &AgentStatus) {
        for line in ready(agent) {
            self.send(line);
        }
    }

    /// Says what happened to a server. Never waits.
    pub fn change(&self, server: &ServerView, change: Change) {
        self.send(styled(server, change));
    }

    fn send(&self, line: Line) {
        if self.sender.try_send(line).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn styled(server: &ServerView, change: Change) -> Line {
    let user = &server.user;
    let mut facts = format!("  pid {} ({user}) {}", server.pid, describe::transport(server.transport));
    if let Some(client) = describe::client(server) {
        facts.push_str(&format!("  from {client}"));
    }
    let state = if change == Change::Gone { Style::Dim } else { describe::style(server.state) };
    Line::styled(Style::Dim, &format!("{:<9}  ", word(change)))
        .and(state, &format!("{:<9}  ", describe::state(server.state)))
        .and(Style::Bold, &describe::name(server))
        .and(Style::Plain, &facts)
        .and(Style::Dim, &format!("  {}", describe::command(&server.command)))
}

fn ready(agent: &AgentStatus) -> Vec<Line> {
    let mode = match agent.mode {
        Mode::Ebpf => "kernel probes",
        Mode::Procfs => "polling /proc (no kernel probes: short-lived servers are missed)",
    };
    let mut lines =
        vec![Line::styled(Style::Bold, &format!("mcpgw-agent {} watches by {mode}.", agent.version))];
    for hook in &agent.hooks {
        let style = match hook.state {
            HookState::Attached => Style::Good,
            HookState::Skipped => Style::Dim,
            HookState::Failed => Style::Bad,
        };
        let reason = if hook.reason.is_empty() { String::new() } else { format!("  {}", hook.reason) };
        lines.push(
            Line::styled(style, &format!("  {:<8}  ", hook.state.as_str()))
                .and(Style::Plain, &hook.name)
                .and(Style::Dim, &reason),
        );
    }
    lines.extend(agent.degraded.iter().map(|what| Line::styled(Style::Warn, &format!("  degraded: {what}"))));
    if let Some(address) = &agent.metrics_address {
        lines.push(Line::plain(&format!("Metrics are at http://{address}/metrics.")));
    }
    lines.push(Line::plain("MCP servers, as they come and go (Ctrl-C ends):"));
    lines
}

fn print(output: Output, lines: &Receiver<Line>, dropped: &AtomicU64) {
    for line in lines {
        let mut batch = vec![line];
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            batch.push(Line::styled(
                Style::Warn,
                &format!("{lost} lines were left out; `mcpgw-agent status` has all."),
            ));
        }
        if output.lines(&batch).is_err() {
            // Nobody reads any more. The agent goes on.
            return;
        }
    }
}
