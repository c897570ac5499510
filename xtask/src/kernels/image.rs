//! What a kernel of the matrix boots into: the test program, Python, a shell, and the libraries they are linked with, as
//! this machine has them, and an init that runs the tests.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use xshell::{Shell, cmd};

use super::cpio::Cpio;
use crate::shell;
use crate::workspace::Workspace;

/// Programs the tests start. The shell is `sh`.
const PROGRAMS: [&str; 3] = ["sh", "cat", "true"];
/// Where the test program is on board.
const TESTS: &str = "/tests";
/// Parts of Python's library nothing here imports, and that are large.
const LEFT_OUT: [&str; 11] = [
    "test",
    "tests",
    "site-packages",
    "dist-packages",
    "idlelib",
    "tkinter",
    "turtledemo",
    "lib2to3",
    "ensurepip",
    "pydoc_data",
    "venv",
];
/// Asks Python for its executable and the directories of its library.
const ASK: &str = "import os, sys, sysconfig
print(os.path.realpath(sys.executable))
print(sysconfig.get_path('stdlib'))
print(sysconfig.get_path('platstdlib'))";

/// Builds the image around the test program and says where it is.
///
/// # Errors
/// When a program is missing or a file cannot be read.
pub(crate) fn build(workspace: &Workspace, tests: &Path) -> Result<PathBuf> {
    let mut image = Image { sh: shell::shell(workspace)?, archive: Cpio::default() };
    for directory in ["/proc", "/sys", "/dev", "/tmp", "/run", "/root"] {
        image.archive.directory(Path::new(directory))?;
    }
    image.archive.file(Path::new("/etc/hostname"), 0o644, b"guest\n")?;
    image.archive.file(Path::new("/etc/hosts"), 0o644, b"127.0.0.1 localhost\n::1 localhost\n")?;
    image.archive.file(Path::new("/etc/passwd"), 0o644, b"root:x:0:0::/root:/bin/sh\n")?;
    image.archive.file(Path::new("/etc/shadow"), 0o600, b"root:*:::::::\n")?;
    for name in PROGRAMS {
        let program = shell::find_program(name).with_context(|| format!("there is no `{name}`"))?;
        image.program(&Path::new("/bin").join(name), &program)?;
    }
    let python = image.python()?;
    image.program(Path::new(TESTS), &image.without_debug(workspace, tests)?)?;
    let init = fs::read_to_string(workspace.path("tests/kernel/init.py"))?;
    image.archive.file(Path::new("/init"), 0o755, format!("#!{} -I\n{init}", python.display()).as_bytes())?;
    let file = workspace.kernels().join("initrd");
    fs::write(&file, image.archive.finish()?)?;
    Ok(file)
}

struct Image {
    sh: Shell,
    archive: Cpio,
}

impl Image {
    /// Takes a program aboard, and the libraries it is linked with.
    fn program(&mut self, place: &Path, program: &Path) -> Result<()> {
        self.copy(place, program)?;
        let sh = &self.sh;
        // A program without libraries is none that `ldd` likes.
        let libraries = cmd!(sh, "ldd {program}").quiet().ignore_status().ignore_stderr().read()?;
        for library in linked(&libraries).map(Path::new) {
            self.copy(library, library)?;
        }
        Ok(())
    }

    /// Takes a file aboard, with its permissions.
    fn copy(&mut self, place: &Path, file: &Path) -> Result<()> {
        let read = || Ok((fs::metadata(file)?.permissions().mode() & 0o777, fs::read(file)?));
        let (permissions, content) = read()
            .map_err(|error: std::io::Error| error)
            .with_context(|| format!("cannot read `{}`", file.display()))?;
        self.archive.file(place, permissions, &content)
    }

    /// Takes Python aboard, where it is here: it finds its library from where it is itself.
    fn python(&mut self) -> Result<PathBuf> {
        let sh = &self.sh;
        let answer = cmd!(sh, "python3 -I -c {ASK}").quiet().read().context("there is no python3")?;
        let mut lines = answer.lines().map(PathBuf::from);
        let Some(executable) = lines.next() else { bail!("python3 does not say where it is") };
        self.program(&executable, &executable)?;
        self.archive.link(Path::new("/bin/python3"), &executable)?;
        for library in lines {
            self.library(&library)?;
        }
        Ok(executable)
    }

    fn library(&mut self, directory: &Path) -> Result<()> {
        for entry in
            fs::read_dir(directory).with_context(|| format!("cannot read `{}`", directory.display()))?
        {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if !LEFT_OUT.contains(&name.as_str()) && !name.starts_with("config-") {
                    self.library(&path)?;
                }
            } else if name.ends_with(".so") {
                self.program(&path, &path)?;
            } else if !name.ends_with(".a") && !name.contains(".opt-") {
                self.copy(&path, &path)?;
            }
        }
        Ok(())
    }

    /// The test program without what only a debugger reads, most of it.
    fn without_debug(&self, workspace: &Workspace, tests: &Path) -> Result<PathBuf> {
        let sh = &self.sh;
        let stripped = workspace.kernels().join("tests");
        cmd!(sh, "strip -o {stripped} {tests}").quiet().run().context("binutils are needed")?;
        Ok(stripped)
    }
}

/// The files in what `ldd` says: `NAME => PATH (ADDRESS)`, or `PATH (ADDRESS)` for the loader.
fn linked(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let line = line.trim();
        let path = line.split_once(" => ").map_or(line, |(_, path)| path);
        path.split_once(" (").map(|(path, _)| path).filter(|path| path.starts_with('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::linked;

    #[test]
    fn libraries_and_the_loader() {
        let text = "\tlinux-vdso.so.1 (0x00007fff)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)\n\
                    \tgone.so => not found\n\t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n";
        let found: Vec<_> = linked(text).collect();
        assert_eq!(found, ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"]);
        assert_eq!(linked("\tnot a dynamic executable\n").count(), 0);
    }
}
