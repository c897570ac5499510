//! Who may do what: permissions, owners, accounts.

use super::arguments::Arguments;
use super::rows::{Row, row, with};
use super::target::{Weight, weigh};
use crate::detect::destructive::act::Act;

const OPENS: Act = Act::high("permission_change", "changes the permissions of a system, all the way down");
const OWNER: Act = Act::high("permission_change", "changes the owner of a system, all the way down");
const ACCOUNT: Act = Act::high("account_removal", "removes, locks or takes over an account");
const PASSWORD: Act = Act { score: 0.55, ..Act::medium("account_removal", "changes a password") };

/// Rows of this kind.
pub(super) const ROWS: &[Row] = &[
    row("userdel|deluser|groupdel|delgroup", "*", ACCOUNT),
    with("userdel|deluser", "", "-r|--remove|--remove-home|-f", ACCOUNT),
    with("usermod", "", "-L|--lock", ACCOUNT),
    with("usermod", "", "-e 1", ACCOUNT),
    with("passwd", "", "-l|-d|--lock|--delete|-e", ACCOUNT),
    row("chpasswd", "", PASSWORD),
    with("chage", "", "-E 0", ACCOUNT),
    with("gpasswd", "", "-d", Act::low("account_removal", "takes somebody out of a group")),
    with("dscl", "", "-delete|delete|-passwd|passwd", ACCOUNT),
    with("dseditgroup", "", "-o delete", ACCOUNT),
    with("sysadminctl", "", "-deleteuser|-resetpasswordfor", ACCOUNT),
    with("smbpasswd|pdbedit", "", "-x|-d", ACCOUNT),
    row("ldapdelete|ldapmodrdn", "*", ACCOUNT),
    with("ldapdelete", "", "-r|-D|-x", ACCOUNT),
    row("samba-tool", "user|group|computer delete|disable", ACCOUNT),
    row("ipa", "user-del|group-del|host-del|user-disable", ACCOUNT),
    row("kadmin|kadmin.local", "delprinc|delete_principal", ACCOUNT),
    row("dropuser", "*", ACCOUNT),
    row("esxcli", "system account remove", ACCOUNT),
    row("keycloak|kcadm", "delete", ACCOUNT),
    row("okta|auth0", "users|apps|user delete|deactivate", ACCOUNT),
    with(
        "setfacl",
        "",
        "-b|-k -R",
        Act::medium("permission_change", "takes permissions away, all the way down"),
    ),
    with("chattr", "", "-i|+i|-R", Act::low("permission_change", "changes what may be changed")),
    with(
        "chflags",
        "",
        "-R 0|nouchg|noschg",
        Act::medium("permission_change", "takes protection away, all the way down"),
    ),
];

/// chmod.
pub(super) fn chmod(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let recursive = arguments.short('R') || arguments.long("recursive");
    let mut plain = arguments
        .texts()
        .filter(|word| !matches!(*word, "-R" | "--recursive" | "-v" | "-f" | "-c" | "-Rf" | "-fR" | "-Rv"));
    let mode = plain.next().unwrap_or_default();
    let weight = plain.map(weigh_owned).max().unwrap_or(Weight::Nothing);
    let none = matches!(
        mode,
        "000" | "0000" | "0" | "a-rwx" | "-rwx" | "a-r" | "a-x" | "-r" | "a=" | "ugo-rwx" | "ugo="
    );
    let open = matches!(
        mode,
        "777" | "0777" | "a+rwx" | "a=rwx" | "ugo+rwx" | "o+w" | "a+w" | "666" | "0666" | "+rwx" | "a+rw"
    );
    match () {
        () if recursive && weight >= Weight::Everything => Some(OPENS),
        () if weight >= Weight::Everything && (none || open) => Some(OPENS),
        () if recursive && none => Some(Act { score: 0.6, ..OPENS }),
        () if recursive && open && weight >= Weight::Much => Some(Act { score: 0.6, ..OPENS }),
        () if weight >= Weight::Much && none => Some(Act { score: 0.6, ..OPENS }),
        () => None,
    }
}

/// chown and chgrp.
pub(super) fn chown(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let recursive = arguments.short('R') || arguments.long("recursive");
    let weight = arguments.plain().skip(1).map(weigh_owned).max().unwrap_or(Weight::Nothing);
    (recursive && weight >= Weight::Everything).then_some(OWNER)
}

/// What is here is one's own; `/var/www/site` is what services are given.
fn weigh_owned(path: &str) -> Weight {
    let given =
        ["/var/www", "/home/", "/var/lib/", "/usr/local/", "/Users/", "/opt/", "/srv/", "/data", "/mnt/"];
    let deep = path.trim_end_matches('/').matches('/').count() >= 2;
    let weight = weigh(path);
    match weight {
        Weight::Everything if path.starts_with('.') || path == "*" => Weight::Ordinary,
        Weight::Everything if deep && given.iter().any(|start| path.starts_with(start)) => Weight::Much,
        Weight::Nothing | Weight::Ordinary | Weight::Much | Weight::Everything => weight,
    }
}

/// passwd NAME, without any option.
pub(super) fn passwd(arguments: &Arguments<'_, '_>) -> Option<Act> {
    (arguments.words.len() == 1 && !arguments.first().is_empty()).then_some(PASSWORD)
}
