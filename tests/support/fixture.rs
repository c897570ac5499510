//! Static programs of our own, built on first use: `tiny` (Rust) and `go-peer` (Go).
//!
//! Cargo would not link them statically without doing so to everything, so the compilers are called directly.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs};

use super::peers::{Peers, workspace};
use super::scenario::Skipped;

/// The Rust fixture (`tests/fixtures/tiny.rs`).
pub(crate) fn tiny() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        rustc.args([
            "--edition",
            "2024",
            "-Copt-level=s",
            "-Cpanic=abort",
            "-Cstrip=symbols",
            "-Ctarget-feature=+crt-static",
        ]);
        build("tiny", "tiny.rs", &mut rustc)
    })
}

/// The Go fixture (`tests/fixtures/go/peer.go`), where there is a Go compiler.
pub(crate) fn go_peer() -> Result<OsString, Skipped> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let go = Peers::on_path("go")?;
    let built = BUILT.get_or_init(|| {
        let mut compiler = Command::new(go);
        compiler.arg("build").envs([("CGO_ENABLED", "0"), ("GO111MODULE", "off")]);
        build("go-peer", "go/peer.go", &mut compiler)
    });
    Ok(built.clone().into_os_string())
}

/// Runs `compiler -o OUTPUT SOURCE`; the output appears complete or not at all.
fn build(name: &str, source: &str, compiler: &mut Command) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fixtures");
    fs::create_dir_all(&dir).expect("cargo made the parent");
    let fresh = dir.join(format!("{name}.{}", std::process::id()));
    let source = workspace().join("tests/fixtures").join(source);
    let done = compiler.arg("-o").arg(&fresh).arg(&source).output().expect("the compiler runs");
    assert!(done.status.success(), "{}: {}", source.display(), String::from_utf8_lossy(&done.stderr));
    let program = dir.join(name);
    fs::rename(&fresh, &program).expect("same directory");
    program
}
