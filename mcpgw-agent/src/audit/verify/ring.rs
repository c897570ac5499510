//! Which key a record should be signed with, and which it is.

use std::collections::VecDeque;

use super::hint::Hint;
use crate::audit::chain::{Seal, Signer, event, hash, key_id, member};
use crate::audit::event::{OPENED, ROTATED, ends_epoch, is_seal};
use crate::audit::seal::{Anchor, EpochKey, PublicKey, RootKey, SealKey};
use crate::hex;

/// Epochs back and ahead whose keys are always tried on what the key in force has not signed.
const NEAR: usize = 8;
/// Keys that are made or tried beyond these and lead nowhere. A log with more holes is not worth telling deleted from edited.
const BUDGET: u64 = 1 << 22;
/// Most epochs of a log, and most logs of a directory, that are counted to.
const FAR: u64 = 1 << 22;
/// Logs, and epochs of each, that are tried for a log whose beginning is gone.
const GUESSED: (u64, u64) = (16, 4096);
/// Lines of such a log that are tried.
const GUESSES: u32 = 4;

/// What is to be said of a line's signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    /// The key in force signed it, or the key of the epoch its number is in.
    Signed,
    /// It stands where only hashes tie records together; what is signed later vouches for it.
    Linked,
    /// The key of this epoch signed it, which is not that of its number.
    WrongEpoch(u64),
    /// Its number is that of the record the key begins after, and it is another record.
    NotTheAnchor,
    /// No key signed it.
    No,
}

/// The keys there are.
#[derive(Debug, Clone)]
pub(super) enum Ring {
    /// One for all records.
    Static(Signer),
    /// One an epoch.
    Evolving(Box<Evolving>),
    /// For seals alone.
    Public(Box<Public>),
}

#[derive(Debug, Clone)]
pub(super) struct Public {
    key: PublicKey,
    anchor: Anchor,
}

#[derive(Debug, Clone)]
pub(super) struct Evolving {
    given: Given,
    now: Option<Now>,
    /// The root of the log that was last, from which the next is not far.
    reached: Option<RootKey>,
    /// The log's number, where something beside the log says it.
    expected: Option<u64>,
    /// Lines for which a key may still be guessed.
    guesses: u32,
    /// Steps and trials that may still lead nowhere.
    budget: u64,
}

/// What the verifier was given.
#[derive(Debug, Clone)]
enum Given {
    Root(RootKey),
    Log(EpochKey, Anchor),
}

/// The key in force and those around it.
#[derive(Debug, Clone)]
struct Now {
    key: EpochKey,
    signer: Signer,
    /// The number its first record may have.
    from: u64,
    /// The last ones, and the numbers they signed.
    past: VecDeque<(u64, u64, u64, Signer)>,
    /// The next ones, as far as they were asked for.
    ahead: VecDeque<(EpochKey, Signer)>,
}

impl Ring {
    pub(super) fn new(key: SealKey) -> Self {
        let given = match key {
            SealKey::Root(root) => Given::Root(root),
            SealKey::Log(key, anchor) => Given::Log(key, anchor),
            SealKey::Public(key, anchor) => return Self::Public(Box::new(Public { key, anchor })),
        };
        let (now, reached, expected) = (None, None, None);
        let (guesses, budget) = (GUESSES, BUDGET);
        Self::Evolving(Box::new(Evolving { given, now, reached, expected, guesses, budget }))
    }

    /// Another log begins.
    pub(super) fn another_log(&mut self) {
        if let Self::Evolving(ring) = self {
            (ring.now, ring.guesses) = (None, GUESSES);
        }
    }

    /// The log that comes next has this number, where something says so.
    pub(super) fn expect(&mut self, log: Option<u64>) {
        if let Self::Evolving(ring) = self {
            ring.expected = log;
        }
    }

    /// The record before the first this key signs.
    pub(super) fn anchor(&self) -> Option<Anchor> {
        match self {
            Self::Evolving(ring) => match ring.given {
                Given::Log(_, anchor) => Some(anchor),
                Given::Root(_) => None,
            },
            Self::Public(public) => Some(public.anchor),
            Self::Static(_) => None,
        }
    }

    /// Every log of a directory has keys that come of this.
    pub(super) fn is_root(&self) -> bool {
        matches!(self, Self::Evolving(ring) if matches!(ring.given, Given::Root(_)))
    }

    /// `root` comes of the root key given.
    pub(super) fn has_become(&self, root: &RootKey) -> bool {
        match self {
            Self::Evolving(ring) => match &ring.given {
                Given::Root(ours) if root.log <= FAR => {
                    let mut ours = ours.clone();
                    while ours.log < root.log {
                        ours = ours.next();
                    }
                    ours.is(root)
                }
                Given::Root(_) | Given::Log(..) => false,
            },
            Self::Static(_) | Self::Public(_) => false,
        }
    }

