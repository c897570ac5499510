//! Cmdlets: a verb and a noun.

use super::arguments::Arguments;
use super::{traces, windows};
use crate::detect::destructive::act::Act;

const REMOVE: Act = Act::medium("cmdlet_remove", "removes something of a system or an account");
const STORE: Act = Act::critical("disk_format", "erases or formats a disk");
const ACCOUNT: Act = Act::high("account_removal", "removes, locks or takes over an account");
const SERVICE: Act = Act::medium("service_stop", "stops a service, or keeps it from starting");
const KILL: Act = Act { score: 0.55, ..Act::medium("process_kill", "ends processes") };
const MACHINE: Act = Act::high("shutdown", "stops or restarts a machine");
const SECURITY: Act = Act::medium("security_disabled", "turns protection off");
const EMPTIES: Act = Act::medium("file_overwrite", "empties a file or a setting");

/// Nouns of the session itself: removing them costs nothing.
const OWN: &[&str] = &[
    "variable",
    "module",
    "psdrive",
    "pssession",
    "job",
    "event",
    "psbreakpoint",
    "typedata",
    "alias",
    "psreadlinekeyhandler",
    "host",
    "pssnapin",
    "transcript",
    "dnsclientcache",
    "error",
    "cimsession",
    "smbmapping",
    "typename",
    "table",
    "list",
    "wide",
    "custom",
    "hex",
    "object",
    "pssessionconfiguration",
    "progress",
    "screen",
    "sleep",
];

/// What a cmdlet does, by its verb and its noun.
pub(super) fn judge(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let (verb, noun) = arguments.name.split_once('-')?;
    if OWN.contains(&noun) || noun.is_empty() {
        return None;
    }
    let account =
        ["user", "group", "account", "principal", "computer", "role", "member", "permission", "mailbox"];
    let is_account = account.iter().any(|part| noun.contains(part));
    match (verb, noun) {
        ("remove", "item") => windows::remove(arguments),
        ("set", "psreadlineoption") => {
            let off = arguments.holds(&["savenothing", "historysavepath", "addtohistoryhandler"])
                || arguments.parameter("addtohistoryhandler", 5);
            off.then_some(traces::HISTORY)
        }
        ("clear", "history") => Some(traces::HISTORY),
        ("clear" | "remove" | "limit", "eventlog" | "winevent" | "winevtlog") => Some(traces::LOGS),
        ("format", "volume")
        | ("clear" | "initialize", "disk")
        | ("remove", "partition")
        | ("reset", "physicaldisk") => Some(STORE),
        ("stop" | "restart" | "disable" | "remove", "computer") => Some(MACHINE),
        ("disable" | "remove", "computerrestore") => Some(Act { kind: "backup_destroy", ..SECURITY }),
        ("stop" | "suspend" | "remove", "service") => Some(SERVICE),
        ("set", "service") => (arguments.holds(&["disabled", "stopped"])).then_some(SERVICE),
        ("stop", "process") => (!arguments.parameter("id", 1) || arguments.before.is_some()).then_some(KILL),
        ("stop", _) => {
            let whole = ["vm", "az", "ec2", "website", "webapp", "iis", "cluster", "container"];
            whole.iter().any(|start| noun.starts_with(start)).then_some(KILL)
        }
        ("set", "mppreference") => arguments
            .texts()
            .any(|word| word.starts_with("-Disable") || word.starts_with("-disable"))
            .then_some(SECURITY),
        ("set", "netfirewallprofile") => arguments.any(&["false", "$false"]).then_some(SECURITY),
        ("set", "localuser" | "adaccountpassword" | "azureaduserpassword") => {
            Some(Act { score: 0.6, ..ACCOUNT })
        }
        ("set", "executionpolicy") => None,
        ("set", "content") => {
            let empty = arguments.any(&["$null", ""]);
            (empty || arguments.holds(&["historysavepath", "consolehost_history"])).then_some(EMPTIES)
        }
        ("clear", "content" | "item" | "recyclebin" | "itemproperty") => Some(EMPTIES),
        ("remove" | "disable", _) if is_account => Some(ACCOUNT),
        _ if !is_typed(arguments) => None,
        (
            "remove" | "uninstall" | "disable" | "clear" | "delete" | "revoke" | "unregister" | "dismount",
            _,
        ) => Some(REMOVE),
        ("reset", _) => Some(Act { score: 0.55, ..REMOVE }),
        ("restart", "service") => None,
        _ => None,
    }
}

/// Whether a verb and a noun are a cmdlet's, not words of a sentence: capitals, or parameters.
fn is_typed(arguments: &Arguments<'_, '_>) -> bool {
    let mut words = arguments.simple.words.iter().map(|word| word.text.as_ref());
    let capital = |word: &str| word.eq_ignore_ascii_case(arguments.name) && word != arguments.name;
    words.any(capital)
        || arguments.texts().any(|word| word.starts_with('-') && word.len() > 2)
        || arguments.before.is_some()
}

/// What has no cmdlet: methods of classes, asked of a whole text.
pub(in crate::detect::destructive) fn methods(lower: &str) -> Option<Act> {
    let shadow =
        lower.contains("win32_shadowcopy") && (lower.contains(".delete(") || lower.contains("remove-"));
    let calls = [
        "[system.io.directory]::delete(",
        "[io.directory]::delete(",
        "[system.io.file]::delete(",
        "[io.file]::delete(",
        ".clearlog(",
        "[system.diagnostics.eventlog]::delete(",
        ".win32shutdown(",
        "::clearsession(",
    ];
    let disables = lower.contains("historysavepath")
        && (lower.contains("remove-item") || lower.contains("clear-content") || lower.contains("del "));
    let fills = lower.contains("[io.file]::writeallbytes(") && lower.contains("nextbytes(");
    match () {
        () if shadow => Some(Act::critical("backup_destroy", "removes shadow copies")),
        () if disables => Some(traces::HISTORY),
        () if fills => Some(Act::medium("file_overwrite", "fills files with noise")),
        () if calls.iter().any(|call| lower.contains(call)) => Some(REMOVE),
        () => None,
    }
}
