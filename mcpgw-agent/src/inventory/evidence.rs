//! What speaks for a server, kept short: one entry a kind and subject, the earliest time, bounded in number.

use super::BootTime;

/// Entries kept of one server.
const ENTRIES: usize = 16;

/// Where a piece of evidence comes from; the order is the strength.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum EvidenceKind {
    /// Its stdio has the form of a server's.
    Shape,
    /// It listens.
    Listener,
    /// Its command line names a package.
    Command,
    /// A wrap registered its channels.
    Registration,
    /// HTTP headers of MCP.
    Header,
    /// A client's message.
    Request,
    /// The server's answer.
    Response,
}

impl EvidenceKind {
    /// The word the view uses.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Shape => "shape",
            Self::Listener => "listener",
            Self::Command => "command",
            Self::Registration => "registration",
            Self::Header => "header",
            Self::Request => "request",
            Self::Response => "response",
        }
    }

    /// Entries of this kind kept: the wire shows several methods, the rest is said once.
    fn limit(self) -> usize {
        match self {
            Self::Request => 6,
            Self::Response => 3,
            Self::Header => 2,
            Self::Shape | Self::Listener | Self::Command | Self::Registration => 1,
        }
    }
}

/// One piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Evidence {
    pub(super) kind: EvidenceKind,
    /// Escaped and bounded.
    pub(super) detail: String,
    pub(super) at: BootTime,
}

/// All pieces of one server.
#[derive(Debug, Default)]
pub(super) struct EvidenceList {
    entries: Vec<Evidence>,
}

impl EvidenceList {
    /// Adds a piece. What is already there keeps its earliest time; a kind's limit keeps the earliest.
    pub(super) fn add(&mut self, kind: EvidenceKind, at: BootTime, detail: &str) {
        if let Some(known) =
            self.entries.iter_mut().find(|known| known.kind == kind && known.detail == detail)
        {
            known.at = known.at.min(at);
            return;
        }
        let of_kind = self.entries.iter().filter(|known| known.kind == kind).count();
        if of_kind >= kind.limit() {
            let latest =
                self.entries.iter_mut().filter(|known| known.kind == kind).max_by_key(|known| known.at);
            if let Some(latest) = latest.filter(|latest| latest.at > at) {
                *latest = Evidence { kind, detail: detail.to_owned(), at };
            }
        } else if self.entries.len() < ENTRIES {
            self.entries.push(Evidence { kind, detail: detail.to_owned(), at });
        }
    }

    /// The only piece of a kind that is said once, replaced.
    pub(super) fn set(&mut self, kind: EvidenceKind, at: BootTime, detail: &str) {
        match self.entries.iter_mut().find(|known| known.kind == kind) {
            Some(known) if known.detail == detail => known.at = known.at.min(at),
            Some(known) => *known = Evidence { kind, detail: detail.to_owned(), at: known.at.min(at) },
            None => self.add(kind, at, detail),
        }
    }

    pub(super) fn remove(&mut self, kind: EvidenceKind) {
        self.entries.retain(|known| known.kind != kind);
    }

    pub(super) fn has(&self, kind: EvidenceKind) -> bool {
        self.entries.iter().any(|known| known.kind == kind)
    }

    /// Something better than the shape or an open port.
    pub(super) fn tells(&self) -> bool {
        self.entries.iter().any(|known| known.kind > EvidenceKind::Listener)
    }

    pub(super) fn first(&self) -> Option<BootTime> {
        self.entries.iter().map(|known| known.at).min()
    }

    pub(super) fn last(&self) -> Option<BootTime> {
        self.entries.iter().map(|known| known.at).max()
    }

    /// Oldest first.
    pub(super) fn sorted(&self) -> Vec<&Evidence> {
        let mut sorted: Vec<_> = self.entries.iter().collect();
        sorted.sort_by(|a, b| (a.at, a.kind, &a.detail).cmp(&(b.at, b.kind, &b.detail)));
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_thing_is_said_once_and_the_list_is_bounded() {
        let mut list = EvidenceList::default();
        for at in (0..100).rev() {
            list.add(EvidenceKind::Request, BootTime(at), &format!("m{at}"));
            list.add(EvidenceKind::Shape, BootTime(at), "shape");
        }
        let sorted = list.sorted();
        assert_eq!(sorted.len(), 7);
        assert!(sorted.iter().all(|entry| entry.at.0 < 6), "{sorted:?}");
        assert!(list.tells() && list.first() == Some(BootTime(0)));
    }
}
