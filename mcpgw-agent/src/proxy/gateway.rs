//! Gate, policy and audit log, made of the configuration: the same for the daemon, `proxy` and `wrap`.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::sys::signal::{SigSet, Signal};

use super::gate::Gate;
use super::guardrail::{GuardrailError, Guardrails};
use crate::audit::index::Indexer;
use crate::audit::ship::{ShipError, Shippers};
use crate::audit::{AuditError, AuditLog, Event, KeySource, Options, default_path};
use crate::config;
use crate::identity::{Authenticator, IdentityError};
use crate::json::Limits;
use crate::pins::{Directory, Pins, Trust};
use crate::policy::effects::Hosts;
use crate::policy::{Mode, Policy};
use crate::private::check_directory;
use crate::reload::{Change, PolicyStore, ReloadError};
use crate::tasks::Tasks;

/// The pins' directory in the state directory.
const PINS_DIR: &str = "pins";
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
    /// Clients cannot be authenticated.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Records cannot be sent.
    #[error(transparent)]
    Ship(#[from] ShipError),
    /// A guardrail cannot be set up.
    #[error(transparent)]
    Guardrail(#[from] GuardrailError),
}

impl GatewayError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Audit(error) => error.hint(),
            Self::Directory { .. }
            | Self::Policy(_)
            | Self::Identity(_)
            | Self::Ship(_)
            | Self::Guardrail(_) => None,
        }
    }
}

/// Everything messages need on their way through.
#[derive(Debug, Clone)]
pub struct Gateway {
    gate: Arc<Gate>,
    policies: Arc<PolicyStore>,
    audit: Arc<AuditLog>,
    /// Keeps the log's index as long as anybody has the gateway.
    _index: Option<Arc<Indexer>>,
    auth: Option<Arc<Authenticator>>,
    shippers: Arc<Shippers>,
    hosts: Hosts,
}

impl Gateway {
    /// Loads the policy and opens the audit log, in the directory `state` where the configuration names no file.
    ///
    /// # Errors
    /// [`GatewayError`]
    pub fn open(config: &config::Gateway, state: &Path) -> Result<Self, GatewayError> {
        let policies = policies(config)?;
        let path = config.audit.path.clone().unwrap_or_else(|| state.join(AUDIT_FILE));
        if config.audit.path.is_none() {
            make(state)?;
        }
        let audit = AuditLog::open(&log_options(&config.audit, path)?)?;
        let shippers = Shippers::open(&config.audit.ship, audit.path())?;
        let pins = config.pins.path.clone().unwrap_or_else(|| state.join(PINS_DIR));
        let _index = keeper(config.audit.index, audit.path());
        let gateway = Self::new(policies, audit, open_pins(Some(pins), config.pins.trust), config)?;
        if let Some(metrics) = shippers.metrics() {
            gateway.gate.metrics().shipping(metrics);
        }
        Ok(Self { _index, shippers: Arc::new(shippers), ..gateway })
    }

    /// Sends records to whom the configuration names, until `tasks` end.
    pub fn ship(&self, tasks: &Tasks) {
        self.shippers.start(&self.audit, tasks);
    }

    /// Who is sent records.
    #[must_use]
    pub fn shippers(&self) -> &Shippers {
        &self.shippers
    }

    /// The gateway of one session with `server`, beside which others may be told the same audit log: then it has a log of its
    /// own, as it has where the configuration names no file. Where nothing is enforced a log that cannot be opened stops
    /// nothing; `tell` hears of it.
    ///
    /// # Errors
    /// [`GatewayError`]
    pub fn of_session(
        config: &config::Gateway,
        server: &str,
        tell: impl FnOnce(&AuditError),
    ) -> Result<Self, GatewayError> {
        let policies = policies(config)?;
        let path = config.audit.path.clone().map_or_else(|| default_path(server), Ok);
        let options = path.and_then(|path| log_options(&config.audit, path));
        let audit = match options.and_then(|options| AuditLog::open_or_beside(&options)) {
            Ok(audit) => audit,
            Err(error) if policies.current().policy.mode() == Mode::Observe => {
                tell(&error);
                AuditLog::absent(config.audit.path.clone().unwrap_or_default())
            }
            Err(error) => return Err(error.into()),
        };
        let pins = config.pins.path.clone().or_else(Directory::of_user);
        Self::new(policies, audit, open_pins(pins, config.pins.trust), config)
    }

