//! Every process that matters and every MCP server on the host. Pure: events in, effects and a view out.
//!
//! ```text
//! HostEvent ─▶ lifecycle | sight | http ─▶ facts: processes, channels, listeners, dialogues, registrations
//!                                              │ records marked dirty
//!                        tick (time) ─────────▶ refresh: attribute → assess → Effects, view
//! ```
//!
//! A stdio server is the conversation behind one input channel, however many wrappers hold it; an HTTP server is
//! one listener, however many workers accept. Handlers only gather; attribution and verdict are derived from the
//! facts afterwards, so that the order in which events arrive never shows. Everything is bounded, nothing panics
//! on what the kernel, `/proc` or a peer sends, and no untrusted text leaves unescaped.

// contracts
mod event;
mod time;
mod view;
// settings and numbers
mod allow;
mod config;
mod stats;
// facts
mod candidate;
mod channel;
mod dialogue;
mod direction;
mod evidence;
mod follow;
mod known_client;
mod listener;
mod listening;
mod orphans;
mod process;
mod process_table;
mod program;
mod proxies;
mod remote;
mod room;
mod server;
mod server_table;
mod tap;
mod text;
// gathering
mod http;
mod lifecycle;
mod sight;
mod state;
mod tick;
// deriving
mod assess;
mod attribute;
mod refresh;
mod render;
mod suspect;
#[cfg(test)]
mod tests;

pub(crate) use allow::Subject as AllowSubject;
pub use allow::{AllowError, AllowList, AllowRule, AllowSpec};
pub use candidate::names_a_server;
pub use config::{InventoryConfig, Limits, Timeouts};
pub use event::{
    Channel, ChannelEnd, ChannelKind, Effect, Enriched, Exec, FileId, HostEvent, Listener, ObservedProcess,
    ProcessKey, ProxyRegistration, ScannedProcess, SocketAddrs, StreamSource,
};
pub use follow::{FollowList, FollowSpec, Followed, Lane, Peer};
pub use known_client::is_known_client;
pub use program::program;
pub(crate) use remote::{RemoteKey, host_of};
pub use render::ViewFilter;
pub(crate) use room::quietest;
pub use state::Inventory;
pub use stats::InventoryStats;
pub use suspect::Suspect;
pub use time::BootTime;
pub use view::{
    ClientView, EvidenceView, GatewayPlace, MessageCounts, ObserveMode, ProcessRef, RemoteView, ServerInfo,
    ServerState, ServerView, TlsView, Transport,
};
