//! The protocol's revisions.

use std::fmt;

/// A revision of the specification, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    /// 2024-11-05: HTTP+SSE.
    R2024_11_05,
    /// 2025-03-26: Streamable HTTP, batches.
    R2025_03_26,
    /// 2025-06-18: no batches, elicitation, structured content.
    R2025_06_18,
    /// 2025-11-25: tasks, URL elicitation, icons.
    R2025_11_25,
    /// 2026-07-28: no handshake; version and capabilities in every request.
    R2026_07_28,
}

impl Revision {
    /// All there are, oldest first.
    pub const ALL: [Self; 5] =
        [Self::R2024_11_05, Self::R2025_03_26, Self::R2025_06_18, Self::R2025_11_25, Self::R2026_07_28];

    /// The revision called `name`; a date after the newest is read by the newest's rules, any other name is none.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let exact = Self::ALL.into_iter().find(|revision| revision.as_str() == name);
        exact.or_else(|| (is_date(name) && name > Self::R2026_07_28.as_str()).then_some(Self::R2026_07_28))
    }

    /// Its name, a date.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::R2024_11_05 => "2024-11-05",
            Self::R2025_03_26 => "2025-03-26",
            Self::R2025_06_18 => "2025-06-18",
            Self::R2025_11_25 => "2025-11-25",
            Self::R2026_07_28 => "2026-07-28",
        }
    }

    /// It opens without `initialize` and has no sessions.
    #[must_use]
    pub fn is_modern(self) -> bool {
        self >= Self::R2026_07_28
    }

    /// It has JSON-RPC batches.
    #[must_use]
    pub fn has_batches(self) -> bool {
        self == Self::R2025_03_26
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn is_date(name: &str) -> bool {
    let digits =
        |range| name.get(range).is_some_and(|part: &str| part.bytes().all(|byte| byte.is_ascii_digit()));
    name.len() == 10
        && digits(0..4)
        && digits(5..7)
        && digits(8..10)
        && name.bytes().filter(|b| *b == b'-').count() == 2
}
