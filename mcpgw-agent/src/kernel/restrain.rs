//! Servers that run are held to rules: the programs on the kernel's security hooks that refuse their processes files,
//! programs and addresses, and the maps these obey. Who is held is said process by process; children are held as well.
//!
//! Rules hold for a time alone: who does not say so again has not said it. So nobody stays held by an agent that hangs,
//! and the programs go with the agent.

mod load;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use aya::maps::lpm_trie::{Key, LpmTrie};
use aya::maps::{HashMap, MapData, MapError};
use mcpgw_common::limit;
use mcpgw_common::map::{
    Confined, DESTINATIONS_CONNECT, DESTINATIONS_LISTEN, DestinationKey, DestinationRule, PlaceKey,
    PlaceRule, REFUSED_CONNECT, REFUSED_DELETE, REFUSED_EXEC, REFUSED_FORK, REFUSED_LISTEN, REFUSED_READ,
    REFUSED_WRITE, RESTRAINED_BORN, Restrained, Restraint, RestraintCounts,
};

use super::confine::{BEFORE_ADDRESS, table};
use super::control::{KernelError, absent_is_fine};
use super::{FenceError, hook};
use crate::inventory::BootTime;
use crate::policy::effects::{Addresses, Hosts, Kind};

pub use rules::{Place, PlaceRules};

/// Numbers from here on are of groups of processes, those below of cgroups: both have rules in one table.
const FIRST: u32 = 1 << 31;
/// Where processes of all groups are counted.
const ALL: u32 = 0;
/// Processes by which two counts may differ at any moment.
const LATE: u64 = 8;

/// What servers can be kept from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Preventable {
    /// Reading, writing and removing files.
    Files,
    /// Running programs.
    Programs,
    /// Connecting and listening.
    Addresses,
}

impl Preventable {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Files, Self::Programs, Self::Addresses];

    /// The hook that does it.
    #[must_use]
    pub fn hook(self) -> &'static str {
        match self {
            Self::Files => hook::FILE_RULES.name,
            Self::Programs => hook::EXEC_RULES.name,
            Self::Addresses => hook::SOCKET_RULES.name,
        }
    }

    /// What a rule of this kind is about; none where nothing can be done about it.
    #[must_use]
    pub fn of(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Read | Kind::Write | Kind::Delete => Some(Self::Files),
            Kind::Exec => Some(Self::Programs),
            Kind::Connect | Kind::Listen => Some(Self::Addresses),
            Kind::Rename => None,
        }
    }
}

/// What the processes of a group may do.
#[derive(Debug, Default)]
pub struct Rules {
    /// Files and programs.
    pub places: PlaceRules,
    /// Where they may connect.
    pub connect: Option<Addresses>,
    /// Where they may listen.
    pub listen: Option<Addresses>,
}

/// What was refused so far, by what was tried; and the process that tried last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusals {
    /// Word and number of times; never none.
    pub counts: Vec<(&'static str, u32)>,
    /// Its id.
    pub last: u32,
}

/// Keys of a group's rules.
#[derive(Debug, Default)]
struct Keys {
    places: BTreeMap<PlaceKey, PlaceRule>,
    destinations: BTreeSet<(u32, DestinationKey)>,
}

/// What the programs obey. They are attached as long as the [`Kernel`](super::Kernel) lives.
pub struct Restraints {
    marks: HashMap<MapData, u32, Restrained>,
    rules: HashMap<MapData, u32, Restraint>,
    counts: HashMap<MapData, u32, RestraintCounts>,
    places: HashMap<MapData, PlaceKey, PlaceRule>,
    destinations: LpmTrie<MapData, DestinationKey, DestinationRule>,
    works: Vec<Preventable>,
    groups: BTreeMap<u32, Keys>,
    last: u32,
}

impl std::fmt::Debug for Restraints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Restraints").field("works", &self.works).finish_non_exhaustive()
    }
}

impl Restraints {
    /// What can be prevented here.
    #[must_use]
    pub fn works(&self) -> &[Preventable] {
        &self.works
    }

    /// A group of processes, of which nobody is one yet, that is held to `rules` until then.
    ///
    /// # Errors
    /// [`FenceError`]: there are too many groups or rules. Nothing is left of it then.
    pub fn begin(&mut self, rules: &Rules, hosts: &Hosts, until: BootTime) -> Result<u32, FenceError> {
        let most = usize::try_from(limit::RESTRAINTS).unwrap_or(usize::MAX);
        if self.groups.len() >= most {
            return Err(KernelError::Full { hook: hook::FILE_RULES.name }.into());
        }
        self.last = self.last.wrapping_add(1).max(FIRST);
        let group = self.last;
        self.groups.insert(group, Keys::default());
        let begun = self
            .counts
            .insert(group, RestraintCounts::default(), 0)
            .map_err(|error| map("RESTRAINT_COUNTS")(error).into())
            .and_then(|()| self.say(group, rules, hosts, until));
        if begun.is_err() {
            self.let_go(group);
        }
        begun.map(|()| group)
    }

