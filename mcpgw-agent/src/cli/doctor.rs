//! `doctor`: what this kernel lets the agent do, found by trying it.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::error::CliError;
use super::exit;
use super::output::Output;
use super::policy::PolicyFile;
use super::status::table::Table;
use super::text::{Line, Style};
use crate::admin::{HookState, HookStatus, Mode};
use crate::config::Config;
use crate::confine::{Abilities, unprevented_of};
use crate::daemon::{hook_status, kernel_options};
use crate::kernel::{Hook, Kernel, KernelOptions, Loaded, Preventable};

#[cfg(test)]
mod tests;

/// The hook that holds servers to addresses.
const CONNECT_RULES: &str = "connect-rules";

/// Shows which hooks this kernel grants, what each missing one costs, and what to do about it.
///
/// Loads and attaches every probe for a moment; needs the rights `run` needs. Exits with 7 if any is missing.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Configuration file [default: /etc/mcpgw/agent.yaml, which may be missing]
    #[arg(long, value_name = "F")]
    config: Option<PathBuf>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Examination {
    /// How `run` would watch.
    pub mode: Mode,
    /// Every hook.
    pub hooks: Vec<HookReport>,
    /// What can be prevented for servers that `wrap` starts, without privileges.
    pub prevention: Abilities,
    /// Anything else worth knowing, a sentence each.
    pub notes: Vec<String>,
}

/// One hook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HookReport {
    /// Its name.
    pub name: String,
    /// Could it be attached?
    pub state: HookState,
    /// Why not, or a remark where it could; often empty.
    pub reason: String,
    /// What is lost without it.
    pub without: String,
    /// What to do to have it; empty when it could be attached.
    pub advice: String,
    /// The configuration asks for it: it is missed where it is missing.
    #[serde(rename = "wanted")]
    pub is_wanted: bool,
}

/// Hooks that refuse by file. Nothing is named to them here.
const BY_FILE: [&str; 2] = ["guard-exec", "guard-unix"];

pub(super) fn doctor(args: &Args) -> Result<u8, CliError> {
    let mut config = Config::load(args.config.as_deref())?;
    let tls = config.host.tls || !config.host.tls_of.is_empty();
    let effects = config.host.effects;
    // What nobody asks for yet is tried all the same: that is what one wants to know before asking.
    config.host.effects = true;
    config.host.tls = true;
    let mut options = kernel_options(&config)?;
    let wants = Wants { effects, tls, sockets: options.refuse_sockets };
    (options.refuse_programs, options.refuse_sockets) = (true, true);
    options.restrain = Preventable::ALL.to_vec();
    options
        .disabled
        .retain(|name| !BY_FILE.contains(&name.as_str()) || config.host.disabled_hooks.contains(name));
    let mut examination = examine(&options, wants);
    if let Some(path) = &config.gateway.policy {
        examination.notes.extend(of_policy(path, &examination));
    }
    let output = Output::new();
    if args.json {
        output.pretty(&examination)?;
    } else {
        output.lines(&draw(&examination, output.width()))?;
    }
    Ok(if missing(&examination) == 0 { exit::OK } else { exit::DEGRADED })
}

/// What the configuration asks for, of what has to be asked for.
#[derive(Debug, Clone, Copy)]
struct Wants {
    effects: bool,
    tls: bool,
    /// Unix sockets nobody is to connect to.
    sockets: bool,
}

/// Tries every hook. What is loaded for it is gone again when this returns.
fn examine(options: &KernelOptions, wants: Wants) -> Examination {
    let Loaded { kernel, hooks } = Kernel::load(options);
    let mode = if kernel.is_some() { Mode::Ebpf } else { Mode::Procfs };
    Examination {
        mode,
        hooks: hooks.into_iter().map(|hook| report(hook, wants)).collect(),
        prevention: Abilities::here(),
        notes: Vec::new(),
    }
}

