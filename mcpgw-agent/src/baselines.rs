//! What servers usually do, kept over restarts: one file for each server in one directory, with the care of
//! [pins](crate::pins).
//!
//! Only the agent learns. What it learned is in memory, shared by the sessions of a server, and written now and then; a file
//! that somebody [reset](Baselines::reset) meanwhile has another generation, and what was learned before is forgotten.

mod file;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::effects::{Baseline, Collected, Measure, Oddity};
use crate::pins::{Act, Directory, PinsError, ServerId, Stamp};

pub use file::Habits;

/// The directory's name in the state directory.
pub const DIRECTORY: &str = "effects";

/// All baselines of a directory, as far as sessions use them.
#[derive(Debug)]
pub struct Baselines {
    directory: Directory,
    /// Calls of a tool during which nothing is new to it.
    learning: u32,
    /// By hash.
    servers: Mutex<HashMap<String, Arc<ServerBaseline>>>,
}

/// The baseline of one server, shared by its sessions.
#[derive(Debug)]
pub struct ServerBaseline {
    learning: u32,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    habits: Habits,
    /// Of the file that was read or written last.
    stamp: Option<Stamp>,
    /// Something is new besides numbers of calls.
    is_news: bool,
    /// Anything is.
    is_dirty: bool,
}

impl Baselines {
    /// The baselines in `directory`, which is made where it is not there. Nothing is new to a tool before it was called
    /// `learning` times.
    ///
    /// # Errors
    /// As [`Directory::open`].
    pub fn open(directory: &Path, learning: u32) -> Result<Self, PinsError> {
        Ok(Self { directory: Directory::open(directory)?, learning, servers: Mutex::default() })
    }

    /// The baseline of `server`, read where nobody uses it yet: for the start of a session.
    ///
    /// # Errors
    /// [`PinsError`]: its file cannot be used, and what it held must not be taken for nothing.
    pub fn server(&self, server: &ServerId) -> Result<Arc<ServerBaseline>, PinsError> {
        let mut servers = lock(&self.servers);
        if let Some(known) = servers.get(server.hash()) {
            return Ok(Arc::clone(known));
        }
        // What no session uses is read again when it is needed.
        servers.retain(|_, known| Arc::strong_count(known) > 1 || lock(&known.state).is_dirty);
        let (habits, stamp) = match self.directory.read_stamped::<Habits>(server.hash())? {
            Some((habits, stamp)) => (habits, Some(stamp)),
            None => (Habits::new(server.clone()), None),
        };
        let state = State { habits, stamp, is_news: false, is_dirty: false };
        let known = Arc::new(ServerBaseline { learning: self.learning, state: Mutex::new(state) });
        servers.insert(server.hash().to_owned(), Arc::clone(&known));
        Ok(known)
    }

    /// Writes what was learned: all of it, or only where there is more than numbers of calls. Waits for the disk: not for a
    /// message's way.
    ///
    /// # Errors
    /// The first [`PinsError`]; the other servers are written nonetheless, and what was not stays to be.
    pub fn flush(&self, all: bool) -> Result<(), PinsError> {
        let servers: Vec<_> = lock(&self.servers).values().map(Arc::clone).collect();
        servers.iter().map(|known| known.flush(&self.directory, all)).fold(Ok(()), Result::and)
    }

    /// Forgets what the server `hash` usually does, because user `by` wants it: everything is learned anew.
    ///
    /// # Errors
    /// [`PinsError`].
    pub fn reset(&self, hash: &str, by: u32) -> Result<(), PinsError> {
        let there: Option<Habits> = self.directory.read(hash)?;
        let there = there.ok_or_else(|| PinsError::NoServer(hash.to_owned()))?;
        self.directory.change(there, |habits| {
            habits.reset(by);
            Ok(())
        })?;
        Ok(())
    }

    /// What the files hold, in the order of their hashes; a file that cannot be used is an error in its place.
    ///
    /// # Errors
    /// [`PinsError`] where the directory cannot be listed.
    pub fn list(&self) -> Result<Vec<Result<Habits, PinsError>>, PinsError> {
        let hashes = self.directory.hashes()?;
        Ok(hashes.iter().filter_map(|hash| self.directory.read::<Habits>(hash).transpose()).collect())
    }
}

impl ServerBaseline {
    /// What `look` makes of it.
    pub fn with<T>(&self, look: impl FnOnce(Measure<'_>) -> T) -> T {
        let state = lock(&self.state);
        look(Measure { usual: Some(&state.habits.usual), learning: self.learning, rules: None })
    }

    /// As [`Baseline::learn`].
    pub fn learn(&self, tool: &str, done: &Collected, refused: impl Fn(Oddity) -> bool) {
        let mut state = lock(&self.state);
        state.is_news |= state.habits.usual.learn(tool, done, refused);
        state.is_dirty = true;
    }

    /// That somebody reset it, as long as no log has it.
    #[must_use]
    pub fn unrecorded(&self) -> Option<(ServerId, Act)> {
        let state = lock(&self.state);
        Some((state.habits.server.clone(), state.habits.reset.clone()?))
    }

    /// A log has `act`.
    pub fn recorded(&self, act: &Act) {
        let mut state = lock(&self.state);
        if state.habits.reset.as_ref() == Some(act) {
            state.habits.reset = None;
            (state.is_news, state.is_dirty) = (true, true);
        }
    }

    fn flush(&self, directory: &Directory, all: bool) -> Result<(), PinsError> {
        let learned = {
            let state = lock(&self.state);
            let is_reset = directory.stamp(state.habits.server.hash()) != state.stamp;
            if !(state.is_news || state.is_dirty && all || is_reset && state.stamp.is_some()) {
                return Ok(());
            }
            state.habits.clone()
        };
        // Without the lock: messages must not wait for a disk.
        let empty = Habits { usual: Baseline::default(), ..learned.clone() };
        let (written, stamp, ()) = directory.change(empty, |there| {
            if there.generation == learned.generation {
                there.usual = learned.usual.clone();
                there.reset = learned.reset.clone();
            }
            Ok(())
        })?;
        let mut state = lock(&self.state);
        let has_more = state.habits != learned;
        if written.generation != learned.generation {
            state.habits = written;
            (state.is_news, state.is_dirty) = (false, false);
        } else {
            (state.is_news, state.is_dirty) = (state.is_news && has_more, has_more);
        }
        state.stamp = Some(stamp);
        Ok(())
    }
}

/// What a panic left behind is whole: nothing is changed by halves.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
