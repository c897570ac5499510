//! Control socket, HTTP endpoints, metrics and the status they serve.
//!
//! ```text
//! daemon loop ──Status──▶ socket ──▶ client ──▶ cli (table, --json)
//!      ▲                └▶ http ───▶ metrics ──▶ Prometheus
//!      └──Command── socket ◀── wrap registrations
//! ```
//!
//! One struct, [`Status`], is what every reader gets; the table, the JSON and the metrics are renderings of
//! it. Nothing here owns the inventory: the daemon's loop does, and it is asked through [`Command`]s on a
//! bounded channel. Whoever connects is hostile until its credentials say otherwise: every line, wait and
//! number of connections has a limit, and a caller who is not root sees only servers of its own user.

pub mod client;
pub mod guard;
pub mod http;
pub mod metrics;
pub mod peer;
pub mod protocol;
pub mod runtime_dir;
pub mod socket;
pub mod status;

pub use metrics::Counters;
pub use peer::Peer;
pub use protocol::{HandoverRequest, RegisterRequest, Request};
pub use runtime_dir::{RuntimeDir, RuntimeDirError, SOCKET};
pub use socket::{Command, ControlSocket, Refusal};
pub use status::{
    AgentStatus, AuditStatus, Dropped, Gap, GatewayStatus, HookState, HookStatus, Mode, Status, Summary,
};
