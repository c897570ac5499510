//! Measures the audit log: `cargo xtask bench audit`. Each part is a file here, and prints its own table.
#![expect(clippy::print_stdout, reason = "a tool for developers: it talks to them")]

mod records;
mod written;

use anyhow::{Result, bail};

const USAGE: &str =
    "usage: audit_speed records DIRECTORY SECONDS ROTATE-BYTES | written DIRECTORY BYTES ROTATE-BYTES";

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match *args {
        ["records", dir, seconds, bytes] => records::run(dir.as_ref(), seconds.parse()?, bytes.parse()?),
        ["written", dir, bytes, each] => written::run(dir.as_ref(), bytes.parse()?, each.parse()?),
        _ => bail!(USAGE),
    }
}
