//! `proxy`: the gateway before one server that is reached over HTTP.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use url::Url;

use super::error::CliError;
use super::output::Output;
use super::text::Line;
use super::{exit, log};
use crate::admin::protocol::NAME_MAX;
use crate::audit::{AuditLog, Options};
use crate::config::{Config, Dirs};
use crate::json::Limits;
use crate::policy::Policy;
use crate::proxy::gate::Gate;
use crate::proxy::http::{self, HttpError, HttpOptions, SessionLimits};
use crate::reload::PolicyStore;

/// The audit log's name in the state directory.
const AUDIT_FILE: &str = "audit.jsonl";

/// Stands before an MCP server that is reached over HTTP, and decides on every message.
///
/// Serves the endpoint at /mcp and at any other path. Prints the address it listens on, and ends on SIGTERM or SIGINT.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The server's endpoint, as a client would be given it
    #[arg(long, value_name = "URL")]
    upstream: Url,
    /// Address to listen on; port 0 lets the system choose
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Policy file [default: the configuration's, else everything passes and is recorded]
    #[arg(long, value_name = "F")]
    policy: Option<PathBuf>,
    /// File to record decisions in [default: the configuration's]
    #[arg(long, value_name = "F")]
    audit_log: Option<PathBuf>,
    /// The server's name in policies and records [default: the upstream's host]
    #[arg(long, value_name = "N", value_parser = name)]
    name: Option<String>,
    /// Configuration file [default: /etc/mcpgw/agent.yaml, which may be missing]
    #[arg(long, value_name = "F")]
    config: Option<PathBuf>,
    /// Certificate chain to show clients, PEM
    #[arg(long, value_name = "F", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long, value_name = "F", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Certificates that may have issued the server's, PEM [default: the system's]
    #[arg(long, value_name = "F")]
    upstream_ca: Option<PathBuf>,
    /// Listen on more than loopback although nobody authenticates clients
    #[arg(long)]
    expose: bool,
}

pub(super) fn proxy(args: &Args) -> Result<u8, CliError> {
    let config = Config::load(args.config.as_deref())?;
    log::start("warn", config.log.format);
    let policies = Arc::new(PolicyStore::new(Policy::built_in()));
    let path = match &args.audit_log {
        Some(path) => path.clone(),
        None => Dirs::from_env()?.state.join(AUDIT_FILE),
    };
    let audit = Arc::new(AuditLog::open(&Options { path }).map_err(CliError::failure)?);
    let gate = Arc::new(Gate::new(Arc::clone(&policies), audit, Limits::default()));
    let host = args.upstream.host_str().unwrap_or_default();
    let options = HttpOptions {
        upstream: args.upstream.clone(),
        listen: args.listen,
        expose: args.expose,
        server: args.name.as_deref().unwrap_or(host).into(),
        gate,
        sessions: SessionLimits::default(),
        tls: None,
        upstream_tls: None,
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(CliError::failure)?;
    runtime.block_on(serve(options, args))?;
    Ok(exit::OK)
}

async fn serve(options: HttpOptions, args: &Args) -> Result<(), CliError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let scheme = if args.tls_cert.is_some() { "https" } else { "http" };
    let ready = |address| {
        let line = Line::plain(&format!("listening on {scheme}://{address}/mcp"));
        // Whoever closed standard output does not want to know.
        Output::new().lines(&[line]).ok();
    };
    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    http::run(options, ready, stop).await.map_err(|error| match error {
        error @ HttpError::Url(_) => CliError::new(exit::USAGE, error),
        error @ HttpError::Exposed(_) => {
            CliError::new(exit::USAGE, error).hinted("`--expose` listens there all the same")
        }
        error @ HttpError::Listen { .. } => CliError::failure(error),
    })
}

fn name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > NAME_MAX || text.chars().any(char::is_control) {
        return Err(format!("a name has 1 to {NAME_MAX} bytes, none of them a control character"));
    }
    Ok(text.to_owned())
}
