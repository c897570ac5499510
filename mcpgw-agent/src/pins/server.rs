//! The pins sessions work with.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::book::{Open, Pass, Report};
use super::decision::Decision;
use super::directory::{Directory, Stamp};
use super::file::{Book, Selection};
use super::{PinsError, ServerId, Trust};
use crate::detect::DefinitionKind;
use crate::json::Value;
use crate::policy::ServerStatus;
use crate::risk::{Assessment, Behaviour, Known};

/// All pins of a directory, as far as sessions use them.
#[derive(Debug)]
pub struct Pins {
    directory: Directory,
    trust: Trust,
    /// By hash.
    servers: Mutex<HashMap<String, Arc<ServerPins>>>,
}

/// The pins of one server, shared by its sessions.
#[derive(Debug)]
pub struct ServerPins {
    state: Mutex<State>,
    told: Mutex<Option<Told>>,
}

/// What was last said of a server as a whole: whether it may be used, what of, and what a person decided.
type Told = (ServerStatus, Option<[u8; 32]>, Option<Decision>);

/// Why a definition waits for approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// It was not known.
    New,
    /// It is not what was approved.
    Changed,
}

#[derive(Debug)]
struct State {
    open: Open,
    /// Of the file that was read or written last.
    stamp: Option<Stamp>,
}

impl Pins {
    /// The pins in `directory`, which is made where it is not there.
    ///
    /// # Errors
    /// As [`Directory::open`].
    pub fn open(directory: &Path, trust: Trust) -> Result<Self, PinsError> {
        Ok(Self { directory: Directory::open(directory)?, trust, servers: Mutex::default() })
    }

    /// The pins of `server`, read where nobody uses them yet: for the start of a session.
    ///
    /// # Errors
    /// [`PinsError`]: its file cannot be used, and what it held must not be taken for nothing.
    pub fn server(&self, server: &ServerId) -> Result<Arc<ServerPins>, PinsError> {
        let mut servers = lock(&self.servers);
        if let Some(known) = servers.get(server.hash()) {
            return Ok(Arc::clone(known));
        }
        // What no session uses is read again when it is needed.
        servers.retain(|_, pins| Arc::strong_count(pins) > 1 || lock(&pins.state).open.is_dirty);
        let read = self.directory.read_stamped::<Book>(server.hash())?;
        let (book, stamp) =
            read.map_or_else(|| (Book::new(server.clone()), None), |(book, stamp)| (book, Some(stamp)));
        let state = State { open: Open::new(book, self.trust), stamp };
        let pins = Arc::new(ServerPins { state: Mutex::new(state), told: Mutex::default() });
        servers.insert(server.hash().to_owned(), Arc::clone(&pins));
        Ok(pins)
    }

    /// Something was learned that no file has yet.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        lock(&self.servers).values().any(|pins| lock(&pins.state).open.is_dirty)
    }

    /// Writes what was learned. Waits for the disk and for whoever else writes: not for a message's way.
    ///
    /// # Errors
    /// The first [`PinsError`]; the other servers are written nonetheless, and what was not stays to be.
    pub fn flush(&self) -> Result<(), PinsError> {
        self.each(|pins| pins.flush(&self.directory))
    }

    /// Takes over what others wrote since: approvals above all. Looks at each file in use, reads those that changed.
    ///
    /// # Errors
    /// The first [`PinsError`]; what could not be read stays as it was.
    pub fn refresh(&self) -> Result<(), PinsError> {
        self.each(|pins| pins.refresh(&self.directory))
    }

    /// Approves what waits of the server `hash`. Gives how many definitions that changed.
    ///
    /// # Errors
    /// [`PinsError`].
    pub fn approve(&self, hash: &str, selection: Selection<'_>) -> Result<usize, PinsError> {
        self.flush()?;
        let book = self.directory.read::<Book>(hash)?.ok_or_else(|| PinsError::NoServer(hash.to_owned()))?;
        let (.., changed) = self.directory.change(book, |book| book.approve(selection))?;
        self.refresh()?;
        Ok(changed)
    }

    /// Takes over what others wrote since about one server, as [`refresh`](Self::refresh) does about all.
    ///
    /// # Errors
    /// [`PinsError`]; what could not be read stays as it was.
    pub fn refresh_one(&self, server: &ServerPins) -> Result<(), PinsError> {
        server.refresh(&self.directory)
    }

    /// Decides about the server `hash` as its file has it: it may be used, or not. Gives what is decided, and of what.
    ///
    /// # Errors
    /// [`PinsError`].
    pub fn decide(&self, hash: &str, approve: bool, by: u32) -> Result<(Decision, Assessment), PinsError> {
        self.flush()?;
        let book = self.directory.read::<Book>(hash)?.ok_or_else(|| PinsError::NoServer(hash.to_owned()))?;
        let (.., decided) = self.directory.change(book, |book| {
            let assessment = book.assess();
            let decision =
                Decision { is_approved: approve, basis: assessment.basis, by, at: Timestamp::now() };
            book.decision = Some(decision.clone());
            Ok((decision, assessment))
        })?;
        self.refresh()?;
        Ok(decided)
    }

    /// Forgets what is pinned of the server `hash`.
    ///
    /// # Errors
    /// [`PinsError`].
    pub fn reset(&self, hash: &str) -> Result<(), PinsError> {
        let book = self.directory.read::<Book>(hash)?.ok_or_else(|| PinsError::NoServer(hash.to_owned()))?;
        self.directory.change(book, |book| {
            book.reset();
            Ok(())
        })?;
        self.refresh()
    }

    /// What the files hold, in the order of their hashes; a file that cannot be used is an error in its place.
    ///
    /// # Errors
    /// [`PinsError`] where the directory cannot be listed.
    pub fn list(&self) -> Result<Vec<Result<Book, PinsError>>, PinsError> {
        let hashes = self.directory.hashes()?;
        Ok(hashes.iter().filter_map(|hash| self.directory.read::<Book>(hash).transpose()).collect())
    }

    fn each(&self, with: impl Fn(&ServerPins) -> Result<(), PinsError>) -> Result<(), PinsError> {
        let servers: Vec<_> = lock(&self.servers).values().map(Arc::clone).collect();
        servers.iter().map(|pins| with(pins)).fold(Ok(()), Result::and)
    }
}

