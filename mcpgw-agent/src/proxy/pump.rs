//! One direction of the byte path.
//!
//! A [`pump`] moves bytes from a source to a sink, in order, one chunk at a time, until one of them ends. It blocks
//! in the write while the sink is full, which is all the back-pressure there is: what one side does not read, the
//! other side soon cannot write. It must never buffer more than the chunk in flight.
//!
//! This is where a decoding engine will sit: between the read and the write of the loop in [`pump`], and nowhere else.

use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Bytes moved at a time: a pipe's default capacity, so that one read empties a full pipe.
const CHUNK_BYTES: usize = 64 * 1024;

/// Why a [`pump`] stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The source has no more to give; all it gave is in the sink.
    Source,
    /// Nobody reads the sink any more.
    Sink,
}

/// Moves bytes from `source` to `sink` until either ends.
pub(super) fn pump(source: BorrowedFd<'_>, sink: BorrowedFd<'_>) -> Ended {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        if wait_readable(source, sink) == Wait::SinkGone {
            return Ended::Sink;
        }
        let read = match nix::unistd::read(source, &mut chunk) {
            Ok(0) => return Ended::Source,
            Ok(read) => read,
            Err(Errno::EINTR | Errno::EAGAIN) => continue,
            // A hung-up terminal (EIO) or a reset socket: no more will come.
            Err(_) => return Ended::Source,
        };
        let bytes = chunk.get(..read).unwrap_or_default();
        if write_all(sink, bytes).is_err() {
            return Ended::Sink;
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    Readable,
    SinkGone,
}

/// Waits until there is something to read, or nobody left to read what would be written: a side that closes its
/// input while the other is silent is noticed now, as it would be on a direct pipe, not at the next message.
fn wait_readable(source: BorrowedFd<'_>, sink: BorrowedFd<'_>) -> Wait {
    let gone = PollFlags::POLLERR | PollFlags::POLLHUP | PollFlags::POLLNVAL;
    loop {
        let mut fds = [PollFd::new(source, PollFlags::POLLIN), PollFd::new(sink, PollFlags::empty())];
        match poll(&mut fds, PollTimeout::NONE) {
            Err(Errno::EINTR) => continue,
            // Not expected; the blocking read still does the right thing, if later.
            Err(_) => return Wait::Readable,
            Ok(_) => {}
        }
        let [source, sink] = &fds;
        if sink.revents().is_some_and(|r| r.intersects(gone)) {
            return Wait::SinkGone;
        }
        if source.any().unwrap_or(true) {
            return Wait::Readable;
        }
    }
}

/// Writes all of `bytes`, also where the other holder of the open file has made it non-blocking.
fn write_all(sink: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match nix::unistd::write(sink, bytes) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => wait_writable(sink)?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn wait_writable(sink: BorrowedFd<'_>) -> Result<(), Errno> {
    match poll(&mut [PollFd::new(sink, PollFlags::POLLOUT)], PollTimeout::NONE) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::thread;

    use super::*;

    #[test]
    fn passes_more_than_one_chunk_and_ends_with_the_source() {
        let (mut client, source) = UnixStream::pair().unwrap();
        let (sink, mut server) = UnixStream::pair().unwrap();
        let sent: Vec<u8> = (0..5 * CHUNK_BYTES + 7).map(|i| u8::try_from(i % 251).unwrap()).collect();
        let mut got = Vec::new();
        thread::scope(|scope| {
            let pumping = scope.spawn(move || pump(source.as_fd(), sink.as_fd()));
            let sent = &sent;
            scope.spawn(move || client.write_all(sent).unwrap());
            server.read_to_end(&mut got).unwrap();
            assert_eq!(pumping.join().unwrap(), Ended::Source);
        });
        assert!(got == sent, "{} bytes in, {} bytes out", sent.len(), got.len());
    }

    #[test]
    fn ends_when_the_reader_leaves_though_nothing_is_sent() {
        let (_client, source) = UnixStream::pair().unwrap();
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        assert_eq!(pump(source.as_fd(), writer.as_fd()), Ended::Sink);
    }

    #[test]
    fn copes_with_descriptors_someone_made_non_blocking() {
        let (mut client, source) = UnixStream::pair().unwrap();
        let (sink, mut server) = UnixStream::pair().unwrap();
        source.set_nonblocking(true).unwrap();
        sink.set_nonblocking(true).unwrap();
        let mut got = Vec::new();
        thread::scope(|scope| {
            scope.spawn(move || pump(source.as_fd(), sink.as_fd()));
            scope.spawn(move || client.write_all(&vec![b'x'; 3_000_000]).unwrap());
            server.read_to_end(&mut got).unwrap();
        });
        assert_eq!(got.len(), 3_000_000);
    }
}
