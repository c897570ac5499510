//! All programs that are known, by name.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::arguments::Arguments;
use super::registry::{JUDGES, TABLES};
use super::rows::Row;
use crate::detect::destructive::act::Act;
use crate::detect::destructive::shell::{PROGRAMS, Program};
use crate::detect::table::Table;

/// Says what a command of a program does.
pub(super) type Judge = fn(&Arguments<'_, '_>) -> Option<Act>;

/// What is known of a program.
#[derive(Debug, Default)]
pub(in crate::detect::destructive) struct Entry {
    pub(in crate::detect::destructive) program: Option<Program>,
    pub(super) judges: Vec<Judge>,
    pub(super) rows: Vec<&'static Row>,
}

#[derive(Debug)]
struct Index {
    entries: Vec<Entry>,
    /// Where each program's entry is.
    places: Table<usize>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut entries: HashMap<&'static str, Entry> = HashMap::new();
    for (names, program) in PROGRAMS {
        names.split('|').for_each(|name| entries.entry(name).or_default().program = Some(*program));
    }
    for (names, judge) in JUDGES {
        names.split('|').for_each(|name| entries.entry(name).or_default().judges.push(*judge));
    }
    for row in TABLES.iter().copied().flatten() {
        row.programs.split('|').for_each(|name| entries.entry(name).or_default().rows.push(row));
    }
    let places = Table::new(entries.keys().copied().enumerate().map(|(place, name)| (name, place)));
    Index { entries: entries.into_values().collect(), places }
});

impl Index {
    fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.get(self.places.get(name.as_bytes())?)
    }
}

/// What is known of the program of this name, in lower case.
pub(in crate::detect::destructive) fn entry(name: &str) -> Option<&'static Entry> {
    if memchr::memchr2(b'.', b'-', name.as_bytes()).is_some()
        && let Some(class) = class(name)
    {
        return INDEX.get(class);
    }
    INDEX.get(name)
}

/// What stands for a whole class of programs: `mkfs.ext4`, `Remove-Thing`.
fn class(name: &str) -> Option<&'static str> {
    match name.split_once(['.', '-'])? {
        ("mkfs", _) => Some("mkfs"),
        (verb, _) if is_verb(verb) && INDEX.get(name).is_none() => Some("verb-noun"),
        _ => None,
    }
}

/// The verbs of cmdlets that take something away.
fn is_verb(word: &str) -> bool {
    matches!(
        word,
        "remove"
            | "clear"
            | "stop"
            | "disable"
            | "uninstall"
            | "format"
            | "initialize"
            | "reset"
            | "restart"
            | "set"
            | "delete"
            | "revoke"
            | "unregister"
            | "dismount"
            | "suspend"
            | "limit"
    )
}
