//! Loading and attaching the programs, where somebody asks for them.

use aya::Btf;
use aya::maps::{Map, MapData, MapError};
use aya::programs::Lsm;
use mcpgw_common::map::RestraintCounts;

use super::{ALL, FIRST, Preventable, Restraints};
use crate::kernel::control::program;
use crate::kernel::describe::describe;
use crate::kernel::hook::{self, Hook, Kind};
use crate::kernel::loader::{Attacher, Kernel, take};
use crate::kernel::offsets::{self, Hooks};

/// A program, and the hook it is for.
type Programs = &'static [(&'static str, &'static str)];

const FILES: Programs = &[
    ("mcpgw_rules_open", "file_open"),
    ("mcpgw_rules_cut", "path_truncate"),
    ("mcpgw_rules_create", "inode_create"),
    ("mcpgw_rules_mknod", "inode_mknod"),
    ("mcpgw_rules_symlink", "inode_symlink"),
    ("mcpgw_rules_link", "inode_link"),
    ("mcpgw_rules_unlink", "inode_unlink"),
    ("mcpgw_rules_rmdir", "inode_rmdir"),
    ("mcpgw_rules_rename", "inode_rename"),
];
const RUNS: Programs = &[("mcpgw_rules_exec", "bprm_check_security")];
const ADDRESSES: Programs = &[
    ("mcpgw_rules_connect", "socket_connect"),
    ("mcpgw_rules_send", "socket_sendmsg"),
    ("mcpgw_rules_bind", "socket_bind"),
];
/// Needed by all of them.
const TASKS: Programs = &[("mcpgw_rules_fork", "task_alloc"), ("mcpgw_rules_free", "task_free")];

impl Preventable {
    fn parts(self) -> (Kind, Hooks, Programs) {
        match self {
            Self::Files => (hook::FILE_RULES, offsets::FILE_RULES, FILES),
            Self::Programs => (hook::EXEC_RULES, offsets::EXEC_RULES, RUNS),
            Self::Addresses => (hook::SOCKET_RULES, offsets::SOCKET_RULES, ADDRESSES),
        }
    }
}

impl Kernel {
    /// What holds servers to rules, if anything does; `None` the second time.
    pub fn take_restraints(&mut self) -> Option<Restraints> {
        self.restraints.take()
    }
}

impl Attacher<'_> {
    /// Loads and attaches what is wanted; nobody is held to anything yet. `destinations` is the kernel's number of that table.
    pub(in crate::kernel) fn restraints(&mut self, destinations: u32) -> Option<Restraints> {
        let wanted = self.options.restrain.clone();
        let btf = (!wanted.is_empty()).then(|| self.security_btf());
        let mut has_tasks = None;
        let mut works = Vec::new();
        for what in Preventable::ALL {
            let (kind, needs, programs) = what.parts();
            let hook = match btf.as_ref().filter(|_| wanted.contains(&what)) {
                None => kind.left_out(),
                Some(Err(obstacle)) => kind.skipped(obstacle.why.as_str(), obstacle.remedy),
                Some(Ok(btf)) => self.try_rules(kind, needs, programs, btf, &mut has_tasks),
            };
            if hook.state.is_attached() {
                works.push(what);
            }
            self.hooks.push(hook);
        }
        if works.is_empty() {
            return None;
        }
        self.restraint_maps(works, destinations)
            .inspect_err(|error| tracing::error!(%error, "servers that run are held to nothing"))
            .ok()
    }

    fn try_rules(
        &mut self,
        kind: Kind,
        needs: Hooks,
        programs: Programs,
        btf: &Btf,
        has_tasks: &mut Option<Result<(), String>>,
    ) -> Hook {
        if let Some(hook) = self.skip(kind, needs) {
            return hook;
        }
        let is_missing = |hook: &&Hook| {
            [hook::FORK.name, hook::EXIT.name].contains(&hook.name) && !hook.state.is_attached()
        };
        if let Some(missing) = self.hooks.iter().find(is_missing) {
            let why =
                format!("who is held has children that are not known: `{}` does not work", missing.name);
            return kind.skipped(why, missing.remedy.clone());
        }
        let mut attach = |programs: Programs| {
            programs.iter().try_for_each(|program| self.attach_rules(kind, *program, btf))
        };
        let tasks = has_tasks.get_or_insert_with(|| attach(TASKS)).clone();
        match tasks.and_then(|()| attach(programs)) {
            Ok(()) => kind.attached(""),
            Err(error) => kind.failed(error),
        }
    }

    fn attach_rules(&mut self, kind: Kind, (name, at): (&str, &str), btf: &Btf) -> Result<(), String> {
        let told = |error: &dyn std::error::Error| format!("`{at}`: {}", describe(error));
        let program: &mut Lsm = program(&mut self.ebpf, name, kind.name).map_err(|error| told(&error))?;
        program.load(at, btf).map_err(|error| told(&error))?;
        program.attach().map_err(|error| told(&error))?;
        Ok(())
    }

    fn restraint_maps(&mut self, works: Vec<Preventable>, destinations: u32) -> Result<Restraints, MapError> {
        let mut restraints = Restraints {
            marks: take(&mut self.ebpf, "RESTRAINED")?.try_into()?,
            rules: take(&mut self.ebpf, "RESTRAINTS")?.try_into()?,
            counts: take(&mut self.ebpf, "RESTRAINT_COUNTS")?.try_into()?,
            places: take(&mut self.ebpf, "PLACES")?.try_into()?,
            destinations: Map::LpmTrie(MapData::from_id(destinations)?).try_into()?,
            works,
            groups: std::collections::BTreeMap::new(),
            last: FIRST,
        };
        restraints.counts.insert(ALL, RestraintCounts::default(), 0)?;
        Ok(restraints)
    }
}
