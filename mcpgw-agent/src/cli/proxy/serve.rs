//! Binds what a proxy listens on, says where, and runs it until a signal.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};

use super::Told;
use crate::admin::http::{HttpServer, ProxySources};
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::output::Output;
use crate::cli::text::Line;
use crate::confine;
use crate::proxy::gateway::Gateway;
use crate::proxy::http::tls::Identity;
use crate::proxy::http::{self, HttpError, HttpOptions, HttpProxy};
use crate::reload::Watcher;
use crate::tasks::Tasks;

/// A proxy, and what is beside it.
pub(super) struct Setup {
    pub(super) options: HttpOptions,
    pub(super) gateway: Gateway,
    pub(super) identity: Option<Arc<Identity>>,
    /// Where to serve metrics.
    pub(super) metrics: Option<SocketAddr>,
    /// What the server does, and who tells.
    pub(super) told: Told,
}

/// Serves until SIGTERM or SIGINT.
pub(super) async fn serve(setup: Setup) -> Result<(), CliError> {
    let Setup { options, gateway, identity, metrics, told } = setup;
    let mut reload = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // It goes on without a watch; SIGHUP works all the same, and what is wrong is logged.
    let watched = gateway.clone();
    let changed = move || drop(watched.reload());
    let _watcher = Watcher::start(Arc::clone(gateway.policies()), changed)
        .inspect_err(|error| tracing::warn!(%error, "no watch"));
    let scheme = if identity.is_some() { "https" } else { "http" };
    let exposes = options.expose;
    let tasks = Tasks::new();
    let proxy = HttpProxy::bind(options, &tasks).await.map_err(explained)?;
    gateway.ship(&tasks);
    let Told { effects, link, asks } = told;
    tasks.spawn("effects of the server", link.run(asks, tasks.token().clone()));
    let (policies, hosts) = (Arc::clone(gateway.policies()), gateway.hosts().clone());
    tasks.spawn("names", confine::look_up(policies, hosts, tasks.token().clone()));
    tasks.spawn("what the server usually does", effects.keep_often(tasks.token().clone()));
    let mut lines = vec![Line::plain(&format!("listening on {scheme}://{}/mcp", proxy.address()))];
    if let Some(address) = metrics {
        let sources = ProxySources { gateway: gateway.clone(), sessions: proxy.sessions() };
        let server = bind_metrics(address, exposes, sources).await?;
        lines.push(Line::plain(&format!("metrics on http://{}/metrics", server.address())));
        tasks.supervise("metrics", server.run(tasks.token().clone()));
    }
    // Whoever closed standard output does not want to know.
    Output::new().lines(&lines).ok();
    let stop = async {
        loop {
            tokio::select! {
                _ = terminate.recv() => return,
                _ = interrupt.recv() => return,
                _ = reload.recv() => take_up(&gateway, identity.as_deref()),
            }
        }
    };
    http::run(proxy, &tasks, stop).await.map_err(explained)
}

async fn bind_metrics(
    address: SocketAddr,
    exposes: bool,
    sources: ProxySources,
) -> Result<HttpServer<ProxySources>, CliError> {
    // Whoever may ask the server need not know how it is used.
    if !exposes && !address.ip().is_loopback() {
        return Err(explained(HttpError::Exposed(address)));
    }
    let server = HttpServer::bind(address, sources).await;
    server.map_err(|source| CliError::failure(HttpError::Listen { address, source }))
}

fn explained(error: HttpError) -> CliError {
    match error {
        error @ (HttpError::Url(_) | HttpError::Name(_)) => CliError::new(exit::USAGE, error),
        error @ (HttpError::Exposed(_) | HttpError::Plain(_)) => {
            CliError::new(exit::USAGE, error).hinted("`--expose` listens there all the same")
        }
        error @ HttpError::Listen { .. } => CliError::failure(error),
    }
}

/// Reads policy and certificate anew. A file that cannot be used leaves what was there before.
fn take_up(gateway: &Gateway, identity: Option<&Identity>) {
    // It logs itself what came of it.
    gateway.reload().ok();
    if let Some(Err(error)) = identity.map(Identity::reload) {
        tracing::error!(%error, "the certificate was not reloaded; the one before stays");
    }
}
