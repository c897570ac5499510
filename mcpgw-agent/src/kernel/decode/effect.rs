//! Records of what processes do to files and sockets.

use mcpgw_common::event::{self, act};

use super::{DecodeError, fixed, process, size, socket_addr, text, whole};
use crate::effects::{Access, Act, Outcome, Part, Protocol, SideEffect, joined};
use crate::inventory::BootTime;

const FMODE_READ: u32 = 1;
const FMODE_WRITE: u32 = 2;

/// Decodes an [`event::FileEffect`] with its parts.
pub(super) fn file(bytes: &[u8]) -> Result<SideEffect, DecodeError> {
    let record: event::FileEffect = fixed(bytes)?;
    let lens = record.lens.map(u64::from);
    super::exactly(bytes, size(size_of::<event::FileEffect>()) + lens.iter().sum::<u64>())?;
    let mut rest = bytes.get(size_of::<event::FileEffect>()..).unwrap_or_default();
    let parts = record.lens.map(|len| {
        let (part, after) =
            rest.split_at_checked(usize::try_from(len).unwrap_or(usize::MAX)).unwrap_or((rest, &[]));
        rest = after;
        part
    });
    let [directories, first, other_directories, second] = parts;
    let from = joined(Part { directories, text: first });
    let to = || joined(Part { directories: other_directories, text: second });
    let act = match record.act {
        act::OPEN => Act::Open { path: from, access: access(record.mode) },
        act::DELETE => Act::Delete { path: from },
        act::RENAME => Act::Rename { to: to(), from },
        act::LINK => Act::Link { to: to(), from },
        act::TRUNCATE => Act::Truncate { path: from },
        act::EXEC => Act::Exec { path: text(super::until_nul(first)), arguments: super::arguments(second) },
        _ => return Err(DecodeError::Field { field: "act" }),
    };
    let outcome = if record.flags & event::EFFECT_IO_URING != 0 {
        Outcome::Asked
    } else if record.result < 0 {
        Outcome::Refused
    } else {
        Outcome::Done
    };
    Ok(SideEffect {
        group: record.group,
        process: process(&record.header),
        at: BootTime(record.header.time_ns),
        act,
        outcome,
        cut: record.flags & (event::EFFECT_CUT | event::EFFECT_UNREADABLE) != 0,
    })
}

/// Decodes an [`event::SocketEffect`].
pub(super) fn socket(bytes: &[u8]) -> Result<SideEffect, DecodeError> {
    let record: event::SocketEffect = whole(bytes)?;
    let address = socket_addr(record.family, record.addr, record.port)?;
    let protocol = Protocol::of(record.protocol);
    let act = match record.act {
        act::CONNECT => Act::Connect { to: address, protocol },
        act::SEND => Act::Send { to: address, protocol },
        act::BIND => Act::Bind { at: address, protocol },
        _ => return Err(DecodeError::Field { field: "act" }),
    };
    Ok(SideEffect {
        group: record.group,
        process: process(&record.header),
        at: BootTime(record.header.time_ns),
        act,
        outcome: Outcome::Asked,
        cut: false,
    })
}

fn access(mode: u32) -> Access {
    match (mode & FMODE_READ != 0, mode & FMODE_WRITE != 0) {
        (false, false) => Access::Unknown,
        (true, false) => Access::Read,
        (false, true) => Access::Write,
        (true, true) => Access::ReadWrite,
    }
}

#[cfg(test)]
mod tests {
    use mcpgw_common::event::{FileEffect, Header, SocketEffect, VERSION, kind};
    use zerocopy::{FromZeros, IntoBytes};

    use crate::effects::SideEffect;
    use crate::kernel::KernelEvent;
    use crate::kernel::decode::{DecodeError, decode};

    use super::*;

    fn header(kind: u16, len: usize) -> Header {
        Header { kind, version: VERSION, len: u32::try_from(len).unwrap(), tgid: 41, ..Header::new_zeroed() }
    }

    fn record(act: u16, parts: [&[u8]; 4]) -> Vec<u8> {
        let mut record = FileEffect::new_zeroed();
        record.lens = parts.map(|part| u32::try_from(part.len()).unwrap());
        (record.act, record.mode, record.group) = (act, 1, 5);
        let payload = parts.concat();
        record.header = header(kind::FILE_EFFECT, size_of::<FileEffect>() + payload.len());
        [record.as_bytes(), &payload].concat()
    }

    fn effect(bytes: &[u8]) -> SideEffect {
        match decode(bytes).unwrap().event {
            KernelEvent::SideEffect(effect) => effect,
            other @ (KernelEvent::Host(_)
            | KernelEvent::Chunk(_)
            | KernelEvent::Lost { .. }
            | KernelEvent::Untold { .. }) => {
                panic!("{other:?}")
            }
        }
    }

    #[test]
    fn each_act_has_the_places_it_is_about() {
        let open = effect(&record(act::OPEN, [b"b\0a\0", b"", b"", b""]));
        assert_eq!(open.act, Act::Open { path: "/a/b".to_owned(), access: Access::Read });
        assert_eq!((open.group, open.process.pid, open.outcome), (5, 41, Outcome::Done));
        let rename = effect(&record(act::RENAME, [b"a\0", b"x\0", b"", b"/y/../z\0"]));
        assert_eq!(rename.act, Act::Rename { from: "/a/x".to_owned(), to: "/z".to_owned() });
        let exec = effect(&record(act::EXEC, [b"", b"/bin/sh\0", b"", b"sh\0-c\0ls\0"]));
        let arguments = ["sh", "-c", "ls"].map(str::to_owned).to_vec();
        assert_eq!(exec.act, Act::Exec { path: "/bin/sh".to_owned(), arguments });
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert_eq!(decode(&record(99, [b"", b"", b"", b""])), Err(DecodeError::Field { field: "act" }));
        let mut long = record(act::OPEN, [b"a\0", b"", b"", b""]);
        // The length of the first part, far beyond the record.
        long[56..60].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(decode(&long), Err(DecodeError::Length { .. })));
        let mut socket = SocketEffect::new_zeroed();
        socket.header = header(kind::SOCKET_EFFECT, size_of::<SocketEffect>());
        (socket.act, socket.family, socket.port) = (act::CONNECT, 1, 80);
        assert!(decode(socket.as_bytes()).is_err(), "no such family");
        (socket.family, socket.addr[0], socket.addr[3]) = (2, 10, 1);
        let to = "10.0.0.1:80".parse().unwrap();
        assert_eq!(effect(socket.as_bytes()).act, Act::Connect { to, protocol: Protocol::Other(0) });
    }
}
