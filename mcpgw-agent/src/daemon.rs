//! Composition root: wires kernel, `/proc`, inventory and admin together, and owns the one loop that changes
//! the inventory.
//!
//! ```text
//! start: lock and socket ─▶ probes attached ─▶ /proc scanned ─▶ ready        (attach first: nothing falls between)
//! loop:  probes, scans, commands, signals ─▶ Host (inventory) ─▶ effects ─▶ probes, /proc
//! stop:  listeners closed ─▶ loop ends ─▶ probes detached ─▶ socket removed
//! ```
//!
//! Nothing outlives the process: no program is pinned, and whoever kills the agent leaves only a socket file that the
//! next one replaces.

mod callers;
mod clients;
mod confine;
mod dozing;
mod effects;
mod gateway;
mod guard;
mod hashing;
mod host;
mod losses;
mod readers;
mod report;
mod restrain;
mod rings;
mod scanner;
mod settings;
mod signals;
mod state_file;
mod status;
mod tap;
mod tapped;
mod tls;
mod tree;
mod turn;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};

use crate::admin::guard::Halt;
use crate::admin::http::{HttpServer, Sources};
use crate::admin::metrics::Counters;
use crate::admin::socket::Limits;
use crate::admin::{ControlSocket, RuntimeDir, RuntimeDirError};
use crate::config::{Config, Dirs};
use crate::guard::RuleError;
use crate::inventory::{AllowError, HostEvent};
use crate::kernel::{Denials, Hook, Kernel, KernelOptions, Loaded, OptionsError};
use crate::proc::ProcReader;
use crate::proxy::gateway::{Gateway, GatewayError};
use crate::proxy::handover::Sessions;
use crate::proxy::hold::Holds;
use crate::ready::{Heartbeat, Ready};
use crate::systemd::Systemd;
use crate::tasks::{Ended, Tasks};
use callers::Callers;
use confine::Confining;
use effects::Following;
use guard::{Fronts, Hold, Raised, Servers, Tools, Warden, start_files as start_guard_files};
use host::{Host, Parts};
use report::Reporter;
use restrain::Restraining;
use rings::Rings;
use scanner::Scanner;
use signals::Signals;
use status::AgentFacts;
use tapped::Tapped;
use tls::Tls;
use turn::Turn;

pub(crate) use guard::{keep as keep_guard, switch_off as switch_guard_off};
pub use report::{Change, News, Observer};
pub(crate) use settings::kernel as kernel_options;
pub(crate) use status::hook_status;

/// How often time-outs are looked at.
const TICK: Duration = Duration::from_millis(250);
/// How long tasks may take to stop.
const GRACE: Duration = Duration::from_secs(5);
/// How long open sessions may take to be told of the end.
const SESSIONS_GRACE: Duration = Duration::from_secs(4);
/// Commands and scans that may wait for the loop.
const QUEUE: usize = 64;

/// What the daemon is started with.
pub struct RunOptions {
    /// Validated configuration.
    pub config: Config,
    /// Where it came from, for reloading.
    pub config_path: Option<PathBuf>,
    /// Runtime and state directory.
    pub dirs: Dirs,
    /// Told when the agent is ready, and of every server that appears, changes or ends.
    pub observer: Option<Observer>,
}

impl std::fmt::Debug for RunOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunOptions").field("config_path", &self.config_path).finish_non_exhaustive()
    }
}

