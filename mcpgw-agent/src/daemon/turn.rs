//! The main loop: one turn takes in whatever is there, in an order that keeps the agent answerable under a flood.

use std::path::PathBuf;
use std::time::Instant;

use tokio::signal::unix::Signal;
use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::gateway;
use super::guard::{Raised, Servers};
use super::host::Host;
use super::rings::Rings;
use super::status::AgentFacts;
use super::{DaemonError, TICK, settings, tls};
use crate::admin::{Command, GatewayStatus, Peer, Status};
use crate::audit::Event;
use crate::config::Config;
use crate::inventory::HostEvent;
use crate::kernel::KernelEvent;
use crate::proxy::gateway::Gateway;
use crate::proxy::handover::Sessions;
use crate::ready::{Heartbeat, Latch};

/// The loop and everything it listens to.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) host: Host,
    pub(super) facts: AgentFacts,
    pub(super) rings: Rings,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) scans: mpsc::Receiver<Vec<HostEvent>>,
    /// What was looked up off the loop.
    pub(super) answered: mpsc::Receiver<HostEvent>,
    /// What was found in processes whose TLS is to be read.
    pub(super) libraries: mpsc::Receiver<tls::Answer>,
    /// What came of wanting a gateway before a server.
    pub(super) raised: mpsc::Receiver<Raised>,
    /// Released when the start-up scan has been taken in.
    pub(super) scanned: Option<Latch>,
    /// Who asked for the status before there was one; as many as the control socket has seats.
    pub(super) waiting: Vec<oneshot::Sender<Status>>,
    pub(super) heartbeat: Heartbeat,
    pub(super) reload: Signal,
    pub(super) config_path: Option<PathBuf>,
    pub(super) gateway: Gateway,
    pub(super) sessions: Sessions,
}

