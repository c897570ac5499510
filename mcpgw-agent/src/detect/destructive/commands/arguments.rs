//! The words after a program's name, asked about.

use crate::detect::destructive::shell::{Flavour, Simple, Word};

/// A command's words and what is around it.
#[derive(Debug, Clone, Copy)]
pub(in crate::detect::destructive) struct Arguments<'w, 'a> {
    /// The program, without directory and ending, in lower case.
    pub(in crate::detect::destructive) name: &'w str,
    /// After the name.
    pub(in crate::detect::destructive) words: &'w [Word<'a>],
    /// The words as they were given to the shell, prefixes and redirections included.
    pub(in crate::detect::destructive) simple: &'w Simple<'a>,
    /// What the command before in the pipeline was.
    pub(in crate::detect::destructive) before: Option<&'w Simple<'a>>,
    pub(in crate::detect::destructive) flavour: Flavour,
    /// Whether more arguments come from elsewhere: `xargs`, `find -exec`.
    pub(in crate::detect::destructive) many: bool,
}

impl<'w> Arguments<'w, '_> {
    pub(super) fn texts(&self) -> impl Iterator<Item = &'w str> + use<'w, '_> {
        self.words.iter().map(|word| word.text.as_ref())
    }

    /// Whether the command only says what it would do.
    pub(super) fn asks_for_help(&self) -> bool {
        let alone = self.words.len() == 1;
        self.texts().take_while(|word| *word != "--").any(|word| {
            let lower = |other: &str| word.eq_ignore_ascii_case(other);
            matches!(
                word,
                "--help"
                    | "-help"
                    | "--dry-run"
                    | "--dryrun"
                    | "--version"
                    | "--simulate"
                    | "--just-print"
                    | "/?"
            ) || word.starts_with("--dry-run=") && word != "--dry-run=none"
                || lower("-whatif")
                || lower("--what-if")
                || alone && matches!(word, "-h" | "-V" | "help" | "version")
        })
    }

    /// Whether one of the words is among these.
    pub(super) fn any(&self, words: &[&str]) -> bool {
        self.texts().any(|word| words.iter().any(|other| word.eq_ignore_ascii_case(other)))
    }

    /// Whether a short option is given, alone or in a cluster, before `--`.
    pub(super) fn short(&self, letter: char) -> bool {
        self.texts().take_while(|word| *word != "--").any(|word| {
            word.strip_prefix('-')
                .is_some_and(|letters| !letters.starts_with('-') && letters.contains(letter))
        })
    }

    /// Whether a long option is given, with or without a value. An abbreviation counts from four letters on.
    pub(super) fn long(&self, name: &str) -> bool {
        self.texts().take_while(|word| *word != "--").any(|word| {
            word.strip_prefix("--").is_some_and(|option| {
                let option = option.split('=').next().unwrap_or(option);
                option == name || option.len() >= 4 && name.starts_with(option)
            })
        })
    }

    /// A switch of cmd: `/s`, in any case, `/s/q` together.
    pub(super) fn switch(&self, name: &str) -> bool {
        self.texts().any(|word| {
            word.starts_with('/') && word.split('/').skip(1).any(|part| part.eq_ignore_ascii_case(name))
        })
    }

    /// A parameter of PowerShell, abbreviated or not: `-Rec` for `recurse`, at least `least` letters.
    pub(super) fn parameter(&self, name: &str, least: usize) -> bool {
        self.texts().any(|word| {
            let Some(given) = word.strip_prefix(['-', '–']) else { return false };
            let given = given.split(':').next().unwrap_or(given);
            given.len() >= least
                && name.get(..given.len()).is_some_and(|start| start.eq_ignore_ascii_case(given))
        })
    }

    /// The words that are no options; all of them after `--`.
    pub(super) fn plain(&self) -> impl Iterator<Item = &'w str> + use<'w, '_> {
        let mut options = true;
        self.texts().filter(move |word| {
            if options && *word == "--" {
                options = false;
                return false;
            }
            !(options && word.len() > 1 && word.starts_with('-'))
        })
    }

    /// The first word that is no option.
    pub(super) fn first(&self) -> &'w str {
        self.plain().next().unwrap_or_default()
    }

    /// The value of `--name value`, `--name=value` or `name=value`.
    pub(super) fn value(&self, name: &str) -> Option<&'w str> {
        let mut texts = self.texts();
        while let Some(word) = texts.next() {
            if word == name {
                return texts.next();
            }
            if let Some(value) = word.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')) {
                return Some(value);
            }
        }
        None
    }

    /// Whether some word holds one of these, in any case. For words of commands that are short.
    pub(super) fn holds(&self, parts: &[&str]) -> bool {
        self.texts().take(64).any(|word| holds(word, parts))
    }
}

/// Whether a text holds one of these parts, in any case; of a long text, its first kilobyte counts.
pub(in crate::detect::destructive) fn holds(text: &str, parts: &[&str]) -> bool {
    let text = text.as_bytes();
    let text = text.get(..1024).unwrap_or(text);
    parts.iter().any(|part| {
        text.windows(part.len().max(1)).any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
    })
}
