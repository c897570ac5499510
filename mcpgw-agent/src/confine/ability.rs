//! What this kernel can prevent, found by trying.

use landlock::{
    Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _, RulesetError,
    Scope,
};
use serde::Serialize;

/// What this kernel can prevent for a process that asks for it, without privileges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Abilities {
    /// Landlock's version, as far as it matters here: 0 where there is none.
    pub landlock: u32,
    /// System calls can be filtered.
    pub seccomp: bool,
}

/// Of Landlock: programs and files.
pub(super) const FILES: u32 = 1;
/// Of Landlock: moving files from one directory to another can be allowed.
pub(super) const MOVES: u32 = 2;
/// Of Landlock: cutting files.
pub(super) const CUTS: u32 = 3;
/// Of Landlock: TCP ports.
pub(super) const PORTS: u32 = 4;
/// Of Landlock: abstract Unix sockets, and signals.
pub(super) const SCOPES: u32 = 6;

impl Abilities {
    /// Of the running kernel.
    #[must_use]
    pub fn here() -> Self {
        let strict = || Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
        let tries: [(u32, Result<Ruleset, RulesetError>); 5] = [
            (FILES, strict().handle_access(AccessFs::Execute)),
            (MOVES, strict().handle_access(AccessFs::Refer)),
            (CUTS, strict().handle_access(AccessFs::Truncate)),
            (PORTS, strict().handle_access(AccessNet::from_all(landlock::ABI::V4))),
            (SCOPES, strict().scope(Scope::AbstractUnixSocket)),
        ];
        let works = |tried: Result<Ruleset, RulesetError>| tried.and_then(Ruleset::create).is_ok();
        let landlock = tries.into_iter().filter_map(|(version, tried)| works(tried).then_some(version)).max();
        let actions = std::fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail").unwrap_or_default();
        Self {
            landlock: landlock.unwrap_or(0),
            seccomp: actions.split_whitespace().any(|word| word == "errno"),
        }
    }

    /// What is lost where Landlock is older, or missing; `None` where nothing is.
    #[must_use]
    pub fn lacks(&self) -> Option<&'static str> {
        match self.landlock {
            0 => Some(
                "no Landlock: files, programs and ports are detected only; Linux 5.13 with `landlock` in `lsm=` has it",
            ),
            1 => Some(
                "files cannot be moved between directories by confined servers; Linux 5.19 can tell them apart",
            ),
            2 => Some("a file that may not be written can be cut; Linux 6.2 prevents it"),
            3 => Some("TCP ports are not prevented without the agent; Linux 6.7 does"),
            4 | 5 => Some("abstract Unix sockets and signals are not prevented; Linux 6.12 does"),
            _ => None,
        }
    }
}
