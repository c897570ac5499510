//! Values with a second command in them.

use super::hit;
use crate::detect::member::Member;
use crate::detect::{Hit, Severity};

/// Bytes behind what parts two commands in which the second one is looked for.
const WINDOW: usize = 128;
/// Programs that somebody who can run one runs first.
const PROGRAMS: &[&str] = &[
    "ash",
    "awk",
    "base64",
    "bash",
    "busybox",
    "calc",
    "cat",
    "certutil",
    "chmod",
    "chown",
    "cmd",
    "cp",
    "crontab",
    "curl",
    "dash",
    "date",
    "dd",
    "dig",
    "dir",
    "docker",
    "echo",
    "env",
    "eval",
    "exec",
    "expr",
    "export",
    "find",
    "gcc",
    "git",
    "grep",
    "head",
    "host",
    "hostname",
    "id",
    "ifconfig",
    "ip",
    "kill",
    "kubectl",
    "ln",
    "ls",
    "mkdir",
    "mkfifo",
    "more",
    "mshta",
    "mv",
    "nc",
    "ncat",
    "net",
    "netcat",
    "netstat",
    "node",
    "nohup",
    "npm",
    "npx",
    "nslookup",
    "open",
    "openssl",
    "perl",
    "php",
    "ping",
    "pip",
    "powershell",
    "printenv",
    "printf",
    "ps",
    "pwd",
    "pwsh",
    "python",
    "python2",
    "python3",
    "reboot",
    "regsvr32",
    "rm",
    "rsync",
    "ruby",
    "rundll32",
    "scp",
    "sed",
    "set",
    "sh",
    "shutdown",
    "sleep",
    "socat",
    "ssh",
    "start",
    "su",
    "sudo",
    "tail",
    "tar",
    "tee",
    "telnet",
    "tftp",
    "touch",
    "true",
    "type",
    "uname",
    "unzip",
    "wget",
    "whoami",
    "xargs",
    "xxd",
    "zsh",
    ":",
];

/// Of them those that are words, or names of members, too.
const WORDS: &[&str] = &[
    "calc", "date", "dir", "eval", "exec", "export", "find", "head", "host", "hostname", "id", "ip", "kill",
    "more", "net", "node", "open", "set", "start", "tail", "touch", "true", "type", ":",
];
/// From here on it is a command.
const SURE: f32 = 0.85;

pub(super) fn find(text: &str, member: Member) -> Option<Hit> {
    let is_name = matches!(member, Member::Path | Member::Host | Member::Address | Member::Name);
    if !is_name {
        return None;
    }
    let bytes = text.as_bytes();
    let mut best: Option<(f32, usize)> = None;
    // Of what parts commands in a row the first one counts: each would be followed to the same word.
    let mut in_row = false;
    for (at, byte) in bytes.iter().enumerate() {
        let behind = bytes.get(at + 1);
        let is_second = in_row;
        in_row = match byte {
            b';' | b'|' | b'\n' => true,
            b'&' => in_row || member != Member::Address || behind == Some(&b'&'),
            b' ' | b'\t' | b'\r' | b'(' | b'{' => in_row,
            _ => false,
        };
        let score = match byte {
            b'$' if behind == Some(&b'(') => substituted(text, at + 2, member),
            b'$' if text
                .get(at..)
                .is_some_and(|rest| rest.starts_with("${IFS") || rest.starts_with("$IFS")) =>
            {
                Some(0.9)
            }
            b'`' => substituted(text, at + 1, member)
                .filter(|_| text.get(at + 1..).is_some_and(|rest| rest.contains('`'))),
            b'<' | b'>' if behind == Some(&b'(') => substituted(text, at + 2, member),
            // What is between two commands.
            b';' | b'|' | b'\n' if !is_second => separated(text, at + 1, member),
            b'&' if behind == Some(&b'&') && !is_second => separated(text, at + 2, member),
            // One alone parts the members of a query, and a command from the next.
            b'&' if member != Member::Address && !is_second => separated(text, at + 1, member),
            _ => None,
        };
        if let Some(score) = score
            && best.is_none_or(|(other, _)| score > other)
        {
            best = Some((score, at));
            if score >= 0.9 {
                break;
            }
        }
    }
    let (score, at) = best?;
    let range = at..text.len();
    Some(if score >= SURE {
        let why = "a name with a second command in it, which a shell would run";
        hit("command_injection", Severity::High, score, range, why)
    } else {
        hit(
            "shell_letters",
            Severity::Medium,
            score,
            range,
            "a name with letters that a shell does not take for letters",
        )
    })
}

/// What a shell would replace by what a command prints.
fn substituted(text: &str, at: usize, member: Member) -> Option<f32> {
    let word = word(window(text, at)?)?;
    Some(match member {
        _ if is_program(word) => 0.9,
        Member::Path | Member::Address => 0.4,
        Member::Host
        | Member::Name
        | Member::Document
        | Member::Command
        | Member::Pattern
        | Member::Other => 0.65,
    })
}

/// What a shell would run next.
fn separated(text: &str, at: usize, member: Member) -> Option<f32> {
    let is_between = |letter: char| " \t|\n\r&({;".contains(letter);
    let behind = text.get(at..)?.trim_start_matches(is_between);
    let rest = window(text, text.len() - behind.len())?;
    if rest.starts_with("$(") || rest.starts_with('`') {
        return Some(0.85);
    }
    let word = word(rest)?;
    let behind = rest.trim_start().get(word.len()..).unwrap_or_default();
    // `a;id` and `a; rm -rf x` are commands; `smith;id=4` is none, nor `a|b.txt`.
    let ends = behind.is_empty()
        || behind.starts_with([' ', '\t', '\n', ';', '|', '&', '$', '<', '>', '`', '#', ')']);
    let is_program = ends && is_program(word);
    let has_arguments = behind.trim_start().starts_with(['-', '/', '.', '$', '~', '"', '\'', '<', '>']);
    match member {
        _ if is_program && (member == Member::Host || has_arguments || !WORDS.contains(&word)) => Some(SURE),
        Member::Name if is_program => Some(0.55),
        Member::Path | Member::Address => None,
        // Names have no such letters; lists of them do.
        _ if behind.starts_with(' ') => Some(0.45),
        Member::Host
        | Member::Name
        | Member::Document
        | Member::Command
        | Member::Pattern
        | Member::Other => Some(0.3),
    }
}

/// What stands at `at`, as far as it is looked at.
fn window(text: &str, at: usize) -> Option<&str> {
    text.get(at..text.ceil_char_boundary(text.len().min(at + WINDOW)))
}

/// The word at the beginning of `rest`, blanks left out.
fn word(rest: &str) -> Option<&str> {
    let rest = rest.trim_start();
    let is_end = |letter: char| !(letter.is_ascii_alphanumeric() || "/._-:".contains(letter));
    rest.get(..rest.find(is_end).unwrap_or(rest.len())).filter(|word| !word.is_empty())
}

fn is_program(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or(word);
    let name = name.strip_suffix(".exe").unwrap_or(name);
    PROGRAMS.contains(&name)
}
