//! The engine within `wrap`: the same gate as the daemon's, under the policy of whoever started it.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use super::gate::{Gate, Party};
use super::gateway;
use super::printable;
use super::wrap::{WrapError, WrapOptions};
use crate::audit::{self, AuditError, AuditLog, Event, Exit, Key, KeySource, default_path};
use crate::config;
use crate::json::Limits;
use crate::policy::{Context, Mode, Policy, Principal, Transport};
use crate::reload::{PolicyStore, Watcher};

/// The gate, the one session that goes through it, and its log.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) gate: Arc<Gate>,
    pub(super) party: Arc<Party>,
    policies: Arc<PolicyStore>,
    audit: Arc<AuditLog>,
    /// Reloads the policy when its file changes, for as long as it lives.
    _watcher: Option<Watcher>,
}

impl Engine {
    /// Loads the policy and opens the log.
    ///
    /// # Errors
    /// [`WrapError::Policy`]; [`WrapError::Audit`] where the log cannot be opened and the policy enforces.
    pub(super) fn new(options: &WrapOptions) -> Result<Self, WrapError> {
        let policies = Arc::new(match &options.gateway.policy {
            Some(path) => PolicyStore::load(path)?,
            None => PolicyStore::new(Policy::built_in()),
        });
        let context = context(options);
        let mode = policies.current().policy.mode();
        let audit = Arc::new(open_log(&options.gateway.audit, &context.server, mode)?);
        let bytes = usize::try_from(options.gateway.limits.message_bytes).unwrap_or(usize::MAX);
        let gate =
            Gate::new(Arc::clone(&policies), Arc::clone(&audit), Limits { bytes, ..Limits::default() });
        let party = Arc::new(Party::new(uuid::Uuid::now_v7().to_string(), context));
        // What is lost is counted and stops nothing here; a log that cannot be written stops the first message.
        audit.note(&Event::SessionOpened { session: party.id(), context: party.context() }).ok();
        let changed = (Arc::clone(&policies), Arc::clone(&audit));
        let changed = move || take_up(&changed.0, &changed.1);
        let watcher = Watcher::start(Arc::clone(&policies), changed).inspect_err(|error| {
            tell(&format!("{error}: a changed policy is loaded on SIGHUP only"));
        });
        Ok(Self { gate: Arc::new(gate), party, policies, audit, _watcher: watcher.ok() })
    }

    /// Reads the policy file anew, where there is one. One that cannot be used leaves the policy before in force.
    pub(super) fn reload(&self) {
        take_up(&self.policies, &self.audit);
    }

    /// Records the end of the session, whose server ended with exit code `code` as a shell would have it.
    pub(super) fn close(&self, code: u8) {
        let exit = match code {
            0..=128 => Exit::Code(code.into()),
            signal => Exit::Signal((signal - 128).into()),
        };
        let (session, context) = (self.party.id(), self.party.context());
        self.audit.note(&Event::SessionClosed { session, context, exit: Some(exit) }).ok();
        self.audit.close().ok();
    }
}

/// Opens the session's log. Where nothing is enforced a log that cannot be opened stops nothing, but is told.
fn open_log(options: &config::Audit, server: &str, mode: Mode) -> Result<AuditLog, WrapError> {
    let opened = log_options(options, server).and_then(|options| AuditLog::open(&options));
    match (opened, mode) {
        (Ok(log), _) => Ok(log),
        (Err(error), Mode::Enforce) => Err(WrapError::Audit(error)),
        (Err(error), Mode::Observe) => {
            let cause =
                std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            tell(&format!("nothing is recorded: {error}{cause}"));
            Ok(AuditLog::absent(options.path.clone().unwrap_or_default()))
        }
    }
}

/// One line on standard error, which is also the server's.
fn tell(text: &str) {
    // With nowhere to write to there is nobody to tell.
    writeln!(io::stderr(), "mcpgw-agent wrap: {}", printable(text)).ok();
}

fn log_options(options: &config::Audit, server: &str) -> Result<audit::Options, AuditError> {
    let path = options.path.clone().map_or_else(|| default_path(server), Ok)?;
    let key = match (&options.signing_key_file, Key::from_env()?) {
        (Some(path), _) => KeySource::File(path.clone()),
        (None, Some(key)) => KeySource::Given(key),
        (None, None) => KeySource::Beside,
    };
    Ok(audit::Options { path, key, durability: options.durability })
}

fn context(options: &WrapOptions) -> Context {
    Context {
        server: options.server().into(),
        upstream: None,
        transport: Transport::Stdio,
        principal: Principal::default(),
        client: client().map(|path| path.to_string_lossy().into()),
    }
}

/// The program that started us, where the kernel tells.
fn client() -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{}/exe", nix::unistd::getppid())).ok()
}

/// Reads the policy file anew, and tells what is wrong with it.
fn take_up(policies: &PolicyStore, audit: &AuditLog) {
    if let Err(error) = gateway::reload(policies, audit) {
        tell(&format!("the policy before stays in force: {error}"));
    }
}
