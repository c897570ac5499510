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
    /// By first byte, a bit for each length there is: most words are no program's name.
    lengths: Vec<u64>,
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
    let mut lengths = vec![0; 256];
    for name in entries.keys() {
        let (slot, bit) = slot(name);
        if let Some(lengths) = lengths.get_mut(slot) {
            *lengths |= bit;
        }
    }
    let places = Table::new(entries.keys().copied().enumerate().map(|(place, name)| (name, place)));
    Index { entries: entries.into_values().collect(), places, lengths }
});

impl Index {
    fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.get(self.places.get(name.as_bytes())?)
    }
}

fn slot(name: &str) -> (usize, u64) {
    (name.bytes().next().map_or(0, usize::from), 1 << name.len().min(63))
}

/// What is known of the program of this name, in lower case.
pub(in crate::detect::destructive) fn entry(name: &str) -> Option<&'static Entry> {
    if memchr::memchr2(b'.', b'-', name.as_bytes()).is_some()
        && let Some(class) = class(name)
    {
        return INDEX.get(class);
    }
    let (first, bit) = slot(name);
    if INDEX.lengths.get(first).is_none_or(|lengths| lengths & bit == 0) {
        return None;
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
