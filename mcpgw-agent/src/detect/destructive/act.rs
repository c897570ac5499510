//! What a command amounts to, before it is known where it stands.

use crate::detect::Severity;

/// Something destructive, with how bad and how sure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Act {
    pub(super) kind: &'static str,
    pub(super) severity: Severity,
    /// From 0 to 1; reported by default from 0.5.
    pub(super) score: f32,
    pub(super) why: &'static str,
}

impl Act {
    /// Of a great many things, or of what everything else rests on.
    pub(super) const fn critical(kind: &'static str, why: &'static str) -> Self {
        Self { kind, severity: Severity::Critical, score: 0.95, why }
    }

    /// Of many things, or of what cannot be had back.
    pub(super) const fn high(kind: &'static str, why: &'static str) -> Self {
        Self { kind, severity: Severity::High, score: 0.8, why }
    }

    /// Of something that is likely to be missed.
    pub(super) const fn medium(kind: &'static str, why: &'static str) -> Self {
        Self { kind, severity: Severity::Medium, score: 0.6, why }
    }

    /// Everyday work that some do not want an agent to do: below the default threshold.
    pub(super) const fn low(kind: &'static str, why: &'static str) -> Self {
        Self { kind, severity: Severity::Low, score: 0.4, why }
    }
}
