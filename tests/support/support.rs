//! What the end-to-end tests share: an agent of one's own, real peers to observe, and ways to wait.
//!
//! Agents see the whole host and tests run side by side, so a test finds *its* servers by process id or by
//! working directory ([`Site`]), never by counting. Waiting is always for something, never for a time.

mod agent;
mod driver;
mod fixture;
mod host;
mod log;
mod peers;
mod port;
mod records;
mod scenario;
mod server;
mod session;
mod site;
mod status;

pub(crate) use agent::{Agent, agent_binary};
pub(crate) use driver::{Client, Driver, Facts};
pub(crate) use fixture::tiny;
pub(crate) use host::{
    descendants, eventually, exe_of, http_get, http_post, is_alive, kill, resident_kib, state_of,
};
pub(crate) use log::Log;
pub(crate) use peers::Peers;
pub(crate) use port::reserved_port;
pub(crate) use records::records;
pub(crate) use scenario::{Company, Skipped, measured, scenario};
pub(crate) use server::{Process, StdioServer, WebServer};
pub(crate) use session::Session;
pub(crate) use site::Site;
pub(crate) use status::{ServerQuery, Status};
