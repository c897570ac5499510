//! The kinds of finding each detector can give: what a policy may name. Whatever a detector gives is held against its list
//! in every test.

use super::external::kinds as external;
use super::secrets::KINDS as SECRETS;
use super::{Detector, Pii};
use crate::effects::Oddity;

impl Detector {
    /// All kinds of finding it gives, in order. A guardrail may have others, of its operator's choice.
    #[must_use]
    pub fn kinds(self) -> Vec<&'static str> {
        let listed = match self {
            Self::Pii => return Pii::all_kinds().collect(),
            Self::External => return external(),
            Self::Injection => INJECTION,
            Self::Poisoning => POISONING,
            Self::Pins => PINS,
            Self::Secrets => SECRETS,
            Self::Destructive => DESTRUCTIVE,
            Self::Scope => SCOPE,
            Self::Traversal => TRAVERSAL,
            Self::Ssrf => SSRF,
            Self::Exfiltration => EXFILTRATION,
            Self::ArgumentInjection => ARGUMENT_INJECTION,
            Self::Flow => FLOW,
            Self::Schema => SCHEMA,
            Self::Sequence => SEQUENCE,
            Self::Effects => return Oddity::ALL.map(Oddity::as_str).to_vec(),
        };
        listed.to_vec()
    }

    /// It has no other kinds than its [`kinds`](Self::kinds): what is not among them is found by nobody.
    #[must_use]
    pub fn is_listed(self) -> bool {
        self != Self::External
    }

    /// `kind` is one that it may give.
    pub(crate) fn gives(self, kind: &str) -> bool {
        !self.is_listed() || self.kinds().contains(&kind)
    }
}

/// Of `injection`.
const INJECTION: &[&str] = &["conceal", "instruction", "override", "reveal"];

/// Of `poisoning`.
const POISONING: &[&str] = &[
    "addressed_to_model",
    "approval_bypass",
    "authority_tag",
    "bidi",
    "carries_secret",
    "command",
    "comment",
    "concealment",
    "control_characters",
    "conversation_access",
    "cross_tool",
    "disguised_name",
    "each_turn",
    "encoded_text",
    "exfiltration",
    "falsification",
    "filler",
    "lying_annotation",
    "names_other_tool",
    "out_of_scope_parameter",
    "override",
    "padding",
    "persona",
    "preference",
    "pretext",
    "promotion",
    "redirection",
    "secret_access",
    "shadowing",
    "terminal_escape",
    "trigger",
    "unicode_tags",
    "unknown_argument",
    "variation_selectors",
    "zero_width",
];

/// Of `pins`.
const PINS: &[&str] = &["added", "changed", "identity_changed", "removed", "rug_pull", "unpinned"];

/// Of `destructive`.
const DESTRUCTIVE: &[&str] = &[
    "account_removal",
    "backup_destroy",
    "cache_flush",
    "cloud_delete",
    "cloud_stop",
    "cluster_delete",
    "cluster_drain",
    "cmdlet_remove",
    "container_delete",
    "database_drop",
    "database_reset",
    "disk_format",
    "disk_wipe",
    "disk_write",
    "file_delete",
    "file_encryption",
    "file_overwrite",
    "file_shred",
    "firewall_flush",
    "forge_delete",
    "fork_bomb",
    "git_branch_delete",
    "git_discard",
    "git_force_push",
    "git_history_rewrite",
    "git_remote_delete",
    "graph_delete",
    "hidden_command",
    "history_clearing",
    "http_delete",
    "index_delete",
    "infrastructure_destroy",
    "infrastructure_state",
    "kernel_change",
    "key_delete",
    "log_clearing",
    "mirror_delete",
    "nested_command",
    "network_down",
    "nosql_delete",
    "nosql_delete_all",
    "nosql_drop",
    "nosql_update_all",
    "package_removal",
    "package_unpublish",
    "partition_change",
    "permission_change",
    "platform_delete",
    "process_kill",
    "queue_delete",
    "ransom_note",
    "recursive_delete",
    "registry_delete",
    "release_uninstall",
    "remote_change",
    "remote_code",
    "repository_delete",
    "schedule_removal",
    "security_disabled",
    "service_stop",
    "shutdown",
    "sql_account",
    "sql_alter_drop",
    "sql_delete_all",
    "sql_drop",
    "sql_guard_off",
    "sql_kill",
    "sql_purge_logs",
    "sql_replace",
    "sql_rights",
    "sql_truncate",
    "sql_update_all",
    "store_config",
    "store_delete",
    "tool_delete",
    "tool_destroy",
    "unmount",
    "volume_remove",
];

