//! What a session has read, and from where. It only ever grows, and what has no room is not forgotten: it counts as
//! coming from anywhere.

use super::call::Home;

/// Homes that are told apart.
const MAX_HOMES: usize = 16;

/// What first brought something into a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The tool, or the resource's URI.
    pub source: Box<str>,
    /// The id of the decision that let it through.
    pub decision: Box<str>,
}

/// What a session has read.
#[derive(Debug, Default)]
pub struct Taint {
    untrusted: Option<Origin>,
    private: Option<Origin>,
    secret: Option<Origin>,
    homes: Vec<Home>,
}

impl Taint {
    /// What first brought text of strangers.
    #[must_use]
    pub fn untrusted(&self) -> Option<&Origin> {
        self.untrusted.as_ref()
    }

    /// What first brought private data.
    #[must_use]
    pub fn private(&self) -> Option<&Origin> {
        self.private.as_ref()
    }

    /// What first brought a file of secrets.
    #[must_use]
    pub fn secret(&self) -> Option<&Origin> {
        self.secret.as_ref()
    }

    pub(super) fn add_untrusted(&mut self, origin: impl FnOnce() -> Origin) {
        self.untrusted.get_or_insert_with(origin);
    }

    pub(super) fn add_private(&mut self, home: Home, origin: impl FnOnce() -> Origin) {
        self.private.get_or_insert_with(origin);
        if self.homes.contains(&home) {
            return;
        }
        // The last place is for everything further.
        let home = if self.homes.len() + 1 < MAX_HOMES { home } else { Home::UNKNOWN };
        if !self.homes.contains(&home) {
            self.homes.push(home);
        }
    }

    pub(super) fn add_secret(&mut self, origin: impl FnOnce() -> Origin) {
        self.secret.get_or_insert_with(origin);
    }

    /// There is private data that does not belong to `to`.
    pub(super) fn would_leave(&self, to: Home) -> bool {
        self.homes.iter().any(|home| !home.is_same(to))
    }
}
