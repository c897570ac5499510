//! find: where it looks, what for, and what it does with what it finds.

use super::arguments::Arguments;
use super::target::{Weight, weigh};
use crate::detect::destructive::act::Act;
use crate::detect::destructive::shell::Word;

const WIDE: Act = Act::high("recursive_delete", "removes whatever it finds");
const NARROW: Act = Act::low("file_delete", "removes what it finds of one kind");

/// The commands find starts, each with its name first. What removes is judged by [`judge`], with what find looks for.
pub(in crate::detect::destructive) fn list<'w, 'a>(words: &'w [Word<'a>]) -> Vec<&'w [Word<'a>]> {
    let mut started = Vec::new();
    let mut rest = words;
    while let Some(at) = rest.iter().position(|word| is_exec(&word.text)) {
        rest = rest.get(at + 1..).unwrap_or_default();
        let end = rest.iter().position(|word| matches!(word.text.as_ref(), ";" | "+")).unwrap_or(rest.len());
        let command = rest.get(..end).unwrap_or_default();
        if !command.first().is_some_and(|word| removes(&word.text)) && started.len() < 8 {
            started.push(command);
        }
        rest = rest.get(end..).unwrap_or_default();
    }
    started
}

fn is_exec(word: &str) -> bool {
    matches!(word, "-exec" | "-execdir" | "-x" | "--exec" | "-X" | "--exec-batch")
}

fn removes(word: &str) -> bool {
    matches!(super::base_name(word).as_ref(), "rm" | "unlink" | "rmdir" | "trash")
}

/// find with -delete, or with -exec rm.
pub(super) fn judge(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let deletes = arguments.any(&["-delete"]);
    let mut texts = arguments.texts();
    let exec = texts.find(|word| is_exec(word)).and_then(|_| texts.next()).is_some_and(removes);
    if !deletes && !exec {
        return None;
    }
    let recursive = exec && (arguments.any(&["-rf", "-fr", "-r", "-R", "-Rf"]));
    let roots = arguments.texts().take_while(|word| !word.starts_with(['-', '(', '!']));
    let heaviest = roots.map(weigh).max().unwrap_or(Weight::Everything);
    let relative = arguments
        .texts()
        .take_while(|word| !word.starts_with('-'))
        .all(|root| !root.starts_with(['/', '~', '$']));
    let name = ["-name", "-iname", "-path", "-regex", "-e"].iter().find_map(|option| arguments.value(option));
    let others = arguments.any(&["!", "-not", "-o", "-or"]);
    let is_narrow = !others && name.is_some_and(|name| name.trim_matches(['*', '.']).len() > 1);
    let made = name.is_some_and(|name| weigh(name) == Weight::Nothing);
    match heaviest {
        Weight::Nothing => None,
        _ if arguments.any(&["-empty"]) => None,
        _ if made && (relative || heaviest < Weight::Everything) => None,
        _ if is_narrow && relative && !recursive => Some(NARROW),
        Weight::Ordinary | Weight::Much | Weight::Everything => Some(WIDE),
    }
}
