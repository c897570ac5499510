//! `gateway.guardrails`, as it is written.

use serde::Deserialize;

use crate::yaml::At;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::config) struct GuardrailEntry {
    pub(in crate::config) name: At<String>,
    pub(in crate::config) preset: PresetWord,
    pub(in crate::config) url: Option<At<String>>,
    pub(in crate::config) ca: Option<At<String>>,
    pub(in crate::config) directions: Option<Vec<DirectionWord>>,
    pub(in crate::config) surfaces: Option<Vec<SurfaceWord>>,
    pub(in crate::config) timeout: Option<At<String>>,
    pub(in crate::config) max_bytes: Option<At<u64>>,
    #[serde(default)]
    pub(in crate::config) headers: Vec<At<HeaderEntry>>,
    pub(in crate::config) on_failure: Option<OnFailureWord>,
    #[serde(default)]
    pub(in crate::config) breaker: BreakerSection,
    #[serde(default)]
    pub(in crate::config) kinds: Vec<At<String>>,
    pub(in crate::config) language: Option<At<String>>,
    #[serde(default)]
    pub(in crate::config) entities: Vec<At<String>>,
    pub(in crate::config) threshold: Option<At<f64>>,
    pub(in crate::config) body: Option<At<String>>,
    pub(in crate::config) answer: Option<At<AnswerSection>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum PresetWord {
    Presidio,
    Lasso,
    Generic,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum DirectionWord {
    C2s,
    S2c,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum SurfaceWord {
    Arguments,
    Content,
    Definition,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum OnFailureWord {
    Deny,
    Allow,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::config) struct HeaderEntry {
    pub(in crate::config) name: At<String>,
    pub(in crate::config) file: Option<At<String>>,
    pub(in crate::config) env: Option<At<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::config) struct BreakerSection {
    pub(in crate::config) failures: Option<At<u64>>,
    pub(in crate::config) cool_down: Option<At<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::config) struct AnswerSection {
    pub(in crate::config) findings: Option<At<String>>,
    pub(in crate::config) flagged: Option<At<String>>,
    #[serde(default)]
    pub(in crate::config) flagged_values: Vec<At<String>>,
    pub(in crate::config) score: Option<At<String>>,
    pub(in crate::config) kind: Option<At<String>>,
    pub(in crate::config) start: Option<At<String>>,
    pub(in crate::config) end: Option<At<String>>,
    pub(in crate::config) offsets: Option<OffsetsWord>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum OffsetsWord {
    Characters,
    Utf16,
    Bytes,
}
