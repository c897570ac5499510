//! The `gateway` section's run form: what daemon, `proxy` and `wrap` are told alike.

use std::path::PathBuf;
use std::time::Duration;

use super::guardrail::Guardrail;
use super::identity::Auth;
use super::ship::Shipper;
use crate::audit::{Durability, Rotation, SealOptions};
use crate::pins::Trust;

/// How messages are decided on and recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// The policy's file; `None` for the built-in policy, which lets everything pass and records it.
    pub policy: Option<PathBuf>,
    /// Who may ask a proxy.
    pub auth: Auth,
    /// The audit log.
    pub audit: Audit,
    /// What servers said of themselves when they were approved.
    pub pins: Pins,
    /// What one message and one user may take up.
    pub limits: GatewayLimits,
    /// How long a message that policy holds waits for a person.
    pub hold_timeout: Duration,
    /// Whom to ask about messages.
    pub guardrails: Vec<Guardrail>,
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            policy: None,
            auth: Auth::default(),
            audit: Audit::default(),
            pins: Pins::default(),
            limits: GatewayLimits::default(),
            hold_timeout: Duration::from_secs(300),
            guardrails: Vec::new(),
        }
    }
}

/// The audit log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Audit {
    /// Its file; `None` for `audit.jsonl` in the state directory.
    pub path: Option<PathBuf>,
    /// When a record counts as made.
    pub durability: Durability,
    /// The file with the key records are signed with; `None` for the one made beside the log.
    pub signing_key_file: Option<PathBuf>,
    /// Who keeps its index.
    pub index: Indexing,
    /// When another file is begun, and how long those before are kept.
    pub rotation: Rotation,
    /// When it is sealed.
    pub seal: SealOptions,
    /// Claims of tokens that become labels.
    pub label_claims: Vec<Box<str>>,
    /// Who is sent the records.
    pub ship: Vec<Shipper>,
}

/// Who keeps the index of the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Indexing {
    /// Whoever writes the log: a search finds it fresh.
    #[default]
    Kept,
    /// Whoever searches, when it does.
    OnDemand,
}

/// Where pins are kept, and what counts as approved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pins {
    /// Their directory; `None` for `pins` in the state directory.
    pub path: Option<PathBuf>,
    /// What of a server nobody has approved.
    pub trust: Trust,
}

/// What one message and one user may take up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GatewayLimits {
    /// Bytes of one message.
    pub message_bytes: u32,
    /// Sessions the daemon runs for wraps at once.
    pub sessions: u32,
    /// Of those, how many may be one user's.
    pub sessions_per_user: u32,
}

impl Default for GatewayLimits {
    fn default() -> Self {
        Self { message_bytes: 16 << 20, sessions: 1000, sessions_per_user: 250 }
    }
}
