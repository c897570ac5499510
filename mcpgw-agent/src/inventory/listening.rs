//! Who would take a connection.

use std::net::SocketAddr;

use super::listener;
use super::state::Inventory;
use super::{Listener, ProcessKey};

impl Inventory {
    /// Who runs and listens where a connection to `addr` in the network namespace `net_ns` arrives: at that very address, or where
    /// nobody does, at any.
    #[must_use]
    pub fn listening(&self, addr: SocketAddr, net_ns: u32) -> Vec<(Listener, ProcessKey)> {
        let addr = listener::canonical(addr);
        let near = |listener: &Listener| listener.net_ns == net_ns || listener.net_ns == 0;
        let on_port = self.listeners.on_port(addr.port()).filter(near);
        let (exact, others): (Vec<Listener>, Vec<Listener>) =
            on_port.filter(|at| listener::accepts(at.addr.ip(), addr.ip())).partition(|at| at.addr == addr);
        let found = if exact.is_empty() { others } else { exact };
        let owners = |at: Listener| {
            let entry = self.listeners.get(at);
            entry.into_iter().flat_map(move |entry| entry.owners.keys().map(move |owner| (at, *owner)))
        };
        found.into_iter().flat_map(owners).filter(|(_, owner)| self.processes.is_alive(*owner)).collect()
    }
}
