//! What a server usually does, by tool: learned from what it did and nobody refused.
//!
//! ```text
//! what a call did ─▶ odd()   is it new to the tool, is it sensitive?
//!                 └▶ learn() once the answer has passed
//! ```

mod destinations;
mod paths;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use super::{Access, Act, Collected, Odd, Oddity, SideEffect, sensitive};
use crate::detect::Severity;

pub use destinations::{Destination, Destinations, NoDestination};
pub use paths::{Paths, Use};
pub use text::Malformed;

/// Tools of one server.
const TOOLS_MAX: usize = 256;
/// Programs of one tool.
const PROGRAMS_MAX: usize = 64;
/// Sensitive paths of one tool.
const SENSITIVE_MAX: usize = 64;
/// Bytes of all names of one server.
const BYTES_MAX: usize = 1 << 20;
/// What a server does while none of its tools is called, or nobody can say which did it.
pub const NO_TOOL: &str = "";

/// What one server usually does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    tools: BTreeMap<Box<str>, Tool>,
    /// Calls that were answered, of all tools.
    calls: u64,
    /// Bytes of names.
    bytes: usize,
}

/// What one tool usually does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tool {
    calls: u64,
    paths: Paths,
    sensitive: BTreeMap<Box<str>, Use>,
    destinations: Destinations,
    programs: BTreeSet<Box<str>>,
}

impl Tool {
    /// Calls that were answered.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// What it opens, moves and removes.
    #[must_use]
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// Sensitive ones among them, whole.
    pub fn sensitive(&self) -> impl Iterator<Item = (&str, Use)> {
        self.sensitive.iter().map(|(path, what)| (&**path, *what))
    }

    /// Where it connects to.
    #[must_use]
    pub fn destinations(&self) -> &Destinations {
        &self.destinations
    }

    /// What it runs.
    pub fn programs(&self) -> impl Iterator<Item = &str> {
        self.programs.iter().map(|program| &**program)
    }
}

impl Baseline {
    /// Its tools, [`NO_TOOL`] first where there is anything of it.
    pub fn tools(&self) -> impl Iterator<Item = (&str, &Tool)> {
        self.tools.iter().map(|(name, tool)| (&**name, tool))
    }