    /// Records that are not seals are signed by what this checks.
    pub(super) fn signs_all(&self) -> bool {
        !matches!(self, Self::Public(_))
    }

    /// The first line of a log says that it is signed with another key than these.
    pub(super) fn is_foreign(&mut self, line: &[u8]) -> bool {
        let is_first = event(line).is_some_and(|event| event == OPENED || event == ROTATED);
        let (Some(id), hint) = (key_id(line).filter(|_| is_first), Hint::of(line)) else { return false };
        match self {
            Self::Static(signer) => id != signer.key_id(),
            Self::Evolving(ring) => match hint {
                None => true,
                // Of an epoch before the key that was given: nothing can be said of it yet.
                Some(hint) if ring.is_before_given(&hint) => false,
                Some(hint) => ring.key_of(&hint).is_none_or(|key| id != key.signer().key_id()),
            },
            Self::Public(public) => match hint {
                Some(hint) => (&*hint.root, hint.log) != (&*public.key.root, public.key.log),
                None => !public.key.root.is_empty(),
            },
        }
    }

    /// The key in force at the end of what was read; `None` where it does not evolve.
    pub(super) fn key_now(&self) -> Option<&EpochKey> {
        match self {
            Self::Evolving(ring) => ring.now.as_ref().map(|now| &now.key),
            Self::Static(_) | Self::Public(_) => None,
        }
    }

    /// Our key of the epoch that `key` says it is of; `None` where ours is a later one, or of no such log.
    pub(super) fn key_of(&mut self, key: &EpochKey) -> Option<EpochKey> {
        match self {
            Self::Evolving(ring) => {
                ring.key_of(&Hint { root: key.root.clone(), log: key.log, epoch: key.epoch })
            }
            Self::Static(_) | Self::Public(_) => None,
        }
    }

    /// Judges the line that follows record `last`.
    pub(super) fn judge(&mut self, seal: &Seal<'_>, line: &[u8], last: u64) -> Judgement {
        if let Some(anchor) = self.anchor().filter(|anchor| seal.seq <= anchor.seq) {
            let other = seal.seq == anchor.seq && hash(line) != anchor.head;
            return if other { Judgement::NotTheAnchor } else { Judgement::Linked };
        }
        match self {
            Self::Static(signer) => {
                if seal.is_of(signer) {
                    Judgement::Signed
                } else {
                    Judgement::No
                }
            }
            Self::Evolving(ring) => ring.judge(seal, line, last),
            Self::Public(public) if !event(line).is_some_and(is_seal) => Judgement::Linked,
            Self::Public(public) => {
                if seal.is_openly_of(&public.key.key) {
                    Judgement::Signed
                } else {
                    Judgement::No
                }
            }
        }
    }

    /// Record `seq`, `line`, is the last so far. Says whether the key it hands over to is the one that comes next.
    pub(super) fn passed(&mut self, seq: u64, line: &[u8]) -> bool {
        if !event(line).is_some_and(ends_epoch) {
            return true;
        }
        match self {
            Self::Evolving(ring) => {
                let Some(now) = ring.now.as_mut().filter(|now| now.from <= seq) else { return true };
                now.step(seq + 1, seq);
                key_id(line) == Some(now.signer.key_id())
            }
            Self::Public(public) => {
                let next = member(line, br#""public_key":""#).and_then(|text| hex::decode(text.as_bytes()));
                let next = next.and_then(|bytes| ed25519_dalek::VerifyingKey::from_bytes(&bytes).ok());
                match next {
                    Some(key) if seq > public.anchor.seq => public.key.key = key,
                    // A key that does not evolve hands over to nobody.
                    Some(_) | None => {}
                }
                true
            }
            Self::Static(_) => true,
        }
    }

    /// What follows is of `epoch`, although nothing said so.
    pub(super) fn jump(&mut self, epoch: u64, from: u64) {
        if let Self::Evolving(ring) = self
            && let Some(now) = &mut ring.now
        {
            while now.key.epoch < epoch {
                now.step(from, from.saturating_sub(1));
            }
        }
    }
}

impl Evolving {
    /// The key was given for this log, from a later epoch on.
    fn is_before_given(&self, hint: &Hint) -> bool {
        match &self.given {
            Given::Log(key, _) => key.root == hint.root && key.log == hint.log && hint.epoch < key.epoch,
            Given::Root(_) => false,
        }
    }

