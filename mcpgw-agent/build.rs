//! Puts the probes' object file where the kernel module embeds it.
//!
//! `cargo xtask build` compiles it first and names it in `MCPGW_BPF_OBJECT`. Without that variable the file of an
//! earlier build is taken, and without that an empty one: the agent then says that it was built without probes.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

const USUAL: &str = "../target/bpf/bpfel-unknown-none/release/mcpgw-ebpf";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed=MCPGW_BPF_OBJECT");
    let out = PathBuf::from(env::var("OUT_DIR")?).join("mcpgw-ebpf");
    let named = env::var_os("MCPGW_BPF_OBJECT").map(PathBuf::from);
    let usual = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join(USUAL);
    let source = named.as_deref().unwrap_or(&usual);
    println!("cargo::rerun-if-changed={}", source.display());
    // One that was named and is not there is a mistake, and copying it says so.
    if named.is_some() || source.exists() {
        fs::copy(source, &out)?;
    } else {
        fs::write(&out, [])?;
    }
    Ok(())
}
