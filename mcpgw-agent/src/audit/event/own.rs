//! What the log records of itself.

use std::time::Duration;

use crate::audit::line::Line;
use crate::audit::seal::{EpochKey, PublicKey};
use crate::hex;

/// Version of the format, in the first record of every file.
const FORMAT: u8 = 1;
/// The event of every file's first record.
pub(in crate::audit) const OPENED: &str = "log.opened";
/// The event of a file's first record, where the file before was finished.
pub(in crate::audit) const ROTATED: &str = "log.rotated";
/// The event of a finished file's last record.
pub(in crate::audit) const FINISHED: &str = "log.finished";
/// The event of the last record of a log that was closed.
pub(in crate::audit) const CLOSED: &str = "log.closed";
/// The event of the last record of an epoch.
pub(in crate::audit) const EPOCH: &str = "log.epoch";
/// The event of the record that says which file is about to be deleted.
pub(in crate::audit) const DELETED: &str = "log.deleted";
/// The event of a record that seals what is before it.
pub(in crate::audit) const CHECKPOINT: &str = "log.checkpoint";

/// A key that evolves does so after a record of this event.
pub(in crate::audit) fn ends_epoch(event: &str) -> bool {
    event == EPOCH || event == FINISHED || event == CLOSED
}

/// What is before a record of this event is sealed by it.
pub(in crate::audit) fn is_seal(event: &str) -> bool {
    ends_epoch(event) || event == CHECKPOINT
}

/// The epoch that begins after a record.
#[derive(Debug, Clone)]
pub(in crate::audit) struct Next {
    /// Its number.
    pub(in crate::audit) epoch: u64,
    /// Names its key.
    pub(in crate::audit) key_id: Box<str>,
    /// What its seals are checked with by those who have no key.
    pub(in crate::audit) public_key: Option<PublicKey>,
}

/// What the log records of itself.
#[derive(Debug, Clone)]
pub(in crate::audit) enum Own<'a> {
    /// From here on this process writes.
    Opened {
        /// Id of the key that signs.
        key_id: &'a str,
        /// The key, where it evolves.
        key: Option<&'a EpochKey>,
        /// From one seal to the next.
        beat: Duration,
        /// The last record before this one: its sequence number and hash.
        continues: Option<(u64, [u8; 32])>,
        /// The file there was is gone; this is another of its name.
        replaces: bool,
        /// Bytes after the last whole record, which were moved aside: how many, and their hash.
        torn: Option<(u64, [u8; 32])>,
    },
    /// What is before this is sealed.
    Checkpoint {
        /// The key, where it evolves.
        key: Option<&'a EpochKey>,
        /// From one seal to the next.
        beat: Duration,
        /// Records since the last seal.
        records: u64,
    },
    /// The last record of its epoch.
    Epoch {
        /// Records since the last seal.
        records: u64,
        /// What signs from here on.
        next: Option<Next>,
    },
    /// The log goes on in another file.
    Finished {
        /// What signs from here on, where the key evolves.
        next: Option<Next>,
    },
    /// This file goes on from the one before, which is finished.
    Rotated {
        /// Id of the key that signs.
        key_id: &'a str,
        /// The key, where it evolves.
        key: Option<&'a EpochKey>,
        /// From one seal to the next.
        beat: Duration,
        /// The last record before this one: its sequence number and hash.
        continues: Option<(u64, [u8; 32])>,
    },
    /// A finished file is about to be deleted.
    Deleted {
        /// Its names: it may be there plain and compressed.
        names: &'a [String],
        /// Number of its first record.
        first: u64,
        /// Number of its last.
        last: u64,
        /// Bytes it took up.
        bytes: u64,
        /// The limit that was exceeded, in the configuration's words.
        limit: &'a str,
    },
    /// This process writes no more.
    Closed {
        /// What signs if the log is continued, where the key evolves.
        next: Option<Next>,
    },
    /// Records that could not be written.
    Gap {
        /// How many.
        lost: u64,
        /// When the first was lost.
        since: jiff::Timestamp,
    },
}

impl Own<'_> {
    pub(in crate::audit) fn write(&self, line: &mut Line) {
        match self {
            Self::Opened { key_id, key, beat, continues, replaces, torn } => {
                line.text("event", OPENED);
                line.number("format", FORMAT);
                line.text("key_id", key_id);
                sealing(line, *key);
                line.number("beat_ms", millis(*beat));
                let end = |line: &mut Line, count_key, count: u64, hash: &[u8]| {
                    line.number(count_key, count);
                    line.text("sha256", &hex::encode(hash));
                };
                if let Some((seq, hash)) = continues {
                    line.object("continues", |line| end(line, "seq", *seq, hash));
                }
                if *replaces {
                    line.text("replaces", "a file that was removed");
                }
                if let Some((size, hash)) = torn {
                    line.object("torn", |line| end(line, "size", *size, hash));
                }
                host(line);
            }
            Self::Checkpoint { key, beat, records } => {
                line.text("event", CHECKPOINT);
                sealing(line, *key);
                line.number("beat_ms", millis(*beat));
                line.number("records", *records);
            }
            Self::Epoch { records, next } => {
                line.text("event", EPOCH);
                line.number("records", *records);
                following(line, next.as_ref());
            }
            Self::Finished { next } => {
                line.text("event", FINISHED);
                following(line, next.as_ref());
            }
            Self::Rotated { key_id, key, beat, continues } => {
                line.text("event", ROTATED);
                line.number("format", FORMAT);
                line.text("key_id", key_id);
                sealing(line, *key);
                line.number("beat_ms", millis(*beat));
                if let Some((seq, hash)) = continues {
                    line.object("continues", |line| {
                        line.number("seq", *seq);
                        line.text("sha256", &hex::encode(hash));
                    });
                }
            }
            Self::Deleted { names, first, last, bytes, limit } => {
                line.text("event", DELETED);
                line.array("files", *names, |line, name| line.value(name));
                line.number("first_seq", *first);
                line.number("last_seq", *last);
                line.number("size", *bytes);
                line.text("limit", limit);
            }
            Self::Closed { next } => {
                line.text("event", CLOSED);
                following(line, next.as_ref());
            }
            Self::Gap { lost, since } => {
                line.text("event", "log.gap");
                line.number("lost", *lost);
                line.text("since", &since.to_string());
            }
        }
    }
}

/// Which key signs: of which root, for which log, in which epoch.
fn sealing(line: &mut Line, key: Option<&EpochKey>) {
    let Some(key) = key else { return };
    line.object("sealing", |line| {
        line.text("root", &key.root);
        line.number("log", key.log);
        line.number("epoch", key.epoch);
    });
}

fn following(line: &mut Line, next: Option<&Next>) {
    let Some(Next { epoch, key_id, public_key }) = next else { return };
    line.object("next", |line| {
        line.number("epoch", *epoch);
        line.text("key_id", key_id);
        if let Some(public) = public_key {
            line.text("public_key", &hex::encode(public.key.as_bytes()));
        }
    });
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Which machine, which boot, which process.
fn host(line: &mut Line) {
    let host = nix::unistd::gethostname().ok();
    line.maybe("host", host.as_deref().and_then(|name| name.to_str()));
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
    line.maybe("boot_id", boot.as_deref().map(str::trim));
    line.number("pid", std::process::id());
    line.text("version", env!("CARGO_PKG_VERSION"));
}