impl ServerPins {
    /// Holds a page of a listing against what is pinned, and remembers it. `is_first` where it was asked for without a
    /// cursor, `is_last` where it names no next one. In memory only.
    pub fn check<'v>(
        &self,
        pass: &mut Pass,
        definitions: impl IntoIterator<Item = Value<'v>>,
        is_first: bool,
        is_last: bool,
    ) -> Report {
        lock(&self.state).open.check(pass, definitions, (is_first, is_last))
    }

    /// The server did this.
    pub fn behaved(&self, behaviour: Behaviour) {
        lock(&self.state).open.behaved(behaviour);
    }

    /// What the server amounts to, what is known of it for policies, and what a person decided. Definitions that were not
    /// judged before are, so this takes time where there are new ones.
    #[must_use]
    pub fn assess(&self) -> (Arc<Assessment>, Known, Option<Decision>) {
        let mut state = lock(&self.state);
        let assessment = state.open.assess();
        let book = &state.open.book;
        let (known, decision) = (book.known(&assessment), book.decision.clone());
        (assessment, known, decision)
    }

    /// Remembers what is said of the server as a whole; whether that is something else than before.
    pub fn tell(&self, told: Told) -> bool {
        let mut last = lock(&self.told);
        let is_news = last.as_ref() != Some(&told);
        *last = Some(told);
        is_news
    }

    /// Whether the definition waits for approval; `None` where it does not, and where nothing is known of it.
    #[must_use]
    pub fn waits(&self, kind: DefinitionKind, name: &str) -> Option<Waits> {
        let state = lock(&self.state);
        let pin = state.open.book.pins.get(&(kind, name.to_owned()))?;
        pin.waiting.as_ref()?;
        Some(if pin.approved.is_some() { Waits::Changed } else { Waits::New })
    }

    fn flush(&self, directory: &Directory) -> Result<(), PinsError> {
        let learned = {
            let state = lock(&self.state);
            if !state.open.is_dirty {
                return Ok(());
            }
            state.open.book.clone()
        };
        // Without the lock on the state: messages must not wait for a disk.
        let empty = Book { generation: learned.generation, ..Book::new(learned.server.clone()) };
        let (book, stamp, ()) = directory.change(empty, |book| {
            book.merge(&learned);
            Ok(())
        })?;
        let mut state = lock(&self.state);
        let has_more = state.open.book != learned;
        let mut merged = book;
        merged.merge(&state.open.book);
        if state.open.book != merged {
            state.open.replace(merged);
        }
        state.open.is_dirty = has_more;
        state.stamp = Some(stamp);
        Ok(())
    }

    fn refresh(&self, directory: &Directory) -> Result<(), PinsError> {
        let (hash, known) = {
            let state = lock(&self.state);
            (state.open.book.server.hash().to_owned(), state.stamp)
        };
        if directory.stamp(&hash) == known {
            return Ok(());
        }
        let Some((mut book, stamp)) = directory.read_stamped::<Book>(&hash)? else { return Ok(()) };
        let mut state = lock(&self.state);
        if state.open.is_dirty {
            book.merge(&state.open.book);
            // What others approved or reset stands in the file, and what was learned before it is forgotten.
            state.open.is_dirty = book.generation == state.open.book.generation;
        }
        state.open.replace(book);
        state.stamp = Some(stamp);
        Ok(())
    }
}

/// What a panic left behind is whole: nothing is changed by halves.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
