//! `/metrics`, `/healthz` and `/readyz`, and nothing else, on the configured address.
//!
//! ```text
//! accept ─▶ connection limits (io) ─▶ Host check (host) ─▶ route ─▶ Source: agent or proxy ─▶ metrics::render
//! ```
//!
//! There is no authentication, so nothing is served here that names a process or a user, and nothing can be
//! changed. Loopback is the default; a web page cannot reach it by a name of its own (see [`host`]).

mod host;
mod io;
mod source;
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
use tokio_util::sync::CancellationToken;

use host::Hosts;

pub use source::{ANSWER, NoScrape, ProxySources, Source, Sources};

/// The main loop must have turned within this.
pub const ALIVE: Duration = Duration::from_secs(10);
/// Answers are whole and small: no connection is let live longer than a scrape or two need.
const GRACE: Duration = Duration::from_secs(2);

/// The server, bound and not yet running.
#[derive(Debug)]
pub struct HttpServer<S = Sources> {
    listener: TcpListener,
    address: SocketAddr,
    sources: S,
}

impl<S: Source> HttpServer<S> {
    /// Binds `address`; port 0 lets the system choose.
    ///
    /// # Errors
    /// The address cannot be had.
    pub async fn bind(address: SocketAddr, sources: S) -> std::io::Result<Self> {
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
            .route("/metrics", get(metrics::<S>))
            .route("/healthz", get(healthz::<S>))
            .route("/readyz", get(readyz::<S>))
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

async fn metrics<S: Source>(State(source): State<S>) -> Response {
    match source.scrape().await {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error @ NoScrape::Silent) => plain(StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")),
        Err(error @ NoScrape::Contradiction(_)) => {
            tracing::error!(%error, cause = ?std::error::Error::source(&error), "no scrape");
            plain(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n"))
        }
    }
}

async fn healthz<S: Source>(State(source): State<S>) -> Response {
    let silence = source.silence();
    if silence < ALIVE {
        plain(StatusCode::OK, "ok\n".to_owned())
    } else {
        let why = format!("The main loop has stood still for {} s.\n", silence.as_secs());
        plain(StatusCode::SERVICE_UNAVAILABLE, why)
    }
}

async fn readyz<S: Source>(State(source): State<S>) -> Response {
    let gateway = source.gateway();
    // Nobody is sent here while nothing is let through, so no message would find out that it is over.
    if gateway.gate().enforces() && !gateway.audit().is_writing_again() {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "the audit log cannot be written\n".to_owned());
    }
    let pending = source.pending();
    if !pending.is_empty() {
        let lines = pending.iter().map(|name| format!("waiting for {name}\n")).collect();
        return plain(StatusCode::SERVICE_UNAVAILABLE, lines);
    }
    let is_stale = gateway.policies().state().last_error.is_some();
    let remark =
        if is_stale { "the policy file cannot be loaded, the policy before stays in force\n" } else { "" };
    plain(StatusCode::OK, format!("ready\n{remark}"))
}

fn plain(status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}
