//! The programs of Windows' own shell.

use super::arguments::Arguments;
use super::rows::{Row, row, with};
use super::target::{self, Weight, weigh};
use super::{powershell, traces};
use crate::detect::destructive::act::Act;
use crate::detect::destructive::shell::{End, Flavour};

const TREE: Act = Act::high("recursive_delete", "removes a directory with all that is in it");
const FILES: Act = Act::medium("file_delete", "removes files unasked, or nobody named one by one");
const FORMAT: Act = Act::critical("disk_format", "makes a new file system over what was there");
const WIPE: Act = Act::critical("disk_wipe", "erases a disk, or what was removed from it");
const RECOVERY: Act =
    Act::critical("backup_destroy", "removes shadow copies or backups, or keeps a machine from recovering");
const REGISTRY: Act = Act { score: 0.55, ..Act::medium("registry_delete", "removes settings of the system") };
const ACCOUNT: Act = Act::high("account_removal", "removes, locks or takes over an account");
const SERVICE: Act = Act::medium("service_stop", "stops a service, or keeps it from starting");
const KILL: Act = Act::medium("process_kill", "ends processes");
const SECURITY: Act = Act::medium("security_disabled", "turns protection off");
const ACCESS: Act =
    Act { score: 0.55, ..Act::medium("permission_change", "takes files over or locks others out") };
const SCHEDULE: Act = Act::medium("schedule_removal", "removes or disables scheduled work");

/// Rows of this kind.
pub(super) const ROWS: &[Row] = &[
    row("vssadmin", "delete|resize|modify", RECOVERY),
    row("wbadmin", "delete|disable|stop", RECOVERY),
    with("diskshadow", "", "delete|-s|/s", RECOVERY),
    with("wmic", "", "shadowcopy delete|call", RECOVERY),
    with("wmic", "", "delete", Act { score: 0.7, ..RECOVERY }),
    with("wmic", "", "terminate|uninstall|stopservice", KILL),
    with("bcdedit", "", "/delete|/deletevalue|/import", RECOVERY),
    with("bcdedit", "", "recoveryenabled|bootstatuspolicy|safeboot|testsigning|nointegritychecks", RECOVERY),
    with("reagentc", "", "/disable", RECOVERY),
    with("wevtutil", "", "cl|clear-log|sl|set-log", traces::LOGS),
    with(
        "fsutil",
        "usn|file|volume|reparsepoint|objectid deletejournal|setzerodata|dismount|delete",
        "",
        traces::LOGS,
    ),
    with("fsutil", "", "setzerodata|deletejournal", traces::LOGS),
    with("reg", "delete|unload", "", REGISTRY),
    with("reg", "add", "disable*|*disable*|norun|enablelua|start", Act { score: 0.5, ..SECURITY }),
    row("net|net1", "stop", SERVICE),
    with("net|net1", "user|group|localgroup", "/delete|/del|/active:no", ACCOUNT),
    with("net|net1", "share|use", "/delete|/del", Act::low("network_down", "removes a shared directory")),
    row("sc", "stop|delete|sdset|pause", SERVICE),
    with("sc", "config", "disabled|start=disabled", SERVICE),
    with("sc", "failure", "", Act { score: 0.5, ..SERVICE }),
    row("tskill", "*", KILL),
    with("schtasks", "", "/delete", SCHEDULE),
    with("schtasks", "", "/change /disable", SCHEDULE),
    with("schtasks", "", "/end", Act { score: 0.5, ..SCHEDULE }),
    with("mountvol", "", "/d|/p", WIPE),
    with("manage-bde", "", "-off", SECURITY),
    with("netsh", "advfirewall|firewall", "off|disable|reset|delete", SECURITY),
    with(
        "netsh",
        "interface|int|winsock|wlan",
        "disabled|disable|reset|delete",
        Act::medium("network_down", "cuts a machine off"),
    ),
    with("auditpol", "", "/clear|/remove|/disable|/success:disable|/failure:disable", traces::LOGS),
    row("dsrm|ntdsutil", "*", ACCOUNT),
    with("dsrm", "", "-subtree|-noprompt", ACCOUNT),
    with("dsmod", "user", "-disabled|-pwd", ACCOUNT),
    with("dism", "", "/disable-feature|/remove-*|/cleanup-image", Act { score: 0.45, ..SECURITY }),
    with("wusa|msiexec", "", "/uninstall|/x", Act { score: 0.45, ..SECURITY }),
    with("icacls|cacls", "", "/reset|/deny|*everyone:*|*everyone:f|/grant", Act { score: 0.45, ..ACCESS }),
    with("icacls", "", "/t *everyone*", ACCESS),
    with("takeown", "", "/r", ACCESS),
    with("compact|label|attrib", "", "/delete", ACCESS),
    with("wsl", "", "--unregister", TREE),
    with("robocopy", "", "/mir|/purge", Act { score: 0.45, ..TREE }),
    row("clear-history", "", traces::HISTORY),
    with("doskey", "", "/reinstall", traces::HISTORY),
    with("rundll32", "", "user32.dll,exitwindowsex", super::machines::SHUTDOWN),
    row("vmware-vdiskmanager|vmrun", "deletevm|deletesnapshot|stop", RECOVERY),
];

