//! Who answers at the endpoints: the agent, or a proxy.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::admin::metrics::{Counters, ProcessSample, render, render_gateway};
use crate::admin::peer::Peer;
use crate::admin::socket::Command;
use crate::admin::status::{GatewayStatus, Status};
use crate::proxy::gateway::Gateway;
use crate::proxy::http::OpenSessions;
use crate::ready::{Heartbeat, Ready};

/// The main loop must answer a scrape within this.
pub const ANSWER: Duration = Duration::from_secs(5);

/// What the endpoints draw on.
pub trait Source: Clone + Send + Sync + 'static {
    /// One scrape in Prometheus' text format.
    ///
    /// # Errors
    /// [`NoScrape`]
    fn scrape(&self) -> impl Future<Output = Result<String, NoScrape>> + Send;

    /// For how long it has stood still.
    fn silence(&self) -> Duration;

    /// What has not started yet.
    fn pending(&self) -> Vec<&'static str>;

    /// What decides on messages.
    fn gateway(&self) -> &Gateway;
}

/// Why there is no scrape.
#[derive(Debug, thiserror::Error)]
pub enum NoScrape {
    /// Whoever knows does not answer.
    #[error("The agent's main loop does not answer.")]
    Silent,
    /// The metrics contradict each other.
    #[error("The metrics cannot be written.")]
    Contradiction(#[from] prometheus::Error),
}

/// What the agent's endpoints draw on.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The daemon's loop.
    pub commands: mpsc::Sender<Command>,
    /// What is counted beside the status.
    pub counters: Arc<Counters>,
    /// What `/readyz` tells.
    pub ready: Ready,
    /// What `/healthz` tells.
    pub heartbeat: Heartbeat,
    /// What it counts, and whether it can record.
    pub gateway: Gateway,
}

impl Source for Sources {
    async fn scrape(&self) -> Result<String, NoScrape> {
        let status = status(&self.commands).await.ok_or(NoScrape::Silent)?;
        let process = ProcessSample::take().ok();
        Ok(render(&status, &self.counters, self.gateway.gate().metrics(), process.as_ref())?)
    }

    fn silence(&self) -> Duration {
        self.heartbeat.silence()
    }

    fn pending(&self) -> Vec<&'static str> {
        self.ready.pending()
    }

    fn gateway(&self) -> &Gateway {
        &self.gateway
    }
}

/// What a proxy's endpoints draw on.
#[derive(Debug, Clone)]
pub struct ProxySources {
    /// What it counts, and whether it can record.
    pub gateway: Gateway,
    /// How many sessions it has.
    pub sessions: OpenSessions,
}

impl Source for ProxySources {
    async fn scrape(&self) -> Result<String, NoScrape> {
        let gateway = GatewayStatus::of(&self.gateway, Vec::new());
        let process = ProcessSample::take().ok();
        let sessions = self.sessions.count();
        Ok(render_gateway(&gateway, sessions, self.gateway.gate().metrics(), process.as_ref())?)
    }

    /// A proxy has no main loop: that it answers shows that its tasks run.
    fn silence(&self) -> Duration {
        Duration::ZERO
    }

    /// It listens before anybody can ask.
    fn pending(&self) -> Vec<&'static str> {
        Vec::new()
    }

    fn gateway(&self) -> &Gateway {
        &self.gateway
    }
}

async fn status(commands: &mpsc::Sender<Command>) -> Option<Status> {
    let (reply, answer) = oneshot::channel();
    let asked = async {
        commands.send(Command::Status { peer: Peer::myself(), reply }).await.ok()?;
        answer.await.ok()
    };
    tokio::time::timeout(ANSWER, asked).await.ok().flatten()
}
