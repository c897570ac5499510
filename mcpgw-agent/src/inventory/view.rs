//! What people see of the inventory. These structs *are* the `servers` part of `status --json`, schema 1:
//! a change here is a change of a documented contract (docs/status.md).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One MCP server, or a process that may be one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerView {
    /// Stable for the server's life: lower-case base 32 of its process identity and channel.
    pub id: String,
    /// Process id (initial namespace) of the process that really reads the channel or listens.
    pub pid: u32,
    /// When that process started.
    pub start_time: Timestamp,
    /// User name; the number as text where it has no name.
    pub user: String,
    /// Real user id.
    pub uid: u32,
    /// Executable path.
    pub exe: String,
    /// Command line.
    pub command: Vec<String>,
    /// Working directory.
    pub cwd: Option<String>,
    /// Container id or machine name.
    pub container: Option<String>,
    /// systemd unit.
    pub unit: Option<String>,
    /// How clients reach it.
    pub transport: Transport,
    /// Address for network transports, as `http://127.0.0.1:8000/mcp`.
    pub endpoint: Option<String>,
    /// The verdict.
    pub state: ServerState,
    /// Why the state is what it is, in words: names the allow rule, what made it unknown, the wrap's name.
    pub reason: String,
    /// Where the messages of a wrapped server are decided on; `None` for any other, and once it has ended.
    #[serde(default)]
    pub gateway: Option<GatewayPlace>,
    /// MCP was seen on the wire, in both directions.
    pub confirmed: bool,
    /// What speaks for it, oldest first.
    pub evidence: Vec<EvidenceView>,
    /// From `initialize` or `server/discover`.
    pub server_info: Option<ServerInfo>,
    /// Negotiated protocol revision.
    pub protocol_version: Option<String>,
    /// Tools in the last `tools/list` answer seen.
    pub tools: Option<u32>,
    /// Who launched or uses it.
    pub client: Option<ClientView>,
    /// Parent, grandparent and so on, nearest first, at most eight.
    pub ancestors: Vec<ProcessRef>,
    /// First evidence.
    pub first_seen: Timestamp,
    /// Latest evidence or message.
    pub last_seen: Timestamp,
    /// When it ended; absent while it runs.
    pub ended_at: Option<Timestamp>,
    /// How much of its traffic is looked at.
    #[serde(default)]
    pub observe: ObserveMode,
    /// Messages seen while observed (observation ends once a server is classified).
    pub messages: MessageCounts,
}

/// A server elsewhere that a process of this host talks to over TLS; or, where that cannot be read, whom it talks to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteView {
    /// The host, as the client named it; its address where it named none.
    pub host: String,
    /// Path of the requests, where they can be read.
    pub path: Option<String>,
    /// The address it was last reached at, with the port; `None` where that was not seen.
    pub address: Option<String>,
    /// Whether what is said can be read.
    pub tls: TlsView,
    /// Why not; empty where it can.
    pub reason: String,
    /// How the client talks to it; `None` where that cannot be read.
    pub transport: Option<Transport>,
    /// MCP was seen in both directions.
    pub confirmed: bool,
    /// From `initialize` or `server/discover`.
    pub server_info: Option<ServerInfo>,
    /// Negotiated protocol revision.
    pub protocol_version: Option<String>,
    /// Tools in the last `tools/list` answer seen.
    pub tools: Option<u32>,
    /// Who talks to it.
    pub client: ClientView,
    /// The client's real user id.
    pub uid: u32,
    /// When it was first talked to.
    pub first_seen: Timestamp,
    /// When last.
    pub last_seen: Timestamp,
    /// When the client ended; absent while it runs.
    pub ended_at: Option<Timestamp>,
    /// How much of it is looked at.
    pub observe: ObserveMode,
    /// Messages seen.
    pub messages: MessageCounts,
}

/// Whether TLS can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TlsView {
    /// The client's library shows what passes.
    Read,
    /// It does not.
    Opaque,
}

/// The verdict on a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServerState {
    /// Confirmed, and no gateway stands between it and its client.
    Unproxied,
    /// Confirmed or not, what would settle the state could not be seen.
    Unknown,
    /// Looks like one; nothing on the wire has confirmed it yet.
    Candidate,
    /// Sanctioned by the configuration.
    Allowed,
    /// Its client side is a registered mcpgw.
    Proxied,
}

/// Where messages are decided on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GatewayPlace {
    /// In the agent, to which the wrap has handed the session over.
    Daemon,
    /// In the wrap itself.
    Embedded,
}

/// How much of a server's traffic is looked at by itself, past any gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ObserveMode {
    /// Until it is classified.
    #[default]
    Inventory,
    /// Every message, for as long as it runs.
    Messages,
}

/// How clients reach a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Newline-delimited JSON over pipes or a socketpair.
    Stdio,
    /// Streamable HTTP.
    Http,
    /// The HTTP+SSE transport of 2024-11-05.
    Sse,
    /// A named Unix socket.
    Unix,
}

/// One piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceView {
    /// `shape`, `command`, `listener`, `request`, `response`, `header`, `registration`.
    pub kind: String,
    /// What was seen, one line, untrusted text already escaped.
    pub detail: String,
    /// When.
    pub at: Timestamp,
}

/// A server's name for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerInfo {
    /// `serverInfo.name`.
    pub name: String,
    /// `serverInfo.version`.
    pub version: String,
}

/// The program on the client side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientView {
    /// Process id.
    pub pid: u32,
    /// Executable path, or the command's first word where that is all that is known.
    pub exe: String,
    /// Command line.
    pub command: Vec<String>,
    /// `clientInfo.name`, where seen.
    pub name: Option<String>,
}

/// A process, briefly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessRef {
    /// Process id.
    pub pid: u32,
    /// Executable path.
    pub exe: String,
}

/// Messages seen by direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MessageCounts {
    /// Client to server.
    pub c2s: u64,
    /// Server to client.
    pub s2c: u64,
}
