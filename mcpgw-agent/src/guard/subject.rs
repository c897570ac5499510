//! What a rule is held against.

use super::Evidence;
use crate::inventory::AllowSubject;
use crate::risk::Level;

/// What is known of a program or server; `None` where it is not known, which no rule matches.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Path of the executable.
    pub exe: Option<&'a str>,
    /// Its SHA-256, lower-case hexadecimal.
    pub sha256: Option<&'a str>,
    /// Its arguments, the program's name first.
    pub argv: &'a [String],
    /// The same joined by single blanks.
    pub command: Option<&'a str>,
    /// User name.
    pub user: Option<&'a str>,
    /// Real user id.
    pub uid: Option<u32>,
    /// Container id or machine name.
    pub container: Option<&'a str>,
    /// systemd unit.
    pub unit: Option<&'a str>,
    /// cgroup path.
    pub cgroup: Option<&'a str>,
    /// Executables of whoever started or uses it.
    pub clients: &'a [String],
    /// How sure it is that it is a server.
    pub evidence: Evidence,
    /// How much risk there is.
    pub risk: Option<Level>,
}

impl<'a> Subject<'a> {
    pub(super) fn of_allow(&self) -> AllowSubject<'a> {
        let Self { exe, sha256, command, user, uid, container, unit, cgroup, .. } = *self;
        AllowSubject { exe, sha256, command, user, uid, container, unit, cgroup }
    }
}

impl Subject<'static> {
    /// Nothing is known.
    pub(super) const UNKNOWN: Self = Self {
        exe: None,
        sha256: None,
        argv: &[],
        command: None,
        user: None,
        uid: None,
        container: None,
        unit: None,
        cgroup: None,
        clients: &[],
        evidence: Evidence::Nothing,
        risk: None,
    };
}
