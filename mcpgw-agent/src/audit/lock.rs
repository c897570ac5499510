//! A file of a log that nobody else may write meanwhile.

use std::fs::{File, TryLockError};
use std::ops::Deref;
use std::sync::Arc;

/// A file that is locked as long as this lives, whoever else has it open.
#[derive(Debug)]
pub(super) struct Locked(Arc<File>);

impl Locked {
    /// Locks `file`, unless somebody else has it locked.
    pub(super) fn try_new(file: File) -> Result<Self, TryLockError> {
        file.try_lock()?;
        Ok(Self(Arc::new(file)))
    }
}

impl Deref for Locked {
    type Target = Arc<File>;

    fn deref(&self) -> &Arc<File> {
        &self.0
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // Closing is not enough: a process that is starting a program shares the open file between `fork` and `exec`, and
        // the lock with it. If it cannot be given up, it goes with the last of them.
        self.0.unlock().ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_ends_although_others_still_have_the_file_open() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let file = File::create(&path).unwrap();
        // What a child has before it runs its program.
        let theirs = file.try_clone().unwrap();
        let locked = Locked::try_new(file).unwrap();
        let again = || Locked::try_new(File::open(&path).unwrap());
        assert!(matches!(again(), Err(TryLockError::WouldBlock)));
        drop(locked);
        again().unwrap();
        drop(theirs);
    }
}
