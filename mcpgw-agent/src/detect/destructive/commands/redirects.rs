//! What a redirection writes over.

use super::target::{self, Weight, weigh};
use super::{machines, traces};
use crate::detect::destructive::act::Act;
use crate::detect::destructive::shell::{Direction, Simple};

const DISK: Act = Act::critical("disk_write", "writes to a disk past its file system");
const PILLAR: Act = Act::high("file_overwrite", "overwrites a file the system rests on");
const EMPTIES: Act = Act::medium("file_overwrite", "empties a file");

const RANSOM: Act = Act::medium("ransom_note", "leaves a note of the kind extortionists leave");

/// Whether a file is called what notes to the owners of encrypted files are called.
fn is_ransom_note(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    [
        "your_files",
        "your-files",
        "ransom",
        "how_to_decrypt",
        "how_to_recover",
        "decrypt_instruction",
        "recover_files",
        "restore_files",
        "akira_readme",
    ]
    .iter()
    .any(|name| lower.contains(name))
}

/// Files a system does not start or let anybody in without.
pub(super) fn is_pillar(path: &str) -> bool {
    matches!(
        path,
        "/etc/passwd"
            | "/etc/shadow"
            | "/etc/group"
            | "/etc/sudoers"
            | "/etc/fstab"
            | "/etc/hosts"
            | "/etc/crontab"
            | "/etc/ssh/sshd_config"
            | "/etc/resolv.conf"
            | "/etc/gshadow"
            | "/etc/nsswitch.conf"
            | "/etc/ld.so.preload"
    ) || [
        "/boot/",
        "/bin/",
        "/sbin/",
        "/usr/bin/",
        "/usr/sbin/",
        "/lib/",
        "/usr/lib/",
        "/etc/pam.d/",
        "/etc/sudoers.d/",
    ]
    .iter()
    .any(|start| path.starts_with(start))
}

/// What a command's redirections do, whatever the command.
pub(in crate::detect::destructive) fn judge(simple: &Simple<'_>) -> Option<Act> {
    let mut words = simple.words.iter().map(|word| word.text.as_ref());
    let program = words.next().unwrap_or(":");
    let rest = words.next();
    // What prints nothing, or next to nothing.
    let empty = match program {
        ":" | "true" => true,
        "echo" | "printf" => rest.is_none_or(|said| said.is_empty() || said == "-n" || said == "\"\""),
        "cat" | "type" => matches!(rest, Some("/dev/null" | "nul" | "NUL")),
        _ => false,
    };
    let prints = matches!(program, "echo" | "printf");
    let empty = empty
        || simple
            .redirects
            .iter()
            .any(|redirect| redirect.target.text == "/dev/null" && redirect.direction == Direction::Read);
    simple.redirects.iter().filter(|redirect| redirect.direction != Direction::Read).find_map(|redirect| {
        let path = redirect.target.text.as_ref();
        let writes = redirect.direction == Direction::Write;
        match () {
            () if path == "/dev/null" || path.starts_with('&') => None,
            () if path.ends_with("sysrq-trigger") => Some(machines::SYSRQ),
            () if target::is_disk(path) => Some(DISK),
            () if !writes => None,
            () if is_pillar(path) => Some(PILLAR),
            () if target::is_history(path) => Some(traces::HISTORY),
            () if (empty || prints) && target::is_log(path) => Some(traces::LOGS),
            () if prints && is_ransom_note(path) => Some(RANSOM),
            () if empty && target::is_precious(path) => Some(PILLAR),
            () if empty && (weigh(path) >= Weight::Much || target::is_data(path)) => Some(EMPTIES),
            () => None,
        }
    })
}
