//! The verdict: the only place that decides a server's state, and says why.
//!
//! Pure function of gathered facts. Order matters: a gateway in between beats a sanction, a sanction beats a
//! confirmation, and what could not be seen is never called clean.

use super::ServerState;
use super::text;

/// State and reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) state: ServerState,
    pub(super) reason: String,
}

impl Default for Verdict {
    fn default() -> Self {
        Self { state: ServerState::Candidate, reason: String::new() }
    }
}

/// What the verdict rests on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Facts<'a> {
    /// The registered gateway between it and all its clients: which program, its pid and name.
    pub(super) gateway: Option<(&'static str, u32, Option<&'a str>)>,
    /// The pid of a client that talks to it past the gateway there is.
    pub(super) past: Option<u32>,
    /// The allow rule that matches.
    pub(super) rule: Option<&'a str>,
    /// MCP in both directions.
    pub(super) confirmed: bool,
    /// A client's requests were seen.
    pub(super) asked: bool,
    /// MCP in some direction.
    pub(super) mcp: bool,
    /// The command line names a package.
    pub(super) command: bool,
    /// Bytes missing from its streams.
    pub(super) lost: u64,
    /// There is a tap at all.
    pub(super) wire: bool,
    /// Observation is over without an answer.
    pub(super) gave_up: bool,
}

impl Facts<'_> {
    /// More than an open door speaks for it.
    fn tells(&self) -> bool {
        self.confirmed || self.mcp || self.command
    }
}

/// Decides.
pub(super) fn assess(facts: &Facts<'_>) -> Verdict {
    let (state, reason) = decide(facts);
    Verdict { state, reason }
}

fn decide(facts: &Facts<'_>) -> (ServerState, String) {
    if let Some((program, pid, name)) = facts.gateway {
        let name = name.map_or_else(String::new, |name| format!(" `{}`", text::escape(name, text::NAME)));
        return (ServerState::Proxied, format!("behind mcpgw {program}{name} (pid {pid})"));
    }
    if let Some(rule) = facts.rule.filter(|_| facts.tells()) {
        return (ServerState::Allowed, format!("allow rule `{}`", text::escape(rule, text::NAME)));
    }
    if let Some(client) = facts.past.filter(|_| facts.confirmed) {
        let reason = format!("a client (pid {client}) talks to it past the gateway");
        return (ServerState::Unproxied, reason);
    }
    if facts.confirmed {
        return (ServerState::Unproxied, "speaks MCP and no gateway is in between".to_owned());
    }
    if !facts.wire {
        let state = if facts.tells() { ServerState::Unknown } else { ServerState::Candidate };
        return (state, "no wire view: without kernel probes nothing can confirm it".to_owned());
    }
    if facts.lost > 0 && facts.tells() {
        let lost = facts.lost;
        return (
            ServerState::Unknown,
            format!("{lost} bytes of its streams were lost before it was classified"),
        );
    }
    if facts.gave_up && facts.mcp {
        let reason = if facts.asked {
            "requests but no answers were seen"
        } else {
            "answers but no requests were seen"
        };
        return (ServerState::Unknown, reason.to_owned());
    }
    let reason = match (facts.mcp, facts.command) {
        (true, _) => "MCP in one direction so far",
        (false, true) => "its command line names an MCP server; nothing on the wire yet",
        (false, false) => "has the shape of a server; nothing on the wire yet",
    };
    (ServerState::Candidate, reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_in_its_order() {
        let base = Facts { wire: true, ..Facts::default() };
        let gateway = Some(("wrap", 7, Some("x")));
        let all = Facts { gateway, rule: Some("r"), confirmed: true, mcp: true, ..base };
        let cases = [
            (all, ServerState::Proxied, "`x` (pid 7)"),
            (Facts { gateway: None, ..all }, ServerState::Allowed, "`r`"),
            (Facts { gateway: None, rule: None, ..all }, ServerState::Unproxied, "no gateway"),
            (Facts { gateway: None, rule: None, past: Some(9), ..all }, ServerState::Unproxied, "pid 9"),
            (Facts { past: Some(9), ..base }, ServerState::Candidate, "shape"),
            (Facts { rule: Some("r"), command: true, ..base }, ServerState::Allowed, "`r`"),
            // A rule over a user must not turn every pipeline of theirs into a server.
            (Facts { rule: Some("r"), ..base }, ServerState::Candidate, "shape"),
            (Facts { command: true, ..base }, ServerState::Candidate, "command line"),
            (Facts { command: true, lost: 9, ..base }, ServerState::Unknown, "9 bytes"),
            (Facts { lost: 9, ..base }, ServerState::Candidate, "shape"),
            (Facts { mcp: true, asked: true, ..base }, ServerState::Candidate, "one direction"),
            (Facts { mcp: true, asked: true, gave_up: true, ..base }, ServerState::Unknown, "no answers"),
            (Facts { mcp: true, gave_up: true, ..base }, ServerState::Unknown, "no requests"),
            (Facts { command: true, wire: false, ..base }, ServerState::Unknown, "no wire view"),
            (Facts { wire: false, ..base }, ServerState::Candidate, "no wire view"),
        ];
        for (facts, state, word) in cases {
            let verdict = assess(&facts);
            assert_eq!(verdict.state, state, "{facts:?}");
            assert!(verdict.reason.contains(word), "{} lacks {word}", verdict.reason);
        }
    }
}
