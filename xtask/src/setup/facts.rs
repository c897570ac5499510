//! What this machine has of a BPF toolchain. Looks only; changes nothing, asks no network, takes a few tens of
//! milliseconds.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::plan::linker_dir;
use crate::shell;
use crate::workspace::Workspace;

/// Debian's compiler. Never another one that `PATH` happens to have first.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
/// The LLVM releases bpf-linker knows.
pub(super) const LLVM_KNOWN: std::ops::RangeInclusive<u32> = 21..=23;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// We are root.
    pub(super) root: bool,
    /// `apt-get` is there and this is Debian or made from it.
    pub(super) apt: bool,
    /// rustup's nightly.
    pub(super) nightly: Option<Compiler>,
    /// Debian's rustc, with its cargo.
    pub(super) debian: Option<Compiler>,
    /// The LLVM releases whose development files are installed.
    pub(super) llvm: Vec<u32>,
    /// What linking bpf-linker needs besides LLVM is there: a C compiler and zlib.
    pub(super) link_tools: bool,
    /// Linkers of ours that run, by LLVM release.
    pub(super) linkers: Vec<(u32, PathBuf)>,
    /// The directory of a bpf-linker that was installed by other means.
    pub(super) foreign_linker: Option<PathBuf>,
}

/// A Rust compiler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Compiler {
    /// Minor release: 95 for 1.95.
    pub(super) minor: u32,
    /// LLVM's major release.
    pub(super) llvm: u32,
    /// It has a `core` for BPF, prebuilt (Debian) or as source (nightly).
    pub(super) core: bool,
}

impl Facts {
    /// Looks at this machine.
    pub(crate) fn gather(workspace: &Workspace) -> Self {
        Self {
            root: shell::is_root(),
            apt: shell::find_program("apt-get").is_some() && Path::new("/etc/debian_version").exists(),
            nightly: nightly(),
            debian: debian(),
            llvm: LLVM_KNOWN.filter(|major| has_llvm(*major)).collect(),
            link_tools: shell::find_program("cc").is_some() && Path::new("/usr/include/zlib.h").exists(),
            linkers: LLVM_KNOWN
                .map(|major| (major, linker_dir(workspace, major)))
                .filter(|(_, dir)| runs(&dir.join("bpf-linker")))
                .collect(),
            foreign_linker: foreign_linker(),
        }
    }
}

fn nightly() -> Option<Compiler> {
    shell::find_program("rustup")?;
    let rustc = |args: &[&str]| output(Command::new("rustup").args(["run", "nightly", "rustc"]).args(args));
    let mut compiler = parse_version(&rustc(&["-vV"])?)?;
    let sysroot = rustc(&["--print", "sysroot"])?;
    compiler.core = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/core/src/lib.rs").exists();
    Some(compiler)
}

fn debian() -> Option<Compiler> {
    let mut compiler = parse_version(&output(Command::new(DEBIAN_RUSTC).arg("-vV"))?)?;
    let sysroot = output(Command::new(DEBIAN_RUSTC).args(["--print", "sysroot"]))?;
    let core = Path::new(sysroot.trim()).join("lib/rustlib/bpfel-unknown-none/lib");
    let has_core = fs::read_dir(core).is_ok_and(|dir| {
        dir.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
    });
    compiler.core = has_core && shell::is_executable(Path::new(DEBIAN_CARGO));
    Some(compiler)
}

fn has_llvm(major: u32) -> bool {
    Path::new(&format!("/usr/lib/llvm-{major}/lib/libLLVM.so")).exists()
}

/// A linker `cargo install` or a distribution left. Its LLVM release is not known.
fn foreign_linker() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo/bin/bpf-linker"));
    let found = shell::find_program("bpf-linker").or(home.filter(|file| shell::is_executable(file)))?;
    if runs(&found) { found.parent().map(Path::to_owned) } else { None }
}

fn runs(program: &Path) -> bool {
    program.exists() && output(Command::new(program).arg("--version")).is_some()
}

/// Standard output of a command that succeeds.
fn output(command: &mut Command) -> Option<String> {
    // rustup must not go and fetch a toolchain because somebody looked for it, and the outer cargo's choices
    // of toolchain and library path are not Debian's.
    command.env("RUSTUP_AUTO_INSTALL", "0").env_remove("RUSTUP_TOOLCHAIN").env_remove("LD_LIBRARY_PATH");
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    if output.status.success() { String::from_utf8(output.stdout).ok() } else { None }
}

/// Reads `rustc -vV`.
fn parse_version(text: &str) -> Option<Compiler> {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let minor = field("release:")?.strip_prefix("1.")?.split('.').next()?.parse().ok()?;
    let llvm = field("LLVM version:")?.split('.').next()?.parse().ok()?;
    Some(Compiler { minor, llvm, core: false })
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let yes = |there: bool| if there { "yes" } else { "no" };
        let mut compiler = |name: &str, found: &Option<Compiler>| match found {
            Some(Compiler { minor, llvm, core }) => {
                writeln!(f, "setup: {name}: 1.{minor}, LLVM {llvm}, core for BPF: {}", yes(*core))
            }
            None => writeln!(f, "setup: {name}: no"),
        };
        compiler("rustup's nightly", &self.nightly)?;
        compiler("Debian's rustc", &self.debian)?;
        let list = self.linkers.iter().map(|(llvm, _)| format!("built here for LLVM {llvm}"));
        let found = self.foreign_linker.iter().map(|dir| format!("in {}", dir.display()));
        let list: Vec<String> = list.chain(found).collect();
        writeln!(f, "setup: bpf-linker: {}", if list.is_empty() { "no".to_owned() } else { list.join(", ") })
    }
}

#[cfg(test)]
mod tests {
    use super::{Compiler, parse_version};

    #[test]
    fn a_compiler_says_what_it_is() {
        let text =
            "rustc 1.96.0 (ac68faa20 2026-05-25)\nbinary: rustc\nrelease: 1.96.0\nLLVM version: 22.1.8\n";
        assert_eq!(parse_version(text), Some(Compiler { minor: 96, llvm: 22, core: false }));
        let text = "rustc 1.97.0-nightly\nrelease: 1.97.0-nightly\nLLVM version: 22.1.4\n";
        assert_eq!(parse_version(text), Some(Compiler { minor: 97, llvm: 22, core: false }));
    }

    #[test]
    fn what_is_not_a_compiler_is_not_one() {
        for text in ["", "release: 1.96.0\n", "LLVM version: 22\n", "release: 2.0.0\nLLVM version: 22.1\n"] {
            assert_eq!(parse_version(text), None, "{text:?}");
        }
    }
}
