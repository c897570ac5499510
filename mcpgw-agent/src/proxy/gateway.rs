//! Gate, policy and audit log, made of the configuration: the same for the daemon, `proxy` and `wrap`.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::gate::Gate;
use crate::audit::{AuditError, AuditLog, Event, KeyError, KeySource, Options};
use crate::config;
use crate::json::Limits;
use crate::policy::Policy;
use crate::reload::{Change, PolicyStore, ReloadError};

/// The audit log's name in the state directory.
pub const AUDIT_FILE: &str = "audit.jsonl";

/// Why there is no gateway.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The directory the audit log should be in cannot be made.
    #[error("cannot make the directory {}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The policy cannot be used.
    #[error(transparent)]
    Policy(#[from] ReloadError),
    /// The audit log cannot be opened.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The key in the environment cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Everything messages need on their way through.
#[derive(Debug, Clone)]
pub struct Gateway {
    gate: Arc<Gate>,
    policies: Arc<PolicyStore>,
    audit: Arc<AuditLog>,
}

impl Gateway {
    /// Loads the policy and opens the audit log, in the directory `state` where the configuration names no file.
    ///
    /// # Errors
    /// [`GatewayError`]
    pub fn open(config: &config::Gateway, state: &Path) -> Result<Self, GatewayError> {
        let policies = Arc::new(match &config.policy {
            Some(path) => PolicyStore::load(path)?,
            None => PolicyStore::new(Policy::built_in()),
        });
        let path = config.audit.path.clone().unwrap_or_else(|| state.join(AUDIT_FILE));
        if config.audit.path.is_none() {
            make(state)?;
        }
        let mut options = Options { durability: config.audit.durability, ..Options::from_env(path)? };
        if let Some(file) = &config.audit.signing_key_file {
            options.key = KeySource::File(file.clone());
        }
        let audit = Arc::new(AuditLog::open(&options)?);
        let bytes = usize::try_from(config.limits.message_bytes).unwrap_or(usize::MAX);
        let limits = Limits { bytes, ..Limits::default() };
        let gate = Arc::new(Gate::new(Arc::clone(&policies), Arc::clone(&audit), limits));
        Ok(Self { gate, policies, audit })
    }

    /// Decides on messages.
    #[must_use]
    pub fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// The policy in force.
    #[must_use]
    pub fn policies(&self) -> &Arc<PolicyStore> {
        &self.policies
    }

    /// Reads the policy file anew and records what came of it.
    ///
    /// # Errors
    /// What is wrong with it; the policy before stays in force.
    pub fn reload(&self) -> Result<(), String> {
        reload(&self.policies, &self.audit)
    }

    /// The audit log.
    #[must_use]
    pub fn audit(&self) -> &Arc<AuditLog> {
        &self.audit
    }
}

/// Reads the policy file anew and records what came of it.
///
/// # Errors
/// What is wrong with it; the policy before stays in force.
pub fn reload(policies: &PolicyStore, audit: &AuditLog) -> Result<(), String> {
    let outcome = policies.reload();
    let loaded = policies.current();
    let (generation, hash) = (loaded.generation, loaded.policy.hash());
    let (recorded, result) = match outcome {
        Ok(Change::Same) => return Ok(()),
        Ok(Change::Replaced(_)) => (audit.note(&Event::PolicyLoaded { generation, hash }), Ok(())),
        Err(error) => {
            let error = error.to_string();
            (audit.note(&Event::PolicyFailed { generation, hash, error: &error }), Err(error))
        }
    };
    if let Err(error) = recorded {
        // Counted as lost; the next message's record is what must not be.
        tracing::error!(%error, "a reload of the policy is not on record");
    }
    result
}

/// Makes a directory that nobody else can look into; one that is there stays as it is.
fn make(path: &Path) -> Result<(), GatewayError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| GatewayError::Directory { path: path.to_owned(), source })
}
