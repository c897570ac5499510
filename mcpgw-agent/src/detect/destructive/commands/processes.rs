//! Processes that are ended.

use super::arguments::Arguments;
use super::rows::{Row, row, with};
use crate::detect::destructive::act::Act;

const ALL: Act = Act::critical("process_kill", "ends every process, or the one all others rest on");
const MANY: Act = Act::medium("process_kill", "ends processes by name or by owner");
const ONE: Act = Act::low("process_kill", "ends processes by name");

/// Rows of this kind.
pub(super) const ROWS: &[Row] = &[
    row("killall5", "", ALL),
    row("skill|slay", "", MANY),
    row("tskill", "", MANY),
    row("loginctl", "terminate-*|kill-*", MANY),
    with("fuser", "", "-k|-km|-mk", MANY),
    with("xkill", "", "-all", MANY),
];

/// kill.
pub(super) fn kill(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let words: Vec<&str> = arguments.texts().collect();
    let mut rest = words.as_slice();
    // The signal, and then the processes; `-0` asks whether they are alive.
    match rest {
        ["-0" | "-l" | "-L", ..] => return None,
        ["-s" | "--signal" | "-n", _, after @ ..] => rest = after,
        [first, after @ ..] if first.starts_with('-') && !after.is_empty() => rest = after,
        _ => {}
    }
    if rest.iter().any(|word| matches!(*word, "-1" | "1" | "0" | "-0")) {
        return Some(ALL);
    }
    let listed = |word: &&&str| word.starts_with("$(") || word.starts_with('`');
    if arguments.many || rest.iter().any(|word| listed(&word)) {
        return Some(MANY);
    }
    None
}

/// killall and pkill.
pub(super) fn by_name(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let harmless =
        ["-0", "-l", "-HUP", "-SIGHUP", "-USR1", "-USR2", "-1", "-hup", "--list", "-CONT", "-WINCH"];
    if arguments.any(&harmless) || arguments.words.is_empty() {
        return None;
    }
    let hard =
        ["-9", "-KILL", "-SIGKILL", "-SIGTERM", "-TERM", "-15", "-u", "-U", "-g", "-s", "--signal", "-KILL"];
    let privileged =
        arguments.simple.words.first().is_some_and(|word| matches!(word.text.as_ref(), "sudo" | "doas"));
    let owner = arguments.long("user") || arguments.any(&["-u", "--uid"]);
    Some(if owner || privileged || arguments.any(&hard) || arguments.first() == "." { MANY } else { ONE })
}
