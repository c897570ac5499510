//! What a program that takes scripts or starts others makes run.

use super::output::from_base64;
use super::prefix::Prefix;
use super::program::Program;
use super::walk::{Frame, Stage, Walk};
use super::word::{Flavour, Word};
use crate::detect::destructive::commands::{self, base_name};

/// Follows a command into what it runs. `words` begins with the program.
pub(super) fn start(
    walk: &mut Walk<'_>,
    frame: &Frame<'_>,
    stage: Stage<'_, '_>,
    program: Program,
    name: &str,
    words: &[Word<'_>],
) {
    let stage = Stage { level: stage.level + 1, ..stage };
    let rest = words.get(1..).unwrap_or_default();
    match program {
        Program::Prefix(prefix) => prefixed(walk, frame, stage, prefix, name, words),
        Program::Shell => shell(walk, frame, stage, rest),
        Program::Cmd => cmd(walk, frame, stage, rest),
        Program::PowerShell => powershell(walk, frame, stage, rest),
        Program::Eval => eval(walk, frame, stage, name, rest),
        Program::First => match name {
            "trap" => first_plain(rest)
                .into_iter()
                .for_each(|script| walk.inner(frame, stage, script, frame.flavour)),
            _ => {
                let at = rest
                    .iter()
                    .position(|word| !word.text.starts_with('-') && word.text.parse::<f32>().is_err());
                walk.inner(
                    frame,
                    stage,
                    &join(at.and_then(|at| rest.get(at..)).unwrap_or_default()),
                    frame.flavour,
                );
            }
        },
        Program::Alias => {
            for value in
                rest.iter().filter_map(|word| word.text.split_once('=')).map(|(_, value)| value).take(16)
            {
                walk.inner(frame, stage, value, frame.flavour);
            }
        }
        Program::Su => {
            if let Some(script) = after(rest, &["-c", "--command"]) {
                walk.inner(frame, stage, script, Flavour::Posix);
            } else if let Some(at) = rest.iter().position(|word| word.text == "--") {
                walk.command(frame, stage, rest.get(at + 1..).unwrap_or_default());
            }
        }
        Program::Crontab => crontab(walk, frame, stage),
        Program::ForFiles => {
            let at = rest.iter().position(|word| word.text.eq_ignore_ascii_case("/c"));
            if let Some(script) = at.and_then(|at| rest.get(at + 1)) {
                walk.inner(frame, stage, &script.text, Flavour::Windows);
            }
        }
        Program::For => {
            if let [variable, word_in, value, ..] = rest
                && word_in.text == "in"
            {
                walk.variables.assign(&format!("{}={}", variable.text, value.text));
            }
            if let Some(at) = rest.iter().position(|word| word.text.eq_ignore_ascii_case("do")) {
                walk.command(frame, stage, rest.get(at + 1..).unwrap_or_default());
            }
        }
        Program::Function => {
            if let (Some(word), true) = (rest.first(), walk.functions.len() < 16) {
                walk.functions.push(word.text.clone().into_owned());
            }
        }
        Program::Xargs => {
            let started = rest.get(options(rest, "IiLlnPsdEa")..).unwrap_or_default();
            walk.command(frame, Stage { many: true, ..stage }, started);
        }
        Program::Find => {
            for started in commands::find_list(rest) {
                walk.command(frame, Stage { many: true, ..stage }, started);
            }
        }
        Program::Ssh => ssh(walk, frame, stage, rest),
        Program::Container => container(walk, frame, stage, rest),
        Program::Code => code(walk, frame, stage, name, rest),
        Program::Database => database(walk, frame, stage, name, rest),
    }
}

fn prefixed(
    walk: &mut Walk<'_>,
    frame: &Frame<'_>,
    stage: Stage<'_, '_>,
    prefix: Prefix,
    name: &str,
    words: &[Word<'_>],
) {
    let rest = words.get(1..).unwrap_or_default();
    // `command -v rm` asks where it is.
    let asks =
        name == "command" && rest.first().is_some_and(|word| matches!(word.text.as_ref(), "-v" | "-V"));
    if let (true, Some(script)) = (name == "env", after(rest, &["-S", "--split-string"])) {
        walk.inner(frame, stage, script, frame.flavour);
    }
    match prefix.rest(words) {
        [] => {}
        _ if asks => {}
        [only] if only.text.contains(' ') => walk.inner(frame, stage, &only.text, frame.flavour),
        started => walk.command(frame, stage, started),
    }
}

fn cmd(walk: &mut Walk<'_>, frame: &Frame<'_>, stage: Stage<'_, '_>, rest: &[Word<'_>]) {
    let at = rest.iter().position(|word| {
        let start = word.text.get(..2).unwrap_or_default();
        start.eq_ignore_ascii_case("/c") || start.eq_ignore_ascii_case("/k")
    });
    if let Some(at) = at {
        let script = join(rest.get(at..).unwrap_or_default());
        walk.inner(frame, stage, script.get(2..).unwrap_or_default(), Flavour::Windows);
    }
}

/// What a table of scheduled commands has run: five fields, or one word such as `@daily`, and the command.
fn crontab(walk: &mut Walk<'_>, frame: &Frame<'_>, stage: Stage<'_, '_>) {
    let input = Walk::input(stage).unwrap_or_default();
    for line in input.lines().filter(|line| !line.trim_start().starts_with('#')).take(64) {
        let fields = if line.starts_with('@') { 1 } else { 5 };
        let script = line.split_whitespace().skip(fields).collect::<Vec<_>>().join(" ");
        walk.inner(frame, stage, &script, Flavour::Posix);
    }
}

fn shell(walk: &mut Walk<'_>, frame: &Frame<'_>, stage: Stage<'_, '_>, rest: &[Word<'_>]) {
    let is_code = |word: &Word<'_>| {
        word.text.strip_prefix('-').is_some_and(|letters| !letters.starts_with('-') && letters.contains('c'))
            || word.text == "--command"
    };
    if let Some(at) = rest.iter().position(is_code) {
        if let Some(script) = first_plain(rest.get(at + 1..).unwrap_or_default()) {
            walk.inner(frame, stage, script, Flavour::Posix);
        }
        return;
    }
    match first_plain(rest) {
        Some("<(…)") if substitutes_fetch(frame, stage) => walk.remote(frame, stage),
        Some("-" | "/dev/stdin" | "now") | None => walk.piped(frame, stage, Flavour::Posix),
        Some(_) if stage.simple.here.is_some() || rest.iter().any(|word| word.text == "-s") => {
            walk.piped(frame, stage, Flavour::Posix);
        }
        Some(_) => {}
    }
}

/// Whether a `<(…)` of this command fetches something.
fn substitutes_fetch(frame: &Frame<'_>, stage: Stage<'_, '_>) -> bool {
    stage.simple.substitutions.iter().any(|inner| {
        let script = frame.text.get(inner.clone()).unwrap_or_default();
        super::walk::fetches(&format!("$({}", script.get(..80).unwrap_or(script)))
    })
}

fn powershell(walk: &mut Walk<'_>, frame: &Frame<'_>, stage: Stage<'_, '_>, rest: &[Word<'_>]) {
    let named = |word: &Word<'_>, name: &str| {
        let given = word.text.strip_prefix(['-', '/', '–']).unwrap_or_default();
        !given.is_empty() && name.get(..given.len()).is_some_and(|start| start.eq_ignore_ascii_case(given))
    };
    let is_encoded = |word: &Word<'_>| named(word, "encodedcommand") || word.text.eq_ignore_ascii_case("-ec");
    if let Some(at) = rest.iter().position(is_encoded) {
        let script = rest.get(at + 1).and_then(|word| from_base64(&word.text));
        return walk.inner(frame, stage, &script.unwrap_or_default(), Flavour::Windows);
    }
    let valued = |word: &Word<'_>| {
        ["executionpolicy", "windowstyle", "version", "outputformat", "ep", "configurationname"]
            .iter()
            .any(|name| named(word, name))
            && !named(word, "command")
    };
    let mut index = 0;
    while let Some(word) = rest.get(index) {
        if named(word, "command") {
            let script = join(rest.get(index + 1..).unwrap_or_default());
            return walk.inner(frame, stage, &script, Flavour::Windows);
        }
        if !word.text.starts_with('-') {
            return walk.inner(frame, stage, &join(rest.get(index..).unwrap_or_default()), Flavour::Windows);
        }
        index += 1 + usize::from(valued(word));
    }
    walk.piped(frame, stage, Flavour::Windows);
}

fn eval(walk: &mut Walk<'_>, frame: &Frame<'_>, stage: Stage<'_, '_>, name: &str, rest: &[Word<'_>]) {
    let start = stage.simple.span().start;
    let window = frame.text.get(start..).map(|rest| rest.get(..160).unwrap_or(rest)).unwrap_or_default();
    let downloads = ["downloadstring", "iwr ", "irm ", "invoke-webrequest"];
    let fetched =
        name.starts_with('i') && walk.spend(frame, 4 * window.len()) && commands::holds(window, &downloads);
    if fetched || substitutes_fetch(frame, stage) && rest.first().is_some_and(|word| word.text == "<(…)") {
        return walk.remote(frame, stage);
    }
    match name {
        "source" | "." => {}
        _ if rest.is_empty() => walk.piped(frame, stage, frame.flavour),
        _ => walk.inner(frame, stage, &join(rest), frame.flavour),
    }
}

fn ssh(walk: &mut Walk<'_>, frame: &Frame<'_>, stage: Stage<'_, '_>, rest: &[Word<'_>]) {
    let mut plain = Vec::new();
    let mut index = 0;
    while let Some(word) = rest.get(index) {
        let text = word.text.as_ref();
        // Options of the remote command are its own.
        if text.starts_with('-') && plain.len() < 2 {
            let valued = text == "-pw"
                || text.len() == 2 && "bcDEeFIiJLlmOopQRSWwP".contains(text.get(1..).unwrap_or("-"));
            index += 1 + usize::from(valued);
            continue;
        }
        plain.push(text);
        index += 1;
    }
    match plain.split_first() {
        Some((_, [])) => walk.piped(frame, stage, Flavour::Posix),
        Some((_, script)) => walk.inner(frame, stage, &script.join(" "), Flavour::Posix),
        None => {}
    }
}

fn container(walk: &mut Walk<'_>, frame: &Frame<'_>, stage: Stage<'_, '_>, rest: &[Word<'_>]) {
    let Some(at) = rest.iter().take(8).position(|word| matches!(word.text.as_ref(), "exec" | "run" | "ssh"))
    else {
        return;
    };
    let rest = rest.get(at + 1..).unwrap_or_default();
    if let Some(at) = rest.iter().position(|word| word.text == "--") {
        return walk.command(frame, stage, rest.get(at + 1..).unwrap_or_default());
    }
    let mut index = 0;
    while let Some(word) = rest.get(index).map(|word| word.text.as_ref()).filter(|word| word.starts_with('-'))
    {
        let flags = [
            "--rm",
            "--privileged",
            "--init",
            "--detach",
            "--interactive",
            "--tty",
            "--read-only",
            "--stdin",
        ];
        let valued = if word.starts_with("--") {
            !word.contains('=') && !flags.contains(&word)
        } else {
            word.ends_with(['e', 'u', 'n', 'w', 'v', 'p', 'l', 'c', 'm', 'h'])
        };
        index += 1 + usize::from(valued);
    }
    walk.command(frame, stage, rest.get(index + 1..).unwrap_or_default());
}

fn code(walk: &mut Walk<'_>, frame: &Frame<'_>, stage: Stage<'_, '_>, name: &str, rest: &[Word<'_>]) {
    let options: &[&str] = match name {
        "python" | "pypy" | "py" | "ipython" => &["-c"],
        "php" => &["-r"],
        "rails" => &["runner", "r"],
        _ => &["-e", "--eval", "-E", "-p", "-pe", "-ne", "-le", "eval", "--print", "-we", "-nle", "-lne"],
    };
    let text = after(rest, options).map(str::to_owned);
    let text = match text {
        Some(text) => text,
        None if name.ends_with("awk") => first_plain(rest).unwrap_or_default().to_owned(),
        None if first_plain(rest).is_none_or(|word| word == "-") => {
            if stage.before.last().is_some_and(|before| {
                before
                    .words
                    .first()
                    .is_some_and(|word| matches!(base_name(&word.text).as_ref(), "curl" | "wget"))
            }) {
                return walk.remote(frame, stage);
            }
            Walk::input(stage).unwrap_or_default().into_owned()
        }
        None => return,
    };
    let (act, scripts) = commands::judge_code(&text);
    if let Some(act) = act {
        walk.report(frame, act, stage.simple.span());
    }
    for script in scripts {
        walk.inner(frame, stage, &script, Flavour::Posix);
    }
}

fn database(walk: &mut Walk<'_>, frame: &Frame<'_>, stage: Stage<'_, '_>, name: &str, rest: &[Word<'_>]) {
    if matches!(name, "redis-cli" | "valkey-cli" | "keydb-cli") {
        let own = options(rest, "hpasnuridD");
        walk.statements(frame, stage, &join(rest.get(own..).unwrap_or_default()));
    } else {
        for word in rest.iter().filter(|word| word.text.contains([' ', '(', ';'])).take(16) {
            // `-e"drop …"`, `--eval="…"`.
            let text = word.text.as_ref();
            let text = match text.strip_prefix("--").and_then(|option| option.split_once('=')) {
                Some((_, value)) => value,
                None if text.starts_with('-') && !text.starts_with("--") => text.get(2..).unwrap_or_default(),
                None => text,
            };
            walk.statements(frame, stage, text);
        }
    }
    if let Some(input) = Walk::input(stage) {
        walk.statements(frame, stage, &input);
    }
}

fn join(words: &[Word<'_>]) -> String {
    words.iter().map(|word| word.text.as_ref()).collect::<Vec<_>>().join(" ")
}

/// The word after one of these options.
fn after<'w>(words: &'w [Word<'_>], options: &[&str]) -> Option<&'w str> {
    let at = words.iter().position(|word| options.contains(&word.text.as_ref()))?;
    words.get(at + 1).map(|word| word.text.as_ref())
}

fn first_plain<'w>(words: &'w [Word<'_>]) -> Option<&'w str> {
    words.iter().map(|word| word.text.as_ref()).find(|word| *word == "-" || !word.starts_with(['-', '+']))
}

/// How many words are options and their values, in front.
fn options(words: &[Word<'_>], valued: &str) -> usize {
    let mut index = 0;
    while let Some(word) =
        words.get(index).map(|word| word.text.as_ref()).filter(|word| word.starts_with('-'))
    {
        index += 1 + usize::from(word.len() == 2 && valued.contains(word.get(1..).unwrap_or("-")));
    }
    index
}
