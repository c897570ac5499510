//! What a server said while it was looked at. Pure.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::detect::DefinitionKind;
use crate::detect::pins::{canonical, name};
use crate::json::{Document, Limits};

/// Methods a server asked that are told apart.
const METHODS_MAX: usize = 32;
/// Characters of a name or version that are kept.
const NAME_MAX: usize = 128;

/// One definition, as it came.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) kind: DefinitionKind,
    pub(super) text: Bytes,
}

/// All that was heard.
#[derive(Debug, Clone, Default)]
pub(super) struct Observation {
    /// The answer to the handshake.
    pub(super) identity: Option<Bytes>,
    /// Revisions it was spoken to in, oldest first.
    pub(super) revisions: Vec<String>,
    /// What it lists; of a server of both eras what it lists to older clients.
    pub(super) definitions: Vec<Listed>,
    /// Requests of its own, by method, and how many.
    pub(super) asked: BTreeMap<String, u32>,
    /// Lines or events that are no messages at all.
    pub(super) rubbish: u32,
    /// Messages the gateway would refuse, and why the first.
    pub(super) refused: Option<(u32, &'static str)>,
    /// What is different where it is asked again, or by clients of the other era: names.
    pub(super) unstable: Vec<String>,
    pub(super) two_faced: Vec<String>,
    /// Listings that were not heard to their end, and why.
    pub(super) incomplete: Vec<(DefinitionKind, &'static str)>,
}

impl Observation {
    /// It never took a handshake.
    pub(super) fn ended_early(&self) -> bool {
        self.identity.is_none()
    }

    /// What the server says to clients of the newest revision, beside what it says to older ones.
    pub(super) fn compare(&mut self, modern: Self) {
        for revision in modern.revisions {
            if !self.revisions.contains(&revision) {
                self.revisions.push(revision);
            }
        }
        self.two_faced = differing(&told(&self.definitions), &told(&modern.definitions));
        // What only one of them is told is judged as well.
        let known = told(&self.definitions);
        let new = modern.definitions.into_iter().filter(|listed| {
            told(std::slice::from_ref(listed)).iter().any(|(key, text)| known.get(key) != Some(text))
        });
        self.definitions.extend(new);
    }

    /// A request of the server's own.
    pub(super) fn was_asked(&mut self, method: &str) {
        if self.asked.len() < METHODS_MAX || self.asked.contains_key(method) {
            *self.asked.entry(method.to_owned()).or_default() += 1;
        }
    }

    /// The name and version it gives itself.
    pub(super) fn name(&self) -> Option<(String, String)> {
        let document = Document::parse(self.identity.clone()?, &Limits::default()).ok()?;
        let info = document.root().get("serverInfo")?;
        let text = |member| {
            let text = info.get(member).and_then(crate::json::Value::as_str).unwrap_or_default();
            text.chars().take(NAME_MAX).collect::<String>()
        };
        Some((text("name"), text("version")))
    }

    /// The names of its tools.
    pub(super) fn tools(&self) -> Vec<String> {
        let tools = self.definitions.iter().filter(|listed| listed.kind == DefinitionKind::Tool);
        let named = |listed: &Listed| {
            let document = Document::parse(listed.text.clone(), &Limits::default()).ok()?;
            name(listed.kind, document.root())
        };
        tools.filter_map(named).collect()
    }

    /// How many tools, prompts, resources and templates it lists.
    pub(super) fn counts(&self) -> [usize; 4] {
        [
            DefinitionKind::Tool,
            DefinitionKind::Prompt,
            DefinitionKind::Resource,
            DefinitionKind::ResourceTemplate,
        ]
        .map(|kind| self.definitions.iter().filter(|listed| listed.kind == kind).count())
    }
}

/// What a model is told of each definition, by kind and name.
pub(super) type Told = BTreeMap<(DefinitionKind, String), String>;

/// What `definitions` tell a model: what is new in a revision, as icons are, tells it nothing.
pub(super) fn told(definitions: &[Listed]) -> Told {
    let mut told = Told::new();
    for listed in definitions {
        let Ok(document) = Document::parse(listed.text.clone(), &Limits::default()) else { continue };
        let root = document.root();
        let Some(name) = name(listed.kind, root) else { continue };
        let parts = ["description", "inputSchema", "arguments"]
            .map(|member| root.get(member).map(canonical).unwrap_or_default());
        told.insert((listed.kind, name), parts.join("\n"));
    }
    told
}

/// Names of what is not alike in both, or not in both.
pub(super) fn differing(one: &Told, other: &Told) -> Vec<String> {
    let mut names: Vec<_> = one
        .iter()
        .filter(|(key, text)| other.get(*key) != Some(*text))
        .chain(other.iter().filter(|(key, _)| !one.contains_key(*key)))
        .map(|((_, name), _)| name.clone())
        .collect();
    names.sort();
    names.dedup();
    names
}
