//! Who wrote a file last, of those in directories that are watched (`fanotify`, `FAN_CLOSE_WRITE`). Nobody waits for it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::fanotify::{EventFFlags, Fanotify, InitFlags, MarkFlags, MaskFlags};
use rustix::fs::CWD;

/// Somebody who wrote a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wrote {
    /// Device and inode of the file.
    pub file: (u64, u64),
    /// Their process id.
    pub pid: u32,
}

/// Tells who writes.
#[derive(Debug)]
pub struct Writers {
    group: Fanotify,
}

impl Writers {
    /// Looks at nothing yet.
    ///
    /// # Errors
    /// The kernel has none, or `CAP_SYS_ADMIN` is missing.
    pub fn open() -> io::Result<Self> {
        let flags = InitFlags::FAN_CLASS_NOTIF | InitFlags::FAN_CLOEXEC | InitFlags::FAN_NONBLOCK;
        let files = EventFFlags::O_RDONLY
            | EventFFlags::O_CLOEXEC
            | EventFFlags::O_LARGEFILE
            | EventFFlags::O_NONBLOCK;
        Ok(Self { group: Fanotify::init(flags, files)? })
    }

    /// Looks at the files right in a directory from now on.
    ///
    /// # Errors
    /// There is no such directory, or it cannot be marked.
    pub fn watch(&self, directory: &Path) -> io::Result<()> {
        let flags = MarkFlags::FAN_MARK_ADD | MarkFlags::FAN_MARK_ONLYDIR;
        let mask = MaskFlags::FAN_CLOSE_WRITE | MaskFlags::FAN_EVENT_ON_CHILD;
        Ok(self.group.mark(flags, mask, CWD, Some(directory))?)
    }

    /// Who wrote since the last time.
    #[must_use]
    pub fn take(&self) -> Vec<Wrote> {
        let mut all = Vec::new();
        loop {
            match self.group.read_events() {
                Ok(events) if events.is_empty() => return all,
                Ok(events) => all.extend(events.iter().filter_map(|event| {
                    let file = event.fd()?.try_clone_to_owned().ok()?;
                    let file = std::fs::File::from(file).metadata().ok()?;
                    Some(Wrote { file: (file.dev(), file.ino()), pid: u32::try_from(event.pid()).ok()? })
                })),
                Err(Errno::EINTR) => {}
                Err(_) => return all,
            }
        }
    }
}

impl AsFd for Writers {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.group.as_fd()
    }
}
