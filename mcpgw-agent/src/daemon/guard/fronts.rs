//! Gateways in front of servers whose connections are steered: policy, inspection and audit as for any other message, for
//! clients that know nothing of it.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::servers::local_addresses;
use crate::audit::AuditLog;
use crate::inventory::Suspect;
use crate::proxy::effects::Followed;
use crate::proxy::gate::Gate;
use crate::proxy::http::{HttpOptions, HttpProxy, Patience, SessionLimits};
use crate::tasks::Tasks;

/// How long exchanges under way may take when a gateway is no longer needed.
const GRACE: Duration = Duration::from_secs(5);

/// What the loop wants of the task.
#[derive(Debug)]
pub(crate) enum Want {
    /// A gateway.
    Raise(Front),
    /// It is not needed any more.
    Lower(u64),
}

/// A gateway that is wanted.
#[derive(Debug)]
pub(crate) struct Front {
    seq: u64,
    upstream: Url,
    server: Box<str>,
    /// What the server does is told.
    followed: Option<Followed>,
}

impl Front {
    /// One before this server; `None` where it is not known where it listens.
    pub(super) fn before(suspect: &Suspect) -> Option<Self> {
        let (addr, path) = match &suspect.endpoint {
            Some((addr, path)) => (*addr, path.as_str()),
            None => (suspect.listeners.first()?.addr, "/mcp"),
        };
        let ip = match addr.ip().to_canonical() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
        };
        let addr = SocketAddr::new(ip, addr.port());
        let mut upstream = Url::parse(&format!("http://{addr}/")).ok()?;
        upstream.set_path(path.split('?').next().unwrap_or_default());
        let server = suspect.name.clone().unwrap_or_else(|| addr.to_string()).into();
        Some(Self { seq: suspect.seq, upstream, server, followed: None })
    }

    /// What the server does is told, where it is.
    pub(super) fn followed_by(self, followed: Option<Followed>) -> Self {
        Self { followed, ..self }
    }
}

/// Where a gateway listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    v4: u16,
    v6: Option<u16>,
}

impl Ports {
    /// The port for connections to this address.
    pub(crate) fn of(self, ip: IpAddr) -> Option<u16> {
        if ip.to_canonical().is_ipv4() { Some(self.v4) } else { self.v6 }
    }
}

/// What came of wanting a gateway.
#[derive(Debug)]
pub(crate) struct Raised {
    /// The server.
    pub(crate) seq: u64,
    /// Its ports, or what is in the way.
    pub(crate) outcome: Result<Ports, String>,
}

/// The task's part.
#[derive(Debug)]
pub(crate) struct Fronts {
    pub(crate) gate: Arc<Gate>,
    pub(crate) audit: Arc<AuditLog>,
    pub(crate) wanted: mpsc::Receiver<Want>,
    pub(crate) raised: mpsc::Sender<Raised>,
}

impl Fronts {
    /// Raises and lowers until `ending`.
    pub(crate) async fn run(mut self, ending: CancellationToken) {
        let mut standing: HashMap<u64, Tasks> = HashMap::new();
        while let Some(Some(want)) = ending.run_until_cancelled(self.wanted.recv()).await {
            match want {
                Want::Raise(front) => {
                    let tasks = Tasks::new();
                    let (seq, outcome) = (front.seq, self.raise(front, &tasks).await);
                    if let Some(before) = standing.insert(seq, tasks) {
                        before.token().cancel();
                    }
                    if self.raised.send(Raised { seq, outcome }).await.is_err() {
                        break;
                    }
                }
                Want::Lower(seq) => {
                    if let Some(tasks) = standing.remove(&seq) {
                        tasks.token().cancel();
                    }
                }
            }
        }
        for tasks in standing.values() {
            drop(tasks.shutdown(GRACE).await);
        }
    }

    async fn raise(&self, front: Front, tasks: &Tasks) -> Result<Ports, String> {
        let v4 = self.bind(&front, IpAddr::V4(Ipv4Addr::LOCALHOST), tasks).await?;
        // A host without IPv6 has no clients that use it.
        let v6 = self.bind(&front, IpAddr::V6(Ipv6Addr::LOCALHOST), tasks).await.ok();
        tracing::warn!(server = %front.server, upstream = %front.upstream, port = v4, "a gateway stands before a server");
        Ok(Ports { v4, v6 })
    }

    async fn bind(&self, front: &Front, ip: IpAddr, tasks: &Tasks) -> Result<u16, String> {
        let mut hosts: Vec<String> =
            local_addresses().iter().map(|ip| SocketAddr::new(*ip, 0)).map(name).collect();
        hosts.extend(nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()));
        let options = HttpOptions {
            upstream: front.upstream.clone(),
            listen: SocketAddr::new(ip, 0),
            expose: false,
            hosts,
            origins: Vec::new(),
            server: front.server.clone(),
            gate: Arc::clone(&self.gate),
            audit: Arc::clone(&self.audit),
            sessions: SessionLimits::default(),
            patience: Patience::default(),
            auth: None,
            tls: None,
            upstream_tls: None,
            followed: front.followed.clone(),
            lanes: Vec::new(),
        };
        let proxy = HttpProxy::bind(options, tasks).await.map_err(|error| error.to_string())?;
        let port = proxy.address().port();
        tasks.supervise("steered connections", proxy.run());
        Ok(port)
    }
}

/// An address as a host is named: IPv6 in brackets, no port.
fn name(addr: SocketAddr) -> String {
    match addr.ip() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}
