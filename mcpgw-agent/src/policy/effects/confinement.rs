//! What a server's whole process may do: the part of the rules that can be set up before it runs.

use serde::{Deserialize, Serialize};

use super::{Allowed, Destination, EffectRules, Kind, Limit, PathGlob, Section};
use crate::policy::Mode;

/// What a process may do, whatever tool it runs. Where several tools may do different things, it may do all of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Confinement {
    /// Homes that `~/` stands for.
    pub homes: Vec<String>,
    /// What `./` stands for.
    pub directory: Option<String>,
    /// Files it may read; `None` where nothing is said.
    pub read: Option<Paths>,
    /// Files it may write.
    pub write: Option<Paths>,
    /// Files it may remove.
    pub delete: Option<Paths>,
    /// Programs it may run.
    pub exec: Option<Programs>,
    /// Where it may connect.
    pub connect: Option<Addresses>,
    /// Where it may listen.
    pub listen: Option<Addresses>,
    /// What the rules forbid and nothing here can prevent, a sentence each.
    pub left: Vec<String>,
}

/// Elements that are allowed (`None`: all) and denied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lists<T> {
    /// All others are denied; `None` where all are allowed.
    pub allow: Option<Vec<T>>,
    /// Whatever is allowed, these are not.
    pub deny: Vec<T>,
}

/// Files.
pub type Paths = Lists<PathGlob>;
/// Programs.
pub type Programs = Lists<Program>;
/// Addresses.
pub type Addresses = Lists<Destination>;

/// A program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Program {
    /// Where it is.
    pub path: PathGlob,
    /// SHA-256 of its file in hexadecimal, in lower case; any file where there is none.
    pub sha256: Option<Box<str>>,
}

impl EffectRules {
    /// What the server's process may do; `None` where nothing is to be prevented: the rules are observed only, have
    /// `prevent: false`, or forbid nothing to the whole process.
    #[must_use]
    pub fn confinement(&self) -> Option<Confinement> {
        if self.mode != Mode::Enforce {
            return None;
        }
        let mut left = Vec::new();
        let mut paths = |kind| self.whole(kind, |section| section.paths_of(kind), &mut left);
        let (read, write, delete) = (paths(Kind::Read), paths(Kind::Write), paths(Kind::Delete));
        // To move is to remove and to write; by itself it cannot be prevented.
        if paths(Kind::Rename).is_some() {
            left.push(
                "`rename` is detected only; what may not be read, written or removed cannot be moved"
                    .to_owned(),
            );
        }
        let exec = self.whole(Kind::Exec, |section| section.programs.as_ref(), &mut left);
        let connect = self.whole(Kind::Connect, |section| section.addresses_of(Kind::Connect), &mut left);
        let listen = self.whole(Kind::Listen, |section| section.addresses_of(Kind::Listen), &mut left);
        let prevents = [read.is_some(), write.is_some(), delete.is_some(), exec.is_some()];
        if !prevents.contains(&true) && connect.is_none() && listen.is_none() {
            return None;
        }
        let homes = self.around.homes.iter().map(|home| home.clone().into_string()).collect();
        let directory = self.around.directory.as_deref().map(str::to_owned);
        Some(Confinement { homes, directory, read, write, delete, exec, connect, listen, left })
    }

    /// What is said of `kind` to the whole process.
    fn whole<'a, T: Clone + 'a>(
        &'a self,
        kind: Kind,
        limit: impl Fn(&'a Section) -> Option<&'a Limit<T>>,
        left: &mut Vec<String>,
    ) -> Option<Lists<T>> {
        let (mut deny, mut allow) = (Vec::new(), Vec::new());
        let mut is_limited = None;
        for section in &self.sections {
            let Some(limit) = limit(section) else { continue };
            if section.tools.is_none() && section.prevent {
                deny.extend(limit.deny.iter().cloned());
            } else if section.prevent && !limit.deny.is_empty() {
                left.push(format!(
                    "`{}.{}` speaks of some tools: what it denies is detected only",
                    section.name,
                    kind.as_str()
                ));
            }
            match (&limit.allow, is_limited) {
                (Some(Allowed::All), None) => is_limited = Some(false),
                (Some(Allowed::Only(_)), None) if !section.prevent => is_limited = Some(false),
                (Some(Allowed::Only(list)), None) => {
                    allow.extend(list.iter().cloned());
                    if section.tools.is_none() {
                        is_limited = Some(true);
                    } else {
                        left.push(format!(
                            "`{}.{}` speaks of some tools: the server may do it during every call",
                            section.name,
                            kind.as_str()
                        ));
                    }
                }
                (Some(_), Some(_)) | (None, _) => {}
            }
        }
        let allow = (is_limited == Some(true)).then_some(allow);
        (allow.is_some() || !deny.is_empty()).then_some(Lists { allow, deny })
    }
}
