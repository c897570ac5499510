//! The `gateway` section.

use std::path::{Path, PathBuf};

use super::super::error::ProblemKind;
use super::super::file::{
    AuditSection, DurabilityWord, GatewayLimitsSection, GatewaySection, PinsSection, TrustWord,
};
use super::super::gateway::{Audit, Gateway, GatewayLimits, Pins};
use super::{Check, SECONDS_TO_DAY, size};
use crate::audit::Durability;
use crate::pins::Trust;
use crate::yaml::At;

/// Least and most bytes of a message: below this no handshake fits.
const MESSAGE_BYTES: (u64, u64) = (4096, 256 << 20);
/// Least and most sessions: each has three threads and about ten descriptors.
const SESSIONS: (u64, u64) = (1, 10_000);

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
        let AuditSection { path, durability, signing_key_file, label_claims, ship } = section;
        Audit {
            path: self.path("gateway.audit.path", path),
            durability: durability.map_or(Durability::default(), Durability::from),
            signing_key_file: self.path("gateway.audit.signing-key-file", signing_key_file),
            label_claims: self.label_claims(label_claims),
            ship: self.shippers(ship),
        }
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

impl From<DurabilityWord> for Durability {
    fn from(word: DurabilityWord) -> Self {
        match word {
            DurabilityWord::Written => Self::Written,
            DurabilityWord::Synced => Self::Synced,
        }
    }
}