/// Of `scope`: its realms.
const SCOPE: &[&str] =
    &["bucket", "database", "organization", "project", "repository", "root", "tenant", "workspace"];

/// Of `traversal`.
const TRAVERSAL: &[&str] = &[
    "alternate_stream",
    "device_path",
    "disguised_traversal",
    "encoded_traversal",
    "nul_byte",
    "path_traversal",
    "process_link",
    "remote_path",
    "system_traversal",
];

/// Of `ssrf`.
const SSRF: &[&str] = &[
    "hidden_address",
    "internal_name",
    "link_local_address",
    "local_scheme",
    "loopback_address",
    "metadata_address",
    "private_address",
    "rebinding_name",
];

/// Of `exfiltration`.
const EXFILTRATION: &[&str] = &[
    "collector_url",
    "conversation",
    "dns_data",
    "image_with_data",
    "link_with_data",
    "secrets_sent",
    "url_with_data",
];

/// Of `argument-injection`.
const ARGUMENT_INJECTION: &[&str] = &[
    "command_injection",
    "dangerous_option",
    "header_injection",
    "line_end",
    "option_injection",
    "shell_letters",
    "template_injection",
];

/// Of `flow`.
const FLOW: &[&str] = &["hidden_recipient", "private_data_leaves", "toxic_flow"];

/// Of `schema`.
const SCHEMA: &[&str] = &[
    "missing_required",
    "not_allowed_value",
    "not_checked",
    "result_mismatch",
    "schema_unusable",
    "unknown_property",
    "wrong_type",
];

/// Of `sequence`.
const SEQUENCE: &[&str] =
    &["changed_after_approval", "many_denials", "path_from_result", "repeated_call", "secret_then_network"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Realm;

    /// What is written about detectors.
    const DOCS: [&str; 12] = [
        include_str!("../../../docs/detection/calls.md"),
        include_str!("../../../docs/detection/destructive.md"),
        include_str!("../../../docs/detection/effects.md"),
        include_str!("../../../docs/detection/external.md"),
        include_str!("../../../docs/detection/flow.md"),
        include_str!("../../../docs/detection/injection.md"),
        include_str!("../../../docs/detection/pii.md"),
        include_str!("../../../docs/detection/pins.md"),
        include_str!("../../../docs/detection/poisoning.md"),
        include_str!("../../../docs/detection/schema.md"),
        include_str!("../../../docs/detection/secrets.md"),
        include_str!("../../../docs/detection/sequence.md"),
    ];

    #[test]
    fn every_kind_is_documented() {
        for kind in Detector::ALL.into_iter().flat_map(Detector::kinds) {
            assert!(DOCS.iter().any(|text| text.contains(&format!("`{kind}`"))), "{kind}");
        }
    }

    #[test]
    fn lists_are_in_order_and_policies_can_name_what_is_in_them() {
        for detector in Detector::ALL {
            let kinds = detector.kinds();
            assert!(kinds.is_sorted_by(|one, two| one < two), "{detector:?}");
            assert!(kinds.iter().all(|kind| detector.gives(kind)));
            let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            assert!(kinds.iter().all(|kind| kind.bytes().all(is_word)));
            assert_eq!(detector.gives("shoe_size"), detector == Detector::External);
        }
        let mut realms = Realm::ALL.map(Realm::as_str);
        realms.sort_unstable();
        assert_eq!(SCOPE, realms);
    }
}
