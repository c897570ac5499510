//! What is said of a sample.

use serde::Serialize;

/// One line of the answer.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<serde_json::Value>,
    /// `allow`, `redact`, `hold` or `deny`.
    pub(super) action: &'static str,
    pub(super) findings: Vec<Found>,
    /// The text or definition as it goes on; `null` where that is not changed.
    pub(super) redacted: Option<serde_json::Value>,
    /// Why it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    /// Microseconds it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    us: Option<f64>,
}

/// A finding, one for each place.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Found {
    pub(super) detector: &'static str,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) severity: &'static str,
    pub(super) score: f32,
    /// In the definition; empty for a text.
    pub(super) path: String,
    /// Characters of the text at the path, as it came.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) why: &'static str,
    /// It is below its threshold, or its detector is off.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) below: bool,
}

impl Answer {
    pub(super) fn new(
        action: &'static str,
        findings: Vec<Found>,
        redacted: Option<serde_json::Value>,
    ) -> Self {
        Self { id: None, action, findings, redacted, error: None, us: None }
    }

    /// Of what cannot be read: the gateway would not let it pass either.
    pub(super) fn unreadable(error: &str) -> Self {
        Self { error: Some(error.to_owned()), ..Self::new("deny", Vec::new(), None) }
    }

    pub(super) fn with(self, id: serde_json::Value, us: Option<f64>) -> Self {
        Self { id: Some(id), us, ..self }
    }
}
