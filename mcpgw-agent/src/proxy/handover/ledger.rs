//! Which requests are open, written where it outlives the daemon: in memory that daemon and wrap share.
//!
//! ```text
//! byte 0       1 once the daemon has begun to read
//! byte 1       1 while the daemon writes a line to the client that a pipe may take in parts
//! bytes 4 to 7 how many slots have ever been used
//! from 4096    slots of 512 bytes: kind (0 free, 1 number, 2 text), length (2 bytes), the id
//! ```
//!
//! wrap makes the memory, of a size that cannot change any more, and reads it only when the daemon is gone. A slot lies
//! within a page and is written at once, so that it is there whole or not at all. What a wrap writes into it itself
//! deceives nobody but its own client.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, ftruncate, memfd_create};

use crate::mcp::{ID_MAX_BYTES, RequestId};
use crate::session::MAX_OPEN;

const SLOT_BYTES: usize = 512;
const HEADER_BYTES: u64 = 4096;
const BEGUN: u64 = 0;
const MID_LINE: u64 = 1;
const USED: u64 = 4;
const FREE: u8 = 0;
const NUMBER: u8 = 1;
const TEXT: u8 = 2;

/// What a wrap must have sealed, so that writing cannot fail for want of room.
const SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::SEAL);

/// The daemon's side: notes what is open.
#[derive(Debug)]
pub struct Ledger {
    file: File,
    slots: Mutex<Slots>,
}

#[derive(Debug, Default)]
struct Slots {
    of: HashMap<RequestId, usize>,
    free: Vec<usize>,
    next: usize,
}

/// What a daemon that is gone has left.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Remains {
    /// It had begun to read.
    pub(super) begun: bool,
    /// The client may have got part of a line.
    pub(super) mid_line: bool,
    /// Requests without an answer.
    pub(super) open: Vec<RequestId>,
}