/// What the configured policy forbids and is not prevented here.
fn of_policy(path: &Path, examination: &Examination) -> Vec<String> {
    // What is wrong with it `policy validate` says, and the agent, which does not start with it.
    let Ok(file) = PolicyFile::open(path) else { return Vec::new() };
    let by_address =
        examination.hooks.iter().any(|hook| hook.name == CONNECT_RULES && hook.state == HookState::Attached);
    let left = unprevented_of(&file.policy, &examination.prevention, by_address);
    left.iter().map(|left| format!("policy {}: not prevented: {left}", path.display())).collect()
}

fn report(hook: Hook, wants: Wants) -> HookReport {
    let is_wanted = !hook.is_for_policies()
        && !hook.is_extra()
        && (wants.effects || !hook.tells_of_effects())
        && (wants.tls || !hook.reads_tls())
        && (wants.sockets || !BY_FILE.contains(&hook.name));
    let HookStatus { name, state, reason } = hook_status(&hook);
    HookReport { name, state, reason, without: hook.provides.to_owned(), advice: hook.remedy, is_wanted }
}

fn missing(examination: &Examination) -> usize {
    examination.hooks.iter().filter(|hook| hook.is_wanted && hook.state != HookState::Attached).count()
}

fn draw(examination: &Examination, width: Option<u16>) -> Vec<Line> {
    let mut table = Table::new(&["HOOK", "STATE", "WITHOUT IT", "WHAT TO DO"]);
    for hook in &examination.hooks {
        let advice = if hook.advice.is_empty() { "-" } else { &hook.advice };
        table.row(&[&hook.name, hook.state.as_str(), &hook.without, advice]);
    }
    let mut lines = table.wrapped(width);
    let failed: Vec<_> = examination.hooks.iter().filter(|hook| !hook.reason.is_empty()).collect();
    if !failed.is_empty() {
        lines.push(Line::default());
    }
    for hook in failed {
        lines.push(Line::plain(&format!("{}: {}", hook.name, hook.reason)));
    }
    lines.push(Line::default());
    lines.extend(prevention(&examination.prevention).iter().map(|line| Line::plain(line)));
    lines.extend(examination.notes.iter().map(|note| Line::plain(note)));
    lines.push(verdict(examination));
    lines
}

/// What a policy's `effects` can prevent here by themselves; hooks are above.
fn prevention(abilities: &Abilities) -> Vec<String> {
    let Abilities { landlock, seccomp } = abilities;
    let mut able = Vec::new();
    if *landlock >= 1 {
        able.push(format!("files and programs (Landlock, version {landlock} or newer)"));
    }
    if *landlock >= 4 {
        able.push("TCP ports".to_owned());
    }
    if *seccomp {
        able.push("ways around them (seccomp)".to_owned());
    }
    let able = if able.is_empty() { "nothing".to_owned() } else { able.join(", ") };
    let mut lines = vec![format!("prevented where policy says so, for servers that `wrap` starts: {able}")];
    lines.extend(abilities.lacks().map(|lacks| format!("not prevented: {lacks}")));
    lines
}

fn verdict(examination: &Examination) -> Line {
    let (all, missing) = (examination.hooks.len(), missing(examination));
    match (examination.mode, missing) {
        (Mode::Procfs, _) => Line::styled(
            Style::Bad,
            "No kernel probes: the agent would poll /proc, miss short-lived servers and confirm none by the wire.",
        ),
        (Mode::Ebpf, 0) if examination.hooks.iter().any(|hook| hook.state != HookState::Attached) => {
            Line::styled(Style::Good, "All hooks the configuration asks for can be attached.")
        }
        (Mode::Ebpf, 0) => Line::styled(Style::Good, &format!("All {all} hooks can be attached.")),
        (Mode::Ebpf, _) => Line::styled(Style::Warn, &format!("{missing} of {all} hooks are missing.")),
    }
}
