//! The gateway's part of the daemon: who may hand a session over, and what the status tells of sessions.

use std::collections::BTreeSet;
use std::time::Instant;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::admin::peer::same_program;
use crate::admin::protocol::{Code, DecideRequest};
use crate::admin::{GatewayStatus, Peer, Refusal};
use crate::audit::{Event, Operator};
use crate::inventory::{GatewayPlace, ServerState, ServerView, Transport};
use crate::proxy::gateway::Gateway;
use crate::proxy::handover::{Place, Sessions};

/// Lets the process have as many descriptors as it may: a session needs about ten.
pub(super) fn raise_descriptor_limit() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, most)| setrlimit(Resource::RLIMIT_NOFILE, most, most));
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of open descriptors stays as it is");
    }
}

/// A place for a session that `peer` wants to hand over.
///
/// # Errors
/// It does not run our own program, is gone, or there is no place.
pub(super) fn place(sessions: &Sessions, peer: Peer) -> Result<Place, Refusal> {
    started_by(&peer, "hand a session over")?;
    sessions.place(peer).map_err(|error| Refusal { code: Code::Busy, message: error.to_string() })
}

/// When `peer`, which wants to `act`, was started, in clock ticks since boot.
///
/// # Errors
/// It does not run our own program, or is gone.
pub(super) fn started_by(peer: &Peer, act: &str) -> Result<u64, Refusal> {
    let refuse = |message| Refusal { code: Code::Forbidden, message };
    match same_program(peer.pid) {
        Ok(Some(started)) => Ok(started),
        Ok(None) => Err(refuse(format!("only this agent's own program may {act}"))),
        Err(error) => Err(refuse(format!("cannot tell what process {} runs: {error}", peer.pid))),
    }
}

/// Who `peer` is, for the record.
pub(super) fn operator(peer: &Peer) -> Operator {
    // It may be gone; user and process are known all the same.
    let exe = std::fs::read_link(format!("/proc/{}/exe", peer.pid)).ok();
    Operator { uid: peer.uid, pid: peer.pid, exe: exe.map(|exe| exe.to_string_lossy().into_owned()) }
}

/// `peer` decides on a message that waits.
///
/// # Errors
/// There is nothing to decide.
pub(super) fn decide(
    gateway: &Gateway,
    sessions: &Sessions,
    request: &DecideRequest,
    peer: &Peer,
) -> Result<(), Refusal> {
    let DecideRequest { id, approve } = request;
    let by = operator(peer);
    let outcome = sessions.holds().decide(id, *approve, peer.uid, Instant::now());
    let error = outcome.as_ref().err().map(ToString::to_string);
    let event = Event::AdminHold { by: &by, decision: id, approve: *approve, error: error.as_deref() };
    // A record that is lost is counted by the log; the message's own record is what must not be.
    gateway.audit().note(&event).ok();
    tracing::info!(decision = ?id, approve, uid = peer.uid, ?outcome, "a held message was decided on");
    outcome.map_err(|error| Refusal { code: Code::Failed, message: error.to_string() })
}

/// The gateway as the status shows it.
pub(super) fn status(gateway: &Gateway, sessions: &Sessions) -> GatewayStatus {
    GatewayStatus { holds: sessions.holds().counts(), ..GatewayStatus::of(gateway, sessions.views()) }
}

/// Says of every wrapped server where its messages are decided on.
pub(super) fn locate(servers: &mut [ServerView], gateway: &GatewayStatus) {
    let wraps: BTreeSet<u32> = gateway.sessions.iter().map(|session| session.pid).collect();
    let wrapped = |server: &&mut ServerView| {
        server.state == ServerState::Proxied
            && server.transport == Transport::Stdio
            && server.ended_at.is_none()
    };
    for server in servers.iter_mut().filter(wrapped) {
        let handed = server.ancestors.iter().any(|ancestor| wraps.contains(&ancestor.pid));
        server.gateway = Some(if handed { GatewayPlace::Daemon } else { GatewayPlace::Embedded });
    }
}
