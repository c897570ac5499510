//! The kernel's tests on other kernels: Debian's, each booted in qemu with nothing on board but the tests.
//!
//! What a kernel is expected to grant is in `tests/kernel/hooks.txt`, and a test compares. Kernels are fetched once and
//! kept below `target/kernels`. What cannot be had here is skipped and said, never passed over.

mod apt;
mod cpio;
mod guest;
mod image;
mod table;

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::setup::{self, Step};
use crate::test::Outcome;
use crate::workspace::Workspace;
use crate::{build, shell};

use apt::{Archive, KERNELS, Kernel};
use guest::{Boot, Security};
use table::{Row, Table};

/// Emulates the machine.
const QEMU: &str = "qemu-system-x86_64";
/// Debian's package with it.
const QEMU_PACKAGE: &str = "qemu-system-x86";
/// The kernel that is booted once more without BPF among its security modules, as most are, and its column then.
const PLAIN: (&str, &str) = ("6.12", "6.12-plain");
/// The test that compares hooks, and the only one that is run there.
const HOOKS: &str = "hooks::hooks_work_where_they_are_known_to";

/// Runs the tests whose name contains `filter` on the kernels named, or on all.
///
/// # Errors
/// When a kernel is named that is not in the list, or the tests do not build.
pub(crate) fn run(workspace: &Workspace, named: &[String], filter: Option<&str>) -> Result<Outcome> {
    let kernels = choose(named)?;
    if let Some(why) = no_qemu(workspace) {
        return Ok(Outcome::Skipped(why));
    }
    let _only_one_at_a_time = shell::lock(&workspace.kernels().join("lock"))?;
    let image = image::build(workspace, &tests(workspace)?)?;
    let archive = Archive::new(workspace);
    let mut table = Table::default();
    for kernel in kernels {
        let mut boots = vec![Boot { column: kernel.series, security: Security::WithBpf, filter }];
        if kernel.series == PLAIN.0 && filter.is_none_or(|filter| HOOKS.contains(filter)) {
            boots.push(Boot { column: PLAIN.1, security: Security::Plain, filter: Some(HOOKS) });
        }
        for boot in boots {
            let row = match archive.fetch(kernel) {
                Ok(file) => Row::ran(boot.column, guest::run(workspace, boot, &file, &image)?),
                Err(error) => Row::skipped(boot.column, format!("{error:#}")),
            };
            println!("{row}");
            table.push(row);
        }
    }
    println!("\n{table}");
    Ok(Outcome::Tests(table.totals()))
}

fn choose(named: &[String]) -> Result<Vec<&'static Kernel>> {
    let known = || KERNELS.iter().map(|kernel| kernel.series).collect::<Vec<_>>().join(", ");
    if let Some(unknown) = named.iter().find(|name| KERNELS.iter().all(|kernel| kernel.series != *name)) {
        bail!("there is no kernel `{unknown}`; there are {}", known());
    }
    Ok(KERNELS
        .iter()
        .filter(|kernel| named.is_empty() || named.iter().any(|name| name == kernel.series))
        .collect())
}

/// Installs qemu where it is missing and may be installed; says why it cannot be used otherwise.
fn no_qemu(workspace: &Workspace) -> Option<String> {
    if shell::find_program(QEMU).is_some() {
        return None;
    }
    let step = Step::Apt { packages: vec![QEMU_PACKAGE.to_owned()] };
    if shell::is_root() && shell::find_program("apt-get").is_some() {
        println!("kernels: {}\n    {}", step.reason(), step.command(workspace));
        // As where qemu-utils came from backports, which apt does not know any more.
        let hint = "where other packages of qemu are of another release, install it from there";
        return step
            .run(workspace)
            .err()
            .map(|error| format!("`{QEMU}` cannot be installed ({hint}): {error:#}"));
    }
    Some(format!("`{QEMU}` is not installed; on Debian, as root: {}", step.command(workspace)))
}

/// Builds the tests with the probes inside and says where they are.
fn tests(workspace: &Workspace) -> Result<std::path::PathBuf> {
    let object = build::bpf(workspace, &setup::ensure(workspace)?)?;
    let output = Command::new(shell::cargo())
        .current_dir(workspace.root())
        .args(["test", "--package", "mcpgw-agent", "--test", "kernel", "--no-run"])
        .args(["--message-format", "json-render-diagnostics", "--target-dir"])
        .arg(workspace.target())
        .env(build::OBJECT_VARIABLE, object)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo test")?;
    if !output.status.success() {
        bail!("the kernel tests did not build");
    }
    let text = String::from_utf8_lossy(&output.stdout);
    executable(&text).map(Into::into).context("cargo named no test program")
}

/// The test program among cargo's messages.
fn executable(messages: &str) -> Option<String> {
    messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()).find_map(
        |message| {
            let is_it = message.pointer("/target/name")?.as_str()? == "kernel";
            is_it.then(|| message.get("executable")?.as_str().map(str::to_owned)).flatten()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::{choose, executable};

    #[test]
    fn kernels_are_named_by_their_series() {
        assert_eq!(choose(&[]).unwrap().len(), 4);
        let named = choose(&["7".to_owned(), "5.10".to_owned()]).unwrap();
        assert_eq!(named.iter().map(|kernel| kernel.series).collect::<Vec<_>>(), ["5.10", "7"]);
        assert!(choose(&["4.4".to_owned()]).unwrap_err().to_string().contains("5.10, 6.1"));
    }

    #[test]
    fn the_test_program_is_found_among_messages() {
        let messages = "not json\n{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"aya\"},\"executable\":null}\n\
            {\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"kernel\"},\"executable\":\"/t/kernel-1\"}\n";
        assert_eq!(executable(messages).as_deref(), Some("/t/kernel-1"));
        assert_eq!(executable("{}"), None);
    }
}
