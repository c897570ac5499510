//! `gateway.guardrails`, in run form: whom to ask about messages.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::detect::Surface;
use crate::detect::external::{Mapping, Presidio, Template};
use crate::mcp::Direction;

/// A guardrail outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guardrail {
    /// Its name in records and metrics.
    pub name: String,
    /// How it is spoken to.
    pub preset: Preset,
    /// Where requests go.
    pub url: Url,
    /// Certificates to believe beside the system's.
    pub ca: Option<PathBuf>,
    /// Messages it is asked about.
    pub directions: Vec<Direction>,
    /// Texts it is shown.
    pub surfaces: Vec<Surface>,
    /// How long it may take.
    pub timeout: Duration,
    /// Bytes of text it is shown at most.
    pub max_bytes: u32,
    /// What else every request has.
    pub headers: Vec<SecretHeader>,
    /// No answer is a finding.
    pub fails_closed: bool,
    /// When it is left alone.
    pub breaker: BreakerSettings,
    /// Kinds of findings that are its own.
    pub kinds: Vec<String>,
}

/// How a guardrail is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Preset {
    /// As Presidio's analyzer.
    Presidio(Presidio),
    /// As Lasso's API.
    Lasso,
    /// As this says.
    Generic {
        /// What it is sent.
        body: Template,
        /// What its answer means.
        answer: Mapping,
    },
}

/// A header with a secret. The secret itself is no part of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretHeader {
    /// The header's name.
    pub name: String,
    /// Where its value is.
    pub source: SecretSource,
}

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// In this file.
    File(PathBuf),
    /// In this variable of the environment.
    Environment(String),
}

/// When a guardrail is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Failures in a row.
    pub failures: u32,
    /// For how long.
    pub cool_down: Duration,
}
