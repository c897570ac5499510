//! From the configuration to what each part is told.

use super::tls::Readers;
use crate::config::Config;
use crate::guard::{Action, Mode, RuleSpec};
use crate::inventory::{AllowError, AllowList, FollowList, InventoryConfig, Timeouts};
use crate::kernel::{KernelOptions, OptionsError};

/// What the inventory is told. `probes` says whether there is a wire view at all.
///
/// # Errors
/// An allow rule the inventory does not take; the configuration's own check should have found it.
pub(super) fn inventory(config: &Config, probes: bool) -> Result<InventoryConfig, AllowError> {
    let allow = AllowList::compile(&config.allow)?;
    let follow = FollowList::compile(config.host.messages, &config.host.messages_of)?;
    let timeouts = Timeouts {
        silent: config.observe.silent_after,
        foreign: config.observe.give_up_after,
        ended: config.observe.keep_ended,
        ..Timeouts::default()
    };
    Ok(InventoryConfig {
        allow,
        follow,
        wire: probes,
        timeouts,
        hash_executables: config.needs_hashes(),
        ..InventoryConfig::default()
    })
}

/// Whose TLS is read.
///
/// # Errors
/// As [`inventory`].
pub(super) fn readers(config: &Config) -> Result<Readers, AllowError> {
    Readers::compile(config.host.tls, &config.host.tls_of)
}

/// What the probes are told.
///
/// # Errors
/// A hook is left out that does not exist, or a ring has a size the kernel does not take.
pub(crate) fn kernel(config: &Config) -> Result<KernelOptions, OptionsError> {
    let rings = &config.host.rings;
    let mut disabled: Vec<String> = config.host.disabled_hooks.iter().cloned().collect();
    if !config.observe.stdio {
        disabled.push("stdio-tap".to_owned());
    }
    if !config.observe.http {
        disabled.extend(["http-in".to_owned(), "http-out".to_owned()]);
    }
    let mut options = KernelOptions {
        lifecycle_bytes: rings.lifecycle_bytes,
        streams_bytes: rings.streams_bytes,
        tcp_bytes: rings.tcp_bytes,
        budget: config.observe.tap_budget_bytes,
        disabled,
        // Only where somebody asked to see it: every probe pays for it.
        probe_log: tracing::enabled!(target: "mcpgw_ebpf", tracing::Level::DEBUG),
        ..KernelOptions::default()
    };
    if !config.host.tls && config.host.tls_of.is_empty() {
        options.leave_out_tls();
    }
    if !config.host.effects {
        options.leave_out_effects();
    }
    let guard = &config.host.guard;
    let turns =
        |rule: &RuleSpec| matches!(rule.action, Action::Deny | Action::Steer) && rule.socket.is_none();
    if guard.mode == Mode::Enforce && guard.rules.iter().any(turns) {
        options.guard = Some(guard.cgroup.clone());
    } else {
        options.disabled.push("guard-connect".to_owned());
    }
    let acts = guard.mode == Mode::Enforce && !guard.dry_run;
    options.refuse_programs = acts && guard.rules.iter().any(|rule| rule.action == Action::Hold);
    options.refuse_sockets = acts && guard.rules.iter().any(|rule| rule.socket.is_some());
    let unasked = [("guard-exec", options.refuse_programs), ("guard-unix", options.refuse_sockets)];
    options
        .disabled
        .extend(unasked.into_iter().filter(|(_, is_asked)| !is_asked).map(|(name, _)| name.to_owned()));
    options.validate()?;
    Ok(options)
}