    /// From now on until then a group is held to `rules`.
    ///
    /// # Errors
    /// [`FenceError`]; some of what held before may hold then, for as long as that was said.
    pub fn say(
        &mut self,
        group: u32,
        rules: &Rules,
        hosts: &Hosts,
        until: BootTime,
    ) -> Result<(), FenceError> {
        let Some(before) = self.groups.get_mut(&group) else { return Ok(()) };
        let places = rules.places.of(group);
        for (key, rule) in &places {
            if before.places.get(key) != Some(rule) {
                self.places.insert(key, rule, 0).map_err(map("PLACES"))?;
                before.places.insert(*key, *rule);
            }
        }
        let mut destinations = BTreeSet::new();
        let mut free = DESTINATIONS_CONNECT | DESTINATIONS_LISTEN;
        let limits = [(&rules.connect, DESTINATIONS_CONNECT), (&rules.listen, DESTINATIONS_LISTEN)];
        for (limit, way) in limits {
            let Some(limit) = limit else { continue };
            if limit.allow.is_some() {
                free &= !way;
            }
            for ((addr, length), rule) in table::table(limit, hosts)? {
                let key = (BEFORE_ADDRESS + u32::from(length), DestinationKey { group, way, addr });
                self.destinations.insert(&Key::new(key.0, key.1), rule, 0).map_err(map("DESTINATIONS"))?;
                destinations.insert(key);
                before.destinations.insert(key);
            }
        }
        let value = Restraint {
            until_ns: until.0,
            limited: rules.places.limited(),
            listed: rules.places.listed(),
            addresses: Confined { group, free },
        };
        self.rules.insert(group, value, 0).map_err(map("RESTRAINTS"))?;
        // What is not said any more goes last: until then both hold.
        let gone: Vec<PlaceKey> =
            before.places.keys().filter(|key| !places.contains_key(*key)).copied().collect();
        for key in gone {
            absent_is_fine(self.places.remove(&key)).map_err(map("PLACES"))?;
            before.places.remove(&key);
        }
        let gone: Vec<_> = before.destinations.difference(&destinations).copied().collect();
        for (bits, key) in gone {
            absent_is_fine(self.destinations.remove(&Key::new(bits, key))).map_err(map("DESTINATIONS"))?;
            before.destinations.remove(&(bits, key));
        }
        Ok(())
    }

    /// Says of a group again what was said last, until then.
    ///
    /// # Errors
    /// [`KernelError`]
    pub fn renew(&mut self, group: u32, until: BootTime) -> Result<(), KernelError> {
        let before = self.rules.get(&group, 0).map_err(map("RESTRAINTS"))?;
        self.rules.insert(group, Restraint { until_ns: until.0, ..before }, 0).map_err(map("RESTRAINTS"))
    }

    /// Process `pid` is one of `group` from now on, with all it starts.
    ///
    /// # Errors
    /// [`KernelError`]: there is no room for one more.
    pub fn mark(&mut self, pid: u32, group: u32) -> Result<(), KernelError> {
        if self.group_of(pid) == Some(group) {
            return Ok(());
        }
        self.marks.insert(pid, Restrained { group, flags: 0 }, 0).map_err(map("RESTRAINED"))
    }

    /// The group process `pid` is in.
    #[must_use]
    pub fn group_of(&self, pid: u32) -> Option<u32> {
        self.marks.get(&pid, 0).ok().map(|mark| mark.group)
    }

    /// Groups in which there is a process.
    #[must_use]
    pub fn living(&self) -> BTreeSet<u32> {
        self.marks.iter().filter_map(Result::ok).map(|(_, mark)| mark.group).collect()
    }

    /// Forgets marks of processes that are not there any more, and counts the others: where the kernel runs the probe at
    /// `exit` preemptibly it may be skipped.
    pub fn recount(&mut self, is_there: impl Fn(u32) -> bool) {
        let mut born: BTreeMap<u32, u64> = self.groups.keys().map(|group| (*group, 0)).collect();
        let marks: Vec<(u32, Restrained)> = self.marks.iter().filter_map(Result::ok).collect();
        for (pid, mark) in marks {
            if !is_there(pid) {
                self.marks.remove(&pid).ok();
            } else if mark.flags & RESTRAINED_BORN != 0 {
                *born.entry(mark.group).or_default() += 1;
            }
        }
        born.insert(ALL, born.values().sum());
        for (group, processes) in born {
            // Some are always on their way; what matters is that it does not add up.
            if let Ok(counts) = self.counts.get(&group, 0)
                && counts.processes.abs_diff(processes) > LATE
            {
                self.counts.insert(group, RestraintCounts { processes, ..counts }, 0).ok();
            }
        }
    }

    /// What was refused to a group so far.
    #[must_use]
    pub fn refused(&self, group: u32) -> Refusals {
        let Ok(counts) = self.counts.get(&group, 0) else { return Refusals::default() };
        let words = counts.refused.iter().zip(0_u32..).filter(|(count, _)| **count > 0);
        let words = words.map(|(count, which)| (word(which), *count)).collect();
        Refusals { counts: words, last: counts.last_tgid }
    }

    /// A group is held to nothing any more.
    pub fn let_go(&mut self, group: u32) {
        let Some(keys) = self.groups.remove(&group) else { return };
        // With the first the rest concerns nobody any more.
        self.rules.remove(&group).ok();
        let marked: Vec<u32> = self
            .marks
            .iter()
            .filter_map(Result::ok)
            .filter(|(_, mark)| mark.group == group)
            .map(|(pid, _)| pid)
            .collect();
        for pid in marked {
            self.marks.remove(&pid).ok();
        }
        self.counts.remove(&group).ok();
        for key in keys.places.keys() {
            self.places.remove(key).ok();
        }
        for (bits, key) in keys.destinations {
            self.destinations.remove(&Key::new(bits, key)).ok();
        }
    }
}

/// What a count is of.
fn word(which: u32) -> &'static str {
    match which {
        REFUSED_READ => "read",
        REFUSED_WRITE => "write",
        REFUSED_DELETE => "delete",
        REFUSED_EXEC => "exec",
        REFUSED_CONNECT => "connect",
        REFUSED_LISTEN => "listen",
        REFUSED_FORK => "fork",
        _ => "other",
    }
}

fn map(map: &'static str) -> impl Fn(MapError) -> KernelError {
    move |source| KernelError::Map { map, source }
}
