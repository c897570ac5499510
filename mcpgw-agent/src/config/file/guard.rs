//! The guard's section as written: one word, or a map.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use crate::yaml::At;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::config) struct GuardSection {
    pub(in crate::config) mode: Option<ModeWord>,
    pub(in crate::config) dry_run: Option<bool>,
    pub(in crate::config) cgroup: Option<At<String>>,
    pub(in crate::config) decide_within: Option<At<String>>,
    pub(in crate::config) kills_per_minute: Option<At<u64>>,
    #[serde(default)]
    pub(in crate::config) rules: Vec<At<RuleEntry>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum ModeWord {
    Off,
    Alert,
    Enforce,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum ActionWord {
    Flag,
    Hold,
    Kill,
    Deny,
    Steer,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum EvidenceWord {
    Nothing,
    Shape,
    Command,
    Wire,
    Confirmed,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum RiskWord {
    Low,
    Medium,
    High,
    Critical,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::config) struct RuleEntry {
    pub(in crate::config) name: At<String>,
    pub(in crate::config) action: ActionWord,
    pub(in crate::config) exe: Option<At<String>>,
    pub(in crate::config) sha256: Option<At<String>>,
    pub(in crate::config) command: Option<At<String>>,
    pub(in crate::config) user: Option<At<String>>,
    pub(in crate::config) container: Option<At<String>>,
    pub(in crate::config) unit: Option<At<String>>,
    pub(in crate::config) cgroup: Option<At<String>>,
    pub(in crate::config) socket: Option<At<String>>,
    pub(in crate::config) client: Option<At<String>>,
    pub(in crate::config) evidence: Option<EvidenceWord>,
    pub(in crate::config) risk: Option<RiskWord>,
}

/// `off`, `alert`, `enforce`, or a map with more.
#[derive(Debug, Default)]
pub(in crate::config) struct GuardForm(pub(in crate::config) GuardSection);

impl<'de> Deserialize<'de> for GuardForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Form)
    }
}

struct Form;

impl<'de> Visitor<'de> for Form {
    type Value = GuardForm;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`off`, `alert`, `enforce`, or a map with `mode` and `rules`")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Self::Value, E> {
        let mode = match word {
            "off" => ModeWord::Off,
            "alert" => ModeWord::Alert,
            "enforce" => ModeWord::Enforce,
            _ => return Err(E::unknown_variant(word, &["off", "alert", "enforce"])),
        };
        Ok(GuardForm(GuardSection { mode: Some(mode), ..GuardSection::default() }))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        GuardSection::deserialize(MapAccessDeserializer::new(map)).map(GuardForm)
    }
}
