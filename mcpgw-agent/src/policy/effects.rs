//! `effects:`: what a server's processes may do to the host, and what follows where they do something else. Pure.
//!
//! ```text
//! Policy ─▶ for one server, in its surroundings: EffectRules ─▶ judge(tool, effect) ─▶ Violation, or none
//!                                                          └──▶ confinement() ─▶ what its whole process may do
//! ```
//!
//! Of each kind of act a section says what is allowed, what is denied, or both. What any section that applies denies is
//! denied. Of what is allowed, the first section that applies and says it counts: those of `rules` in order, then the
//! section itself. What nobody speaks of is allowed.

mod address;
mod confinement;
mod hosts;
mod judge;
mod path;
mod read;

use std::sync::Arc;

pub use address::{Destination, Host, Ports};
pub use confinement::{Addresses, Confinement, Lists, Paths, Program, Programs};
pub use hosts::Hosts;
pub use path::{Base, PathGlob};
pub(super) use read::effects;

use super::glob::Glob;
use super::{Mode, Policy};

/// What follows from a violation, in rising order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EffectAction {
    /// It is a finding in the record.
    Observe,
    /// The answer of the call does not pass.
    Deny,
    /// The same, and the server is ended.
    Kill,
}

impl EffectAction {
    /// Its word in policies and records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Deny => "deny",
            Self::Kill => "kill",
        }
    }
}

/// A server did what it may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What says so: `effects` or the name of one of its rules, and the key, as `effects.open`.
    pub rule: Box<str>,
    /// What follows.
    pub act: EffectAction,
    /// Whether it does, or would.
    pub mode: Mode,
    /// Why, in a few words that name what was done.
    pub why: Box<str>,
}

/// A kind of act: a key of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Opening a file to read; moving or linking it elsewhere, where it could be read.
    Read,
    /// Opening a file to write, cutting it, putting one in its place.
    Write,
    /// Removing or moving a file.
    Delete,
    /// Moving a file, from or to.
    Rename,
    /// Running a program.
    Exec,
    /// Connecting to an address, or sending to it.
    Connect,
    /// Taking an address to be reached at.
    Listen,
}

impl Kind {
    /// Its key.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
            Self::Rename => "rename",
            Self::Exec => "exec",
            Self::Connect => "connect",
            Self::Listen => "listen",
        }
    }
}

/// `effects:`, whole.
#[derive(Debug, Clone)]
pub struct Effects {
    mode: Option<Mode>,
    /// `rules`, and the section itself behind them.
    sections: Vec<Arc<Section>>,
}

/// One of `rules`, or the section itself.
#[derive(Debug)]
struct Section {
    name: Box<str>,
    servers: Option<Box<[Glob]>>,
    tools: Option<Box<[Glob]>>,
    action: EffectAction,
    /// It is to be prevented where that can be.
    prevent: bool,
    paths: Vec<(Kind, Limit<PathGlob>)>,
    programs: Option<Limit<Program>>,
    addresses: Vec<(Kind, Limit<Destination>)>,
}

/// What is said of one kind.
#[derive(Debug, Clone)]
struct Limit<T> {
    /// The key it is written under, which may be `open`.
    key: &'static str,
    allow: Option<Allowed<T>>,
    deny: Vec<T>,
    /// The section's, where it has none of its own.
    action: Option<EffectAction>,
}

/// What is allowed.
#[derive(Debug, Clone)]
enum Allowed<T> {
    All,
    Only(Vec<T>),
}

/// Where a server runs: what `~`, `./` and names stand for there.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Homes of the user it runs as: absolute, links resolved, without a slash at the end.
    pub homes: Vec<Box<str>>,
    /// The directory it was started in, likewise.
    pub directory: Option<Box<str>>,
    /// Addresses of names.
    pub hosts: Hosts,
}

/// What the processes of one server may do.
#[derive(Debug, Clone)]
pub struct EffectRules {
    mode: Mode,
    sections: Vec<Arc<Section>>,
    around: Surroundings,
}

impl Policy {
    /// What the server called `server` may do to the host; `None` where nothing is said of it.
    #[must_use]
    pub fn effects(&self, server: &str, around: &Surroundings) -> Option<EffectRules> {
        let effects = self.effects.as_deref()?;
        let applies = |section: &&Arc<Section>| {
            section.speaks() && section.servers.as_ref().is_none_or(|globs| matches(globs, server))
        };
        let sections: Vec<_> = effects.sections.iter().filter(applies).map(Arc::clone).collect();
        let mode = effects.mode.unwrap_or(self.mode);
        (!sections.is_empty()).then(|| EffectRules { mode, sections, around: around.clone() })
    }

    /// Names of hosts that stand for addresses in it, each once: whoever has [`Hosts`] keeps these up to date.
    #[must_use]
    pub fn names_of_hosts(&self) -> Vec<Box<str>> {
        let sections = self.effects.iter().flat_map(|effects| &effects.sections);
        let limits = sections.flat_map(|section| section.addresses.iter().map(|(_, limit)| limit));
        let mut names: Vec<Box<str>> = limits
            .flat_map(|limit| {
                let allowed = match &limit.allow {
                    Some(Allowed::Only(list)) => list.as_slice(),
                    Some(Allowed::All) | None => &[],
                };
                allowed.iter().chain(&limit.deny)
            })
            .filter_map(|destination| match &destination.host {
                Host::Name(name) => Some(name.clone()),
                Host::Any | Host::Network { .. } => None,
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// It says something of what servers do to the host.
    #[must_use]
    pub fn speaks_of_effects(&self) -> bool {
        self.effects.is_some()
    }
}

impl EffectRules {
    /// Whether violations have consequences, or are recorded.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }
}

impl Section {
    /// It says anything of what may be done.
    fn speaks(&self) -> bool {
        !self.paths.is_empty() || self.programs.is_some() || !self.addresses.is_empty()
    }

    /// The answer does not pass where some of what it says is violated.
    fn refuses(&self) -> bool {
        let paths = self.paths.iter().map(|(_, limit)| limit.action);
        let programs = self.programs.iter().map(|limit| limit.action);
        let addresses = self.addresses.iter().map(|(_, limit)| limit.action);
        let mut actions = paths.chain(programs).chain(addresses);
        actions.any(|action| action.unwrap_or(self.action) > EffectAction::Observe)
    }

    /// It speaks of calls of `tool`; of none in particular where that is empty.
    fn is_of(&self, tool: &str) -> bool {
        self.tools.as_ref().is_none_or(|globs| matches(globs, tool))
    }

    fn paths_of(&self, kind: Kind) -> Option<&Limit<PathGlob>> {
        self.paths.iter().find(|(own, _)| *own == kind).map(|(_, limit)| limit)
    }

    fn addresses_of(&self, kind: Kind) -> Option<&Limit<Destination>> {
        self.addresses.iter().find(|(own, _)| *own == kind).map(|(_, limit)| limit)
    }
}

fn matches(globs: &[Glob], name: &str) -> bool {
    globs.iter().any(|glob| glob.matches(name))
}
