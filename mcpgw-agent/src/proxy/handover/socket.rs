//! Lines and descriptors over the control socket, blocking and with a deadline.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// Descriptors in a message.
const DESCRIPTORS: usize = 5;
/// The byte they travel with.
const MARK: u8 = b'd';
/// Longest line either side sends here.
const LINE_MAX: usize = 4096;
/// Longest line of the daemon, which may say what a server may do.
const LONG_LINE_MAX: usize = 4 << 20;

/// Sends `descriptors`.
///
/// # Errors
/// The other side is gone, or takes nothing.
pub(super) fn send_descriptors(
    stream: &UnixStream,
    descriptors: [BorrowedFd<'_>; DESCRIPTORS],
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::Error::other("the descriptors do not fit"));
    }
    let sent = sendmsg(stream, &[IoSlice::new(&[MARK])], &mut control, SendFlags::NOSIGNAL)?;
    if sent == 1 { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

/// Receives descriptors, close-on-exec, within `bound`.
///
/// # Errors
/// There are too many, or something else came, or nothing in time.
pub(super) fn receive_descriptors(stream: &UnixStream, bound: Duration) -> io::Result<Vec<OwnedFd>> {
    stream.set_read_timeout(Some(bound))?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut mark = [0];
    let got = recvmsg(stream, &mut [IoSliceMut::new(&mut mark)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    // Taken in any case, so that they are closed.
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            descriptors.extend(received);
        }
    }
    if got.bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    // What did not fit the kernel has closed.
    if mark != [MARK] || got.flags.contains(ReturnFlags::CTRUNC) || descriptors.len() != DESCRIPTORS {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not the descriptors that were expected"));
    }
    Ok(descriptors)
}

/// Writes `line` and its end.
///
/// # Errors
/// The other side is gone, or takes nothing.
pub(in crate::proxy) fn write_line(mut stream: &UnixStream, line: &[u8]) -> io::Result<()> {
    let mut line = line.to_vec();
    line.push(b'\n');
    stream.write_all(&line)
}

/// The next line, without its end, within `bound`; `None`: however long it takes. Byte by byte, so that nothing after
/// it is taken: lines here are few and short.
///
/// # Errors
/// The other side is gone, or too slow, or says too much.
pub(in crate::proxy) fn read_line(stream: &UnixStream, bound: Option<Duration>) -> io::Result<Vec<u8>> {
    read(stream, bound, LINE_MAX)
}

/// The same of a line that may be long.
///
/// # Errors
/// As those of [`read_line`].
pub(in crate::proxy) fn read_long_line(stream: &UnixStream, bound: Option<Duration>) -> io::Result<Vec<u8>> {
    read(stream, bound, LONG_LINE_MAX)
}

fn read(mut stream: &UnixStream, bound: Option<Duration>, most: usize) -> io::Result<Vec<u8>> {
    let deadline = bound.map(|bound| Instant::now() + bound);
    let mut line = Vec::new();
    while line.len() < most {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(left)?;
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) if byte == [b'\n'] => return Ok(line),
            Ok(_) => line.extend(byte),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "the line is too long"))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    /// For what does not come.
    const SOON: Duration = Duration::from_millis(50);
    /// For what is there.
    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn five_arrive_and_more_or_none_do_not() {
        let (here, there) = UnixStream::pair().unwrap();
        let (reader, mut writer) = std::io::pipe().unwrap();
        send_descriptors(&here, [reader.as_fd(); 5]).unwrap();
        let got = receive_descriptors(&there, LONG).unwrap();
        assert_eq!(got.len(), 5);
        writer.write_all(b"x").unwrap();
        let mut byte = [0];
        assert_eq!(nix::unistd::read(&got[4], &mut byte), Ok(1));
        // As a line, with none.
        write_line(&here, b"go").unwrap();
        assert_eq!(receive_descriptors(&there, LONG).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(read_line(&there, Some(LONG)).unwrap(), b"o");
        assert!(receive_descriptors(&there, SOON).is_err(), "nothing came in time");
        // Six fit, because space is given out in words; more the kernel closes.
        let six = [reader.as_fd(); 6];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(6))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(control.push(SendAncillaryMessage::ScmRights(&six)));
        sendmsg(&here, &[IoSlice::new(b"d")], &mut control, SendFlags::empty()).unwrap();
        assert!(receive_descriptors(&there, LONG).is_err());
    }

    #[test]
    fn a_line_ends_in_time_or_is_none() {
        let (here, there) = UnixStream::pair().unwrap();
        write_line(&here, b"one").unwrap();
        (&here).write_all(b"half").unwrap();
        assert_eq!(read_line(&there, None).unwrap(), b"one");
        assert!(read_line(&there, Some(SOON)).is_err());
        (&here).write_all(&vec![b'x'; LINE_MAX]).unwrap();
        assert_eq!(read_line(&there, Some(LONG)).unwrap_err().kind(), io::ErrorKind::InvalidData);
        drop(here);
    }
}