/// Memory for a ledger, empty.
///
/// # Errors
/// The system gives none.
pub(super) fn create() -> io::Result<OwnedFd> {
    let memory = memfd_create("mcpgw-ledger", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    ftruncate(&memory, len())?;
    fcntl_add_seals(&memory, SEALS)?;
    Ok(memory)
}

/// What is in `memory`.
///
/// # Errors
/// It cannot be read.
pub(super) fn read(memory: &File) -> io::Result<Remains> {
    let (mut header, mut used) = ([0; 2], [0; 4]);
    memory.read_exact_at(&mut header, BEGUN)?;
    memory.read_exact_at(&mut used, USED)?;
    let [begun, mid_line] = header.map(|byte| byte != 0);
    let used = usize::try_from(u32::from_le_bytes(used)).unwrap_or(MAX_OPEN).min(MAX_OPEN);
    let mut slots = vec![0; used * SLOT_BYTES];
    memory.read_exact_at(&mut slots, HEADER_BYTES)?;
    let open = slots.chunks_exact(SLOT_BYTES).filter_map(id_of).collect();
    Ok(Remains { begun, mid_line, open })
}

impl Ledger {
    /// Takes over the memory a wrap made.
    ///
    /// # Errors
    /// It is something else, or could be made smaller.
    pub(super) fn open(memory: OwnedFd) -> io::Result<Self> {
        // Only shared memory has seals, so nothing here can wait for a file system of somebody's own making.
        let seals = fcntl_get_seals(&memory)?;
        let file = File::from(memory);
        if !seals.contains(SEALS) || seals.intersects(SealFlags::WRITE) || file.metadata()?.len() != len() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no ledger"));
        }
        Ok(Self { file, slots: Mutex::default() })
    }

    /// From now on the daemon reads.
    ///
    /// # Errors
    /// It cannot be written.
    pub(in crate::proxy) fn begin(&self) -> io::Result<()> {
        self.file.write_all_at(&[1], BEGUN)
    }

    /// A request of the client is about to be let through. One that finds no slot is missed by a client only when the
    /// daemon dies.
    pub fn opened(&self, id: &RequestId) {
        let mut slots = self.slots();
        let slot = match slots.free.pop() {
            Some(slot) => slot,
            None if slots.next < MAX_OPEN => {
                slots.next += 1;
                let used = u32::try_from(slots.next).unwrap_or(u32::MAX);
                self.write(&used.to_le_bytes(), USED);
                slots.next - 1
            }
            None => return,
        };
        self.write(&entry(id), offset(slot));
        if let Some(before) = slots.of.insert(id.clone(), slot) {
            slots.free.push(before);
        }
    }

    /// Its answer is with the client.
    pub fn closed(&self, id: &RequestId) {
        let mut slots = self.slots();
        if let Some(slot) = slots.of.remove(id) {
            self.write(&[FREE], offset(slot));
            slots.free.push(slot);
        }
    }

    /// The client may have got part of a line (`true`), or has got all of it.
    pub fn mid_line(&self, is_mid_line: bool) {
        self.write(&[u8::from(is_mid_line)], MID_LINE);
    }

    fn write(&self, bytes: &[u8], at: u64) {
        if let Err(error) = self.file.write_all_at(bytes, at) {
            tracing::warn!(%error, "an open request could not be noted");
        }
    }

    /// One that nobody else reads.
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        create().and_then(Self::open).unwrap()
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn len() -> u64 {
    offset(MAX_OPEN)
}

fn offset(slot: usize) -> u64 {
    HEADER_BYTES + u64::try_from(slot * SLOT_BYTES).unwrap_or(u64::MAX)
}

fn entry(id: &RequestId) -> Vec<u8> {
    let (kind, text) = match id {
        RequestId::Integer(number) => (NUMBER, number.to_string()),
        RequestId::String(text) => (TEXT, text.to_string()),
    };
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    let mut entry = vec![kind];
    entry.extend(length.to_le_bytes());
    entry.extend(text.as_bytes());
    entry
}

fn id_of(slot: &[u8]) -> Option<RequestId> {
    let (&[kind, low, high], text) = slot.split_first_chunk()?;
    let length = usize::from(u16::from_le_bytes([low, high]));
    let text = text.get(..length).filter(|text| text.len() <= ID_MAX_BYTES)?;
    let text = std::str::from_utf8(text).ok()?;
    match kind {
        NUMBER => text.parse().ok().map(RequestId::Integer),
        TEXT => Some(RequestId::String(text.into())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Ledger, File) {
        let memory = create().unwrap();
        let reader = File::from(memory.try_clone().unwrap());
        (Ledger::open(memory).unwrap(), reader)
    }

    #[test]
    fn what_is_open_can_be_read_and_what_is_answered_cannot() {
        let (ledger, memory) = pair();
        assert_eq!(read(&memory).unwrap(), Remains { begun: false, mid_line: false, open: vec![] });
        ledger.begin().unwrap();
        let long = RequestId::String("\u{1}\u{e9}".repeat(ID_MAX_BYTES / 3).into());
        let ids = [RequestId::Integer(-1), RequestId::String("1".into()), long];
        ids.iter().for_each(|id| ledger.opened(id));
        ledger.mid_line(true);
        assert_eq!(read(&memory).unwrap(), Remains { begun: true, mid_line: true, open: ids.to_vec() });
        ledger.mid_line(false);
        ledger.closed(&ids[1]);
        ledger.closed(&ids[1]);
        ledger.opened(&RequestId::Integer(1));
        let remains = read(&memory).unwrap();
        assert_eq!(remains.open, [ids[0].clone(), RequestId::Integer(1), ids[2].clone()]);
        assert!(!remains.mid_line);
    }

    #[test]
    fn slots_are_used_again_and_bounded() {
        let (ledger, memory) = pair();
        for round in 0..3 {
            (0..i128::try_from(MAX_OPEN).unwrap() + 5).for_each(|id| ledger.opened(&RequestId::Integer(id)));
            assert_eq!(read(&memory).unwrap().open.len(), MAX_OPEN, "round {round}");
            (0..i128::try_from(MAX_OPEN).unwrap() + 5).for_each(|id| ledger.closed(&RequestId::Integer(id)));
            assert_eq!(read(&memory).unwrap().open.len(), 0, "round {round}");
        }
    }

    #[test]
    fn only_sealed_memory_of_the_right_size_is_a_ledger() {
        assert!(Ledger::open(tempfile::tempfile().unwrap().into()).is_err());
        let (pipe, _) = std::io::pipe().unwrap();
        assert!(Ledger::open(pipe.into()).is_err());
        let loose = memfd_create("x", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
        ftruncate(&loose, len()).unwrap();
        assert!(Ledger::open(loose.try_clone().unwrap()).is_err());
        fcntl_add_seals(&loose, SEALS).unwrap();
        assert!(Ledger::open(loose).is_ok());
        let small = memfd_create("x", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
        fcntl_add_seals(&small, SEALS).unwrap();
        assert!(Ledger::open(small).is_err());
    }
}
