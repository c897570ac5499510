//! What a writer seals with: which key signs now, when its epoch is over, when the next checkpoint is due.

use std::path::Path;
use std::time::{Duration, Instant};

use ed25519_dalek::SigningKey;

use super::evolve::{Anchor, EpochKey, open_signer};
use super::file::{KeyFile, read, state_path};
use super::root::{ROOT_NAME, begin, set_aside};
use super::text::SealKey;
use crate::audit::chain::{Seal, Signer, event, hash};
use crate::audit::event::ends_epoch;
use crate::audit::key::{Key, KeyError, KeySource};

/// Epochs a key file may be behind its log. The log says no more than that there were as many records.
const BEHIND_MAX: u64 = 1 << 20;

/// When a log is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealOptions {
    /// From one checkpoint to the next, whether or not there is anything between them.
    pub beat: Duration,
    /// How long one key signs.
    pub epoch_age: Duration,
    /// How many records it signs.
    pub epoch_records: u64,
    /// Seals have a signature that can be checked without the secret.
    pub open: bool,
    /// The key must evolve: without a root key there is no log.
    pub required: bool,
}

impl Default for SealOptions {
    fn default() -> Self {
        Self {
            beat: Duration::from_secs(60),
            epoch_age: Duration::from_secs(15 * 60),
            epoch_records: 1_000_000,
            open: true,
            required: false,
        }
    }
}

/// Seals one log.
#[derive(Debug)]
pub(in crate::audit) struct Sealer {
    signer: Signer,
    open: Option<SigningKey>,
    evolving: Option<Evolving>,
    options: SealOptions,
    epoch_began: Instant,
    /// Records of this epoch, by this process.
    epoch_records: u64,
    /// Records since the last seal.
    unsealed: u64,
}

/// A key that goes one way.
#[derive(Debug)]
struct Evolving {
    file: KeyFile,
    key: EpochKey,
    anchor: Anchor,
    /// The file does not have the key yet.
    behind: bool,
}

impl Sealer {
    /// What seals the log at `log`, which has records or is about to begin.
    pub(in crate::audit) fn find(
        source: &KeySource,
        options: SealOptions,
        log: &Path,
        has_records: bool,
    ) -> Result<Self, KeyError> {
        let evolving = match source {
            KeySource::Beside => Evolving::find(log, has_records)?,
            KeySource::File(_) | KeySource::Given(_) => None,
        };
        let (signer, open) = match &evolving {
            Some(Evolving { key, .. }) => (key.signer(), options.open.then(|| key.open_signer())),
            None if options.required => {
                return Err(KeyError::NoRoot { path: log.with_file_name(ROOT_NAME) });
            }
            None => {
                let key = Key::find(source, log, has_records)?;
                (Signer::new(&key), options.open.then(|| open_signer(key.bytes())))
            }
        };
        let epoch_began = Instant::now();
        Ok(Self { signer, open, evolving, options, epoch_began, epoch_records: 0, unsealed: 0 })
    }

    /// What signs now.
    pub(in crate::audit) fn signer(&self) -> &Signer {
        &self.signer
    }

    /// What signs seals openly now.
    pub(in crate::audit) fn open(&self) -> Option<&SigningKey> {
        self.open.as_ref()
    }

    pub(in crate::audit) fn beat(&self) -> Duration {
        self.options.beat
    }

    /// The epoch's key; `None` where the key stays the same.
    pub(in crate::audit) fn key(&self) -> Option<&EpochKey> {
        self.evolving.as_ref().map(|evolving| &evolving.key)
    }

    /// Whether the log's last record, `line`, is of this key; one that is behind is brought up to it.
    pub(in crate::audit) fn accepts(&mut self, seal: &Seal<'_>, line: &[u8]) -> bool {
        let Some(evolving) = &mut self.evolving else { return seal.is_of(&self.signer) };
        let accepted = evolving.accepts(seal, line);
        if accepted {
            self.signer = evolving.key.signer();
            self.open = self.options.open.then(|| evolving.key.open_signer());
        }
        accepted
    }

    /// Counts a record; says whether the epoch has as many as it may, and, where it could not be ended, more and more rarely
    /// after that.
    pub(in crate::audit) fn count(&mut self) -> bool {
        self.unsealed = self.unsealed.saturating_add(1);
        self.epoch_records = self.epoch_records.saturating_add(1);
        let over = self.epoch_records.checked_sub(self.options.epoch_records);
        self.evolving.is_some() && over.is_some_and(|over| over == 0 || over.is_power_of_two())
    }

