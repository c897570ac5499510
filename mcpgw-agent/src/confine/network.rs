//! TCP ports, by Landlock. Which host is behind a port it does not know.

use landlock::{AccessNet, BitFlags};

use super::ability::{Abilities, PORTS};
use crate::effects::Protocol;
use crate::policy::effects::{Addresses, Confinement, Destination, Host, Ports};

/// The port of name services.
const DNS: u16 = 53;
/// Ports that are told apart; where more are allowed, all are.
const PORTS_MAX: usize = 4096;

/// Which ports may be used for what.
#[derive(Debug, Default)]
pub(super) struct Network {
    pub(super) handled: BitFlags<AccessNet>,
    pub(super) ports: Vec<(u16, AccessNet)>,
}

impl Network {
    /// Of `confinement`, with what of `abilities` there is.
    pub(super) fn new(confinement: &Confinement, abilities: &Abilities) -> Self {
        let mut network = Self::default();
        if abilities.landlock < PORTS {
            return network;
        }
        for (limit, access) in
            [(&confinement.connect, AccessNet::ConnectTcp), (&confinement.listen, AccessNet::BindTcp)]
        {
            let Some(ports) = limit.as_ref().and_then(tcp_ports) else { continue };
            network.handled |= access;
            network.ports.extend(ports.into_iter().map(|port| (port, access)));
        }
        network
    }
}

/// The ports something may be reached at by TCP; `None` where all are, or too many.
fn tcp_ports(limit: &Addresses) -> Option<Vec<u16>> {
    let mut ports = Vec::new();
    for destination in limit.allow.as_ref()?.iter().filter(|one| one.protocol != Some(Protocol::Udp)) {
        let Ports { first, last } = destination.ports;
        if usize::from(last - first) + ports.len() > PORTS_MAX {
            return None;
        }
        ports.extend(first..=last);
    }
    if has_names(limit) {
        ports.push(DNS);
    }
    Some(ports)
}

/// Something is allowed by name, which has to be asked for by datagrams.
fn has_names(limit: &Addresses) -> bool {
    limit.allow.iter().flatten().any(|one| matches!(one.host, Host::Name(_)))
}

/// Nothing that `limit` allows is reached by datagrams.
pub(super) fn forbids_datagrams(limit: &Addresses) -> bool {
    let is_tcp = |one: &Destination| one.protocol == Some(Protocol::Tcp);
    limit.allow.as_ref().is_some_and(|allow| allow.iter().all(is_tcp)) && !has_names(limit)
}

/// Nobody may be listened to.
pub(super) fn forbids_listening(limit: &Addresses) -> bool {
    limit.allow.as_ref().is_some_and(Vec::is_empty)
}

/// What neither Landlock nor seccomp can say of `confinement`, or these of `abilities` cannot.
pub(super) fn unprevented(
    confinement: &Confinement,
    abilities: &Abilities,
    by_address: bool,
    left: &mut Vec<String>,
) {
    if let Some(connect) = confinement.connect.as_ref().filter(|_| !by_address) {
        let knows_ports = abilities.landlock >= PORTS && tcp_ports(connect).is_some();
        let by_host = connect.allow.iter().flatten().any(|one| one.host != Host::Any);
        if !knows_ports {
            left.push("`connect` is detected only: connections are not prevented here".to_owned());
        } else if by_host || !connect.deny.is_empty() {
            left.push(
                "`connect` is prevented by TCP port; which address is behind it is detected only".to_owned(),
            );
        }
        if connect.allow.is_some() && !forbids_datagrams(connect) {
            left.push("`connect`: datagrams are detected only".to_owned());
        }
    }
    if let Some(listen) = &confinement.listen {
        let by_host = listen.allow.iter().flatten().any(|one| one.host != Host::Any);
        let is_filtered = abilities.seccomp && forbids_listening(listen);
        let by_port = abilities.landlock >= PORTS && tcp_ports(listen).is_some();
        let rest = if !by_port && !is_filtered {
            "`listen` is detected only: it is not prevented here"
        } else if by_host || !listen.deny.is_empty() {
            "`listen` is prevented by TCP port; addresses and datagrams are detected only"
        } else {
            "`listen`: datagrams are detected only"
        };
        left.extend((!by_address).then(|| rest.to_owned()));
        if !is_filtered {
            left.push(
                "`listen`: a TCP socket that was given no address can listen at a port of the kernel's choice, unseen"
                    .to_owned(),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_elsewhere_or_by_seccomp_is_not_said_to_be_free() {
        let said = |allow: Option<Vec<Destination>>, seccomp, by_address| {
            let confinement =
                Confinement { listen: Some(Addresses { allow, deny: Vec::new() }), ..Confinement::default() };
            let mut left = Vec::new();
            unprevented(&confinement, &Abilities { landlock: 6, seccomp }, by_address, &mut left);
            left.join("; ")
        };
        assert_eq!(said(Some(Vec::new()), true, true), "");
        assert_eq!(said(Some(Vec::new()), true, false), "`listen`: datagrams are detected only");
        let unseen = "`listen`: a TCP socket that was given no address can listen at a port of the kernel's choice, unseen";
        assert_eq!(said(None, true, true), unseen);
        let nothing = format!("`listen` is detected only: it is not prevented here; {unseen}");
        assert_eq!(said(None, true, false), nothing);
    }
}
