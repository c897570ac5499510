//! A file of JSON in the state directory, for what outlives the agent.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::marker::PhantomData;
use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::private::{check_private, open_private, write_private};

/// Bytes read at most.
const MOST: u64 = 64 << 20;

/// The file in which a `T` is kept.
#[derive(Debug)]
pub(super) struct StateFile<T> {
    path: PathBuf,
    keeps: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned> StateFile<T> {
    /// The file at this path.
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path, keeps: PhantomData }
    }

    /// What is kept; `None` where there is no file.
    ///
    /// # Errors
    /// It cannot be read, is something else, or others could have written it.
    pub(super) fn load(&self) -> io::Result<Option<T>> {
        let file = match open_private(OpenOptions::new().read(true), &self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        check_private(&file.metadata()?, 0o022)
            .map_err(|why| io::Error::other(format!("{} {why}", self.path.display())))?;
        let mut text = Vec::new();
        file.take(MOST).read_to_end(&mut text)?;
        serde_json::from_slice(&text).map(Some).map_err(io::Error::other)
    }

    /// Keeps it, over a power cut as well.
    ///
    /// # Errors
    /// What the disk says; what was kept before is kept on.
    pub(super) fn save(&self, kept: &T) -> io::Result<()> {
        let new = self.path.with_extension("json.new");
        let text = serde_json::to_vec_pretty(kept).map_err(io::Error::other)?;
        write_private(&new, &text)?;
        fs::rename(&new, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn it_is_kept_in_a_file_of_ours_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kept.json");
        let file = StateFile::<Vec<u32>>::at(path.clone());
        assert_eq!(file.load().unwrap(), None);

        // Somebody waits for it to be written through their link.
        let other = dir.path().join("other");
        fs::write(&other, "theirs").unwrap();
        symlink(&other, dir.path().join("kept.json.new")).unwrap();
        file.save(&vec![1, 2]).unwrap();
        assert_eq!(fs::read_to_string(&other).unwrap(), "theirs");
        assert_eq!(file.load().unwrap(), Some(vec![1, 2]));

        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(file.load().unwrap_err().to_string().contains("changed by others"));
        fs::remove_file(&path).unwrap();
        symlink(&other, &path).unwrap();
        assert!(file.load().is_err());
    }
}
