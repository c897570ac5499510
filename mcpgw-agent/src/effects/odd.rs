//! What is worth a look of what a server did.

use crate::detect::Severity;

/// Why something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Oddity {
    /// It connects, or sends, to where its tool never did.
    NewDestination,
    /// It runs what its tool never ran.
    NewProgram,
    /// It reads what holds secrets.
    SensitiveRead,
    /// It writes what others trust or run.
    SensitiveWrite,
}

impl Oddity {
    /// All there are, in the order of their words.
    pub const ALL: [Self; 4] =
        [Self::NewDestination, Self::NewProgram, Self::SensitiveRead, Self::SensitiveWrite];

    /// Its word in policies, records and metrics: a kind of finding of the detector `effects`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NewDestination => "new_destination",
            Self::NewProgram => "new_program",
            Self::SensitiveRead => "sensitive_read",
            Self::SensitiveWrite => "sensitive_write",
        }
    }

    /// Why, for a person.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Self::NewDestination => "the server connected to where its tool never did",
            Self::NewProgram => "the server ran what its tool never ran",
            Self::SensitiveRead => "the server read what holds secrets",
            Self::SensitiveWrite => "the server wrote what others trust or run",
        }
    }
}

/// An oddity of one thing that was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Odd {
    /// Which.
    pub what: Oddity,
    /// How bad.
    pub severity: Severity,
}

/// Oddities of one kind among many things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Which.
    pub what: Oddity,
    /// The worst.
    pub severity: Severity,
    /// How many.
    pub count: u64,
}

/// Adds one to a list that has each kind once.
pub(super) fn count(list: &mut Vec<Counted>, odd: Odd) {
    let Odd { what, severity } = odd;
    match list.iter_mut().find(|known| known.what == what) {
        Some(known) => {
            known.count = known.count.saturating_add(1);
            known.severity = known.severity.max(severity);
        }
        None => list.push(Counted { what, severity, count: 1 }),
    }
}
