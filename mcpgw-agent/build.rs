//! Puts the probes' object file where the kernel module embeds it.
//!
//! `cargo xtask build` compiles it first and names it in `MCPGW_BPF_OBJECT`. Without that variable the file of an
//! earlier build is taken, and without that an empty one: the agent then says that it was built without probes.
//!
//! Six sevenths of the compiler's file are for debuggers, and all of it would lie in the agent's memory: they are left out.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use object::build::elf::{Builder, SectionData};

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
        fs::write(&out, without_debugging(&fs::read(source)?)?)?;
    } else {
        fs::write(&out, [])?;
    }
    Ok(())
}

/// The ELF file without what only debuggers read.
fn without_debugging(object: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut elf = Builder::read(object)?;
    for section in &mut elf.sections {
        section.delete = [b".debug".as_slice(), b".rel.debug"].iter().any(|of| section.name.starts_with(of));
    }
    elf.delete_orphans();
    // The compiler keeps the names of sections among those of symbols; here they have a table of their own.
    let names = elf.sections.add();
    names.name = b".shstrtab".as_slice().into();
    names.sh_type = object::elf::SHT_STRTAB;
    names.sh_addralign = 1;
    names.data = SectionData::SectionString;
    let mut lean = Vec::new();
    elf.write(&mut lean)?;
    Ok(lean)
}
