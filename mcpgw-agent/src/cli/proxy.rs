//! `proxy`: the gateway before one server that is reached over HTTP.

mod serve;

use std::net::SocketAddr;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::runtime::Builder;
use url::Url;

use super::error::CliError;
use super::{exit, log};
use crate::admin::SOCKET;
use crate::admin::protocol::NAME_MAX;
use crate::audit::default_path;
use crate::baselines::{Baselines, DIRECTORY};
use crate::config::{self, Config, Dirs};
use crate::proxy::announce;
use crate::proxy::effects::{Asks, Effects, Link};
use crate::proxy::gateway::{Gateway, outlive_long_files};
use crate::proxy::http::tls::{self, Identity, TlsError};
use crate::proxy::http::{HttpOptions, Patience, SessionLimits};
use crate::tasks::Lanes;
use serve::{Setup, serve};

/// Threads for what is beside clients' connections: accepting them, metrics, records that are sent.
const BESIDE: usize = 1;

/// Stands before an MCP server that is reached over HTTP, and decides on every message.
///
/// Serves the endpoint at /mcp and at any other path. Prints the address it listens on, and ends on SIGTERM or SIGINT.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The server's endpoint, as a client would be given it
    #[arg(long, value_name = "URL")]
    upstream: Url,
    /// Address to listen on; port 0 lets the system choose [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", hide_default_value = true)]
    listen: SocketAddr,
    /// Policy file [default: the configuration's, else everything passes and is recorded]
    #[arg(long, value_name = "F")]
    policy: Option<PathBuf>,
    /// File to record decisions in [default: the configuration's, else one in $XDG_STATE_HOME/mcpgw/audit]
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
    /// Certificates to believe beside the system's, where the server speaks TLS, PEM
    #[arg(long, value_name = "F")]
    upstream_ca: Option<PathBuf>,
    /// Name clients may call this gateway by, beside its address
    #[arg(long, value_name = "HOST")]
    allow_host: Vec<String>,
    /// Origin whose web pages may ask, beside the gateway's own
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// Address to serve /metrics, /healthz and /readyz on; port 0 lets the system choose [default: nowhere]
    #[arg(long, value_name = "ADDR")]
    metrics: Option<SocketAddr>,
    /// Listen on more than loopback although nobody authenticates clients
    #[arg(long)]
    expose: bool,
}

pub(super) fn proxy(args: &Args) -> Result<u8, CliError> {
    outlive_long_files();
    let config = Config::load(args.config.as_deref())?;
    log::start("warn", config.log.format);
    let host = args.upstream.host_str().unwrap_or_default();
    let server: Box<str> = args.name.as_deref().unwrap_or(host).into();
    let (gateway, state) = open_gateway(args, config.gateway, &server)?;
    let runtime_dir = Dirs::from_env()?.runtime;
    let told = Told::new(args, &config.host, &gateway, &state, &runtime_dir);
    let identity = match (&args.tls_cert, &args.tls_key) {
        (Some(certificate), Some(key)) => {
            Some(Arc::new(Identity::load(certificate, key).map_err(tls_failed)?))
        }
        (_, _) => None,
    };
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let lanes = Lanes::start(cores).map_err(CliError::failure)?;
    let options = HttpOptions {
        upstream: args.upstream.clone(),
        listen: args.listen,
        expose: args.expose,
        hosts: args.allow_host.clone(),
        origins: args.allow_origin.clone(),
        server: server.clone(),
        gate: Arc::clone(gateway.gate()),
        audit: Arc::clone(gateway.audit()),
        sessions: SessionLimits::default(),
        patience: Patience::default(),
        auth: gateway.auth().cloned(),
        tls: identity.clone().map(tls::acceptor).transpose().map_err(tls_failed)?,
        upstream_tls: (args.upstream.scheme() == "https")
            .then(|| tls::connector(args.upstream_ca.as_deref()))
            .transpose()
            .map_err(tls_failed)?,
        followed: Some(told.asks.followed.clone()),
        lanes: lanes.all().to_vec(),
    };
    // A host without an agent is no obstacle, nor is one that has no thread to spare.
    announce(runtime_dir, server.into()).unwrap_or_else(|error| {
        tracing::warn!(%error, "the agent is not told of this gateway");
    });
    raise_descriptors();
    let runtime =
        Builder::new_multi_thread().worker_threads(BESIDE).enable_all().build().map_err(CliError::failure)?;
    let setup = Setup { options, gateway: gateway.clone(), identity, metrics: args.metrics, told };
    let served = runtime.block_on(serve(setup));
    drop(lanes);
    gateway.audit().close().map_err(CliError::failure)?;
    served.map(|()| exit::OK)
}

/// What the server does to the host, as an agent tells it.
struct Told {
    effects: Effects,
    link: Link,
    asks: Asks,
}

impl Told {
    /// Of the server of `args`. What it usually does is kept in `state`; without, nothing is new.
    fn new(args: &Args, host: &config::Host, gateway: &Gateway, state: &Path, runtime_dir: &Path) -> Self {
        let learned = Baselines::open(&state.join(DIRECTORY), host.effects_learning);
        let learned = learned.inspect_err(|error| {
            if host.effects {
                tracing::warn!(%error, "what the server usually does is not kept");
            }
        });
        let link = Link::default();
        let effects = Effects::over(&link, learned.ok());
        let port = args.upstream.port_or_known_default().unwrap_or_default();
        // An IPv6 address is in brackets there.
        let host_of = args.upstream.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let asks = Asks {
            socket: runtime_dir.join(SOCKET),
            upstream: (host_of.to_owned(), port),
            followed: effects.follow_running(),
            hosts: gateway.hosts().clone(),
            is_wanted: host.effects,
        };
        Self { effects, link, asks }
    }
}

/// The gateway of the configuration, where the command line names nothing else; and the directory of what it learns.
fn open_gateway(
    args: &Args,
    mut config: config::Gateway,
    server: &str,
) -> Result<(Gateway, PathBuf), CliError> {
    config.policy = args.policy.clone().or(config.policy);
    let log = args.audit_log.clone().or(config.audit.path);
    let log = log.map_or_else(|| default_path(server), Ok).map_err(CliError::failure)?;
    let state = log.parent().unwrap_or(&log).to_owned();
    config.audit.path = Some(log);
    Ok((Gateway::open(&config, &state)?.authenticating(&config)?, state))
}

/// Every client and every stream has two descriptors; the usual soft limit is for programs that use `select`.
fn raise_descriptors() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard));
    if let Err(error) = raised {
        tracing::debug!(%error, "the limit of descriptors stays as it is");
    }
}

fn tls_failed(error: TlsError) -> CliError {
    CliError::new(exit::CONFIG, error)
}

fn name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > NAME_MAX || text.chars().any(char::is_control) {
        return Err(format!("a name has 1 to {NAME_MAX} bytes, none of them a control character"));
    }
    Ok(text.to_owned())
}
