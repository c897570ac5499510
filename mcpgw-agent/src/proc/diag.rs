//! What the kernel tells of sockets (`sock_diag`), one network namespace at a time: that of the calling thread.

use std::io;
use std::net::{IpAddr, SocketAddr};

use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_TCP, SOCK_STREAM};
use netlink_packet_sock_diag::inet::{ExtensionFlags, InetRequest, InetResponseHeader, SocketId, StateFlags};
use netlink_packet_sock_diag::unix::{self, ShowFlags, UnixRequest};
use netlink_packet_sock_diag::{SockDiagMessage, inet};
use netlink_sys::{Socket, SocketAddr as NetlinkAddr, protocols::NETLINK_SOCK_DIAG};

use crate::inventory::SocketAddrs;

/// The kernel fills at most this much per call.
const BUFFER_BYTES: usize = 64 * 1024;
/// Sockets taken from one answer at most.
const MAX_SOCKETS: usize = 1 << 18;
/// Length of a netlink header.
const HEADER_BYTES: usize = 16;

/// A connected stream socket of `AF_UNIX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct UnixSocket {
    /// Inode number.
    pub(super) ino: u64,
    /// Inode number of the other end, unless that is closed.
    pub(super) peer: Option<u64>,
}

/// A TCP socket that some process holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TcpSocket {
    /// Inode number.
    pub(super) ino: u64,
    /// Addresses; the remote one is all zeros for a listener.
    pub(super) addrs: SocketAddrs,
}

/// A netlink socket of one network namespace.
pub(super) struct Diag {
    socket: Socket,
}

impl Diag {
    /// Opens it in the calling thread's network namespace.
    pub(super) fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_SOCK_DIAG)?;
        socket.bind_auto()?;
        socket.connect(&NetlinkAddr::new(0, 0))?;
        // The kernel produces the answer within our own calls: an empty socket means there is no more.
        socket.set_non_blocking(true)?;
        Ok(Self { socket })
    }

    /// All connected stream sockets of `AF_UNIX`. From one datagram to the next the kernel goes on by position: one is left out
    /// of an answer where another before it closes meanwhile.
    pub(super) fn unix_streams(&self) -> io::Result<Vec<UnixSocket>> {
        let request = UnixRequest {
            state_flags: unix::StateFlags::ESTABLISHED,
            inode: 0,
            show_flags: ShowFlags::PEER,
            cookie: [0; 8],
        };
        let mut found = Vec::new();
        self.dump(SockDiagMessage::UnixRequest(request), |message| {
            if let SockDiagMessage::UnixResponse(socket) = message
                && socket.header.kind == SOCK_STREAM
                && socket.header.inode != 0
            {
                let peer = socket.peer().filter(|&ino| ino != 0).map(u64::from);
                found.push(UnixSocket { ino: u64::from(socket.header.inode), peer });
            }
        })?;
        Ok(found)
    }

    /// All listening TCP sockets.
    pub(super) fn listeners(&self) -> io::Result<Vec<TcpSocket>> {
        self.tcp(StateFlags::LISTEN, 0)
    }

    /// All TCP connections from local port `port`, in whatever state has an owner.
    pub(super) fn connections(&self, port: u16) -> io::Result<Vec<TcpSocket>> {
        let closing = StateFlags::FIN_WAIT1 | StateFlags::FIN_WAIT2 | StateFlags::CLOSE_WAIT;
        self.tcp(StateFlags::ESTABLISHED | StateFlags::SYN_SENT | closing, port)
    }

    fn tcp(&self, states: StateFlags, port: u16) -> io::Result<Vec<TcpSocket>> {
        let mut found = Vec::new();
        for (family, mut socket_id) in [(AF_INET, SocketId::new_v4()), (AF_INET6, SocketId::new_v6())] {
            socket_id.source_port = port;
            let request = InetRequest {
                family,
                protocol: IPPROTO_TCP,
                extensions: ExtensionFlags::empty(),
                states: states.clone(),
                socket_id,
            };
            let dumped = self.dump(SockDiagMessage::InetRequest(request), |message| {
                if let SockDiagMessage::InetResponse(socket) = message {
                    found.extend(tcp_socket(&socket));
                }
            });
            // A kernel without IPv6 knows nothing of that family; that is no failure.
            match dumped {
                Err(error)
                    if family == AF_INET6
                        && error.raw_os_error() == Some(nix::errno::Errno::ENOENT as i32) => {}
                other => other?,
            }
        }
        Ok(found)
    }

    fn dump(&self, request: SockDiagMessage, mut each: impl FnMut(SockDiagMessage)) -> io::Result<()> {
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | NLM_F_DUMP;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(request));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        self.socket.send(&bytes, 0)?;

        let mut taken = 0;
        let mut buffer = Vec::with_capacity(BUFFER_BYTES);
        loop {
            buffer.clear();
            let count = self.socket.recv(&mut buffer, 0)?;
            if count == 0 {
                return Ok(());
            }
            for message in messages(&buffer) {
                if let NetlinkPayload::InnerMessage(socket) = message {
                    taken += 1;
                    if taken <= MAX_SOCKETS {
                        each(socket);
                    }
                } else if let NetlinkPayload::Error(error) = message {
                    return Err(error.to_io());
                } else if let NetlinkPayload::Done(_) = message {
                    return Ok(());
                }
            }
        }
    }
}

/// The messages in one datagram; what cannot be parsed is passed over.
fn messages(datagram: &[u8]) -> impl Iterator<Item = NetlinkPayload<SockDiagMessage>> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let length = rest.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))?;
        let length = usize::try_from(length).ok().filter(|&length| length >= HEADER_BYTES)?;
        let message = rest.get(..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(NetlinkMessage::<SockDiagMessage>::deserialize(message).ok())
    })
    .flatten()
    .map(|message| message.payload)
}

fn tcp_socket(response: &inet::InetResponse) -> Option<TcpSocket> {
    let InetResponseHeader { inode, socket_id: id, .. } = &response.header;
    // No inode, no owner: a connection still to be accepted, or one its owner has closed.
    let ino = u64::from(*inode);
    let addr = |ip: IpAddr, port| SocketAddr::new(ip, port);
    let addrs = SocketAddrs {
        local: addr(id.source_address, id.source_port),
        remote: addr(id.destination_address, id.destination_port),
    };
    (ino != 0).then_some(TcpSocket { ino, addrs })
}

#[cfg(test)]
mod tests;
