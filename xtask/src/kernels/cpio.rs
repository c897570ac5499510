//! An archive the kernel unpacks as its first file system: `newc`, as Documentation/driver-api/early-userspace has it.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result};

const DIRECTORY: u32 = 0o040_755;
const SYMLINK: u32 = 0o120_777;
const REGULAR: u32 = 0o100_000;

/// The archive so far.
#[derive(Debug, Default)]
pub(crate) struct Cpio {
    bytes: Vec<u8>,
    names: BTreeSet<String>,
}

impl Cpio {
    /// A file with these permissions; one that is there already stays.
    ///
    /// # Errors
    /// When it is longer than the format can say.
    pub(crate) fn file(&mut self, path: &Path, permissions: u32, content: &[u8]) -> Result<()> {
        self.add(path, REGULAR | permissions, content)
    }

    /// A symbolic link.
    ///
    /// # Errors
    /// As [`Self::file`].
    pub(crate) fn link(&mut self, path: &Path, target: &Path) -> Result<()> {
        self.add(path, SYMLINK, target.as_os_str().as_encoded_bytes())
    }

    /// An empty directory.
    ///
    /// # Errors
    /// As [`Self::file`].
    pub(crate) fn directory(&mut self, path: &Path) -> Result<()> {
        self.add(path, DIRECTORY, &[])
    }

    /// The whole archive.
    ///
    /// # Errors
    /// As [`Self::file`].
    pub(crate) fn finish(mut self) -> Result<Vec<u8>> {
        self.entry("TRAILER!!!", 0, &[])?;
        Ok(self.bytes)
    }

    fn add(&mut self, path: &Path, mode: u32, content: &[u8]) -> Result<()> {
        let path = path.strip_prefix("/").unwrap_or(path);
        let text = path.to_str().with_context(|| format!("`{}` is not text", path.display()))?;
        if text.is_empty() || self.names.contains(text) {
            return Ok(());
        }
        if let Some(parent) = path.parent() {
            self.add(parent, DIRECTORY, &[])?;
        }
        self.names.insert(text.to_owned());
        self.entry(text, mode, content)
    }

    fn entry(&mut self, name: &str, mode: u32, content: &[u8]) -> Result<()> {
        let inode = u32::try_from(self.names.len())?;
        let length = u32::try_from(content.len())?;
        let name_length = u32::try_from(name.len() + 1)?;
        // inode, mode, uid, gid, links, time, length, device and special device, name's length, checksum
        let fields = [inode, mode, 0, 0, 1, 0, length, 0, 0, 0, 0, name_length, 0];
        self.bytes.extend_from_slice(b"070701");
        for field in fields {
            self.bytes.extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(content);
        self.pad();
        Ok(())
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Cpio;

    #[test]
    fn parents_come_first_and_nothing_twice() {
        let mut archive = Cpio::default();
        archive.file(Path::new("/a/b/c"), 0o755, b"12345").unwrap();
        archive.file(Path::new("/a/b/c"), 0o755, b"again").unwrap();
        archive.link(Path::new("/a/d"), Path::new("b/c")).unwrap();
        let bytes = archive.finish().unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        let at = |name: &str| text.find(name).unwrap();
        assert!(at("a\0") < at("a/b\0") && at("a/b\0") < at("a/b/c\0") && at("a/b/c\0") < at("12345"));
        assert!(at("12345") < at("a/d\0") && at("a/d\0") < at("TRAILER!!!"));
        assert!(!text.contains("again"));
        assert_eq!(bytes.len() % 4, 0);
        assert_eq!(text.matches("070701").count(), 5);
        // Length of the file, and of its name with the NUL.
        assert!(text.contains(&format!("{:08x}{:032x}{:08x}{:08x}a/b/c\0", 5, 0, 6, 0)));
    }
}
