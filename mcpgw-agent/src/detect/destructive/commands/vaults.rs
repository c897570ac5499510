//! Backups that are removed, and files that are encrypted so that their owner cannot read them.

use super::arguments::Arguments;
use super::rows::{Row, row, with};
use crate::detect::destructive::act::Act;

const BACKUP: Act = Act::high("backup_destroy", "removes backups or snapshots");
const ENCRYPT: Act = Act::medium("file_encryption", "encrypts files under a secret of whoever asks");

/// Rows of this kind.
pub(super) const ROWS: &[Row] = &[
    row("borg", "delete|prune|compact", BACKUP),
    with("restic", "forget", "", Act { score: 0.55, ..BACKUP }),
    with("restic", "forget", "--prune", BACKUP),
    row("restic", "prune|key", Act { score: 0.55, ..BACKUP }),
    row("duplicity", "remove-*|cleanup", BACKUP),
    row("kopia", "snapshot|repository delete|disconnect", BACKUP),
    row("rdiff-backup", "remove|--remove-older-than", BACKUP),
    row("pgbackrest", "expire|stanza-delete|stop", BACKUP),
    row("barman", "delete", BACKUP),
    row("wal-g", "delete", BACKUP),
    with("tarsnap", "", "-d|--nuke", BACKUP),
    with("tarsnap", "", "--nuke", BACKUP),
    row("bacula|bconsole", "delete|purge|prune", BACKUP),
    row("ccrypt|ccencrypt|bcrypt|dcrypt|axcrypt|diskcryptor|dccon", "*", ENCRYPT),
    with("ccrypt|ccencrypt", "", "-T|-e|-K|-k|-f", ENCRYPT),
    with("openssl", "rsautl|pkeyutl", "-encrypt", ENCRYPT),
    with("openssl", "smime|cms", "-encrypt", ENCRYPT),
    with("zip", "", "-e", ENCRYPT),
    with("zip", "", "-e|--encrypt|-P|--password", ENCRYPT),
    with("rar|winrar", "a", "-hp*|-p*", ENCRYPT),
    with("age|rage", "", "-p|--passphrase -o|--output", Act { score: 0.45, ..ENCRYPT }),
    with("manage-bde", "", "-on|-lock|-forcerecovery", ENCRYPT),
    with(
        "tar",
        "",
        "--remove-files",
        Act { score: 0.55, ..Act::medium("file_delete", "removes what it packs") },
    ),
];

/// gpg: symmetric, with a secret that stands in the command.
pub(super) fn gpg(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let symmetric = arguments.any(&["-c", "--symmetric"])
        || arguments.texts().any(|word| {
            word.starts_with('-') && !word.starts_with("--") && word.len() < 5 && word.contains('c')
        });
    let windows = arguments.holds(&[":\\"]);
    let unattended =
        windows || arguments.texts().any(|word| word.starts_with("--passphrase") || word == "--batch");
    let deletes = arguments.texts().any(|word| word.starts_with("--delete-secret"));
    match () {
        () if deletes => Some(Act { kind: "key_delete", why: "removes a private key", ..BACKUP }),
        () if symmetric && (unattended || arguments.many || arguments.before.is_some()) => Some(ENCRYPT),
        () if symmetric => Some(Act { score: 0.45, ..ENCRYPT }),
        () => None,
    }
}

/// openssl enc.
pub(super) fn openssl(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let mut texts = arguments.texts();
    let verb = texts.next()?;
    let cipher = verb == "enc" || verb.starts_with("aes-") || verb.starts_with("des");
    let decodes = arguments.any(&["-d", "-base64", "-a", "-help"]) && !arguments.any(&["-e", "-out"])
        || arguments.any(&["-d"]);
    let secret = arguments.any(&["-k", "-K", "-pass", "-kfile"])
        || arguments.texts().any(|word| word.starts_with("pass:"));
    match () {
        () if !cipher || decodes => None,
        () if secret || arguments.many || arguments.any(&["-in"]) => Some(ENCRYPT),
        () => None,
    }
}

/// 7z with a password.
pub(super) fn seven_zip(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let adds = matches!(arguments.first(), "a" | "u");
    let password =
        arguments.texts().any(|word| word.starts_with("-p") && word.len() > 2 || word.starts_with("-mhe"));
    (adds && password).then_some(ENCRYPT)
}
