//! Reading nodes: each reader takes what it can, and notes what is wrong.

use super::error::Problem;
use super::glob::Glob;
use super::pattern::{Collected, Pattern};
use crate::yaml::{At, Content, Node, Place, nearest};

/// What has been found wrong so far, and the file's named lists.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pub(super) problems: Vec<Problem>,
    /// `lists:`, by name; `None` where the file has none.
    pub(super) lists: Option<Vec<(String, Vec<At<String>>)>>,
    /// What the rules' regexes need to have in a text.
    pub(super) words: Collected,
}

/// A mapping's members; `-` and `_` in keys are the same.
pub(super) struct Members<'n>(Vec<(String, &'n Node)>);

impl<'n> Members<'n> {
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, node)| *node)
    }
}

impl Reader {
    pub(super) fn problem(&mut self, place: Option<Place>, message: impl Into<String>) {
        self.problems.push(Problem { place, message: message.into() });
    }

    /// The members of the mapping `what`, which may have `keys`.
    pub(super) fn map<'n>(&mut self, node: &'n Node, what: &str, keys: &[&str]) -> Members<'n> {
        let mut members: Vec<(String, &Node)> = Vec::new();
        for (key, value) in self.entries(node, what) {
            let name = key.value.replace('-', "_");
            if !keys.contains(&name.as_str()) {
                let meant = nearest(&key.value, keys).map_or_else(
                    || format!(", expected one of: {}", keys.join(", ")),
                    |meant| format!(", did you mean `{meant}`?"),
                );
                self.problem(key.place, format!("unknown key `{}`{meant}", key.value));
            } else if members.iter().any(|(earlier, _)| *earlier == name) {
                self.problem(key.place, format!("`{name}` is given twice"));
            } else if matches!(value.content, Content::Null) {
                self.problem(key.place, format!("`{}` has no value: leave the key out", key.value));
            } else {
                members.push((name, value));
            }
        }
        Members(members)
    }

    /// The members of the mapping `what`, whatever their keys.
    pub(super) fn entries<'n>(&mut self, node: &'n Node, what: &str) -> &'n [(At<String>, Node)] {
        if let Content::Map(members) = &node.content {
            return members;
        }
        self.problem(node.place, format!("`{what}` is a mapping of keys to values"));
        &[]
    }

    /// The elements of the list `what`, which must have some.
    pub(super) fn list<'n>(&mut self, node: &'n Node, what: &str) -> &'n [Node] {
        match &node.content {
            Content::List(elements) if !elements.is_empty() => elements,
            Content::List(_) => {
                self.problem(node.place, format!("`{what}` is an empty list, which matches nothing"));
                &[]
            }
            Content::Null | Content::Bool(_) | Content::Number(_) | Content::Text(_) | Content::Map(_) => {
                self.problem(node.place, format!("`{what}` is a list"));
                &[]
            }
        }
    }

    /// Text; numbers and truth values are taken as they are spelled.
    pub(super) fn text(&mut self, node: &Node, what: &str) -> Option<At<String>> {
        let value = match &node.content {
            Content::Text(text) | Content::Number(text) => text.clone(),
            Content::Bool(value) => value.to_string(),
            Content::Null | Content::List(_) | Content::Map(_) => {
                self.problem(node.place, format!("`{what}` is text"));
                return None;
            }
        };
        Some(At { value, place: node.place })
    }

    pub(super) fn texts(&mut self, node: &Node, what: &str) -> Vec<At<String>> {
        let elements = self.list(node, what);
        elements.iter().filter_map(|element| self.text(element, what)).collect()
    }

    pub(super) fn flag(&mut self, node: &Node, what: &str) -> bool {
        if let Content::Bool(value) = node.content {
            return value;
        }
        self.problem(node.place, format!("`{what}` is `true` or `false`"));
        false
    }

    /// One of `words`; the position of the one it is.
    pub(super) fn word(&mut self, node: &Node, what: &str, words: &[&str]) -> Option<usize> {
        let text = self.text(node, what)?;
        let found = words.iter().position(|word| *word == text.value);
        if found.is_none() {
            let meant = nearest(&text.value, words).map_or_else(
                || format!("one of: {}", words.join(", ")),
                |meant| format!("did you mean `{meant}`?"),
            );
            self.problem(node.place, format!("`{}` is no {what}, {meant}", text.value));
        }
        found
    }

    /// A list of texts in which `@name` stands for the list of that name.
    pub(super) fn expanded(&mut self, node: &Node, what: &str) -> Vec<At<String>> {
        let mut all = Vec::new();
        for text in self.texts(node, what) {
            match self.named(&text) {
                Some(list) => all.extend(list),
                None => all.push(text),
            }
        }
        all
    }

    /// A list of globs in which `@name` stands for the list of that name.
    pub(super) fn globs(&mut self, node: &Node, what: &str) -> Box<[Glob]> {
        let texts = self.expanded(node, what);
        texts
            .iter()
            .filter_map(|text| {
                let glob = Glob::new(&text.value);
                if let Err(why) = &glob {
                    self.problem(text.place, format!("`{what}`: {why}"));
                }
                glob.ok()
            })
            .collect()
    }

    /// A list of regexes.
    pub(super) fn patterns(&mut self, node: &Node, what: &str) -> Box<[Pattern]> {
        let texts = self.texts(node, what);
        texts.iter().filter_map(|text| self.pattern(text, what)).collect()
    }

    pub(super) fn pattern(&mut self, text: &At<String>, what: &str) -> Option<Pattern> {
        let pattern = Pattern::new(&text.value);
        if let Err(why) = &pattern {
            self.problem(text.place, format!("`{what}`: {why}"));
        }
        pattern.ok()
    }

    /// The list `@name` stands for. Without `lists:` in the file, or with other characters than a list's name has, it
    /// is a glob as any other: `@scope/*`.
    fn named(&mut self, text: &At<String>) -> Option<Vec<At<String>>> {
        let name = text.value.strip_prefix('@').filter(|name| is_list_name(name))?;
        let lists = self.lists.as_ref()?;
        if let Some((_, list)) = lists.iter().find(|(known, _)| known == name) {
            return Some(list.clone());
        }
        let known: Vec<&str> = lists.iter().map(|(known, _)| known.as_str()).collect();
        let meant =
            nearest(name, &known).map_or_else(String::new, |meant| format!(", did you mean `@{meant}`?"));
        self.problem(text.place, format!("no list is called `{name}`{meant}"));
        Some(Vec::new())
    }
}

/// Letters, digits, `-` and `_`.
pub(super) fn is_list_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

impl Reader {
    /// A list's element as it counts: the elements of the list it names, or itself.
    pub(super) fn shown(&self, text: &str) -> Vec<Box<str>> {
        let named = text.strip_prefix('@').and_then(|name| {
            let lists = self.lists.as_ref()?;
            lists.iter().find(|(known, _)| known == name)
        });
        match named {
            Some((_, list)) => list.iter().map(|element| element.value.as_str().into()).collect(),
            None => vec![text.into()],
        }
    }
}
