//! Programs that do not run and Unix sockets that are not connected to, refused by the kernel itself: two programs on its
//! security hooks, where BPF is among the security modules it was started with, and the maps they obey.
//!
//! What is refused is an inode as it was when somebody decided about it, and for a time alone: who does not say so again
//! has not said it. So nothing stays refused that user space has forgotten, and nothing else becomes it.

mod inode;

use std::path::Path;

use aya::maps::lpm_trie::{Key, LpmTrie};
use aya::maps::{HashMap, MapData, MapError};
use aya::programs::Lsm;
use aya::{Btf, Endianness};
use mcpgw_common::map::{FileId, ProgramName, Refused, SPARE_CHILDREN, SPARE_SELF};

use super::control::{KernelError, program};
use super::describe::describe;
use super::hook::{self, Hook, Kind};
use super::loader::{Attacher, Kernel, take};
use super::offsets;
use crate::inventory::BootTime;

pub use inode::Inode;

/// Where the kernel names its security modules.
const MODULES: &str = "/sys/kernel/security/lsm";

/// What is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusable {
    /// A program: `execve` says `EPERM`.
    Program,
    /// A listening Unix socket: `connect` says `EPERM`.
    Socket,
}

/// A program that is spared by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SparedName<'a> {
    /// File name, or how it begins: up to its first dash, with the dash.
    pub name: &'a str,
    /// What it starts is spared as well.
    pub with_children: bool,
}

/// What the programs obey. They are attached as long as the [`Kernel`] lives.
pub struct Denials {
    files: HashMap<MapData, FileId, Refused>,
    sockets: HashMap<MapData, FileId, Refused>,
    names: LpmTrie<MapData, ProgramName, u32>,
    processes: HashMap<MapData, u32, u8>,
    works: [bool; 2],
}

impl std::fmt::Debug for Denials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Denials").field("works", &self.works).finish_non_exhaustive()
    }
}

impl Denials {
    /// This can be refused here.
    #[must_use]
    pub fn can(&self, what: Refusable) -> bool {
        let [programs, sockets] = self.works;
        match what {
            Refusable::Program => programs,
            Refusable::Socket => sockets,
        }
    }

    /// Refuses it until then, or until it changes. What is refused already counts on.
    ///
    /// # Errors
    /// [`KernelError`]: there are too many, or the hook is not there.
    pub fn refuse(&mut self, what: Refusable, inode: &Inode, until: BootTime) -> Result<(), KernelError> {
        if !self.can(what) {
            return Err(KernelError::Unavailable { hook: kind(what).name });
        }
        let before = self.get(what, inode).unwrap_or_default();
        let value =
            Refused { until_ns: until.0, changed_s: inode.changed_s, changed_ns: inode.changed_ns, ..before };
        self.table(what).insert(inode.id, value, 0).map_err(map_error)
    }

    /// Lets it be.
    ///
    /// # Errors
    /// [`KernelError`].
    pub fn let_be(&mut self, what: Refusable, inode: &Inode) -> Result<(), KernelError> {
        match self.table(what).remove(&inode.id) {
            Ok(()) | Err(MapError::KeyNotFound) => Ok(()),
            Err(source) => Err(map_error(source)),
        }
    }

    /// How often it was refused, and the process that tried last.
    #[must_use]
    pub fn refused(&self, what: Refusable, inode: &Inode) -> Option<(u32, u32)> {
        self.get(what, inode).map(|value| (value.hits, value.last_tgid))
    }

    /// Programs of these names are spared from now on.
    ///
    /// # Errors
    /// [`KernelError`]: then nothing should be refused.
    pub fn spare_names<'a>(
        &mut self,
        names: impl Iterator<Item = SparedName<'a>>,
    ) -> Result<(), KernelError> {
        for SparedName { name, with_children } in names {
            let bits = SPARE_SELF | if with_children { SPARE_CHILDREN } else { 0 };
            let key = key_of(name);
            // The longest that fits is found: it says what shorter ones say, too. Those are to be named first.
            let known = self.names.get(&key, 0).unwrap_or(0);
            self.names.insert(&key, known | bits, 0).map_err(map_error)?;
        }
        Ok(())
    }

    /// These processes are spared.
    ///
    /// # Errors
    /// [`KernelError`]: then nothing should be refused.
    pub fn spare_processes(&mut self, pids: impl Iterator<Item = u32>) -> Result<(), KernelError> {
        for pid in pids {
            self.processes.insert(pid, 1, 0).map_err(map_error)?;
        }
        Ok(())
    }

    fn get(&self, what: Refusable, inode: &Inode) -> Option<Refused> {
        let map = match what {
            Refusable::Program => &self.files,
            Refusable::Socket => &self.sockets,
        };
        let is_it =
            |value: &Refused| (value.changed_s, value.changed_ns) == (inode.changed_s, inode.changed_ns);
        map.get(&inode.id, 0).ok().filter(is_it)
    }

    fn table(&mut self, what: Refusable) -> &mut HashMap<MapData, FileId, Refused> {
        match what {
            Refusable::Program => &mut self.files,
            Refusable::Socket => &mut self.sockets,
        }
    }
}

impl Kernel {
    /// What programs and Unix sockets are refused by, if anything is; `None` the second time.
    pub fn take_denials(&mut self) -> Option<Denials> {
        self.denials.take()
    }
}

