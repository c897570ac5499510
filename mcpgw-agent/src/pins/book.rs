//! What is pinned of one server, and how a listing compares: no I/O.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::Trust;
use super::decision::Judged;
use super::file::Book;
use crate::detect::DefinitionKind;
use crate::detect::pins::{Change, canonical, canonical_identity, compare, name};
use crate::json::{Document, Limits, Value};
use crate::risk::{Assessment, Behaviour};

/// Definitions of one server.
const PINS_MAX: usize = 4096;
/// Bytes of one definition's canonical form.
pub(super) const FORM_MAX: usize = 256 << 10;
/// Bytes of all forms of one server.
const FORMS_MAX: usize = 24 << 20;

/// A definition in its canonical form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    text: Box<str>,
    hash: [u8; 32],
}

impl Form {
    /// Of a definition's canonical form.
    #[must_use]
    pub fn new(text: String) -> Self {
        let hash = Sha256::digest(text.as_bytes()).into();
        Self { text: text.into(), hash }
    }

    /// The canonical form.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its SHA-256.
    pub(super) fn digest(&self) -> &[u8; 32] {
        &self.hash
    }

    /// Its SHA-256 in hexadecimal.
    #[must_use]
    pub fn hash(&self) -> String {
        crate::hex::encode(&self.hash)
    }

    /// What changed from this to `other`.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Vec<Change> {
        let parse =
            |form: &Self| Document::parse(Bytes::copy_from_slice(form.text.as_bytes()), &Limits::default());
        match (parse(self), parse(other)) {
            (Ok(before), Ok(after)) => compare(before.root(), after.root()),
            // Forms are of documents that were parsed.
            (Err(_), _) | (_, Err(_)) => Vec::new(),
        }
    }
}

/// One definition of a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pin {
    /// What was approved, or trusted at first sight.
    pub approved: Option<Form>,
    /// What the server says instead, and waits for approval.
    pub waiting: Option<Form>,
    /// It was not in the last complete listing.
    pub missing: bool,
}

/// How a definition compares with what is pinned.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// It is what was approved.
    Same,
    /// It was not known, is trusted at first sight, and pinned.
    Trusted,
    /// It was not known, and waits for approval.
    Added,
    /// It is not what was approved.
    Changed(Vec<Change>),
    /// It has no name, is longer than 256 KiB, or the server has more definitions than are pinned (4096, 24 MiB): it
    /// cannot be approved.
    Unpinned,
}

impl Standing {
    /// It may be shown to a client that only wants what was approved.
    #[must_use]
    pub fn is_approved(&self) -> bool {
        matches!(self, Self::Same | Self::Trusted)
    }
}

/// One definition of a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What it is known by; empty where it has no name.
    pub name: String,
    /// How it compares.
    pub standing: Standing,
}

/// How a page of a listing compares with what is pinned.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Its definitions, in their order.
    pub entries: Vec<Entry>,
    /// Names of what was pinned and is gone: told with the last page.
    pub removed: Vec<String>,
}

impl Report {
    /// All of it was approved, and nothing is gone.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.removed.is_empty() && self.entries.iter().all(|entry| entry.standing.is_approved())
    }
}

/// One walk through the pages of a listing, which belongs to one session.
#[derive(Debug, Clone)]
pub struct Pass {
    kind: DefinitionKind,
    seen: HashSet<String>,
    /// It began with the first page, so that its end says what is gone.
    whole: bool,
}

impl Pass {
    /// No page has come yet.
    #[must_use]
    pub fn new(kind: DefinitionKind) -> Self {
        Self { kind, seen: HashSet::new(), whole: false }
    }

    /// What is listed.
    #[must_use]
    pub fn kind(&self) -> DefinitionKind {
        self.kind
    }
}

/// A book that is in use.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) book: Book,
    pub(super) is_dirty: bool,
    trust: Trust,
    /// What the book amounts to; `None` since it was changed.
    assessed: Option<Arc<Assessment>>,
    judged: Judged,
}

impl Open {
    pub(super) fn new(book: Book, trust: Trust) -> Self {
        Self { book, is_dirty: false, trust, assessed: None, judged: Judged::new() }
    }

    /// It is another book now.
    pub(super) fn replace(&mut self, book: Book) {
        self.book = book;
        self.assessed = None;
    }

    /// The server did this.
    pub(super) fn behaved(&mut self, behaviour: Behaviour) {
        if self.book.behaviour.insert(behaviour) {
            self.is_dirty = true;
            self.assessed = None;
        }
    }

