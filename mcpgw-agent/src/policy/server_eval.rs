//! `server_eval:`: which servers may be used.
//!
//! | key | |
//! |---|---|
//! | `mode` | `off`; `observe` or `audit`: what would be refused is recorded; `enforce`: calls of servers nobody approved are refused |
//! | `enabled` | `false` is `mode: off` |
//! | `allow`, `allowlist` | globs of servers' names or URLs, or entries with `name`, `upstream`, `status` |
//! | `auto_approve` | the most risk that needs no person: `none`, `low`, `medium`, `high`, `critical`; or `risk_levels`, a list |
//! | `webhook` | taken and not used |

use super::evaluate::stronger;
use super::glob::Glob;
use super::read::Reader;
use super::text::{Readings, Side};
use super::{Context, Effect, Evaluation, Mode, Policy, Request};
use crate::mcp::Direction;
use crate::risk::{Decided, Known, Level};
use crate::yaml::{Content, Node};

/// Words for modes; the third is what knorq's mcpgw calls the second.
const MODES: [&str; 4] = ["off", "observe", "audit", "enforce"];
/// Words of an entry's status.
const STATUSES: [&str; 4] = ["approved", "denied", "blocked", "pending"];
const LEVELS: [Level; 4] = Level::ALL;

/// Whether a server may be used, and who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServerStatus {
    /// A person blocked it, or the policy does.
    Blocked,
    /// The policy names it.
    Allowed,
    /// A person approved it as it is.
    Approved,
    /// Its risk is low enough.
    AutoApproved,
    /// Nobody has approved it as it is.
    Pending,
}

impl ServerStatus {
    /// All there are.
    pub const ALL: [Self; 5] =
        [Self::Blocked, Self::Allowed, Self::Approved, Self::AutoApproved, Self::Pending];

    /// Its word in records and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Allowed => "allowed",
            Self::Approved => "approved",
            Self::AutoApproved => "auto-approved",
            Self::Pending => "pending",
        }
    }

    /// Its tools may be called.
    #[must_use]
    pub fn is_usable(self) -> bool {
        matches!(self, Self::Allowed | Self::Approved | Self::AutoApproved)
    }
}

/// `server_eval:`, whole.
#[derive(Debug, Clone)]
pub struct ServerEval {
    mode: Mode,
    entries: Vec<Entry>,
    auto: Vec<Level>,
}

/// Servers the policy names.
#[derive(Debug, Clone)]
struct Entry {
    globs: Box<[Glob]>,
    is_blocked: bool,
}

impl Entry {
    /// What permits must hold in every reading of a name, what refuses in any.
    fn matches(&self, context: &Context) -> bool {
        let side = if self.is_blocked { Side::Wide } else { Side::Strict };
        let holds =
            |name: &str| Readings::new(name).match_globs(&self.globs, side).unwrap_or(self.is_blocked);
        holds(&context.server) || context.upstream.as_deref().is_some_and(holds)
    }
}

impl ServerEval {
    /// Whether calls are refused, or what would be is recorded.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether the server of `context` may be used, by what is `known` of it. A person's block outweighs all, the policy's
    /// all but that.
    #[must_use]
    pub fn status(&self, context: &Context, known: Known) -> ServerStatus {
        let named = |is_blocked| {
            self.entries.iter().any(|entry| entry.is_blocked == is_blocked && entry.matches(context))
        };
        match (known.decided, known.level) {
            (Some(Decided::Blocked), _) => ServerStatus::Blocked,
            _ if named(true) => ServerStatus::Blocked,
            _ if named(false) => ServerStatus::Allowed,
            (Some(Decided::Approved), _) => ServerStatus::Approved,
            (_, Some(level)) if self.auto.contains(&level) => ServerStatus::AutoApproved,
            (Some(Decided::Outdated) | None, _) => ServerStatus::Pending,
        }
    }
}

impl Policy {
    /// What it says of servers as a whole; `None` where it says nothing, or has it off.
    #[must_use]
    pub fn server_eval(&self) -> Option<&ServerEval> {
        self.server_eval.as_deref()
    }

    /// `evaluation` of `request`, to a server of which `status` and `level` are known: a call of one that may not be used is
    /// denied. The stricter of both counts.
    pub fn admit(
        &self,
        request: &Request<'_>,
        evaluation: Evaluation,
        status: ServerStatus,
        level: Option<Level>,
    ) -> Evaluation {
        let is_call =
            request.direction == Direction::ToServer && request.message.method() == Some("tools/call");
        let Some(mode) = self.server_eval().map(ServerEval::mode).filter(|_| is_call && !status.is_usable())
        else {
            return evaluation;
        };
        let refused = Evaluation {
            effect: Effect::Deny { as_result: true },
            server: Some((status, level)),
            ..Evaluation::passing(evaluation.rule.clone(), mode)
        };
        let Evaluation { findings, origins, concealed, .. } = &evaluation;
        let (findings, origins, concealed) = (findings.clone(), origins.clone(), concealed.clone());
        Evaluation { findings, origins, concealed, ..stronger(evaluation, refused) }
    }
}

