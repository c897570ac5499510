//! Every process that matters and every MCP server on the host. Pure: events in, effects and a view out.

mod event;
mod time;
mod view;

pub use event::{
    Channel, ChannelEnd, ChannelKind, ObservedProcess, Effect, Enriched, Exec, FileId, HostEvent, Listener, ProcessKey,
    ProxyRegistration, ScannedProcess, SocketAddrs, StreamSource,
};
pub use time::BootTime;
pub use view::{ClientView, EvidenceView, MessageCounts, ProcessRef, ServerInfo, ServerState, ServerView, Transport};
