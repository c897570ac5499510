//! `/metrics`, `/healthz` and `/readyz`, and nothing else, on the configured address.
//!
//! ```text
//! accept ─▶ connection limits (io) ─▶ Host check (host) ─▶ route ─▶ Command::Status ─▶ metrics::render
//! ```
//!
//! There is no authentication, so nothing is served here that names a process or a user, and nothing can be
//! changed. Loopback is the default; a web page cannot reach it by a name of its own (see [`host`]).

mod host;
mod io;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::metrics::{Counters, ProcessSample, render};
use super::peer::Peer;
use super::socket::Command;
use super::status::Status;
use crate::proxy::gateway::Gateway;
use crate::ready::{Heartbeat, Ready};
use host::Hosts;

/// The main loop must have turned within this.
pub const ALIVE: Duration = Duration::from_secs(10);
/// The main loop must answer a scrape within this.
pub const ANSWER: Duration = Duration::from_secs(5);
/// Answers are whole and small: no connection is let live longer than a scrape or two need.
const GRACE: Duration = Duration::from_secs(2);

/// What the endpoints draw on.
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

/// The server, bound and not yet running.
#[derive(Debug)]
pub struct HttpServer {
    listener: TcpListener,
    address: SocketAddr,
    sources: Sources,
}

impl HttpServer {
    /// Binds `address`; port 0 lets the system choose.
    ///
    /// # Errors
    /// The address cannot be had.
    pub async fn bind(address: SocketAddr, sources: Sources) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, sources })
    }

    /// Where it listens, the port as chosen.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown`, then lets answers under way finish for two seconds.
    ///
    /// # Errors
    /// The server failed.
    pub async fn run(self, shutdown: CancellationToken) -> std::io::Result<()> {
        let hosts = Arc::new(Hosts::of_this_host(self.address.ip()));
        let router = Router::new()
            .route("/metrics", get(metrics))
            .route("/healthz", get(healthz))
            .route("/readyz", get(readyz))
            .with_state(self.sources)
            .layer(from_fn_with_state(hosts, check_host));
        let stop = shutdown.clone();
        let serve = axum::serve(io::Limited::new(self.listener), router)
            .with_graceful_shutdown(async move { stop.cancelled().await })
            .into_future();
        let forced = async {
            shutdown.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            served = serve => served,
            () = forced => Ok(()),
        }
    }
}

async fn check_host(State(hosts): State<Arc<Hosts>>, request: Request, next: Next) -> Response {
    if !hosts.accept(&request) {
        return plain(StatusCode::FORBIDDEN, "This host is not served here.\n".to_owned());
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn metrics(State(sources): State<Sources>) -> Response {
    let Some(status) = status(&sources.commands).await else {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "The agent's main loop does not answer.\n".to_owned());
    };
    let process = ProcessSample::take().ok();
    match render(&status, &sources.counters, sources.gateway.gate().metrics(), process.as_ref()) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be written");
            plain(StatusCode::INTERNAL_SERVER_ERROR, "The metrics cannot be written.\n".to_owned())
        }
    }
}

async fn healthz(State(sources): State<Sources>) -> Response {
    let silence = sources.heartbeat.silence();
    if silence < ALIVE {
        plain(StatusCode::OK, "ok\n".to_owned())
    } else {
        let why = format!("The main loop has stood still for {} s.\n", silence.as_secs());
        plain(StatusCode::SERVICE_UNAVAILABLE, why)
    }
}

async fn readyz(State(sources): State<Sources>) -> Response {
    let pending = sources.ready.pending();
    let gateway = &sources.gateway;
    if gateway.gate().enforces() && !gateway.audit().health().writing {
        // Nothing is let through, so nobody should be sent here.
        return plain(StatusCode::SERVICE_UNAVAILABLE, "the audit log cannot be written\n".to_owned());
    }
    if pending.is_empty() {
        plain(StatusCode::OK, "ready\n".to_owned())
    } else {
        let lines = pending.iter().map(|name| format!("waiting for {name}\n")).collect();
        plain(StatusCode::SERVICE_UNAVAILABLE, lines)
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

fn plain(status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}