    fn new(
        policies: PolicyStore,
        audit: AuditLog,
        pins: Option<Pins>,
        config: &config::Gateway,
    ) -> Result<Self, GatewayError> {
        let guardrails = Guardrails::open(&config.guardrails)?;
        let (policies, audit) = (Arc::new(policies), Arc::new(audit));
        let bytes = usize::try_from(config.limits.message_bytes).unwrap_or(usize::MAX);
        let limits = Limits { bytes, ..Limits::default() };
        let gate = Gate::new(Arc::clone(&policies), Arc::clone(&audit), limits);
        let gate = pins.map(Arc::new).into_iter().fold(gate, Gate::pinning);
        let gate = Arc::new(guardrails.into_iter().fold(gate, Gate::guarded_by));
        let shippers = Arc::default();
        Ok(Self { gate, policies, audit, _index: None, auth: None, shippers, hosts: Hosts::default() })
    }

    /// This gateway, whose clients over HTTP are authenticated where `config` says how.
    ///
    /// # Errors
    /// [`GatewayError::Identity`]
    pub fn authenticating(mut self, config: &config::Gateway) -> Result<Self, GatewayError> {
        let auth = Authenticator::open(&config.auth, &config.audit.label_claims)?.map(Arc::new);
        if let Some(auth) = &auth {
            self.gate.metrics().authenticating(auth.metrics());
        }
        self.auth = auth;
        Ok(self)
    }

    /// Says who clients are; `None` where nobody is asked.
    #[must_use]
    pub fn auth(&self) -> Option<&Arc<Authenticator>> {
        self.auth.as_ref()
    }

    /// Addresses of the names of hosts policy speaks of.
    #[must_use]
    pub fn hosts(&self) -> &Hosts {
        &self.hosts
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
        let outcome = self.policies.reload();
        let loaded = self.policies.current();
        let (generation, hash) = (loaded.generation, loaded.policy.hash());
        let (recorded, result) = match outcome {
            Ok(Change::Same) => return Ok(()),
            Ok(Change::Replaced(_)) => (
                self.audit.note(&Event::PolicyLoaded { generation, hash, mode: loaded.policy.mode() }),
                Ok(()),
            ),
            Err(error) => {
                let error = error.to_string();
                (self.audit.note(&Event::PolicyFailed { generation, hash, error: &error }), Err(error))
            }
        };
        if let Err(error) = recorded {
            // Counted as lost; the next message's record is what must not be.
            tracing::error!(%error, "a reload of the policy is not on record");
        }
        result
    }

    /// The audit log.
    #[must_use]
    pub fn audit(&self) -> &Arc<AuditLog> {
        &self.audit
    }
}

/// Without it a search has more to do; nothing else is different.
fn keeper(index: config::Indexing, log: &Path) -> Option<Arc<Indexer>> {
    match index {
        config::Indexing::OnDemand => None,
        config::Indexing::Kept => Indexer::start(log)
            .map(Arc::new)
            .inspect_err(|error| tracing::warn!(%error, "the index of the audit log is not kept"))
            .ok(),
    }
}

fn policies(config: &config::Gateway) -> Result<PolicyStore, ReloadError> {
    config.policy.as_deref().map_or_else(|| Ok(PolicyStore::new(Policy::built_in())), PolicyStore::load)
}

/// Without them nothing counts as approved; whether that stops anything is for the policy to say.
fn open_pins(path: Option<PathBuf>, trust: Trust) -> Option<Pins> {
    let Some(path) = path else {
        tracing::warn!("no pins are kept: neither `XDG_STATE_HOME` nor `HOME` is an absolute path");
        return None;
    };
    let opened = Pins::open(&path, trust);
    opened.inspect_err(|error| tracing::warn!(%error, "no pins are kept")).ok()
}

fn log_options(config: &config::Audit, path: PathBuf) -> Result<Options, AuditError> {
    let key = KeySource::find(config.signing_key_file.as_deref())?;
    let &config::Audit { durability, rotation, seal, .. } = config;
    Ok(Options { path, key, durability, rotation, seal })
}

/// Has a file that reaches the limit on files' lengths (`RLIMIT_FSIZE`) be an error to whoever writes it, and not the end of
/// the process: the log looks at the limit before it writes, its index and what is compressed do not. For processes that start
/// no others, which would inherit that; called before there are threads.
pub fn outlive_long_files() {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGXFSZ);
    if let Err(error) = signals.thread_block() {
        tracing::debug!(%error, "a file that is too long ends this process");
    }
}

/// Makes a directory that nobody else can look into; one that is there stays as it is, unless others could change what is
/// in it.
fn make(path: &Path) -> Result<(), GatewayError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path).and_then(|()| path.metadata());
    let checked = made.and_then(|metadata| check_directory(&metadata).map_err(io::Error::other));
    checked.map_err(|source| GatewayError::Directory { path: path.to_owned(), source })
}
