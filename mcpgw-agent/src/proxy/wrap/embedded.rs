//! The engine within `wrap`: the same gate as the daemon's, under the policy of whoever started it.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use nix::unistd::geteuid;

use super::WrapOptions;
use crate::audit::{AuditError, Event, Exit};
use crate::confine::{Abilities, surroundings, unprevented};
use crate::pins::ServerId;
use crate::policy::effects::{Confinement, Hosts};
use crate::policy::{Context, Principal, Transport};
use crate::proxy::gate::{Gate, Party};
use crate::proxy::gateway::{Gateway, GatewayError};
use crate::proxy::printable;
use crate::reload::Watcher;

/// The gateway, and the one session that goes through it.
#[derive(Debug)]
pub(super) struct Engine {
    gateway: Gateway,
    pub(super) party: Arc<Party>,
    /// Reloads the policy when its file changes, for as long as it lives.
    _watcher: Option<Watcher>,
}

impl Engine {
    /// Loads the policy and opens the log.
    ///
    /// # Errors
    /// [`GatewayError`]
    pub(super) fn new(options: &WrapOptions) -> Result<Self, GatewayError> {
        if options.wants_effects {
            tell(
                "what the server does to the host is not recorded: only the agent sees it, and this session is not its",
            );
        }
        let context = context(options);
        let gateway = Gateway::of_session(&options.gateway, &context.server, not_recorded)?;
        let server = ServerId::of_command(geteuid().as_raw(), &context.server);
        let pinned = gateway.gate().pins_of(&server);
        let party = Arc::new(Party::new(uuid::Uuid::now_v7().to_string(), context).pinned(pinned));
        // What is lost is counted and stops nothing here; a log that cannot be written stops the first message.
        gateway.audit().note(&Event::SessionOpened { session: party.id(), context: party.context() }).ok();
        let changed = gateway.clone();
        let changed = move || take_up(&changed);
        let watcher = Watcher::start(Arc::clone(gateway.policies()), changed).inspect_err(|error| {
            tell(&format!("{error}: a changed policy is loaded on SIGHUP only"));
        });
        Ok(Self { gateway, party, _watcher: watcher.ok() })
    }

    /// Decides on the session's messages.
    pub(super) fn gate(&self) -> &Arc<Gate> {
        self.gateway.gate()
    }

    /// What the server may do, as far as that can be prevented; what cannot is told.
    pub(super) fn confinement(&self) -> Option<Confinement> {
        let policy = self.gateway.policies().current();
        let rules =
            policy.policy.effects(&self.party.context().server, &surroundings(None, Hosts::default()))?;
        let confinement = rules.confinement();
        let left = match &confinement {
            Some(confinement) => unprevented(confinement, &Abilities::here(), false),
            None => Vec::new(),
        };
        left.iter().for_each(|left| tell(&format!("not prevented: {left}")));
        if !left.is_empty() || confinement.is_none() {
            tell(
                "what the server does is not detected here: only the agent sees it, and this session is not its",
            );
        }
        confinement
    }

    /// Reads the policy file anew, where there is one. One that cannot be used leaves the policy before in force.
    pub(super) fn reload(&self) {
        take_up(&self.gateway);
    }

    /// Records the end of the session, whose server ended with exit code `code` as a shell would have it.
    pub(super) fn close(&self, code: u8) {
        let exit = match code {
            0..=128 => Exit::Code(code.into()),
            signal => Exit::Signal((signal - 128).into()),
        };
        let (session, context) = (self.party.id(), self.party.context());
        self.gateway.audit().note(&Event::SessionClosed { session, context, exit: Some(exit) }).ok();
        self.gateway.audit().close().ok();
    }
}

/// Nothing is enforced, and nothing can be recorded either.
fn not_recorded(error: &AuditError) {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    tell(&format!("nothing is recorded: {error}{cause}"));
}

/// One line on standard error, which is also the server's.
fn tell(text: &str) {
    // With nowhere to write to there is nobody to tell.
    writeln!(io::stderr(), "mcpgw-agent wrap: {}", printable(text)).ok();
}

fn context(options: &WrapOptions) -> Context {
    Context {
        server: options.server().into(),
        upstream: None,
        transport: Transport::Stdio,
        principal: Principal::default(),
        client: client().map(|path| path.to_string_lossy().into()),
        tapped: None,
    }
}

/// The program that started us, where the kernel tells.
fn client() -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{}/exe", nix::unistd::getppid())).ok()
}

/// Reads the policy file anew, and tells what is wrong with it.
fn take_up(gateway: &Gateway) {
    if let Err(error) = gateway.reload() {
        tell(&format!("the policy before stays in force: {error}"));
    }
}
