//! Names: those another server has too, or nearly, and those that are not what they look like.

use std::collections::HashMap;

use crate::text::fold;

/// Names that are remembered.
const NAMES_MAX: usize = 16_384;
/// A name shorter than this is a common word.
const NAME_MIN: usize = 6;

/// The tools of the other servers a client has.
#[derive(Debug, Default)]
pub struct Neighbours {
    /// By skeleton: server and name.
    names: HashMap<String, Vec<Tool>>,
    count: usize,
}

/// A server and the name of one of its tools.
type Tool = (Box<str>, Box<str>);

/// How a name is like another server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Likeness {
    Same,
    Confusable,
    Near,
}

impl Neighbours {
    /// Of pairs of server and tool. What is over 16,384 names is left out.
    pub fn new<'a>(tools: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut neighbours = Self::default();
        for (server, tool) in tools {
            neighbours.add(server, tool);
        }
        neighbours
    }

    /// Adds a tool of a server; without effect where there are 16,384.
    pub fn add(&mut self, server: &str, tool: &str) {
        if self.count < NAMES_MAX {
            self.count += 1;
            self.names.entry(skeleton(tool)).or_default().push((server.into(), tool.into()));
        }
    }

    /// The likest name a server other than `server` has.
    pub(super) fn like(&self, server: &str, name: &str) -> Option<Likeness> {
        if self.is_empty() {
            return None;
        }
        let own = skeleton(name);
        let others = |skeleton: &str| {
            self.names.get(skeleton).into_iter().flatten().filter(|(other, _)| **other != *server)
        };
        let same = others(&own).any(|(_, other)| **other == *name);
        if same || others(&own).next().is_some() {
            return Some(if same { Likeness::Same } else { Likeness::Confusable });
        }
        if own.chars().count() < NAME_MIN {
            return None;
        }
        let is_near = |other: &String| is_one_apart(&own, other) && others(other).next().is_some();
        self.names.keys().any(is_near).then_some(Likeness::Near)
    }

    /// A tool of a server other than `server` has this name, and the name is no common word.
    pub(super) fn has(&self, server: &str, name: &str) -> bool {
        let is_distinct = name.len() >= NAME_MIN && name.contains(['_', '-']);
        is_distinct
            && self
                .names
                .get(&skeleton(name))
                .into_iter()
                .flatten()
                .any(|(other, tool)| **other != *server && **tool == *name)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// What a name looks like: without case, separators and what tells look-alikes apart.
fn skeleton(name: &str) -> String {
    let plain = |character: char| match character {
        '0' => Some('o'),
        '1' | 'i' | '|' => Some('l'),
        '5' => Some('s'),
        other => other.is_alphanumeric().then_some(other),
    };
    fold(name).chars().filter_map(plain).collect::<String>().replace("rn", "m").replace("vv", "w")
}

/// One character more, less or other; not only a plural or another number.
fn is_one_apart(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let (short, long) = if one.len() <= other.len() { (&one, &other) } else { (&other, &one) };
    if long.len() - short.len() > 1 {
        return false;
    }
    let start = short.iter().zip(long).take_while(|(one, other)| one == other).count();
    let end = short.iter().rev().zip(long.iter().rev()).take_while(|(one, other)| one == other).count();
    let is_plural = long.len() > short.len() && start == short.len() && long.last() == Some(&'s');
    let is_number = short.get(start).is_some_and(char::is_ascii_digit)
        || long.get(start).is_some_and(char::is_ascii_digit);
    start + end.min(short.len() - start) + 1 >= long.len() && one != other && !is_plural && !is_number
}

/// Letters of another script that look like those of ASCII stand among letters of ASCII.
pub(super) fn is_disguised(name: &str) -> bool {
    let letters = || name.chars().filter(|character| character.is_alphabetic());
    !name.is_ascii()
        && letters().any(|character| character.is_ascii())
        && letters()
            .any(|character| !character.is_ascii() && fold(character.encode_utf8(&mut [0; 4])).is_ascii())
}