    /// Records since the last seal; from here on there are none.
    pub(in crate::audit) fn sealed(&mut self) -> u64 {
        std::mem::take(&mut self.unsealed)
    }

    /// The epoch is over by its age.
    pub(in crate::audit) fn is_epoch_due(&self) -> bool {
        self.evolving.is_some() && self.epoch_began.elapsed() >= self.options.epoch_age
    }

    /// Brings `next`, which signs after `anchor`, to the disk beside the key there is.
    pub(in crate::audit) fn prepare(&self, next: &EpochKey, anchor: Anchor) -> Result<(), KeyError> {
        let Some(evolving) = &self.evolving else { return Ok(()) };
        evolving.file.prepare(&SealKey::Log(next.clone(), anchor))
    }

    /// What was prepared is not to be.
    pub(in crate::audit) fn forget(&self) {
        if let Some(evolving) = &self.evolving {
            evolving.file.forget();
        }
    }

    /// `next` signs from here on, and the key before is wiped; from the disk too, where `synced` says that the log's part of
    /// it is on the disk.
    pub(in crate::audit) fn evolve(&mut self, next: EpochKey, anchor: Anchor, synced: bool) {
        let Some(evolving) = &mut self.evolving else { return };
        self.signer = next.signer();
        self.open = self.options.open.then(|| next.open_signer());
        (evolving.key, evolving.anchor) = (next, anchor);
        evolving.behind = true;
        if synced {
            match evolving.file.replace() {
                Ok(()) => evolving.behind = false,
                Err(error) => {
                    tracing::error!(%error, "the audit log's key of the epoch before is not wiped yet");
                }
            }
        }
        self.epoch_began = Instant::now();
        self.epoch_records = 0;
    }

    /// The key file does not have the key yet.
    pub(in crate::audit) fn is_behind(&self) -> bool {
        self.evolving.as_ref().is_some_and(|evolving| evolving.behind)
    }

    /// Brings the key to its file. The log must be on the disk up to where this key signs.
    pub(in crate::audit) fn catch_up(&mut self) -> Result<(), KeyError> {
        let Some(evolving) = self.evolving.as_mut().filter(|evolving| evolving.behind) else { return Ok(()) };
        evolving.file.prepare(&SealKey::Log(evolving.key.clone(), evolving.anchor))?;
        evolving.file.replace()?;
        evolving.behind = false;
        Ok(())
    }
}

impl Evolving {
    fn find(log: &Path, has_records: bool) -> Result<Option<Self>, KeyError> {
        let path = state_path(log);
        let state = match read(&path)? {
            Some(SealKey::Log(key, anchor)) => Some((key, anchor)),
            Some(SealKey::Root(_) | SealKey::Public(..)) => {
                return Err(KeyError::Unsafe { path, why: "holds no log's key" });
            }
            None => None,
        };
        let file = KeyFile::at(path)?;
        match state {
            Some((key, anchor)) if has_records => Ok(Some(Self { file, key, anchor, behind: false })),
            None if has_records => {
                if read(&log.with_file_name(ROOT_NAME))?.is_none() {
                    return Ok(None);
                }
                let log = log.to_owned();
                if Key::beside(&log).exists() {
                    return Err(KeyError::NotEvolving { log });
                }
                Err(KeyError::Missing { log, path: file.path().to_owned() })
            }
            Some((key, _)) => {
                // The log was moved aside or removed. What begins here is another.
                set_aside(file.path(), key.log)?;
                Self::begin(log)
            }
            None => Self::begin(log),
        }
    }

    fn begin(log: &Path) -> Result<Option<Self>, KeyError> {
        Ok(match begin(log)? {
            Some((file, SealKey::Log(key, anchor))) => Some(Self { file, key, anchor, behind: false }),
            Some((_, SealKey::Root(_) | SealKey::Public(..))) | None => None,
        })
    }

    fn accepts(&mut self, seal: &Seal<'_>, line: &[u8]) -> bool {
        let here = Anchor { seq: seal.seq, head: hash(line) };
        if seal.seq <= self.anchor.seq {
            return here == self.anchor;
        }
        let mut key = self.key.clone();
        let most = (seal.seq - self.anchor.seq).min(BEHIND_MAX);
        for _ in 0..=most {
            if seal.is_of(&key.signer()) {
                let ends = event(line).is_some_and(ends_epoch);
                let next = if ends { key.next() } else { key };
                if !next.is(&self.key) {
                    (self.key, self.anchor, self.behind) = (next, here, true);
                }
                return true;
            }
            key = key.next();
        }
        false
    }
}
