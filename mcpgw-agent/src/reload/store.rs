//! Holds the policy in force and replaces it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use jiff::Timestamp;

use super::state::{PolicyState, ReloadCounts, ReloadFailure, mode_word};
use crate::config::{ConfigError, read_text};
use crate::policy::{Policy, PolicyError};

/// A policy and its place in the sequence of those loaded.
#[derive(Debug)]
pub struct Loaded {
    /// The policy.
    pub policy: Policy,
    /// 1 for the first.
    pub generation: u64,
    /// When it came into force.
    pub loaded_at: Timestamp,
}

impl Loaded {
    fn new(policy: Policy, generation: u64) -> Self {
        Self { policy, generation, loaded_at: Timestamp::now() }
    }
}

/// Why a file gave no policy.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// It cannot be read, or others may write it.
    #[error(transparent)]
    File(#[from] ConfigError),
    /// It is no policy. The message shows where.
    #[error("{}", error.render(path))]
    Policy {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: Box<PolicyError>,
    },
}

/// What a reload changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Another policy is in force, of this generation.
    Replaced(u64),
    /// The file says what it said before, or there is none.
    Same,
}

/// The policy in force.
#[derive(Debug)]
pub struct PolicyStore {
    path: Option<PathBuf>,
    current: ArcSwap<Loaded>,
    watched: AtomicBool,
    /// Held while reloading, so that of two at once the later has the last word.
    history: Mutex<History>,
}

/// How reloading went.
#[derive(Debug, Default)]
struct History {
    last_error: Option<ReloadFailure>,
    counts: ReloadCounts,
}

impl PolicyStore {
    /// A store with `policy` in force, which comes from no file and is never replaced.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self::with(None, policy)
    }

    /// A store with the policy of the file at `path` in force.
    ///
    /// # Errors
    /// [`ReloadError`] where the file gives none.
    pub fn load(path: &Path) -> Result<Self, ReloadError> {
        // A later change of directory must not make it another file.
        let path = std::path::absolute(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let policy = read(&path)?;
        Ok(Self::with(Some(path), policy))
    }

    fn with(path: Option<PathBuf>, policy: Policy) -> Self {
        Self {
            path,
            current: ArcSwap::from_pointee(Loaded::new(policy, 1)),
            watched: AtomicBool::new(false),
            history: Mutex::default(),
        }
    }

    /// The file it goes by.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The policy in force now.
    #[must_use]
    pub fn current(&self) -> Arc<Loaded> {
        self.current.load_full()
    }

    /// Reads the file anew. Blocks for as long as that takes; logs and remembers what came of it.
    ///
    /// # Errors
    /// [`ReloadError`]; the policy before stays in force.
    pub fn reload(&self) -> Result<Change, ReloadError> {
        let Some(path) = &self.path else { return Ok(Change::Same) };
        let mut history = self.history();
        let policy = match read(path) {
            Ok(policy) => policy,
            Err(error) => {
                tracing::error!(path = %path.display(), %error, "the policy was not reloaded; the one before stays");
                history.counts.failed += 1;
                history.last_error = Some(ReloadFailure { at: Timestamp::now(), message: error.to_string() });
                return Err(error);
            }
        };
        history.counts.ok += 1;
        history.last_error = None;
        let before = self.current.load();
        if before.policy.hash() == policy.hash() {
            tracing::debug!(path = %path.display(), "the policy was reloaded and is the same");
            return Ok(Change::Same);
        }
        let loaded = Loaded::new(policy, before.generation + 1);
        let generation = loaded.generation;
        tracing::info!(path = %path.display(), generation, hash = loaded.policy.hash(), "the policy was reloaded");
        self.current.store(Arc::new(loaded));
        Ok(Change::Replaced(generation))
    }

    /// What is in force, and how reloading went.
    #[must_use]
    pub fn state(&self) -> PolicyState {
        let history = self.history();
        let loaded = self.current();
        PolicyState {
            path: self.path.clone(),
            generation: loaded.generation,
            hash: loaded.policy.hash().to_owned(),
            mode: mode_word(loaded.policy.mode()).to_owned(),
            rules: loaded.policy.rules().len(),
            loaded_at: loaded.loaded_at,
            watched: self.watched.load(Ordering::Relaxed),
            last_error: history.last_error.clone(),
            reloads: history.counts,
        }
    }

    pub(super) fn set_watched(&self, watched: bool) {
        self.watched.store(watched, Ordering::Relaxed);
    }

    fn history(&self) -> MutexGuard<'_, History> {
        // Nothing is left half done while it is held.
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(path: &Path) -> Result<Policy, ReloadError> {
    let text = read_text(path)?;
    Policy::parse(&text)
        .map_err(|error| ReloadError::Policy { path: path.to_owned(), error: Box::new(error) })
}
