//! Where this kernel's structures have their members, compared with what is written down of it.

use std::path::Path;

use mcpgw_agent::kernel::btf::{Btf, VMLINUX};
use mcpgw_agent::kernel::offsets::{look_up, wanted};

use crate::support::skipped;

/// The unit tests work with these.
const FIXTURE: &str = include_str!("../../mcpgw-agent/src/kernel/fixtures/offsets.txt");

#[test]
fn members_are_where_they_are_written_down_to_be() {
    let Ok(btf) = Btf::read(Path::new(VMLINUX)) else {
        skipped(&format!("no BTF at {VMLINUX}"));
        return;
    };
    let release = nix::sys::utsname::uname().unwrap().release().to_string_lossy().into_owned();
    println!();
    for path in wanted() {
        let place = look_up(&btf, path).map_or_else(|_| "absent".to_owned(), |place| place.to_string());
        // So that the lines of a new kernel can be copied from a log.
        println!("OFFSET {release}/{path}={place}");
        let is_line = |line: &&str| {
            line.split_once('/').is_some_and(|(kernel, rest)| {
                release.starts_with(kernel) && rest.starts_with(&format!("{path}="))
            })
        };
        if let Some(line) = FIXTURE.lines().filter(|line| !line.starts_with('#')).find(is_line) {
            assert!(line.ends_with(&format!("/{path}={place}")), "{line}: here {place}");
        }
    }
}