impl Turn {
    /// Turns until `shutdown`.
    ///
    /// # Errors
    /// A ring cannot be read any more.
    pub(super) async fn run(mut self, shutdown: CancellationToken) -> Result<(), DaemonError> {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut events: Vec<KernelEvent> = Vec::new();
        loop {
            // Small and rare things first, so that no flood of records can starve them.
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return Ok(()),
                _ = ticks.tick() => self.on_tick(),
                Some(command) = self.commands.recv() => self.on_command(command),
                Some(()) = self.reload.recv() => self.on_reload(None).unwrap_or_default(),
                Some(raised) = self.raised.recv() => self.host.raised(&raised),
                Some(event) = self.answered.recv() => self.host.on_event(event),
                Some(answer) = self.libraries.recv() => self.host.libraries(answer),
                read = self.rings.next(&mut events) => {
                    read.map_err(|source| DaemonError::System { what: "read a ring buffer", source })?;
                    self.host.on_kernel(&mut events);
                }
                Some(found) = self.scans.recv() => self.on_scan(found),
            }
            self.host.report();
            self.heartbeat.beat();
        }
    }

    fn on_tick(&mut self) {
        self.host.tick();
        let lost = self.host.take_lost();
        if !lost.is_empty() {
            // A record that is lost is counted by the log.
            self.gateway.audit().note(&Event::HostGap { lost: &lost }).ok();
        }
    }

    fn on_scan(&mut self, found: Vec<HostEvent>) {
        for event in found {
            self.host.on_event(event);
        }
        // Whose channels belong together shows only when all processes are known.
        self.host.tick();
        if let Some(latch) = self.scanned.take() {
            drop(latch);
            let agent = self.facts.agent(&self.host);
            self.host.reporter.ready(&agent);
            for reply in std::mem::take(&mut self.waiting) {
                self.answer(reply);
            }
        }
    }

    fn on_command(&mut self, command: Command) {
        match command {
            // Half a host would look like a quiet one.
            Command::Status { peer: _, reply } if self.scanned.is_some() => self.waiting.push(reply),
            Command::Status { peer: _, reply } => self.answer(reply),
            Command::Register { peer, id, request, reply } => {
                let outcome = self.host.register(&peer, id, request);
                if let Err(refusal) = &outcome {
                    tracing::warn!(pid = peer.pid, uid = peer.uid, %refusal, "a registration was refused");
                }
                drop(reply.send(outcome));
            }
            Command::Handover { peer, name, reply } => {
                let loaded = self.gateway.policies().current();
                let allowed = self.host.may_hand_over(&loaded.policy, peer.pid);
                let outcome = allowed.and_then(|()| gateway::place(&self.sessions, peer)).map(|place| {
                    let around = self.host.around(peer.pid, peer.uid);
                    let confinement = self.host.confine(&loaded.policy, peer, &name, &around);
                    place.followed_by(self.host.follow(peer.pid)).confined(around, confinement)
                });
                if let Err(refusal) = &outcome {
                    tracing::warn!(pid = peer.pid, uid = peer.uid, %refusal, "a hand-over was refused");
                }
                drop(reply.send(outcome));
            }
            Command::Follow { peer, request, reply } => {
                let outcome = self.host.relay(&peer, request);
                if let Err(refusal) = &outcome {
                    tracing::debug!(pid = peer.pid, uid = peer.uid, %refusal, "a server is not followed");
                }
                drop(reply.send(outcome));
            }
            Command::Holds { reply } => drop(reply.send(self.sessions.holds().list(Instant::now()))),
            Command::Decide { peer, request, reply } => {
                drop(reply.send(gateway::decide(&self.gateway, &self.sessions, &request, &peer)));
            }
            Command::Reload { peer, reply } => drop(reply.send(self.on_reload(Some(&peer)))),
            Command::Guard { peer, request, reply } => {
                let known = request.id.as_deref().and_then(|id| Servers::program(&self.host.inventory, id));
                let by = gateway::operator(&peer);
                let outcome = self.host.guard.warden().obey(&request, known, &by);
                // What was ordered is done now, not with the next tick.
                self.host.tick();
                drop(reply.send(outcome));
            }
            Command::Unregister { id } => self.host.unregister(id),
        }
    }

    fn answer(&self, reply: oneshot::Sender<Status>) {
        // The asker may have gone; that is its business.
        let unprevented = self.host.unprevented(&self.gateway.policies().current().policy);
        let gateway = GatewayStatus { unprevented, ..gateway::status(&self.gateway, &self.sessions) };
        drop(reply.send(self.facts.status(&self.host, gateway)));
    }

    /// Reads the configuration anew, as `peer` or a signal asked; one that cannot be used changes nothing.
    ///
    /// # Errors
    /// What is wrong with it.
    fn on_reload(&mut self, peer: Option<&Peer>) -> Result<(), String> {
        let outcome = self.read_anew();
        let by = peer.map(gateway::operator);
        let error = outcome.as_ref().err().map(String::as_str);
        self.gateway.audit().note(&Event::AdminReload { by: by.as_ref(), error }).ok();
        outcome
    }

    fn read_anew(&mut self) -> Result<(), String> {
        let policy = self.gateway.reload();
        let probes = self.host.kernel.is_some();
        let outcome =
            Config::load(self.config_path.as_deref()).map_err(|error| error.to_string()).and_then(|config| {
                let inventory = settings::inventory(&config, probes).map_err(|error| error.to_string())?;
                let readers = settings::readers(&config).map_err(|error| error.to_string())?;
                let guard = self.host.guard.warden().reconfigure(&config.host.guard);
                guard.map(|()| (inventory, readers)).map_err(|error| error.to_string())
            });
        match outcome {
            Ok((config, readers)) => {
                self.host.reconfigure(config, readers);
                self.facts.reloaded(None);
                tracing::info!(
                    "the configuration was read anew; addresses, rings and hooks stay as they are"
                );
                policy
            }
            Err(error) => {
                tracing::error!(%error, "the configuration was not read anew; the one before stays");
                let problem = "the configuration file cannot be used; the one before is in force";
                self.facts.reloaded(Some(problem.to_owned()));
                Err(error)
            }
        }
    }
}
