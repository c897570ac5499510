//! All programs that are known, by name.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::arguments::Arguments;
use super::registry::{JUDGES, TABLES};
use super::rows::Row;
use crate::detect::destructive::act::Act;
use crate::detect::destructive::shell::{PROGRAMS, Program};

/// Says what a command of a program does.
pub(super) type Judge = fn(&Arguments<'_, '_>) -> Option<Act>;

/// What is known of a program.
#[derive(Debug, Default)]
pub(in crate::detect::destructive) struct Entry {
    pub(in crate::detect::destructive) program: Option<Program>,
    pub(super) judges: Vec<Judge>,
    pub(super) rows: Vec<&'static Row>,
}

#[derive(Debug, Default)]
struct Index {
    entries: HashMap<&'static str, Entry>,
    /// By first byte, a bit for each length there is: most words are no program's name.
    lengths: Vec<u64>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut index = Index { entries: HashMap::new(), lengths: vec![0; 256] };
    for (names, program) in PROGRAMS {
        names.split('|').for_each(|name| index.entry(name).program = Some(*program));
    }
    for (names, judge) in JUDGES {
        names.split('|').for_each(|name| index.entry(name).judges.push(*judge));
    }
    for row in TABLES.iter().copied().flatten() {
        row.programs.split('|').for_each(|name| index.entry(name).rows.push(row));
    }
    index
});

impl Index {
    fn entry(&mut self, name: &'static str) -> &mut Entry {
        let (slot, bit) = slot(name);
        if let Some(lengths) = self.lengths.get_mut(slot) {
            *lengths |= bit;
        }
        self.entries.entry(name).or_default()
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
        return INDEX.entries.get(class);
    }
    let (first, bit) = slot(name);
    if INDEX.lengths.get(first).is_none_or(|lengths| lengths & bit == 0) {
        return None;
    }
    INDEX.entries.get(name)
}

/// What stands for a whole class of programs: `mkfs.ext4`, `Remove-Thing`.
fn class(name: &str) -> Option<&'static str> {
    match name.split_once(['.', '-'])? {
        ("mkfs", _) => Some("mkfs"),
        (verb, _) if is_verb(verb) && !INDEX.entries.contains_key(name) => Some("verb-noun"),
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
