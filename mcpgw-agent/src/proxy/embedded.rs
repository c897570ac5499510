//! The engine within `wrap`: the same gate as the daemon's, under the policy of whoever started it.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::gate::{Gate, Party};
use super::printable;
use super::wrap::{WrapError, WrapOptions};
use crate::audit::{self, AuditError, AuditLog, Event, Exit, Key, KeySource, default_path};
use crate::config::{self, Durability};
use crate::json::Limits;
use crate::policy::{Context, Mode, Policy, Principal, Transport};
use crate::reload::PolicyStore;

/// The gate, the one session that goes through it, and its log.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) gate: Arc<Gate>,
    pub(super) party: Arc<Party>,
    audit: Arc<AuditLog>,
}

impl Engine {
    /// Loads the policy and opens the log.
    ///
    /// # Errors
    /// [`WrapError::Audit`]: the log cannot be opened, and the policy enforces.
    pub(super) fn new(options: &WrapOptions) -> Result<Self, WrapError> {
        let policies = Arc::new(PolicyStore::new(Policy::built_in()));
        let context = context(options);
        let mode = policies.current().policy.mode();
        let audit = Arc::new(open_log(&options.gateway.audit, &context.server, mode)?);
        let bytes = usize::try_from(options.gateway.limits.message_bytes).unwrap_or(usize::MAX);
        let gate = Gate::new(policies, Arc::clone(&audit), Limits { bytes, ..Limits::default() });
        let party = Arc::new(Party::new(uuid::Uuid::now_v7().to_string(), context));
        // What is lost is counted and stops nothing here; a log that cannot be written stops the first message.
        audit.note(&Event::SessionOpened { session: party.id(), context: party.context() }).ok();
        Ok(Self { gate: Arc::new(gate), party, audit })
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
            let text = printable(&format!("{error}{cause}"));
            // With nowhere to write to there is nobody to tell.
            writeln!(io::stderr(), "mcpgw-agent wrap: nothing is recorded: {text}").ok();
            Ok(AuditLog::absent(options.path.clone().unwrap_or_default()))
        }
    }
}

fn log_options(options: &config::Audit, server: &str) -> Result<audit::Options, AuditError> {
    let path = options.path.clone().map_or_else(|| default_path(server), Ok)?;
    let key = match (&options.signing_key_file, Key::from_env()?) {
        (Some(path), _) => KeySource::File(path.clone()),
        (None, Some(key)) => KeySource::Given(key),
        (None, None) => KeySource::Beside,
    };
    let durability = match options.durability {
        Durability::Written => audit::Durability::Written,
        Durability::Synced => audit::Durability::Synced,
    };
    Ok(audit::Options { path, key, durability })
}

fn context(options: &WrapOptions) -> Context {
    let server = options.name.clone().unwrap_or_else(|| program(&options.command));
    Context {
        server: server.into(),
        upstream: None,
        transport: Transport::Stdio,
        principal: Principal::default(),
        client: client().map(|path| path.to_string_lossy().into()),
    }
}

/// What to call a server nobody named: the file name of its program.
fn program(command: &[OsString]) -> String {
    let program = command.first().map(Path::new).and_then(Path::file_name).unwrap_or_default();
    String::from_utf8_lossy(program.as_bytes()).into_owned()
}

/// The program that started us, where the kernel tells.
fn client() -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{}/exe", nix::unistd::getppid())).ok()
}
