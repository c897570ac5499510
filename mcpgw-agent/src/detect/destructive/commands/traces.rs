//! Histories and logs: what is removed so that nobody can tell what was done.

use super::arguments::Arguments;
use super::rows::{Row, row, with};
use crate::detect::destructive::act::Act;
use crate::detect::destructive::shell::assignment;

pub(super) const HISTORY: Act =
    Act::medium("history_clearing", "removes the history of a shell, or stops it being kept");
pub(super) const LOGS: Act = Act::high("log_clearing", "removes or empties logs");

/// Rows of this kind.
pub(super) const ROWS: &[Row] = &[
    with("history", "", "-c|-w|-d|-cw|-wc", HISTORY),
    row("history", "clear|delete|-p", HISTORY),
    with("fc", "", "-p", HISTORY),
    with("set", "", "+o history", HISTORY),
    with("shopt", "", "-u histappend|cmdhist", HISTORY),
    with("setopt", "", "HIST_IGNORE_SPACE|histignorespace", HISTORY),
    with("unsetopt", "", "hist*|share_history", HISTORY),
    with("journalctl", "", "--vacuum-time|--vacuum-size|--vacuum-files|--rotate", LOGS),
    with("auditctl", "", "-D", LOGS),
    with("auditctl", "", "-e 0", LOGS),
    with("dmesg", "", "-C|-c|--clear|--read-clear", LOGS),
    with("logrotate", "", "-f|--force", Act::low("log_clearing", "rotates logs at once")),
    with("log", "erase", "", LOGS),
    with("esxcli", "system syslog", "", LOGS),
    with("ausearch", "", "--delete", LOGS),
];

/// `HISTFILE=/dev/null` and its like, exported or not; `unset HISTFILE`.
pub(super) fn judge(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let takes_away = matches!(arguments.name, "unset" | "unsetenv");
    let mut values = arguments.texts();
    let hidden = |word: &str| match assignment(word) {
        Some((name, value)) => hides(name, value),
        None => {
            takes_away
                && matches!(word, "HISTFILE" | "HISTSIZE" | "HISTFILESIZE" | "SAVEHIST" | "PROMPT_COMMAND")
        }
    };
    let pair =
        arguments.name == "setenv" && hides(arguments.first(), arguments.plain().nth(1).unwrap_or_default());
    (pair || values.any(hidden)).then_some(HISTORY)
}

fn hides(name: &str, value: &str) -> bool {
    match name {
        "HISTFILE" => matches!(value, "" | "/dev/null" | "0"),
        "HISTSIZE" | "HISTFILESIZE" | "SAVEHIST" => matches!(value, "0" | ""),
        "HISTCONTROL" => value.starts_with("ignore"),
        "HISTIGNORE" => value.contains('*'),
        _ => false,
    }
}

/// ssh without a terminal, with the password at hand: what is done leaves no history.
pub(super) fn sshpass(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let password = arguments.short('p') && arguments.any(&["ssh"]);
    (password && arguments.any(&["-T"])).then_some(HISTORY)
}

/// ln: a history that is /dev/null keeps nothing.
pub(super) fn ln(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let to = arguments.plain().last()?;
    (arguments.first() == "/dev/null" && (super::target::is_history(to) || super::target::is_log(to)))
        .then_some(HISTORY)
}

/// `HISTFILE=/dev/null`, standing alone.
pub(in crate::detect::destructive) fn judge_assignment(word: &str) -> Option<Act> {
    assignment(word).filter(|(name, value)| hides(name, value)).map(|_| HISTORY)
}