/// Reads the section; `None` where it is off.
pub(super) fn server_eval(reader: &mut Reader, node: &Node) -> Option<ServerEval> {
    let keys = ["mode", "enabled", "allow", "allowlist", "auto_approve", "webhook"];
    let members = reader.map(node, "server_eval", &keys);
    let is_enabled = members.get("enabled").is_none_or(|node| reader.flag(node, "enabled"));
    let mode = members.get("mode").map_or(Some(Mode::Observe), |node| mode(reader, node));
    let mut entries = Vec::new();
    for key in ["allow", "allowlist"] {
        if let Some(node) = members.get(key) {
            allowed(reader, node, key, &mut entries);
        }
    }
    let auto = members.get("auto_approve").map_or(vec![Level::Low], |node| auto_approve(reader, node));
    if let Some(node) = members.get("webhook") {
        let _unused = reader.text(node, "webhook");
    }
    mode.filter(|_| is_enabled).map(|mode| ServerEval { mode, entries, auto })
}

/// `None` where it is off. What is no mode is a problem, and then no policy comes of it.
fn mode(reader: &mut Reader, node: &Node) -> Option<Mode> {
    // YAML 1.1 readers take a bare `off` for `false`: both are meant alike.
    if matches!(node.content, Content::Bool(false)) {
        return None;
    }
    match reader.word(node, "mode", &MODES) {
        Some(0) => None,
        Some(3) | None => Some(Mode::Enforce),
        Some(_) => Some(Mode::Observe),
    }
}

fn allowed(reader: &mut Reader, node: &Node, key: &str, entries: &mut Vec<Entry>) {
    let is_plain = |node: &&Node| !matches!(node.content, Content::Map(_));
    let elements = match &node.content {
        Content::List(elements) => elements.as_slice(),
        Content::Null | Content::Bool(_) | Content::Number(_) | Content::Text(_) | Content::Map(_) => {
            reader.list(node, key)
        }
    };
    let plain: Vec<Node> = elements.iter().filter(is_plain).cloned().collect();
    if !plain.is_empty() {
        entries.push(Entry { globs: globs(reader, node, plain, key), is_blocked: false });
    }
    for node in elements.iter().filter(|node| !is_plain(node)) {
        entries.extend(entry(reader, node, key));
    }
}

/// Globs of `elements`, which stand at `node`.
fn globs(reader: &mut Reader, node: &Node, elements: Vec<Node>, what: &str) -> Box<[Glob]> {
    let mut list = node.clone();
    list.content = Content::List(elements);
    reader.globs(&list, what)
}

/// An entry of knorq's: only one that is approved permits, and one that is denied refuses.
fn entry(reader: &mut Reader, node: &Node, key: &str) -> Option<Entry> {
    let members = reader.map(node, key, &["name", "upstream", "status", "approved_by", "approved_at"]);
    for key in ["name", "approved_by", "approved_at"] {
        if let Some(node) = members.get(key) {
            let _told = reader.text(node, key);
        }
    }
    let status = members.get("status").map(|node| reader.word(node, "status", &STATUSES));
    let Some(upstream) = members.get("upstream") else {
        reader.problem(node.place, format!("an entry of `{key}` has no `upstream`: a glob of names or URLs"));
        return None;
    };
    let globs = globs(reader, upstream, vec![upstream.clone()], "upstream");
    match status {
        Some(Some(0)) => Some(Entry { globs, is_blocked: false }),
        Some(Some(1 | 2)) => Some(Entry { globs, is_blocked: true }),
        Some(_) | None => None,
    }
}

/// The levels that need no person.
fn auto_approve(reader: &mut Reader, node: &Node) -> Vec<Level> {
    let words = LEVELS.map(Level::as_str);
    if let Content::Map(_) = node.content {
        let members = reader.map(node, "auto_approve", &["risk_levels"]);
        let Some(node) = members.get("risk_levels") else { return Vec::new() };
        // None at all is what knorq's files say where nothing is approved by itself.
        if matches!(&node.content, Content::List(levels) if levels.is_empty()) {
            return Vec::new();
        }
        let levels = reader.list(node, "risk_levels").iter();
        return levels
            .filter_map(|node| {
                reader.word(node, "level of risk", &words).and_then(|at| LEVELS.get(at).copied())
            })
            .collect();
    }
    let [low, medium, high, critical] = words;
    let most = reader.word(node, "level of risk", &["none", low, medium, high, critical]);
    LEVELS.into_iter().take(most.unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests;