/// del and erase.
pub(super) fn del(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let unasked = arguments.switch("f") || arguments.switch("q");
    let deep = arguments.switch("s");
    if arguments.texts().any(|word| word.starts_with('-')) {
        return remove(arguments);
    }
    let paths: Vec<&str> =
        arguments.texts().filter(|word| !word.starts_with('/') || word.len() > 6).collect();
    // `%f` and `@path` are whatever a loop finds.
    let looped = |path: &&str| path.starts_with('@') || path.starts_with('%') && path.len() <= 3;
    let wild = paths.iter().any(|path| path.contains('*') || looped(path));
    let weight = paths.iter().map(|path| weigh(path)).max()?;
    match () {
        () if paths.iter().any(|path| target::is_history(path)) => Some(traces::HISTORY),
        () if paths.iter().any(|path| target::is_log(path)) => Some(traces::LOGS),
        () if deep => Some(TREE),
        () if weight == Weight::Everything => Some(TREE),
        () if unasked && (wild || weight >= Weight::Much) => Some(FILES),
        () if wild && (weight >= Weight::Much || paths.iter().any(looped)) => Some(FILES),
        () => None,
    }
}

/// rd and rmdir with /s.
pub(super) fn rd(arguments: &Arguments<'_, '_>) -> Option<Act> {
    if arguments.texts().any(|word| word.starts_with('-')) {
        return if arguments.flavour == Flavour::Windows { remove(arguments) } else { None };
    }
    let deep = arguments.switch("s");
    let paths = arguments.texts().filter(|word| !word.starts_with('/') || word.len() > 6);
    let weight = paths.map(weigh).max()?;
    (deep && weight > Weight::Nothing).then_some(TREE)
}

/// Remove-Item and what else it is called.
pub(super) fn remove(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let deep = arguments.parameter("recurse", 1);
    let unasked = arguments.parameter("force", 2) || arguments.parameter("confirm", 2);
    let piped = arguments.before.is_some();
    let paths: Vec<&str> = arguments.plain().collect();
    let weight = paths.iter().flat_map(|path| path.split(',')).map(weigh).max().unwrap_or(Weight::Ordinary);
    let source = arguments.before.map(|before| {
        before.words.iter().any(|word| weigh(&word.text) >= Weight::Much && word.text.contains(['\\', '/']))
    });
    match () {
        () if paths.iter().any(|path| target::is_history(path)) => Some(traces::HISTORY),
        () if paths.iter().any(|path| target::is_log(path)) => Some(traces::LOGS),
        () if paths.iter().any(|path| path.to_ascii_lowercase().starts_with("hk")) => Some(REGISTRY),
        // What stands in parentheses was read as another command.
        () if paths.is_empty() && !piped => (arguments.simple.end == End::Open).then_some(FILES),
        () if piped && (deep || unasked || source == Some(true)) => Some(TREE),
        () if weight == Weight::Nothing => None,
        () if deep => Some(TREE),
        () if paths.iter().any(|path| path.contains('*')) || weight == Weight::Everything => Some(FILES),
        () if unasked => Some(FILES),
        () if weight >= Weight::Much => Some(Act { score: 0.5, ..FILES }),
        () => None,
    }
}

/// format: a drive, not a sentence.
pub(super) fn format(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let is_drive = |word: &str| {
        let bytes = word.as_bytes();
        bytes.len() == 2 && bytes.last() == Some(&b':') && bytes.first().is_some_and(u8::is_ascii_alphabetic)
    };
    is_drive(arguments.first()).then_some(FORMAT)
}

/// diskpart: reads what to do.
pub(super) fn diskpart(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let told = arguments.switch("s")
        || arguments.before.is_some()
        || arguments.simple.here.is_some()
        || !arguments.simple.redirects.is_empty();
    told.then_some(Act { kind: "partition_change", ..FORMAT })
}

/// diskshadow: told to delete by what is piped to it.
pub(super) fn diskshadow(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let told = arguments.before?.words.iter().any(|word| super::holds(&word.text, &["delete"]));
    told.then_some(RECOVERY)
}

/// cipher /w.
pub(super) fn cipher(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let starts = |start: &str| {
        arguments.texts().any(|word| word.get(..2).is_some_and(|begin| begin.eq_ignore_ascii_case(start)))
    };
    match () {
        () if starts("/w") => Some(WIPE),
        () if starts("/e") => Some(Act { kind: "file_encryption", score: 0.55, ..ACCESS }),
        () => None,
    }
}

/// net user NAME PASSWORD.
pub(super) fn net(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let adds = arguments
        .texts()
        .any(|word| matches!(word.to_ascii_lowercase().as_str(), "/add" | "/domain" | "/active:yes"));
    let mut plain = arguments.texts().filter(|word| !word.starts_with('/'));
    let is_user = plain.next().is_some_and(|verb| verb.eq_ignore_ascii_case("user"));
    (is_user && !adds && plain.count() >= 2).then_some(Act { score: 0.6, ..ACCOUNT })
}

/// taskkill: /f is enough.
pub(super) fn taskkill(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let by_name = arguments.switch("im") || arguments.switch("fi");
    match () {
        () if by_name && arguments.switch("f") => Some(KILL),
        () if by_name || arguments.switch("f") => Some(Act { score: 0.45, ..KILL }),
        () => None,
    }
}

/// The cmdlets that remove, clear, stop and disable.
pub(super) fn cmdlet(arguments: &Arguments<'_, '_>) -> Option<Act> {
    powershell::judge(arguments)
}
