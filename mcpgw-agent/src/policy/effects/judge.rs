//! One act against the rules.

use std::net::SocketAddr;

use super::address::is_name_service;
use super::{Allowed, EffectAction, EffectRules, Host, Kind, Limit, PathGlob, Section, Violation};
use crate::effects::{Access, Act, Protocol, SideEffect, is_noise};

/// A limit that was looked at, and what it says.
struct Found<'a> {
    section: &'a Section,
    key: &'static str,
    action: EffectAction,
}

impl EffectRules {
    /// What is wrong with `effect` during a call of `tool`, if anything. `tool` is empty where no call was open: then only
    /// what holds for every tool counts.
    ///
    /// What a server does before its first call is its start; to run the programs it consists of then is no violation, so
    /// what is [run](Act::Exec) before the first call is not to be asked about. Where several calls were open, ask for each
    /// tool: it is a violation where all of them have it.
    #[must_use]
    pub fn judge(&self, tool: &str, effect: &SideEffect) -> Option<Violation> {
        let cut = effect.cut;
        match &effect.act {
            Act::Open { path, access } => {
                let reads = !matches!(access, Access::Write);
                let writes = !matches!(access, Access::Read);
                let quiet = is_noise(effect);
                reads
                    .then(|| self.path(tool, Kind::Read, path, cut, quiet))
                    .flatten()
                    .or_else(|| writes.then(|| self.path(tool, Kind::Write, path, cut, quiet)).flatten())
            }
            Act::Delete { path } => self.path(tool, Kind::Delete, path, cut, false),
            Act::Truncate { path } => self.path(tool, Kind::Write, path, cut, false),
            Act::Rename { from, to } => self
                .path(tool, Kind::Rename, from, cut, false)
                .or_else(|| self.path(tool, Kind::Rename, to, cut, false))
                // Elsewhere it could be read.
                .or_else(|| self.path(tool, Kind::Read, from, cut, false))
                .or_else(|| self.path(tool, Kind::Delete, from, cut, false))
                .or_else(|| self.path(tool, Kind::Write, to, cut, false)),
            Act::Link { from, to } => self
                .path(tool, Kind::Read, from, cut, false)
                // By its second name it could be written.
                .or_else(|| self.path(tool, Kind::Write, from, cut, false))
                .or_else(|| self.path(tool, Kind::Write, to, cut, false)),
            Act::Exec { path, .. } => self.program(tool, path, cut),
            Act::Connect { to, protocol } | Act::Send { to, protocol } => {
                self.address(tool, Kind::Connect, *to, *protocol)
            }
            // A datagram socket gets any port to send from: nobody is to reach it there.
            Act::Bind { at, protocol: Protocol::Udp } if at.port() == 0 => None,
            Act::Bind { at, protocol } => self.address(tool, Kind::Listen, *at, *protocol),
        }
    }

    /// What is wrong with something during a call of `tool` of which nothing is known, if anything: it may be what is refused.
    #[must_use]
    pub fn untold(&self, tool: &str) -> Option<Violation> {
        let section = self.sections.iter().find(|section| section.is_of(tool) && section.refuses())?;
        Some(Violation {
            rule: format!("{}.lost", section.name).into(),
            act: EffectAction::Deny,
            mode: self.mode,
            why: "not all it did is known".into(),
        })
    }

    fn path(&self, tool: &str, kind: Kind, path: &str, cut: bool, quiet: bool) -> Option<Violation> {
        let around = &self.around;
        let found = self.find(
            tool,
            |section| section.paths_of(kind),
            // The part of a path that is left may be any path's.
            |glob: &PathGlob| cut || glob.matches(path, around, true),
            |glob| quiet || !cut && glob.matches(path, around, false),
            quiet,
        )?;
        let verb = match kind {
            Kind::Read => "reads",
            Kind::Write => "writes",
            Kind::Delete => "removes",
            Kind::Rename => "moves",
            Kind::Exec | Kind::Connect | Kind::Listen => "uses",
        };
        Some(self.violation(&found, format!("{verb} {path}")))
    }

    fn program(&self, tool: &str, path: &str, cut: bool) -> Option<Violation> {
        let around = &self.around;
        let found = self.find(
            tool,
            |section| section.programs.as_ref(),
            |program| cut || program.path.matches(path, around, true),
            |program| !cut && program.path.matches(path, around, false),
            false,
        )?;
        Some(self.violation(&found, format!("runs {path}")))
    }

    fn address(&self, tool: &str, kind: Kind, to: SocketAddr, protocol: Protocol) -> Option<Violation> {
        let hosts = &self.around.hosts;
        let asks_names = kind == Kind::Connect && is_name_service(to, hosts);
        let found = self.find(
            tool,
            |section| section.addresses_of(kind),
            |destination| destination.holds(to, protocol, hosts),
            |destination| {
                destination.holds(to, protocol, hosts)
                    || asks_names && matches!(destination.host, Host::Name(_))
            },
            false,
        )?;
        let verb = if kind == Kind::Listen { "listens at" } else { "connects to" };
        Some(self.violation(&found, format!("{verb} {to}")))
    }

    /// The limit that is violated. `quiet` acts are allowed unless they are denied.
    fn find<'a, T: 'a>(
        &'a self,
        tool: &str,
        limit: impl Fn(&'a Section) -> Option<&'a Limit<T>>,
        denies: impl Fn(&T) -> bool,
        allows: impl Fn(&T) -> bool,
        quiet: bool,
    ) -> Option<Found<'a>> {
        let limits = || {
            let applying = self.sections.iter().filter(|section| section.is_of(tool));
            applying.filter_map(|section| Some((&**section, limit(section)?)))
        };
        let found = |section: &'a Section, limit: &Limit<T>| Found {
            section,
            key: limit.key,
            action: limit.action.unwrap_or(section.action),
        };
        if let Some((section, limit)) = limits().find(|(_, limit)| limit.deny.iter().any(&denies)) {
            return Some(found(section, limit));
        }
        let (section, limit) = limits().find(|(_, limit)| limit.allow.is_some())?;
        match &limit.allow {
            Some(Allowed::Only(list)) if !quiet && !list.iter().any(allows) => Some(found(section, limit)),
            Some(Allowed::Only(_) | Allowed::All) | None => None,
        }
    }

    fn violation(&self, found: &Found<'_>, why: String) -> Violation {
        Violation {
            rule: format!("{}.{}", found.section.name, found.key).into(),
            act: found.action,
            mode: self.mode,
            why: why.into(),
        }
    }
}
