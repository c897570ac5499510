//! Programs that remove and overwrite files.

use super::arguments::Arguments;
use super::target::{self, Weight, weigh};
use super::{traces, windows};
use crate::detect::destructive::act::Act;
use crate::detect::destructive::shell::Flavour;

const WIPES: Act = Act::critical("recursive_delete", "removes a root, a home or everything that is here");
const TREE: Act = Act::high("recursive_delete", "removes a directory with all that is in it");
const SUBTREE: Act = Act::medium("recursive_delete", "removes a directory with all that is in it");
const FILES: Act = Act::medium("file_delete", "removes files nobody named one by one");
const PRECIOUS: Act = Act::high("file_delete", "removes a file that others rest on");
const DATA: Act = Act::medium("file_delete", "removes a database, a backup or a key");
const SHRED: Act = Act::high("file_shred", "overwrites a file so that it cannot be had back");
const EMPTIES: Act = Act::medium("file_overwrite", "empties a file");
const OVERWRITES: Act = Act::high("file_overwrite", "overwrites a file that others rest on");
const DISK: Act = Act::critical("disk_write", "writes to a disk past its file system");
const VOID: Act = Act::critical("recursive_delete", "moves things where they are lost");
const MIRROR: Act = Act::medium("mirror_delete", "removes whatever is not in an empty source");

/// rm.
pub(super) fn rm(arguments: &Arguments<'_, '_>) -> Option<Act> {
    if arguments.flavour == Flavour::Windows {
        // In PowerShell this is Remove-Item.
        return windows::remove(arguments);
    }
    let recursive = arguments.short('r')
        || arguments.short('R')
        || arguments.long("recursive")
        || arguments.parameter("recurse", 3);
    let asks = !arguments.short('f')
        && (arguments.short('i') || arguments.short('I') || arguments.long("interactive"));
    if arguments.long("no-preserve-root") {
        return Some(WIPES);
    }
    let mut heaviest = None;
    for path in arguments.plain() {
        heaviest = heavier(heaviest, remove(path, recursive));
        if heaviest == Some(WIPES) {
            break;
        }
    }
    let heaviest = if arguments.many { heavier(heaviest, piped(arguments, recursive)) } else { heaviest };
    heaviest.map(|act| if asks { Act { score: 0.4, ..act } } else { act })
}

/// Removing one path.
pub(in crate::detect::destructive) fn remove(path: &str, recursive: bool) -> Option<Act> {
    let weight = weigh(path);
    if weight != Weight::Nothing || path.contains("history") {
        if target::is_history(path) {
            return Some(traces::HISTORY);
        }
        if target::is_log(path) {
            return Some(traces::LOGS);
        }
    }
    let wild = path.contains('*');
    match weight {
        Weight::Nothing => None,
        Weight::Everything if recursive => Some(WIPES),
        Weight::Much if recursive => Some(TREE),
        Weight::Ordinary if recursive && target::is_data(path) => Some(DATA),
        Weight::Ordinary if recursive && target::is_file(path) => Some(Act { score: 0.4, ..SUBTREE }),
        Weight::Ordinary if recursive => Some(SUBTREE),
        Weight::Everything | Weight::Much if wild => Some(FILES),
        _ if target::is_precious(path) => Some(PRECIOUS),
        Weight::Much if target::is_data(path) => Some(DATA),
        Weight::Everything if path.len() > 2 && path.starts_with('/') => Some(PRECIOUS),
        Weight::Everything | Weight::Much | Weight::Ordinary => None,
    }
}

/// Removing what another command lists.
fn piped(arguments: &Arguments<'_, '_>, recursive: bool) -> Option<Act> {
    if recursive {
        return Some(TREE);
    }
    let before = arguments.before?;
    let mut words = before.words.iter().map(|word| word.text.as_ref());
    let is_find = words.next().is_some_and(|name| name.ends_with("find"));
    let narrow = is_find && before.words.iter().any(|word| matches!(word.text.as_ref(), "-name" | "-iname"));
    let root = words.find(|word| !word.starts_with('-')).unwrap_or(".");
    (!narrow || weigh(root) > Weight::Everything)
        .then_some(FILES)
        .filter(|_| weigh(root) != Weight::Nothing || root == ".")
}

fn heavier(one: Option<Act>, other: Option<Act>) -> Option<Act> {
    match (one, other) {
        (Some(one), Some(other)) if other.score > one.score => Some(other),
        (Some(one), _) => Some(one),
        (None, other) => other,
    }
}

/// unlink, and removers of other names.
pub(super) fn unlink(arguments: &Arguments<'_, '_>) -> Option<Act> {
    arguments.plain().map(|path| remove(path, false)).fold(None, heavier)
}