impl Attacher<'_> {
    /// Loads and attaches the two programs, where they are wanted; nothing is named to them yet.
    pub(super) fn denials(&mut self) -> Option<Denials> {
        let wanted = [
            (Refusable::Program, self.options.refuse_programs),
            (Refusable::Socket, self.options.refuse_sockets),
        ];
        let btf = wanted.iter().any(|(_, is_wanted)| *is_wanted).then(|| self.security_btf());
        let mut works = [false; 2];
        for ((what, is_wanted), works) in wanted.into_iter().zip(&mut works) {
            let hook = match btf.as_ref().filter(|_| is_wanted) {
                Some(btf) => self.try_lsm(what, btf),
                None => kind(what).left_out(),
            };
            *works = hook.state.is_attached();
            self.hooks.push(hook);
        }
        if !works.contains(&true) {
            return None;
        }
        self.denial_maps(works)
            .inspect_err(|error| tracing::error!(%error, "nothing is refused by its file"))
            .ok()
    }

    fn denial_maps(&mut self, works: [bool; 2]) -> Result<Denials, MapError> {
        Ok(Denials {
            files: take(&mut self.ebpf, "REFUSED_FILES")?.try_into()?,
            sockets: take(&mut self.ebpf, "REFUSED_SOCKETS")?.try_into()?,
            names: take(&mut self.ebpf, "SPARED_NAMES")?.try_into()?,
            processes: take(&mut self.ebpf, "SPARED")?.try_into()?,
            works,
        })
    }

    fn try_lsm(&mut self, what: Refusable, btf: &Result<Btf, Obstacle>) -> Hook {
        let kind = kind(what);
        let needs = match what {
            Refusable::Program => offsets::GUARD_EXEC,
            Refusable::Socket => offsets::GUARD_UNIX,
        };
        if let Some(hook) = self.skip(kind, needs) {
            return hook;
        }
        let btf = match btf {
            Ok(btf) => btf,
            Err(obstacle) => return kind.skipped(obstacle.why.as_str(), obstacle.remedy),
        };
        match self.attach_lsm(what, kind, btf) {
            Ok(()) => kind.attached(""),
            Err(error) => kind.failed(error),
        }
    }

    fn attach_lsm(&mut self, what: Refusable, kind: Kind, btf: &Btf) -> Result<(), String> {
        let (name, at) = match what {
            Refusable::Program => ("mcpgw_lsm_exec", "bprm_check_security"),
            Refusable::Socket => ("mcpgw_lsm_unix", "unix_stream_connect"),
        };
        let program: &mut Lsm = program(&mut self.ebpf, name, kind.name).map_err(|error| describe(&error))?;
        program.load(at, btf).map_err(|error| describe(&error))?;
        program.attach().map_err(|error| describe(&error))?;
        Ok(())
    }

    /// The kernel's types, where it asks BPF about anything at all: it takes such programs also where it never runs them.
    pub(super) fn security_btf(&self) -> Result<Btf, Obstacle> {
        has_bpf(Path::new(MODULES))?;
        Btf::parse_file(&self.options.btf, Endianness::default())
            .map_err(|error| Obstacle { why: describe(&error), remedy: self.resolved.remedy() })
    }
}

/// Why the programs are not even tried.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Obstacle {
    pub(super) why: String,
    pub(super) remedy: &'static str,
}

/// BPF is among the security modules.
fn has_bpf(modules: &Path) -> Result<(), Obstacle> {
    let Ok(names) = std::fs::read_to_string(modules) else {
        return Err(Obstacle {
            why: format!(
                "the kernel's security modules are not known: `{}` cannot be read",
                modules.display()
            ),
            remedy: "`mount -t securityfs none /sys/kernel/security`",
        });
    };
    if names.trim().split(',').any(|name| name == "bpf") {
        return Ok(());
    }
    Err(Obstacle {
        why: format!("`bpf` is not among the kernel's security modules: {}", names.trim()),
        remedy: "start the kernel with `bpf` added to what is in /sys/kernel/security/lsm: `lsm=…,bpf` (CONFIG_BPF_LSM)",
    })
}

fn kind(what: Refusable) -> Kind {
    match what {
        Refusable::Program => hook::GUARD_EXEC,
        Refusable::Socket => hook::GUARD_UNIX,
    }
}

/// As the probes cut a name.
fn key_of(name: &str) -> Key<ProgramName> {
    let mut cut = ProgramName::default();
    let room = cut.len() - 1;
    for (to, from) in cut.iter_mut().zip(name.bytes().take(room)) {
        *to = from;
    }
    let zero = usize::from(!name.ends_with('-'));
    let bytes = name.len().min(room) + zero;
    Key::new(u32::try_from(bytes * 8).unwrap_or(0), cut)
}

fn map_error(source: MapError) -> KernelError {
    KernelError::Map { map: "REFUSED_FILES", source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_has_to_ask_bpf() {
        let dir = tempfile::tempdir().unwrap();
        let modules = dir.path().join("lsm");
        assert!(has_bpf(&modules).unwrap_err().remedy.contains("securityfs"));
        for (names, has) in [
            ("lockdown,capability,landlock,yama,apparmor,bpf\n", true),
            ("bpf", true),
            ("lockdown,capability", false),
            ("lockdown,bpfilter", false),
            ("", false),
        ] {
            std::fs::write(&modules, names).unwrap();
            assert_eq!(has_bpf(&modules).is_ok(), has, "{names}");
        }
        assert!(has_bpf(&modules).unwrap_err().remedy.contains("lsm="));
    }

    #[test]
    fn names_are_cut_as_the_probes_cut_them() {
        let key = |name| (key_of(name).prefix_len(), key_of(name).data());
        assert_eq!(key("sshd-"), (40, *b"sshd-\0\0\0\0\0\0\0\0\0\0\0"));
        assert_eq!(key("sshd"), (40, *b"sshd\0\0\0\0\0\0\0\0\0\0\0\0"));
        assert_eq!(key("dbus-broker-launch"), (128, *b"dbus-broker-lau\0"));
    }
}
