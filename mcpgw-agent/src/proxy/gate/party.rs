//! A session and its circumstances, as the gate needs them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::policy::Context;
use crate::session::Session;

/// One session: who talks, and what is open between them.
#[derive(Debug)]
pub struct Party {
    id: Box<str>,
    context: Context,
    session: Mutex<Session>,
}

impl Party {
    /// A session called `id` in the audit log.
    #[must_use]
    pub fn new(id: impl Into<Box<str>>, context: Context) -> Self {
        Self { id: id.into(), context, session: Mutex::default() }
    }

    /// Its id in the audit log.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its circumstances.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// What is open. A std mutex: nothing waits while it is held, and nothing is left half done.
    pub fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
