//! The `gateway` section.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::error::ProblemKind;
use super::super::file::{
    AuditSection, DurabilityWord, GatewayLimitsSection, GatewaySection, IndexWord, PinsSection,
    RotateSection, SealSection, TrustWord,
};
use super::super::gateway::{Audit, Gateway, GatewayLimits, Indexing, Pins};
use super::{Check, SECONDS_TO_DAY, out_of_range, size};
use crate::audit::{Durability, Rotation, SealOptions};
use crate::pins::Trust;
use crate::yaml::At;

/// Least and most bytes of a message: below this no handshake fits.
const MESSAGE_BYTES: (u64, u64) = (4096, 256 << 20);
/// Least and most sessions: each has three threads and about ten descriptors.
const SESSIONS: (u64, u64) = (1, 10_000);
/// Least and most bytes of one file of the audit log: less is one record, more no tool likes to open.
const FILE_BYTES: (u64, u64) = (1 << 20, 16 << 30);
/// Shortest and longest time to one file.
const FILE_AGE: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(3660 * 86_400));
/// Fewest and most finished files.
const KEEP_FILES: (u64, u64) = (1, 1_000_000);
/// Shortest and longest time to keep one.
const KEEP_AGE: (Duration, Duration) = (Duration::from_secs(3600), Duration::from_secs(36_600 * 86_400));
/// Fewest and most bytes of all files.
const KEEP_BYTES: (u64, u64) = (2 << 20, 1 << 50);
/// Least and most records of an epoch: each ends with several writes to the disk.
const EPOCH_RECORDS: (u64, u64) = (1000, 1_000_000_000);

impl Check {
    pub(super) fn gateway(&mut self, section: &GatewaySection) -> Gateway {
        let GatewaySection { policy, auth, audit, pins, limits, hold_timeout, guardrails } = section;
        let default = Gateway::default().hold_timeout;
        Gateway {
            policy: self.path("gateway.policy", policy),
            auth: self.auth(auth),
            audit: self.audit(audit),
            pins: self.pins(pins),
            limits: self.gateway_limits(limits),
            hold_timeout: self.period("gateway.hold-timeout", hold_timeout, default, SECONDS_TO_DAY),
            guardrails: self.guardrails(guardrails),
        }
    }

    fn audit(&mut self, section: &AuditSection) -> Audit {
        let AuditSection { path, durability, signing_key_file, index, rotate, seal, label_claims, ship } =
            section;
        Audit {
            path: self.path("gateway.audit.path", path),
            durability: durability.map_or(Durability::default(), Durability::from),
            signing_key_file: self.path("gateway.audit.signing-key-file", signing_key_file),
            index: index.map_or(Indexing::default(), Indexing::from),
            rotation: self.rotation(rotate),
            seal: self.seal(seal),
            label_claims: self.label_claims(label_claims),
            ship: self.shippers(ship),
        }
    }

    fn seal(&mut self, section: &SealSection) -> SealOptions {
        let default = SealOptions::default();
        let SealSection { checkpoint, epoch, epoch_records, open, required } = section;
        let key = "gateway.audit.seal.epoch-records";
        SealOptions {
            beat: self.period("gateway.audit.seal.checkpoint", checkpoint, default.beat, SECONDS_TO_DAY),
            epoch_age: self.period("gateway.audit.seal.epoch", epoch, default.epoch_age, SECONDS_TO_DAY),
            epoch_records: self.value(key, epoch_records.as_ref(), default.epoch_records, |&records| {
                within(records, EPOCH_RECORDS)
            }),
            open: open.unwrap_or(default.open),
            required: required.unwrap_or(default.required),
        }
    }

    fn rotation(&mut self, section: &RotateSection) -> Rotation {
        let default = Rotation::default();
        let RotateSection { bytes, age, keep_files, keep_age, keep_bytes } = section;
        let key = |key: &str| format!("gateway.audit.rotate.{key}");
        let rotation = Rotation {
            bytes: self
                .value(&key("bytes"), bytes.as_ref(), default.bytes, |&given| within(given, FILE_BYTES)),
            age: self.period(&key("age"), age, default.age, FILE_AGE),
            keep_files: self.value(&key("keep-files"), keep_files.as_ref(), default.keep_files, |&given| {
                limit(given, KEEP_FILES)
            }),
            keep_age: match keep_age {
                Some(given) if given.value == "0s" => None,
                Some(_) => {
                    let kept = self.period(&key("keep-age"), keep_age, Duration::ZERO, KEEP_AGE);
                    Some(kept)
                }
                None => default.keep_age,
            },
            keep_bytes: self.value(&key("keep-bytes"), keep_bytes.as_ref(), default.keep_bytes, |&given| {
                limit(given, KEEP_BYTES)
            }),
        };
        // Else every file would be deleted as soon as it is finished.
        let least = rotation.bytes.saturating_mul(2);
        if let Some(most) = rotation.keep_bytes.filter(|most| *most < least)
            && let Some(at) = keep_bytes.as_ref().or(bytes.as_ref())
        {
            self.problem(&key("keep-bytes"), at, out_of_range(&most, &least, &KEEP_BYTES.1));
        }
        rotation
    }

    fn pins(&mut self, section: &PinsSection) -> Pins {
        let trust = match section.trust {
            Some(TrustWord::FirstUse) | None => Trust::FirstUse,
            Some(TrustWord::Approved) => Trust::Approved,
        };
        Pins { path: self.path("gateway.pins.path", &section.path), trust }
    }

    fn gateway_limits(&mut self, section: &GatewayLimitsSection) -> GatewayLimits {
        let default = GatewayLimits::default();
        let GatewayLimitsSection { message_bytes, sessions, sessions_per_user } = section;
        let mut limit = |key: &str, given: &Option<At<u64>>, default, range| {
            let key = format!("gateway.limits.{key}");
            self.value(&key, given.as_ref(), default, |&number| size(number, range))
        };
        GatewayLimits {
            message_bytes: limit("message-bytes", message_bytes, default.message_bytes, MESSAGE_BYTES),
            sessions: limit("sessions", sessions, default.sessions, SESSIONS),
            sessions_per_user: limit(
                "sessions-per-user",
                sessions_per_user,
                default.sessions_per_user,
                SESSIONS,
            ),
        }
    }

    pub(super) fn path(&mut self, key: &str, given: &Option<At<String>>) -> Option<PathBuf> {
        self.value(key, given.as_ref(), None, |text| {
            let valid = Path::new(text).is_absolute() && !text.contains('\0');
            if valid { Ok(Some(PathBuf::from(text))) } else { Err(ProblemKind::File(text.clone())) }
        })
    }
}

impl From<IndexWord> for Indexing {
    fn from(word: IndexWord) -> Self {
        match word {
            IndexWord::Kept => Self::Kept,
            IndexWord::OnDemand => Self::OnDemand,
        }
    }
}

impl From<DurabilityWord> for Durability {
    fn from(word: DurabilityWord) -> Self {
        match word {
            DurabilityWord::Written => Self::Written,
            DurabilityWord::Synced => Self::Synced,
        }
    }
}

fn within(given: u64, (least, most): (u64, u64)) -> Result<u64, ProblemKind> {
    if (least..=most).contains(&given) { Ok(given) } else { Err(out_of_range(&given, &least, &most)) }
}

/// A limit, of which 0 means that there is none.
fn limit(given: u64, range: (u64, u64)) -> Result<Option<u64>, ProblemKind> {
    if given == 0 { Ok(None) } else { within(given, range).map(Some) }
}
