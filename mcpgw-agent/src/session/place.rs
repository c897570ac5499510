//! Where a server says something, and which of the client's requests it may answer there.

use std::sync::Arc;

use super::is_unreadable;
use crate::mcp::{Message, MessageKind, RequestId};

/// Which of the client's requests a message of the server's may answer, by where it is said.
///
/// Over pipes the id alone tells answers apart. Over HTTP the place does too, and there are clients that go by it: whatever
/// answer comes to their request they take for its answer, under whichever id. So both have to be right.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// Sorted; `None` where it may answer any.
    only: Option<Arc<[RequestId]>>,
    /// The server says that what is asked here failed: an error is about that, whatever its id.
    has_failed: bool,
}

impl Place {
    /// Only `requests` may be answered.
    #[must_use]
    pub fn of(requests: &[RequestId]) -> Self {
        let mut only: Arc<[RequestId]> = requests.into();
        if let Some(only) = Arc::get_mut(&mut only) {
            only.sort_unstable();
        }
        Self { only: Some(only), has_failed: false }
    }

    /// The same place, where the server says that what is asked there failed, if `has_failed`.
    #[must_use]
    pub fn failed_if(self, has_failed: bool) -> Self {
        Self { has_failed, ..self }
    }

    /// The request `id` may be answered.
    #[must_use]
    pub fn holds(&self, id: &RequestId) -> bool {
        self.only.as_ref().is_none_or(|only| only.binary_search(id).is_ok())
    }

    /// The requests that may be answered; `None` where any may.
    #[must_use]
    pub fn requests(&self) -> Option<&[RequestId]> {
        self.only.as_deref()
    }

    /// They are one place.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.only, &other.only) {
            (None, None) => true,
            (Some(own), Some(other)) => Arc::ptr_eq(own, other) || (own.is_empty() && other.is_empty()),
            (None, Some(_)) | (Some(_), None) => false,
        }
    }

    /// What may be answered in both: nothing, where they are two places for requests of their own.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        match (&self.only, &other.only) {
            (_, None) => self,
            (None, Some(_)) => other.clone(),
            (Some(_), Some(_)) if self.is_same(other) => self,
            (Some(_), Some(_)) => Self::of(&[]),
        }
    }

    /// The request that `message` answers, if that is one that `is_open`; as far as its id and its place tell.
    pub(super) fn answered<'a>(
        &'a self,
        message: &'a Message,
        is_open: impl Fn(&RequestId) -> bool,
    ) -> Option<&'a RequestId> {
        let id = message.id().filter(|id| self.holds(id));
        let is_nameless = message.kind() == MessageKind::Error && (self.has_failed || is_unreadable(message));
        if id.is_none() && is_nameless {
            return self.requests()?.iter().find(|id| is_open(id));
        }
        id.filter(|id| is_open(id))
    }

    /// An error that names no request, and answers none, may be said here: about what, only the server knows.
    pub(super) fn may_be_about_nothing(&self) -> bool {
        self.only.is_none() || self.has_failed
    }
}