/// Why the daemon could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The runtime directory or its lock.
    #[error(transparent)]
    RuntimeDir(#[from] RuntimeDirError),
    /// The control socket or the HTTP address could not be set up.
    #[error("cannot listen on {what}")]
    Listen {
        /// Which.
        what: String,
        /// Why.
        source: std::io::Error,
    },
    /// The operating system refused something basic.
    #[error("cannot {what}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// An allow rule the inventory does not take.
    #[error(transparent)]
    Allow(#[from] AllowError),
    /// The probes cannot be set up as configured.
    #[error("the configuration's `host` section cannot be used")]
    Probes(#[from] OptionsError),
    /// A rule of the guard that it does not take.
    #[error(transparent)]
    Guard(#[from] RuleError),
    /// Policy or audit log cannot be used.
    #[error("the gateway cannot be set up")]
    Gateway(#[from] GatewayError),
    /// A part of the agent stopped, and the rest is no use without it.
    #[error("a part of the agent failed")]
    Task(#[source] Arc<Ended>),
}

/// Runs the agent until SIGTERM or SIGINT.
///
/// # Errors
/// See [`DaemonError`]. A host that allows no probes is no error: the agent then polls `/proc`.
pub async fn run(options: RunOptions) -> Result<(), DaemonError> {
    let RunOptions { config, config_path, dirs, observer } = options;
    let Signals { mut stop, reload } = Signals::new()?;
    let mut probes = settings::kernel(&config)?;
    gateway::raise_descriptor_limit();
    let mut runtime_dir = RuntimeDir::lock(&dirs.runtime)?;
    let gateway = Gateway::open(&config.gateway, &dirs.state)?;
    probes.restrain = restrain::wanted(&gateway.policies().current().policy);
    let holds = Arc::new(Holds::new(config.gateway.hold_timeout));
    let sessions = Sessions::new(Arc::clone(gateway.gate()), holds, config.gateway.limits);
    let listener = runtime_dir.bind(&config.admin.socket_group)?;

    let tasks = Tasks::new();
    let (ready, heartbeat, counters) = (Ready::new(), Heartbeat::new(), Arc::new(Counters::new()));
    let scanned = ready.latch("start-up scan");
    let (asks, commands) = mpsc::channel(QUEUE);
    let socket = ControlSocket::new(listener, asks.clone(), Limits::default()).map_err(|source| {
        DaemonError::Listen { what: dirs.control_socket().display().to_string(), source }
    })?;
    let sources = Sources {
        commands: asks,
        counters: Arc::clone(&counters),
        ready: ready.clone(),
        heartbeat: heartbeat.clone(),
        gateway: gateway.clone(),
    };
    let http = bind_http(&config, sources).await?;
    let metrics_address = http.as_ref().map(HttpServer::address);

    let confining = Confining::new(gateway.hosts().clone());
    let watch = watch(&config, &probes, counters, (observer, confining), &tasks, (&gateway, &dirs.state))?;
    let warden = watch.host.guard.warden().clone();
    let socket = socket.halting(Halt::new(move || warden.halt()));
    if let Some(effects) = watch.host.following.all() {
        tasks.spawn("effects", effects::beat(effects.clone(), sessions.clone(), tasks.token().clone()));
    }
    let means = watch.host.means();
    let turn = Turn {
        facts: AgentFacts::new(&watch.hooks, &probes.disabled, watch.host.kernel.is_some(), metrics_address),
        host: watch.host,
        rings: watch.rings,
        commands,
        scans: watch.scans,
        answered: watch.answered,
        libraries: watch.libraries,
        raised: watch.raised,
        scanned: Some(scanned),
        waiting: Vec::new(),
        gateway: gateway.clone(),
        sessions: sessions.clone(),
        heartbeat: heartbeat.clone(),
        reload,
        config_path,
    };
    let (policies, watched) = (Arc::clone(gateway.policies()), gateway.clone());
    let changed = move || drop(watched.reload());
    let hosts = gateway.hosts().clone();
    let names = confine::look_up(Arc::clone(&policies), hosts, means, tasks.token().clone());
    tasks.spawn("names", names);
    tasks.spawn("policy watch", crate::reload::watch(policies, changed, tasks.token().clone()));
    gateway.ship(&tasks);
    tasks.spawn("control socket", socket.run(tasks.clone()));
    if let Some(http) = http {
        tasks.supervise("http endpoints", http.run(tasks.token().clone()));
    }
    tasks.spawn("systemd", Systemd::new().run(ready, heartbeat, tasks.token().clone()));
    tasks.supervise("main loop", turn.run(tasks.token().clone()));

    let outcome = tokio::select! {
        () = stop.wait() => Ok(()),
        ended = tasks.ended() => Err(DaemonError::Task(ended)),
    };
    stop_all(&sessions, tasks, &gateway).await;
    drop(runtime_dir);
    outcome
}

/// Ends the sessions, then everything else, then the log.
async fn stop_all(sessions: &Sessions, tasks: Tasks, gateway: &Gateway) {
    // While everything else still works: a client that is told in time need not find out.
    let left = tokio::task::block_in_place(|| sessions.stop(SESSIONS_GRACE));
    if left > 0 {
        tracing::warn!(sessions = left, "did not end in time");
    }
    let report = tasks.shutdown(GRACE).await;
    if !report.aborted.is_empty() {
        tracing::warn!(tasks = ?report.aborted, "did not stop in time");
    }
    if let Err(error) = gateway.audit().close() {
        tracing::error!(%error, "the audit log could not be closed");
    }
}

/// Everything that sees the host, attached and running.
struct Watch {
    host: Host,
    hooks: Vec<Hook>,
    rings: Rings,
    scans: mpsc::Receiver<Vec<HostEvent>>,
    answered: mpsc::Receiver<HostEvent>,
    libraries: mpsc::Receiver<tls::Answer>,
    raised: mpsc::Receiver<Raised>,
}

/// Attaches first, then scans: what starts in between is seen twice, never missed.
fn watch(
    config: &Config,
    probes: &KernelOptions,
    counters: Arc<Counters>,
    (observer, confining): (Option<Observer>, Confining),
    tasks: &Tasks,
    (gateway, state): (&Gateway, &Path),
) -> Result<Watch, DaemonError> {
    let Loaded { mut kernel, hooks } = Kernel::load(probes);
    let rings = Rings::take(kernel.as_mut());
    let baselines = || effects::baselines(state, config.host.effects_learning);
    let following =
        Following::new(kernel.as_mut().filter(|_| config.host.effects), baselines, gateway.hosts().clone());
    if let Some(log) = kernel.as_mut().and_then(Kernel::take_probe_log) {
        let token = tasks.token().clone();
        let log = async move { token.run_until_cancelled(log.run()).await.unwrap_or(Ok(())) };
        tasks.supervise("probe log", log);
    }
    let reader = Arc::new(ProcReader::new());
    let resync = Arc::new(Notify::new());
    let (found, scans) = mpsc::channel(QUEUE);
    // What a missing probe would have told, only `/proc` can.
    let missing = |hook: &Hook| hook.tells_of_processes() && !hook.state.is_attached();
    let interval = hooks.iter().any(missing).then_some(config.host.scan_interval);
    let scanner = Scanner::new(Arc::clone(&reader), found, Arc::clone(&resync), interval);
    tasks.supervise("scanner", scanner.run(tasks.token().clone()));

    let (hashes, jobs) = mpsc::channel(QUEUE);
    let (asked, lookups) = mpsc::channel(QUEUE);
    let (answers, answered) = mpsc::channel(QUEUE);
    tasks.spawn("hashing", hashing::run(Arc::clone(&reader), jobs, answers.clone()));
    tasks.spawn("callers", callers::run(lookups, answers));

    let (gate, counted) = (Arc::clone(gateway.gate()), Arc::clone(&counters));
    let tapped = Tapped::start(gate, counted, Arc::clone(&reader), tasks)
        .map_err(|source| DaemonError::System { what: "start a thread", source })?;
    let (look, looks) = mpsc::channel(tls::JOBS);
    let (give_up, given_up) = mpsc::channel(tls::JOBS);
    let (found_in, libraries) = mpsc::channel(QUEUE);
    tasks.spawn("tls libraries", tls::find(looks, found_in));
    tasks.spawn("tls probes", tls::release(given_up));
    let tls = Tls::new(settings::readers(config)?, config.observe.tap_budget_bytes.into(), look, give_up);
    let inventory = settings::inventory(config, kernel.is_some())?;
    let callers = Callers::new(asked);
    let denials = kernel.as_mut().and_then(Kernel::take_denials);
    let restraints = kernel.as_mut().and_then(Kernel::take_restraints);
    let (guard, raised) = guarding(config, (gateway, state, denials), &counters, &reader, tasks)?;
    let sources = (Arc::clone(gateway.policies()), gateway.hosts().clone());
    let restraining = Restraining::start(restraints, sources, guard.warden().clone(), tasks.token().clone())
        .map_err(|source| DaemonError::System { what: "start a thread", source })?;
    let reporter = Reporter::new(observer);
    let host = Host::new(
        inventory,
        Parts {
            kernel,
            following,
            confining,
            restraining,
            tapped,
            tls,
            reader,
            counters,
            resync,
            hashes,
            callers,
            reporter,
            guard,
        },
    );
    Ok(Watch { host, hooks, rings, scans, answered, libraries, raised })
}

/// The guard, its threads and its task.
fn guarding(
    config: &Config,
    (gateway, state, denials): (&Gateway, &Path, Option<Denials>),
    counters: &Counters,
    reader: &Arc<ProcReader>,
    tasks: &Tasks,
) -> Result<(Servers, mpsc::Receiver<Raised>), DaemonError> {
    let tools = Tools {
        counts: Arc::clone(counters.guard()),
        audit: Arc::clone(gateway.audit()),
        reader: Arc::clone(reader),
    };
    let warden = Warden::new(&config.host.guard, state, tools)?;
    let files = Arc::new(AtomicUsize::new(0));
    if config.host.client_files {
        let tools = clients::Tools {
            audit: Arc::clone(gateway.audit()),
            counts: Arc::clone(counters.guard()),
            files: Arc::clone(&files),
        };
        if let Err(error) =
            clients::start(config.host.client_homes.clone(), state, tools, tasks.token().clone())
        {
            tracing::warn!(%error, "clients' configuration files are not watched");
        }
    }
    let hold = Hold::start(warden.clone(), tasks.token().clone())
        .and_then(|hold| start_guard_files(warden.clone(), denials, tasks.token().clone()).map(|()| hold))
        .map_err(|source| DaemonError::System { what: "start the guard's threads", source })?;
    let (want, wanted) = mpsc::channel(QUEUE);
    let (raise, raised) = mpsc::channel(QUEUE);
    let (gate, audit) = (Arc::clone(gateway.gate()), Arc::clone(gateway.audit()));
    let fronts = Fronts { gate, audit, wanted, raised: raise };
    tasks.spawn("gateways of steered servers", fronts.run(tasks.token().clone()));
    Ok((Servers::new(warden, hold, want, files), raised))
}

async fn bind_http(config: &Config, sources: Sources) -> Result<Option<HttpServer>, DaemonError> {
    let Some(address) = config.admin.metrics_address else { return Ok(None) };
    let server = HttpServer::bind(address, sources).await;
    server.map(Some).map_err(|source| DaemonError::Listen { what: address.to_string(), source })
}