    /// The key a hint leads to. The steps to it are paid for: a hostile log may lead far and nowhere.
    fn key_of(&mut self, hint: &Hint) -> Option<EpochKey> {
        let mut key = match &self.given {
            Given::Root(root) if root.id == hint.root && root.log <= hint.log => {
                let reached = self.reached.as_ref().filter(|reached| reached.log <= hint.log);
                let mut from = reached.unwrap_or(root).clone();
                self.budget = self.budget.checked_sub(hint.log - from.log)?;
                while from.log < hint.log {
                    from = from.next();
                }
                let key = from.log_key();
                self.reached = Some(from);
                key
            }
            Given::Log(key, _) if key.root == hint.root && key.log == hint.log => key.clone(),
            Given::Root(_) | Given::Log(..) => return None,
        };
        // The key that was given may be of a later one.
        self.budget = self.budget.checked_sub(hint.epoch.checked_sub(key.epoch)?)?;
        while key.epoch < hint.epoch {
            key = key.next();
        }
        Some(key)
    }

    fn judge(&mut self, seal: &Seal<'_>, line: &[u8], last: u64) -> Judgement {
        if self.now.is_none() {
            self.now = self.begin(seal, line);
        }
        let Some(now) = &mut self.now else { return Judgement::No };
        if seal.seq >= now.from && seal.is_of(&now.signer) {
            return Judgement::Signed;
        }
        for (epoch, from, to, signer) in &now.past {
            if seal.is_of(signer) {
                let is_its = (*from..=*to).contains(&seal.seq);
                return if is_its { Judgement::Signed } else { Judgement::WrongEpoch(*epoch) };
            }
        }
        // Each epoch has a record that ends it, so that as many may be missing as records are.
        let missing = seal.seq.saturating_sub(last.saturating_add(1));
        let wanted = missing.min(self.budget).min(FAR);
        for at in 0..usize::try_from(wanted).unwrap_or(NEAR).max(NEAR) {
            if at >= NEAR {
                self.budget = self.budget.saturating_sub(1);
            }
            let Some((key, signer)) = now.ahead(at) else { break };
            if seal.is_of(signer) {
                let epoch = key.epoch;
                if u64::try_from(at).unwrap_or(u64::MAX) >= missing {
                    return Judgement::WrongEpoch(epoch);
                }
                while now.key.epoch < epoch {
                    // Where in between the epochs ended is not known.
                    now.step(last.saturating_add(1), seal.seq.saturating_sub(1));
                }
                return Judgement::Signed;
            }
        }
        if seal.is_of(&now.signer) { Judgement::WrongEpoch(now.key.epoch) } else { Judgement::No }
    }

    /// The key of a log whose first line this is; where it does not say which it is, one is sought.
    fn begin(&mut self, seal: &Seal<'_>, line: &[u8]) -> Option<Now> {
        // Every epoch has a record.
        let hint = Hint::of(line).filter(|hint| hint.epoch <= seal.seq);
        if let Some(key) = hint.and_then(|hint| self.key_of(&hint))
            && seal.is_of(&key.signer())
        {
            // It led somewhere.
            self.budget = BUDGET;
            return Some(Now::new(key, seal.seq));
        }
        self.guesses = self.guesses.checked_sub(1)?;
        let first: Vec<_> = match self.given.clone() {
            Given::Log(key, _) => vec![key],
            Given::Root(root) => {
                let logs = self.expected.map_or(root.log..=root.log + GUESSED.0, |log| log..=log);
                let hint = |log| Hint { root: root.id.clone(), log, epoch: 0 };
                logs.filter_map(|log| self.key_of(&hint(log))).collect()
            }
        };
        for mut key in first {
            for _ in 0..=GUESSED.1.min(seal.seq) {
                self.budget = self.budget.checked_sub(1)?;
                if seal.is_of(&key.signer()) {
                    return Some(Now::new(key, seal.seq));
                }
                key = key.next();
            }
        }
        None
    }
}

impl Now {
    fn new(key: EpochKey, from: u64) -> Self {
        let signer = key.signer();
        Self { key, signer, from, past: VecDeque::new(), ahead: VecDeque::new() }
    }

    /// The next epoch's key signs from record `from` on, the one before up to `to`.
    fn step(&mut self, from: u64, to: u64) {
        let (key, signer) = self.ahead.pop_front().unwrap_or_else(|| {
            let key = self.key.next();
            let signer = key.signer();
            (key, signer)
        });
        let signer = std::mem::replace(&mut self.signer, signer);
        let epoch = std::mem::replace(&mut self.key, key).epoch;
        self.past.push_front((epoch, self.from, to, signer));
        self.past.truncate(NEAR);
        self.from = from;
    }

    fn ahead(&mut self, at: usize) -> Option<&(EpochKey, Signer)> {
        while self.ahead.len() <= at {
            let next = self.ahead.back().map_or(&self.key, |(key, _)| key).next();
            let signer = next.signer();
            self.ahead.push_back((next, signer));
        }
        self.ahead.get(at)
    }
}