/// shred, wipe, srm, sdelete.
pub(super) fn shred(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let mut targets = arguments.plain().filter(|word| word.parse::<u32>().is_err()).peekable();
    if targets.peek().is_none() && !arguments.many {
        return None;
    }
    Some(if targets.any(target::is_disk) { DISK } else { SHRED })
}

/// truncate.
pub(super) fn truncate(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let size = arguments.texts().any(|word| matches!(word, "-s0" | "--size=0" | "-s=0"));
    let size = size || arguments.value("-s") == Some("0") || arguments.value("--size") == Some("0");
    let path = arguments.plain().filter(|word| *word != "0").last()?;
    match () {
        () if !size => None,
        () if target::is_history(path) => Some(traces::HISTORY),
        () if target::is_log(path) => Some(traces::LOGS),
        () if weigh(path) == Weight::Nothing && !path.ends_with(".log") => None,
        () => Some(EMPTIES),
    }
}

/// mv.
pub(super) fn mv(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let to = arguments.plain().last()?;
    let from = arguments.first();
    match () {
        () if to == "/dev/null" => Some(VOID),
        () if target::is_disk(to) => Some(DISK),
        () if target::is_history(from) || target::is_log(from) => Some(Act { score: 0.55, ..traces::LOGS }),
        () if matches!(weigh(from), Weight::Everything)
            && from != "."
            && from.starts_with(['/', '~', '$']) =>
        {
            Some(PRECIOUS)
        }
        () => None,
    }
}

/// cp, install, tee and ln: what they write over.
pub(super) fn cp(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let to = arguments.plain().last()?;
    let empties = arguments.first() == "/dev/null" && arguments.plain().nth(1).is_some();
    match () {
        () if target::is_disk(to) => Some(DISK),
        () if empties && target::is_history(to) => Some(traces::HISTORY),
        () if empties && target::is_log(to) => Some(traces::LOGS),
        () if empties && target::is_precious(to) => Some(OVERWRITES),
        () if empties && (weigh(to) >= Weight::Much || target::is_data(to)) => Some(EMPTIES),
        () => None,
    }
}

/// tee without -a.
pub(super) fn tee(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let appends = arguments.short('a') || arguments.long("append");
    let act = |path: &str| match () {
        () if target::is_disk(path) => Some(DISK),
        () if path.ends_with("sysrq-trigger") => Some(super::machines::SYSRQ),
        () if appends => None,
        () if super::redirects::is_pillar(path) => Some(OVERWRITES),
        () if target::is_history(path) => Some(traces::HISTORY),
        () => None,
    };
    arguments.plain().find_map(act)
}

/// sed and its like, in place, on what should stay as it is.
pub(super) fn sed(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let in_place = arguments.short('i') || arguments.long("in-place");
    let path = arguments.plain().last()?;
    match () {
        () if !in_place => None,
        () if target::is_history(path) => Some(traces::HISTORY),
        () if target::is_log(path) => Some(traces::LOGS),
        () => None,
    }
}

/// dd and its like.
pub(super) fn dd(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let to = arguments.value("of")?;
    let from = arguments.value("if").unwrap_or_default();
    let blank = matches!(from, "/dev/zero" | "/dev/urandom" | "/dev/random" | "/dev/null");
    match () {
        () if target::is_disk(to) => Some(DISK),
        () if blank && target::is_log(to) => Some(traces::LOGS),
        () if blank && target::is_precious(to) => Some(OVERWRITES),
        () if blank && weigh(to) >= Weight::Much && !to.contains("swap") && !to.starts_with("/dev/") => {
            Some(SHRED)
        }
        () => None,
    }
}

/// rsync and rclone, which remove what the source does not have.
pub(super) fn rsync(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let deletes = arguments.texts().any(|word| word.starts_with("--del"));
    let from = arguments.first().trim_end_matches('/');
    let name = from.rsplit('/').next().unwrap_or(from).to_ascii_lowercase();
    let empty = name.starts_with("empty") || name.starts_with("blank") || from == "/dev/null";
    let to_everything = arguments
        .plain()
        .last()
        .is_some_and(|to| weigh(to) == Weight::Everything && to.starts_with(['/', '~']));
    (deletes && (empty || to_everything) && !arguments.short('n')).then_some(MIRROR)
}

/// What writing to a path amounts to; `content` where it is known.
pub(in crate::detect::destructive) fn write_path(path: &str, content: Option<&str>) -> Option<Act> {
    let empty = content.is_some_and(|content| content.trim().is_empty());
    match () {
        () if path == "/dev/null" => Some(VOID),
        () if target::is_disk(path) => Some(DISK),
        () if super::redirects::is_pillar(path) => Some(OVERWRITES),
        () if target::is_history(path) => Some(traces::HISTORY),
        () if empty && target::is_log(path) => Some(traces::LOGS),
        () if empty && (target::is_precious(path) || target::is_data(path)) => Some(EMPTIES),
        () => None,
    }
}
