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