    /// Calls that were answered, of all tools.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// There is no room for more: what is new stays new.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.bytes >= BYTES_MAX || self.tools.len() >= TOOLS_MAX
    }

    /// What is odd about `effect`, done during calls of one of `tools`, of none where that is empty. Where a tool was not
    /// called `learning` times yet, nothing is new to it.
    #[must_use]
    pub fn odd(&self, effect: &SideEffect, tools: &[&str], learning: u32) -> Vec<Odd> {
        let candidates = if tools.is_empty() { &[NO_TOOL] } else { tools };
        // Of many it may be anybody's: what cannot be told apart is known among them all.
        let shared = self.tools.get(NO_TOOL).filter(|_| candidates.len() > 1);
        let known = || candidates.iter().filter_map(|tool| self.tools.get(*tool)).chain(shared);
        let mut odd = sensitive::odd(effect, |path, writes| {
            known()
                .filter_map(|tool| tool.sensitive.get(path))
                .any(|what| if writes { what.write } else { what.read })
        });
        let is_learning = || candidates.iter().any(|tool| self.called(tool) < u64::from(learning));
        let new = match &effect.act {
            Act::Connect { to, protocol } | Act::Send { to, protocol } => {
                let destination = Destination::of(*to, *protocol);
                let is_known = known().any(|tool| tool.destinations.covers(&destination));
                (!is_known).then_some((Oddity::NewDestination, Severity::Medium))
            }
            Act::Exec { path, .. } => {
                let program = paths::folded(path);
                let is_known = known().any(|tool| tool.programs.contains(&*program));
                (!is_known).then_some((Oddity::NewProgram, Severity::Medium))
            }
            Act::Open { .. }
            | Act::Delete { .. }
            | Act::Rename { .. }
            | Act::Link { .. }
            | Act::Truncate { .. }
            | Act::Bind { .. } => None,
        };
        if let Some((what, severity)) = new.filter(|_| !is_learning()) {
            odd.push(Odd { what, severity });
        }
        odd
    }

    /// How often the tool was called and answered. What is nobody's is learned as long as the first calls of all are.
    fn called(&self, tool: &str) -> u64 {
        if tool == NO_TOOL { self.calls } else { self.tools.get(tool).map_or(0, Tool::calls) }
    }

    /// A call of `tool` was answered, or for [`NO_TOOL`] none was open, and this was done. What has an oddity that `refused`
    /// names is not learned. Says whether anything is new besides the number of calls.
    pub fn learn(&mut self, tool: &str, done: &Collected, refused: impl Fn(Oddity) -> bool) -> bool {
        if tool != NO_TOOL {
            self.calls = self.calls.saturating_add(1);
            if let Some(own) = self.tool(tool) {
                own.calls = own.calls.saturating_add(1);
            }
        }
        let mut is_news = false;
        for kept in done.all().filter(|kept| !kept.odd.iter().any(|what| refused(*what)) && !kept.cut) {
            let tool = if kept.among > 1 { NO_TOOL } else { tool };
            let is_sensitive =
                kept.odd.iter().any(|what| matches!(what, Oddity::SensitiveRead | Oddity::SensitiveWrite));
            if self.bytes >= BYTES_MAX {
                return is_news;
            }
            let Some(own) = self.tool(tool) else { continue };
            let before = own.bytes();
            if own.add(&kept.act, is_sensitive) {
                is_news = true;
                let after = own.bytes();
                self.bytes = self.bytes.saturating_add(after).saturating_sub(before);
            }
        }
        is_news
    }

    fn tool(&mut self, name: &str) -> Option<&mut Tool> {
        if !self.tools.contains_key(name) && self.tools.len() >= TOOLS_MAX {
            return None;
        }
        Some(self.tools.entry(name.into()).or_default())
    }
}

impl Tool {
    /// Of its names.
    fn bytes(&self) -> usize {
        let paths = self.paths.iter().map(|(path, _)| path.len());
        let sensitive = self.sensitive.keys().map(|path| path.len());
        paths.chain(sensitive).chain(self.programs.iter().map(|program| program.len())).sum()
    }

    /// Says whether it is news.
    fn add(&mut self, act: &Act, is_sensitive: bool) -> bool {
        let read = Use { read: true, write: false };
        let write = Use { read: false, write: true };
        let both = Use { read: true, write: true };
        match act {
            Act::Open { path, access } => {
                let what = match access {
                    Access::Unknown | Access::Read => read,
                    Access::Write => write,
                    Access::ReadWrite => both,
                };
                self.path(path, what, is_sensitive)
            }
            Act::Delete { path } | Act::Truncate { path } => self.path(path, write, is_sensitive),
            Act::Rename { from, to } => {
                let moved = self.path(from, both, is_sensitive);
                self.path(to, write, is_sensitive) | moved
            }
            Act::Link { from, to } => {
                let linked = self.path(from, read, is_sensitive);
                self.path(to, write, is_sensitive) | linked
            }
            Act::Exec { path, .. } => {
                self.programs.len() < PROGRAMS_MAX && self.programs.insert(paths::folded(path).into())
            }
            Act::Connect { to, protocol } | Act::Send { to, protocol } => {
                self.destinations.add(Destination::of(*to, *protocol))
            }
            Act::Bind { .. } => false,
        }
    }

    fn path(&mut self, path: &str, what: Use, is_sensitive: bool) -> bool {
        if !is_sensitive {
            return self.paths.add(path, what);
        }
        if self.sensitive.len() >= SENSITIVE_MAX && !self.sensitive.contains_key(path) {
            return false;
        }
        let known = self.sensitive.entry(path.into()).or_default();
        let before = *known;
        *known = Use { read: known.read || what.read, write: known.write || what.write };
        *known != before
    }
}

#[cfg(test)]
mod tests;
