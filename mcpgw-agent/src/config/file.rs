//! The file form: the keys as they are written, everything optional, nothing checked but types.
//!
//! Values that may turn out wrong carry their place. No `flatten` and no `untagged`: both lose places.

pub(super) mod guard;
pub(super) mod guardrail;
pub(super) mod identity;
pub(super) mod ship;

use serde::Deserialize;

use crate::yaml::At;
use guard::GuardForm;
use guardrail::GuardrailEntry;
use identity::AuthSection;
use ship::ShipEntry;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub(super) allow: Vec<At<AllowEntry>>,
    #[serde(default)]
    pub(super) observe: ObserveSection,
    #[serde(default)]
    pub(super) admin: AdminSection,
    #[serde(default)]
    pub(super) host: HostSection,
    #[serde(default)]
    pub(super) gateway: GatewaySection,
    #[serde(default)]
    pub(super) log: LogSection,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct AllowEntry {
    pub(super) name: At<String>,
    pub(super) exe: Option<At<String>>,
    pub(super) sha256: Option<At<String>>,
    pub(super) command: Option<At<String>>,
    pub(super) user: Option<At<String>>,
    pub(super) container: Option<At<String>>,
    pub(super) unit: Option<At<String>>,
    pub(super) cgroup: Option<At<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ObserveSection {
    pub(super) stdio: Option<bool>,
    pub(super) http: Option<bool>,
    pub(super) tap_budget_bytes: Option<At<u64>>,
    pub(super) silent_after: Option<At<String>>,
    pub(super) give_up_after: Option<At<String>>,
    pub(super) keep_ended: Option<At<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct AdminSection {
    pub(super) metrics_address: Option<At<String>>,
    pub(super) metrics_expose: Option<bool>,
    pub(super) socket_group: Option<At<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct HostSection {
    pub(super) scan_interval: Option<At<String>>,
    #[serde(default)]
    pub(super) disabled_hooks: Vec<At<String>>,
    pub(super) effects: Option<SwitchWord>,
    pub(super) effects_learning: Option<At<u64>>,
    #[serde(default)]
    pub(super) guard: GuardForm,
    pub(super) client_files: Option<SwitchWord>,
    #[serde(default)]
    pub(super) client_homes: Vec<At<String>>,
    pub(super) observe: Option<ObserveWord>,
    #[serde(default)]
    pub(super) messages_of: Vec<At<MessagesEntry>>,
    #[serde(default)]
    pub(super) rings: RingsSection,
    pub(super) tls: Option<TlsWord>,
    #[serde(default)]
    pub(super) tls_of: Vec<At<TlsEntry>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum TlsWord {
    Off,
    Clients,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct TlsEntry {
    pub(super) exe: Option<At<String>>,
    pub(super) command: Option<At<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SwitchWord {
    Off,
    On,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ObserveWord {
    Inventory,
    Messages,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct MessagesEntry {
    pub(super) name: Option<At<String>>,
    pub(super) exe: Option<At<String>>,
    pub(super) command: Option<At<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RingsSection {
    pub(super) lifecycle_bytes: Option<At<u64>>,
    pub(super) streams_bytes: Option<At<u64>>,
    pub(super) tcp_bytes: Option<At<u64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct GatewaySection {
    pub(super) policy: Option<At<String>>,
    #[serde(default)]
    pub(super) auth: AuthSection,
    #[serde(default)]
    pub(super) audit: AuditSection,
    #[serde(default)]
    pub(super) pins: PinsSection,
    #[serde(default)]
    pub(super) limits: GatewayLimitsSection,
    pub(super) hold_timeout: Option<At<String>>,
    #[serde(default)]
    pub(super) guardrails: Vec<At<GuardrailEntry>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct AuditSection {
    pub(super) path: Option<At<String>>,
    pub(super) durability: Option<DurabilityWord>,
    pub(super) signing_key_file: Option<At<String>>,
    pub(super) index: Option<IndexWord>,
    #[serde(default)]
    pub(super) rotate: RotateSection,
    #[serde(default)]
    pub(super) seal: SealSection,
    #[serde(default)]
    pub(super) label_claims: Vec<At<String>>,
    #[serde(default)]
    pub(super) ship: Vec<At<ShipEntry>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum IndexWord {
    Kept,
    OnDemand,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RotateSection {
    pub(super) bytes: Option<At<u64>>,
    pub(super) age: Option<At<String>>,
    pub(super) keep_files: Option<At<u64>>,
    pub(super) keep_age: Option<At<String>>,
    pub(super) keep_bytes: Option<At<u64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct SealSection {
    pub(super) checkpoint: Option<At<String>>,
    pub(super) epoch: Option<At<String>>,
    pub(super) epoch_records: Option<At<u64>>,
    pub(super) open: Option<bool>,
    pub(super) required: Option<bool>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum DurabilityWord {
    Written,
    Synced,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct PinsSection {
    pub(super) path: Option<At<String>>,
    pub(super) trust: Option<TrustWord>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum TrustWord {
    FirstUse,
    Approved,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct GatewayLimitsSection {
    pub(super) message_bytes: Option<At<u64>>,
    pub(super) sessions: Option<At<u64>>,
    pub(super) sessions_per_user: Option<At<u64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct LogSection {
    pub(super) format: Option<Format>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Format {
    Text,
    Json,
}
