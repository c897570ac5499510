//! What a client asked for in one exchange, until it is answered.

use std::sync::Arc;

use bytes::Bytes;
use hyper::header::HeaderValue;

use super::session::Session;
use crate::mcp::{Direction, RequestId};
use crate::proxy::room::Share;
use crate::session::Place;

/// The requests of one exchange. When it is over, what is not answered is no longer open: nothing can answer it.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) session: Arc<Session>,
    /// What the client has of the room for long messages.
    pub(super) share: Share,
    /// Requests that went on.
    pub(super) ids: Vec<RequestId>,
    /// What the server may answer here.
    pub(super) place: Place,
    /// Requests whose client comes back for their answer here.
    pub(super) waiting: Vec<RequestId>,
    /// What went on cannot be read, as where a policy only observes: nobody knows which requests those are.
    pub(super) is_unread: bool,
    /// They came in a batch.
    pub(super) is_batch: bool,
    /// Answers to the batch's refused requests, to be given with the server's.
    pub(super) refused: Vec<Bytes>,
    /// What the server's consent to this exchange means for the session.
    pub(super) opening: Opening,
    /// Answers may still come, on another stream.
    pub(super) keeps_open: bool,
}

/// How an exchange opens a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Opening {
    /// Not at all.
    None,
    /// It is `initialize`: the server's answer names the session.
    Initialize,
    /// The client names a session opened before the gateway knew of it: if the server knows it, so do we.
    Known(HeaderValue),
}

impl Asked {
    /// An exchange that asks nothing a message could answer.
    pub(super) fn nothing(session: Arc<Session>, share: Share, opening: Opening) -> Self {
        Self {
            session,
            share,
            ids: Vec::new(),
            place: Place::default(),
            waiting: Vec::new(),
            is_unread: false,
            is_batch: false,
            refused: Vec::new(),
            opening,
            keeps_open: false,
        }
    }

    /// Requests without an answer yet.
    pub(super) fn unanswered(&self) -> Vec<RequestId> {
        let session = self.session.party.session();
        let open = |id: &&RequestId| session.request(Direction::ToServer, id).is_some();
        self.ids.iter().filter(open).cloned().collect()
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if self.keeps_open || self.ids.is_empty() {
            return;
        }
        let mut session = self.session.party.session();
        for id in &self.ids {
            session.closed(Direction::ToServer, id);
        }
        self.session.party.abandon_calls(&session);
    }
}