    /// What the server amounts to.
    pub(super) fn assess(&mut self) -> Arc<Assessment> {
        let Self { book, assessed, judged, .. } = self;
        Arc::clone(assessed.get_or_insert_with(|| Arc::new(book.assess_with(judged))))
    }

    /// One page: `is_first` where it was asked for without a cursor, `is_last` where it names no next one.
    pub(super) fn check<'v>(
        &mut self,
        pass: &mut Pass,
        definitions: impl IntoIterator<Item = Value<'v>>,
        (is_first, is_last): (bool, bool),
    ) -> Report {
        if is_first {
            pass.seen.clear();
            pass.whole = true;
        }
        self.assessed = None;
        let kind = pass.kind;
        // A first page was seen whole when it was seen first. What has no end, or one nobody comes to, would be trusted for ever.
        let is_known = self.book.pins.keys().any(|(of, _)| *of == kind);
        let is_trusted =
            self.trust == Trust::FirstUse && !self.book.listed.contains(&kind) && !(is_first && is_known);
        let mut report = Report::default();
        let mut room = FORMS_MAX.saturating_sub(self.book.size());
        for definition in definitions {
            let form = Form::new(match kind {
                DefinitionKind::Server => canonical_identity(definition),
                DefinitionKind::Tool
                | DefinitionKind::Prompt
                | DefinitionKind::Resource
                | DefinitionKind::ResourceTemplate => canonical(definition),
            });
            let Some(name) = name(kind, definition) else {
                report.entries.push(Entry { name: String::new(), standing: Standing::Unpinned });
                continue;
            };
            // A name that is listed twice is one definition too many: the second is held against the first.
            let standing = self.weigh((kind, &name), form, is_trusted, &mut room);
            if pass.seen.len() < PINS_MAX {
                pass.seen.insert(name.clone());
            }
            report.entries.push(Entry { name, standing });
        }
        if report.entries.iter().any(|entry| entry.standing == Standing::Unpinned) {
            self.behaved(Behaviour::Unpinnable);
        }
        if is_last && pass.whole {
            report.removed = self.finish(kind, &pass.seen);
            pass.whole = false;
        }
        report
    }

    fn weigh(
        &mut self,
        (kind, name): (DefinitionKind, &str),
        form: Form,
        is_trusted: bool,
        room: &mut usize,
    ) -> Standing {
        let has_room = form.text.len() <= FORM_MAX.min(*room);
        let count = self.book.pins.len();
        let key = (kind, name.to_owned());
        let Some(pin) = self.book.pins.get_mut(&key) else {
            if !has_room || count >= PINS_MAX || name.len() > FORM_MAX {
                return Standing::Unpinned;
            }
            *room -= form.text.len();
            let (approved, waiting) = if is_trusted { (Some(form), None) } else { (None, Some(form)) };
            self.book.pins.insert(key, Pin { approved, waiting, missing: false });
            self.is_dirty = true;
            return if is_trusted { Standing::Trusted } else { Standing::Added };
        };
        self.is_dirty |= std::mem::take(&mut pin.missing);
        let standing = match &pin.approved {
            None => Standing::Added,
            Some(approved) if approved.hash == form.hash => {
                self.is_dirty |= pin.waiting.take().is_some();
                return Standing::Same;
            }
            Some(approved) => Standing::Changed(approved.compare(&form)),
        };
        if pin.waiting.as_ref() != Some(&form) {
            if !has_room {
                return Standing::Unpinned;
            }
            *room -= form.text.len();
            pin.waiting = Some(form);
            self.is_dirty = true;
        }
        standing
    }

    /// What a complete listing lacks.
    fn finish(&mut self, kind: DefinitionKind, seen: &HashSet<String>) -> Vec<String> {
        self.is_dirty |= self.book.listed.insert(kind);
        let mut removed = Vec::new();
        for ((_, name), pin) in self.book.pins.iter_mut().filter(|((of, _), _)| *of == kind) {
            if seen.contains(name) {
                continue;
            }
            self.is_dirty |= !pin.missing;
            pin.missing = true;
            if pin.approved.is_some() {
                removed.push(name.clone());
            }
        }
        removed
    }
}

/// By kind and name.
pub(super) type PinsByName = BTreeMap<(DefinitionKind, String), Pin>;
/// Kinds a complete listing was seen of.
pub(super) type Listed = BTreeSet<DefinitionKind>;
