//! Authentications that failed: slowed down by where they come from, and on record, bounded both ways.
//!
//! Whoever fails once is on record at once. What the same place does wrong in the same way within the next seconds is
//! summed up in one record, so that nobody can fill the disk by guessing.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::audit::{AuditLog, Event};

/// Time over which failures are summed up and counted.
const WINDOW: Duration = Duration::from_secs(10);
/// Failures of one place within that time, from which on only what verified lately is looked at.
const PATIENCE: u32 = 50;
/// Places and reasons that are told apart within that time; of more there is one sum.
const PLACES: usize = 256;
/// Credentials that verified lately and are told from those that did not.
const TRUSTED: usize = 4096;

/// Why somebody is not who they say. Words of records and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// It shows nothing.
    Missing,
    /// What it shows cannot be read, or is more than one thing.
    Malformed,
    /// A scheme that is not taken here.
    Scheme,
    /// A key nobody was given, or a token signed with one nobody knows.
    UnknownKey,
    /// An algorithm that is not allowed.
    Algorithm,
    /// Not signed with the key it names.
    Signature,
    /// No longer valid.
    Expired,
    /// Not yet valid.
    NotYet,
    /// Another issuer's.
    Issuer,
    /// For somebody else.
    Audience,
    /// No subject that could be one.
    Subject,
    /// Too many roles, or such that cannot be one.
    Roles,
}

impl Why {
    /// Its word in records and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Scheme => "scheme",
            Self::UnknownKey => "unknown-key",
            Self::Algorithm => "algorithm",
            Self::Signature => "signature",
            Self::Expired => "expired",
            Self::NotYet => "not-yet",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Subject => "subject",
            Self::Roles => "roles",
        }
    }
}

#[derive(Default)]
pub(super) struct Failures {
    hasher: RandomState,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    /// Not on record yet, by where and why; `None` for all there was no room for.
    sums: HashMap<Option<(IpAddr, Why)>, u32>,
    /// Since the window began.
    counts: HashMap<IpAddr, u32>,
    trusted: HashMap<u64, Instant>,
}

impl Failures {
    /// By what a credential is recognised, by this process alone.
    pub(super) fn digest(&self, credential: &[u8]) -> u64 {
        self.hasher.hash_one(credential)
    }

    /// Whether a credential from `remote` is looked at.
    pub(super) fn admits(&self, remote: IpAddr, digest: Option<u64>) -> bool {
        let table = self.table();
        table.counts.get(&place(remote)).is_none_or(|count| *count < PATIENCE)
            || digest.is_some_and(|digest| table.trusted.contains_key(&digest))
    }

    /// The credential verified: it is looked at again, whatever else comes from there.
    pub(super) fn succeeded(&self, digest: Option<u64>) {
        let Some(digest) = digest else { return };
        let mut table = self.table();
        if table.trusted.len() >= TRUSTED && !table.trusted.contains_key(&digest) {
            let oldest = table.trusted.iter().min_by_key(|(_, since)| **since).map(|(digest, _)| *digest);
            oldest.and_then(|oldest| table.trusted.remove(&oldest));
        }
        table.trusted.insert(digest, Instant::now());
    }

    /// Something from `remote` did not verify.
    pub(super) fn failed(&self, remote: IpAddr, why: Why, audit: &AuditLog) {
        let place = place(remote);
        let mut table = self.table();
        if table.counts.len() < PLACES || table.counts.contains_key(&place) {
            let count = table.counts.entry(place).or_default();
            *count = count.saturating_add(1);
        }
        let key = Some((place, why));
        let has_room = table.sums.len() < PLACES || table.sums.contains_key(&key);
        let is_first = has_room && !table.sums.contains_key(&key);
        let sum = table.sums.entry(if has_room { key } else { None }).or_default();
        if !is_first {
            *sum = sum.saturating_add(1);
        }
        drop(table);
        if is_first {
            note(audit, key, 1);
        }
    }

    /// Brings sums on record at a steady beat, and the last of them at the end.
    pub(super) async fn report(&self, audit: &AuditLog, ending: &CancellationToken) {
        loop {
            let is_over = tokio::time::timeout(WINDOW, ending.cancelled()).await.is_ok();
            let (sums, _counts) = {
                let mut table = self.table();
                (std::mem::take(&mut table.sums), std::mem::take(&mut table.counts))
            };
            for (key, count) in sums.into_iter().filter(|(_, count)| *count > 0) {
                note(audit, key, count);
            }
            if is_over {
                return;
            }
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn note(audit: &AuditLog, key: Option<(IpAddr, Why)>, count: u32) {
    let (remote, why) = key.map_or((None, "other"), |(place, why)| (Some(place), why.as_str()));
    // A record that is lost is counted by the log.
    audit.note(&Event::AuthFailed { remote, why, count }).ok();
}

/// An address, or the network one subscriber has of version 6.
fn place(remote: IpAddr) -> IpAddr {
    match remote.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}
