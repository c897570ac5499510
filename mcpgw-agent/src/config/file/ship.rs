//! `gateway.audit.ship`, as it is written.

use serde::Deserialize;

use super::guardrail::HeaderEntry;
use crate::yaml::At;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::config) struct ShipEntry {
    pub(in crate::config) name: At<String>,
    pub(in crate::config) syslog: Option<At<String>>,
    pub(in crate::config) otlp: Option<At<String>>,
    pub(in crate::config) ca: Option<At<String>>,
    #[serde(default)]
    pub(in crate::config) headers: Vec<At<HeaderEntry>>,
}
