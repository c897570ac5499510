//! Which hooks work on this kernel, compared with what is known of it.

use mcpgw_agent::kernel::{Hook, Kernel, KernelOptions, Preventable};

use crate::guard::Cgroup;
use crate::support::{skipped, turn};

/// A line a hook, a column a kernel.
const KNOWN: &str = include_str!("hooks.txt");
/// Names the column; set where the kernel was chosen and is not just whatever runs here.
const COLUMN: &str = "MCPGW_KERNEL";

/// The words of each line, the heading's first.
fn known() -> Vec<Vec<&'static str>> {
    let lines = KNOWN.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| line.split_whitespace().collect()).collect()
}

/// Whether this hook works on this kernel, as far as is known of it.
pub(crate) fn is_known_to_work(name: &str) -> bool {
    let Ok(kernel) = std::env::var(COLUMN) else { return true };
    let known = known();
    let column = known[0].iter().position(|column| *column == kernel).unwrap();
    known.iter().any(|line| line[0] == name && line[column] == "yes")
}

fn load(cgroup: &Cgroup) -> Vec<Hook> {
    let options = KernelOptions {
        guard: Some(cgroup.name.clone()),
        refuse_programs: true,
        refuse_sockets: true,
        restrain: Preventable::ALL.to_vec(),
        ..KernelOptions::default()
    };
    Kernel::load(&options).hooks
}

#[tokio::test]
async fn hooks_work_where_they_are_known_to() {
    let _turn = turn().await;
    let Some(cgroup) = Cgroup::new("hooks") else {
        return skipped("no cgroup of version 2 can be made");
    };
    let hooks = load(&cgroup);
    let works = |hook: &Hook| if hook.state.is_attached() { "yes" } else { "no" };
    println!();
    for hook in &hooks {
        // `cargo xtask test --kernels` makes a table of these.
        println!("HOOK {} {} {}", hook.name, works(hook), hook.state.reason());
    }
    let known = known();
    let (heading, lines) = known.split_first().unwrap();
    assert_eq!(
        lines.iter().map(|line| line[0]).collect::<Vec<_>>(),
        hooks.iter().map(|hook| hook.name).collect::<Vec<_>>(),
        "tests/kernel/hooks.txt has a line for every hook, in the order they are shown"
    );
    assert!(lines.iter().all(|line| line.len() == heading.len()), "a word for every kernel");
    let Ok(kernel) = std::env::var(COLUMN) else { return };
    let column = heading.iter().position(|name| *name == kernel).unwrap();
    let found: Vec<_> = hooks.iter().map(|hook| (hook.name, works(hook))).collect();
    let expected: Vec<_> = lines.iter().map(|line| (line[0], line[column])).collect();
    if found != expected {
        // Once more, for what the verifier has to say.
        let log = tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_ansi(false).finish();
        tracing::subscriber::with_default(log, || load(&cgroup));
    }
    assert_eq!(found, expected, "{kernel}, {hooks:#?}");
}
