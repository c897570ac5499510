//! What was heard, in a file a package.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::Facts;
use crate::hex;

/// Bytes of a file.
const FILE_MAX: u64 = 64 << 10;

fn file(cache: &Path, key: &str) -> PathBuf {
    let hash = Sha256::digest(key.as_bytes());
    cache.join(format!("{}.json", hex::encode(&hash)))
}

/// What was heard no longer than `kept` ago.
pub(super) fn read(cache: &Path, key: &str, kept: Duration) -> Option<Facts> {
    let file = File::open(file(cache, key)).ok()?;
    let metadata = file.metadata().ok().filter(fs::Metadata::is_file)?;
    // A time in the future is no reason to believe it for ever.
    metadata.modified().ok()?.elapsed().ok().filter(|age| *age <= kept)?;
    let mut text = String::new();
    file.take(FILE_MAX).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// Keeps it, for us alone.
pub(super) fn write(cache: &Path, key: &str, facts: &Facts) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(cache)?;
    let path = file(cache, key);
    let fresh = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(serde_json::to_string(facts)?.as_bytes())?;
    fs::rename(&fresh, &path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_heard_is_remembered_for_a_while() {
        let dir = tempfile::tempdir().unwrap();
        let facts = Facts { age_days: Some(7), releases: 2, ..Facts::default() };
        let day = Duration::from_secs(86_400);
        assert_eq!(read(dir.path(), "npm a", day), None);
        write(dir.path(), "npm a", &facts).unwrap();
        assert_eq!(read(dir.path(), "npm a", day), Some(facts));
        assert_eq!(read(dir.path(), "npm b", day), None);
        assert_eq!(read(dir.path(), "npm a", Duration::ZERO), None);
        fs::write(file(dir.path(), "npm a"), "not JSON").unwrap();
        assert_eq!(read(dir.path(), "npm a", day), None);
    }
}
