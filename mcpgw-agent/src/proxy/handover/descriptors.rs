//! What may be handed over, and what was: descriptors from another process are hostile until looked at.
//!
//! Pipes, and stream sockets whose other end the same user made. Nothing else: a terminal belongs to a session, a file
//! written by the daemon would pass by its owner's quota, a device may be anything, and a socket to somebody else's
//! service would speak with the daemon's credentials.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, OFlags, StatxFlags, fcntl_getfl, statx};
use rustix::net::{AddressFamily, SocketType, sockopt};

/// Why a descriptor cannot be handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    /// Neither a pipe nor a stream socket of the same user.
    #[error("is neither a pipe nor the user's own socket")]
    Kind,
    /// Not open for what it is needed for.
    #[error("is not open for this direction")]
    Direction,
    /// Not as many as there should be.
    #[error("there are not five descriptors")]
    Number,
}

/// What a descriptor is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Read,
    Write,
}

/// Whether `uid` may hand `descriptor` over. Asks nothing that a file system of a user's own making could delay.
///
/// # Errors
/// [`Unfit`]
pub(super) fn check(descriptor: impl AsFd, needed: Use, uid: u32) -> Result<(), Unfit> {
    let descriptor = descriptor.as_fd();
    let flags = fcntl_getfl(descriptor).map_err(|_error| Unfit::Kind)?;
    let mode = flags & OFlags::RWMODE;
    let fits = match needed {
        Use::Read => mode == OFlags::RDONLY || mode == OFlags::RDWR,
        Use::Write => mode == OFlags::WRONLY || mode == OFlags::RDWR,
    };
    // `O_PATH` opens nothing at all.
    if !fits || flags.contains(OFlags::PATH) {
        return Err(Unfit::Direction);
    }
    let ask = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
    let stat = statx(descriptor, "", ask, StatxFlags::TYPE).map_err(|_error| Unfit::Kind)?;
    let kind = FileType::from_raw_mode(stat.stx_mode.into());
    if kind == FileType::Fifo || (kind == FileType::Socket && is_own_stream(descriptor, uid)) {
        Ok(())
    } else {
        Err(Unfit::Kind)
    }
}

/// A connected stream socket of `AF_UNIX` whose other end `uid` made.
fn is_own_stream(socket: impl AsFd, uid: u32) -> bool {
    let socket = socket.as_fd();
    sockopt::socket_domain(socket) == Ok(AddressFamily::UNIX)
        && sockopt::socket_type(socket) == Ok(SocketType::STREAM)
        && sockopt::socket_acceptconn(socket) == Ok(false)
        && sockopt::socket_peercred(socket).is_ok_and(|peer| peer.uid.as_raw() == uid)
}

/// What was handed over, in its order.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) client_in: OwnedFd,
    pub(super) client_out: OwnedFd,
    pub(super) server_in: OwnedFd,
    pub(super) server_out: OwnedFd,
    pub(super) ledger: OwnedFd,
}

impl Received {
    /// Looks at what `uid` handed over; the ledger is looked at where it is opened.
    ///
    /// # Errors
    /// [`Unfit`] of the first that cannot be taken.
    pub(super) fn check(received: Vec<OwnedFd>, uid: u32) -> Result<Self, Unfit> {
        let five: [OwnedFd; 5] = received.try_into().map_err(|_wrong| Unfit::Number)?;
        let [client_in, client_out, server_in, server_out, ledger] = five;
        for (descriptor, needed) in [
            (&client_in, Use::Read),
            (&client_out, Use::Write),
            (&server_in, Use::Write),
            (&server_out, Use::Read),
        ] {
            check(descriptor, needed, uid)?;
        }
        Ok(Self { client_in, client_out, server_in, server_out, ledger })
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

    use super::*;

    fn own() -> u32 {
        nix::unistd::geteuid().as_raw()
    }

    #[test]
    fn pipes_and_own_socket_pairs_are_taken() {
        let (reader, writer) = std::io::pipe().unwrap();
        assert_eq!(check(&reader, Use::Read, own()), Ok(()));
        assert_eq!(check(&writer, Use::Write, own()), Ok(()));
        assert_eq!(check(&writer, Use::Read, own()), Err(Unfit::Direction));
        assert_eq!(check(&reader, Use::Write, own()), Err(Unfit::Direction));
        let (one, _other) = UnixStream::pair().unwrap();
        assert_eq!(check(&one, Use::Read, own()), Ok(()));
        assert_eq!(check(&one, Use::Read, own() + 1), Err(Unfit::Kind), "another user's end");
    }

    #[test]
    fn nothing_else_is() {
        let dir = tempfile::tempdir().unwrap();
        let file = tempfile::tempfile().unwrap();
        let (datagram, _other) = UnixDatagram::pair().unwrap();
        let listener = UnixListener::bind(dir.path().join("s")).unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let connected = TcpStream::connect(tcp.local_addr().unwrap()).unwrap();
        let null = File::options().read(true).write(true).open("/dev/null").unwrap();
        let path = rustix::fs::open("/", OFlags::PATH | OFlags::CLOEXEC, rustix::fs::Mode::empty()).unwrap();
        let unfit: [OwnedFd; 8] = [
            file.into(),
            datagram.into(),
            listener.into(),
            tcp.into(),
            connected.into(),
            null.into(),
            path,
            File::open(dir.path()).unwrap().into(),
        ];
        for descriptor in unfit {
            assert!(check(&descriptor, Use::Read, own()).is_err(), "{descriptor:?}");
        }
    }
}
